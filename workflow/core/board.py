"""What the board shows, and the order in which `status` lists cases: what needs somebody now, what is told and waits,
what was closed today. Contract section 4, "Board".

All that is handed to the page is in `Glance`, so that no template can show more: initials, kinds, times, and words of
ours; of many clinics it is `Counted`, in numbers alone. Not here: sentences, which stand in templates/board.html and
boards.html, and the file, which is `workflow.board`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from workflow.core import presence
from workflow.core.language.names import initials, short_person
from workflow.core.language.printed import standing, when
from workflow.core.language.times import says_when
from workflow.core.model import Case, Outcome, Says, State, Timer
from workflow.core.people import Person
from workflow.core.rules import Kind, Rules
from workflow.core.schedule import unread_since

MOST = 30
"""Rows of a part; no screen has room for more, and a clinic with thousands of open cases must not wait for its page."""

IN_MINUTES = 180
"""So many minutes are told as such, as LATE takes them; beyond that hours, and then days, are what people count in."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A case, in words for a screen."""

    case: str
    kind: str
    who: str
    """The associate's initials; "" where the screen shows none."""
    whom: str
    """The client's, likewise; "" also where nobody said who it is."""
    unnamed: bool
    """Nobody said who the client is."""
    minutes: int | None
    """What LATE said."""


@dataclass(frozen=True, slots=True)
class Row(Listed):
    """An open case."""

    number: int
    """How long it is since the session began, or since the report where no time was given; in `unit`."""
    unit: str
    ahead: bool
    """The session is still to come, in so long."""
    session: str
    """When it began or begins: "2:00 pm"; "" when not known."""
    reported: str
    standing: str
    """What is known of the client: "client messaged"."""
    away: bool
    """The associate does not read what is sent to them."""
    next: str
    """A `Due`: what happens next by itself; "" for nothing."""
    next_at: str


@dataclass(frozen=True, slots=True)
class Ended(Listed):
    """A case that was closed today."""

    outcome: str
    """An `Outcome`, or "mistake"."""
    at: str
    no_time: bool
    """Rescheduled, without a word of when: somebody has to book a time."""
    apology: bool
    """The associate owes an apology."""


@dataclass(frozen=True, slots=True)
class Glance:
    """One look at a clinic. Of each part the first `MOST`; the counts are of all."""

    open: int
    needing: int
    closed: int
    needs: tuple[Row, ...]
    """Most urgent first."""
    told: tuple[Row, ...]
    """What comes next first."""
    ended: tuple[Ended, ...]
    """What still needs a time first, then the newest."""
    away: tuple[str, ...]
    """Admins, and the lead, who do not read what is sent to them: initials, or "an admin"."""
    troubles: Mapping[str, str]
    """What keeps the page from being the whole truth, and since when, "" where that is not known: "mailbox", "sending",
    "daemon" (there is none)."""
    unread: int
    """Cases that can't be read."""


@dataclass(frozen=True, slots=True)
class Counted:
    """A clinic in numbers, for who looks after many."""

    clinic: str
    """The name of its file; what it calls itself may be somebody's name."""
    open: int = 0
    needing: int = 0
    since: datetime | None = None
    """Where the minutes of the longest of those count from; None: there is none."""
    number: int = 0
    unit: str = ""
    ahead: bool = False
    """How long that is, as in `Row`."""
    closed: int = 0
    """Today, in the clinic's zone."""
    undated: int = 0
    """How many of those were rescheduled without a word of when."""
    troubles: Mapping[str, str] = field(default_factory=dict)
    """As in `Glance`, but with how long it has lasted: "12 min"; and "unreadable": nothing can be counted."""
    unread: int = 0

    @property
    def urgent(self) -> bool:
        return bool(self.needing or self.troubles or self.unread)


def needs_somebody(case: Case) -> bool:
    """Whether an open case asks for somebody of the clinic now: nobody knows that its client was told, the client wants
    a new time, or its associate does not read what is sent."""
    return _is_untold(case) or case.client_says is Says.REBOOK or unread_since(case) is not None


def by_need(cases: Iterable[Case]) -> list[Case]:
    """Open cases, most urgent first: clients not known to be told, then what else needs somebody, each the longest
    first; then what is told and waits, in the order in which something comes."""
    return sorted(cases, key=_urgency)


def since(case: Case) -> datetime:
    """Where the minutes of a case count from: the session's start, else the report."""
    return case.session_at or case.reported_at


def span(case: Case, now: datetime) -> tuple[int, str]:
    """How long that is ago, as people say it: ``(12, "min")``; below zero while it is still to come."""
    return _said(now - since(case))


def coming(case: Case) -> Timer | None:
    """What happens next by itself."""
    return min(case.timers, key=lambda timer: timer.at, default=None)


def midnight(now: datetime, zone: ZoneInfo) -> datetime:
    """When the clinic's day began. UTC."""
    return datetime.combine(now.astimezone(zone), time(), zone).astimezone(UTC)


