"""One process: the clinics at work in it, the beat they share, health, and what systemd hears of it.

Not here: signals, which the verbs know, and what a clinic does (`practice`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import schedule
import sdnotify
import structlog

from workflow.practice import Practice

log = structlog.get_logger()

FED_EVERY = 10
"""Seconds between two words to systemd's watchdog."""

STALLED = 2.0
"""`schedule` lives on naive local time and stalls when a clock is set back; its job is made anew past this."""


class Node:
    def __init__(
        self,
        practices: Sequence[Practice],
        stop: asyncio.Event | None = None,
        *,
        listen: tuple[str, int] | None = None,
    ) -> None:
        self._practices = practices
        self._stop = stop or asyncio.Event()
        self._listen = listen
        self._notifier = sdnotify.SystemdNotifier()
        self._beats = schedule.Scheduler()
        self._fed_at = 0.0

    async def run(self) -> None:
        """Run until `stop`. A clinic that ends did so by an error: let it be seen, and systemd start us anew."""
        health = await self._serve_health()
        works = [asyncio.create_task(practice.run()) for practice in self._practices]
        beside = [asyncio.create_task(self._beat()), asyncio.create_task(self._tell_ready())]
        stopped = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait([*works, beside[0], stopped], return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._notifier.notify("STOPPING=1")
            if health is not None:
                health.close()
            for practice in self._practices:
                practice.stop()
            await asyncio.wait(works)
            for task in (*beside, stopped):
                task.cancel()
        for work in [*works, beside[0]]:
            if work.done() and not work.cancelled():
                work.result()

    def stop(self) -> None:
        """End `run` soon, with nothing lost: what is owed stays in the store."""
        self._stop.set()

    async def _tell_ready(self) -> None:
        for practice in self._practices:
            await practice.ready.wait()
        self._notifier.notify("READY=1")

    async def _beat(self) -> None:
        self._schedule_beat()
        while True:
            idle = self._beats.idle_seconds
            if idle is None or idle > STALLED:
                self._schedule_beat()
            self._beats.run_pending()
            await asyncio.sleep(0.2 if idle is None else min(max(idle, 0.05), 1.0))

    def _schedule_beat(self) -> None:
        self._beats.clear()
        self._beats.every(1).seconds.do(self._on_beat)
        self._fed_at = 0.0

    def _on_beat(self) -> None:
        for practice in self._practices:
            practice.beat()
        if time.monotonic() - self._fed_at >= FED_EVERY:
            self._fed_at = time.monotonic()
            if not any(practice.stands_still for practice in self._practices):
                self._notifier.notify("WATCHDOG=1")

    async def _serve_health(self) -> asyncio.Server | None:
        """/healthz and /metrics, where they are asked for. Without them the clinics are served as well."""
        if self._listen is None:
            return None
        from workflow.health import serve_health  # its library costs memory that most clinics need not pay

        try:
            (practice,) = self._practices
            return await serve_health(self._listen, practice.clinic, practice)
        except OSError as error:
            log.error("health is not served", port=self._listen[1], reason=error.strerror)
            return None
