"""Servers that go away, refuse, hang and come back: nothing is lost, one notice an outage, one reminder at the end."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from tests.conversation import MAILBOX, Clinic
from tests.in_time import answers, happens, header, is_owed, missed, on, raw

pytestmark = pytest.mark.slow


async def awake_until(clinic: Clinic, at: datetime, *, sent: bool = False) -> None:
    """Time passes for a daemon that is awake, though a server is away; what is due is decided, and `sent` if it can."""
    while (due := await clinic.store.next_due()) is not None and due <= at:
        clinic.clock.move_to(max(due, clinic.clock.now()))
        await decided(clinic)
        await happens(lambda: clinic.service.sender.idle or not sent)
    clinic.clock.move_to(at)
    await decided(clinic)


async def decided(clinic: Clinic) -> None:
    clinic.service.wake()
    async with asyncio.timeout(10):
        while (due := await clinic.store.next_due()) is not None and due <= clinic.clock.now():
            await asyncio.sleep(0.005)


def notices(clinic: Clinic) -> int:
    """How many notices were ever decided."""
    return sum(letter.kind == "notice" for letter in clinic.store.desk.letters)


class TestSmtpDown:
    @pytest.mark.slow
    async def test_at_the_report_for_an_hour(self, tmp_path: Path) -> None:
        async with Clinic(tmp_path) as clinic:
            await clinic.server.down_smtp()
            await answers(clinic, "dana", "NOSHOW Sam")
            await is_owed(clinic, "draft")
            await awake_until(clinic, on("2026-11-05", "15:00"))
            await is_owed(clinic, "notice")
            await clinic.server.up_smtp()
            await clinic.settled()
            await clinic.dana.gets("draft")
            alert = await clinic.alex.gets("alert")
            assert "14:00" in alert.text or "2:00 pm" in alert.text  # since when
            await clinic.dana.gets("reminder")
            await clinic.alex.gets("escalation")
            notice = await clinic.alex.gets("notice")
            assert "SMTP server has not been reached since" in notice.text

    @pytest.mark.slow
    async def test_at_the_reminder_and_for_a_day(self, tmp_path: Path) -> None:
        async with Clinic(tmp_path, lead=True) as clinic:
            case = await missed(clinic)
            await clinic.server.down_smtp()
            await awake_until(clinic, on("2026-11-06", "14:00"))
            await happens(lambda: notices(clinic) == 1)
            reminded = await clinic.store.case(case)
            assert reminded is not None
            assert len(reminded.reminders) > 6, "they went on being decided, each in place of the last"
            await clinic.server.up_smtp()
            await clinic.settled()
            await clinic.dana.gets("reminder")
            await clinic.alex.gets("escalation")
            await clinic.lee.gets("escalation")
            await clinic.alex.gets("notice")
            await clinic.nothing_else()

    async def test_into_the_night_what_it_kept_waits_for_the_morning(self, tmp_path: Path) -> None:
        async with Clinic(tmp_path, at=on("2026-11-05", "19:30")) as clinic:
            await missed(clinic)
            await clinic.server.down_smtp()
            await awake_until(clinic, on("2026-11-05", "19:41"))
            await is_owed(clinic, "escalation")
            await awake_until(clinic, on("2026-11-05", "23:00"))
            await is_owed(clinic, "notice")
            await clinic.server.up_smtp()
            await clinic.settled()
            await clinic.alex.gets("notice")
            await clinic.nothing_else()
            await clinic.until(on("2026-11-06", "08:00"))
            await clinic.dana.gets("reminder")
            await clinic.alex.gets("escalation")

    async def test_an_answer_in_it_leaves_nothing_to_remind_of(self, tmp_path: Path) -> None:
        async with Clinic(tmp_path) as clinic:
            case = await missed(clinic)
            await clinic.server.down_smtp()
            await awake_until(clinic, on("2026-11-05", "14:05"))
            await is_owed(clinic, "reminder")
            await answers(clinic, "dana", f"[{case}] RESCHEDULED")
            await is_owed(clinic, "receipt")
            await clinic.server.up_smtp()
            await clinic.settled()
            await clinic.dana.gets("receipt")
            await clinic.alex.gets("update")
            closed = await clinic.store.case(case)
            assert closed is not None
            assert [letter.reason for letter in closed.letters if letter.kind == "reminder"] == ["the case was closed"]

    async def test_letters_leave_in_order_of_urgency_when_it_returns(self, tmp_path: Path) -> None:
        async with Clinic(tmp_path) as clinic:
            await missed(clinic)
            await clinic.server.down_smtp()
            await awake_until(clinic, on("2026-11-05", "14:11"))
            await is_owed(clinic, "escalation")
            await answers(clinic, "dana", "LATE 15 Kim")
            await is_owed(clinic, "alert")
            clinic.server.passed.clear()
            await clinic.server.up_smtp()
            await clinic.settled()
            kinds = [header(passed.raw, "X-Promptly-Letter") for passed in clinic.server.passed]
            assert sorted(kinds[:2]) == ["alert", "draft"]
            assert kinds[2:] == ["escalation", "reminder"]
            for kind in ("alert", "escalation"):
                await clinic.alex.gets(kind)
            for kind in ("draft", "reminder"):
                await clinic.dana.gets(kind)


class TestImapDown:
    @pytest.mark.slow
    async def test_is_told_once_and_mail_is_found_when_it_returns(self, tmp_path: Path) -> None:
        async with Clinic(tmp_path) as clinic:
            await clinic.server.down_imap()
            await happens(lambda: not clinic.service.watch.connected)
            clinic.clock.move(timedelta(minutes=3))
            await happens(lambda: notices(clinic) == 1)
            clinic.clock.move(timedelta(minutes=30))
            await answers(clinic, "dana", "NOSHOW Sam")
            await clinic.server.up_imap()
            await clinic.settled()
            await clinic.alex.gets("notice")
            await clinic.alex.gets("alert")
            await clinic.dana.gets("draft")

    @pytest.mark.slow
    async def test_for_a_day_reminders_go_on_as_on_any_day(self, tmp_path: Path) -> None:
        async with Clinic(tmp_path) as clinic:
            await missed(clinic)
            await clinic.server.down_imap()
            await happens(lambda: not clinic.service.watch.connected)
            await awake_until(clinic, on("2026-11-05", "20:59"), sent=True)
            await happens(lambda: notices(clinic) == 1 and clinic.service.sender.idle)
            for _ in range(6):  # the most that a day has
                await clinic.dana.gets("reminder")
            await clinic.alex.gets("escalation")
            await awake_until(clinic, on("2026-11-06", "08:00"), sent=True)
            await clinic.dana.gets("reminder")
            await clinic.server.up_imap()
            await clinic.settled()
            await clinic.alex.gets("notice")


class TestOneNoticeAnOutage:
    @pytest.mark.slow
    async def test_though_the_daemon_is_restarted_in_it(self, tmp_path: Path) -> None:
        async with Clinic(tmp_path) as clinic:
            await clinic.server.down_imap()
            await happens(lambda: not clinic.service.watch.connected)
            clinic.clock.move(timedelta(minutes=3))
            await happens(lambda: notices(clinic) == 1)
            await clinic.stops()
            await clinic.starts(wait=False)
            await happens(lambda: clinic.service.watch.lost_at is not None)
            clinic.clock.move(timedelta(minutes=30))
            await asyncio.sleep(1.2)  # nothing to await: two looks of the auditor, which must say nothing
            assert notices(clinic) == 1
            await clinic.server.up_imap()
            await clinic.settled()
            await clinic.alex.gets("notice")

    @staticmethod
    def told(clinic: Clinic, times: int) -> bool:
        return notices(clinic) == times

    @pytest.mark.slow
    async def test_and_another_one_for_the_next_outage(self, tmp_path: Path) -> None:
        async with Clinic(tmp_path) as clinic:
            for times in (1, 2):
                told = partial(self.told, clinic, times)
                await clinic.server.down_imap()
                await happens(lambda: not clinic.service.watch.connected)
                clinic.clock.move(timedelta(minutes=3))
                await happens(told)
                await clinic.server.up_imap()
                await clinic.settled()
                await clinic.alex.gets("notice")
                await happens(lambda: "IMAP" in clinic.service.auditor._back)
                clinic.clock.move(timedelta(minutes=3))
                await happens(lambda: not clinic.store.desk.marks.get("outage IMAP"))


class TestALetterThatIsRefused:
    @pytest.mark.slow
    async def test_a_draft_not_accepted_within_two_minutes_is_told(self, tmp_path: Path) -> None:
        async with Clinic(tmp_path) as clinic:
            clinic.server.refuse("dana@clinic.test", "451 4.7.1 Greylisted")
            await clinic.dana.writes("LATE 15 Sam")
            await clinic.alex.gets("alert")
            clinic.clock.move(timedelta(minutes=2))
            await happens(lambda: notices(clinic) == 1)
            clinic.server.accept("dana@clinic.test")
            await clinic.passes(minutes=2)
            assert "draft" in (await clinic.alex.gets("notice")).text
            await clinic.dana.gets("draft")

    async def test_is_tried_after_1_2_5_15_and_30_minutes_and_then_each_30(self, tmp_path: Path) -> None:
        async with Clinic(tmp_path, more='[quiet]\nfrom = "00:00"\nto = "00:00"\n') as clinic:
            clinic.server.refuse("dana@clinic.test", "451 4.7.1 Greylisted")
            await clinic.dana.writes("NOSHOW Sam")
            await clinic.alex.gets("alert")
            draft = (await clinic.store.owed())[0]
            at = clinic.clock.now()
            for minutes in (1, 2, 5, 15, 30, 30):
                at += timedelta(minutes=minutes)
                clinic.clock.move_to(at - timedelta(seconds=1))
                await clinic.settled()
                early = await clinic.store.letter(draft.id)
                clinic.clock.move_to(at)
                await clinic.settled()
                tried = await clinic.store.letter(draft.id)
                assert early is not None and tried is not None
                assert tried.attempts == early.attempts + 1, f"after {minutes} minutes"
            clinic.server.accept("dana@clinic.test")
            await clinic.passes(minutes=30)
            for inbox in (clinic.dana.inbox, clinic.alex.inbox):
                await clinic.collect()
                assert sum(letter.kind == "draft" for letter in inbox) <= 1
                inbox.clear()

    async def test_waits_no_longer_when_the_clock_is_set_back(self, tmp_path: Path) -> None:
        async with Clinic(tmp_path) as clinic:
            clinic.clock.move(timedelta(hours=5))
            clinic.server.refuse("dana@clinic.test", "451 4.7.1 Greylisted", 1)
            await clinic.dana.writes("LATE 15 Sam")
            await clinic.alex.gets("alert")
            clinic.clock.move(timedelta(hours=-5))
            await clinic.settled()
            await clinic.dana.gets("draft")


async def test_hung_smtp_deafens_nobody(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        clinic.server.hang_smtp()
        await answers(clinic, "dana", "NOSHOW Sam")
        await is_owed(clinic, "draft")
        await clinic.server.deliver(MAILBOX, raw("ravi@clinic.test", "LATE 20 Kim"), arrived_at=clinic.clock.now())
        async with asyncio.timeout(10):
            while len(await clinic.store.open_cases()) < 2:
                await asyncio.sleep(0.005)
        clinic.server.resume_smtp()
        await clinic.settled()
        for person in (clinic.dana, clinic.ravi):
            await person.gets("draft")
            await clinic.alex.gets("alert")
