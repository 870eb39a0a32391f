"""What is decided and kept, cases and letters: frozen values, nothing that acts.

Words are the contract's (section 1): an *associate* reports, a *case* runs from a report to an *outcome*,
a *letter* is a mail we owe or sent. Every datetime is aware and in UTC; local time exists only in letters.
A new version of a case is made with ``dataclasses.replace``; the store keeps the newest.

Other nouns: who is who, `people`; what is configured, `rules`; what comes in, `mail`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import assert_never

from workflow.core.people import Person, Role
from workflow.core.rules import Cadence, Kind

# --- cases ----------------------------------------------------------------------------------------


class State(StrEnum):
    OPEN = "open"
    CLOSED = "closed"
    CANCELLED = "cancelled"


class Outcome(StrEnum):
    CONNECTED = "connected"
    RESCHEDULED = "rescheduled"
    UNREACHABLE = "unreachable"
    ARRIVED = "arrived"
    ABSENT = "absent"
    OTHER = "other"


class Says(StrEnum):
    """What the client answered: no outcome, and no milestone (contract section 2)."""

    WAITS = "waits"
    REBOOK = "rebook"


class Due(StrEnum):
    """What a timer of a case does when it is due."""

    REMINDER = "reminder"
    ESCALATION = "escalation"
    LEAD = "lead"
    STEPAWAY = "stepaway"
    CLOSE = "close"
    """A `waiting` case that got no answer closes by itself."""


@dataclass(frozen=True, slots=True)
class Timer:
    """A due time of a case. At most one of each `Due` at a time."""

    due: Due
    at: datetime
    why: str = ""
    """Why not earlier, where the table of section 5 alone does not say: "quiet hours", "enough reminders for a day"."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a case's history, for `show` and for people who read the file."""

    at: datetime
    what: str
    """A short phrase in the contract's words: "opened", "sent", "outcome rescheduled", "reminder" …"""
    by: str
    """The address of who wrote it, or "clock"."""
    text: str = ""
    """What was written, word for word; wiped with the names."""


@dataclass(frozen=True, slots=True)
class Consumed:
    """A mail that this case acted on."""

    key: str
    """Content key (contract section 3, "Handled mail leaves a key")."""
    message_id: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Before:
    """What UNDO restores: the milestones as they were before the last outcome or SENT."""

    what: str
    """"sent", "outcome", or "answer": what the client says."""
    at: datetime
    """When it was changed."""
    state: State
    sent_at: datetime | None
    told_at: datetime | None
    outcome: Outcome | None
    outcome_note: str | None
    closed_at: datetime | None
    makeup: bool
    client_says: Says | None = None
    undated: bool = False


