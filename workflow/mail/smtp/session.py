"""One SMTP connection made ready, and what the server's answers mean. The letters go through `outbox`.

A refusal is a value, never an exception. Reasons name the stage and the server's code and nothing else, because they
go to the log (contract 8.7).
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from base64 import b64encode
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import aiosmtplib

from workflow.config.keys import SmtpServer
from workflow.mail.reach import connected
from workflow.mail.tls import verified
from workflow.mail.tokens import TokenError, Tokens, xoauth2

STEP_MOST = 30.0
"""Seconds for each single step."""

QUIT_PATIENCE = 0.5
"""Seconds for a polite QUIT; after that the connection is cut. A stop must be done within 5 s (contract section 7)."""

GREETED_WITHIN = 10.0
"""Seconds for a connection, and again for its greeting: a server that has come back must not be missed for long because
an attempt still waits for the one that hung (contract section 5)."""

HOSTS = Path("/etc/hosts")
"""Where a machine's full name stands, if its name is a short one. Name servers are not asked: they may take long."""

LOGIN_WANTED = frozenset({530, 535, 538})
"""At MAIL: "authentication required" and kin (RFC 4954, 6). The fault is the set-up's, not the letter's."""

ABOUT_THE_RECIPIENT = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"})
"""Enhanced codes (RFC 3463) by which an address is refused for good (contract section 5)."""

_FULL_NAME = re.compile(r"(?!localhost\b)[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_ENHANCED = re.compile(r"5\.\d{1,3}\.\d{1,3}(?![\d.])")


class Result(StrEnum):
    """What became of one attempt."""

    ACCEPTED = "accepted"
    TEMPORARY = "temporary"
    """Refused for now: 4xx at MAIL, RCPT or DATA."""
    PERMANENT = "permanent"
    """Refused for good: 5xx at RCPT with a code about the recipient."""
    UNCLEAR = "unclear"
    """5xx at RCPT without a code of its own: about the recipient, if others are accepted meanwhile."""
    REFUSED = "refused"
    """Any other 5xx: about the sender, the account or the text."""
    UNREACHABLE = "unreachable"
    """No connection, no TLS, a drop or a time-out. After DATA the server may have it: same Message-ID again."""
    REFUSED_LOGIN = "refused-login"
    WITHDRAWN = "withdrawn"
    """Not wanted any more when its turn came; nothing of it was said to the server."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What became of a letter; `reason` holds the stage and the code, never an address or a word of the server's."""

    result: Result
    code: int | None = None
    reason: str = ""

    @property
    def is_in_doubt(self) -> bool:
        """Whether the server may have taken it without our hearing of it."""
        return self.result is Result.UNREACHABLE and self.reason.startswith("DATA")


class UnreadyError(Exception):
    """A connection could not be made ready; carries the attempt to report."""

    def __init__(self, attempt: Attempt) -> None:
        super().__init__(attempt.reason)
        self.attempt = attempt


async def opened(
    server: SmtpServer, tls: ssl.SSLContext | None, tokens: Tokens | None, patience: float
) -> aiosmtplib.SMTP:
    """Connect, secure, greet, log in; each step within `patience`, in seconds. Each address of the host is tried.

    Raises UnreadyError, about the one that answered if any did.
    """
    failed: UnreadyError | None = None
    loop, connect_most = asyncio.get_running_loop(), min(patience, GREETED_WITHIN)
    try:
        async with asyncio.timeout(connect_most):
            left = await loop.getaddrinfo(server.host, server.port, type=socket.SOCK_STREAM)
        while failed is None or left:
            wire, left = await connected(left, connect_most)
            try:
                return await _greeted(wire, server, tls, tokens, patience)
            except UnreadyError as error:
                failed = failed or error
                if error.attempt.reason.startswith("login"):  # it is there, and would judge us alike elsewhere
                    break
    except (OSError, UnicodeError) as fault:  # no name can be so long
        if failed is None:
            raise UnreadyError(_unopened("connect", fault)) from fault
    raise failed


async def _greeted(
    wire: socket.socket, server: SmtpServer, tls: ssl.SSLContext | None, tokens: Tokens | None, patience: float
) -> aiosmtplib.SMTP:
    client = aiosmtplib.SMTP(
        hostname=server.host,
        sock=wire,
        use_tls=server.security == "tls",
        start_tls=False,
        tls_context=tls,
        timeout=patience,
        local_hostname=server.helo or _full_name() or _address_literal(wire),
    )
    stage = "connect"
    try:
        await client.connect(timeout=min(patience, GREETED_WITHIN))
        stage = "EHLO"
        if server.security == "starttls":
            await client.ehlo()  # the library would try HELO, too, and then say that no STARTTLS is offered
            stage = "STARTTLS"
            await client.starttls()
            stage = "EHLO"
        asyncio.get_running_loop().call_soon(_acknowledge_at_once, client)  # runs when EHLO has been written
        await client.ehlo()
        stage = "login"
        if server.username and not _needs_no_login(server, client):
            if tokens is None:
                await client.login(server.username, server.password())
            else:
                await _log_in_by_token(client, server.username, tokens)
    except BaseException as fault:
        cut(client)
        if isinstance(fault, (aiosmtplib.SMTPException, OSError, ValueError, TokenError)):
            raise UnreadyError(_unopened(stage, fault)) from fault
        raise
    return client


def _full_name() -> str:
    """This machine's, with its domain; "" if it has none."""
    own = socket.gethostname()
    names = [own]
    with suppress(OSError):
        lines = (line.partition("#")[0].split() for line in HOSTS.read_text(errors="replace").splitlines())
        names += [name for line in lines if own in line for name in line[1:]]
    return next((name for name in names if _FULL_NAME.fullmatch(name)), "")


def _address_literal(wire: socket.socket) -> str:
    """Our end of the connection (RFC 5321, 4.1.3)."""
    address = wire.getsockname()[0]
    return f"[IPv6:{address}]" if wire.family is socket.AF_INET6 else f"[{address}]"


def _acknowledge_at_once(client: aiosmtplib.SMTP) -> None:
    """Have TCP acknowledge what comes next when it comes, not 40 ms later. To be called when EHLO has just gone out:
    Linux takes it back with what is sent.

    After STARTTLS a Postfix sends session tickets, and its kernel holds the reply to EHLO back until they are
    acknowledged (Nagle's algorithm, RFC 1122, 4.2.3.4).
    """
    transport = client.transport
    found = None if transport is None else transport.get_extra_info("socket")
    if found is not None:
        with suppress(OSError):  # the connection has just ended, which EHLO finds out, too
            found.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)


