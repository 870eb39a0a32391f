"""SMTP: hand one letter to the clinic's server and say what became of it.

Not here: what a letter says (`mail.writing.render`), whether and when to try again (the sender), and who may be written
to (the configuration). How a connection is opened and what a code means is `session`.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable

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

COOL = 300.0
"""Seconds before a connection is opened again ahead of any letter after that failed: a refused login that was repeated
with every mail would lock the account (contract section 5)."""

STAGES = 4
"""The whole of one letter may take this many single time-outs: a server that trickles must not hold it for ever."""

_ADDRESS = re.compile(r"[^\s<>()\[\]\\,;:@\"\x00-\x1f\x7f-\U0010ffff]+@[A-Za-z0-9.:\[\]-]+")
"""What goes to the server as it stands. aiosmtplib would look for an address inside whatever it is given. SMTPUTF8 is
not asked for: our letters are 7-bit."""


class Outbox:
    """One connection, opened when needed and closed after `WARM` seconds of rest. One letter at a time, in turn.

    Promises: one letter, one recipient, one MAIL transaction; no letter takes longer than a few time-outs; after
    `close` nothing is sent.

    `tokens` are those of the server's `oauth2` unless given; one step may take `timeout` seconds.
    """

    def __init__(self, server: SmtpServer, *, tokens: Tokens | None = None, timeout: float = STEP_MOST) -> None:
        self._server = server
        self._tokens = tokens or tokens_of(server)
        self._timeout = timeout
        self._turn = asyncio.Lock()
        self._scope: asyncio.Timeout | None = None
        """Of the letter in hand."""
        self._client: aiosmtplib.SMTP | None = None
        self._way: Transfer | None = None
        """How letters go over it."""
        self._used_at = 0.0
        self._unclean = False
        """A refusal left an envelope behind: RSET before the next letter."""
        self._closed = False
        self._cool_until = 0.0
        self._rest: asyncio.TimerHandle | None = None
        self._aside: asyncio.Task[None] | None = None
        """Warms the connection up, or leaves it."""

    @property
    def warm(self) -> bool:
        """Whether there is a connection that was alive when last seen."""
        return self._client is not None and self._client.is_connected

    def warm_up(self) -> None:
        """Have the connection ready, for a letter may be owed in a moment; nothing to do if it is, or is in use.

        What fails here counts for nothing: a letter would meet it again.
        """
        cool = asyncio.get_running_loop().time() < self._cool_until
        if not (cool or self._closed or self.warm or self._turn.locked()):
            self._aside = asyncio.create_task(self._warm_up())

    async def _warm_up(self) -> None:
        async with self._turn:
            try:
                async with asyncio.timeout(self._timeout * STAGES) as self._scope:
                    await self._ready()
            except (UnreadyError, TimeoutError):
                self._cut()
                self._cool_until = asyncio.get_running_loop().time() + COOL
            finally:
                self._put_down()

    async def send(
        self, raw: bytes, *, sender: str, recipient: str, still_wanted: Callable[[], bool] = lambda: True
    ) -> Attempt:
        """Offer the letter to the server once, and say what became of it. Never raises but for cancellation.

        `still_wanted` is asked right before MAIL FROM, after any wait for the connection.
        """
        if not (raw.isascii() and _ADDRESS.fullmatch(sender) and _ADDRESS.fullmatch(recipient)):
            return Attempt(Result.PERMANENT, None, "not a plain ASCII letter and address")
        async with self._turn:
            try:
                async with asyncio.timeout(self._timeout * STAGES) as self._scope:
                    if self._closed:
                        return Attempt(Result.UNREACHABLE, None, "closed")
                    return await self._deliver(raw, sender, recipient, still_wanted)
            except UnreadyError as failed:
                return failed.attempt
            except TimeoutError:
                self._cut()
                return Attempt(Result.UNREACHABLE, None, "closed" if self._closed else "timed out")
            except BaseException:
                self._cut()  # cancelled in mid-air: nobody knows what the server waits for
                raise
            finally:
                self._put_down()

    async def close(self, grace: float = 3.0) -> None:
        """Take no more letters, give the one in hand `grace` seconds, then cut the connection."""
        self._closed = True
        try:
            async with asyncio.timeout(grace):
                async with self._turn:
                    pass
        except TimeoutError:
            if self._scope is not None:
                self._scope.reschedule(asyncio.get_running_loop().time())
        async with self._turn:
            if (client := self._taken()) is not None:
                await quit_politely(client)

    async def _deliver(self, raw: bytes, sender: str, recipient: str, still_wanted: Callable[[], bool]) -> Attempt:
        """A warm connection that turns out to be dead before DATA is replaced once. Raises UnreadyError."""
        while True:
            reused = await self._ready()
            if not still_wanted():
                return Attempt(Result.WITHDRAWN)
            attempt, died_early = await self._transfer(raw, sender, recipient)
            if not (reused and died_early):
                return attempt

    async def _ready(self) -> bool:
        """Make the connection usable; whether it was there before. Raises UnreadyError."""
        if self._rest is not None:
            self._rest.cancel()
        if self._client is not None and self.warm:
            idle = asyncio.get_running_loop().time() - self._used_at
            try:
                if self._unclean:
                    await self._client.rset()
                elif idle > TRUSTED_IDLE:
                    await self._client.noop()
            except (aiosmtplib.SMTPException, OSError):
                pass
            else:
                self._unclean = False
                return True
        self._cut()
        tls = None if self._server.security == "none" else tls_context(self._server)
        client = await opened(self._server, tls, self._tokens, self._timeout)
        self._client, self._way = client, transfer_on(client)
        return False

    async def _transfer(self, raw: bytes, sender: str, recipient: str) -> tuple[Attempt, bool]:
        """MAIL, RCPT, DATA. Second: the connection died before the letter was offered, so trying again is safe."""
        client, transfer = self._client, self._way
        assert client is not None and transfer is not None
        try:
            await transfer.offer(raw, sender, recipient)
        except aiosmtplib.SMTPResponseException as refusal:
            self._unclean = True
            if not client.is_connected or refusal.code == CLOSING:
                self._cut()
            died_early = refusal.code == CLOSING and transfer.stage != "DATA"
            return classify(transfer.stage, refusal.code, refusal.message), died_early
        except (aiosmtplib.SMTPException, OSError) as fault:
            self._cut()
            hung = isinstance(fault, TimeoutError)
            said = "timed out" if hung else "connection lost"
            died_early = transfer.stage != "DATA" and not hung
            return Attempt(Result.UNREACHABLE, None, f"{transfer.stage}: {said}"), died_early
        return Attempt(Result.ACCEPTED, 250, "accepted"), False

    def _put_down(self) -> None:
        loop = asyncio.get_running_loop()
        self._scope, self._used_at = None, loop.time()
        if self._client is not None:
            self._rest = loop.call_later(WARM, self._leave)

    def _leave(self) -> None:
        if not self._turn.locked() and (client := self._taken()) is not None:
            self._aside = asyncio.get_running_loop().create_task(quit_politely(client))

    def _taken(self) -> aiosmtplib.SMTP | None:
        """The connection, which is no longer ours."""
        if self._rest is not None:
            self._rest.cancel()
        client, self._client, self._unclean = self._client, None, False
        return client

    def _cut(self) -> None:
        if (client := self._taken()) is not None:
            cut(client)
