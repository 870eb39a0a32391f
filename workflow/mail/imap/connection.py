"""The way to an IMAP server: one of its addresses, encrypted, greeted. Who we are is said by `login`."""

from __future__ import annotations

import asyncio
import imaplib
import socket
import ssl
from contextlib import suppress
from typing import Any

from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import CapabilityError, IMAPClientError

from workflow.config.keys import ImapServer
from workflow.mail.imap.mailbox import Loss, MailboxError
from workflow.mail.reach import connected
from workflow.mail.tls import verified

_CONNECT_MOST = 10.0
"""Seconds for one attempt to connect, and for the greeting. TCP repeats its SYN after 1, 3 and 7 s, so a silent host is
tried at least every 5 s (contract section 5) within the attempt, and a slow one still gets through."""


class _Imap4(imaplib.IMAP4):
    """The library's, on a connection that stands."""

    def __init__(self, wire: socket.socket, host: str, port: int) -> None:
        self._wire = wire
        super().__init__(host, port)

    def _create_socket(self, _timeout: float | None) -> socket.socket:
        return self._wire


class _Client(IMAPClient):  # type: ignore[misc]  # imapclient has no types
    """The library's, on a connection that stands."""

    def __init__(self, wire: socket.socket, server: ImapServer, **options: Any) -> None:
        self._wire = wire
        super().__init__(server.host, server.port, ssl=server.security == "tls", **options)

    def _create_IMAP4(self) -> imaplib.IMAP4:  # noqa: N802 - imapclient's name
        if self.ssl:
            self._wire = self.ssl_context.wrap_socket(self._wire, server_hostname=self.host)
        return _Imap4(self._wire, self.host, self.port)


def connect(server: ImapServer, timeout: float, context: ssl.SSLContext | None) -> Any:
    """The library's client, connected and encrypted; `context` instead of verified TLS. Blocks.

    Each address of the host is tried. Raises `MailboxError` (unreachable, tls), about the one that answered if any did.
    """
    failed: MailboxError | None = None
    try:
        if server.security != "none":
            context = context or verified(server.ca_file)
    except OSError as error:
        raise MailboxError(Loss.TLS if isinstance(error, ssl.SSLError) else Loss.UNREACHABLE) from error
    try:
        left = socket.getaddrinfo(server.host, server.port, type=socket.SOCK_STREAM)
        while failed is None or left:
            wire, left = asyncio.run(connected(left, min(timeout, _CONNECT_MOST)))
            try:
                return _greeted(wire, server, timeout, context)
            except MailboxError as error:
                failed = failed or error
    except (OSError, UnicodeError) as error:  # no name can be so long
        if failed is None:
            raise MailboxError(Loss.UNREACHABLE) from error
    raise failed


def _greeted(wire: socket.socket, server: ImapServer, timeout: float, context: ssl.SSLContext | None) -> Any:
    wire.settimeout(min(timeout, _CONNECT_MOST))
    client = None
    try:
        client = _Client(wire, server, ssl_context=context, timeout=SocketTimeout(connect=None, read=timeout))
        if server.security == "starttls":
            client.starttls(context)
    except (OSError, IMAPClientError) as error:
        with suppress(OSError):
            wire.close() if client is None else client.shutdown()
        encryption = isinstance(error, ssl.SSLError | CapabilityError) or client is not None
        raise MailboxError(Loss.TLS if encryption else Loss.UNREACHABLE) from error
    return client
