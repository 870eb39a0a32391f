"""Letters that were never owed: one of every kind, topic and turn, so that `check` can render a clinic's own templates.

They hold no wording; everything that a template can ask for is in one of them, and missing in another.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from workflow.core.kinds import KINDS
from workflow.core.model import Choice, Datum, Facts, Kind, Letter, LetterKind, Person, Role, State
from workflow.core.topics import LETTERS

CLIENT = "Quillon Vandersprock"
"""Nobody's name: where it shows in a first line, the template put it there."""

_AT = datetime(2026, 11, 5, 19, tzinfo=UTC)
_ASSOCIATE = Person("Dana Lee", ("dana@clinic.test",))

_FULL: Mapping[str, Datum] = {
    "both": True,
    "by": "Front Desk",
    "changed": "estimate",
    "closed": ["a case"],
    "detail": "what happened",
    "faults": ["a fault"],
    "future_time": True,
    "headline": "1 open",
    "line": "what was written",
    "lines": ["a case"],
    "minutes_taken": 4,
    "morning": True,
    "one_each": True,
    "open": ["a case"],
    "others": ["a case"],
    "over_session": True,
    "text": "what was written",
    "written_at": _AT.isoformat(),
}
"""Everything that a letter can carry besides its case."""

_BARE = Facts(
    case="K7Q2",
    kind=Kind.LATE,
    state=State.OPEN,
    associate=_ASSOCIATE,
    client=None,
    minutes=None,
    session_at=None,
    expected_at=None,
    reported_at=_AT,
    contacted_at=None,
    outcome=None,
    outcome_note=None,
    makeup=False,
    note=None,
    reminders_sent=0,
    escalated=False,
    yesterday=False,
    session=timedelta(minutes=50),
    sent=False,
    reached=False,
)


def trial_letters() -> Iterator[tuple[Letter, datetime]]:
    """Letters of every kind and topic, to everybody who can get them, at every turn of a case; each with its `now`."""
    for row in LETTERS:
        for topic in row.topics:
            for role in row.readers:
                for facts in _turns(row.about) if row.about else (None,):
                    yield _letter(row.kind, topic, role, facts, {}), _AT
                    yield _letter(row.kind, topic, role, facts, _FULL), _AT + timedelta(hours=1)


def _turns(kinds: Iterable[Kind]) -> Iterator[Facts]:
    for kind in kinds:
        bare = replace(_BARE, kind=kind)
        full = replace(
            bare,
            client=CLIENT,
            minutes=15 if kind is Kind.LATE else None,
            session_at=_AT,
            expected_at=_AT if kind is Kind.LATE else None,
            contacted_at=_AT,
            note="what was written",
            sent=True,
            reached=True,
        )
        yield from (bare, replace(bare, client=CLIENT), full, replace(full, state=State.CANCELLED))
        for outcome in KINDS[kind].outcomes:
            yield replace(full, state=State.CLOSED, outcome=outcome, outcome_note="what was written", makeup=True)


def _letter(kind: LetterKind, topic: str, role: Role, facts: Facts | None, data: Mapping[str, Datum]) -> Letter:
    case = facts.case if facts is not None else None
    return Letter(
        id="trial",
        kind=kind,
        topic=topic,
        to=_ASSOCIATE,
        role=role,
        message_id="<trial@clinic.test>",
        created_at=_AT,
        case=case,
        facts=facts,
        data=data,
        choices=(Choice("UNDO", "Take that back", case),) if data else (),
    )