def glance(
    cases: Iterable[Case],
    closed: Iterable[Case],
    marks: presence.Marks,
    rules: Rules,
    now: datetime,
    *,
    named: bool,
    troubles: Mapping[str, datetime | None] | None = None,
    unread: int = 0,
) -> Glance:
    """What the board shows at `now`. `closed`: the cases closed since `midnight`; `named`: with initials."""
    still = by_need(case for case in cases if case.open)
    needs = [case for case in still if needs_somebody(case)]
    told = still[len(needs) :]
    over = sorted(closed, key=lambda case: case.closed_at or case.changed_at, reverse=True)
    over.sort(key=_lacks_time, reverse=True)
    zone = ZoneInfo(rules.cadence.zone)
    away = [(one, "an admin") for one in rules.roster.admins if _is_away(marks, one, now)]
    if (lead := rules.roster.lead) is not None and _is_away(marks, lead, now):
        away.append((lead, "the lead"))
    return Glance(
        open=len(still),
        needing=len(needs),
        closed=len(over),
        needs=tuple(_row(case, now, zone, named=named) for case in needs[:MOST]),
        told=tuple(_row(case, now, zone, named=named) for case in told[:MOST]),
        ended=tuple(_ended(case, now, zone, named=named) for case in over[:MOST]),
        away=tuple(_initials(one) if named else role for one, role in away),
        troubles={name: when(at, now, zone) if at is not None else "" for name, at in (troubles or {}).items()},
        unread=unread,
    )


def count(
    clinic: str,
    cases: Iterable[Case],
    closed: Iterable[Case],
    now: datetime,
    *,
    troubles: Mapping[str, datetime | None],
    unread: int,
) -> Counted:
    """The same in numbers, which name nobody."""
    still, over = [case for case in cases if case.open], list(closed)
    needs = [case for case in still if needs_somebody(case)]
    longest = min(needs, key=since, default=None)
    number, unit = span(longest, now) if longest is not None else (0, "")
    return Counted(
        clinic,
        open=len(still),
        needing=len(needs),
        since=since(longest) if longest is not None else None,
        number=abs(number),
        unit=unit,
        ahead=number < 0,
        closed=len(over),
        undated=sum(map(_lacks_time, over)),
        troubles={name: "" if at is None else "{} {}".format(*_said(now - at)) for name, at in troubles.items()},
        unread=unread,
    )


def clinics_by_need(counted: Iterable[Counted]) -> list[Counted]:
    """Where somebody is needed the longest first; then where nobody can know; then the others, by name."""
    named = sorted(counted, key=lambda one: (not one.urgent, one.clinic))
    return sorted(named, key=lambda one: float("inf") if one.since is None else one.since.timestamp())


def _said(passed: timedelta) -> tuple[int, str]:
    minutes = abs(passed) // timedelta(minutes=1) * (1 if passed >= timedelta() else -1)
    if abs(minutes) < IN_MINUTES:
        return minutes, "min"
    hours = int(minutes / 60)
    return (hours, "h") if abs(hours) < 48 else (int(hours / 24), "days")


def _urgency(case: Case) -> tuple[int, float]:
    if needs_somebody(case):
        return (0 if _is_untold(case) else 1), since(case).timestamp()
    timer = coming(case)
    return 2, float("inf") if timer is None else timer.at.timestamp()


def _is_untold(case: Case) -> bool:
    return case.kind is not Kind.WAITING and case.sent_at is None and case.reached_at is None


def _is_away(marks: presence.Marks, person: Person, now: datetime) -> bool:
    return presence.is_returned(marks, person) or presence.answers_itself(marks, person, now)


def _initials(person: Person) -> str:
    return initials(short_person(person.name))


def _listed(case: Case, *, named: bool) -> dict[str, Any]:
    """The fields of `Listed`."""
    return {
        "case": case.id,
        "kind": case.kind.value,
        "who": _initials(case.associate) if named else "",
        "whom": initials(case.client) if named else "",
        "unnamed": case.client is None,
        "minutes": case.minutes,
    }


def _row(case: Case, now: datetime, zone: ZoneInfo, *, named: bool) -> Row:
    number, unit = span(case, now)
    timer = coming(case)
    return Row(
        **_listed(case, named=named),
        number=abs(number),
        unit=unit,
        ahead=number < 0,
        session=when(case.session_at, now, zone) if case.session_at is not None else "",
        reported=when(case.reported_at, now, zone),
        standing=standing(case),
        away=unread_since(case) is not None,
        next=timer.due.value if timer is not None else "",
        next_at=when(timer.at, now, zone) if timer is not None else "",
    )


def _ended(case: Case, now: datetime, zone: ZoneInfo, *, named: bool) -> Ended:
    return Ended(
        **_listed(case, named=named),
        outcome="mistake" if case.state is State.CANCELLED or case.outcome is None else case.outcome.value,
        at=when(case.closed_at or case.changed_at, now, zone),
        no_time=_lacks_time(case),
        apology=case.owes_apology,
    )


def _lacks_time(case: Case) -> bool:
    known = case.outcome is Outcome.RESCHEDULED and case.wiped_at is None
    return known and not says_when(case.outcome_note or "")
