"""One IMAP connection (RFC 3501): log in, search, fetch, file away.

It is the life of a single connection and no more: no thread, no retry, no memory of what was delivered; `inbox` has
those. Everything is named by UID, ``\\Seen`` is never touched, and nothing is expunged but by UID.
"""

from __future__ import annotations

import logging
import socket
import ssl
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from imapclient import DELETED
from imapclient.exceptions import (
    IMAPClientAbortError,
    IMAPClientError,
    IMAPClientReadOnlyError,
)
from imapclient.response_parser import parse_fetch_response

from workflow.config.keys import ImapServer
from workflow.mail.imap.connection import connect
from workflow.mail.imap.login import log_in
from workflow.mail.imap.mailbox import (
    KEYWORD,
    PATIENCE,
    UNKNOWN_ARRIVAL,
    Filing,
    Loss,
    MailboxError,
    Withheld,
    is_passing,
)
from workflow.mail.tokens import Tokens, tokens_of

# At DEBUG the library logs what it sends and reads: names and bodies (contract 8.7).
logging.getLogger("imapclient").setLevel(logging.INFO)

_ALIVE_MOST = 10.0
"""Seconds for the answer to DONE, which costs a living server nothing: a line that is silent for so long is dead."""

_HEADER_MOST = 256 * 1024
"""Bytes of header asked for when the mail itself is too large: a header may be all of it."""


_ARRIVALS_FROM = datetime(2000, 1, 1, tzinfo=UTC)
"""An INTERNALDATE before this is a server's way to say that it knows none (1899, 1970)."""


@dataclass(frozen=True, slots=True)
class Weighed:
    """What is known of a mail before it is fetched. `size` is in bytes, and more than 0."""

    uid: int
    arrived_at: datetime
    size: int


@dataclass(frozen=True, slots=True)
class Alone:
    """A mail that was asked for alone, or its header."""

    arrived_at: datetime
    raw: bytes


def why_lost(error: Exception) -> Loss:
    """Classify whatever ended a connection."""
    match error:
        case MailboxError():
            return error.why
        case TimeoutError():
            return Loss.TIMEOUT
        case IMAPClientAbortError() | OSError():
            return Loss.CLOSED
        case IMAPClientError():
            return Loss.PROTOCOL
        case _:
            return Loss.FAULT


