"""One MAIL transaction on an open connection: step by step, or in two round trips where the server pipelines.

Not here: connections (`session`), when there is one, and what a refusal means (`outbox`).
"""

from __future__ import annotations

import asyncio
from typing import Protocol

import aiosmtplib
from aiosmtplib.protocol import SMTPProtocol

COMPLETED, FORWARDED, GO_AHEAD, CLOSING, BROKEN = 250, 251, 354, 421, -1
"""Codes (RFC 5321, 4.2.3); the last is none, and no yes to anything."""

_WANTED = ((COMPLETED,), (COMPLETED, FORWARDED), (GO_AHEAD,))
"""What MAIL, RCPT and DATA are to be answered with."""

_Reply = tuple[int, str]
"""The code, and what the last line says behind it."""

REPLY_MOST = 32 * 1024
"""Bytes of one reply; a server that says more is broken."""


class Transfer(Protocol):
    """How letters go over one connection, one at a time."""

    stage: str
    """What the server had not yet agreed to: MAIL, RCPT or DATA."""

    async def offer(self, raw: bytes, sender: str, recipient: str) -> None:
        """Return when the server has taken the letter: ASCII, lines ended by CR LF, for plain ASCII addresses.

        Raises SMTPResponseException for a refusal at `stage`, another SMTPException or an OSError when the connection
        is of no more use.
        """
        ...


def transfer_on(client: aiosmtplib.SMTP) -> Transfer:
    """The fastest way that the server offers. Called once for a connection, after its last EHLO."""
    transport, protocol = client.transport, client.protocol
    if client.supports_extension("pipelining") and isinstance(transport, asyncio.Transport) and protocol is not None:
        return Pipelined(client, transport, protocol)
    return Stepwise(client)


class Stepwise:
    """Each command waits for the answer to the one before: four round trips."""

    def __init__(self, client: aiosmtplib.SMTP) -> None:
        self.stage = "MAIL"
        self._client = client

    async def offer(self, raw: bytes, sender: str, recipient: str) -> None:
        """See `Transfer`."""
        self.stage = "MAIL"
        await self._client.mail(sender, options=_options(self._client, raw))
        self.stage = "RCPT"
        await self._client.rcpt(recipient)
        self.stage = "DATA"
        await self._client.data(raw)


class Pipelined(asyncio.Protocol):
    """MAIL, RCPT and DATA go at once, and the letter after their answers (RFC 2920): two round trips.

    aiosmtplib reads one answer a command. This stands between it and the transport, passes on whatever comes, and keeps
    what comes during an offer to itself.
    """

    def __init__(self, client: aiosmtplib.SMTP, transport: asyncio.Transport, behind: SMTPProtocol) -> None:
        self.stage = "MAIL"
        self._client = client
        self._behind = behind
        self._transport = transport
        self._heard = bytearray()
        self._answer: asyncio.Future[_Reply] | None = None
        self._offering = False
        transport.set_protocol(self)

    async def offer(self, raw: bytes, sender: str, recipient: str) -> None:
        """See `Transfer`. A letter is sent only after the answer to RCPT was read, and was yes."""
        self.stage, self._offering = "MAIL", True
        self._heard.clear()
        size = "".join(f" {option}" for option in _options(self._client, raw))
        try:
            async with asyncio.timeout(self._client.timeout):
                self._write(f"MAIL FROM:<{sender}>{size}\r\nRCPT TO:<{recipient}>\r\nDATA\r\n".encode("ascii"))
                replies = [await self._reply() for _ in ("MAIL", "RCPT", "DATA")]
            for self.stage, (code, text), wanted in zip(("MAIL", "RCPT", "DATA"), replies, _WANTED, strict=True):
                if code not in wanted:
                    if replies[-1][0] == GO_AHEAD:  # it waits for a letter from or to nobody: nothing good can follow
                        self._transport.abort()
                    raise aiosmtplib.SMTPResponseException(code, text)
            async with asyncio.timeout(self._client.timeout):
                self._write(_stuffed(raw))
                code, text = await self._reply()
                if code != COMPLETED:
                    raise aiosmtplib.SMTPResponseException(code, text)
        finally:
            self._offering = False

    def _write(self, data: bytes) -> None:
        if self._transport.is_closing():
            raise aiosmtplib.SMTPServerDisconnected("Connection lost")
        self._transport.write(data)

    async def _reply(self) -> _Reply:
        """The next reply. Raises SMTPServerDisconnected; TimeoutError by the caller's clock."""
        reply = self._next()
        if reply is None:
            if self._transport.is_closing():
                raise aiosmtplib.SMTPServerDisconnected("Connection lost")
            self._answer = asyncio.get_running_loop().create_future()
            reply = await self._answer
        if reply[0] == CLOSING:  # nothing follows it (RFC 5321, 3.8)
            raise aiosmtplib.SMTPResponseException(*reply)
        return reply

    def _next(self) -> _Reply | None:
        """Take one reply, all its lines (RFC 5321, 4.2.1); None if it is not all there."""
        start = 0
        while (end := self._heard.find(b"\n", start)) >= 0:
            line = bytes(self._heard[start:end])
            start = end + 1
            if line[3:4] == b"-":
                continue
            del self._heard[:start]
            return (int(line[:3]), line[4:].decode("ascii", "replace")) if line[:3].isdigit() else (BROKEN, "")
        if len(self._heard) > REPLY_MOST:
            self._heard.clear()
            return BROKEN, ""
        return None

    # --- what the transport says ----------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Keep it, or pass it on."""
        if not self._offering:
            self._behind.data_received(data)
            return
        self._heard += data
        if self._answer is not None and not self._answer.done() and (reply := self._next()) is not None:
            self._answer.set_result(reply)

    def eof_received(self) -> bool:
        """The server will say no more: the transport closes."""
        self._lose()
        return self._behind.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """Whoever waits has waited in vain."""
        self._lose()
        self._behind.connection_lost(exc)

    def pause_writing(self) -> None:
        """See asyncio; a letter fits into the transport's buffer, so nobody waits for it here."""
        self._behind.pause_writing()

    def resume_writing(self) -> None:
        """See asyncio."""
        self._behind.resume_writing()

    def _lose(self) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(aiosmtplib.SMTPServerDisconnected("Connection lost"))


def _options(client: aiosmtplib.SMTP, raw: bytes) -> list[str]:
    return [f"size={len(raw)}"] if client.supports_extension("size") else []  # RFC 1870


def _stuffed(raw: bytes) -> bytes:
    """With a dot before each dot that begins a line, and the end of DATA (RFC 5321, 4.5.2)."""
    ended = raw if raw.endswith(b"\r\n") else raw + b"\r\n"
    return (b"\r\n" + ended).replace(b"\r\n.", b"\r\n..")[2:] + b".\r\n"
