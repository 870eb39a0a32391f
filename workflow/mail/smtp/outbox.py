"""SMTP: hand one letter to the clinic's server and say what became of it.

Not here: what a letter says (`mail.writing.render`), whether and when to try again (the sender), and who may be written
to (the configuration). How a connection is opened and what a code means is `session`.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Callable, Coroutine

import aiosmtplib

from workflow.config.keys import SmtpServer
from workflow.mail.smtp.session import (
    STEP_MOST,
    Attempt,
    Result,
    UnreadyError,
    classify,
    cut,
    opened,
    quit_politely,
    tls_context,
)
from workflow.mail.smtp.transfer import CLOSING, Transfer, transfer_on
from workflow.mail.tokens import Tokens, tokens_of

__all__ = ["Attempt", "Outbox", "Result"]

WARM = 60.0
"""Seconds a connection outlives its last letter: answers come in bursts, and a cold open costs 7 to 47 ms."""

TRUSTED_IDLE = 5.0
"""Seconds of idleness after which a connection is asked (NOOP) before use: servers and firewalls drop quietly."""

PATIENCE = 0.1
"""Seconds a letter waits for the connection in use before a second one is opened: a warm one takes a letter in 5 ms, so
whoever waits longer is behind a slow server or a burst."""

COOL = 300.0
"""Seconds before a connection is opened again ahead of any letter after that failed: a refused login that was repeated
with every mail would lock the account (contract section 5)."""

LINES = 2
"""Connections at most; small clinics' providers allow few at a time."""

STAGES = 4
"""The whole of one letter may take this many single time-outs: a server that trickles must not hold it for ever."""

_ADDRESS = re.compile(r"[^\s<>()\[\]\\,;:@\"\x00-\x1f\x7f-\U0010ffff]+@[A-Za-z0-9.:\[\]-]+")
"""What goes to the server as it stands. aiosmtplib would look for an address inside whatever it is given. SMTPUTF8 is
not asked for: our letters are 7-bit."""


class Outbox:
    """Sends letters one by one over one warm connection, or two in a burst.

    Promises: one letter, one recipient, one MAIL transaction; no call lasts longer than a few time-outs; after
    `close` nothing is sent.

    `tokens` are those of the server's `oauth2` unless given; one step may take `timeout` seconds.
    """

    def __init__(self, server: SmtpServer, *, tokens: Tokens | None = None, timeout: float = STEP_MOST) -> None:
        self._server = server
        self._tokens = tokens or tokens_of(server.oauth2)
        self._timeout = timeout
        self._tls: ssl.SSLContext | None = None
        self._lines = tuple(_Line(self._open) for _ in range(LINES))
        self._freed = asyncio.Condition()
        self._closed = False
        self._cool_until = 0.0
        self._warming: asyncio.Task[None] | None = None

    def warm_up(self) -> None:
        """Have a connection ready, for a letter may be owed in a moment; nothing to do if there is one.

        What fails here counts for nothing: a letter would meet it again.
        """
        cool = asyncio.get_running_loop().time() < self._cool_until
        if not (cool or self._closed or any(line.busy or line.warm for line in self._lines)):
            self._lines[0].busy = True
            self._warming = asyncio.create_task(self._warm(self._lines[0]))

    async def _warm(self, line: _Line) -> None:
        try:
            async with asyncio.timeout(self._timeout * STAGES) as line.scope:
                await line.warm_up()
        except (UnreadyError, TimeoutError):
            line.cut()
            self._cool_until = asyncio.get_running_loop().time() + COOL
        finally:
            line.scope = None
            await self._give_back(line)

    async def send(
        self, raw: bytes, *, sender: str, recipient: str, still_wanted: Callable[[], bool] = lambda: True
    ) -> Attempt:
        """Offer the letter to the server once, and say what became of it. Never raises but for cancellation.

        `still_wanted` is asked right before MAIL FROM, after any wait for a connection.
        """
        if not (raw.isascii() and _ADDRESS.fullmatch(sender) and _ADDRESS.fullmatch(recipient)):
            return Attempt(Result.PERMANENT, None, "not a plain ASCII letter and address")
        line = await self._borrow()
        try:
            async with asyncio.timeout(self._timeout * STAGES) as line.scope:
                if self._closed:
                    return Attempt(Result.UNREACHABLE, None, "closed")
                return await line.deliver(raw, sender, recipient, still_wanted)
        except TimeoutError:
            line.cut()
            return Attempt(Result.UNREACHABLE, None, "closed" if self._closed else "timed out")
        except BaseException:
            line.cut()  # cancelled in mid-air: nobody knows what the server waits for
            raise
        finally:
            line.scope = None
            await self._give_back(line)

    async def close(self, grace: float = 3.0) -> None:
        """Take no more letters, give those in hand `grace` seconds, then cut every connection."""
        self._closed = True
        try:
            async with asyncio.timeout(grace), self._freed:
                await self._freed.wait_for(lambda: not any(line.busy for line in self._lines))
        except TimeoutError:
            for line in self._lines:
                line.give_up()
        async with self._freed:
            await self._freed.wait_for(lambda: not any(line.busy for line in self._lines))
        await asyncio.gather(*(line.quit() for line in self._lines))

    async def _borrow(self) -> _Line:
        async with self._freed:
            if any(line.busy for line in self._lines):
                try:
                    async with asyncio.timeout(PATIENCE):
                        await self._freed.wait_for(lambda: any(line.warm and not line.busy for line in self._lines))
                except TimeoutError:
                    pass
            await self._freed.wait_for(lambda: not all(line.busy for line in self._lines))
            free = [line for line in self._lines if not line.busy]
            line = next((line for line in free if line.warm), free[0])
            line.busy = True
            return line

    async def _give_back(self, line: _Line) -> None:
        async with self._freed:
            line.busy = False
            self._freed.notify_all()

    async def _open(self) -> aiosmtplib.SMTP:
        if self._tls is None and self._server.security != "none":
            self._tls = tls_context(self._server)  # once: loading the system's authorities takes 20 ms
        return await opened(self._server, self._tls, self._tokens, self._timeout)


