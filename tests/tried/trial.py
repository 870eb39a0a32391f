"""One daemon under one fault: what happens to it, and what is counted of it."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from tests.bench.mailboxes import names
from tests.conversation import MAILBOX, PEOPLE
from tests.daemon_process import PLAIN, Daemon
from tests.in_time import header, raw
from tests.scripted_imap import ScriptedImap
from tests.silent_proxy import SilentProxy
from tests.troubled_server import Passed, TroubledServer
from workflow.clock import SystemClock

DANA, ALEX, PAT = PEOPLE["dana"], PEOPLE["alex"], PEOPLE["pat"]

PATIENCE = 150.0
"""Seconds after which what has not come counts as lost: a refused letter is tried again after 1 minute."""

LONG = 5.0
"""Seconds of a fault from which on the CPU that the daemon takes meanwhile means something."""


class Trial:
    """A daemon, its servers and its people, while one fault is played."""

    def __init__(
        self,
        folder: Path,
        chance: random.Random,
        server: TroubledServer,
        imap: ScriptedImap | None,
        line: SilentProxy,
        accepted: list[tuple[float, Passed]],
    ) -> None:
        self.folder = folder
        self.chance = chance
        self.server = server
        self.imap = imap or ScriptedImap()
        self.line = line
        """To the server that is behind a proxy."""
        self.config = folder / "config.toml"
        self.clients: list[str] = []
        self.accepted = accepted
        self.over_at = 0.0
        self.stop_took = 0.0
        self.cpu = 0.0
        """The share of one CPU that the daemon took while the fault was on, at most."""
        self._scripted = imap is not None
        self._names = names()

    async def starts(self, program: Sequence[str] = PLAIN) -> None:
        self.daemon = Daemon(self.config, program=program)
        await self.daemon.start()

    async def report(self, count: int = 1, *flags: str) -> None:
        """Dana misses sessions and says so."""
        for client in islice(self._names, count):
            self.clients.append(client)
            await self.arrives(f"NOSHOW {client}", *flags)

    async def arrives(self, subject: str, *flags: str) -> None:
        if self._scripted:
            self.imap.put(raw(DANA, subject), SystemClock().now(), *flags)
            with suppress(ConnectionError):  # a line that is being lost
                await self.imap.say(f"* {len(self.imap.mails)} EXISTS\r\n")
        else:
            await self.server.deliver(MAILBOX, raw(DANA, subject))

    async def lasts(self, least: float = 1.0, most: float = 5.0) -> None:
        """The fault goes on for some seconds."""
        before, seconds = self._cpu_seconds(), self.chance.uniform(least, most)
        await asyncio.sleep(seconds)
        if seconds >= LONG:
            self.cpu = max(self.cpu, (self._cpu_seconds() - before) / seconds)

    def over(self) -> None:
        """The fault ends now."""
        self.over_at = time.monotonic()

    async def stops(self) -> None:
        self.stop_took = max(self.stop_took, await self.daemon.stop())

    def dies(self) -> None:
        """Whatever happened."""
        if self.daemon.process.returncode is None:
            self.daemon.process.kill()

    async def all_told(self) -> None:
        """Until every report has its letters; for a while longer, in case one comes twice."""
        try:
            async with asyncio.timeout(PATIENCE):
                while self.count().lost:
                    await asyncio.sleep(0.05)
        except TimeoutError:
            return
        await self.daemon.has_logged("ready")  # it may have been started anew, and all been told before that
        await asyncio.sleep(1.0)

    def count(self) -> Count:
        """What became of the reports so far."""
        letters = [
            (at, mail.raw, mail.recipients) for at, mail in self.accepted if mail.recipients in ((DANA,), (ALEX,))
        ]
        drafts = [each for _, each, _ in letters if header(each, "X-Promptly-Letter") == "draft"]
        cases = {
            client: {_case(draft) for draft in drafts if f"Hi {client.split()[0]} " in draft.decode()}
            for client in self.clients
        }
        ids: dict[tuple[str, str], Counter[str]] = {}
        last = self.over_at
        for at, each, _ in letters:
            if (kind := header(each, "X-Promptly-Letter")) in ("draft", "alert"):
                ids.setdefault((_case(each), kind), Counter())[header(each, "Message-ID")] += 1
                last = max(last, at) if list(ids[_case(each), kind].values()) == [1] else last
        told = {case for case, kind in ids if kind == "alert"}
        return Count(
            lost=sum(not found or not found <= told for found in cases.values()),
            doubled=sum(len(found) > 1 for found in cases.values()) + sum(len(each) - 1 for each in ids.values()),
            repeated=sum(sum(each.values()) - len(each) for each in ids.values()),
            delay=last - self.over_at,
            stop=self.stop_took,
            cpu=self.cpu,
        )

    def _cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.daemon.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _case(letter: bytes) -> str:
    return header(letter, "X-Promptly-Case")


@dataclass
class Count:
    """What one trial came to, or all of one fault."""

    lost: int = 0
    doubled: int = 0
    repeated: int = 0
    delay: float = 0.0
    """Seconds."""
    stop: float = 0.0
    """Seconds from SIGTERM to the end."""
    cpu: float = 0.0

    def add(self, other: Count) -> None:
        self.lost += other.lost
        self.doubled += other.doubled
        self.repeated += other.repeated
        self.delay, self.stop, self.cpu = (
            max(self.delay, other.delay),
            max(self.stop, other.stop),
            max(self.cpu, other.cpu),
        )
