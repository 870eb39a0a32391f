"""The nouns of Promptly: frozen values, nothing that acts.

Words are the contract's (section 1): an *associate* reports, a *case* runs from a report to an *outcome*,
a *letter* is a mail we owe or sent. Every datetime is aware and in UTC; local time exists only in letters.
A new version of a case is made with ``dataclasses.replace``; the store keeps the newest. What comes in is `mail`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import assert_never

# --- people ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody from the configuration. ``emails`` are casefolded; we write to the first."""

    name: str
    emails: tuple[str, ...]

    @property
    def email(self) -> str:
        return self.emails[0]


class Role(StrEnum):
    ASSOCIATE = "associate"
    ADMIN = "admin"
    LEAD = "lead"


class Standing(StrEnum):
    """What `mail.reading.trust` makes of a sender."""

    KNOWN = "known"
    """A configured address that passed the sender check."""
    REFUSED = "refused"
    """A configured address whose mail failed the sender check: perhaps a forgery."""
    STRANGER = "stranger"


@dataclass(frozen=True, slots=True)
class Roster:
    """All configured people. An address belongs to at most one associate and one admin (config checks it)."""

    associates: tuple[Person, ...]
    admins: tuple[Person, ...]
    lead: Person | None = None

    @property
    def people(self) -> tuple[Person, ...]:
        return (*self.admins, *filter(None, (self.lead,)), *self.associates)

    def associate(self, address: str) -> Person | None:
        return _owner(self.associates, address)

    def admin(self, address: str) -> Person | None:
        """The admin who owns this address; the lead speaks as admin (contract section 3)."""
        return _owner(self.admins, address) or _owner(self._leads, address)

    @property
    def _leads(self) -> tuple[Person, ...]:
        return (self.lead,) if self.lead is not None else ()

    def current(self, meant: Person, role: Role) -> Person | None:
        """Who this is in the configuration as it is now; None: has left.

        Whoever has the name, else one of the addresses: an address that was wrong may be somebody else's. Those of this
        role go before all others.
        """
        admins = (*self.admins, *self._leads)
        own = {Role.ASSOCIATE: self.associates, Role.ADMIN: admins, Role.LEAD: self._leads}[role]
        for people in (own, (*self.associates, *admins)):
            sharing = [one for one in people if not set(one.emails).isdisjoint(meant.emails)]
            named = [one for one in people if one.name.casefold() == meant.name.casefold()]
            for found in ([one for one in named if one in sharing], named, sharing):
                if found:
                    return found[0]
        return None


def _owner(people: tuple[Person, ...], address: str) -> Person | None:
    wanted = address.casefold()
    return next((person for person in people if wanted in person.emails), None)


# --- the rules of one clinic ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class KindCadence:
    """When one kind of case asks again (contract section 5). Empty or None: never."""

    contact: tuple[timedelta, ...] = ()
    """Reminders after the case was opened or changed, until SENT."""
    repeat: timedelta | None = None
    """After the last of `contact`, again and again until SENT."""
    escalate: timedelta | None = None
    """Escalation to each admin, after the case was opened or changed."""
    lead: timedelta | None = None
    """Escalation to the lead, likewise."""
    after_sent: tuple[timedelta, ...] = ()
    """Outcome reminders after SENT."""
    after_session: timedelta | None = None
    """Outcome reminder after the session must be over."""
    stepaway: timedelta | None = None
    """After the session's start."""
    stepaway_unknown: timedelta | None = None
    """After the report, when no time was given."""
    max_per_day: int = 6
    """Reminders a case and local day."""


@dataclass(frozen=True, slots=True)
class Cadence:
    """Every figure of section 5; a case keeps those of the day it opened: editing the configuration changes none.

    The kinds have the defaults of section 6: a case that is older than a kind has those for it.
    """

    session: timedelta
    zone: str
    """IANA name of the clinic's time zone."""
    quiet_from: time
    quiet_to: time
    """Local times; equal means that there are no quiet hours."""
    grace: timedelta
    late: KindCadence = KindCadence(
        contact=(timedelta(minutes=5),),
        escalate=timedelta(minutes=10),
        after_session=timedelta(minutes=5),
    )
    noshow: KindCadence = KindCadence(
        contact=(timedelta(minutes=5), timedelta(minutes=10), timedelta(minutes=20)),
        repeat=timedelta(minutes=60),
        escalate=timedelta(minutes=10),
        lead=timedelta(minutes=30),
        after_sent=(timedelta(hours=3),),
    )
    waiting: KindCadence = KindCadence(
        stepaway=timedelta(minutes=20),
        stepaway_unknown=timedelta(minutes=10),
        after_session=timedelta(minutes=5),
    )

    def of(self, kind: Kind) -> KindCadence:
        match kind:
            case Kind.LATE:
                return self.late
            case Kind.NOSHOW:
                return self.noshow
            case Kind.WAITING:
                return self.waiting


@dataclass(frozen=True, slots=True)
class Rules:
    """What `core` needs to know of the configuration."""

    clinic: str
    address: str
    """The mailbox's own address: From, envelope sender, and where answers go."""
    roster: Roster
    cadence: Cadence
    stale_after: timedelta
    """By arrival: older NOSHOW reports open no case."""
    client_name: str = "first_initial"
    """``[privacy] client_name``: how a client is printed in bodies."""
    shared: bool = True
    digest_at: time | None = None
    """Local time; None: no digest."""
    month: bool = True
    """Whether the month's letter goes out by itself."""
    stale_late: timedelta = timedelta(hours=2)
    """The same for LATE and WAITING (contract section 6)."""
    phone: str = ""
    """Of the desk, as letters print it."""
    rehearsal: bool = False
    """A rehearsed clock: a mail arrives when first seen, nothing is stale."""
    aliases: tuple[str, ...] = ()
    """The mailbox's other addresses, casefolded."""
    own_voice: str = "notice"
    """``[mailbox] own_voice``: what mail written as the mailbox itself is."""

    def owns(self, address: str) -> bool:
        """Whether this address is the mailbox's, under whatever name."""
        return address.casefold() in {self.address.casefold(), *self.aliases}

    def knows(self, address: str) -> bool:
        """Whether this address is the mailbox's own or a configured person's."""
        return self.owns(address) or bool(self.roster.associate(address) or self.roster.admin(address))


# --- cases ----------------------------------------------------------------------------------------


class Kind(StrEnum):
    LATE = "late"
    NOSHOW = "noshow"
    WAITING = "waiting"


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
