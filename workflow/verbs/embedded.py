"""A mail server in memory, on loopback: IMAP by pymap, SMTP by aiosmtpd, in the caller's event loop.

`daemon.py demo` plays on it, and the tests do, which is why it can be told to refuse, hang and vanish. It is not for
real mail: passwords are plain, nothing is encrypted, nothing outlives it.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from argparse import Namespace
from asyncio import StreamReader, StreamWriter
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.parser import BytesHeaderParser
from email.utils import parseaddr
from types import TracebackType
from typing import Literal, Self
from uuid import uuid4

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session
from proxyprotocol.noop import ProxyProtocolNoop
from proxyprotocol.sock import SocketInfo
from pymap.backend.dict import Login
from pymap.backend.dict.filter import FilterSet
from pymap.concurrent import Subsystem
from pymap.imap import IMAPServer
from pymap.parsing.message import AppendMessage
from pymap.parsing.specials import FetchRequirement
from pymap.user import UserMetadata
from pysasl.hashing import Cleartext

from workflow.verbs import xoauth2
from workflow.verbs.embedded_imap import FolderSet, ImapConfig

LOOPBACK = "127.0.0.1"

Stage = Literal["MAIL", "RCPT", "DATA"]


@dataclass(frozen=True, slots=True)
class Passed:
    """A mail that the server accepted by SMTP."""

    sender: str
    """The envelope's; "" for a bounce."""
    recipients: tuple[str, ...]
    raw: bytes


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


