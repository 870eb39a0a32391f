"""The demo's mail server with what tests ask of one: it shows its mail, and refuses, hangs and vanishes when told to.

Keywords are kept, logins by access token offered, and bounces taken.
"""

from __future__ import annotations

import asyncio
import time
from asyncio import StreamReader, StreamWriter
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Literal

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session
from pymap.concurrent import Event
from pymap.parsing.specials import FetchRequirement, ObjectId
from pymap.parsing.specials.flag import Flag, Wildcard
from pysasl import SASLAuth

from tests import xoauth2
from tests.configuration import MAILBOX, PEOPLE
from workflow.verbs.server import LOOPBACK, Folder, Folders, ImapConfig, MailServer, Passed

__all__ = ["LOOPBACK", "Passed", "Stage", "Stored", "TroubledServer"]

Stage = Literal["MAIL", "RCPT", "DATA"]


@dataclass(frozen=True, slots=True)
class Stored:
    """A mail in a folder."""

    uid: int
    flags: frozenset[str]
    raw: bytes


@dataclass(slots=True)
class _Refusal:
    address: str
    answer: str
    times: int | None
    stage: Stage


_PASSWORDS = SASLAuth.defaults()
"""pysasl asks every installed distribution for them; pymap would have it ask at each connection."""


class _Config(ImapConfig):
    """With logins by password."""

    @property
    def tls_auth(self) -> SASLAuth:
        return _PASSWORDS


class _TokenConfig(ImapConfig):
    """With logins by access token beside those by password."""

    def __init__(self, tokens: xoauth2.ForImap) -> None:
        super().__init__()
        self._tokens = tokens

    @property
    def tls_auth(self) -> SASLAuth:
        return SASLAuth([*_PASSWORDS.server_mechanisms, self._tokens])


class _WatchedFolder(Folder):
    """A folder that keeps keywords, and rings at every change."""

    def __init__(self, boxes: _WatchedFolders) -> None:
        super().__init__(boxes._content_cache, _NO_THREADS)  # type: ignore[arg-type]  # all that is asked of one
        self._updated = boxes.changed

    @property
    def permanent_flags(self) -> frozenset[Flag]:
        return super().permanent_flags | {Wildcard}


class _WatchedFolders(Folders):
    """All folders of an account; `changed` rings at every change in any of them."""

    def __init__(self) -> None:
        self.changed = Event.for_asyncio()
        super().__init__()

    def new_folder(self) -> Folder:
        return _WatchedFolder(self)

    async def add_mailbox(self, name: str) -> ObjectId:
        made = await super().add_mailbox(name)
        self.changed.set()
        return made


class _NoThreads:
    """For pymap: no mail belongs to another. It would read each for that, and nobody here asks."""

    def add(self, _content: object) -> ObjectId:
        return ObjectId.random_thread_id()


_NO_THREADS = _NoThreads()


class _LetterBox:
    """Mail for somebody who does not look at it by IMAP."""

    def __init__(self) -> None:
        self.mails: list[Stored] = []
        self.changed = Event.for_asyncio()