@dataclass(frozen=True, slots=True)
class Case:
    """One case, with everything that belongs to it: one file in the store."""

    id: str
    kind: Kind
    state: State
    associate: Person
    """As configured now (`readers`); who has left, as configured last."""
    client: str | None
    """As written; wiped after `keep_names`."""
    minutes: int | None
    session_at: datetime | None
    yesterday: bool
    """The session was yesterday, seen from the report."""
    reported_at: datetime
    """Arrival of the mail that opened it or that changed it last."""
    opened_at: datetime
    """When the case was committed first."""
    changed_at: datetime
    """When it was opened, or its estimate, kind or client changed: section 5 counts from here."""
    cadence: Cadence
    timers: tuple[Timer, ...] = ()
    sent_at: datetime | None = None
    """SENT since the last change: the client was sent the newest draft."""
    told_at: datetime | None = None
    """The first SENT since the case has its kind, or a CONTACTED before the last change: what response times count. A
    client who was told of a delay has not yet been told that the session was missed."""
    reached_at: datetime | None = None
    """CONTACTED since the last change: admin reached the client."""
    outcome: Outcome | None = None
    outcome_note: str | None = None
    closed_at: datetime | None = None
    makeup: bool = False
    notes: tuple[str, ...] = ()
    reminders: tuple[datetime, ...] = ()
    """When each reminder was decided: the count, and the cap of a day."""
    resumed_at: datetime | None = None
    """When UNDO opened it again, or the associate could be written to again: what was missed meanwhile is not asked."""
    escalated_at: datetime | None = None
    lead_told_at: datetime | None = None
    stepaway_at: datetime | None = None
    letters: tuple[Letter, ...] = ()
    mails: tuple[Consumed, ...] = ()
    history: tuple[Entry, ...] = ()
    before: Before | None = None
    returned_at: datetime | None = None
    """Since when the associate gets nothing: letters come back, or they have left. Admin is reminded instead."""
    away_at: datetime | None = None
    """Since when the associate's mailbox answers by itself."""
    missed_on: date | None = None
    """The session's local day as the report names it, where it was before yesterday."""
    wiped_at: datetime | None = None
    """When the client's name and all free text were wiped (``[privacy] keep_names``); None again once there is new."""
    client_says: Says | None = None
    """What the client answered since the last change, as reported last."""
    undated: bool = False
    """Rescheduled, and nobody said for when: counted after the words are wiped, too."""
    apology_at: datetime | None = None
    """When admin gave the client of a missed session a new time before the associate wrote SENT; None once the
    associate writes anything."""

    @property
    def open(self) -> bool:
        return self.state is State.OPEN

    @property
    def owes_apology(self) -> bool:
        """Whether the client of a missed session has a new time by admin, and no word of the associate (section 5)."""
        missed = self.kind is Kind.NOSHOW and self.state is State.CLOSED and self.outcome is Outcome.RESCHEDULED
        return missed and self.apology_at is not None and self.sent_at is None

    @property
    def contacted_at(self) -> datetime | None:
        """When the client was first messaged or reached by anybody of the clinic (contract section 2)."""
        known = [at for at in (self.told_at, self.reached_at) if at is not None]
        return min(known, default=None)

    @property
    def expected_at(self) -> datetime | None:
        """The session's time plus the minutes; None without a time (contract section 4: none is invented)."""
        if self.kind is not Kind.LATE or self.session_at is None or self.minutes is None:
            return None
        return self.session_at + timedelta(minutes=self.minutes)


# --- letters --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Course:
    rank: int
    """Lower goes first when many letters are due (contract 8.8)."""
    urgent: bool = False
    """Must be accepted within 2 minutes, or every admin is told (contract section 5)."""
    answers: bool = False
    """See `Letter.answers`."""
    held: bool = False
    """Quiet hours hold it back (contract section 5)."""


class LetterKind(StrEnum):
    """The values of ``X-Promptly-Letter`` (contract section 4)."""

    ALERT = "alert"
    DRAFT = "draft"
    STEPAWAY = "stepaway"
    REMINDER = "reminder"
    ESCALATION = "escalation"
    UPDATE = "update"
    RECEIPT = "receipt"
    ASK = "ask"
    HELP = "help"
    STATUS = "status"
    MONTH = "month"
    DIGEST = "digest"
    NOTICE = "notice"
    TEST = "test"

    @property
    def course(self) -> Course:
        match self:
            case LetterKind.ALERT | LetterKind.DRAFT:
                return Course(rank=0, urgent=True)
            case LetterKind.RECEIPT | LetterKind.ASK | LetterKind.HELP | LetterKind.STATUS:
                return Course(rank=0, answers=True)
            case LetterKind.STEPAWAY | LetterKind.UPDATE | LetterKind.TEST:
                return Course(rank=0)
            case LetterKind.ESCALATION:
                return Course(rank=1, held=True)
            case LetterKind.REMINDER:
                return Course(rank=2, held=True)
            case LetterKind.DIGEST | LetterKind.NOTICE | LetterKind.MONTH:
                return Course(rank=3)
            case _:
                assert_never(self)


@dataclass(frozen=True, slots=True)
class Choice:
    """An answer that a letter offers: a word to type, and a `mailto:` link to tap."""

    line: str
    """What is typed, and what the tapped mail's subject says after the id: ``RESCHEDULED``."""
    label: str
    """For people: "The client took a new time"."""
    case: str | None = None
    """The id that stands before the line in the tapped subject; None for a report such as ``LATE 15 Sam``."""


