"""In time: nights, daylight saving, clocks that are set, a restart at any moment, an answer at the last moment.

Servers that go away are in test_outages; what a whole clinic does at random is in test_machine.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import schedule
import time_machine

from tests.conversation import MAILBOX, TORONTO, Clinic
from tests.in_time import answers, happens, is_owed, missed, on, raw
from workflow import engine
from workflow.core.due import tick_case
from workflow.core.model import Case
from workflow.core.owed import Scene

DST = [("2026-10-31", "2026-11-01"), ("2027-03-13", "2027-03-14")]
"""The evening before each change in Toronto, and the morning after it."""


class TestNights:
    async def test_at_half_past_ten_one_reminder_and_the_rest_in_the_morning(self, tmp_path: Path) -> None:
        async with Clinic(tmp_path, at=on("2026-11-05", "22:30"), lead=True) as clinic:
            await missed(clinic)
            await clinic.until(on("2026-11-06", "07:59"))
            await clinic.dana.gets("reminder")
            await clinic.nothing_else()
            await clinic.until(on("2026-11-06", "08:00"))
            await clinic.dana.gets("reminder")
            await clinic.alex.gets("escalation")
            await clinic.lee.gets("escalation")

    async def test_a_machine_suspended_for_a_night_sends_one_reminder_at_waking(self, tmp_path: Path) -> None:
        async with Clinic(tmp_path, at=on("2026-11-05", "20:00")) as clinic:
            await missed(clinic)
            clinic.clock.move_to(on("2026-11-06", "09:12"))
            await clinic.settled()
            await clinic.dana.gets("reminder")
            await clinic.alex.gets("escalation")
            await clinic.nothing_else()
            await clinic.until(on("2026-11-06", "09:16"))
            await clinic.nothing_else()

    @pytest.mark.parametrize(("reported", "wakes"), [("19:30", "03:00"), ("20:50", "07:30")])
    async def test_a_machine_that_wakes_in_the_night_lets_people_sleep(
        self, tmp_path: Path, reported: str, wakes: str
    ) -> None:
        """And asks when the night ends: not at its next time, which is ten past eight after a report at 20:50."""
        async with Clinic(tmp_path, at=on("2026-11-05", reported), lead=True) as clinic:
            await missed(clinic)
            clinic.clock.move_to(on("2026-11-06", wakes))
            await clinic.settled()
            await clinic.nothing_else()
            await clinic.until(on("2026-11-06", "08:00"))
            await clinic.dana.gets("reminder")
            await clinic.alex.gets("escalation")
            await clinic.lee.gets("escalation")

    @pytest.mark.parametrize(("night", "morning"), DST)
    async def test_through_a_dst_change_the_morning_is_at_eight(self, tmp_path: Path, night: str, morning: str) -> None:
        async with Clinic(tmp_path, at=on(night, "19:00")) as clinic:
            case = await missed(clinic)
            await clinic.dana.writes(f"[{case}] SENT")
            await clinic.dana.gets("receipt")
            await clinic.alex.gets("update")
            await clinic.until(on(morning, "07:59"))
            await clinic.nothing_else()
            await clinic.until(on(morning, "08:00"))
            await clinic.dana.gets("reminder")  # 22:00 was quiet: one letter, at the right local hour

    @pytest.mark.parametrize(("night", "morning"), DST)
    async def test_through_a_dst_change_minutes_are_minutes(self, tmp_path: Path, night: str, morning: str) -> None:
        async with Clinic(tmp_path, at=on(morning, "00:50"), more='[quiet]\nfrom = "00:00"\nto = "00:00"\n') as clinic:
            await missed(clinic)
            began = clinic.clock.now()
            await clinic.until(began + timedelta(minutes=141))
            for _ in range(5):  # 5, 10, 20, 80 and 140 minutes on, through the hour that is twice or not at all
                await clinic.dana.gets("reminder")
            await clinic.alex.gets("escalation")
            case = await clinic.only_case()
            assert [int((at - began).total_seconds() / 60) for at in case.reminders] == [5, 10, 20, 80, 140]


class TestAClockThatIsSet:
    async def test_forward_by_hours_sends_one_reminder_not_a_burst(self, tmp_path: Path) -> None:
        async with Clinic(tmp_path) as clinic:
            await missed(clinic)
            await clinic.passes(hours=4)
            await clinic.dana.gets("reminder")
            await clinic.alex.gets("escalation")

    async def test_forward_and_back_again_silences_nothing(self, tmp_path: Path) -> None:
        async with Clinic(tmp_path) as clinic:
            await missed(clinic)
            await clinic.passes(hours=5)
            await clinic.dana.gets("reminder")
            await clinic.alex.gets("escalation")
            clinic.clock.move(timedelta(hours=-5))
            await clinic.settled()
            await clinic.nothing_else()
            await clinic.minute_by_minute(21)
            for _ in range(3):  # 5, 10 and 20 minutes after the report, as if nothing had happened
                await clinic.dana.gets("reminder")

    async def test_back_by_hours_sends_nothing_twice(self, tmp_path: Path) -> None:
        async with Clinic(tmp_path) as clinic:
            await missed(clinic)
            await clinic.minute_by_minute(6)
            await clinic.dana.gets("reminder")
            clinic.clock.move(timedelta(hours=-3))
            await clinic.settled()
            await clinic.nothing_else()

    @pytest.mark.parametrize("down", [False, True], ids=["while the daemon runs", "while it is down"])
    async def test_back_before_anything_was_due_silences_nothing(self, tmp_path: Path, down: bool) -> None:
        async with Clinic(tmp_path) as clinic:
            await missed(clinic)
            if down:
                await clinic.stops()
            clinic.clock.move(timedelta(hours=-3))
            if down:
                await clinic.starts()
            await clinic.settled()
            await clinic.minute_by_minute(5)
            await clinic.dana.gets("reminder")

    async def test_back_by_a_day_the_outcome_is_asked_by_the_new_clock(self, tmp_path: Path) -> None:
        async with Clinic(tmp_path) as clinic:
            await clinic.dana.writes("LATE 10 Sam, texted")
            await clinic.alex.gets("alert")
            await clinic.dana.gets("draft")
            clinic.clock.move(timedelta(days=-1))
            await clinic.settled()
            await clinic.minute_by_minute(64)
            await clinic.nothing_else()
            await clinic.minute_by_minute(1)  # 10 + 50 + 5
            await clinic.dana.gets("reminder")

    async def test_back_while_a_case_was_closed_silences_nothing_once_it_is_undone(self, tmp_path: Path) -> None:
        async with Clinic(tmp_path) as clinic:
            case = await missed(clinic)
            await clinic.minute_by_minute(6)
            await clinic.dana.gets("reminder")
            await clinic.dana.writes(f"[{case}] UNREACHABLE")
            await clinic.dana.gets("receipt")
            await clinic.alex.gets("update")
            await clinic.stops()
            clinic.clock.move(timedelta(hours=-3))
            await clinic.starts()
            await clinic.dana.writes(f"[{case}] UNDO")
            await clinic.dana.gets("receipt")
            await clinic.alex.gets("update")
            await clinic.minute_by_minute(5)
            await clinic.dana.gets("reminder")


class TestARestart:
    @pytest.mark.slow
    async def test_every_minute_changes_no_reminder(self, tmp_path: Path) -> None:
        async with Clinic(tmp_path) as clinic:
            await missed(clinic)
            for _ in range(22):
                await clinic.stops()
                clinic.clock.move(timedelta(minutes=1))
                await clinic.starts()
            for _ in range(3):
                await clinic.dana.gets("reminder")
            await clinic.alex.gets("escalation")

    async def test_between_decision_and_sending_loses_no_reminder(self, tmp_path: Path) -> None:
        async with Clinic(tmp_path) as clinic:
            await missed(clinic)
            await clinic.server.down_smtp()
            clinic.clock.move(timedelta(minutes=5))
            clinic.service.wake()
            await is_owed(clinic, "reminder")
            await clinic.stops()
            await clinic.server.up_smtp()
            await clinic.starts()
            await clinic.dana.gets("reminder")

    @pytest.mark.parametrize(("night", "morning"), DST)
    async def test_in_the_night_of_a_dst_change(self, tmp_path: Path, night: str, morning: str) -> None:
        async with Clinic(tmp_path, at=on(night, "20:00")) as clinic:
            await missed(clinic)
            await clinic.stops()
            clinic.clock.move_to(on(morning, "03:30"))
            await clinic.starts()
            await clinic.nothing_else()
            await clinic.until(on(morning, "08:00"))
            await clinic.dana.gets("reminder")
            await clinic.alex.gets("escalation")


class TestAReplyWins:
    async def test_over_a_reminder_that_is_due_but_not_decided(self, tmp_path: Path) -> None:
        async with Clinic(tmp_path) as clinic:
            case = await missed(clinic)
            clinic.clock.move(timedelta(minutes=5))
            await answers(clinic, "dana", f"[{case}] RESCHEDULED")
            await clinic.settled()
            await clinic.dana.gets("receipt")
            await clinic.alex.gets("update")

    async def test_over_a_reminder_that_is_decided_but_not_sent(self, tmp_path: Path) -> None:
        async with Clinic(tmp_path) as clinic:
            case = await missed(clinic)
            await clinic.server.down_smtp()
            clinic.clock.move(timedelta(minutes=5))
            clinic.service.wake()
            await is_owed(clinic, "reminder")
            await answers(clinic, "dana", f"[{case}] RESCHEDULED")
            await is_owed(clinic, "receipt")
            await clinic.server.up_smtp()
            await clinic.settled()
            await clinic.dana.gets("receipt")
            await clinic.alex.gets("update")

    async def test_over_a_reminder_that_waits_for_mail_from(self, tmp_path: Path) -> None:
        async with Clinic(tmp_path) as clinic:
            case = await missed(clinic)
            clinic.server.hang_smtp()
            await answers(clinic, "dana", "STATUS")  # occupies one connection …
            await clinic.server.deliver(MAILBOX, raw("admin@clinic.test", "STATUS"))  # … and the other
            await happens(lambda: clinic.server.hanging == 2)
            clinic.clock.move(timedelta(minutes=5))
            clinic.service.wake()
            await is_owed(clinic, "reminder")
            await answers(clinic, "dana", f"[{case}] UNREACHABLE")
            await is_owed(clinic, "receipt")
            clinic.server.resume_smtp()
            await clinic.settled()
            await clinic.dana.gets("status")
            await clinic.alex.gets("status")
            await clinic.dana.gets("receipt")
            await clinic.alex.gets("update")


class TestTheBeat:
    """`schedule` gives the beat, on naive local time: a clock that is set must not stop it."""

    @pytest.mark.slow
    @pytest.mark.parametrize("hours", [-5, -1, 1, 5])
    async def test_goes_on_when_the_clock_of_the_machine_is_set(self, tmp_path: Path, hours: int) -> None:
        async with Clinic(tmp_path) as clinic:
            await missed(clinic)
            here = datetime.fromtimestamp(1_793_000_000, UTC)
            with time_machine.travel(here) as traveller:
                clinic.node._schedule_beat()
                await asyncio.sleep(0)
                traveller.shift(timedelta(hours=hours))
                clinic.clock.move(timedelta(minutes=5))  # and nobody wakes the service but its beat
                await happens(lambda: any(b"X-Promptly-Letter: reminder" in one.raw for one in clinic.server.passed))
            await clinic.dana.gets("reminder")

    @pytest.mark.slow
    @pytest.mark.parametrize("change", ["2026-11-01T05:59:59Z", "2027-03-14T06:59:59Z"])
    async def test_goes_on_through_daylight_saving(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
    ) -> None:
        """A second before each change; `run` sets TZ=UTC, but a beat must live in any zone."""
        async with Clinic(tmp_path) as clinic:
            await missed(clinic)
            with time_machine.travel(datetime.fromisoformat(change).astimezone(TORONTO)):  # which sets TZ, too
                clinic.node._schedule_beat()
                woken: list[datetime] = []
                monkeypatch.setattr(clinic.service, "wake", lambda: woken.append(datetime.now(UTC)))  # noqa: TID251
                await happens(lambda: len(woken) >= 3)

    def test_stalls_in_schedule_alone(self) -> None:
        """What the service makes up for; when this fails, `schedule` has learned it, and `STALLED` can go."""
        beats = schedule.Scheduler()
        ran: list[int] = []
        with time_machine.travel(datetime(2026, 11, 5, 12, tzinfo=UTC), tick=False) as traveller:
            beats.every(1).seconds.do(lambda: ran.append(1))
            traveller.shift(timedelta(hours=-1))
            for _ in range(10):
                traveller.shift(timedelta(seconds=1))
                beats.run_pending()
        assert not ran


@pytest.mark.slow
async def test_one_case_that_cannot_be_decided_stops_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failures = 0

    def failing(scene: Scene, case: Case) -> Case:
        nonlocal failures
        if case.client == "Sam":
            failures += 1
            raise ZeroDivisionError
        return tick_case(scene, case)

    async with Clinic(tmp_path) as clinic:
        await missed(clinic)
        await clinic.ravi.writes("NOSHOW Kim")
        await clinic.ravi.gets("draft")
        await clinic.alex.gets("alert")
        with monkeypatch.context() as broken:
            broken.setattr(engine, "tick_case", failing)
            clinic.clock.move(timedelta(minutes=5))
            clinic.service.wake()
            await happens(lambda: b"X-Promptly-Letter: reminder" in clinic.server.passed[-1].raw)
            await happens(lambda: clinic.service.sender.idle)
            await clinic.ravi.gets("reminder")
            assert failures <= 2, "the failing case is not tried again in a hurry"
        await clinic.settled()
        await clinic.dana.gets("reminder")