class EmbeddedServer:
    """Accounts are ``{address: password}``; each has an INBOX. Use as ``async with``.

    By SMTP anybody may send, with AUTH PLAIN or LOGIN or without; unknown recipients get 550. With `authserv_id` an
    accepted mail bears an Authentication-Results header as a real server's would: spf by the envelope sender, and
    dmarc=pass where From is of the same domain. `passing` is called in the loop with each mail accepted by SMTP. With
    `opens`, which says whether an access token opens an account, XOAUTH2 is offered beside passwords.
    """

    def __init__(
        self,
        accounts: Mapping[str, str],
        *,
        authserv_id: str = "",
        passing: Callable[[Passed], None] | None = None,
        opens: xoauth2.Opens | None = None,
    ) -> None:
        self.passed: deque[Passed] = deque(maxlen=1000)
        """The last mails accepted by SMTP, oldest first."""
        self.imap_port = 0
        self.smtp_port = 0
        self._accounts = {address.casefold(): password for address, password in accounts.items()}
        self._authserv_id = authserv_id
        self._passing = passing
        self._opens = opens
        self._refusals: list[_Refusal] = []
        self._answers_to_lose = 0
        self._flowing = asyncio.Event()
        self._boxes: dict[str, FolderSet] = {}
        self._imap: asyncio.Server | None = None
        self._smtp: asyncio.Server | None = None
        self._imap_clients: set[asyncio.Task[None]] = set()
        self._smtp_clients: set[_Smtp] = set()

    async def __aenter__(self) -> Self:
        # They log commands, with addresses in them.
        logging.getLogger("mail.log").setLevel(logging.ERROR)
        logging.getLogger("pymap").setLevel(logging.ERROR)
        config = ImapConfig(
            Namespace(),
            host=None,
            port=0,
            demo_data=False,
            demo_user="",
            demo_password="",
            ssl_context=ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER),
            tls_enabled=False,
            hash_context=Cleartext(),
            cpu_subsystem=Subsystem.for_asyncio(),
            proxy_protocol=ProxyProtocolNoop(),
            invalid_user_sleep=0.0,
        )
        if self._opens is not None:
            config.tokens = xoauth2.ForImap(self._opens, lambda address: self._accounts.get(address, ""))
        login = Login(config)
        for address, password in self._accounts.items():
            login.users_dict[address] = UserMetadata(config, address, password=password)
            self._boxes[address] = FolderSet()
            config.set_cache[address] = (self._boxes[address], FilterSet())
        self._imap_server = IMAPServer(login, config)
        self._flowing.set()
        await self.up_imap()
        await self.up_smtp()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.down_imap()
        await self.down_smtp()

    # --- mailboxes ----------------------------------------------------------------------------------

    async def deliver(self, address: str, raw: bytes, *, arrived_at: datetime | None = None) -> int:
        """Put a mail into somebody's INBOX, as if it came from outside; gives its UID. KeyError: no such account."""
        # The server's own clock, as a real one has; the daemon's may be rehearsed.
        when = arrived_at or datetime.fromtimestamp(time.time(), UTC)
        inbox = await self._boxes[address.casefold()].get_mailbox("INBOX")
        message = await inbox.append(AppendMessage(raw, when), recent=True)
        return message.uid

    async def messages(self, address: str, folder: str = "INBOX") -> list[bytes]:
        """The mails in a folder, oldest first; none when there is no such folder."""
        return [stored.raw for stored in await self.stored(address, folder)]

    async def stored(self, address: str, folder: str = "INBOX") -> list[Stored]:
        """The same with UIDs and flags."""
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
        boxes = self._boxes[address.casefold()]
        while True:
            changed = boxes.changed.or_event()
            found = [mail for mail in await self.stored(address, folder) if flag is None or flag in mail.flags]
            if len(found) >= count:
                return found
            await changed.wait()

    async def wait_until_empty(self, address: str, folder: str = "INBOX") -> None:
        """Wait until all mail has left a folder. Bound it by a time-out."""
        boxes = self._boxes[address.casefold()]
        while True:
            changed = boxes.changed.or_event()
            if not await self.stored(address, folder):
                return
            await changed.wait()

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

    def hang_smtp(self) -> None:
        """Answer no MAIL command until `resume_smtp`."""
        self._flowing.clear()

    def resume_smtp(self) -> None:
        """Answer again."""
        self._flowing.set()

    async def down_imap(self) -> None:
        """Close the IMAP port and every connection to it; mail stays."""
        if self._imap is not None:
            self._imap.close()
            self._imap = None
        tasks = list(self._imap_clients)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def up_imap(self) -> None:
        """Listen again, on the same port."""
        self._imap = await asyncio.start_server(self._serve_imap, LOOPBACK, self.imap_port)
        self.imap_port = self._imap.sockets[0].getsockname()[1]

    async def down_smtp(self) -> None:
        """Close the SMTP port and every connection to it."""
        if self._smtp is not None:
            self._smtp.close()
            self._smtp = None
        clients = list(self._smtp_clients)
        for client in clients:
            client.hang_up()
        await asyncio.gather(*(client.gone.wait() for client in clients))

    async def up_smtp(self) -> None:
        """Listen again, on the same port."""
        loop = asyncio.get_running_loop()
        self._smtp = await loop.create_server(self._serve_smtp, LOOPBACK, self.smtp_port)
        self.smtp_port = self._smtp.sockets[0].getsockname()[1]

    # --- IMAP ---------------------------------------------------------------------------------------

    async def _serve_imap(self, reader: StreamReader, writer: StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._imap_clients.add(task)
        try:
            # A client that hangs up in the middle of a command is nobody's fault.
            with suppress(ConnectionError, asyncio.CancelledError):
                await self._imap_server(reader, writer, SocketInfo.get(writer, None, unique_id=uuid4().bytes))
        finally:
            self._imap_clients.discard(task)
            writer.close()

    # --- SMTP ---------------------------------------------------------------------------------------

    def _serve_smtp(self) -> SMTP:
        return _Smtp(self, self._smtp_clients)

    def _login_is_right(self, _mechanism: str, name: bytes, password: bytes) -> bool:
        return self._accounts.get(name.decode(errors="replace").casefold()) == password.decode(errors="replace")

    async def auth_XOAUTH2(self, server: SMTP, args: list[str]) -> AuthResult:  # noqa: N802 - aiosmtpd's name
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

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """MAIL FROM (aiosmtpd's hook)."""
        await self._flowing.wait()
        if answer := self._refusal("MAIL", address):
            return answer
        envelope.mail_from = address or "<>"  # aiosmtpd takes "" for a missing MAIL, but bounces come from nobody
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """RCPT TO (aiosmtpd's hook)."""
        if answer := self._refusal("RCPT", address):
            return answer
        if address.casefold() not in self._boxes:
            return "550 5.1.1 No such user here"
        envelope.rcpt_tos.append(address.casefold())
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """The mail itself (aiosmtpd's hook)."""
        for address in envelope.rcpt_tos:
            if answer := self._refusal("DATA", address):
                return answer
        raw = envelope.content
        assert isinstance(raw, bytes)
        sender = "" if envelope.mail_from in {None, "<>"} else str(envelope.mail_from)
        passed = Passed(sender, tuple(envelope.rcpt_tos), raw)
        for address in passed.recipients:
            await self.deliver(address, self._stamp(passed) + raw)
        self.passed.append(passed)
        if self._passing is not None:
            self._passing(passed)
        if self._answers_to_lose > 0:
            self._answers_to_lose -= 1
            assert isinstance(server, _Smtp)
            server.hang_up()
            await asyncio.Event().wait()  # until aiosmtpd cancels this, for the connection is gone
        return "250 2.0.0 OK"

    def _stamp(self, passed: Passed) -> bytes:
        """What a real server's checks would say (RFC 8601)."""
        if not self._authserv_id:
            return b""
        said = BytesHeaderParser().parsebytes(passed.raw).get("From", "")
        domain = parseaddr(str(said))[1].rpartition("@")[2].casefold()
        aligned = bool(domain) and domain == passed.sender.rpartition("@")[2].casefold()
        spf = f"spf=pass smtp.mailfrom={passed.sender}" if passed.sender else "spf=none"
        dmarc = f"dmarc={'pass' if aligned else 'fail'} header.from={domain}"
        return f"Authentication-Results: {self._authserv_id};\r\n\t{spf};\r\n\t{dmarc}\r\n".encode()


class _Smtp(SMTP):
    """One SMTP connection that can be cut off."""

    def __init__(self, server: EmbeddedServer, clients: set[_Smtp]) -> None:
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