class Session:
    """A connection that is open. Only the thread that made it may use it, but for `sever`."""

    def __init__(
        self,
        server: ImapServer,
        *,
        tokens: Tokens | None = None,
        timeout: float = PATIENCE,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Connect and encrypt; `tls` instead of verified TLS. Raises `MailboxError` (unreachable, tls)."""
        self._server = server
        self._tokens = tokens or tokens_of(server)
        self._timeout = timeout
        self._pushed = False
        self._idle_tag: bytes | None = None
        self._archives: dict[str, str] = {}
        self._client = connect(server, timeout, tls)
        # The library's tracing formats every answer, bodies too, whether or not a logger wants it.
        self._client._imap.debug = 0
        self._client.normalise_times = False
        sock = self._client.socket()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self.can_idle = False
        self.filing = Filing.NONE
        self.keywords = False
        self.uidvalidity = 0
        self.uidnext = 1
        self.uidnext_told = 0
        self.exists = 0

    def log_in(self) -> None:
        """Raises `MailboxError`: refused-login, or unreachable if the server could not even ask itself."""
        log_in(self._client, self._server, self._tokens)
        self._client.capabilities()  # kept from here on; they came with the answer, mostly

    def open_folder(self, *, readonly: bool = False) -> None:
        """Select the folder and learn what may be done there.

        Raises `MailboxError`: refused-folder; refused-login, if it was no login after all; unreachable, if the server
        puts us off.
        """
        try:
            answer = self._client.select_folder(self._server.folder, readonly=readonly)
        except IMAPClientReadOnlyError as error:
            raise MailboxError(Loss.REFUSED_FOLDER) from error
        except IMAPClientAbortError:
            raise
        except IMAPClientError as error:
            if is_passing(error):
                raise MailboxError(Loss.UNREACHABLE) from error
            # Exchange takes a login to a mailbox that is not this user's, and says so only here.
            unconnected = "not connected" in str(error)
            raise MailboxError(Loss.REFUSED_LOGIN if unconnected else Loss.REFUSED_FOLDER) from error
        self.uidvalidity = answer.get(b"UIDVALIDITY", 0)
        self.uidnext_told = answer.get(b"UIDNEXT", 0)
        self.uidnext = self.uidnext_told or max(self._client.search(["UID", "*"]), default=0) + 1
        self.exists = answer.get(b"EXISTS", 0)
        # Without PERMANENTFLAGS every flag may be set (RFC 3501, 7.1).
        permanent = {flag.lower() for flag in answer.get(b"PERMANENTFLAGS", (b"\\*",))}
        self.keywords = b"\\*" in permanent or KEYWORD.lower().encode() in permanent
        self.can_idle = self._client.has_capability("IDLE")
        self.filing = self._choose_filing()

    def _choose_filing(self) -> Filing:
        if self._server.handled_folder:
            if self._client.has_capability("MOVE"):
                return Filing.MOVE
            if self._client.has_capability("UIDPLUS"):
                return Filing.COPY
        return Filing.MARK if self.keywords else Filing.NONE

    # --- looking ------------------------------------------------------------------------------------

    def noop(self) -> None:
        self._client._imap.noop()

    def search(self, above: int, since: date | None = None) -> list[int]:
        """UIDs above `above` in ascending order, without those that bear our keyword in place.

        `since` is a day by the server's own calendar (RFC 3501, 6.4.4): take one day more than you need.
        """
        self._forget_updates()
        criteria: list[Any] = ["UID", f"{above + 1}:*"]
        if since is not None:
            # What has no arrival (see `_arrival`) is as old as it says itself.
            criteria += ["OR", ["SINCE", since], ["BEFORE", _ARRIVALS_FROM.date(), "SENTSINCE", since]]
        if self.filing is Filing.MARK:
            criteria += ["UNKEYWORD", KEYWORD]
        # "n:*" always holds the last mail, even below n (RFC 3501, 6.4.8).
        return sorted(uid for uid in self._client.search(criteria) if uid > above)

    def was_told(self) -> bool:
        """Whether the server spoke of new mail since the last search, in another answer: IDLE will not repeat it."""
        return "EXISTS" in self._client._imap.untagged_responses

    def search_last(self, count: int) -> list[int]:
        """UIDs of the last `count` mails as of `open_folder`, ascending."""
        if not self.exists:
            return []
        # Sequence numbers, even in UID SEARCH (RFC 3501, 6.4.8); not every server knows.
        return sorted(self._client.search([f"{max(1, self.exists - count + 1)}:*"]))[-count:]

    def weigh(self, uids: Sequence[int]) -> dict[int, Weighed]:
        """Arrival and size, ascending; missing: it vanished, or the server does not know how large it is."""
        return {
            uid: Weighed(uid, _arrival(answer.get(b"INTERNALDATE")), size)
            for uid, answer in self._fetch(uids, "INTERNALDATE RFC822.SIZE").items()
            if isinstance(size := answer.get(b"RFC822.SIZE"), int) and size > 0
        }

    def bodies(self, uids: Sequence[int]) -> dict[int, bytes]:
        """Whole mails; missing: it vanished, or the server gave nothing."""
        return _column(self._fetch(uids, "BODY.PEEK[]"))

    def headers(self, uids: Sequence[int]) -> dict[int, bytes]:
        """Header blocks, perhaps cut at 256 KB; otherwise as `bodies`."""
        return _column(self._fetch(uids, f"BODY.PEEK[HEADER]<0.{_HEADER_MOST}>"))

    def alone(self, uid: int, *, whole: bool = True) -> Alone | Withheld:
        """One mail, or its header, that was not to be had in company; at most one byte over `max_size`."""
        part = f"BODY.PEEK[]<0.{self._server.max_size + 1}>" if whole else f"BODY.PEEK[HEADER]<0.{_HEADER_MOST}>"
        try:
            answers = self._fetch([uid], f"INTERNALDATE {part}")
        except IMAPClientAbortError:
            raise
        except IMAPClientError as error:
            return Withheld.PUT_OFF if is_passing(error) else Withheld.REFUSED
        if raw := _column(answers).get(uid):
            return Alone(_arrival(answers[uid].get(b"INTERNALDATE")), raw)
        return Withheld.EMPTY

    def still_there(self, uids: Sequence[int]) -> set[int]:
        """Those of these that the server lists now."""
        self.noop()
        return set(self._client.search(["UID", ",".join(map(str, uids))])) & set(uids)

    def _fetch(self, uids: Sequence[int], what: str) -> dict[int, dict[bytes, Any]]:
        """The answers to one FETCH. A line that cannot be parsed is passed over: it may be about another mail.

        Not imapclient's `fetch`, which gives up all for it.
        """
        kind, data = self._client._imap.uid("FETCH", ",".join(map(str, uids)), f"({what})")
        if kind != "OK":
            raise IMAPClientError(str(data))
        found: dict[int, dict[bytes, Any]] = {}
        line: list[Any] = []
        for piece in data:  # a tuple for each literal, then bytes: the rest of the line
            line.append(piece)
            if isinstance(piece, bytes):
                with suppress(IMAPClientError):
                    for uid, answer in parse_fetch_response(line, normalise_times=False).items():
                        found.setdefault(uid, {}).update(answer)
                line = []
        return {uid: found[uid] for uid in uids if uid in found}

    def _forget_updates(self) -> None:
        """Drop what the server told without being asked: imaplib collects it for as long as the connection lives.

        BYE and READ-ONLY stay, for imaplib raises on them.
        """
        told = self._client._imap.untagged_responses
        for name in told.keys() - {"BYE", "READ-ONLY"}:
            del told[name]

    # --- IDLE (RFC 2177) ------------------------------------------------------------------------------

    def fileno(self) -> int:
        """What to poll while idling; ask `holds_unread` first."""
        return int(self._client.socket().fileno())

    def begin_idle(self) -> bool:
        """Start IDLE; False if the server refuses it.

        Not imapclient's `idle`, which takes a line that comes before the "+" for an error.
        """
        imap = self._client._imap
        self._forget_updates()
        self._pushed = False
        tag = imap._command("IDLE")
        while imap._get_response() is not None:  # None is the "+"
            if imap.tagged_commands[tag] is not None:
                del imap.tagged_commands[tag]
                self._pushed = False
                return False
            self._pushed = True
        self._idle_tag = tag
        return True

    def holds_unread(self) -> bool:
        """Whether something came that a poll of the socket cannot see: read along with the "+", or decrypted."""
        if self._pushed:
            return True
        imap, sock = self._client._imap, self._client.socket()
        # From Python 3.14 on imaplib has a buffer of its own.
        if (buffered := getattr(imap, "_readbuf", None)) is not None:
            return bool(buffered) or (isinstance(sock, ssl.SSLSocket) and sock.pending() > 0)
        sock.setblocking(False)
        try:
            return bool(imap.file.peek(1))
        except ssl.SSLWantReadError:
            return False
        finally:
            sock.settimeout(self._timeout)

    def end_idle(self) -> None:
        """Leave IDLE and read all that was pushed. Raises when the connection is gone or the server said BYE."""
        imap, tag = self._client._imap, self._idle_tag
        self._idle_tag, self._pushed = None, False
        self._client.socket().settimeout(min(_ALIVE_MOST, self._timeout))
        imap.send(b"DONE\r\n")
        while imap.tagged_commands[tag] is None:
            imap._get_response()
            if "BYE" in imap.untagged_responses:
                raise IMAPClientAbortError("BYE")
        self._client.socket().settimeout(self._timeout)
        kind, _ = imap.tagged_commands.pop(tag)
        if kind != "OK":
            raise IMAPClientError("IDLE")

    # --- filing ---------------------------------------------------------------------------------------

    def file_away(self, uids: Sequence[int], below: str = "") -> None:
        """Move to the handled folder, or to a folder below it; what is missing is made, and subscribed to.

        Mails that vanished are no error, nor is doing it twice.
        """
        known = below in self._archives
        try:
            self._move(uids, self._archive(below))
        except IMAPClientAbortError:
            raise
        except IMAPClientError:
            if not known:
                raise
            self._archives.clear()  # somebody took the folder away meanwhile
            self._move(uids, self._archive(below))

    def _move(self, uids: Sequence[int], folder: str) -> None:
        if self.filing is Filing.MOVE:
            self._client.move(uids, folder)
            return
        self._client.copy(uids, folder)
        self._client.add_flags(uids, DELETED, silent=True)
        self._client.uid_expunge(uids)

    def mark(self, uids: Sequence[int]) -> None:
        self._client.add_flags(uids, KEYWORD, silent=True)

    def _archive(self, below: str) -> str:
        if below not in self._archives:
            parent = self._archive("") + self._delimiter() if below else ""
            name = parent + (below or self._server.handled_folder)
            exists = self._client.folder_exists(name)
            if not exists and not name.startswith(prefix := self._prefix()):
                name = prefix + name
                exists = self._client.folder_exists(name)
            if not exists:
                self._client.create_folder(name)
                with suppress(IMAPClientError):  # many mail programs show subscribed folders only; no reason to fail
                    self._client.subscribe_folder(name)
            self._archives[below] = name
        return self._archives[below]

    def _delimiter(self) -> str:
        """Between a folder and the one below it; a flat server gets a dash."""
        listed = self._client.list_folders("", "")
        return "/" if not listed else listed[0][1].decode() if listed[0][1] else " - "

    def _prefix(self) -> str:
        """What new folders must begin with: "INBOX." on some servers (RFC 2342)."""
        if not self._client.has_capability("NAMESPACE"):
            return ""
        personal = self._client.namespace().personal
        return str(personal[0][0]) if personal else ""

    # --- the end --------------------------------------------------------------------------------------

    def sever(self) -> None:
        """Break the connection, from any thread: whoever waits in it wakes up with an error."""
        with suppress(OSError):
            # Not SSLSocket.shutdown, which takes the encryption away under the reading thread.
            socket.socket.shutdown(self._client.socket(), socket.SHUT_RDWR)

    def close(self) -> None:
        with suppress(OSError):
            self._client.shutdown()


def _arrival(internaldate: datetime | None) -> datetime:
    """INTERNALDATE in UTC."""
    if internaldate is None:
        return UNKNOWN_ARRIVAL
    try:
        # One without a zone is taken for UTC.
        at = internaldate.astimezone(UTC) if internaldate.tzinfo else internaldate.replace(tzinfo=UTC)
    except OverflowError:
        return UNKNOWN_ARRIVAL
    return at if at >= _ARRIVALS_FROM else UNKNOWN_ARRIVAL


def _column(answers: dict[int, dict[bytes, Any]]) -> dict[int, bytes]:
    """The text in each answer. An answer without one is only an update that the server volunteered."""
    items = ((uid, name, value) for uid, answer in answers.items() for name, value in answer.items())
    return {uid: value for uid, name, value in items if name[:5] == b"BODY[" and isinstance(value, bytes) and value}
