"""A mail as it was received, and what it says before anybody asks which case it is about: frozen values.

What is made of it is in `model`. A `Mail` is read by `mail.reading.message`, a `Reading` by `core.language`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time
from enum import StrEnum

from workflow.core.model import Outcome, Says
from workflow.core.rules import Kind


@dataclass(frozen=True, slots=True)
class Place:
    """Where a mail lies: a UID means nothing without its UIDVALIDITY (RFC 3501, 2.3.1.1)."""

    uidvalidity: int
    uid: int


@dataclass(frozen=True, slots=True)
class Robot:
    """Why a mail is taken for a machine's (contract 8.6)."""

    kind: str
    """"own", "bounce", "out-of-office", "receipt", "list" or "automatic"."""
    bounced: str | None = None
    """For a bounce: the Message-ID of the letter that came back, with angle brackets."""
    permanent: bool = False
    code: str = ""
    """For a bounce: why, as RFC 3463 has it: ``5.1.1``; "" when it does not say."""
    case: str = ""
    letter: str = ""
    to: str = ""
    """For a bounce: what the letter's own fields say, for where a relay gave it another Message-ID."""
    foreign: bool = False
    """A letter of another instance, which writes as this mailbox, too."""


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail as read by `mail.reading.message`: plain text, nothing of MIME left. Nothing in it is trusted."""

    key: str
    """SHA-256 in hex of From, To, Date, Subject, Message-ID and body, and of its arrival where it has no Date and no
    Message-ID."""
    sender: str | None
    """The one address of the one From, casefolded; None: nobody is speaking."""
    subject: str
    new_text: str
    """What was written now: quotes, signature and our own text removed."""
    quoted_text: str
    """The rest of the text."""
    message_id: str | None
    """With angle brackets."""
    refers_to: tuple[str, ...]
    """In-Reply-To, then References from the newest to the oldest, without repeats."""
    arrived_at: datetime
    """INTERNALDATE, not later than now; under a rehearsed clock the time it was first seen."""
    written_at: datetime | None
    """The Date header; None when it is no date, or claims nothing."""
    robot: Robot | None = None
    oversize: bool = False
    """Over `max_size`: speaks by its subject alone."""
    recipients: tuple[str, ...] = ()
    """Who stands in To and Cc, casefolded; one of "" where these name nobody: whoever reads it is not shown."""
    answers: bool = False
    """It has an In-Reply-To or References, readable or not, or quotes another mail."""
    name: str = ""
    """The sender's, as From has it; "" without one."""
    other_senders: tuple[str, ...] = ()
    """The addresses of X-Original-From, X-Original-Sender and Reply-To, casefolded: a list or group that puts its own
    address into From keeps the other there."""
    unread: bool = False
    """There is more in it than its subject, and none of it can be read: sealed, a file, too large."""


# --- what it says ----------------------------------------------------------------------------------


class Word(StrEnum):
    """The words of contract section 3 that speak about a case."""

    SENT = "SENT"
    WAITS = "WAITS"
    REBOOK = "REBOOK"
    OUTCOME = "OUTCOME"
    MAKEUP = "MAKEUP"
    LATE = "LATE"
    NOSHOW = "NOSHOW"
    WAITING = "WAITING"
    CLIENT = "CLIENT"
    UNDO = "UNDO"
    MISTAKE = "MISTAKE"
    CANCEL = "CANCEL"
    """No word of the table, but always asked back: OTHER client cancelled, or MISTAKE?"""
    STATUS = "STATUS"
    HELP = "HELP"
    CONTACTED = "CONTACTED"
    NOTE = "NOTE"


class Mark(StrEnum):
    """What the subject's prefixes say."""

    PLAIN = "plain"
    REPLY = "reply"
    FORWARD = "forward"
    RECALL = "recall"
    """Outlook asks to take a mail back: nothing in it is said now."""


