"""The standing cast and the clinic's rules, for tests of `core` that need no server."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from workflow.core.entries import Voice
from workflow.core.mail import Mail, Report
from workflow.core.model import Case
from workflow.core.owed import Scene
from workflow.core.people import Person, Role, Roster
from workflow.core.reports import open_case
from workflow.core.rules import Cadence, Kind, Rules

TORONTO = ZoneInfo("America/Toronto")
DANA = Person("Dana Lee", ("dana@clinic.test", "dana.lee@clinic.test"))
RAVI = Person("Ravi Patel", ("ravi@clinic.test",))
ALEX = Person("Front Desk", ("admin@clinic.test",))
PAT = Person("Pat Roy", ("pat@clinic.test",))
LEE = Person("Lee Chan", ("lead@clinic.test",))


def minutes(*many: float) -> tuple[timedelta, ...]:
    return tuple(timedelta(minutes=one) for one in many)


CADENCE = Cadence(
    session=timedelta(minutes=50),
    zone="America/Toronto",
    quiet_from=time(21),
    quiet_to=time(8),
    grace=timedelta(minutes=60),
)
"""The contract's defaults (section 6)."""

RULES = Rules(
    clinic="Riverside Counselling",
    address="clinic@clinic.test",
    roster=Roster((DANA, RAVI), (ALEX, PAT), LEE),
    cadence=CADENCE,
    stale_after=timedelta(hours=12),
)


def local(clock: str, day: int = 5) -> datetime:
    """A clinic time in November 2026, as UTC: ``local("14:05")``."""
    hour, minute = (int(part) for part in clock.split(":"))
    return datetime(2026, 11, day, hour, minute, tzinfo=TORONTO).astimezone(UTC)


def clock(at: datetime | None) -> str:
    """The other way: ``05 14:05``."""
    assert at is not None
    return at.astimezone(TORONTO).strftime("%d %H:%M")


class CountingMint:
    """Ids in order: K222, K223 …"""

    def __init__(self) -> None:
        self._cases = count()
        self._tokens = count(1)

    def case(self) -> str:
        digits = "23456789BCDFGHJKMNPQRSTVWXZ"
        high, low = divmod(next(self._cases), len(digits))
        return f"K2{digits[high % len(digits)]}{digits[low]}"

    def token(self, _name: str) -> str:
        return f"t{next(self._tokens)}"


MINT = CountingMint()


def scene(now: datetime, rules: Rules = RULES) -> Scene:
    return Scene(rules, now, MINT.token, MINT.case())


def mail(text: str, at: datetime, **more: Any) -> Mail:
    values: dict[str, Any] = {
        "key": f"key {text} {at.isoformat()}",
        "sender": DANA.email,
        "subject": text,
        "new_text": "",
        "quoted_text": "",
        "message_id": f"<{abs(hash((text, at)))}@phone.test>",
        "refers_to": (),
        "arrived_at": at,
        "written_at": at,
    }
    return Mail(**{**values, **more})


def dana(text: str, at: datetime, **more: Any) -> Voice:
    return Voice(mail(text, at, **more), DANA, Role.ASSOCIATE)


def alex(text: str, at: datetime, **more: Any) -> Voice:
    return Voice(mail(text, at, sender=ALEX.email, **more), ALEX, Role.ADMIN)


def a_case(kind: Kind = Kind.NOSHOW, opened: datetime | None = None, rules: Rules = RULES, **report: Any) -> Case:
    """A case that Dana opened about Sam P., its first letters sent."""
    now = opened if opened is not None else local("14:00")
    told = Report(**{"kind": kind, "client": "Sam P.", **report})
    return open_case(scene(now, rules), dana(f"{kind.value} {now}", now), told, DANA, [])


def without_quiet(rules: Rules = RULES) -> Rules:
    return replace(rules, cadence=replace(rules.cadence, quiet_from=time(0), quiet_to=time(0)))
