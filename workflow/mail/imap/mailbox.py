"""What is said of the mailbox: what lay in it, how it is. Values only; `mail.imap.inbox` acts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from workflow.core.mail import Place

PATIENCE = 30.0
"""Seconds that one answer of the server may take."""

KEYWORD = "$Promptly"
"""Marks handled mail that stays in place (contract section 3, "What is left alone")."""

UNKNOWN_ARRIVAL = datetime(9000, 1, 1, tzinfo=UTC)
"""For an INTERNALDATE that cannot be read. Readers take no arrival later than now, so it means "now"."""


class Loss(StrEnum):
    """Why there is no connection. Words for the log: never a host, a name or the server's own text."""

    UNREACHABLE = "unreachable"
    TLS = "tls"
    """No encryption, or a certificate that proves nothing."""
    REFUSED_LOGIN = "refused-login"
    REFUSED_FOLDER = "refused-folder"
    """The folder is missing, or may only be read."""
    CLOSED = "closed"
    TIMEOUT = "timeout"
    PROTOCOL = "protocol"
    """The server said what we cannot understand."""
    BUSY = "busy"
    """It is there, but puts us off when it is asked for a mail."""
    FAULT = "fault"
    """A mistake of ours."""


class Withheld(StrEnum):
    """Why a mail, or its text, could not be had although it was asked for alone, several times. Fits behind "the IMAP
    server"."""

    REFUSED = "refuses to hand it out"
    EMPTY = "lists it, but hands nothing out"
    BROKE_OFF = "breaks off, or falls silent, whenever it is asked for it"
    PUT_OFF = "has put us off for an hour when it was asked for it"


_PASSING = re.compile(
    r"\[(?:UNAVAILABLE|INUSE|LIMIT|OVERQUOTA)\]|throttled|backoff|(?:too many|number of)[a-z ]* connections"
    r"|\b(?:server|service|system|mailbox)[a-z ]* (?:busy|unavailable)|temporar(?:y|ily) [a-z ]*(?:fail|error|unavail)",
    re.I,
)
"""A NO that will pass, and is no judgement on what was asked: by its code (RFC 5530, 3), or by words where servers have
no code for it (Exchange's throttling, Gmail's connections)."""


def is_passing(refusal: object) -> bool:
    """Whether this NO will pass by itself."""
    return _PASSING.search(str(refusal)) is not None


class Filing(StrEnum):
    """How handled mail leaves the folder, the best way first that server and configuration allow."""

    MOVE = "move"
    """RFC 6851."""
    COPY = "copy"
    """COPY, ``\\Deleted`` and UID EXPUNGE (RFC 4315)."""
    MARK = "keyword"
    """It stays in place, with the keyword."""
    NONE = "none"
    """It stays in place as it was: the server keeps no keywords."""


class MailboxError(Exception):
    """The connection could not be made; `why` says which part refused, `detail` perhaps more, fit for the log."""

    def __init__(self, why: Loss, detail: str = "") -> None:
        super().__init__(detail or why.value)
        self.why = why
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Fetched:
    """A mail as it lies in the folder."""

    place: Place
    arrived_at: datetime
    """INTERNALDATE, in UTC, to the second; not yet held against the clock (see `UNKNOWN_ARRIVAL`)."""
    size: int
    """Bytes, by the server's word; 0 when it would not tell."""
    raw: bytes
    """The mail, or only its header block when `whole` is false; empty when the server would not hand out even that."""
    whole: bool
    withheld: Withheld | None = None
    """Why text, or all of it, is missing, when that is the server's doing."""


class News(StrEnum):
    """What a `Contact` tells."""

    CONNECTED = "connected"
    """Logged in, folder open; the reason is "idle" or "polling"."""
    PUSHED = "pushed"
    """The server spoke of new mail; nothing else is known of it yet."""
    SEEN = "seen"
    """All that lay in the folder is delivered; told again at least once a minute. From the first on it is watched."""
    LOST = "lost"
    """No connection, or none that gives mail; the reason is a `Loss`. Told at every failed attempt."""
    RENUMBERED = "renumbered"
    """A new UIDVALIDITY: the folder is looked through again, by date."""
    NOT_FILED = "not-filed"
    """Handled mail stays in the folder; the reason is a `Filing`, or "refused"."""


@dataclass(frozen=True, slots=True)
class Contact:
    """News of the connection, in words fit for the log."""

    news: News
    reason: str = ""
    detail: str = ""
    """More about a loss, if more is known."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How often, in seconds."""

    reidle: float = 30.0
    """IDLE is renewed: a dead line shows within 10 s then, and no NAT forgets us meanwhile."""
    poll: float = 5.0
    """Between two looks where the server has no IDLE."""
    file: float = 0.5
    """Handled mail waits so long for company, and for new mail to go first."""
    retry_first: float = 0.25
    retry_most: float = 4.5
    """An unreachable server is tried again at least every 5 s (contract section 5)."""
    refused_first: float = 5.0
    refused_most: float = 300.0
    """A refused login: more would lock the account."""
    again_first: float = 2.0
    again_most: float = 5.0
    """A mail that did not come is asked for again: what ails a server, not a mail, may be over by then."""
    put_off_most: float = 3600.0
    """A server that puts us off with a word for it is believed for so long."""
    reselect: float = 600.0
    """The folder is opened anew: some servers go on showing it as it was when it was opened."""
