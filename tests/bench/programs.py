"""A measured program: a process of its own, its notes, its CPU and its memory."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.daemon_process import Program


def daemon(config: Path) -> list[str]:
    """The daemon as an operator runs it."""
    return ["daemon.py", "run", "--config", str(config)]


def noted_daemon(config: Path) -> list[str]:
    """The daemon, with notes."""
    return ["-m", "tests.bench.noted", "run", "--config", str(config)]


class Measured(Program):
    """Runs while entered."""

    def __init__(self, words: Sequence[str], folder: Path) -> None:
        super().__init__(words, folder)
        self._notes: asyncio.Queue[tuple[str, float]] = asyncio.Queue()
        self._reader: asyncio.Task[None]
        self.began_at = 0.0
        """On the wall clock, as a mail's time of delivery is."""

    async def __aenter__(self) -> Self:
        self.began_at = time.time()
        await self.start(asyncio.subprocess.PIPE)
        self._reader = asyncio.create_task(self._read())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.returncode is None:
            await self.stop()
        await self._reader

    async def _read(self) -> None:
        assert self.process.stdout is not None
        while line := await self.process.stdout.readline():
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

    @property
    def cpu_seconds(self) -> float:
        """User and system time of the whole process so far, to the nanosecond: Linux's CPU clock of another process."""
        return time.clock_gettime((~self.process.pid << 3) | 2)  # MAKE_PROCESS_CPUCLOCK(pid, CPUCLOCK_SCHED)

    @property
    def user_seconds(self) -> float:
        """User time alone, to the hundredth: what it thinks, without what the disk and the sockets cost the kernel."""
        after_name = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return int(after_name[11]) / os.sysconf("SC_CLK_TCK")  # utime is field 14 of all, 12th behind the name

    @property
    def resident_mb(self) -> float:
        """Resident memory."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024
