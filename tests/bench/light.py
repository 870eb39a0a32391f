"""The lightest servers there are: a scripted IMAP server, and an SMTP server that keeps nothing.

What a program costs on them is nearly all its own, so that growth and memory show.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope

from tests import configuration
from tests.bench.mailboxes import associates

PATIENCE = 60.0
"""Seconds without a letter after which something counts as lost."""

_CASE = re.compile(rb"^X-Promptly-Case: (\w+)", re.MULTILINE)
_KIND = re.compile(rb"^X-Promptly-Letter: (\w+)", re.MULTILINE)


class Sink:
    """An SMTP server that takes every letter, counts it, and remembers which cases wait for an answer."""

    def __init__(self) -> None:
        self.kinds: Counter[str] = Counter()
        self.drafted: list[tuple[str, str]] = []
        """Case and associate."""
        self.port = 0
        self._came = asyncio.Event()

    async def handle_DATA(self, _server: SMTP, _session: Any, envelope: Envelope) -> str:
        """aiosmtpd's hook."""
        assert isinstance(envelope.content, bytes)
        kind, case = _KIND.search(envelope.content), _CASE.search(envelope.content)
        assert kind is not None
        self.kinds[kind[1].decode()] += 1
        if kind[1] == b"draft" and case is not None:
            self.drafted.append((case[1].decode(), envelope.rcpt_tos[0]))
        self._came.set()
        return "250 OK"

    async def until(self, kind: str, wanted: int) -> None:
        """Until so many letters of a kind have come. TimeoutError."""
        while self.kinds[kind] < wanted:
            self._came.clear()
            async with asyncio.timeout(PATIENCE):
                await self._came.wait()


@asynccontextmanager
async def sink() -> AsyncIterator[Sink]:
    """Such a server, listening."""
    taking = Sink()
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(taking, hostname="localhost"), "127.0.0.1", 0)
    taking.port = server.sockets[0].getsockname()[1]
    try:
        yield taking
    finally:
        server.close()


def configure(folder: Path, imap_port: int, smtp_port: int, more: str = "") -> Path:
    """A configuration for these servers, with the bench's associates."""
    return configuration.configure(
        folder,
        more,
        associates=associates(),
        mailbox={"port": imap_port},
        smtp={"port": smtp_port},
        digest={"at": ""},
    )
