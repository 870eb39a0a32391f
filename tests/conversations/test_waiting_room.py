"""The client is late: nobody is alerted, the message for stepping away comes in time, and the case ends by itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conversation import Clinic
from tests.conversations.steps import case_of, come, on, opens

STEPAWAY = (
    "Hi Sam - I'm going to step away from the screen/office for now since it's been 20 minutes past our start time."
)


async def test_stepping_away_twenty_minutes_after_the_start(tmp_path: Path) -> None:
    async with Clinic(tmp_path, at=on(5, "14:12")) as clinic:
        draft = await opens(clinic, "WAITING Sam AT 2pm")
        await clinic.until(on(5, "14:19"))
        await clinic.nothing_else()
        await clinic.until(on(5, "14:20"))
        stepaway = (await come(clinic, dana="stepaway"))["dana"]
        assert any(line.startswith(STEPAWAY) for line in stepaway.text.split("\n"))
        assert stepaway.message["References"].split()[0] == draft.id
        await clinic.until(on(5, "14:55"))
        question = (await come(clinic, dana="reminder"))["dana"]
        await clinic.until(on(6, "08:00"))
        await clinic.nothing_else()  # it closed by itself
        closed = await case_of(clinic, draft)
        assert (closed.outcome, closed.outcome_note) == ("other", "no answer")
        await clinic.dana.taps(question, "ABSENT")  # later is not too late
        assert (await come(clinic, dana="receipt", alex="update"))["alex"].facts["outcome"] == "absent"


async def test_without_a_time_ten_minutes_after_the_report_and_at_once_when_it_is_past(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        await opens(clinic, "WAITING Sam")
        await clinic.minute_by_minute(10)
        await come(clinic, dana="stepaway")
        await clinic.dana.writes("WAITING Kim AT 1:30 pm")
        await come(clinic, dana="draft stepaway")


async def test_who_was_messaged_is_offered_the_way_out_all_the_same(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        draft = await opens(clinic, "WAITING Sam")
        clinic.server.refuse("dana@clinic.test", "451 4.3.0 later")
        await clinic.minute_by_minute(10)  # it is owed, and does not go
        await clinic.dana.writes(f"[{draft.case}] SENT")
        clinic.server.accept("dana@clinic.test")
        await clinic.minute_by_minute(1)
        await come(clinic, dana="stepaway receipt")


async def test_a_newer_one_takes_its_place_when_the_report_changes(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        draft = await opens(clinic, "WAITING Sam")
        clinic.server.refuse("dana@clinic.test", "451 4.3.0 later")
        await clinic.minute_by_minute(10)
        await clinic.dana.writes(f"[{draft.case}] CLIENT Kim")
        clinic.server.accept("dana@clinic.test")
        await clinic.minute_by_minute(1)
        stepaway = (await come(clinic, dana="draft receipt stepaway"))["dana"]
        assert "\nHi Kim - I'm going to step away" in stepaway.text
        await clinic.dana.writes(f"[{draft.case}] CLIENT Kim Roy")
        await come(clinic, dana="draft receipt")  # that one has gone


async def test_the_client_came_and_admin_never_hears_of_it(tmp_path: Path) -> None:
    async with Clinic(tmp_path, lead=True) as clinic:
        draft = await opens(clinic, "WAITING Sam AT 2pm")
        await clinic.dana.replies(draft, "texted her")
        await come(clinic, dana="receipt")
        await clinic.dana.replies(draft, "She is on her way, ten minutes")
        await come(clinic, dana="ask")
        await clinic.minute_by_minute(12)
        await clinic.dana.replies(draft, "here")
        await come(clinic, dana="receipt")
        await clinic.dana.replies(draft, "UNDO")
        await come(clinic, dana="receipt")
        await clinic.dana.replies(draft, "MISTAKE")
        await come(clinic, dana="receipt")
        await clinic.minute_by_minute(24 * 60)


async def test_absent_is_told_and_taken_back_is_told(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        draft = await opens(clinic, "WAITING Sam AT 1:45 pm")
        await clinic.dana.replies(draft, "no show")
        update = (await come(clinic, dana="receipt", alex="update"))["alex"]
        assert update.facts["outcome"] == "absent"
        assert "No Show is right" in update.text
        await clinic.dana.replies(draft, "came, 25 minutes late")  # so it was not right after all
        assert (await come(clinic, dana="receipt", alex="update"))["alex"].facts["outcome"] == "arrived"
        await clinic.dana.writes("WAITING Kim")
        kim = (await come(clinic, dana="draft"))["dana"]
        await clinic.dana.replies(kim, "NOSHOW Kim")  # the client, who is waited for; not Dana
        assert (await come(clinic, dana="receipt", alex="update"))["alex"].facts["outcome"] == "absent"
        assert (await case_of(clinic, kim)).kind == "waiting"


@pytest.mark.parametrize(
    "line", ["NOSHOW Sam", "missed sam peters", "No-show Sam Peters, flu", "NOSHOW Sam AT 1:30 pm"]
)
async def test_a_new_report_of_a_client_who_is_waited_for_may_mean_either(tmp_path: Path, line: str) -> None:
    async with Clinic(tmp_path) as clinic:
        client = "Sam Peters" if "eters" in line else "Sam"
        await clinic.dana.writes(f"WAITING {client} AT 1:30 pm")
        draft = (await come(clinic, dana="draft stepaway"))["dana"]
        await clinic.dana.writes(line)
        ask = (await come(clinic, dana="ask"))["dana"]
        assert (await clinic.only_case()).outcome is None
        await clinic.dana.writes(next(tap for tap in ask.taps if tap.upper().startswith("NOSHOW")))
        got = await come(clinic, dana="draft", alex="alert")
        assert got["alex"].facts["kind"] == "noshow"
        await clinic.dana.taps(ask, "ABSENT")
        await come(clinic, dana="receipt", alex="update")
        assert (await case_of(clinic, draft)).outcome == "absent"


async def test_admin_who_reports_a_client_who_is_waited_for_is_asked_too(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        await opens(clinic, "WAITING Sam")
        await clinic.alex.writes("NOSHOW Sam FOR Dana")
        ask = (await come(clinic, alex="ask"))["alex"]
        await clinic.alex.taps(ask, "MISTAKE")
        await come(clinic, alex="receipt", dana="update")
        await clinic.alex.writes("NOSHOW Sam FOR Dana")
        await come(clinic, dana="draft", alex="alert")


async def test_a_reason_in_a_mail_of_its_own_is_no_client_either(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        await opens(clinic, "WAITING Sam")
        for line in ("no show - flu", "NOSHOW covid", "missed, stomach bug"):
            await clinic.dana.writes(line)
            assert (await come(clinic, dana="ask"))["dana"].tap("ABSENT")
        await clinic.only_case()


ABSENCES = {
    "no show - flu": "flu",
    "no show: flu": "flu",
    "NOSHOW covid": "covid",
    "missed, stomach bug": "stomach bug",
    "no-show (migraine again)": "migraine again",
    "client no show - flu": "flu",
    "client noshow, dana": "dana",
    "didn't come - flu": "flu",
    "no show, Dana": "Dana",
    "no show - Dana Lee": "Dana Lee",
    "NOSHOW Sam - flu": "flu",
    "no show Sam": None,
    "no show Sam Peters": None,
    "no show - flu, makeup": "flu, makeup",
}


@pytest.mark.slow
async def test_behind_no_show_stands_a_reason_or_who_signs_but_no_client(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        for line, note in ABSENCES.items():
            draft = await opens(clinic, "WAITING Sam Peters")
            await clinic.dana.replies(draft, line)
            await come(clinic, dana="receipt", alex="update")
            case = await case_of(clinic, draft)
            assert (case.outcome, case.outcome_note) == ("absent", note), line
            await clinic.passes(hours=24)


async def test_admin_signs_too_and_after_closing_it_is_no_report_either(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        draft = await opens(clinic, "WAITING Sam")
        await clinic.alex.writes(f"[{draft.case}] no show - Alex")
        await come(clinic, dana="update", alex="receipt")
        await clinic.dana.replies(draft, "no show - flu")
        await come(clinic, dana="receipt", alex="update")
        assert (await case_of(clinic, draft)).outcome_note == "flu"


DOUBTS = [
    *("NOSHOW Kim", "no show - Kim", "client no show Kim", "missed Kim Roy, flu", "NOSHOW2pm Kim", '"NOSHOW Kim"'),
    *("no show yet", "client no show yet", "no show - flu?", "no show - flu, will rebook", "NOSHOW Sam, rescheduled"),
]


@pytest.mark.slow
async def test_another_name_and_every_doubt_are_asked_back(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        for line in DOUBTS:
            draft = await opens(clinic, "WAITING Sam")
            await clinic.dana.replies(draft, line)
            ask = (await come(clinic, dana="ask"))["dana"]
            assert (await clinic.only_case()).id == draft.case, line
            await clinic.dana.taps(ask, "ABSENT")
            await come(clinic, dana="receipt", alex="update")
            await clinic.passes(hours=24)


async def test_no_show_for_another_associate_is_a_report_as_before(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        draft = await opens(clinic, "WAITING Sam")
        await clinic.alex.writes(f"[{draft.case}] NOSHOW Sam FOR Ravi")
        await come(clinic, alex="ask")
        assert (await clinic.only_case()).id == draft.case


async def test_in_the_evening_it_is_still_asked_once(tmp_path: Path) -> None:
    async with Clinic(tmp_path, at=on(5, "21:40")) as clinic:
        await opens(clinic, "WAITING Sam AT 9:30 pm, texted")
        await clinic.until(on(6, "07:59"))
        await come(clinic, dana="stepaway reminder")
        await clinic.until(on(6, "12:00"))
        assert not await clinic.store.open_cases()


async def test_reported_again_it_moves_and_admin_may_answer(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        draft = await opens(clinic, "WAITING Sam")
        await clinic.dana.writes("WAITING Sam AT 1:55 pm")
        await come(clinic, dana="draft")
        await clinic.minute_by_minute(15)
        await come(clinic, dana="stepaway")
        await clinic.alex.writes(f"[{draft.case}] I saw her in the hall")
        await come(clinic, alex="receipt", dana="update")
        await clinic.alex.writes(f"[{draft.case}] ARRIVED")
        await come(clinic, alex="receipt", dana="update")


async def test_said_after_closing_it_corrects_a_missed_session_that_was_none(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        draft = await opens(clinic, "NOSHOW Sam")
        await clinic.dana.taps(draft, "UNREACHABLE")
        receipt = (await come(clinic, dana="receipt", alex="update"))["dana"]
        await clinic.dana.taps(receipt, "WAITING")
        told = (await come(clinic, dana="receipt", alex="update"))["alex"]
        assert told.facts["kind"] == "waiting"
        assert told.facts["outcome"] == "unreachable"
