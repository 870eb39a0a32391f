"""The demo's mail server, in memory and on loopback: IMAP by pymap, SMTP by aiosmtpd, in the caller's event loop.

It is not for real mail: passwords are plain, nothing is encrypted, nothing outlives it. Its libraries are in a checkout
(``make demo``) and not in a clinic's installation.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from argparse import Namespace
from asyncio import StreamReader, StreamWriter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.parser import BytesHeaderParser
from email.utils import parseaddr
from typing import Self
from uuid import uuid4

from aiosmtpd.smtp import SMTP, Envelope, Session
from proxyprotocol.noop import ProxyProtocolNoop
from proxyprotocol.sock import SocketInfo
from pymap.backend.dict import Config, Login
from pymap.backend.dict.filter import FilterSet
from pymap.backend.dict.mailbox import MailboxData, MailboxSet
from pymap.concurrent import Event, Subsystem
from pymap.imap import IMAPServer
from pymap.parsing.message import AppendMessage
from pymap.parsing.specials import ObjectId
from pymap.selected import SelectedMailbox
from pymap.user import UserMetadata
from pysasl.hashing import Cleartext

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Passed:
    """A mail that the server accepted by SMTP."""

    sender: str
    """The envelope's; "" for a bounce."""
    recipients: tuple[str, ...]
    raw: bytes


class ImapConfig(Config):
    """pymap's, without its look into DNS for a greeting."""

    def __init__(self) -> None:
        super().__init__(
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

    @property
    def greeting(self) -> bytes:
        return b"ready"


class Folder(MailboxData):
    """A folder whose IDLE misses nothing."""

    async def update_selected(self, selected: SelectedMailbox, *, wait_on: Event | None = None) -> SelectedMailbox:
        # pymap waits for the next change even when one came between the last command and IDLE: a lost push.
        if selected.mod_sequence != self._mod_sequences.highest:
            wait_on = None
        return await super().update_selected(selected, wait_on=wait_on)


class Folders(MailboxSet):
    def __init__(self) -> None:
        super().__init__()
        self._inbox = self.new_folder()

    def new_folder(self) -> Folder:
        return Folder(self._content_cache, self._thread_cache)

    async def add_mailbox(self, name: str) -> ObjectId:
        if name in self._set:
            raise ValueError(name)
        self._set[name] = folder = self.new_folder()
        return folder.mailbox_id


class MailServer:
    """Accounts are ``{address: password}``; each has an INBOX. Use as ``async with``.

    By SMTP anybody may send, with AUTH PLAIN or LOGIN or without; unknown recipients get 550. With `authserv_id` an
    accepted mail bears an Authentication-Results header as a real server's would: spf by the envelope sender, and
    dmarc=pass where From is of the same domain. `passing` is called in the loop with each mail accepted by SMTP.
    """

    def __init__(
        self, accounts: Mapping[str, str], *, authserv_id: str = "", passing: Callable[[Passed], None] | None = None
    ) -> None:
        self.imap_port = 0
        self.smtp_port = 0
        self._accounts = {address.casefold(): password for address, password in accounts.items()}
        self._authserv_id = authserv_id
        self._passing = passing
        self._boxes: dict[str, Folders] = {}
        self._imap: asyncio.Server | None = None
        self._smtp: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        # They log commands, with addresses in them.
        logging.getLogger("mail.log").setLevel(logging.ERROR)
        logging.getLogger("pymap").setLevel(logging.ERROR)
        config = self._imap_config()
        login = Login(config)
        for address, password in self._accounts.items():
            login.users_dict[address] = UserMetadata(config, address, password=password)
            self._boxes[address] = self._new_folders()
            config.set_cache[address] = (self._boxes[address], FilterSet())
        self._imap_server = IMAPServer(login, config)
        await self.up_imap()
        await self.up_smtp()
        return self

    async def __aexit__(self, *_error: object) -> None:
        for server in (self._imap, self._smtp):
            if server is not None:
                server.close()

    async def up_imap(self) -> None:
        self._imap = await asyncio.start_server(self._serve_imap, LOOPBACK, self.imap_port)
        self.imap_port = self._imap.sockets[0].getsockname()[1]

    async def up_smtp(self) -> None:
        loop = asyncio.get_running_loop()
        self._smtp = await loop.create_server(self._serve_smtp, LOOPBACK, self.smtp_port)
        self.smtp_port = self._smtp.sockets[0].getsockname()[1]

    async def deliver(self, address: str, raw: bytes, arrived_at: datetime) -> int:
        """Put a mail into somebody's INBOX; gives its UID. KeyError: no such account."""
        inbox = await self._boxes[address.casefold()].get_mailbox("INBOX")
        message = await inbox.append(AppendMessage(raw, arrived_at), recent=True)
        return message.uid

    # --- IMAP ---------------------------------------------------------------------------------------

    def _imap_config(self) -> ImapConfig:
        return ImapConfig()

    def _new_folders(self) -> Folders:
        return Folders()

    async def _serve_imap(self, reader: StreamReader, writer: StreamWriter) -> None:
        try:
            # A client that hangs up in the middle of a command is nobody's fault.
            with suppress(ConnectionError, asyncio.CancelledError):
                await self._imap_server(reader, writer, SocketInfo.get(writer, None, unique_id=uuid4().bytes))
        finally:
            writer.close()

    # --- SMTP ---------------------------------------------------------------------------------------

    def _serve_smtp(self) -> SMTP:
        return SMTP(
            self,
            hostname="localhost",  # instead of asking DNS
            auth_callback=self._login_is_right,
            auth_require_tls=False,
            loop=asyncio.get_running_loop(),
        )

    def _login_is_right(self, _mechanism: str, name: bytes, password: bytes) -> bool:
        return self._accounts.get(name.decode(errors="replace").casefold()) == password.decode(errors="replace")

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address.casefold() not in self._boxes:
            return "550 5.1.1 No such user here"
        envelope.rcpt_tos.append(address.casefold())
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        raw = envelope.content
        assert isinstance(raw, bytes)
        passed = Passed(envelope.mail_from or "", tuple(envelope.rcpt_tos), raw)
        # The server's own clock, as a real one has; the daemon's may be rehearsed.
        now = datetime.fromtimestamp(time.time(), UTC)
        for address in passed.recipients:
            await self.deliver(address, self._stamp(passed) + raw, now)
        if self._passing is not None:
            self._passing(passed)
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