class _Line:
    """One connection, opened when needed and closed after `WARM` seconds of rest. One letter at a time."""

    def __init__(self, opened: Callable[[], Coroutine[None, None, aiosmtplib.SMTP]]) -> None:
        self.busy = False
        self.scope: asyncio.Timeout | None = None
        self._opened = opened
        self._client: aiosmtplib.SMTP | None = None
        self._way: Transfer | None = None
        """How letters go over it."""
        self._used_at = 0.0
        self._unclean = False
        """A refusal left an envelope behind: RSET before the next letter."""
        self._rest: asyncio.TimerHandle | None = None
        self._leaving: set[asyncio.Task[None]] = set()

    @property
    def warm(self) -> bool:
        """Whether there is a connection that was alive when last seen."""
        return self._client is not None and self._client.is_connected

    async def deliver(self, raw: bytes, sender: str, recipient: str, still_wanted: Callable[[], bool]) -> Attempt:
        """One letter. A warm connection that turns out to be dead before DATA is replaced once."""
        if self._rest is not None:
            self._rest.cancel()
        try:
            reused = await self._ready()
            if not still_wanted():
                return Attempt(Result.WITHDRAWN)
            attempt, died_early = await self._transfer(raw, sender, recipient)
            if reused and died_early:
                await self._ready()
                if not still_wanted():
                    return Attempt(Result.WITHDRAWN)
                attempt, _ = await self._transfer(raw, sender, recipient)
        except UnreadyError as failed:
            return failed.attempt
        finally:
            self._rest_now()
        return attempt

    async def warm_up(self) -> None:
        """Open the connection ahead of a letter; it rests as after one. Raises UnreadyError."""
        try:
            await self._ready()
        finally:
            self._rest_now()

    async def _ready(self) -> bool:
        """Make the connection usable; whether it was there before. Raises UnreadyError."""
        if self._client is not None and self._client.is_connected:
            idle = asyncio.get_running_loop().time() - self._used_at
            try:
                if self._unclean:
                    await self._client.rset()
                elif idle > TRUSTED_IDLE:
                    await self._client.noop()
            except (aiosmtplib.SMTPException, OSError):
                self.cut()
            else:
                self._unclean = False
                return True
        self.cut()
        client = await self._opened()
        self._client, self._way = client, transfer_on(client)
        return False

    async def _transfer(self, raw: bytes, sender: str, recipient: str) -> tuple[Attempt, bool]:
        """MAIL, RCPT, DATA. Second: the connection died before the letter was offered, so trying again is safe."""
        client, transfer = self._client, self._way
        if client is None or transfer is None:
            return Attempt(Result.UNREACHABLE, None, "connection lost"), True
        try:
            await transfer.offer(raw, sender, recipient)
        except aiosmtplib.SMTPResponseException as refusal:
            self._unclean = True
            if not client.is_connected or refusal.code == CLOSING:
                self.cut()
            died_early = refusal.code == CLOSING and transfer.stage != "DATA"
            return classify(transfer.stage, refusal.code, refusal.message), died_early
        except (aiosmtplib.SMTPException, OSError) as fault:
            self.cut()
            hung = isinstance(fault, TimeoutError)
            said = "timed out" if hung else "connection lost"
            died_early = transfer.stage != "DATA" and not hung
            return Attempt(Result.UNREACHABLE, None, f"{transfer.stage}: {said}"), died_early
        return Attempt(Result.ACCEPTED, 250, "accepted"), False

    def _rest_now(self) -> None:
        loop = asyncio.get_running_loop()
        self._used_at = loop.time()
        if self._client is not None:
            self._rest = loop.call_later(WARM, self._leave)

    def _leave(self) -> None:
        if not self.busy:
            task = asyncio.get_running_loop().create_task(self.quit())
            self._leaving.add(task)
            task.add_done_callback(self._leaving.discard)

    async def quit(self) -> None:
        """Say QUIT if somebody is there to hear it, and close."""
        if self._rest is not None:
            self._rest.cancel()
        client, self._client = self._client, None
        if client is not None:
            await quit_politely(client)

    def give_up(self) -> None:
        """End the letter in hand now, whatever it waits for."""
        if self.scope is not None:
            self.scope.reschedule(asyncio.get_running_loop().time())

    def cut(self) -> None:
        """Drop the connection without a word."""
        client, self._client = self._client, None
        self._unclean = False
        if client is not None:
            cut(client)
