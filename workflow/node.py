"""One process: the clinics at work in it, the beat they share, health, and what systemd hears of it.

A clinic that fails or stands still is begun anew, alone; the others do not notice. The clinic of `run` has no name: it
is all that its node has, so where it fails the node ends, where it stands still systemd's watchdog starves, and the
process is begun anew. Not here: signals, which the verbs know, and what a clinic does (`practice`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import schedule
import sdnotify
import structlog

from workflow import logs
from workflow.config import Faults
from workflow.mail.backoff import Backoff
from workflow.practice import Practice
from workflow.store import StoreError

log = structlog.get_logger()

FED_EVERY: Final = 10
"""Seconds between two words to systemd's watchdog."""

TOGETHER: Final = 16
"""Clinics in one step of the beat: of a thousand each may have a file to write."""

STALLED: Final = 2.0
"""`schedule` lives on naive local time and stalls when a clock is set back; its job is made anew past this."""

AGAIN_FIRST: Final = 1.0
AGAIN_MOST: Final = 60.0
"""Seconds before a clinic that failed is begun anew: longer each time, unless it was at work for `AGAIN_MOST`."""

UNFIT_FOR: Final = 600.0
"""Seconds before a clinic is tried again for which this node lacks something: a secret, a folder."""

ENDED_WITHIN: Final = 4.5
"""Seconds after which a clinic that stood still is left behind, if it does not end: its store takes nothing from it."""

Opens = Callable[[], Awaitable[Practice]]
"""Opens a clinic's store and gives its practice, each time a new one. May raise anything; `Faults` where this node
lacks what the clinic needs."""


class StandsStillError(Exception):
    """A part of a clinic had stopped."""


class Keeper:
    """Keeps one clinic at work, from now on until it leaves."""

    def __init__(self, name: str, opens: Opens) -> None:
        self.name = name
        self.practice: Practice | None = None
        """None: not at work."""
        self.wrong: Exception | None = None
        """Why not, if that is no start under way."""
        self.off_since = time.monotonic()
        """Since when it is not at work, or was not before it was."""
        self._opens = opens
        self._leaving = asyncio.Event()
        self._anew = asyncio.Event()
        self.task = asyncio.create_task(self._keep())

    def begin_anew(self) -> None:
        """End what is at work, or the wait before the next try, and start again at once."""
        self._anew.set()

    async def leave(self) -> None:
        """Let the clinic go in order: nothing is lost."""
        self._leaving.set()
        self._anew.set()
        if self.practice is not None:
            self.practice.stop()
        await asyncio.wait([self.task], timeout=2 * ENDED_WITHIN)

    async def _keep(self) -> None:
        if self.name:
            structlog.contextvars.bind_contextvars(clinic=self.name)
        again = Backoff()
        while not self._leaving.is_set():
            began = time.monotonic()
            self._anew.clear()
            try:
                await self._work()
                continue
            except Exception as error:
                if not self.name:
                    raise
                self.wrong = error
                facts = {"keys": error.keys} if isinstance(error, Faults) else {"where": logs.place(error)}
                log.error("clinic not served", error=type(error).__name__, **facts)
            if time.monotonic() - began > AGAIN_MOST:
                again.end()
            wait = UNFIT_FOR if isinstance(self.wrong, Faults) else again.wait(AGAIN_FIRST, AGAIN_MOST)
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._anew.wait()

    async def _work(self) -> None:
        """Until it leaves, or is to be begun anew. Raises what made it fail."""
        opening = asyncio.ensure_future(self._opens())
        if not await self._outlasts(opening):
            opening.cancel()
            return
        practice = opening.result()
        work = asyncio.create_task(practice.run())
        self.practice, self.wrong = practice, None
        try:
            ended = await self._outlasts(work)
            stood_still = practice.stands_still
            if not ended:
                practice.stop()
                await asyncio.wait([work], timeout=ENDED_WITHIN)
            if work.done():
                work.result()
            if stood_still:
                raise StandsStillError
        finally:
            self.practice, self.off_since = None, time.monotonic()
            work.cancel()
            if self.name:
                with suppress(StoreError):  # hints alone: a full disk is no reason to end in disorder
                    await practice.clinic.store.close()

    async def _outlasts(self, work: asyncio.Future[Any]) -> bool:
        """Wait for this until it is done, or something is to be begun anew; whether it is done."""
        anew = asyncio.create_task(self._anew.wait())
        try:
            await asyncio.wait([work, anew], return_when=asyncio.FIRST_COMPLETED)
        finally:
            anew.cancel()
        return work.done()