async def _log_in_by_token(client: aiosmtplib.SMTP, username: str, tokens: Tokens) -> None:
    """XOAUTH2, once more with a fresh token if the server refuses the first: it may have been taken back.

    Raises `TokenError`, or what aiosmtplib raises; the first refusal if the server hung up after it.
    """
    if "xoauth2" not in client.server_auth_methods:
        raise aiosmtplib.SMTPException("no XOAUTH2")
    token = await tokens.fetch()
    try:
        await _authenticate(client, username, token)
    except aiosmtplib.SMTPAuthenticationError as refusal:
        if not 500 <= refusal.code < 600:
            raise
        token = await tokens.fetch(fresh=True)
        try:
            await _authenticate(client, username, token)
        except aiosmtplib.SMTPServerDisconnected:
            raise refusal from None


async def _authenticate(client: aiosmtplib.SMTP, username: str, token: str) -> None:
    """AUTH (RFC 4954, 4), the token on a line of its own: Postfix takes a command of 2,048 bytes at most, and
    Microsoft's tokens are longer. Raises SMTPAuthenticationError."""
    answer = await client.execute_command(b"AUTH", b"XOAUTH2")
    if answer.code == aiosmtplib.SMTPStatus.auth_continue:
        answer = await client.execute_command(b64encode(xoauth2(username, token).encode()))
    if answer.code == aiosmtplib.SMTPStatus.auth_continue:  # it says why; the refusal follows our empty line
        answer = await client.execute_command(b"")
    if answer.code != aiosmtplib.SMTPStatus.auth_successful:
        raise aiosmtplib.SMTPAuthenticationError(answer.code, answer.message)


