"""Letters that were never owed: one of every kind, topic and turn, so that `check` can render a clinic's own templates;
and boards of the same cases.

They hold no wording; everything that a template can ask for is in one of them, and missing in another.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

from workflow.core.board import Glance, glance
from workflow.core.kinds import KINDS
from workflow.core.model import Case, Choice, Datum, Letter, LetterKind, Outcome, Says, State
from workflow.core.owed import facts
from workflow.core.people import Person, Role
from workflow.core.presence import Sign, mark
from workflow.core.rules import Cadence, Kind, Rules
from workflow.core.topics import LETTERS
from workflow.mail.writing.values import COUNTS, DATA

CLIENT = "Quillon Vandersprock"
"""Nobody's name: where it shows in a first line, the template put it there."""

_AT = datetime(2026, 11, 5, 19, tzinfo=UTC)
_ASSOCIATE = Person("Dana Lee", ("dana@clinic.test",))


def _said(nothing: Datum) -> Datum:
    """Something in the place of what says nothing."""
    return ["a case"] if isinstance(nothing, list) else True if nothing is False else "what was written"


_FULL: Mapping[str, Datum] = {
    **{name: _said(nothing) for name, nothing in DATA.items()},
    **dict.fromkeys(("minutes_taken", *COUNTS), 4),
    "written_at": _AT.isoformat(),
}
"""Everything that a letter can carry besides its case."""

_CASE = Case(
    id="K7Q2",
    kind=Kind.LATE,
    state=State.OPEN,
    associate=_ASSOCIATE,
    client=None,
    minutes=None,
    session_at=None,
    yesterday=False,
    reported_at=_AT,
    opened_at=_AT,
    changed_at=_AT,
    cadence=Cadence(timedelta(minutes=50), "UTC", time(0), time(0), timedelta(0)),
)


def trial_letters() -> Iterator[tuple[Letter, datetime]]:
    """Letters of every kind and topic, to everybody who can get them, at every turn of a case; each with its `now`."""
    for row in LETTERS:
        for topic in row.topics:
            for role in row.readers:
                for case in _turns(row.about) if row.about else (None,):
                    yield _letter(row.kind, topic, role, case, {}), _AT
                    yield _letter(row.kind, topic, role, case, _FULL), _AT + timedelta(hours=1)


def trial_boards(rules: Rules) -> Iterator[tuple[Glance, datetime]]:
    """A board with nothing on it, and one with cases at every turn, with initials and without; each with its `now`."""
    cases = tuple(_turns(Kind))
    gone = {name: at for sign in Sign for one in rules.roster.admins for name, at in mark(sign, one, _AT).items()}
    for known, marks, named in (((), {}, True), (cases, gone, True), (cases, gone, False)):
        closed = [case for case in known if not case.open]
        lost = {"mailbox": _AT, "sending": None, "daemon": None} if known else {}
        shown = glance(known, closed, marks, rules, _AT, named=named, troubles=lost, unread=len(lost))
        yield shown, _AT + timedelta(minutes=9)


def _turns(kinds: Iterable[Kind]) -> Iterator[Case]:
    for kind in kinds:
        bare = replace(_CASE, kind=kind)
        known = replace(bare, client=CLIENT)
        minutes, said = 15 if kind is Kind.LATE else None, "what was written"
        full = replace(known, minutes=minutes, session_at=_AT, sent_at=_AT, told_at=_AT, reached_at=_AT, notes=(said,))
        yield from (bare, known, full, replace(full, state=State.CANCELLED))
        yield from (replace(full, client_says=says) for says in Says if says.name in KINDS[kind].answers)
        for outcome in KINDS[kind].outcomes:
            yield replace(full, state=State.CLOSED, outcome=outcome, outcome_note=said, makeup=True)
        yield replace(known, state=State.CLOSED, outcome=Outcome.RESCHEDULED, apology_at=_AT)


def _letter(kind: LetterKind, topic: str, role: Role, case: Case | None, data: Mapping[str, Datum]) -> Letter:
    case_id = case.id if case is not None else None
    return Letter(
        id="trial",
        kind=kind,
        topic=topic,
        to=_ASSOCIATE,
        role=role,
        message_id="<trial@clinic.test>",
        created_at=_AT,
        case=case_id,
        facts=facts(case) if case is not None else None,
        data=data,
        choices=(Choice("UNDO", "Take that back", case_id),) if data else (),
    )