@dataclass(frozen=True, slots=True)
class Report:
    """A whole report: the mail opens or changes a case (contract section 3, "Reports")."""

    kind: Kind
    client: str | None
    """Printed form: lower case capitalised. None: not said, or what stood there is no client (then it is in `note`)."""
    minutes: int | None = None
    at: time | None = None
    """Local time of the session."""
    either: bool = False
    """It says neither am nor pm."""
    yesterday: bool = False
    day: str | None = None
    """What day it names behind the client, for `times.date_of`; None: none, today or yesterday."""
    for_associate: str | None = None
    """What followed FOR, as written."""
    note: str = ""
    sent: bool = False
    """The note begins with a word for SENT."""
    beside: tuple[str, ...] = ()
    """Reports of the other clients whom its line names, as lines to send: "LATE 40 Sam, Kim", "… and LATE 10 Ben"."""
    capitals: bool = False
    """The tag stood in capitals."""


@dataclass(frozen=True, slots=True)
class Unclear:
    """A line that tried to be a report and is none: `help` at once, with the likely reading as a choice."""

    reading: str | None
    """The likely reading as a line to send: ``LATE 15 Sam``; None: none."""
    notice: bool
    """Admin gets a `notice`: the tag is in capitals, or the line holds minutes or a time."""
    other: str | None = None
    """What else it may mean, likewise."""

    @property
    def readings(self) -> tuple[str, ...]:
        """The likeliest first."""
        return tuple(one for one in (self.reading, self.other) if one is not None)


@dataclass(frozen=True, slots=True)
class Reading:
    """What one mail says, before anybody asks which case it is about."""

    line: str
    """The speaking line as written, without prefixes, labels and ids."""
    rest: str
    """The new text that is not the speaking line."""
    mark: Mark = Mark.PLAIN
    from_subject: bool = False
    ids: tuple[str, ...] = ()
    """Case ids in the speaking line, else in the new text (subject included); without repeats."""
    quoted_ids: tuple[str, ...] = ()
    """Case ids in the quoted text, or in the subject of a reply or forward."""
    report: Report | None = None
    unclear: Unclear | None = None
    word: Word | None = None
    """The word of the table that the line starts with, whatever follows."""
    lone: bool = False
    """The whole line is that word, alone or with a day, a time or minutes."""
    empty: bool = False
    """There is no new text at all, and the subject says nothing of its own."""
    courtesy: bool = False
    """Nothing but thanks or acknowledgement: "ok, thanks"."""
    below: str | None = None
    """A whole report on a line that does not speak, in capitals or with minutes, as a line to send."""
    further: tuple[Reading, ...] = ()
    """Under a report, each line that is one, too, about another client or time."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A word that counts for one case (contract section 3, "When a word counts")."""

    word: Word
    outcome: Outcome | None = None
    text: str = ""
    """What follows the word: the new time of RESCHEDULED, the words of OTHER, a note."""
    makeup: bool = False
    """MAKEUP stands after the outcome."""
    says: Says | None = None
    """What the client answered: with WAITS and REBOOK, and where it follows SENT or CONTACTED."""
    client: str | None = None
    """Whom CLIENT names."""
    report: Report | None = None
    """What a tag says: the new estimate or kind, with what follows it."""


class Why(StrEnum):
    """Why an answer is doubted; the history says it in these words."""

    NO_WORD = "no word"
    EMPTY = "empty"
    UNCLEAR = "unclear"
    QUESTION = "question"
    NEGATION = "negation"
    TWO_OUTCOMES = "two outcomes"
    OTHER_KIND = "other kind"
    """An outcome that a case of this kind cannot have."""
    ANOTHER_CLIENT = "another client"
    CANCEL = "cancel"
    FEW_WORDS = "few words"
    """OTHER without them."""
    WHICH_CLIENT = "which client"
    """CLIENT without a name."""
    BEFORE_SENT = "before sent"
    """What may tell of the first attempt alone."""
    PERHAPS_ANOTHER = "perhaps another client"
    """A report about another client, or why this one is late."""
    ANOTHER_SESSION = "another session"
    """LATE with minutes about a session that must be over."""
    SAME_KIND = "same kind"
    """A kind that the case cannot become."""
    CLOSED = "closed"
    """A tag about a case that is closed."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """An answer that must not be guessed: nothing closes; kept as a note and asked back."""

    reason: Why
    holds_outcome: bool = False
    """An outcome word stands somewhere in the line: then an admin's text is asked back, too."""