@dataclass(frozen=True, slots=True)
class Facts:
    """A case as a letter tells it (contract section 4, "Facts"): a snapshot, so that every attempt says the same."""

    case: str
    kind: Kind
    state: State
    associate: Person
    client: str | None
    """As written; `mail.writing.render` applies ``[privacy] client_name``."""
    minutes: int | None
    session_at: datetime | None
    expected_at: datetime | None
    reported_at: datetime
    contacted_at: datetime | None
    outcome: Outcome | None
    outcome_note: str | None
    makeup: bool
    note: str | None
    """The latest note."""
    reminders_sent: int
    escalated: bool
    yesterday: bool
    session: timedelta
    sent: bool
    """The associate has written SENT since the last change."""
    reached: bool
    """Admin has written CONTACTED."""
    unclear: str | None = None
    """What was written since the last change and was not understood, the newest; None: all was."""
    escalates_at: datetime | None = None
    """When admin hears again if nobody answers; None: only of an answer."""
    missed_on: date | None = None
    """The session's local day as the report names it, where it was before yesterday."""
    client_says: Says | None = None
    apology: bool = False
    """An apology by the associate is owed."""
    unread: bool = False
    """The associate does not read what is sent."""


class Post(StrEnum):
    OWED = "owed"
    SENT = "sent"
    """Accepted by the SMTP server."""
    FAILED = "failed"
    """Refused for good; `reason` says by what."""
    WITHDRAWN = "withdrawn"
    """Lost its sense before it went; `reason` says why."""


Datum = str | int | bool | None | list[str]


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail to one recipient, as data: rendered anew at each attempt, under the same Message-ID."""

    id: str
    """Unique in the store: ``K7Q2.3`` for a case, ``desk.…`` without one."""
    kind: LetterKind
    topic: str
    """Which variant of the kind; `core.owed` lists them."""
    to: Person
    """Who is meant; written to at the first address that they have in the configuration when it is sent. Once settled:
    as they were then."""
    role: Role
    """As whom the recipient gets it."""
    message_id: str
    """With angle brackets; fixed before the first attempt."""
    created_at: datetime
    case: str | None = None
    facts: Facts | None = None
    data: Mapping[str, Datum] = field(default_factory=dict)
    """What the template needs besides the facts."""
    choices: tuple[Choice, ...] = ()
    in_reply_to: str | None = None
    references: tuple[str, ...] = ()
    post: Post = Post.OWED
    reason: str = ""
    attempts: int = 0
    next_at: datetime | None = None
    """Not to be tried before this; None: at once."""
    refused_since: datetime | None = None
    """Since when the same answer makes it wait that need not concern its reader (a 5xx, but for those about the
    recipient), while others got theirs. None: something else delays it."""
    settled_at: datetime | None = None
    """When it was sent, failed or was withdrawn."""

    @property
    def answers(self) -> bool:
        """Whether it goes to whoever wrote: capped (contract 8.6), marked auto-replied, of no use after 24 hours."""
        return self.kind.course.answers or (self.kind is LetterKind.MONTH and self.topic == "asked")


# --- decisions ------------------------------------------------------------------------------------


class Fate(StrEnum):
    """What happens to the mail itself after the commit."""

    HANDLED = "handled"
    LEFT = "left"
    """Stays exactly as it was."""
    SET_ASIDE = "set-aside"


@dataclass(frozen=True, slots=True)
class Decision:
    """What one event makes of the world: committed whole, then acted upon."""

    reason: str
    """Why, without a name or an address: it goes to the log."""
    case: Case | None = None
    """The new version, letters included."""
    letters: tuple[Letter, ...] = ()
    """Letters that belong to no case."""
    fate: Fate = Fate.LEFT
    key: str | None = None
    """The content key to remember when no case keeps it."""
    lost: Letter | None = None
    """A letter without a case that came back, as it stands now; one with a case is in the case."""
    untold: str = ""
    """Nobody is told of this by a letter: the desk counts it under this name."""
    marks: Mapping[str, str] = field(default_factory=dict)
    """Marks of the desk that must not be forgotten (`presence`)."""
