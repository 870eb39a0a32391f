"""Cases, letters and decisions to put into a store: Dana is late for Sam, at nine in Toronto."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from tests.cast import CADENCE
from workflow.core.model import Case, Consumed, Decision, Due, Entry, Letter, LetterKind, Outcome, Post, State, Timer
from workflow.core.people import Person, Role
from workflow.core.rules import Kind
from workflow.store import DESK

NINE = datetime(2026, 11, 5, 14, 0, tzinfo=UTC)
"""9:00 am in Toronto: Dana reports."""
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)

DANA = Person("Dana Lee", ("dana@clinic.test", "dana.lee@clinic.test"))
ALEX = Person("Front Desk", ("admin@clinic.test",))


def a_letter(number: int, case: str | None = "K7Q2", **changes: object) -> Letter:
    """An alert to Alex, number so and so of a case, or of the desk."""
    home = case or DESK
    letter = Letter(
        id=f"{home}.{number}",
        kind=LetterKind.ALERT,
        topic="late",
        to=ALEX,
        role=Role.ADMIN,
        message_id=f"<{home}.{number}.k3v9x2m4p8q7@clinic.test>",
        created_at=NINE,
        case=case,
    )
    return replace(letter, **changes)  # type: ignore[arg-type]  # tests name the fields they change


def a_case(case_id: str = "K7Q2", **changes: object) -> Case:
    """Dana is late for Sam; the report was consumed, a reminder is due at five past."""
    case = Case(
        id=case_id,
        kind=Kind.LATE,
        state=State.OPEN,
        associate=DANA,
        client="Sam P.",
        minutes=15,
        session_at=NINE + 10 * MINUTE,
        yesterday=False,
        reported_at=NINE,
        opened_at=NINE,
        changed_at=NINE,
        cadence=CADENCE,
        timers=(Timer(Due.REMINDER, NINE + 5 * MINUTE),),
        mails=(Consumed(f"key of {case_id}'s report", f"<report-{case_id}@phone.test>", NINE),),
        history=(Entry(NINE, "opened", "dana@clinic.test", "LATE 15 Sam P."),),
    )
    return replace(case, **changes)  # type: ignore[arg-type]  # tests name the fields they change


def filled(kind: Any) -> Any:
    """A value of this type with something in every field, whatever fields the model has by now."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return filled(next(each for each in arguments if each is not type(None)))
    if origin is tuple:
        return (filled(arguments[0]), filled(arguments[0]))
    if origin is Mapping:
        return {"line": "007", "count": 1, "yes": True, "none": None, "rows": ["a", "12"]}
    if is_dataclass(kind) and isinstance(kind, type):
        hints = get_type_hints(kind)
        return kind(**{part.name: filled(hints[part.name]) for part in fields(kind)})
    if issubclass(kind, Enum):
        return list(kind)[-1]
    samples: dict[type, object] = {
        str: "Zoë Ångström 🙂\n2026-11-05T10:00",
        int: 7,
        bool: True,
        datetime: NINE + timedelta(microseconds=1),
        date: date(2026, 11, 2),
        time: time(21, 30),
        timedelta: timedelta(days=1, minutes=5, milliseconds=1),
    }
    return samples[kind]


def a_rich_case() -> Case:
    """A case in which every field holds something."""
    case: Case = filled(Case)
    letters = tuple(replace(letter, id=f"K7Q2.{n}") for n, letter in enumerate(case.letters))
    return replace(case, id="K7Q2", letters=letters)


def closed(case: Case, at: datetime = NINE + 30 * MINUTE) -> Case:
    """The case with an outcome; its letters were sent."""
    letters = tuple(replace(letter, post=Post.SENT, settled_at=at) for letter in case.letters)
    return replace(case, state=State.CLOSED, outcome=Outcome.RESCHEDULED, closed_at=at, timers=(), letters=letters)


def about(case: Case, *letters: Letter, key: str | None = None) -> Decision:
    """A decision with a case, and perhaps with letters that have none."""
    return Decision("a test", case=case, letters=letters, key=key)


def without_case(*letters: Letter, key: str | None = None) -> Decision:
    """A decision for the desk."""
    return Decision("a test", letters=letters, key=key)
