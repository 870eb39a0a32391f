"""A clock that was wrong, for a moment or since the start, silences nothing and deletes nothing."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from tests.conversation import MAILBOX, Clinic
from tests.in_time import happens, missed, on, raw
from workflow.store.tiny.backup import back_up
from workflow.store.tiny.reader import backups

YEARS = timedelta(days=45 * 365)


async def for_a_moment(clinic: Clinic, ahead: timedelta) -> None:
    """The clock shows this, and the right time again."""
    clinic.clock.jump(ahead)
    await clinic.settled()
    clinic.clock.jump(-ahead)
    await clinic.settled()


async def read_all(clinic: Clinic) -> None:
    await clinic.settled()
    await clinic.collect()
    for person in clinic.people.values():
        person.inbox.clear()


def copies(clinic: Clinic) -> list[str]:
    return [copy.name for copy in backups(clinic.folder / "state")]


class TestWhatItNotedSilencesNothing:
    async def test_the_digest_comes_on_the_next_morning(self, tmp_path: Path) -> None:
        async with Clinic(tmp_path, digest="08:30") as clinic:
            await missed(clinic)
            await for_a_moment(clinic, YEARS)
            await read_all(clinic)
            await clinic.until(on("2026-11-06", "08:29"))
            await read_all(clinic)
            await clinic.until(on("2026-11-06", "08:30"))
            assert "jumped by more than a day" in (await clinic.alex.gets("digest")).text
            await read_all(clinic)

    async def test_the_month_is_told_on_the_next_first(self, tmp_path: Path) -> None:
        async with Clinic(tmp_path, month=True) as clinic:
            case = await missed(clinic)
            await clinic.dana.writes(f"[{case}] UNREACHABLE")
            await for_a_moment(clinic, YEARS)
            await read_all(clinic)
            await clinic.until(on("2026-12-01", "07:59"))
            await clinic.nothing_else()
            await clinic.until(on("2026-12-01", "08:00"))
            await clinic.alex.gets("month")

    @pytest.mark.slow
    async def test_nor_does_an_address_that_was_refused_then(self, tmp_path: Path) -> None:
        async with Clinic(tmp_path) as clinic:
            case = await missed(clinic)
            clinic.server.refuse("dana@clinic.test", "550 5.1.1 No such user")
            await for_a_moment(clinic, YEARS)
            assert (await clinic.only_case()).returned_at is not None
            await read_all(clinic)
            await clinic.until(on("2026-11-06", "08:00"))
            assert (await clinic.alex.gets("reminder")).case == case

    @pytest.mark.slow
    @pytest.mark.parametrize("down", [False, True], ids=["while the daemon runs", "while it is down"])
    async def test_nor_do_answers_that_it_counted(self, tmp_path: Path, down: bool) -> None:
        async with Clinic(tmp_path, digest="08:30") as clinic:
            clinic.clock.jump(YEARS)
            for _ in range(11):
                await clinic.dana.writes("STATUS")
            await read_all(clinic)
            if down:
                await clinic.stops()
            clinic.clock.jump(-YEARS)
            if down:
                await clinic.starts()
            await clinic.dana.writes("STATUS")
            await clinic.dana.gets("status")
            for _ in range(10):
                await clinic.dana.writes("STATUS")
            assert [letter.kind for letter in clinic.dana.inbox] == []
            for _ in range(9):
                await clinic.dana.gets("status")
            await clinic.alex.gets("notice")  # of this day's cap, not of that one's

    @pytest.mark.slow
    async def test_nor_questions_about_a_case(self, tmp_path: Path) -> None:
        async with Clinic(tmp_path) as clinic:
            case = await missed(clinic)
            clinic.clock.jump(timedelta(hours=20))
            for text in ("perhaps", "who knows", "maybe later"):
                await clinic.dana.writes(f"[{case}] {text}")
            clinic.clock.jump(-timedelta(hours=20))
            await read_all(clinic)
            await clinic.dana.writes(f"[{case}] hard to say")
            await clinic.dana.gets("ask")
            await clinic.alex.gets("update")

    @pytest.mark.slow
    async def test_a_case_that_was_closed_then_is_told_of_once(self, tmp_path: Path) -> None:
        async with Clinic(tmp_path, digest="08:30") as clinic:
            case = await missed(clinic)
            clinic.clock.jump(YEARS)
            await clinic.dana.writes(f"[{case}] UNREACHABLE")
            clinic.clock.jump(-YEARS)
            await read_all(clinic)
            await clinic.until(on("2026-11-06", "08:30"))
            assert f"[{case}]" in (await clinic.alex.gets("digest")).text
            await clinic.until(on("2026-11-07", "08:31"))
            assert not [letter for letter in clinic.alex.inbox if case in letter.text]
            await read_all(clinic)


class TestNothingIsDeletedByIt:
    @pytest.mark.slow
    async def test_neither_cases_names_and_keys_nor_backups_within_a_day(self, tmp_path: Path) -> None:
        async with Clinic(tmp_path, digest="08:30") as clinic:
            state = clinic.folder / "state"
            case = await missed(clinic)
            await clinic.dana.writes(f"[{case}] UNREACHABLE")
            await clinic.dana.writes("STATUS")
            await read_all(clinic)
            await happens(lambda: bool(copies(clinic)))
            for day in range(1, 7):
                back_up(state, f"2026-10-2{day}")
            keys = dict(clinic.store.desk.keys)
            clinic.clock.jump(timedelta(days=401))
            await clinic.settled()
            await happens(lambda: len(copies(clinic)) == 8)  # that night's was made, and pushed out none
            await clinic.dana.writes("STATUS")
            clinic.clock.move(timedelta(hours=23))
            await clinic.settled()
            found = await clinic.store.case(case)
            assert found is not None
            assert found.client == "Sam"
            assert keys.items() <= clinic.store.desk.keys.items()
            assert len(copies(clinic)) >= 8
            clinic.clock.move(timedelta(hours=3))
            await read_all(clinic)

    @pytest.mark.slow
    async def test_tonights_backup_stays_beside_those_of_days_to_come(self, tmp_path: Path) -> None:
        async with Clinic(tmp_path) as clinic:
            await happens(lambda: copies(clinic) == ["2026-11-05"])
            for day in range(1, 8):
                back_up(clinic.folder / "state", f"2027-12-0{day}", keep_all=True)
            clinic.clock.move_to(on("2026-11-06", "03:01"))
            await happens(lambda: "2026-11-06" in copies(clinic))
            await clinic.settled()
            assert "2026-11-06" in copies(clinic)

    @pytest.mark.slow
    @pytest.mark.parametrize(
        ("off", "waits"), [(timedelta(days=401), True), (timedelta(days=-401), True), (timedelta(hours=20), False)]
    )
    async def test_a_start_at_another_time_is_as_bad(self, tmp_path: Path, off: timedelta, waits: bool) -> None:
        async with Clinic(tmp_path, digest="08:30", more='[privacy]\nkeep_names = "1h"\n') as clinic:
            await clinic.stops()
            clinic.clock.jump(off)
            await clinic.starts()
            await happens(lambda: clinic.service.upkeep._copied != "")
            assert bool(clinic.store.desk.marks.get("jumped")) is waits
            await read_all(clinic)


class TestADateLongAgo:
    @pytest.mark.slow
    @pytest.mark.parametrize("line", ["NOSHOW Sam", "LATE 15 Sam", "WAITING Sam"])
    async def test_is_an_old_report_and_admin_can_report_it_all_the_same(self, tmp_path: Path, line: str) -> None:
        async with Clinic(tmp_path) as clinic:
            await clinic.dana.writes(line, Date="Tue, 04 Nov 2025 14:00:00 -0500")
            notice = await clinic.alex.gets("notice")
            assert "written too long ago" in notice.text
            await clinic.alex.taps(notice, f"{line} FOR Dana Lee")
            await clinic.dana.gets("draft")
            await read_all(clinic)

    @pytest.mark.slow
    async def test_of_yesterday_evening_is_not(self, tmp_path: Path) -> None:
        async with Clinic(tmp_path) as clinic:
            await clinic.dana.writes("NOSHOW Sam", Date="Wed, 04 Nov 2026 15:00:00 -0500")
            assert "Written" in (await clinic.dana.gets("draft")).first_line
            await clinic.alex.gets("alert")

    @pytest.mark.slow
    @pytest.mark.parametrize(
        "date",
        ["Wed, 04 Nov 2026 09:00:00", "Thu, 01 Jan 1970 00:00:00 +0000", "Fri, 05 Nov 2071 14:00:00 -0500", "soon"],
    )
    async def test_a_date_that_claims_nothing_delays_nothing(self, tmp_path: Path, date: str) -> None:
        async with Clinic(tmp_path) as clinic:
            mail = f"Date: {date}\r\n".encode() + raw("dana@clinic.test", "NOSHOW Sam")
            await clinic.server.deliver(MAILBOX, mail, arrived_at=clinic.clock.now())
            await clinic.settled()
            assert "Written" not in (await clinic.dana.gets("draft")).text
            await clinic.alex.gets("alert")
