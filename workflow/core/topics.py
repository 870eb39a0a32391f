"""Every letter there is, in one table: its kind, who reads it, its topics, about which cases, and its subject.

A topic is the variant of a kind. The types name all of them, so `make types` finds a letter that is not in the table;
`make quick` writes every one that is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from workflow.core.model import LetterKind
from workflow.core.people import Role
from workflow.core.rules import Kind

Opening = Literal["opened", "changed"]
Missing = Literal["contact", "outcome"]
Apology = Literal["apology"]
Escalated = Literal["contact", "away"]
Answered = Literal["waits", "rebook"]
ToAssociate = Literal[Answered, "sent", "outcome", "note", "undone", "cancelled", "wrong", "reached"]
ToAdmin = Literal[ToAssociate, "unclear", "makeup"]
Receipt = Literal[ToAssociate, "makeup", "client", "again", "nothing"]
Question = Literal[
    "which-client",
    "which-outcome",
    "few-words",
    "cancel",
    "same-kind",
    "before-sent",
    "other-client",
    "other-session",
]
"""About a case."""
Whose = Literal["which-case", "which-associate", "not-yours", "who-missed", "recalled"]
"""Where no case is meant yet."""
Passed = Literal["passed-on"]
"""To whom the case is none of theirs."""
Help = Literal["words", "unread", "not-today", "not-yet", "forward", "in-your-name", "untagged"]
Situation = Literal[
    "bounce",
    "refused",
    "stranger",
    "own-address",
    "out-of-office",
    "stale",
    "unread",
    "other-associate",
    "set-aside",
    "recalled",
]
Own = Literal[
    "refused-letter",
    "admin-away",
    "left",
    "cap",
    "outage",
    "template",
    "case-file",
    "delayed",
    "stuck",
    "login",
    "disk",
    "backup",
    "board",
    "withheld",
    "new-state",
    "other-instance",
    "restored",
    "unwatched",
    "held",
]
Notice = Literal[Situation, Own]
Only = Literal[""]
"""A kind that has no variants."""
Asked = Literal["asked"]
Topic = Literal[
    Asked, Opening, Missing, Apology, Escalated, ToAdmin, Receipt, Question, Whose, Passed, Help, Notice, Only
]


@dataclass(frozen=True, slots=True)
class Row:
    """Letters of one kind that go to the same people."""

    kind: LetterKind
    readers: tuple[Role, ...]
    topics: Mapping[str, str]
    """To the subject of each where it is about no case."""
    about: tuple[Kind, ...] = ()
    """The kinds of case it can be about, and has the subject of."""


def _of_case(topics: object) -> Mapping[str, str]:
    return dict.fromkeys(get_args(topics), "")


_ASSOCIATE, _ADMIN, _WRITERS = (Role.ASSOCIATE,), (Role.ADMIN,), (Role.ASSOCIATE, Role.ADMIN)
_EVERY = tuple(Kind)
_TOLD = tuple(kind for kind in Kind if kind is not Kind.WAITING)
"""What admin hears of while it is open."""

LETTERS = (
    Row(LetterKind.ALERT, _ADMIN, _of_case(Opening), _TOLD),
    Row(LetterKind.DRAFT, _ASSOCIATE, _of_case(Opening), _EVERY),
    Row(LetterKind.STEPAWAY, _ASSOCIATE, _of_case(Only), (Kind.WAITING,)),
    Row(LetterKind.REMINDER, (Role.ASSOCIATE, Role.ADMIN), _of_case(Missing), _EVERY),
    Row(LetterKind.REMINDER, _ASSOCIATE, _of_case(Apology), (Kind.NOSHOW,)),
    Row(LetterKind.ESCALATION, (Role.ADMIN, Role.LEAD), _of_case(Escalated), _TOLD),
    Row(LetterKind.ESCALATION, _ADMIN, {"away": ""}, (Kind.WAITING,)),
    Row(LetterKind.UPDATE, _ADMIN, _of_case(ToAdmin), _EVERY),
    Row(LetterKind.UPDATE, _ASSOCIATE, _of_case(ToAssociate), _EVERY),
    Row(LetterKind.RECEIPT, _WRITERS, _of_case(Receipt), _EVERY),
    Row(LetterKind.RECEIPT, _ASSOCIATE, {"passed-on": "passed on"}),
    Row(LetterKind.ASK, _WRITERS, _of_case(Question), _EVERY),
    Row(
        LetterKind.ASK,
        _WRITERS,
        {
            "which-case": "which case?",
            "which-associate": "which associate?",
            "not-yours": "what do you mean?",
            "who-missed": "who missed the session?",
            "recalled": "was it a mistake?",
        },
    ),
    Row(
        LetterKind.HELP,
        _WRITERS,
        {
            "words": "how to write",
            "unread": "not understood",
            "not-today": "report it on the day",
            "not-yet": "report it once they are late",
            "forward": "a forwarded mail is not read",
            "in-your-name": "a mail in your name",
            "untagged": "not understood",
        },
    ),
    Row(LetterKind.STATUS, _WRITERS, {"": "open cases"}),
    Row(LetterKind.MONTH, _ADMIN, {"": "the month", "asked": "the month"}),
    Row(LetterKind.DIGEST, _ADMIN, {"": "digest"}),
    Row(
        LetterKind.NOTICE,
        _ADMIN,
        {
            "bounce": "a letter came back",
            "refused-letter": "a letter was refused",
            "left": "cases without their associate",
            "set-aside": "a mail was set aside",
            "refused": "a mail was not accepted",
            "stranger": "perhaps a report",
            "own-address": "perhaps a report",
            "out-of-office": "an automatic reply",
            "admin-away": "an admin is away",
            "stale": "an old report",
            "cap": "answers held back",
            "outage": "mail server does not serve us",
            "unread": "perhaps a report",
            "template": "a template failed",
            "other-associate": "a word of another associate",
            "case-file": "a case file is damaged",
            "delayed": "a letter is delayed",
            "stuck": "a part stands still",
            "login": "the mail login is refused",
            "disk": "the store is full or failing",
            "backup": "no backup was made",
            "board": "the board is not written",
            "withheld": "a mail could not be read",
            "new-state": "it began with nothing",
            "other-instance": "two of it, perhaps",
            "restored": "it goes on from a copy",
            "unwatched": "nobody watched for a while",
            "held": "nobody watches any more",
            "recalled": "a mail was recalled",
        },
    ),
    Row(LetterKind.TEST, _ADMIN, {"": "test"}),
)

SUBJECTS: Mapping[tuple[str, str], str] = {
    (row.kind, topic): f"Promptly: {said}" for row in LETTERS for topic, said in row.topics.items() if not row.about
}
"""The subjects of letters without a case, by kind and topic."""
