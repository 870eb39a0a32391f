"""A measured program: a process of its own, its notes, its CPU and its memory."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.daemon_process import ROOT

READY = '"event": "ready"'
"""In the daemon's log, which is JSON since it is no terminal."""


def daemon(config: Path) -> list[str]:
    """The daemon as an operator runs it."""
    return [sys.executable, "daemon.py", "run", "--config", str(config)]


def noted_daemon(config: Path) -> list[str]:
    """The daemon, with notes."""
    return [sys.executable, "-m", "tests.bench.noted", "run", "--config", str(config)]


class Program:
    """Runs while entered. Its log goes to a file: a pipe would have to be emptied by the bench, at the bench's pace."""

    def __init__(self, command: list[str], log: Path) -> None:
        self._command = command
        self._log = log
        self._notes: asyncio.Queue[tuple[str, float]] = asyncio.Queue()
        self._reader: asyncio.Task[None]
        self._process: asyncio.subprocess.Process
        self.began_at = 0.0
        """On the wall clock, as a mail's time of delivery is."""

    async def __aenter__(self) -> Self:
        self.began_at = time.time()
        with self._log.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command, stdout=asyncio.subprocess.PIPE, stderr=log, cwd=ROOT, env=_environment()
            )
        self._reader = asyncio.create_task(self._read())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def stop(self) -> None:
        """End it in good order, if it has not ended, and wait until it has."""
        if self._process.returncode is None:
            self._process.terminate()
        await self._process.wait()
        await self._reader

    async def _read(self) -> None:
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            word, _, at = line.decode("ascii").partition(" ")
            self._notes.put_nowait((word, float(at)))

    async def noted(self, word: str, within: float = 60.0) -> float:
        """The next such note: seconds on the monotonic clock. Notes before it are dropped. TimeoutError."""
        async with asyncio.timeout(within):
            while True:
                found, at = await self._notes.get()
                if found == word:
                    return at

    async def noted_ready(self) -> None:
        """A pipe or a noted daemon watches the mailbox. TimeoutError."""
        await self.noted("ready")

    async def logged_ready(self, within: float = 60.0) -> None:
        """The daemon watches the mailbox. TimeoutError."""
        async with asyncio.timeout(within):
            while READY not in self._log.read_text():
                await asyncio.sleep(0.01)

    @property
    def cpu_seconds(self) -> float:
        """User and system time of the whole process so far, to the nanosecond: Linux's CPU clock of another process."""
        return time.clock_gettime((~self._process.pid << 3) | 2)  # MAKE_PROCESS_CPUCLOCK(pid, CPUCLOCK_SCHED)

    @property
    def user_seconds(self) -> float:
        """User time alone, to the hundredth: what it thinks, without what the disk and the sockets cost the kernel."""
        after_name = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return int(after_name[11]) / os.sysconf("SC_CLK_TCK")  # utime is field 14 of all, 12th behind the name

    @property
    def resident_mb(self) -> float:
        """Resident memory."""
        lines = Path(f"/proc/{self._process.pid}/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024


def _environment() -> dict[str, str]:
    """As an operator's: modules are compiled once, not at every start."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
