"""A clock that stands still until a test moves it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta


class MovableClock:
    """A `Clock` for tests: `move` and `move_to` are the only passing of time, and wake whoever sleeps until then."""

    def __init__(self, start: datetime) -> None:
        assert start.tzinfo is not None, "a test's time needs a zone"
        self._now = start.astimezone(UTC)
        self._sleepers: list[tuple[datetime, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        return self._now

    def real_seconds(self, span: timedelta) -> float:
        return span.total_seconds()

    async def sleep_until(self, at: datetime) -> None:
        if at > self._now:
            wake: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._sleepers.append((at, wake))
            await wake

    def move(self, span: timedelta) -> None:
        """Let time pass."""
        self.move_to(self._now + span)

    def move_to(self, at: datetime) -> None:
        """Go to this instant; back, too, as a clock that was set does."""
        self._now = at.astimezone(UTC)
        for until, wake in self._sleepers:
            if until <= self._now and not wake.done():
                wake.set_result(None)
        self._sleepers = [(until, wake) for until, wake in self._sleepers if not wake.done()]
