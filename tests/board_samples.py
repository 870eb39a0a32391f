"""Boards for the pictures, and for what is measured in a browser: an afternoon, and what is more, or less."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from tests.cast import ALEX, LEE, RAVI, RULES, a_case, local
from workflow.clock import SystemClock
from workflow.core.board import Counted, count, glance
from workflow.core.model import Case, Outcome, Says, State
from workflow.core.people import Person
from workflow.core.presence import Sign, mark
from workflow.core.rules import Kind
from workflow.core.schedule import plan
from workflow.mail.writing.render import Letters
from workflow.verbs.board import page_of_many

NOW = local("14:31")

MEI = Person("Mei Fong", ("mei@clinic.test",))


def boards() -> Iterator[tuple[str, str]]:
    """Each by its name, as a page that was written just now, when it was `NOW` at the clinic."""
    yield "afternoon", page(AFTERNOON)
    yield "afternoon-nameless", page(AFTERNOON, named=False)
    yield "quiet", page([case for case in AFTERNOON if not case.open])
    yield "some", page([case for case in AFTERNOON if case.sent_at is not None])
    yield "nothing", page([])
    crowd = [missed(f"{14 - number % 3}:{number:02}", f"Kim {name}.") for number, name in enumerate("ABCDEFGHIJKLM")]
    yield "crowd", page([*crowd, *AFTERNOON], marks={**mark(Sign.RETURNED, ALEX, NOW), **mark(Sign.ANSWERED, LEE, NOW)})

    yield "many", page_of_many(MANY, SystemClock().now())


def page(cases: list[Case], *, now: datetime = NOW, named: bool = True, marks: dict[str, str] | None = None) -> str:
    still, over = [case for case in cases if case.open], [case for case in cases if not case.open]
    shown = glance(still, over, marks or {}, RULES, now, named=named)
    return Letters(RULES, instance="board").board(shown, now, SystemClock().now())[0]


def late(opened: str, client: str | None, minutes: int | None, at: str | None = None, **more: Any) -> Case:
    return _case(a_case(Kind.LATE, local(opened), client=client, minutes=minutes), at, more)


def missed(opened: str, client: str | None, at: str | None = None, **more: Any) -> Case:
    return _case(a_case(Kind.NOSHOW, local(opened), client=client), at, more)


def _case(case: Case, at: str | None, more: dict[str, Any]) -> Case:
    return planned(case, **{"session_at": local(at) if at is not None else None, **more})


def planned(case: Case, **more: Any) -> Case:
    changed = replace(case, **more)
    return replace(changed, timers=plan(changed))


def closed(case: Case, outcome: Outcome, at: str, note: str | None = None) -> Case:
    return planned(case, state=State.CLOSED, outcome=outcome, outcome_note=note, closed_at=local(at))


AFTERNOON = [
    missed("14:19", "Sam Peterson", "14:00", reminders=(local("14:24"), local("14:29")), escalated_at=local("14:29")),
    late("14:27", "Kim Ono", 20, "14:30", associate=RAVI),
    planned(
        late("13:40", "Zoe Adams", 15, "13:45", associate=MEI),
        sent_at=local("13:42"),
        told_at=local("13:42"),
        client_says=Says.REBOOK,
    ),
    late("14:12", "Ana Diaz", 10, sent_at=local("14:14"), told_at=local("14:14"), client_says=Says.WAITS),
    planned(a_case(Kind.WAITING, local("14:25"), client="Eli"), session_at=local("14:15"), associate=RAVI),
    closed(
        planned(missed("11:05", "Lou Weber", "11:00", associate=RAVI), sent_at=local("11:09"), told_at=local("11:09")),
        Outcome.RESCHEDULED,
        "11:32",
    ),
    closed(late("09:56", "Ben Roy", 10, "10:00"), Outcome.CONNECTED, "10:13"),
    closed(missed("08:40", "Ivy Holt"), Outcome.RESCHEDULED, "09:20", "Tue 3pm"),
]


def counted(clinic: str, cases: list[Case], unread: int = 0, **troubles: datetime | None) -> Counted:
    still, over = [case for case in cases if case.open], [case for case in cases if not case.open]
    return count(clinic, still, over, NOW, troubles=troubles, unread=unread)


MANY = [
    counted("riverside", AFTERNOON),
    counted("hilltop", [case for case in AFTERNOON if not case.open]),
    counted(
        "lakeside-counselling-and-psychotherapy-of-the-north-shore", [missed("14:19", "Sam Peterson", "12:00")] * 12
    ),
    counted("mill-street", [], mailbox=local("14:17")),
    counted("old-town", [], daemon=None),
    Counted("harbour", troubles={"unreadable": ""}),
    counted("orchard", [late("14:27", "Kim Ono", 20, "14:50")], unread=2, sending=local("11:17"), mailbox=None),
    *(
        counted(
            f"clinic-{number}",
            [case for case in AFTERNOON if case.sent_at and case.client_says is not Says.REBOOK][: number % 3],
        )
        for number in range(9)
    ),
]
