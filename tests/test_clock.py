"""The clocks: the system's, the rehearsed one, and the one that tests move."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
import time_machine

from tests.movable_clock import MovableClock
from workflow.clock import RehearsalClock, SystemClock

NINE = datetime(2026, 11, 5, 14, 0, tzinfo=UTC)
TORONTO = timezone(timedelta(hours=-5))
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


class Quartz:
    """A monotonic clock that a test turns."""

    def __init__(self) -> None:
        self.seconds = 12345.0

    def __call__(self) -> float:
        return self.seconds


def test_the_system_clock_tells_the_machines_time_in_utc() -> None:
    with time_machine.travel(NINE.astimezone(TORONTO), tick=False):
        now = SystemClock().now()
    assert now == NINE
    assert now.utcoffset() == timedelta(0)


def test_a_rehearsal_starts_where_it_is_told_and_runs_as_fast() -> None:
    quartz = Quartz()
    clock = RehearsalClock(NINE.astimezone(TORONTO), 60, monotonic=quartz)
    assert clock.now() == NINE
    assert clock.now().utcoffset() == timedelta(0)
    quartz.seconds += 5
    assert clock.now() == NINE + 5 * MINUTE


def test_setting_the_machines_clock_does_not_move_a_rehearsal() -> None:
    clock = RehearsalClock(NINE, 1, monotonic=Quartz())
    with time_machine.travel(NINE + timedelta(days=900), tick=False):
        assert clock.now() == NINE


def test_a_span_of_the_clinic_takes_its_real_seconds() -> None:
    assert SystemClock().real_seconds(5 * MINUTE) == 300
    assert RehearsalClock(NINE, 60).real_seconds(5 * MINUTE) == 5
    assert MovableClock(NINE).real_seconds(5 * MINUTE) == 300


def test_a_rehearsal_needs_a_zone_and_runs_forward() -> None:
    with pytest.raises(ValueError, match="zone"):
        RehearsalClock(NINE.replace(tzinfo=None), 1)
    for speed in (0, -1, float("nan")):
        with pytest.raises(ValueError, match="forward"):
            RehearsalClock(NINE, speed)