class TroubledServer(MailServer):
    """The clinic's mailbox, and the people's.

    `accounts` are reached by IMAP; mail for `people` is only kept. With `opens`, which says whether an access token
    opens an account, XOAUTH2 is offered beside passwords.
    """

    def __init__(
        self,
        accounts: Mapping[str, str] = MappingProxyType({MAILBOX: "secret"}),
        *,
        people: Iterable[str] = PEOPLE.values(),
        authserv_id: str = "",
        passing: Callable[[Passed], None] | None = None,
        opens: xoauth2.Opens | None = None,
    ) -> None:
        super().__init__(accounts, authserv_id=authserv_id, passing=self._note)
        self.passed: deque[Passed] = deque(maxlen=1000)
        """The last mails accepted by SMTP, oldest first."""
        self._letters = {address: _LetterBox() for address in people if address not in accounts}
        self._told = passing
        self._opens = opens
        self._refusals: list[_Refusal] = []
        self._answers_to_lose = 0
        self._flowing = asyncio.Event()
        self._flowing.set()
        self.hanging = 0
        """MAIL commands that wait for their answer."""
        self._imap_clients: set[asyncio.Task[None]] = set()
        self._smtp_clients: set[_Smtp] = set()

    async def __aexit__(self, *error: object) -> None:
        await self.down_imap()
        await self.down_smtp()

    # --- mailboxes ----------------------------------------------------------------------------------

    async def deliver(self, address: str, raw: bytes, arrived_at: datetime | None = None) -> int:
        """Put a mail into somebody's INBOX, as if it came from outside; gives its UID. KeyError: no such account."""
        if (box := self._letters.get(address.casefold())) is not None:
            box.mails.append(Stored(len(box.mails) + 1, frozenset(), raw))
            box.changed.set()
            return len(box.mails)
        return await super().deliver(address, raw, arrived_at or datetime.fromtimestamp(time.time(), UTC))

    async def messages(self, address: str, folder: str = "INBOX") -> list[bytes]:
        """The mails in a folder, oldest first; none when there is no such folder."""
        return [stored.raw for stored in await self.stored(address, folder)]

    async def stored(self, address: str, folder: str = "INBOX") -> list[Stored]:
        """The same with UIDs and flags."""
        if (box := self._letters.get(address.casefold())) is not None:
            return list(box.mails)
        try:
            mailbox = await self._boxes[address.casefold()].get_mailbox(folder)
        except KeyError:
            return []
        found = []
        for message in [message async for message in mailbox.messages()]:
            loaded = await message.load_content(FetchRequirement.CONTENT)
            flags = frozenset(str(flag) for flag in message.permanent_flags)
            found.append(Stored(message.uid, flags, bytes(loaded.get_body())))
        return found

    async def wait_for(
        self, address: str, count: int, folder: str = "INBOX", *, flag: str | None = None
    ) -> list[Stored]:
        """Wait until a folder holds at least `count` mails (that bear `flag`); gives them. Bound it by a time-out."""
        while True:
            changed = self._changed(address)
            found = [mail for mail in await self.stored(address, folder) if flag is None or flag in mail.flags]
            if len(found) >= count:
                return found
            await changed.wait()

    async def wait_until_empty(self, address: str, folder: str = "INBOX") -> None:
        """Wait until all mail has left a folder. Bound it by a time-out."""
        while True:
            changed = self._changed(address)
            if not await self.stored(address, folder):
                return
            await changed.wait()

    def _changed(self, address: str) -> Event:
        """Rings at the next change in any folder of an account."""
        if (box := self._letters.get(address.casefold())) is not None:
            return box.changed.or_event()
        boxes = self._boxes[address.casefold()]
        assert isinstance(boxes, _WatchedFolders)
        return boxes.changed.or_event()

    # --- trouble ------------------------------------------------------------------------------------

    def refuse(self, address: str, answer: str, times: int | None = None, *, stage: Stage = "RCPT") -> None:
        """Answer so (``451 4.3.0 Later``), `times` times or for ever, for this recipient, at MAIL for this sender."""
        self._refusals.append(_Refusal(address.casefold(), answer, times, stage))

    def accept(self, address: str) -> None:
        """Take back what `refuse` said of this address."""
        self._refusals = [refusal for refusal in self._refusals if refusal.address != address.casefold()]

    def lose_answers(self, times: int = 1) -> None:
        """Accept the next mails, but hang up instead of saying so."""
        self._answers_to_lose = times

    @property
    def smtp_connections(self) -> int:
        """How many are open."""
        return len(self._smtp_clients)

    def change_password(self, address: str, password: str) -> None:
        """By SMTP."""
        self._accounts[address.casefold()] = password

    def hang_smtp(self) -> None:
        """Answer no MAIL command until `resume_smtp`."""
        self._flowing.clear()

    def resume_smtp(self) -> None:
        """Answer again."""
        self._flowing.set()

    async def down_imap(self) -> None:
        """Close the IMAP port and every connection to it, until `up_imap`; mail stays."""
        if self._imap is not None:
            self._imap.close()
            self._imap = None
        tasks = list(self._imap_clients)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def down_smtp(self) -> None:
        """Close the SMTP port and every connection to it, until `up_smtp`."""
        if self._smtp is not None:
            self._smtp.close()
            self._smtp = None
        clients = list(self._smtp_clients)
        for client in clients:
            client.hang_up()
        await asyncio.gather(*(client.gone.wait() for client in clients))

    # --- IMAP ---------------------------------------------------------------------------------------

    def _imap_config(self) -> ImapConfig:
        if self._opens is None:
            return _Config()
        return _TokenConfig(xoauth2.ForImap(self._opens, lambda address: self._accounts.get(address, "")))

    def _new_folders(self) -> Folders:
        return _WatchedFolders()

    async def _serve_imap(self, reader: StreamReader, writer: StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._imap_clients.add(task)
        try:
            await super()._serve_imap(reader, writer)
        finally:
            self._imap_clients.discard(task)

    # --- SMTP ---------------------------------------------------------------------------------------

    def _serve_smtp(self) -> SMTP:
        return _Smtp(self, self._smtp_clients)

    async def auth_XOAUTH2(self, server: SMTP, args: list[str]) -> AuthResult:
        """AUTH XOAUTH2 (aiosmtpd's hook); offered only with `opens`."""
        assert self._opens is not None
        return await xoauth2.answer_smtp(server, args, self._opens)

    def _refusal(self, stage: Stage, address: str) -> str | None:
        for refusal in self._refusals:
            if refusal.stage == stage and refusal.address == address.casefold() and refusal.times != 0:
                if refusal.times is not None:
                    refusal.times -= 1
                return refusal.answer
        return None

    async def handle_MAIL(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """MAIL FROM (aiosmtpd's hook)."""
        self.hanging += 1
        await self._flowing.wait()
        self.hanging -= 1
        if answer := self._refusal("MAIL", address):
            return answer
        envelope.mail_from = address or "<>"  # aiosmtpd takes "" for a missing MAIL, but bounces come from nobody
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """RCPT TO (aiosmtpd's hook)."""
        if answer := self._refusal("RCPT", address):
            return answer
        if address.casefold() in self._letters:
            envelope.rcpt_tos.append(address.casefold())
            envelope.rcpt_options.extend(options)
            return "250 2.1.5 OK"
        return await super().handle_RCPT(server, session, envelope, address, options)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """The mail itself (aiosmtpd's hook)."""
        for address in envelope.rcpt_tos:
            if answer := self._refusal("DATA", address):
                return answer
        if envelope.mail_from == "<>":
            envelope.mail_from = ""
        answered = await super().handle_DATA(server, session, envelope)
        if self._answers_to_lose > 0:
            self._answers_to_lose -= 1
            assert isinstance(server, _Smtp)
            server.hang_up()
            await asyncio.Event().wait()  # until aiosmtpd cancels this, for the connection is gone
        return answered

    def _note(self, passed: Passed) -> None:
        self.passed.append(passed)
        if self._told is not None:
            self._told(passed)


class _Smtp(SMTP):
    """One SMTP connection that can be cut off."""

    def __init__(self, server: TroubledServer, clients: set[_Smtp]) -> None:
        if server._opens is not None:
            self.line_length_limit = xoauth2.LONGEST
        super().__init__(
            server,
            hostname="localhost",  # instead of asking DNS
            auth_callback=server._login_is_right,
            auth_require_tls=False,
            auth_exclude_mechanism=() if server._opens is not None else ("XOAUTH2",),
            loop=asyncio.get_running_loop(),
        )
        self.gone = asyncio.Event()
        self._clients = clients
        self.command_size_limits["AUTH"] = xoauth2.LONGEST

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._clients.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        self._clients.discard(self)
        self.gone.set()

    def hang_up(self) -> None:
        """Close at once, without a word."""
        if isinstance(self.transport, asyncio.Transport):
            self.transport.abort()
