"""Tells the operator what is wrong with a node, or with a clinic on it: one letter a fault and hour, without anybody's
name but the clinics'. Admins hear nothing of it.

Not here: what is wrong, which whoever sees it says. Without ``[operator]`` the log alone hears.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid
from textwrap import fill
from typing import Final

import structlog

from workflow.clock import Clock
from workflow.config.node import OperatorKeys
from workflow.mail.smtp.outbox import Outbox, Result

log = structlog.get_logger()

ONCE_WITHIN: Final = 3600.0
"""Seconds within which a fault is told once."""

AGAIN: Final = 60.0
"""Seconds before a letter that was not accepted is tried again."""

KEPT: Final = 100
"""Letters that wait at most: a server that is away must not fill memory, and the oldest is of least use."""

WIDTH: Final = 72

_GONE: Final = frozenset({Result.ACCEPTED, Result.PERMANENT})


class Operator:
    def __init__(self, keys: OperatorKeys | None, node: str, clock: Clock) -> None:
        self._keys = keys
        self._node = node
        self._clock = clock
        self._told: dict[str, float] = {}
        self._waiting: deque[tuple[str, bytes]] = deque(maxlen=KEPT)
        """Address and letter."""
        self._bell = asyncio.Event()

    def tell(self, fault: str, text: str) -> None:
        """`fault` is what it is, in a few words, the same each time; `text` what of it, and what to do."""
        now = time.monotonic()
        if now - self._told.get(fault, -ONCE_WITHIN) < ONCE_WITHIN:
            return
        self._told[fault] = now
        log.error("told to the operator", fault=fault)
        if self._keys is not None:
            self._waiting.extend((address, self._letter(address, fault, text)) for address in self._keys.mail)
            self._bell.set()

    async def run(self) -> None:
        """Send what is told, until cancelled. A server that is away is tried again."""
        if self._keys is None:
            return
        outbox = Outbox(self._keys.smtp)
        try:
            while True:
                await self._bell.wait()
                self._bell.clear()
                while self._waiting:
                    address, letter = self._waiting[0]
                    attempt = await outbox.send(letter, sender=self._keys.mail[0], recipient=address)
                    if attempt.result in _GONE:
                        self._waiting.popleft()
                    else:
                        log.warning("the operator is not reached", reason=attempt.reason)
                        await asyncio.sleep(AGAIN)
        finally:
            await outbox.close(0.0)

    def _letter(self, address: str, fault: str, text: str) -> bytes:
        assert self._keys is not None
        sender = self._keys.mail[0]
        message = EmailMessage(policy=SMTP.clone(cte_type="7bit"))
        message["From"], message["To"] = sender, address
        message["Subject"] = f"Promptly on {self._node}: {fault}"
        message["Date"] = format_datetime(self._clock.now())
        message["Message-ID"] = make_msgid(domain=sender.partition("@")[2])
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(f"{fill(text, WIDTH)}\n\nIf it goes on, this comes again in an hour.\n")
        return message.as_bytes()
