"""Who reads what is sent to them, as far as anybody knows (contract section 1, "away"): marks on the desk.

A mark stands under the address that was written to, so that a mended address is a new try. What follows for an open
case is `readers`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from workflow.core.people import Person

ANSWERS_FOR = timedelta(days=1)
"""A mailbox that answered by itself longer ago says nothing of today."""

WROTE_BEFORE = timedelta(hours=12)
"""Who wrote so shortly before reads mail, whatever the mailbox answers: some always do."""

Marks = Mapping[str, str]


class Sign(StrEnum):
    """Why somebody is away."""

    RETURNED = "returned"
    """A letter came back, or was refused for good."""
    ANSWERED = "answered"
    """The mailbox answered by itself, and nobody had written from it shortly before."""


def mark(sign: Sign, person: Person, at: datetime) -> dict[str, str]:
    return {_name(sign, person): at.isoformat()}


def cleared(marks: Marks, person: Person, wrote_at: datetime, now: datetime) -> dict[str, str]:
    """What is no longer so when this person wrote at `wrote_at`; a mark from the future counts for nothing."""
    names = (_name(sign, person) for sign in Sign)
    return {name: "" for name in names if (at := _at(marks, name)) is not None and (at <= wrote_at or at > now)}


def is_returned(marks: Marks, person: Person) -> bool:
    """Whether letters to this person come back; they have not written since."""
    return _at(marks, _name(Sign.RETURNED, person)) is not None


def answers_itself(marks: Marks, person: Person, now: datetime) -> bool:
    """Whether this person's mailbox answered by itself within a day; they have not written since."""
    at = _at(marks, _name(Sign.ANSWERED, person))
    return at is not None and timedelta() <= now - at <= ANSWERS_FOR


def _name(sign: Sign, person: Person) -> str:
    return f"{sign} {person.email}"


def _at(marks: Marks, name: str) -> datetime | None:
    text = marks.get(name)
    return datetime.fromisoformat(text) if text else None