def _needs_no_login(server: SmtpServer, client: aiosmtplib.SMTP) -> bool:
    """A relay on this machine that offers no login takes mail without one, whatever user name is configured."""
    return server.security == "none" and not client.supports_extension("auth")


def _unopened(stage: str, fault: Exception) -> Attempt:
    """Why a connection could not be opened, without a word that the server or the system said."""
    if isinstance(fault, TokenError):
        result = Result.REFUSED_LOGIN if fault.refused else Result.UNREACHABLE
        return Attempt(result, None, f"{stage}: {fault.reason}")
    if isinstance(fault, ssl.SSLError) or isinstance(fault.__cause__, ssl.SSLError):
        return Attempt(Result.UNREACHABLE, None, f"{stage}: the certificate or the TLS handshake failed")
    if isinstance(fault, TimeoutError):
        return Attempt(Result.UNREACHABLE, None, f"{stage}: timed out")
    code = fault.code if isinstance(fault, aiosmtplib.SMTPResponseException) else None
    if stage == "login" and not isinstance(fault, ConnectionError):
        if code is not None and not 500 <= code < 600:  # 454: the server cannot check just now (RFC 4954, 4.7.0)
            return Attempt(Result.UNREACHABLE, code, f"login {code}")
        if isinstance(fault, OSError):
            return Attempt(Result.REFUSED_LOGIN, None, "login: the password cannot be read")
        return Attempt(Result.REFUSED_LOGIN, code, f"login {code}" if code else "login: no way to log in is offered")
    if code is not None:
        return Attempt(Result.UNREACHABLE, code, f"{stage} {code}")
    if isinstance(fault, aiosmtplib.SMTPException) and not isinstance(fault, ConnectionError):
        return Attempt(Result.UNREACHABLE, None, "STARTTLS is not offered")
    return Attempt(Result.UNREACHABLE, None, f"{stage}: no connection")


def classify(stage: str, code: int, text: str) -> Attempt:
    """What a refusal at MAIL, RCPT or DATA means (RFC 5321, 4.2.1); `text` is what the server said behind the code."""
    reason = f"{stage} {code}"
    if stage == "MAIL" and code in LOGIN_WANTED:
        return Attempt(Result.REFUSED_LOGIN, code, reason)
    if 400 <= code < 500:
        return Attempt(Result.TEMPORARY, code, reason)
    if 500 <= code < 600:
        enhanced = _ENHANCED.match(text)
        if stage != "RCPT" or (enhanced is not None and enhanced[0] not in ABOUT_THE_RECIPIENT):
            return Attempt(Result.REFUSED, code, reason)
        return Attempt(Result.UNCLEAR if enhanced is None else Result.PERMANENT, code, reason)
    return Attempt(Result.UNREACHABLE, None, f"{stage}: the reply makes no sense")


def tls_context(server: SmtpServer) -> ssl.SSLContext:
    """Verified TLS 1.2 or newer, against `ca_file` alone if there is one. Raises UnreadyError."""
    try:
        return verified(server.ca_file)
    except OSError as fault:  # SSLError included
        raise UnreadyError(Attempt(Result.UNREACHABLE, None, "ca_file cannot be read")) from fault


async def quit_politely(client: aiosmtplib.SMTP) -> None:
    """QUIT, within `QUIT_PATIENCE`, and close whatever the answer."""
    try:
        async with asyncio.timeout(QUIT_PATIENCE):
            await client.quit()
    except (aiosmtplib.SMTPException, OSError):  # TimeoutError is an OSError
        pass
    finally:
        cut(client)


def cut(client: aiosmtplib.SMTP) -> None:
    """Close without a word. Abort first: a mere close waits until a hung peer has taken what is still buffered."""
    transport = client.transport
    if isinstance(transport, asyncio.WriteTransport):
        transport.abort()
    client.close()