class Node:
    def __init__(self, stop: asyncio.Event | None = None, *, listen: tuple[str, int] | None = None) -> None:
        self.ready = asyncio.Event()
        """Whatever systemd waits for has come: set by whoever knows."""
        self.keepers: dict[str, Keeper] = {}
        """By the clinic's name; "" for the one of `run`."""
        self.figures: Mapping[str, float] = {}
        """Of all clinics there are, for /metrics."""
        self.troubles: Sequence[str] = ()
        """What is wrong with the node itself, for /healthz."""
        self._stop = stop or asyncio.Event()
        self._listen = listen
        self._notifier = sdnotify.SystemdNotifier()
        self._beats = schedule.Scheduler()
        self._fed_at = 0.0
        self._is_second = False
        """A second has passed."""

    @property
    def practices(self) -> Mapping[str, Practice]:
        """Those at work now."""
        return {name: keeper.practice for name, keeper in self.keepers.items() if keeper.practice is not None}

    def faults(self, name: str = "") -> list[str] | None:
        """What is wrong with the node, or with the clinic of this name; None: it is none of ours. With `run`'s clinic
        both are the same."""
        if (keeper := self.keepers.get(name)) is None:
            return None if name else list(self.troubles)
        return ["The clinic is not at work"] if keeper.practice is None else keeper.practice.faults()

    def take(self, name: str, opens: Opens) -> None:
        """Have this clinic at work until it is given up."""
        self.keepers[name] = Keeper(name, opens)

    def take_alone(self, practice: Practice) -> None:
        """Have this clinic at work, whose store is open, and no other. Who opened the store closes it."""

        async def opens() -> Practice:
            return practice

        self.take("", opens)

    async def give(self, name: str) -> None:
        """Let a clinic go, in order. It may be taken again."""
        await self.keepers[name].leave()
        del self.keepers[name]

    async def run(self, beside: Coroutine[None, None, None] | None = None) -> None:
        """Run until `stop`, and with it `beside`. Raises what ended either of them, or the clinic without a name."""
        health = await self._serve_health()
        needed = [asyncio.create_task(work) for work in (self._beat(), beside) if work is not None]
        needed += [keeper.task for name, keeper in self.keepers.items() if not name]
        ready, stopped = asyncio.create_task(self._tell_ready()), asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait([*needed, stopped], return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._notifier.notify("STOPPING=1")
            if health is not None:
                health.close()
            await asyncio.gather(*(keeper.leave() for keeper in self.keepers.values()))
            ended = [task for task in needed if task.done()]
            for task in (*needed, ready, stopped):
                task.cancel()
        for task in ended:
            task.result()

    def stop(self) -> None:
        """End `run` soon, with nothing lost: what is owed stays in the store."""
        self._stop.set()

    async def _tell_ready(self) -> None:
        await self.ready.wait()
        self._notifier.notify("READY=1")

    async def _beat(self) -> None:
        self._schedule_beat()
        while True:
            idle = self._beats.idle_seconds
            if idle is None or idle > STALLED:
                self._schedule_beat()
            self._beats.run_pending()
            if self._is_second:
                self._is_second = False
                await self._on_beat()
            await asyncio.sleep(0.2 if idle is None else min(max(idle, 0.05), 1.0))

    def _schedule_beat(self) -> None:
        self._beats.clear()
        self._beats.every(1).seconds.do(setattr, self, "_is_second", True)
        self._fed_at = 0.0

    async def _on_beat(self) -> None:
        for number, keeper in enumerate(list(self.keepers.values()), 1):
            if (practice := keeper.practice) is None:
                continue
            try:
                practice.beat()
                broken = practice.stands_still
            except Exception as error:  # one clinic's trouble is its own
                if not keeper.name:
                    raise
                log.error("beat failed", clinic=keeper.name, error=type(error).__name__, where=logs.place(error))
                broken = True
            if keeper.name and broken:
                keeper.begin_anew()
            if number % TOGETHER == 0:
                await asyncio.sleep(0)
        if time.monotonic() - self._fed_at >= FED_EVERY:
            self._fed_at = time.monotonic()
            alone = self.practices.get("")
            if alone is None or not alone.stands_still:
                self._notifier.notify("WATCHDOG=1")

    async def _serve_health(self) -> asyncio.Server | None:
        """/healthz and /metrics, where they are asked for. Without them the clinics are served as well."""
        if self._listen is None:
            return None
        from workflow.health import serve_health  # its library costs memory that most clinics need not pay

        try:
            return await serve_health(self._listen, self)
        except OSError as error:
            log.error("health is not served", port=self._listen[1], reason=error.strerror)
            return None
