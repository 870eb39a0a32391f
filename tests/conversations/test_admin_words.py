"""What admin and the lead answer, and who else reads it: the last rows of section 3's table."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conversation import Clinic, Received
from tests.conversations.steps import come

BOTH = ("alex", "pat")


async def missed(clinic: Clinic) -> dict[str, Received]:
    await clinic.dana.writes("NOSHOW Sam")
    return await come(clinic, dana="draft", alex="alert", pat="alert")


async def test_contacted_stops_escalations_and_the_associate_still_owns_the_answer(tmp_path: Path) -> None:
    async with Clinic(tmp_path, admins=BOTH, lead=True) as clinic:
        got = await missed(clinic)
        await clinic.minute_by_minute(3)
        await clinic.alex.taps(got["alex"], "CONTACTED")
        got = await come(clinic, alex="receipt", pat="update", dana="update")
        assert "you still own the response" in got["dana"].first_line
        assert got["pat"].facts["contacted_at"] == "2026-11-05T14:03:00-05:00"
        await clinic.minute_by_minute(30)
        await come(clinic, dana="reminder reminder reminder")  # and no escalation, to nobody
        await clinic.alex.replies(got["alex"], "CONTACTED")
        await come(clinic, alex="receipt")
        await clinic.pat.replies(got["pat"], "CONTACTED, she is angry")
        assert "she is angry" in (await come(clinic, pat="receipt", alex="update", dana="update"))["dana"].text


@pytest.mark.parametrize("escalated", [False, True])
async def test_a_new_estimate_is_to_be_told_anew(tmp_path: Path, escalated: bool) -> None:
    async with Clinic(tmp_path) as clinic:
        await clinic.dana.writes("LATE 15 Sam")
        alert = (await come(clinic, dana="draft", alex="alert"))["alex"]
        if escalated:
            await clinic.minute_by_minute(10)
            await come(clinic, dana="reminder", alex="escalation")
        await clinic.alex.taps(alert, "CONTACTED")
        await come(clinic, alex="receipt", dana="update")
        await clinic.dana.replies(alert, "LATE 45")
        got = await come(clinic, dana="draft", alex="alert")
        assert "The clinic has reached the client" not in got["dana"].text
        assert got["alex"].facts["contacted_at"] is not None, "response times count from the first"
        assert got["alex"].tap("CONTACTED")
        await clinic.minute_by_minute(10)
        await come(clinic, dana="reminder", alex="escalation")
        await clinic.dana.replies(got["dana"], "LATE 50")  # nobody has answered: it is escalated already
        await come(clinic, dana="draft", alex="alert")
        await clinic.minute_by_minute(20)
        await come(clinic, dana="reminder")


async def test_an_admin_who_called_has_reached_the_client(tmp_path: Path) -> None:
    async with Clinic(tmp_path, admins=BOTH) as clinic:
        got = await missed(clinic)
        await clinic.pat.replies(got["pat"], "called her, she is fine")
        await come(clinic, pat="receipt", alex="update", dana="update")
        assert (await clinic.only_case()).reached_at is not None
        await clinic.minute_by_minute(6)
        await come(clinic, dana="reminder")  # her own message is still owed
        await clinic.alex.replies(got["alex"], "SENT, she is glad")  # passed on for Dana, who phoned the desk
        got = await come(clinic, alex="receipt", pat="update", dana="update")
        assert got["dana"].first_line == "On record: S. was messaged; you still own the response."
        assert "Alex recorded it for you." in got["dana"].text
        assert "she is glad" in got["dana"].text
        assert got["alex"].first_line == "Recorded: S. was messaged. Dana Lee still owns the response."
        assert got["pat"].first_line == "Read what Alex wrote: S. was messaged after 6 minutes, recorded by Alex."
        await clinic.minute_by_minute(60)  # no reminder
        await clinic.pat.replies(got["pat"], "SENT, and she asks for Dana")  # known before; the note is new
        assert "she asks for Dana" in (await come(clinic, pat="receipt", alex="update", dana="update"))["dana"].text


async def test_an_outcome_closes_for_the_associate_who_is_told(tmp_path: Path) -> None:
    async with Clinic(tmp_path, admins=BOTH) as clinic:
        got = await missed(clinic)
        await clinic.alex.replies(got["alex"], "RESCHEDULED Tue 3pm")
        got = await come(clinic, alex="receipt", pat="update", dana="update")
        assert got["dana"].first_line.startswith("Do not offer a time; an apology from you is still owed")
        got = await missed(clinic)
        await clinic.pat.replies(got["pat"], "CLOSE UNREACHABLE")
        got = await come(clinic, pat="receipt", alex="update", dana="update")
        await clinic.pat.replies(got["pat"], "CLOSE UNREACHABLE")
        await come(clinic, pat="receipt")
        await clinic.alex.replies(got["alex"], "UNDO")
        await come(clinic, alex="receipt", pat="update", dana="update")
        await clinic.alex.replies(got["alex"], "MISTAKE")
        await come(clinic, alex="receipt", pat="update", dana="update")


async def test_any_other_text_is_a_note_for_everybody_else(tmp_path: Path) -> None:
    async with Clinic(tmp_path, admins=BOTH) as clinic:
        alerts = await missed(clinic)
        for text in ("I'll call her", "NOTE she is new, rescheduled before?", "Are you still with the other client?"):
            await clinic.pat.replies(alerts["pat"], text)
            got = await come(clinic, pat="receipt", alex="update", dana="update")
            assert got["alex"].facts["note"] == text.removeprefix("NOTE ")
            assert (await clinic.only_case()).contacted_at is None
        await clinic.pat.replies(alerts["pat"], "ok, thanks")  # nobody can act on that
        await come(clinic)
        for text in ("We rebooked her I think", "Cancelled", "CLOSE"):
            await clinic.minute_by_minute(0.5)
            await clinic.alex.replies(alerts["alex"], text)
            await come(clinic, alex="ask", pat="update", dana="update")
        assert (await clinic.only_case()).open
        await clinic.minute_by_minute(10)
        await come(clinic, dana="reminder reminder", alex="escalation", pat="escalation")
        await clinic.alex.replies(alerts["alex"], "CLIENT")
        await come(clinic, alex="ask")


async def test_admin_changes_the_case_as_the_associate_can(tmp_path: Path) -> None:
    async with Clinic(tmp_path, admins=BOTH) as clinic:
        await clinic.dana.writes("LATE 15")
        got = await come(clinic, dana="draft", alex="alert", pat="alert")
        await clinic.alex.replies(got["alex"], "CLIENT Sam")
        await come(clinic, alex="alert receipt", pat="alert", dana="draft")
        await clinic.alex.replies(got["alex"], "LATE 30")
        await come(clinic, alex="alert", pat="alert", dana="draft")
        await clinic.alex.replies(got["alex"], "WAITING")
        got = await come(clinic, alex="receipt", pat="update", dana="draft")
        assert "the CLIENT is late" in got["alex"].first_line
        assert "Alex wrote this report for you." in got["dana"].text


async def test_both_sides_read_that_admin_may_reach_out_and_who_owns_the_response(tmp_path: Path) -> None:
    async with Clinic(tmp_path, lead=True) as clinic:
        for line in ("LATE 15 Sam", "NOSHOW Kim"):
            await clinic.dana.writes(line)
            got = await come(clinic, dana="draft", alex="alert")
            assert "Admin may also reach out to the client; you still own the response." in got["dana"].text
            assert "Admin may also reach out to the client: then reply CONTACTED." in got["alex"].text
            assert "Dana Lee still owns the response." in got["alex"].text
        await clinic.minute_by_minute(10)
        got = await come(clinic, dana="reminder " * 3, alex="escalation escalation")
        assert "Dana Lee still owns the response." in got["alex"].text
        await clinic.alex.taps(got["alex"], "CONTACTED")
        got = await come(clinic, alex="receipt", dana="update")
        assert "you still own the response" in got["dana"].first_line
        assert "Dana Lee still owns the response" in got["alex"].first_line


async def test_the_lead_speaks_as_admin(tmp_path: Path) -> None:
    async with Clinic(tmp_path, lead=True) as clinic:
        await clinic.dana.writes("NOSHOW Sam")
        await come(clinic, dana="draft", alex="alert")
        await clinic.minute_by_minute(30)
        got = await come(clinic, dana="reminder reminder reminder", alex="escalation", lee="escalation")
        await clinic.lee.replies(got["lee"], "I called, rescheduled Tue")  # an outcome inside: which is it?
        await come(clinic, lee="ask", alex="update", dana="update")
        await clinic.lee.replies(got["lee"], "RESCHEDULED Tue")
        await come(clinic, lee="receipt", alex="update", dana="update")
        await clinic.lee.writes("LATE 15 Kim FOR Ravi")
        await come(clinic, ravi="draft", alex="alert")
        await clinic.lee.writes("STATUS")
        assert "Ravi P." in (await come(clinic, lee="status"))["lee"].text


async def test_one_person_in_both_roles_is_the_associate_of_her_own_cases(tmp_path: Path) -> None:
    async with Clinic(tmp_path, admins=("dana", "alex")) as clinic:
        await clinic.dana.writes("NOSHOW Sam")
        own = (await come(clinic, dana="draft", alex="alert"))["dana"]
        await clinic.ravi.writes("NOSHOW Kim")
        alert = (await come(clinic, ravi="draft", dana="alert", alex="alert"))["dana"]
        await clinic.dana.replies(own, "She is thinking about it")  # no note of admin's: her own answer is unclear
        await come(clinic, dana="ask", alex="update")
        await clinic.dana.replies(alert, "I'll call Kim")
        await come(clinic, dana="receipt", alex="update", ravi="update")
        await clinic.dana.writes("texted")  # her only own case
        await come(clinic, dana="receipt", alex="update")
        await clinic.dana.writes("STATUS")
        assert "Ravi P." in (await come(clinic, dana="status"))["dana"].text
        await clinic.dana.writes("HELP")
        card = (await come(clinic, dana="help"))["dana"].text
        assert all(word in card for word in ("SENT", "MAKEUP", "CONTACTED", "FOR Dana"))
