"""What the client answered, SENT as people write it, and the apology that is owed once admin found a new time."""

from __future__ import annotations

from pathlib import Path

from tests.conversation import Clinic
from tests.conversations.steps import DANA, case_of, changes, come, on, opens
from tests.rows import each


async def test_a_client_who_can_wait(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        draft = await opens(clinic, "LATE 15 Sam AT 2:10pm")
        assert not any(tap.endswith(("WAITS", "REBOOK")) for tap in draft.taps)
        await clinic.minute_by_minute(3)
        await clinic.dana.replies(draft, "Sent, she'll wait")
        got = await come(clinic, dana="receipt", alex="update")
        assert got["alex"].first_line.startswith("Nothing to do: S. can wait, says Dana Lee, who messaged them after 3")
        assert "Answer: waits\n" in got["alex"].text
        assert got["alex"].facts["client_says"] == "waits"
        assert got["alex"].facts["contacted_at"] is not None
        assert got["dana"].first_line == "Recorded: S. can wait. When you connect, reply CONNECTED."
        await clinic.dana.replies(draft, "she can wait")  # had been recorded before
        await come(clinic, dana="receipt")
        await clinic.minute_by_minute(30)  # no reminder, no escalation
        await clinic.dana.replies(draft, "LATE 30")  # nobody knows whether she waits so long
        assert (await come(clinic, dana="draft", alex="alert"))["alex"].facts["client_says"] is None
        assert (await case_of(clinic, draft)).sent_at is None


async def test_a_client_who_wants_another_time(tmp_path: Path) -> None:
    async with Clinic(tmp_path, admins=("alex", "pat")) as clinic:
        await clinic.dana.writes("LATE 15 Sam")
        draft = (await come(clinic, dana="draft", alex="alert", pat="alert"))["dana"]
        await clinic.dana.replies(draft, "SENT")
        receipt = (await come(clinic, dana="receipt", alex="update", pat="update"))["dana"]
        await clinic.dana.taps(receipt, "REBOOK")
        got = await come(clinic, dana="receipt", alex="update", pat="update")
        assert got["alex"].first_line.startswith("Find S. a new time")
        assert got["alex"].facts["client_says"] == "rebook"
        assert "is asked for a time; if you find one, reply RESCHEDULED" in got["dana"].first_line
        assert (await case_of(clinic, draft)).open
        assert "Nothing to do" not in got["alex"].text
        await clinic.dana.replies(draft, "MAKEUP")
        said = (await come(clinic, dana="receipt", alex="update", pat="update"))["alex"]
        assert not said.first_line.startswith("Nothing to do")
        await clinic.alex.taps(got["alex"], "RESCHEDULED")
        assert (await come(clinic, alex="receipt", dana="update", pat="update"))["pat"].facts[
            "outcome"
        ] == "rescheduled"


async def test_what_was_asked_beside_it_is_read(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        draft = await opens(clinic, "LATE 15 Sam")
        await clinic.dana.replies(draft, "SENT. He would rather rebook, please find him a time")
        update = (await come(clinic, dana="receipt", alex="update"))["alex"]
        assert update.first_line.startswith("Read what Dana Lee wrote")
        assert (update.facts["client_says"], update.facts["note"]) == ("rebook", "please find him a time")
        assert update.tap("RESCHEDULED")
        await clinic.dana.replies(draft, "UNDO")  # with the SENT that it brought
        got = await come(clinic, dana="receipt", alex="update")
        assert got["alex"].facts["client_says"] is got["alex"].facts["contacted_at"] is None
        assert "what the client answered" in got["dana"].first_line
        await clinic.minute_by_minute(10)
        reminder = (await come(clinic, dana="reminder", alex="escalation"))["dana"]
        await clinic.dana.taps(reminder, "WAITS")
        await come(clinic, dana="receipt", alex="update")
        await clinic.dana.replies(draft, "She wants another appointment")  # the later one stands
        assert (await come(clinic, dana="receipt", alex="update"))["alex"].facts["client_says"] == "rebook"
        await clinic.dana.replies(draft, "CLIENT Kim")  # somebody else's answer
        assert (await come(clinic, dana="draft receipt", alex="alert"))["alex"].facts["client_says"] is None


async def test_admin_hears_the_client_s_answer(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        await clinic.dana.writes("LATE 20 Sam")
        got = await come(clinic, dana="draft", alex="alert")
        await clinic.alex.replies(got["alex"], "CONTACTED he will wait")
        told = await come(clinic, alex="receipt", dana="update")
        assert told["dana"].first_line == "S. can wait, says Alex; you still own the response."
        case = await clinic.only_case()
        assert (case.client_says, case.sent_at) == ("waits", None)
        assert case.reached_at is not None
        await clinic.minute_by_minute(20)  # the message is still the associate's; nobody is escalated to
        await come(clinic, dana="reminder")
        await clinic.alex.replies(got["alex"], "He'd rather reschedule, he has to leave at 3")
        told = await come(clinic, alex="receipt", dana="update")
        assert "he has to leave at 3" in told["dana"].text
        assert (
            told["alex"].first_line
            == "Recorded: S. wants a new time. Once there is one, reply RESCHEDULED and the time."
        )


async def test_a_client_waited_for_who_wants_another_time(tmp_path: Path) -> None:
    async with Clinic(tmp_path, digest="08:30") as clinic:
        draft = await opens(clinic, "WAITING Sam AT 2pm")
        await clinic.dana.replies(draft, "Client wants to reschedule")
        update = (await come(clinic, dana="receipt", alex="update"))["alex"]
        assert update.facts["client_says"] == "rebook"
        assert update.first_line.startswith("Find S. a new time")
        await clinic.dana.replies(draft, "WAITS")  # it is the client who is late
        await come(clinic, dana="ask")
        await clinic.until(on(6, "08:45"))
        await clinic.collect()
        digest = [letter for letter in clinic.alex.inbox if letter.kind == "digest"]
        assert (await case_of(clinic, draft)).outcome_note == "wants a new time"
        assert "other (wants a new time)" in digest[-1].text
        for person in clinic.people.values():
            person.inbox.clear()


async def test_who_did_not_come_and_wants_another_time_is_one_tap_from_it(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        draft = await opens(clinic, "WAITING Sam AT 2pm")
        await clinic.dana.taps(draft, "ABSENT")
        await come(clinic, dana="receipt", alex="update")
        await clinic.dana.replies(draft, "He wants another time")
        got = await come(clinic, dana="receipt", alex="update")
        assert got["dana"].first_line.endswith("Alex is asked for a time; if you find one, reply RESCHEDULED.")
        await clinic.dana.taps(got["dana"], "RESCHEDULED")
        await come(clinic, dana="receipt", alex="update")
        assert (await case_of(clinic, draft)).outcome == "rescheduled"


async def test_the_digest_says_who_wants_a_new_time(tmp_path: Path) -> None:
    async with Clinic(tmp_path, digest="08:30") as clinic:
        draft = await opens(clinic, "NOSHOW Sam")
        await clinic.dana.replies(draft, "REBOOK")
        await come(clinic, dana="receipt", alex="update")
        await clinic.until(on(6, "08:45"))
        await clinic.collect()
        digest = next(letter for letter in clinic.alex.inbox if letter.kind == "digest")
        assert "wants a new time, asked" in digest.text
        reminder = [letter for letter in clinic.dana.inbox if letter.kind == "reminder"][-1]
        assert reminder.first_line.startswith("No new time yet for S.")
        for person in clinic.people.values():
            person.inbox.clear()


async def test_an_answer_in_a_mail_of_its_own_is_asked_about(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        await clinic.dana.writes("Client wants to reschedule")  # the desk's
        await clinic.dana.writes("She'll wait in the kitchen")
        await come(clinic)
        draft = await opens(clinic, "LATE 15 Sam")
        await clinic.dana.writes("WAITS")
        ask = (await come(clinic, dana="ask"))["dana"]
        await clinic.dana.taps(ask, "WAITS")
        await come(clinic, dana="receipt", alex="update")
        assert (await case_of(clinic, draft)).client_says == "waits"
        await clinic.dana.writes(f"[{draft.case}] She would rather rebook")
        await come(clinic, dana="receipt", alex="update")


async def test_an_ask_asks_what_is_open_and_lists_what_was_probably_meant_first(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        draft = await opens(clinic, "LATE 15 Sam")
        await clinic.dana.replies(draft, "I am on the bus")
        ask = (await come(clinic, dana="ask", alex="update"))["dana"]
        assert ask.first_line.startswith("Reply SENT if you messaged S., or how it ended")
        assert ask.taps[0].endswith("SENT")
        await clinic.dana.replies(draft, "she may be unreachable?")
        ask = (await come(clinic, dana="ask", alex="update"))["dana"]
        assert ask.taps[0].endswith("UNREACHABLE")
        assert "#1a4f8b" not in ask.html, "no choice is filled"


async def test_an_apology_is_owed_once_admin_found_a_new_time(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        await clinic.dana.writes("NOSHOW Sam")
        alert = (await come(clinic, dana="draft", alex="alert"))["alex"]
        await clinic.alex.replies(alert, "RESCHEDULED Tue 3pm")
        update = (await come(clinic, alex="receipt", dana="update"))["dana"]
        assert update.first_line == "Do not offer a time; an apology from you is still owed (S.)."
        assert update.taps[0].endswith("SENT")
        await clinic.until(on(6, "08:00"))
        reminder = (await come(clinic, dana="reminder"))["dana"]
        assert reminder.first_line.startswith("No apology yet for S.")
        assert "Tue 3pm" in reminder.text
        await clinic.until(on(8, "12:00"))  # once
        await clinic.dana.taps(reminder, "SENT")
        got = await come(clinic, dana="receipt", alex="update")
        assert got["dana"].first_line == "Recorded: you messaged S. Nothing more to answer."
        assert got["alex"].facts["outcome"] == "rescheduled"


@each("said", ["Done", "done!", "Done."])
async def test_an_apology_that_is_owed_is_done(tmp_path: Path, said: str) -> None:
    async with Clinic(tmp_path / said.strip("!")) as clinic:
        await clinic.dana.writes("NOSHOW Sam")
        got = await come(clinic, dana="draft", alex="alert")
        await clinic.alex.replies(got["alex"], "RESCHEDULED Tue 3pm")
        update = (await come(clinic, alex="receipt", dana="update"))["dana"]
        await clinic.alex.replies(got["alex"], said)  # what is done is not the apology
        assert (await case_of(clinic, update)).owes_apology
        for person in clinic.people.values():
            await clinic.collect()
            person.inbox.clear()
        await clinic.dana.replies(update, said)
        receipt = (await come(clinic, dana="receipt", alex="update"))["dana"]
        assert receipt.first_line == "Recorded: you messaged S. Nothing more to answer."
        assert (await case_of(clinic, update)).outcome == "rescheduled"


async def test_two_answers_of_the_client_are_none_but_the_message_was_sent(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        for said in (
            "SENT, she will wait, or rebook",
            "Texted him, he wants a new time but can wait",
            "SENT\nShe can wait or rebook",
        ):
            draft = await opens(clinic, "LATE 15 Sam")
            await clinic.dana.replies(draft, said)
            update = (await come(clinic, dana="receipt", alex="update"))["alex"]
            assert update.facts["contacted_at"] is not None
            assert update.facts["client_says"] is None
            assert "wait" in update.facts["note"]
            await clinic.dana.taps(draft, "MISTAKE")
            await come(clinic, dana="receipt", alex="update")
        draft = await opens(clinic, "LATE 15 Sam")
        await clinic.dana.replies(draft, "She can wait, or rebook")
        await come(clinic, dana="ask", alex="update")


async def test_no_apology_is_asked_for_of_who_has_written(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        for said, letters in (("SENT", "receipt"), ("Thank you Alex", ""), ("I will call her tonight", "ask")):
            await clinic.dana.writes("NOSHOW Sam")
            got = await come(clinic, dana="draft", alex="alert")
            await clinic.alex.replies(got["alex"], "RESCHEDULED Tue 3pm")
            update = (await come(clinic, alex="receipt", dana="update"))["dana"]
            case = await case_of(clinic, update)
            assert [timer.due for timer in case.timers] == ["reminder"]
            await clinic.dana.replies(update, said)
            await come(clinic, dana=letters, alex="update" if letters else "")
            assert (await case_of(clinic, update)).timers == ()
        await clinic.dana.writes("NOSHOW Kim, texted")
        got = await come(clinic, dana="draft", alex="alert")
        await clinic.alex.replies(got["alex"], "RESCHEDULED Tue 3pm")
        update = (await come(clinic, alex="receipt", dana="update"))["dana"]
        assert "apology" not in update.text, "it stands in the message that was sent"
        await clinic.until(on(6, "08:15"))
        await clinic.dana.gets_nothing()


async def test_who_has_left_is_not_asked_for_an_apology(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        await clinic.dana.writes("NOSHOW Sam")
        got = await come(clinic, dana="draft", alex="alert")
        await clinic.alex.replies(got["alex"], "RESCHEDULED Tue 3pm")
        await come(clinic, alex="receipt", dana="update")
        await changes(clinic, "reloaded", DANA, "")
        await clinic.until(on(7, "12:00"))
        await clinic.nothing_else()
