"""``run``: the daemon, in the foreground. A node of one: sets up the clinic and hands it to `node`."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
from argparse import Namespace
from contextlib import suppress
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import structlog

from workflow import VERSION, logs
from workflow import store as stores
from workflow.clinic import Clinic
from workflow.clock import Clock, RehearsalClock, SystemClock
from workflow.config import Config, Faults, load
from workflow.node import Node
from workflow.practice import Practice, misfit
from workflow.store import Locked, Store, StoreError

log = structlog.get_logger()


def main(asked: Namespace) -> int:
    """Run until SIGTERM. Exit code 0, or 2 to 4 when it could not start (contract section 7)."""
    rehearsal = asked.speed is not None or asked.clock is not None
    try:
        config = load(asked.config, rehearsal=rehearsal)
        start = _start(asked.clock, config)
        if asked.speed is not None and not asked.speed > 0:
            raise ValueError("--speed is a number above 0")
    except ValueError as wrong:
        print(wrong, file=sys.stderr)
        return 2
    logs.set_up()
    log.info("starting", version=VERSION)
    # `schedule` lives on naive local time; with UTC a DST change cannot stall it.
    os.environ["TZ"] = "UTC"
    try:
        return asyncio.run(_run(asked, config, start if rehearsal else None))
    except Locked as held:
        print(f"{held}: stop the other daemon first, or give this one its own folder.", file=sys.stderr)
        return 3


async def _run(asked: Namespace, config: Config, start: datetime | None) -> int:
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):  # before anything is begun: a stop is in good order from here on
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    store = await stores.open(config.store.url)
    try:
        if (refusal := await misfit(store, config.store.url, rehearsal=start is not None)) is not None:
            print(refusal, file=sys.stderr)
            return 2
        clock = SystemClock() if start is None else await _rehearsed(store, start, asked.speed or 1.0)
        # What was imported and read lives as long as the process: no use in looking through it again and again.
        gc.freeze()
        node = Node(stop, listen=config.health.listen)
        practice = Practice(Clinic(config, store, clock), ready=node.ready)
        node.take_alone(practice)

        def reread() -> None:
            """SIGHUP. A faulty file changes nothing and is logged (contract section 7)."""
            try:
                practice.reload(load(asked.config, rehearsal=start is not None))
            except Faults as faults:
                log.error("configuration not reread", keys=faults.keys, advice="check says what is wrong with them")

        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reread)
        await node.run()
    finally:
        with suppress(StoreError):  # hints alone: a full disk is no reason to end in disorder
            await store.close()
    return 0


async def _rehearsed(store: Store, start: datetime, speed: float) -> Clock:
    """A restart goes on from the rehearsed time in the state, if that is later (contract section 7)."""
    alive = await store.daemon_link.alive(living=False)
    known = [start, await store.latest_at(), alive.now if alive is not None else None]
    return RehearsalClock(max(at for at in known if at is not None), speed)


def _start(clock: str | None, config: Config) -> datetime:
    """When the rehearsal begins, in UTC; without --clock, now. ValueError: not an ISO time."""
    if clock is None:
        return SystemClock().now()
    try:
        start = datetime.fromisoformat(clock)
    except ValueError:
        raise ValueError(f"--clock {clock}: write a time such as 2026-11-05T14:00") from None
    zone = ZoneInfo(config.clinic.timezone)
    return (start if start.tzinfo is not None else start.replace(tzinfo=zone)).astimezone(UTC)
