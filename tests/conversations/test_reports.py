"""Reports: what each form of section 3 opens, what the draft then says, and what a second report does."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from tests.conversation import MAILBOX, Clinic
from tests.conversations.steps import case_of, come, on, opens
from tests.rows import each

LATE_WORDS = {
    "LATE 15 Sam": "Hi Sam - I'm running behind and expect to be about 15 minutes late today.",
    "LATE Kim": "Hi Kim - I'm running behind and expect to be a few minutes late today.",
    "LATE 1 Jo": "Hi Jo - I'm running behind and expect to be about 1 minute late today.",
    "I'll be 15 minutes late for Noor": "Hi Noor - I'm running behind and expect to be about 15 minutes late today.",
    "LATE Will half an hour": "Hi Will - I'm running behind and expect to be about 30 minutes late today.",
    "LATE 10 Mrs Smith": "Hi Mrs Smith - I'm running behind and expect to be about 10 minutes late today.",
    "LATE 10 Ann & Ben": "Hi - I'm running behind and expect to be about 10 minutes late today.",
    "LATE 10 Jones family": "Hi - I'm running behind and expect to be about 10 minutes late today.",
    "LATE 10 S.P.": "Hi - I'm running behind and expect to be about 10 minutes late today.",
}


def holds_line(text: str, begins: str) -> bool:
    return any(line.startswith(begins) for line in text.split("\n"))


async def test_late_opens_with_the_message_for_the_client(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        for line, message in LATE_WORDS.items():
            draft = await opens(clinic, line)
            assert holds_line(draft.text, message), f"{line}: {draft.text}"
        cases = (await clinic.store.open_cases()).values()
        assert [case.client for case in cases if case.client and "&" in case.client] == ["Ann & Ben"]
    async with Clinic(tmp_path / "nobody") as clinic:
        draft = await opens(clinic, "LATE 15")
        assert holds_line(draft.text, "Hi - I'm running behind and expect to be about 15 minutes late today.")
        assert "reply CLIENT and the name" in draft.text


async def test_noshow_says_who_missed_and_when(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        for line in ("NOSHOW Sam", "NO SHOW Kim", "No-show: Jo", "MISSED Noor"):
            draft = await opens(clinic, line)
            assert "YOU missed the session" in draft.first_line
            assert (await case_of(clinic, draft)).kind == "noshow"
        draft = await opens(clinic, "NOSHOW Ann AT 1pm")
        assert (await case_of(clinic, draft)).session_at == on(5, "13:00")
        await clinic.dana.writes("NOSHOW Ben AT 3pm")  # it is two o'clock: nobody has missed that yet
        got = await come(clinic, dana="draft", alex="alert")
        assert "still to come" in got["dana"].text
        assert "still to come" in got["alex"].text
        assert got["alex"].facts["session_at"] is None


async def test_noshow_yesterday_and_before_noon(tmp_path: Path) -> None:
    async with Clinic(tmp_path, at=on(6, "09:10")) as clinic:
        await clinic.dana.writes("NOSHOW Sam YESTERDAY 7pm")
        got = await come(clinic, dana="draft", alex="alert")
        assert "I missed our appointment time yesterday." in got["dana"].text
        assert got["alex"].facts["session_at"] == "2026-11-05T19:00:00-05:00"
        draft = await opens(clinic, "NOSHOW Kim")
        assert 'change "today" to "yesterday"' in draft.text
        await clinic.until(on(6, "09:14"))


async def test_waiting_tells_nobody_but_the_associate(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        await clinic.dana.writes("WAITING Sam AT 1:50 pm")
        got = await come(clinic, dana="draft")
        assert holds_line(got["dana"].text, "Hi Sam - just checking in. We were scheduled for 1:50 pm. Are you still")
        for line in ("CLIENT LATE Kim", "CLIENT NOSHOW Jo", "client no show Noor"):
            await clinic.dana.writes(line)
            got = await come(clinic, dana="draft")
            assert (await case_of(clinic, got["dana"])).kind == "waiting", line
        assert holds_line(got["dana"].text, "Hi Noor - just checking in. Are you still able to make it today?")


async def test_a_note_goes_to_admin_and_never_into_the_draft(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        await clinic.dana.writes("LATE 15 Sam, stuck on the bus", "Please give her some tea.")
        got = await come(clinic, dana="draft", alex="alert")
        assert got["alex"].facts["note"] == "stuck on the bus\nPlease give her some tea."
        assert "bus" not in got["dana"].text
        await clinic.dana.writes("LATE 40 Kim, Jo")
        got = await come(clinic, dana="draft", alex="alert")
        assert "J. has no message yet" in got["dana"].text
        await clinic.dana.writes("LATE 70 Noor")
        assert "id you mean NOSHOW?" in (await come(clinic, dana="draft", alex="alert"))["dana"].text


async def test_texted_in_the_report_is_sent(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        await clinic.dana.writes("LATE 15 Sam, texted")
        got = await come(clinic, dana="draft", alex="alert")
        assert got["alex"].facts["contacted_at"] == "2026-11-05T14:00:00-05:00"
        assert "reply CONNECTED" in got["dana"].first_line
        await clinic.minute_by_minute(60)
        await clinic.nothing_else()


async def test_for_one_associate(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        for line, name in (
            ("LATE 15 Sam FOR Dana", "dana"),
            ("NOSHOW Kim FOR ravi patel", "ravi"),
            ("NOSHOW Jo FOR dana.lee@clinic.test", "dana"),
        ):
            await clinic.alex.writes(line)
            await come(clinic, alex="alert", **{name: "draft"})
        for line in ("LATE 15 Noor", "LATE 15 Noor FOR Dan"):  # for whom? nobody is meant exactly
            await clinic.alex.writes(line)
            ask = (await come(clinic, alex="ask"))["alex"]
            assert ask.tap("LATE 15 Noor FOR Ravi Patel")
        await clinic.alex.writes(ask.tap("LATE 15 Noor FOR Ravi Patel"))
        await come(clinic, alex="alert", ravi="draft")
        await clinic.dana.writes("LATE 15 Ben FOR Ravi")  # only admin writes FOR
        ask = (await come(clinic, dana="ask"))["dana"]
        await clinic.dana.writes(ask.tap("LATE 15 Ben"))
        await come(clinic, dana="draft", alex="alert")


async def test_for_without_a_client_opens_and_asks_who(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        for line, name in (
            ("LATE 15 FOR Dana Lee", "dana"),
            ("NOSHOW FOR Ravi, he is ill", "ravi"),
            ("NOSHOW 1pm FOR dana@clinic.test", "dana"),
        ):
            await clinic.alex.writes(line)
            got = await come(clinic, alex="alert", **{name: "draft"})
            assert "reply CLIENT and the name" in got[name].text
            assert (await case_of(clinic, got[name])).client is None, line
        await clinic.alex.taps(got["alex"], "CLIENT")  # the tapped word alone: asked for the name
        await come(clinic, alex="ask")
        await clinic.alex.replies(got["alex"], "CLIENT Sam")
        await come(clinic, alex="alert receipt", dana="draft")
        await clinic.alex.writes("WAITING FOR Ravi")  # a client who is waited for has a name
        await come(clinic, alex="ask")
        await clinic.ravi.writes("LATE 15 for Dana")  # a client of his, to an associate
        assert (await case_of(clinic, (await come(clinic, ravi="draft", alex="alert"))["ravi"])).client == "Dana"


async def test_who_is_both_associate_and_admin(tmp_path: Path) -> None:
    async with Clinic(tmp_path, admins=("dana", "alex")) as clinic:
        await clinic.dana.writes("NOSHOW Sam")  # for herself, without FOR
        got = await come(clinic, dana="draft", alex="alert")  # and no alert about herself
        await clinic.ravi.writes("NOSHOW Kim")
        await come(clinic, ravi="draft", dana="alert", alex="alert")
        await clinic.dana.writes("LATE 15 Jo FOR Ravi")
        await come(clinic, ravi="draft", dana="alert", alex="alert")
        await clinic.dana.taps(got["dana"], "SENT")
        await come(clinic, dana="receipt", alex="update")
    async with Clinic(tmp_path / "lead", admins=("dana",), lead=True) as clinic:
        await clinic.dana.writes("NOSHOW Sam")
        await come(clinic, dana="draft", lee="alert")
    async with Clinic(tmp_path / "alone", admins=("dana",)) as clinic:
        await clinic.dana.writes("NOSHOW Sam")
        await come(clinic, dana="draft alert")


async def test_the_same_client_again_updates_the_case(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        first = await opens(clinic, "LATE 10 Zoë P.")
        await clinic.minute_by_minute(4)
        await clinic.dana.writes("LATE 20 zoe p")  # as typed, but for case, accents and full stops
        got = await come(clinic, dana="draft", alex="alert")
        assert got["dana"].case == first.case
        assert got["alex"].facts["minutes"] == 20
        await clinic.minute_by_minute(4)  # times count from the change: nothing at 14:05
        await clinic.dana.writes("NOSHOW Zoe P")
        assert (await come(clinic, dana="draft", alex="alert"))["alex"].subject.startswith(f"[{first.case}] MISSED BY")
        await clinic.dana.writes("LATE 5 Zoe P")  # a missed session never becomes a late one
        assert "cannot become a late one" in (await come(clinic, dana="ask", alex="update"))["dana"].text
        await clinic.dana.taps(got["dana"], "SENT")
        await come(clinic, dana="receipt", alex="update")
        await clinic.minute_by_minute(60)
        await clinic.dana.writes("NOSHOW Zoe P")  # what was sent stands: nothing new was missed
        await come(clinic, dana="draft", alex="alert")
        assert (await clinic.only_case()).sent_at is not None


async def test_another_hour_another_session_but_the_same_time_the_same(tmp_path: Path) -> None:
    async with Clinic(tmp_path, at=on(5, "10:00")) as clinic:
        morning = await opens(clinic, "NOSHOW Sam AT 9am")
        await clinic.dana.taps(morning, "SENT")
        await come(clinic, dana="receipt", alex="update")
        await clinic.until(on(5, "13:10"))
        await come(clinic, dana="reminder")
        late = await opens(clinic, "LATE 15 Sam, texted")
        assert str(morning.case) in late.text  # her other open case is listed
        await clinic.dana.writes("NOSHOW Sam AT 9am")  # for the same time: the morning's
        assert (await come(clinic, dana="draft", alex="alert"))["dana"].case == morning.case


async def test_what_a_case_cannot_become_is_at_another_time_another_session(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        missed = await opens(clinic, "NOSHOW Sam AT 9am, texted")
        late = await opens(clinic, "LATE 15 Sam AT 4pm, texted")  # two clients called Sam
        assert missed.case != late.case
        waited_for = await opens(clinic, "WAITING Kim AT 1:45pm")
        await opens(clinic, "NOSHOW Kim AT 1pm, texted")
        assert (await case_of(clinic, waited_for)).open  # the client of 1:45 is not absent for that
        await clinic.dana.writes("LATE 25 Sam")  # without a time: the one who can be late
        got = await come(clinic, dana="draft", alex="alert")
        assert got["dana"].case == late.case
        await clinic.dana.writes("RESCHEDULED Sam to Tue")
        ask = (await come(clinic, dana="ask"))["dana"]
        assert "- Sam, noshow, missed by Dana L., session 9:00 am (" in ask.text
        assert "- Sam, late, Dana L., session 4:00 pm (" in ask.text
        await clinic.dana.replies(missed, "LATE 5")
        assert "another session" in (await come(clinic, dana="ask", alex="update"))["dana"].text


async def test_a_second_tap_is_no_second_report(tmp_path: Path) -> None:
    async with Clinic(tmp_path, admins=("alex", "pat")) as clinic:
        await clinic.dana.writes("LATE 15 Sam")
        await come(clinic, dana="draft", alex="alert", pat="alert")
        await clinic.minute_by_minute(3)
        await clinic.dana.writes("LATE 15 Sam")
        await come(clinic, dana="receipt")
        await clinic.dana.writes("LATE 15 Sam, the bridge is closed")  # a new note
        got = await come(clinic, dana="receipt", alex="update", pat="update")
        assert got["pat"].facts["note"] == "the bridge is closed"
        assert "your note was passed on" in got["dana"].first_line
        await clinic.alex.writes("LATE 15 Sam FOR Dana")  # the desk has it, too
        await come(clinic, alex="receipt")
        await clinic.dana.writes("LATE 15 Sam, texted her")
        await come(clinic, dana="receipt", alex="update", pat="update")
        assert (await clinic.only_case()).sent_at == on(5, "14:03")
        await clinic.minute_by_minute(8)  # past the ten minutes: reported again
        await clinic.dana.writes("LATE 15 Sam")
        await come(clinic, dana="draft", alex="alert", pat="alert")


async def test_a_name_fills_the_case_that_has_none(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        nameless = await opens(clinic, "LATE 15")
        await clinic.dana.writes("LATE Sam")
        got = await come(clinic, dana="draft", alex="alert")
        assert got["dana"].case == nameless.case
        assert (got["alex"].facts["client"], got["alex"].facts["minutes"]) == ("Sam", 15)
        await clinic.dana.taps(nameless, "CONNECTED")
        await come(clinic, dana="receipt", alex="update")
        second = await opens(clinic, "NOSHOW")
        await clinic.dana.replies(second, "NOSHOW Kim")
        assert (await come(clinic, dana="draft", alex="alert"))["alex"].facts["client"] == "Kim"
    async with Clinic(tmp_path / "waiting") as clinic:
        nobody = await opens(clinic, "NOSHOW")
        await clinic.dana.taps(nobody, "WAITING")
        await come(clinic, dana="draft", alex="update")
        await opens(clinic, "NOSHOW Jo")  # whoever does not come, it is not Jo, whom Dana missed


async def test_written_long_before_it_arrived(tmp_path: Path) -> None:
    async with Clinic(tmp_path, at=on(5, "14:40")) as clinic:
        await clinic.dana.writes("LATE 15 Sam", Date="Thu, 05 Nov 2026 13:50:00 -0500")
        got = await come(clinic, dana="draft", alex="alert")
        for letter in got.values():
            assert letter.first_line.startswith("Written at 1:50 pm, arrived at 2:40 pm.")
        await clinic.dana.writes("LATE 15 Kim", Date="Thu, 05 Nov 2026 14:31:00 -0500")
        assert "Written" not in (await come(clinic, dana="draft", alex="alert"))["dana"].text


async def test_old_reports_open_nothing(tmp_path: Path) -> None:
    async with Clinic(tmp_path, at=on(5, "20:00")) as clinic:
        for line, hours, kept in (
            ("LATE 15 Sam", 3, False),
            ("WAITING Kim", 3, False),
            ("NOSHOW Jo", 13, False),
            ("NOSHOW Noor", 11, True),
        ):
            raw = (
                f"From: dana@clinic.test\r\nTo: {MAILBOX}\r\nSubject: {line}\r\n"
                "Authentication-Results: mx.clinic.test; dmarc=pass header.from=clinic.test\r\n\r\n"
            )
            arrived = clinic.clock.now() - timedelta(hours=hours)
            await clinic.server.deliver(MAILBOX, raw.encode(), arrived_at=arrived)
            await clinic.settled()
            await come(clinic, **({"dana": "draft", "alex": "alert"} if kept else {"alex": "notice"}))
        assert (await clinic.only_case()).client == "Noor"


async def test_doubt_opens_nothing_and_is_never_silent(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        for line, reading in (
            ("Lathe 15 Sam", "LATE 15 Sam"),
            ("LATE Sam?", "LATE Sam"),
            ("LATE 15-20 Sam", "LATE 20 Sam"),
            ("WAITING 10 min for Sam's session", "WAITING Sam"),
            ("Sorry, Sam, 15 late", "LATE 15 Sam"),
        ):
            await clinic.dana.writes(line)
            got = await come(clinic, dana="help", alex="notice")
            assert got["dana"].tap(reading), line
            assert line in got["alex"].text
            assert got["alex"].tap(f"{reading} FOR Dana Lee")
        for line in ("Missed your call", "Late fee - Mrs Smith", "Waiting for your reply"):
            await clinic.dana.writes(line)  # nobody waits: help alone
            await come(clinic, dana="help")
        await clinic.dana.writes("Sam was a no show last week?")
        await come(clinic)
        await clinic.alex.writes("Lathe 15 Sam")  # nobody else is to hear of the only admin's slip
        assert (await come(clinic, alex="help"))["alex"].tap("LATE 15 Sam FOR Dana Lee")
        assert not await clinic.store.open_cases()


async def test_forwards_and_resent_subjects(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        draft = await opens(clinic, "LATE 15 Sam")
        await clinic.dana.writes(
            f"Fwd: {draft.subject}", "SENT\n\n---------- Forwarded message ----------\nFrom: Promptly"
        )
        await come(clinic, dana="receipt", alex="update")  # our own letter with new text above: a reply
        await clinic.dana.writes("Fwd: LATE 15 Kim", "see below")
        await come(clinic, dana="help")
        await clinic.dana.writes(f"Fwd: {draft.subject}", "")
        await come(clinic, dana="help")
        await opens(clinic, "Re: LATE 15 Jo")  # the tag, and nothing else
        await clinic.dana.writes("Re: LATE 15 Noor", "no worries then")
        await come(clinic)


@pytest.mark.parametrize(
    ("line", "here", "anew"),
    [
        ("LATE 20 flu", "LATE 20", "LATE 20 Flu"),
        ("late 20 Kim", "LATE 20", "LATE 20 Kim"),
        ("20 late gastro, sorry", "LATE 20", "LATE 20 Gastro"),
        ("noshow kim", "NOSHOW", "NOSHOW Kim"),
    ],
)
async def test_in_a_thread_a_reason_may_look_like_a_client(tmp_path: Path, line: str, here: str, anew: str) -> None:
    async with Clinic(tmp_path) as clinic:
        draft = await opens(clinic, "LATE 10 Sam")
        await clinic.dana.replies(draft, line)
        ask = (await come(clinic, dana="ask", alex="update"))["dana"]
        assert (await clinic.only_case()).minutes == 10
        await clinic.dana.taps(ask, here)
        assert (await come(clinic, dana="draft", alex="alert"))["dana"].case == draft.case
        await clinic.dana.taps(ask, anew)
        assert (await come(clinic, dana="draft", alex="alert"))["dana"].case != draft.case


async def test_in_a_thread_capitals_report_another_client(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        draft = await opens(clinic, "LATE 10 Sam")
        for line in ("LATE 20 Kim", "NOSHOW Mrs O\u2019Neil", "WAITING Jo & Ann"):
            await clinic.dana.replies(draft, line)
            got = await come(clinic, dana="draft", **({} if line.startswith("W") else {"alex": "alert"}))
            assert got["dana"].case != draft.case
        await clinic.alex.replies(draft, "late 20 kim")
        ask = (await come(clinic, alex="ask", dana="update"))["alex"]
        await clinic.alex.taps(ask, "LATE 20 Kim FOR Dana Lee")
        await come(clinic, alex="receipt")  # the same as Dana's


@pytest.mark.parametrize("prefix", ["Recall: ", "Rückruf: ", "Rappel : "])
async def test_a_recall_by_outlook_is_offered_as_a_mistake(tmp_path: Path, prefix: str) -> None:
    async with Clinic(tmp_path) as clinic:
        await opens(clinic, "LATE 15 Kim")
        draft = await opens(clinic, "LATE 15 Sam")
        text = 'Lee, Dana would like to recall the message, "LATE 15 Sam".'
        await clinic.dana.writes(f"{prefix}LATE 15 Sam", text)
        got = await come(clinic, dana="ask", alex="notice")
        assert got["dana"].taps == got["alex"].taps == [f"[{draft.case}] MISTAKE"]
        await clinic.dana.taps(got["dana"], "MISTAKE")
        await come(clinic, dana="receipt", alex="update")
        await clinic.dana.writes(f"{prefix}[{draft.case}] MISTAKE", text)
        assert (await come(clinic, dana="ask", alex="notice"))["dana"].tap("UNDO")


async def test_a_recall_of_what_nobody_knows_opens_nothing(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        await clinic.dana.writes("Recall: LATE 15 Sam")
        assert (await come(clinic, dana="help", alex="notice"))["dana"].tap("LATE 15 Sam")
        await clinic.dana.writes("Recall: October invoice")
        await clinic.stranger.writes("Recall: LATE 15 Sam")
        await come(clinic)


async def test_what_people_write_is_kept_to_the_letter(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        note = "dial *67 416 555 0100, code 7*7;"
        await clinic.dana.writes(f"LATE 15 Sam - {note}", "Room __4__, *now*!\n\n_____\n\n[urgent] thanks!")
        got = await come(clinic, dana="draft", alex="alert")
        assert got["alex"].facts["note"].startswith(f"{note}\nRoom __4__, *now*!\n\n")
        assert got["alex"].facts["note"].endswith("_____\n\n[urgent] thanks!")
        await clinic.alex.replies(got["alex"], "**Please** ring *67 first!")
        assert "**Please** ring *67 first!" in (await come(clinic, alex="receipt", dana="update"))["dana"].text
        await clinic.dana.replies(got["dana"], "SENT, he has to leave at 3\n\n____\n\nand I have the key")
        note = (await come(clinic, dana="receipt", alex="update"))["alex"].facts["note"]
        assert note == "he has to leave at 3\n____\n\nand I have the key"
        await clinic.dana.replies(got["dana"], "RESCHEDULED Tue 3pm, code 7*7!")
        assert (await come(clinic, dana="receipt", alex="update"))["alex"].facts["outcome_note"] == "Tue 3pm, code 7*7!"


SAYS_NOTHING = (
    "Sent from my iPhone",
    "-- \nDana Lee",
    "> NOSHOW Kim\n",
    "On Thu, Nov 5, 2026 at 1:59 PM Dana Lee <dana@clinic.test> wrote:\n> NOSHOW Kim\n",
    "Sent from Outlook for iOS\n\n-- \nDana\n\n> NOSHOW Kim\n> Dana\n",
)


async def test_a_report_sent_again_as_a_reply_that_says_nothing_opens(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        for number, text in enumerate(SAYS_NOTHING):
            await clinic.minute_by_minute(2)  # ten answers in ten minutes would be a loop
            await clinic.dana.writes(f"Re: NOSHOW {['Kim', 'Jo', 'Ann', 'Ben', 'Eli'][number]}, texted", text)
            await come(clinic, dana="draft", alex="alert")
        await clinic.dana.writes("Lathe 15 Sam")
        asked = (await come(clinic, dana="help", alex="notice"))["dana"]
        quoted = "".join(f"> {line}\n" for line in asked.text.splitlines())
        await clinic.dana.writes("Re: LATE 15 Sam", f"\n\n{quoted}")  # our text is quoted: nothing was said
        await come(clinic)


@each("sender", ["dana@clinic.test", "D.L. <dana@clinic.test>", "Riverside <dana@clinic.test>"])
async def test_who_is_on_the_roster_signs_with_the_name_that_stands_there(tmp_path: Path, sender: str) -> None:
    """Whatever their mail program puts in front of their address."""
    async with Clinic(tmp_path / sender.partition("@")[0]) as clinic:
        draft = await opens(clinic, "NOSHOW Sam")
        block = "Dana Lee, RP\nRegistered Psychotherapist (she/her)\n416-555-0100"
        await clinic.dana.writes(f"Re: {draft.subject}", f"SENT, the door was locked\n\n{block}", From=sender)
        update = (await come(clinic, dana="receipt", alex="update"))["alex"]
        assert update.facts["note"] == "the door was locked"
        await clinic.dana.writes(f"Re: {draft.subject}", "OTHER\n\nAnn Lee\n416-555-0100", From=sender)
        assert "Ann Lee" in (await come(clinic, dana="receipt", alex="update"))["alex"].facts["outcome_note"]
