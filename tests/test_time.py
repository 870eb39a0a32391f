"""In time: nights, clocks that are set, daylight saving, an answer at the last moment, servers that go away."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.conversation import MAILBOX, TORONTO, Clinic


async def missed(clinic: Clinic) -> str:
    """Dana has missed Sam's session and said so; the case's id."""
    await clinic.dana.writes("NOSHOW Sam")
    await clinic.alex.gets("alert")
    return (await clinic.dana.gets("draft")).case or ""


def on(day: str, clock: str) -> datetime:
    return datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=TORONTO)


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

    @pytest.mark.parametrize(("night", "morning"), [("2026-10-31", "2026-11-01"), ("2027-03-13", "2027-03-14")])
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


class TestAReplyWins:
    async def test_over_a_reminder_that_is_decided_but_not_sent(self, tmp_path: Path) -> None:
        async with Clinic(tmp_path) as clinic:
            case = await missed(clinic)
            await clinic.server.down_smtp()
            clinic.clock.move(timedelta(minutes=5))
            clinic.service.wake()
            await owed(clinic, "reminder")
            await answer(clinic, case, "RESCHEDULED")
            await owed(clinic, "receipt")
            await clinic.server.up_smtp()
            await clinic.settled()
            await clinic.dana.gets("receipt")
            await clinic.alex.gets("update")
            closed = await clinic.store.case(case)
            assert closed is not None
            assert [letter.reason for letter in closed.letters if letter.kind == "reminder"] == ["the case was closed"]

    async def test_over_a_reminder_that_waits_for_mail_from(self, tmp_path: Path) -> None:
        async with Clinic(tmp_path) as clinic:
            case = await missed(clinic)
            clinic.server.hang_smtp()
            await answer(clinic, case, "STATUS")  # occupies one connection …
            await clinic.server.deliver(MAILBOX, raw("admin@clinic.test", "STATUS"))  # … and the other
            await until(lambda: len(clinic.service.sender._in_hand) == 2)
            clinic.clock.move(timedelta(minutes=5))
            clinic.service.wake()
            await owed(clinic, "reminder")
            await answer(clinic, case, "UNREACHABLE")
            await owed(clinic, "receipt")
            clinic.server.resume_smtp()
            await clinic.settled()
            await clinic.dana.gets("status")
            await clinic.alex.gets("status")
            await clinic.dana.gets("receipt")
            await clinic.alex.gets("update")


class TestOutages:
    async def test_smtp_down_at_the_report_for_an_hour(self, tmp_path: Path) -> None:
        async with Clinic(tmp_path) as clinic:
            await clinic.server.down_smtp()
            await answer(clinic, "", "NOSHOW Sam")
            await owed(clinic, "draft")
            for _ in range(6):
                clinic.clock.move(timedelta(minutes=10))
                clinic.service.wake()
                await asyncio.sleep(0)
            await owed(clinic, "notice")
            await clinic.server.up_smtp()
            await clinic.settled()
            await clinic.dana.gets("draft")
            alert = await clinic.alex.gets("alert")
            assert "14:00" in alert.text or "2:00 pm" in alert.text  # since when
            await clinic.dana.gets("reminder")
            await clinic.alex.gets("escalation")
            notice = await clinic.alex.gets("notice")
            assert "SMTP server has not been reached since" in notice.text

    async def test_letters_leave_in_order_of_urgency_when_it_returns(self, tmp_path: Path) -> None:
        async with Clinic(tmp_path) as clinic:
            await missed(clinic)
            await clinic.server.down_smtp()
            clinic.clock.move(timedelta(minutes=11))
            clinic.service.wake()
            await owed(clinic, "escalation")
            await answer(clinic, "", "LATE 15 Kim")
            await owed(clinic, "alert")
            clinic.server.passed.clear()
            await clinic.server.up_smtp()
            await clinic.settled()
            kinds = [header(passed.raw, "X-Promptly-Letter") for passed in clinic.server.passed]
            assert sorted(kinds[:2]) == ["alert", "draft"]
            assert kinds[2:] == ["escalation", "reminder"]
            clinic.alex.inbox.clear()
            await clinic.collect()
            clinic.alex.inbox.clear()
            clinic.dana.inbox.clear()

    async def test_imap_down_for_long_is_told_once_and_mail_is_found_when_it_returns(self, tmp_path: Path) -> None:
        async with Clinic(tmp_path) as clinic:
            await clinic.server.down_imap()
            await until(lambda: not clinic.service.watch.connected)
            clinic.clock.move(timedelta(minutes=3))
            await owed_or_sent(clinic, "notice")
            clinic.clock.move(timedelta(minutes=30))
            await clinic.server.deliver(MAILBOX, raw("dana@clinic.test", "NOSHOW Sam"), arrived_at=clinic.clock.now())
            await clinic.server.up_imap()
            await clinic.settled()
            await clinic.alex.gets("notice")
            await clinic.alex.gets("alert")
            await clinic.dana.gets("draft")

    async def test_a_draft_not_accepted_within_two_minutes_is_told(self, tmp_path: Path) -> None:
        async with Clinic(tmp_path) as clinic:
            clinic.server.refuse("dana@clinic.test", "451 4.7.1 Greylisted")
            await clinic.dana.writes("LATE 15 Sam")
            await clinic.alex.gets("alert")
            clinic.clock.move(timedelta(minutes=2))
            notice = await eventually(clinic, "alex", "notice")
            assert "draft" in notice
            clinic.server.accept("dana@clinic.test")
            await clinic.passes(minutes=2)
            await clinic.dana.gets("draft")


def raw(sender: str, subject: str) -> bytes:
    return (
        f"From: {sender}\r\nTo: {MAILBOX}\r\nSubject: {subject}\r\n"
        f"Authentication-Results: mx.clinic.test; dmarc=pass header.from=clinic.test\r\n\r\n"
    ).encode()


def header(mail: bytes, name: str) -> str:
    line = next(line for line in mail.decode().split("\r\n") if line.startswith(f"{name}: "))
    return line.partition(": ")[2]


async def answer(clinic: Clinic, case: str, words: str) -> None:
    """Dana writes; unlike `writes`, nobody waits for what follows."""
    subject = f"[{case}] {words}" if case else words
    await clinic.server.deliver(MAILBOX, raw("dana@clinic.test", subject), arrived_at=clinic.clock.now())


async def until(holds: object) -> None:
    assert callable(holds)
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0.01)


async def owed(clinic: Clinic, kind: str) -> None:
    """Until a letter of this kind is committed and owed."""
    async with asyncio.timeout(10):
        while kind not in [letter.kind.value for letter in await clinic.store.owed()]:
            await asyncio.sleep(0.01)


async def owed_or_sent(clinic: Clinic, kind: str) -> None:
    async with asyncio.timeout(10):
        while kind not in [letter.kind.value for letter in clinic.store.desk.letters]:
            await asyncio.sleep(0.01)


async def eventually(clinic: Clinic, name: str, kind: str) -> str:
    """The text of a letter that comes within a real second or two: the auditor looks once a second."""
    async with asyncio.timeout(10):
        while True:
            await clinic.collect()
            inbox = clinic.people[name].inbox
            for letter in inbox:
                if letter.kind == kind:
                    inbox.remove(letter)
                    return letter.text
            await asyncio.sleep(0.05)
