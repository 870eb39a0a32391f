"""The measures. Each starts its own programs on empty mailboxes and gives one round's figures.

- `start_up`: from the start of the process, imports included, to ``ready``, on the embedded server.
- `reports`: a few reports, one after the other. *Reaction*: from the 250 of the report's own DATA to the later of the
  two letters lying in its inbox. *Handling*: from the report's bytes fetched to the 250 of the later letter.
- `silence`: memory and CPU over a minute of nothing, and the handling of the report that ends it.
- `drain`: reports that lie waiting when the program starts. Until the last letter lies in its inbox, start included.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import make_msgid
from itertools import islice
from pathlib import Path

import aiosmtplib

from tests import configuration
from tests.bench.mailboxes import (
    BenchServers,
    all_delivered,
    associates,
    fill,
    maildir,
    message_ids,
    names,
)
from tests.bench.pipe import ADMIN, CLINIC, DANA, Task
from tests.bench.programs import Measured, daemon, noted_daemon
from tests.configuration import ASSOCIATES
from tests.daemon_process import configure
from tests.real_servers import HOST
from tests.troubled_server import TroubledServer

LETTERS = {ADMIN: "alert", DANA: "draft"}
"""What a report makes, and for whom."""

QUIET = 1.0
"""Seconds between two reports: the one before is moved and recorded by then."""

MINUTE = 60.0
PATIENCE = 300.0
"""Seconds after which a drain counts as stuck."""


@dataclass(frozen=True)
class Reports:
    """Milliseconds for each report of a round; the first one found cold connections and cold code."""

    reactions: list[float]
    handlings: list[float]


@dataclass(frozen=True)
class Silence:
    """What nothing costs."""

    resident_mb: float
    cpu_percent: float
    next_handling: float
    """Milliseconds: the first report after it, which finds the SMTP connection closed."""


@dataclass(frozen=True)
class Drained:
    """What a backlog costs."""

    seconds: float
    cpu_ms: float
    """Of the program, for each report."""
    resident_mb: float


async def start_up(folder: Path) -> float:
    """Seconds."""
    async with TroubledServer({CLINIC: "secret", DANA: "secret", ADMIN: "secret"}) as server:
        config = configuration.configure(folder, mailbox={"port": server.imap_port}, smtp={"port": server.smtp_port})
        began = time.perf_counter()
        async with Measured(daemon(config), folder) as program:
            await program.logs("ready")
            return time.perf_counter() - began


class Bench:
    """The real servers, and the programs on them. Every round of a program gets a folder and mailboxes of its own."""

    def __init__(self, servers: BenchServers, folder: Path) -> None:
        self._servers = servers
        self._folder = folder
        self._rounds = 0
        self._sizes: dict[str, int] = {}
        self._start_cpu = {"daemon": 0.0, "pipe": 0.0}

    async def weigh(self) -> dict[str, int]:
        """How large the two letters for a report are: what the pipe's will be. And what a start costs."""
        async with self._program(noted_daemon(self._configured())) as program, self._reporter() as report:
            await program.noted_ready()
            await report(next(names()))
            await all_delivered(self._servers, dict.fromkeys(LETTERS, 1), PATIENCE)
            self._sizes = {user: self._size_of_ours(user) for user in LETTERS}
        async with self._program(daemon(self._configured())) as program:
            await program.logs("ready")
            self._start_cpu["daemon"] = program.cpu_seconds
        async with self._program(self._task().words()) as program:
            await program.noted_ready()
            self._start_cpu["pipe"] = program.cpu_seconds
        return self._sizes

    async def reports_to_daemon(self, count: int) -> Reports:
        """The daemon."""
        return await self._reports(noted_daemon(self._configured()), count)

    async def reports_to_pipe(self, count: int, *, record: bool, keeps: bool = True) -> Reports:
        """The floor; with `entries` it syncs one a mail, without `keeps` each mail finds its connection closed."""
        folder = self._new_folder()
        task = self._task(record=str(folder / "record") if record else "", keeps=keeps)
        return await self._reports(task.words(), count)

    async def silence(self) -> Silence:
        """The daemon after one report, and the next report."""
        async with self._program(noted_daemon(self._configured())) as program, self._reporter() as report:
            await program.noted_ready()
            clients = names()
            await report(next(clients))
            await _handled(program)
            await asyncio.sleep(2 * QUIET)
            cpu = program.cpu_seconds
            await asyncio.sleep(MINUTE)
            percent = 100 * (program.cpu_seconds - cpu) / MINUTE
            resident = program.resident_mb
            await report(next(clients))
            return Silence(resident, percent, await _handled(program))

    async def drain_by_daemon(self, count: int) -> Drained:
        """The daemon; its CPU up to the moment when all reports are filed away, too, without that of a start."""
        drained = await self._drain("daemon", daemon(self._configured()), count, files=True)
        for user, kind in LETTERS.items():
            if (different := len(message_ids(self._servers, user, kind))) != count:
                raise RuntimeError(f"{different} letters {kind} for {count} reports")
        return drained

    async def drain_by_pipe(self, count: int, lines: int) -> Drained:
        """The floor, with so many SMTP transactions in flight."""
        return await self._drain("pipe", self._task(lines=lines).words(), count, files=False)

    # --- how ------------------------------------------------------------------------------------------

    async def _reports(self, command: list[str], count: int) -> Reports:
        reactions, handlings = [], []
        async with self._program(command) as program, self._reporter() as report:
            await program.noted_ready()
            for number, client in enumerate(islice(names(), count), start=1):
                accepted_at = await report(client)
                handlings.append(await _handled(program))
                last = await all_delivered(self._servers, dict.fromkeys(LETTERS, number), PATIENCE)
                reactions.append(1000 * (last - accepted_at))
                await asyncio.sleep(QUIET)
        return Reports(reactions, handlings)

    async def _drain(self, who: str, command: list[str], count: int, *, files: bool) -> Drained:
        self._servers.empty()
        fill(self._servers, count)
        async with self._program(command, emptied=True) as program:
            last = await all_delivered(self._servers, dict.fromkeys(LETTERS, count), PATIENCE)
            async with asyncio.timeout(PATIENCE):
                while files and any(self._waiting()):
                    await asyncio.sleep(0.1)
            await asyncio.sleep(QUIET)
            cpu = program.cpu_seconds - self._start_cpu[who]
            return Drained(last - program.began_at, 1000 * cpu / count, program.resident_mb)

    def _waiting(self) -> Iterator[Path]:
        place = maildir(self._servers, CLINIC)
        return (file for part in ("new", "cur") for file in (place / part).iterdir())

    @asynccontextmanager
    async def _program(self, command: list[str], *, emptied: bool = False) -> AsyncIterator[Measured]:
        if not emptied:
            self._servers.empty()
        async with Measured(command, self._new_folder()) as program:
            yield program

    @asynccontextmanager
    async def _reporter(self) -> AsyncIterator[_Reporter]:
        """Dana's mail program, connected."""
        client = aiosmtplib.SMTP(
            hostname=HOST,
            port=self._servers.smtp_submission_port,
            start_tls=True,
            tls_context=self._servers.tls,
            username=DANA,
            password=self._servers.passwords[DANA],
        )
        async with client:
            yield _Reporter(client)

    def _configured(self) -> Path:
        return configure(self._new_folder(), self._servers, associates=ASSOCIATES | associates())

    def _task(self, *, record: str = "", lines: int = 1, keeps: bool = True) -> Task:
        return Task(
            imap_port=self._servers.imap_port,
            smtp_port=self._servers.smtp_submission_port,
            ca_file=str(self._servers.ca_file),
            password=self._servers.passwords[CLINIC],
            sizes=self._sizes,
            lines=lines,
            record=record,
            keeps=keeps,
        )

    def _new_folder(self) -> Path:
        self._rounds += 1
        folder = self._folder / f"round-{self._rounds}"
        folder.mkdir()
        return folder

    def _size_of_ours(self, user: str) -> int:
        """Bytes on the wire: without what Postfix and Dovecot put before it, with the line ends that they took away."""
        file = next((maildir(self._servers, user) / "new").iterdir())
        raw = file.read_bytes()
        ours = raw[raw.index(b"\nFrom: ") + 1 :]
        return len(ours) + ours.count(b"\n")


class _Reporter:
    def __init__(self, client: aiosmtplib.SMTP) -> None:
        self._client = client

    async def __call__(self, client: str) -> float:
        """Report a missed session; when the server had taken it, on the wall clock."""
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = DANA, CLINIC, f"NOSHOW {client}"
        mail["Message-ID"] = make_msgid(domain="clinic.test")
        await self._client.sendmail(DANA, [CLINIC], mail.as_bytes())
        return time.time()


async def _handled(program: Measured) -> float:
    """Milliseconds from the next mail fetched to both its letters accepted."""
    fetched_at = await program.noted("fetched")
    return 1000 * (max([await program.noted("accepted") for _ in LETTERS]) - fetched_at)
