"""Reports that stay apart: nameless ones, another day's, those of days that cannot be. Section 3, "Reports"."""

from __future__ import annotations

from pathlib import Path

from tests.conversation import Clinic
from tests.conversations.steps import case_of, come, on, opens
from tests.rows import each
from workflow.core.language.plain import fold


async def test_three_sessions_without_a_client_are_three_cases(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        drafts = [await opens(clinic, f"LATE 20 my {at}pm") for at in (2, 3, 4)]
        assert [(await case_of(clinic, draft)).session_at for draft in drafts] == [
            on(5, f"{at}:00") for at in (14, 15, 16)
        ]
        await clinic.dana.writes("LATE 25 my 3pm")  # the same time is the same session
        assert (await come(clinic, dana="draft", alex="alert"))["dana"].case == drafts[1].case
        await clinic.dana.writes("LATE 25 Kim AT 3pm")
        got = await come(clinic, dana="draft", alex="alert")
        assert (got["dana"].case, got["alex"].facts["client"]) == (drafts[1].case, "Kim")
        await opens(clinic, "LATE 10 Jo")  # of two without a client, nobody knows which is hers
        await opens(clinic, "LATE 10 Noor AT 5pm")


async def test_a_time_alone_tells_sessions_apart(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        first = await opens(clinic, "LATE 20 2pm")
        second = await opens(clinic, "LATE 20 AT 3")
        await opens(clinic, "LATE 15 Sam 4pm")
        await opens(clinic, "LATE 10 5pm")
        await clinic.dana.writes("LATE 40 2pm")
        assert (await come(clinic, dana="draft", alex="alert"))["dana"].case == first.case
        await clinic.dana.replies(second, "LATE 40")
        assert (await come(clinic, dana="draft", alex="alert"))["dana"].case == second.case


async def test_a_name_fills_no_case_of_another_time_or_day(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        await opens(clinic, "LATE 20 my 2pm, texted")
        await opens(clinic, "LATE 20 Sam AT 4pm, texted")
    async with Clinic(tmp_path / "noshow") as clinic:
        await clinic.dana.taps(await opens(clinic, "NOSHOW"), "SENT")
        await come(clinic, dana="receipt", alex="update")
        await opens(clinic, "LATE 15 Sam, texted")
    async with Clinic(tmp_path / "later") as clinic:
        await opens(clinic, "LATE 20 my 2pm, texted")
        await clinic.until(on(5, "17:30"))
        await clinic.dana.gets("reminder")
        await opens(clinic, "LATE 20 Sam")


async def test_minutes_alone_mean_the_only_late_case(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        await opens(clinic, "NOSHOW Ann AT 1pm, texted")
        sam = await opens(clinic, "LATE 10 Sam, texted")
        await clinic.dana.writes("LATE 20")
        assert (await come(clinic, dana="draft", alex="alert"))["dana"].case == sam.case
        kim = await opens(clinic, "LATE 10 Kim AT 4pm, texted")
        await clinic.dana.writes("LATE 25")
        ask = (await come(clinic, dana="ask"))["dana"]
        assert ask.taps == [f"[{sam.case}] LATE 25", f"[{kim.case}] LATE 25", "LATE 25"]


async def test_yesterdays_thread_opens_todays_case(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        yesterday = await opens(clinic, "LATE 10 Sam, texted")
        await clinic.until(on(6, "13:50"))
        await clinic.dana.gets("reminder")
        await clinic.dana.gets("reminder")
        await clinic.dana.replies(yesterday, "Late 10 Sam AT 2pm")
        today = (await come(clinic, dana="draft", alex="alert"))["dana"]
        assert today.case != yesterday.case
        assert f"[{yesterday.case}]" in today.text
        await clinic.dana.replies(yesterday, "LATE 20")  # of which session?
        ask = (await come(clinic, dana="ask", alex="update"))["dana"]
        assert ask.taps[0] == "LATE 20 Sam"
        await clinic.dana.taps(ask, "LATE 20 Sam")
        assert (await come(clinic, dana="draft", alex="alert"))["dana"].case == today.case
        await clinic.dana.taps(today, "CONNECTED")
        await come(clinic, dana="receipt", alex="update")
        await clinic.dana.replies(today, "LATE 20")
        ask = (await come(clinic, dana="ask", alex="update"))["dana"]
        assert ask.taps[0] == "LATE 20 Sam"


async def test_a_name_in_front_is_offered_both_readings(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        for line in ("Eli 10 min late", "Eli is 10 min late", "Eli running 10 late"):
            await clinic.dana.writes(line)
            got = await come(clinic, dana="help", alex="notice")
            assert sorted(got["dana"].taps) == ["LATE 10 Eli", "WAITING Eli"]
            assert sorted(got["alex"].taps) == ["LATE 10 Eli FOR Dana Lee", "WAITING Eli FOR Dana Lee"]
        assert not await clinic.store.open_cases()


@each(
    ("line", "reading"),
    [
        ("I missed my session with Eli at 9am", "NOSHOW Eli AT 09:00"),
        ("Sorry, I forgot my 1pm with Eli", "NOSHOW Eli AT 13:00"),
        ("Running behind 15 min for Eli", "LATE 15 Eli"),
        ("En retard de 15 minutes pour Sam", "LATE 15 Sam"),
        ("My train is delayed, 20 min for Eli", "LATE 20 Eli"),
    ],
)
async def test_who_writes_of_themselves_is_asked(tmp_path: Path, line: str, reading: str) -> None:
    async with Clinic(tmp_path / fold(line)) as clinic:
        await clinic.dana.writes(line)
        got = await come(clinic, dana="help", alex="notice")
        assert got["dana"].taps == [reading]
        assert got["alex"].tap(f"{reading} FOR Dana Lee")
        await clinic.dana.taps(got["dana"], reading)
        await come(clinic, dana="draft", alex="alert")


@each("line", ["Eli missed the session at 9am", "I missed your call", "The courier is delayed", "Sam forgot her keys"])
async def test_what_others_missed_is_the_desks(tmp_path: Path, line: str) -> None:
    async with Clinic(tmp_path / fold(line)) as clinic:
        await clinic.dana.writes(line)
        await come(clinic)


@each(
    ("line", "session"),
    [
        ("LATE 10 Sam AT 2:30", "14:30"),
        ("LATE 10 Sam AT 3", "15:00"),
        ("LATE 10 Sam AT 9", "21:00"),
        ("LATE 40 Sam AT 1", "13:00"),
        ("NOSHOW Sam AT 9", "09:00"),
        ("NOSHOW Sam this morning at 9", "09:00"),
        ("WAITING Sam AT 1:45", "13:45"),
        ("LATE 10 Sam tonight 7pm", "19:00"),
        ("LATE 10 Sam Thursday 3pm", "15:00"),  # today
    ],
)
async def test_an_hour_is_the_nearest_that_the_tag_allows(tmp_path: Path, line: str, session: str) -> None:
    async with Clinic(tmp_path / fold(line)) as clinic:
        assert (await case_of(clinic, await opens(clinic, line))).session_at == on(5, session)


async def test_a_late_that_must_be_over_is_asked_about(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        await clinic.dana.writes("LATE 15 Sam AT 8am")
        got = await come(clinic, dana="draft", alex="alert")
        assert got["dana"].first_line.startswith("Did you mean NOSHOW at 8:00 am?")
        assert got["dana"].taps[0] == f"[{got['dana'].case}] NOSHOW Sam AT 08:00"
        for letter in got.values():
            assert "the session of 8:00 am must be over" in letter.text
        assert got["alex"].facts["session_at"] is None
        await clinic.dana.taps(got["dana"], "NOSHOW Sam AT 08:00")
        again = await come(clinic, dana="draft", alex="alert")
        assert again["alex"].case == got["alex"].case
        assert again["alex"].facts["session_at"] == "2026-11-05T08:00:00-05:00"


@each(
    "line",
    [
        "LATE 15 Sam tomorrow",
        "LATE Kim Friday 2pm",
        "WAITING Jo on Mon",
        "LATE 5 Sam Dec 3",
        "NOSHOW Sam tomorrow",
        "LATE 15 tomorrow Sam",
        "LATE 15 for tomorrow's Sam",
        "LATE 15 Nov 12",
        "LATE 15 for Sam's session tomorrow",
    ],
)
async def test_a_day_to_come_opens_nothing(tmp_path: Path, line: str) -> None:
    async with Clinic(tmp_path / fold(line)) as clinic:
        await clinic.dana.writes(line)
        got = await come(clinic, dana="help", alex="notice")
        assert "Report it on the day" in got["dana"].first_line
        assert line in got["alex"].text
        assert not await clinic.store.open_cases()


async def test_nobody_is_waited_for_before_their_time(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        for line in ("WAITING Sam AT 3pm", "CLIENT LATE Kim AT 2:30"):
            await clinic.dana.writes(line)
            assert "once they are late" in (await come(clinic, dana="help"))["dana"].first_line
        assert not await clinic.store.open_cases()


@each(
    ("line", "said", "session"),
    [
        ("NOSHOW Sam Monday", "on Monday", None),
        ("NOSHOW Sam on Tue 2pm", "on Tuesday", on(3, "14:00")),
        ("NOSHOW Sam Nov 4", "yesterday", None),
        ("NOSHOW Sam last Friday AT 9", "on Friday", None),
        ("NOSHOW Sam Oct 30 AT 2", "on Friday", None),
        ("NOSHOW Sam on the 22nd of October", "on Thu 22 Oct", None),
        ("NOSHOW Sam Wed AT 2", "yesterday", on(4, "14:00")),
    ],
)
async def test_a_missed_session_of_another_day_is_the_last_one_past(
    tmp_path: Path, line: str, said: str, session: object
) -> None:
    async with Clinic(tmp_path / fold(line)) as clinic:
        draft = await opens(clinic, line)
        assert f"I missed our appointment time {said}." in draft.text
        assert 'change "today"' not in draft.text
        if session is not None:
            assert (await case_of(clinic, draft)).session_at == session


async def test_months_are_clients_too(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        for line, client in (("LATE 15 May", "May"), ("LATE 10 Jan", "Jan"), ("NOSHOW April", "April")):
            assert (await case_of(clinic, await opens(clinic, line))).client == client


async def test_each_line_of_a_mail_is_a_report(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        await clinic.dana.writes(
            "", "LATE 20 Sam AT 2pm\nLATE 20 Kim AT 3pm, texted\nThe bridge is closed.\nNOSHOW Jo AT 1pm"
        )
        await come(clinic, dana="draft draft draft", alex="alert alert alert")
        cases = {case.client: case for case in (await clinic.store.open_cases()).open}
        assert {name: case.kind.value for name, case in cases.items()} == {"Sam": "late", "Kim": "late", "Jo": "noshow"}
        assert [cases[name].session_at for name in ("Sam", "Kim", "Jo")] == [
            on(5, "14:00"),
            on(5, "15:00"),
            on(5, "13:00"),
        ]
        assert cases["Sam"].notes == ("The bridge is closed.",)
        assert cases["Kim"].sent_at is not None
        assert len({mail.key for case in cases.values() for mail in case.mails}) == 3
        await clinic.dana.writes(f"[{cases['Sam'].id}] SENT")
        await come(clinic, dana="receipt", alex="update")
        await clinic.dana.writes("LATE 20 Sam AT 2pm", "LATE 30 Kim AT 3pm")  # the same again, and a new estimate
        got = await come(clinic, dana="draft receipt", alex="alert")
        assert got["alex"].case == cases["Kim"].id
        assert len(await clinic.store.open_cases()) == 3


async def test_each_draft_lists_the_cases_of_the_lines_before(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        await clinic.alex.writes("", "LATE 15 Sam FOR Dana\nLATE 20 Eli FOR Ravi\nLATE 20 Kim FOR Dana")
        drafts = {draft.case: draft.text for draft in [await clinic.dana.gets("draft") for _ in range(2)]}
        await come(clinic, ravi="draft", alex="alert alert alert")
        cases = {case.client: case.id for case in (await clinic.store.open_cases()).open}
        assert cases["Sam"] in drafts[cases["Kim"]]
        assert cases["Eli"] not in drafts[cases["Kim"]], "it is Ravi's"


async def test_sessions_without_a_client_in_one_mail(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        await clinic.dana.writes("LATE 20 my 2pm", "LATE 20 my 3pm\nLATE 20 my 4pm")
        await come(clinic, dana="draft draft draft", alex="alert alert alert")
        times = {case.session_at for case in (await clinic.store.open_cases()).open}
        assert times == {on(5, f"{at}:00") for at in (14, 15, 16)}


async def test_admin_reports_for_several_in_one_mail(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        await clinic.alex.writes("", "LATE 15 Sam FOR Dana\nLATE 20 Kim FOR Ravi")
        await come(clinic, dana="draft", ravi="draft", alex="alert alert")
        await clinic.alex.writes("", "LATE 15 Jo FOR Dana\nLATE 20 Noor")  # for whom is the second?
        got = await come(clinic, dana="draft", alex="alert ask")
        assert got["alex"].tap("LATE 20 Noor FOR Ravi Patel")


async def test_a_ninth_report_is_told(tmp_path: Path) -> None:
    clients = ["Ann", "Ben", "Cleo", "Dev", "Eli", "Fay", "Gus", "Hana", "Ida"]
    async with Clinic(tmp_path) as clinic:
        await clinic.dana.writes("", "\n".join(f"LATE 10 {client}" for client in clients))
        got = await come(clinic, dana=" ".join(["draft"] * 8) + " help", alex=" ".join(["alert"] * 8) + " notice")
        assert got["dana"].tap("LATE 10 Ida")
        assert got["alex"].tap("LATE 10 Ida FOR Dana Lee")


@each(
    ("line", "client", "short", "tap"),
    [
        ("LATE 40 Sam, Kim", "Sam", "K.", "LATE 40 Kim"),
        ("LATE 10 Ana and LATE 10 Ben", "Ana", "B.", "LATE 10 Ben"),
        ("NOSHOW Sam AT 1pm, NOSHOW Kim AT 12:15", "Sam", "K.", "NOSHOW Kim AT 12:15"),
    ],
)
async def test_another_client_in_the_line_is_one_tap(
    tmp_path: Path, line: str, client: str, short: str, tap: str
) -> None:
    async with Clinic(tmp_path / fold(line)) as clinic:
        draft = await opens(clinic, line)
        assert (await case_of(clinic, draft)).client == client
        assert f"{short} has no message yet" in draft.text
        await clinic.dana.writes(line)  # nothing new about the first
        receipt = (await come(clinic, dana="receipt"))["dana"]
        assert f"{short} has no message yet" in receipt.text
        await clinic.dana.taps(receipt, tap)
        await come(clinic, dana="draft", alex="alert")


async def test_a_signature_is_no_other_client(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        assert "no message yet" not in (await opens(clinic, "LATE 40 Sam, Dana")).text
