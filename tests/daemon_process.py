"""The daemon as an operator runs it: a process of its own, configured for the real servers of a test."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping
from email.message import EmailMessage
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests import configuration
from tests.configuration import ASSOCIATES
from tests.real_servers import RealServers

ROOT = Path(__file__).parent.parent


def configure(
    folder: Path,
    servers: RealServers,
    more: str = "",
    *,
    quiet: tuple[str, str] = ("00:00", "00:00"),
    associates: Mapping[str, tuple[str, ...]] = ASSOCIATES,
) -> Path:
    """A configuration for these servers. No quiet hours unless asked for."""
    ca_file = str(servers.ca_file)
    return configuration.configure(
        folder,
        more,
        password=servers.passwords["clinic@clinic.test"],
        associates=associates,
        clinic={"lead": "lead@clinic.test"},
        mailbox={"port": servers.imap_port, "security": "tls", "ca_file": ca_file},
        smtp={
            "port": servers.smtp_submission_port,
            "security": "starttls",
            "username": "clinic@clinic.test",
            "password_file": "password",
            "ca_file": ca_file,
        },
        trust={"require": False},
        quiet={"from": quiet[0], "to": quiet[1]},
        digest={"at": ""},
    )


async def letter(servers: RealServers, to: str, kind: str, count: int = 1) -> EmailMessage:
    """The `count`-th letter of this kind to somebody, once it is in their mailbox."""
    async with asyncio.timeout(30):
        while True:
            found = [mail for mail in servers.messages(to) if mail["X-Promptly-Letter"] == kind]
            if len(found) >= count:
                return found[count - 1]
            await asyncio.sleep(0.05)


def text(mail: EmailMessage) -> str:
    """The plain text of a letter."""
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


class Daemon:
    """``daemon.py run``; its log lines are JSON, since standard error is no terminal."""

    def __init__(self, config: Path, *options: str) -> None:
        self._command = [sys.executable, str(ROOT / "daemon.py"), "run", "--config", str(config), *options]
        self.log: list[dict[str, Any]] = []
        self.process: asyncio.subprocess.Process

    async def __aenter__(self) -> Self:
        self.process = await asyncio.create_subprocess_exec(
            *self._command, stderr=asyncio.subprocess.PIPE, cwd=ROOT, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
        )
        await self.logs("ready")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.returncode is None:
            await self.stop()

    async def logs(self, event: str, within: float = 20.0) -> dict[str, Any]:
        """The next log line of this event; the lines before it are kept in `log`."""
        assert self.process.stderr is not None
        async with asyncio.timeout(within):
            while line := await self.process.stderr.readline():
                try:
                    said: dict[str, Any] = json.loads(line)
                except ValueError:
                    said = {"event": line.decode(errors="replace").strip()}
                self.log.append(said)
                if said.get("event") == event:
                    return said
        raise AssertionError(f"the daemon ended before it logged {event}: {self.log[-5:]}")

    async def stop(self) -> int:
        """SIGTERM; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return await self._ended()

    async def kill(self) -> int:
        """SIGKILL."""
        self.process.kill()
        return await self._ended()

    async def _ended(self) -> int:
        # Read on: a full pipe would keep the daemon from ending.
        async with asyncio.timeout(10):
            await self.process.communicate()
        assert self.process.returncode is not None
        return self.process.returncode
