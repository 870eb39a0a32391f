"""What the associate answers: every row of section 3's table, when a word counts, and second thoughts."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conversation import Clinic
from tests.conversations.steps import case_of, come, on, opens


async def test_sent_stops_the_reminders_and_tells_admin_the_minutes(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        for word in ("SENT", "Called Sam", "done"):
            draft = await opens(clinic, "NOSHOW Sam")
            await clinic.minute_by_minute(4)
            await clinic.dana.replies(draft, word)
            got = await come(clinic, dana="receipt", alex="update")
            assert "after 4 minutes" in got["alex"].first_line
            assert got["alex"].facts["contacted_at"] is not None
            await clinic.minute_by_minute(60)  # no reminder, no escalation
            await clinic.dana.taps(draft, "SENT")
            await come(clinic, dana="receipt")  # had been recorded before
            await clinic.dana.taps(draft, "MISTAKE")
            await come(clinic, dana="receipt", alex="update")


OUTCOMES = {
    "LATE 15 Sam": {
        "here now": "connected",
        "rebooked for Friday": "rescheduled",
        "couldn't reach her": "unreachable",
        "OTHER she had gone home": "other",
    },
    "NOSHOW Sam": {"Resched": "rescheduled", "Unable to reach": "unreachable", "other: she is on holiday": "other"},
    "WAITING Sam": {
        "came": "arrived",
        "didn't come": "absent",
        "NOSHOW": "absent",
        "re-scheduled": "rescheduled",
    },
}


@pytest.mark.slow
async def test_every_outcome_of_every_kind(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        for line, answers in OUTCOMES.items():
            for word, outcome in answers.items():
                await clinic.minute_by_minute(2)  # ten answers in ten minutes would be a loop
                draft = await opens(clinic, line)
                await clinic.dana.replies(draft, word)
                if outcome == "arrived":  # what admin never heard of needs no end for admin
                    await come(clinic, dana="receipt")
                else:
                    assert (await come(clinic, dana="receipt", alex="update"))["alex"].facts["outcome"] == outcome
                assert (await case_of(clinic, draft)).outcome == outcome, word


async def test_no_answer_counts_once_the_client_was_messaged(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        draft = await opens(clinic, "NOSHOW Sam")
        await clinic.dana.replies(draft, "no answer")
        assert (await come(clinic, dana="ask", alex="update"))["dana"].tap("UNREACHABLE")
        await clinic.dana.replies(draft, "called")
        await come(clinic, dana="receipt", alex="update")
        await clinic.dana.replies(draft, "voicemail")
        assert (await come(clinic, dana="receipt", alex="update"))["alex"].facts["outcome"] == "unreachable"


NOTHING_CLOSES = (
    "Not rescheduled yet",
    "rescheduled?",
    "RESCHEDULED or UNREACHABLE",
    "CONNECTED",  # of another kind: this session was missed
    "RESCHEDULED Kim to Thu",
    "She is thinking about it",
)


@pytest.mark.slow
async def test_whatever_could_be_read_in_two_ways_closes_nothing(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        draft = await opens(clinic, "NOSHOW Sam, texted")
        for text in NOTHING_CLOSES:
            await clinic.minute_by_minute(11)  # at most three asks in ten minutes
            await clinic.dana.replies(draft, text)
            got = await come(clinic, dana="ask", alex="update")
            assert got["dana"].tap("RESCHEDULED") == f"[{draft.case}] RESCHEDULED"
            assert got["alex"].facts["note"] == text
        await clinic.minute_by_minute(11)
        await clinic.dana.writes(f"[{draft.case}] RESCHEDULED", "no answer")  # one in the subject, another below
        await come(clinic, dana="ask", alex="update")
        await clinic.dana.replies(draft, "")  # our own words alone
        await come(clinic, dana="ask")
        await clinic.dana.replies(draft, "ok, thanks")  # courtesy bothers no admin
        await come(clinic, dana="ask")
        await clinic.dana.replies(draft, "hm")  # a fourth ask in ten minutes: only kept
        await come(clinic, alex="update")
        assert (await clinic.only_case()).open
        await clinic.dana.replies(draft, "RESCHEDULED")
        await come(clinic, dana="receipt", alex="update")
        await clinic.dana.replies(draft, "Thanks!")  # after closing: silence
        await come(clinic)


async def test_other_wants_a_few_words_and_cancelled_is_asked(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        draft = await opens(clinic, "NOSHOW Sam, texted")
        await clinic.dana.replies(draft, "OTHER")
        await come(clinic, dana="ask")
        await clinic.dana.replies(draft, "Cancelled")
        ask = (await come(clinic, dana="ask", alex="update"))["dana"]
        assert ask.tap("MISTAKE")
        await clinic.dana.taps(ask, "OTHER client cancelled")
        got = await come(clinic, dana="receipt", alex="update")
        assert (got["alex"].facts["outcome"], got["alex"].facts["outcome_note"]) == ("other", "client cancelled")


async def test_makeup_alone_or_after_the_outcome(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        draft = await opens(clinic, "NOSHOW Sam, texted")
        await clinic.dana.replies(draft, "RESCHEDULED Tue 3pm MAKEUP")
        got = await come(clinic, dana="receipt", alex="update")
        assert got["alex"].facts["makeup"] is True
        assert got["alex"].facts["outcome_note"] == "Tue 3pm"
        draft = await opens(clinic, "NOSHOW Kim, texted")
        await clinic.dana.taps(draft, "RESCHEDULED")
        receipt = (await come(clinic, dana="receipt", alex="update"))["dana"]
        await clinic.dana.taps(receipt, "MAKEUP")
        assert (await come(clinic, dana="receipt", alex="update"))["alex"].facts["makeup"] is True


async def test_a_case_becomes_what_it_is(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        draft = await opens(clinic, "LATE 10 Sam")
        await clinic.dana.replies(draft, "texted")
        await come(clinic, dana="receipt", alex="update")
        await clinic.minute_by_minute(4)
        await clinic.dana.replies(draft, "LATE 30")
        got = await come(clinic, dana="draft", alex="alert")
        assert got["alex"].facts["contacted_at"] == "2026-11-05T14:00:00-05:00"  # the first word counts …
        await clinic.minute_by_minute(5)
        await come(clinic, dana="reminder")  # … but the new message has to go, too
        await clinic.dana.replies(got["dana"], "MISSED")
        got = await come(clinic, dana="draft", alex="alert")
        assert got["alex"].facts["kind"] == "noshow"
        assert got["alex"].facts["contacted_at"] is None  # nobody told the client of this yet
        await clinic.dana.taps(got["dana"], "WAITING")  # "no: the client did not come"
        got = await come(clinic, dana="draft", alex="update")
        assert "it was wrong" in got["alex"].first_line
        assert got["alex"].facts["kind"] == "waiting"
        await clinic.dana.replies(got["dana"], "LATE 5")
        await come(clinic, dana="ask")


async def test_a_lateness_whose_hour_is_still_to_come_is_not_missed_yet(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        draft = await opens(clinic, "LATE 15 Sam AT 2:30 pm")
        assert (await clinic.only_case()).expected_at == on(5, "14:45")
        await clinic.dana.replies(draft, "NOSHOW")
        got = await come(clinic, dana="draft", alex="alert")
        assert "still to come" in got["dana"].text
        assert got["alex"].facts["session_at"] is None


async def test_client_names_or_corrects(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        draft = await opens(clinic, "LATE 15")
        await clinic.minute_by_minute(2)
        await clinic.dana.replies(draft, "CLIENT")
        assert (await come(clinic, dana="ask"))["dana"].first_line.startswith("Reply CLIENT and the name")
        await clinic.dana.replies(draft, "CLIENT Sam Peters, her second time")
        got = await come(clinic, dana="draft receipt", alex="alert")
        assert got["alex"].facts["client"] == "Sam P."
        assert got["alex"].facts["reported_at"] == "2026-11-05T14:00:00-05:00"  # a name is no new report
        assert got["alex"].facts["note"] == "her second time"
        await clinic.dana.replies(draft, "CLIENT Sam Peters")
        await come(clinic, dana="receipt")


async def test_undo_takes_back_one_step_until_the_next_morning(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        draft = await opens(clinic, "NOSHOW Sam, texted")
        await clinic.dana.taps(draft, "RESCHEDULED")
        receipt = (await come(clinic, dana="receipt", alex="update"))["dana"]
        await clinic.dana.taps(receipt, "UNDO")
        assert (await come(clinic, dana="receipt", alex="update"))["alex"].facts["state"] == "open"
        await clinic.dana.taps(receipt, "UNDO")  # one step
        assert "Nothing to take back" in (await come(clinic, dana="receipt"))["dana"].first_line
        await clinic.dana.taps(draft, "UNREACHABLE")
        await come(clinic, dana="receipt", alex="update")
        await clinic.until(on(6, "08:00"))
        await clinic.dana.taps(receipt, "UNDO")
        await come(clinic, dana="receipt")
        assert (await case_of(clinic, draft)).outcome == "unreachable"
        late = await opens(clinic, "LATE 40 Kim")
        await clinic.dana.taps(late, "SENT")
        receipt = (await come(clinic, dana="receipt", alex="update"))["dana"]
        await clinic.dana.writes(f"[{late.case}] UNDO")
        await come(clinic, dana="receipt", alex="update")
        assert (await case_of(clinic, late)).contacted_at is None
        await clinic.minute_by_minute(10)
        await come(clinic, dana="reminder", alex="escalation")


async def test_mistake_closes_and_an_answer_after_closing_replaces(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        draft = await opens(clinic, "NOSHOW Sam")
        await clinic.dana.taps(draft, "MISTAKE")
        assert (await come(clinic, dana="receipt", alex="update"))["alex"].facts["state"] == "cancelled"
        await clinic.dana.replies(draft, "RESCHEDULED Tue")  # no error: recorded after all
        assert (await come(clinic, dana="receipt", alex="update"))["alex"].facts["state"] == "closed"
        await clinic.dana.replies(draft, "RESCHEDULED Tue")
        await come(clinic, dana="receipt")
        await clinic.dana.replies(draft, "RESCHEDULED Wed")
        assert (await come(clinic, dana="receipt", alex="update"))["alex"].facts["outcome_note"] == "Wed"
        await clinic.dana.replies(draft, "SENT")  # told later, but told
        assert (await come(clinic, dana="receipt", alex="update"))["alex"].facts["contacted_at"] is not None
        await clinic.dana.replies(draft, "NOSHOW")  # how did it end, then?
        ask = (await come(clinic, dana="ask", alex="update"))["dana"]
        assert ask.tap("UNREACHABLE")
        assert ask.tap("UNDO")


async def test_a_mistake_about_who_missed_is_put_right_after_closing(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        draft = await opens(clinic, "NOSHOW Sam")
        await clinic.dana.taps(draft, "MISTAKE")  # she meant the client
        got = await come(clinic, dana="receipt", alex="update")
        assert "MAKEUP" not in got["dana"].text
        assert "that was a mistake" in got["alex"].text
        await clinic.dana.taps(got["dana"], "WAITING")
        got = await come(clinic, dana="receipt", alex="update")
        assert "the CLIENT is late or did not come, not you" in got["dana"].first_line
        assert "it was wrong" in got["alex"].first_line
        await clinic.dana.taps(got["dana"], "ABSENT")
        assert "No Show is right this time" in (await come(clinic, dana="receipt", alex="update"))["alex"].text


async def test_status_and_help(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        await clinic.dana.writes("STATUS")
        assert "No case is open" in (await come(clinic, dana="status"))["dana"].text
        mine = await opens(clinic, "NOSHOW Sam Peters")
        await clinic.ravi.writes("NOSHOW Kim")
        theirs = (await come(clinic, ravi="draft", alex="alert"))["ravi"]
        await clinic.dana.writes("status?")
        status = (await come(clinic, dana="status"))["dana"]
        assert f"[{mine.case}] Sam P., noshow, missed by Dana L., reported 2:00 pm: CLIENT NOT KNOWN" in status.text
        assert f"begin with its id: {mine.case} SENT" in status.text
        assert f"[{theirs.case}]" not in status.text
        await clinic.alex.writes("Status")
        status = (await come(clinic, alex="status"))["alex"]
        assert f"[{theirs.case}]" in status.text
        assert status.case is None
        await clinic.dana.writes("HELP")
        assert "LATE 15 Sam" in (await come(clinic, dana="help"))["dana"].text
