"""The daemon as an operator runs it: a process of its own, perhaps on the real servers of a test."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from email.message import EmailMessage
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests import configuration
from tests.configuration import ASSOCIATES
from tests.real_servers import RealServers

ROOT = Path(__file__).parent.parent

PLAIN = ("daemon.py",)
POISONED = ("-m", "tests.poisoned_daemon")
"""Programs that a `Daemon` may be."""


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


class Program:
    """A program of ours as a process of its own. What it logs goes to a file: a pipe would have to be emptied."""

    def __init__(self, words: Sequence[str], folder: Path) -> None:
        self._words = words
        self._folder = folder
        """Where its log is kept."""
        self._log: list[dict[str, Any]] = []
        self._looked_through = 0
        self.process: asyncio.subprocess.Process

    async def start(self, stdout: int | None = None) -> None:
        handle, name = tempfile.mkstemp(".log", "daemon-", self._folder)
        self._file = Path(name)
        try:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, *self._words, stdout=stdout, stderr=handle, cwd=ROOT, env=_environment()
            )
        finally:
            os.close(handle)

    @property
    def log(self) -> list[dict[str, Any]]:
        """Its lines so far; one that is no JSON is an event alone."""
        lines = self._file.read_bytes().split(b"\n")[:-1]
        self._log += [_read_line(line) for line in lines[len(self._log) :]]
        return self._log

    async def logs(self, event: str, within: float = 20.0) -> dict[str, Any]:
        """The next line of this event, after those that were waited for before. TimeoutError."""
        async with asyncio.timeout(within):
            while True:
                has_ended = self.process.returncode is not None
                for line in self.log[self._looked_through :]:
                    self._looked_through += 1
                    if line.get("event") == event:
                        return line
                assert not has_ended, f"the daemon ended before it logged {event}: {self.log[-5:]}"
                await asyncio.sleep(0.01)

    async def has_logged(self, event: str, times: int = 1) -> None:
        """Until it has logged this event so often since its start. TimeoutError."""
        async with asyncio.timeout(20):
            while sum(line.get("event") == event for line in self.log) < times:
                await asyncio.sleep(0.01)

    async def ends(self) -> int:
        """It ends by itself; its exit code. TimeoutError."""
        async with asyncio.timeout(20):
            return await self.process.wait()

    async def stop(self) -> float:
        """SIGTERM; after how many seconds it had ended. It must do so by itself, in good order."""
        began = time.monotonic()
        self.process.terminate()
        try:
            assert await self.ends() == 0, self.log[-15:]
        except TimeoutError:
            self.process.kill()
            raise
        return time.monotonic() - began

    async def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        await self.process.wait()


class Daemon(Program):
    """``daemon.py run``, or another `program` that is it but for a fault. Entered, it is ready; left, it is stopped."""

    def __init__(self, config: Path, *options: str, program: Sequence[str] = PLAIN) -> None:
        super().__init__([*program, "run", "--config", str(config), *options], config.parent)

    async def __aenter__(self) -> Self:
        await self.start()
        await self.logs("ready")
        return self

    async def rereads(self, event: str) -> dict[str, Any]:
        """SIGHUP; the line of this event. TimeoutError."""
        self.process.send_signal(signal.SIGHUP)
        return await self.logs(event)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.returncode is None:
            await (self.stop() if kind is None else self.kill())


async def promptly(config: Path, verb: str, *options: str) -> tuple[int, str, str]:
    """A verb in a process of its own: exit code, standard output, standard error."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "daemon.py", verb, "--config", str(config), *options),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=ROOT,
        env=_environment(),
    )
    async with asyncio.timeout(30):
        out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def status(config: Path) -> dict[str, Any]:
    """``daemon.py status --json``."""
    code, said, error = await promptly(config, "status", "--json")
    assert code == 0, error
    found: dict[str, Any] = json.loads(said)
    return found


def _read_line(line: bytes) -> dict[str, Any]:
    try:
        said: dict[str, Any] = json.loads(line)
    except ValueError:
        return {"event": line.decode(errors="replace").strip()}
    return said


def _environment() -> dict[str, str]:
    """As an operator's: modules are compiled once, not at every start."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
