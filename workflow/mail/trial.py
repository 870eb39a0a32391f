"""Letters that were never owed: one of every kind, topic and turn, so that `check` can render a clinic's own templates.

They hold no wording; everything that a template can ask for is in one of them, and missing in another.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from workflow.core.model import OUTCOMES, Choice, Datum, Facts, Kind, Letter, LetterKind, Person, Role, State

CLIENT = "Quillon Vandersprock"
"""Nobody's name: where it shows in a first line, the template put it there."""

TOPICS: Mapping[LetterKind, tuple[str, ...]] = {
    LetterKind.ALERT: ("opened", "changed"),
    LetterKind.DRAFT: ("opened", "changed"),
    LetterKind.STEPAWAY: ("",),
    LetterKind.REMINDER: ("contact", "outcome"),
    LetterKind.ESCALATION: ("contact",),
    LetterKind.UPDATE: (*("sent", "outcome", "note", "unclear", "undone", "cancelled", "wrong", "reached", "makeup"),),
    LetterKind.RECEIPT: (
        *("sent", "outcome", "makeup", "client", "undone", "cancelled", "wrong", "reached", "note", "again"),
        "nothing",
    ),
    LetterKind.ASK: (
        *("which-case", "which-client", "which-outcome", "which-associate", "not-yours", "few-words", "cancel"),
        *("same-kind", "before-sent"),
    ),
    LetterKind.STATUS: ("",),
    LetterKind.HELP: ("words", "unread", "forward", "in-your-name", "untagged"),
    LetterKind.DIGEST: ("",),
    LetterKind.NOTICE: (
        *("bounce", "set-aside", "refused", "refused-letter", "stranger", "out-of-office", "stale", "cap", "outage"),
        *("unread", "template", "other-associate", "case-file", "delayed", "stuck", "login", "disk"),
    ),
    LetterKind.TEST: ("",),
}
"""The variants of each kind, as `core.compose` lists them."""

READERS: Mapping[LetterKind, tuple[Role, ...]] = {
    LetterKind.ALERT: (Role.ADMIN,),
    LetterKind.DRAFT: (Role.ASSOCIATE,),
    LetterKind.STEPAWAY: (Role.ASSOCIATE,),
    LetterKind.REMINDER: (Role.ASSOCIATE,),
    LetterKind.ESCALATION: (Role.ADMIN, Role.LEAD),
    LetterKind.DIGEST: (Role.ADMIN,),
    LetterKind.NOTICE: (Role.ADMIN,),
    LetterKind.TEST: (Role.ADMIN,),
}
"""Who gets a kind of letter; every other kind goes to associates and admins."""

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
    for kind, topics in TOPICS.items():
        about_cases = kind not in (LetterKind.STATUS, LetterKind.HELP, LetterKind.DIGEST, LetterKind.NOTICE)
        turns: list[Facts | None] = list(_turns()) if about_cases and kind is not LetterKind.TEST else []
        if kind is LetterKind.ASK or not turns:
            turns.append(None)
        for topic in topics:
            for role in READERS.get(kind, (Role.ASSOCIATE, Role.ADMIN)):
                for facts in turns:
                    yield _letter(kind, topic, role, facts, {}), _AT
                    yield _letter(kind, topic, role, facts, _FULL), _AT + timedelta(hours=1)


def _turns() -> Iterator[Facts]:
    for kind, outcomes in OUTCOMES.items():
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
        for outcome in outcomes:
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
