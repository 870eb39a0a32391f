"""Whether a report costs more where there is more: beside thousands of open cases, and a hundred thousand closed ones.

Daemons of different pasts stand side by side, each on light servers of its own, and get a report in turn, so that a
noisy second hits all of them. *Handling* is what `measures` calls so. The first start has every file read; the one
*anew*, after a stop in good order, finds what the store keeps as a hint. Both are process to ``ready``, imports too.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from tests.bench.light import configure, sink
from tests.bench.mailboxes import associate, names
from tests.bench.past import Past, make_past
from tests.bench.programs import Measured, noted_daemon
from tests.in_time import raw
from tests.scripted_imap import ScriptedImap
from workflow.config import load

LATER = """[cadence.noshow]
contact = ["2h"]
escalate = "2h"
lead = "2h"
"""
"""No reminder comes while reports are measured."""

WARM = 10
"""Reports of each daemon that are not measured."""

REST = 0.02
"""Seconds between two reports, of whichever daemon, for whatever is still written down."""

MINUTE = 60.0

START = 300.0
"""Seconds after which a start counts as stuck."""


@dataclass(frozen=True)
class Grown:
    """One daemon: milliseconds a report, seconds to start, memory at the end, CPU over a silent minute."""

    handlings: list[float]
    user_ms: float
    """User CPU of a report, with all that follows it: free of the disk's moods, which differ from folder to folder."""
    started: float
    started_anew: float
    resident_mb: float
    cpu_percent: float


class _Side:
    """One of the daemons that stand side by side."""

    def __init__(self, imap: ScriptedImap, program: Measured, started: float) -> None:
        self.started = started
        self.program = program
        self._imap = imap

    async def report(self, number: int, client: str) -> float:
        """Milliseconds from the report fetched to both letters accepted; the mail is filed away by the end."""
        self._imap.put(raw(associate(number), f"NOSHOW {client}"), datetime.fromtimestamp(time.time(), UTC))
        await self._imap.say(f"* {len(self._imap.mails)} EXISTS\r\n")
        fetched_at = await self.program.noted("fetched")
        accepted_at = max([await self.program.noted("accepted") for _ in ("alert", "draft")])
        async with asyncio.timeout(START):
            while self._imap.mails:
                await asyncio.sleep(REST)
        await asyncio.sleep(REST)
        return 1000 * (accepted_at - fetched_at)


async def growth(folder: Path, pasts: list[Past], reports: int) -> dict[Past, Grown]:
    """What so many reports cost beside each past."""
    handlings: dict[Past, list[float]] = defaultdict(list)
    sides: dict[Past, _Side] = {}
    anew: dict[Past, float] = {}
    async with AsyncExitStack() as stack:
        configs: dict[Past, tuple[ScriptedImap, Path]] = {}
        for past in pasts:
            place = folder / f"{past.open_cases}-open-{past.closed_cases}-closed"
            place.mkdir()
            imap = await stack.enter_async_context(ScriptedImap())
            port = (await stack.enter_async_context(sink())).port
            config = configure(place, imap.port, port, LATER)
            make_past(place / "state", load(config).rules(), past, datetime.fromtimestamp(time.time(), UTC))
            configs[past] = imap, config
        for past, (imap, config) in configs.items():
            sides[past] = await stack.enter_async_context(_ready(imap, config))
        clients = names()
        warm: dict[Past, float] = {}
        for number, client in enumerate(islice(clients, WARM + reports)):
            if number == WARM:
                warm = {past: side.program.user_seconds for past, side in sides.items()}
            turn = number % len(pasts)
            for past in (*pasts[turn:], *pasts[:turn]):
                took = await sides[past].report(number, client)
                if number >= WARM:
                    handlings[past].append(took)
        resident = {past: side.program.resident_mb for past, side in sides.items()}
        thought = {past: side.program.user_seconds for past, side in sides.items()}
        spent = {past: side.program.cpu_seconds for past, side in sides.items()}
        await asyncio.sleep(MINUTE)
        idle = {past: 100 * (side.program.cpu_seconds - spent[past]) / MINUTE for past, side in sides.items()}
        for past, (imap, config) in configs.items():
            await sides[past].program.stop()
            async with _ready(imap, config) as side:
                anew[past] = side.started
    return {
        past: Grown(
            handlings=handlings[past],
            user_ms=1000 * (thought[past] - warm[past]) / reports,
            started=side.started,
            started_anew=anew[past],
            resident_mb=resident[past],
            cpu_percent=idle[past],
        )
        for past, side in sides.items()
    }


@asynccontextmanager
async def _ready(imap: ScriptedImap, config: Path) -> AsyncIterator[_Side]:
    began = time.monotonic()
    async with Measured(noted_daemon(config), config.parent) as program:
        ready_at = await program.noted("ready", START)
        yield _Side(imap, program, ready_at - began)
