"""A clock that stands still until a test moves it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class MovableClock:
    """A `Clock` for tests: `move` and `move_to` are the only passing of time, `jump` sets it."""

    def __init__(self, start: datetime) -> None:
        assert start.tzinfo is not None, "a test's time needs a zone"
        self._now = start.astimezone(UTC)
        self._passed = timedelta()

    def now(self) -> datetime:
        return self._now

    def real_seconds(self, span: timedelta) -> float:
        return span.total_seconds()

    def passed(self) -> timedelta:
        return self._passed

    def move(self, span: timedelta) -> None:
        """Let time pass."""
        self.move_to(self._now + span)

    def move_to(self, at: datetime) -> None:
        """Go to this instant; back, too, as a clock that was set does."""
        self._passed += max(at - self._now, timedelta())
        self._now = at.astimezone(UTC)

    def jump(self, span: timedelta) -> None:
        """The clock is set: no time passes."""
        self._now += span
