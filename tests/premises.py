"""A mail server in memory and a configuration for it: where a test starts the daemon, and verbs, as own processes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.configuration import configure
from tests.conversation import MAILBOX
from tests.daemon_process import Daemon, promptly
from tests.in_time import letters, raw
from tests.troubled_server import TroubledServer

__all__ = ["Premises", "premises"]


@dataclass
class Premises:
    """A mail server and a configuration file for it, with no daemon yet."""

    server: TroubledServer
    folder: Path

    @property
    def config(self) -> Path:
        return self.folder / "config.toml"

    @property
    def state(self) -> Path:
        return self.folder / "state"

    def configure(self, more: str = "") -> None:
        imap, smtp = self.server.imap_port, self.server.smtp_port
        configure(self.folder, more, mailbox={"port": imap}, smtp={"port": smtp}, digest={"at": ""})

    def daemon(self, *options: str) -> Daemon:
        return Daemon(self.config, *options)

    async def promptly(self, verb: str, *options: str) -> tuple[int, str, str]:
        return await promptly(self.config, verb, *options)

    async def report(self, subject: str = "NOSHOW Sam") -> None:
        await self.server.deliver(MAILBOX, raw("dana@clinic.test", subject))

    async def gets(self, address: str, count: int) -> None:
        async with asyncio.timeout(10):
            await letters(self.server, address, count)


@pytest.fixture
async def premises(tmp_path: Path) -> AsyncIterator[Premises]:
    async with TroubledServer() as server:
        premises = Premises(server, tmp_path)
        premises.configure()
        yield premises
