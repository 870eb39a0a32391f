"""What belongs to one kind of case, in one table: its outcomes, what it may be instead, how it is listed and named.

How its tag is written is in `vocabulary`, its figures are in `Cadence`, its sentences in templates/. What it lacks
fails at `make quick`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from workflow.core.mail import Word
from workflow.core.model import Outcome
from workflow.core.rules import Kind


@dataclass(frozen=True, slots=True)
class Traits:
    """One kind of case."""

    outcomes: tuple[Outcome, ...]
    """How it can end (contract section 2), in the order in which letters offer it."""
    instead: tuple[str, ...]
    """The tags of what it may turn out to be after all."""
    answers: tuple[str, ...]
    """What its client may have answered."""
    listed: str
    """What a list says behind the client."""
    subject: str
    """What subjects say behind the id (contract section 4). Without a client nothing follows the associate."""


KINDS: Mapping[Kind, Traits] = {
    Kind.LATE: Traits(
        outcomes=(Outcome.CONNECTED, Outcome.RESCHEDULED, Outcome.UNREACHABLE, Outcome.OTHER),
        instead=("NOSHOW",),
        answers=("WAITS", "REBOOK"),
        listed="late, {who}",
        subject="LATE: {who} - {client}",
    ),
    Kind.NOSHOW: Traits(
        outcomes=(Outcome.RESCHEDULED, Outcome.UNREACHABLE, Outcome.OTHER),
        instead=("WAITING",),
        answers=("REBOOK",),
        listed="noshow, missed by {who}",
        subject="MISSED BY {who} - {client}",
    ),
    Kind.WAITING: Traits(
        outcomes=(Outcome.ARRIVED, Outcome.ABSENT, Outcome.RESCHEDULED, Outcome.UNREACHABLE, Outcome.OTHER),
        instead=(),
        answers=("REBOOK",),
        listed="waiting, {who}",
        subject="WAITING FOR {client} - {who}",
    ),
}

TAG: Mapping[Kind, Word] = {kind: Word[kind.name] for kind in KINDS}
"""The word that opens a case of a kind, or makes a case one."""

OF_TAG: Mapping[Word, Kind] = {word: kind for kind, word in TAG.items()}

ESCALATED = "NOT YET TOLD? {who} - {client}"
"""The subject of an escalation, whatever the kind."""
