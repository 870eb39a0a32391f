"""What time it is: the system's, or a rehearsed one that starts elsewhere and runs faster. The only caller of
``datetime.now``; everything else is handed a clock, or `now`.

Not here: local time, which exists only in letters, and due times, which are data in the store.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

_BOOT_TIME = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Clock(Protocol):
    """The time of one clinic."""

    def now(self) -> datetime:
        """This instant: aware, in UTC."""
        ...

    def real_seconds(self, span: timedelta) -> float:
        """How many seconds of real time this span of the clinic's time takes: what a timeout is to be given."""
        ...

    def passed(self) -> timedelta:
        """How much of the clinic's time has passed since some moment before this process: whatever sets a clock does
        not change it, and a machine that sleeps lets time pass."""
        ...


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251 - the one place

    def real_seconds(self, span: timedelta) -> float:
        return span.total_seconds()

    def passed(self) -> timedelta:
        """See `Clock`. Linux stops its monotonic clock while it sleeps, but not this one."""
        return timedelta(seconds=time.clock_gettime(_BOOT_TIME))


class RehearsalClock:
    """A clock that starts at `start` and runs `speed` times as fast as real time (contract section 7, ``--clock``).

    It counts on the monotonic clock, so setting the machine's clock does not disturb it. Raises ValueError for a start
    without a zone, or a speed that is not above 0.
    """

    def __init__(self, start: datetime, speed: float, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        if start.tzinfo is None:
            raise ValueError("a rehearsed time needs a zone")
        if not speed > 0:
            raise ValueError("a clock runs forward: its speed is above 0")
        self._start = start.astimezone(UTC)
        self._speed = speed
        self._monotonic = monotonic
        self._began = monotonic()

    def now(self) -> datetime:
        return self._start + timedelta(seconds=(self._monotonic() - self._began) * self._speed)

    def real_seconds(self, span: timedelta) -> float:
        return span.total_seconds() / self._speed

    def passed(self) -> timedelta:
        """See `Clock`: nobody sets this one."""
        return self.now() - self._start
