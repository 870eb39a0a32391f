"""The main job as people live it: a short mail becomes an alert, a draft, reminders and an outcome. Read it aloud."""

from __future__ import annotations

from pathlib import Path

from tests.conversation import MAILBOX, TWO_O_CLOCK, Clinic
from workflow.core.model import Outcome, State

LATE_MESSAGE = (
    "Hi Sam - I'm running behind and expect to be about 15 minutes late today. I'm sorry for the delay. "
    "Are you able to wait, or would you prefer to reschedule?"
)
NOSHOW_MESSAGE = (
    "Hi Sam - I'm very sorry, I missed our appointment time today. I understand this is disruptive. "
    "I'd like to offer you priority to reschedule - would you like me to find a new time for you?"
)


async def test_late_from_mail_to_outcome(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        await clinic.dana.writes("LATE 15 Sam")
        alert = await clinic.alex.gets("alert")
        draft = await clinic.dana.gets("draft")
        assert LATE_MESSAGE in draft.text.split("\n")
        assert draft.case == alert.case
        assert alert.subject == f"[{alert.case}] LATE: Dana L. - S."
        facts = alert.facts
        assert (facts["kind"], facts["minutes"], facts["client"], facts["state"]) == ("late", 15, "Sam", "open")
        assert facts["associate"] == {"name": "Dana Lee", "email": "dana@clinic.test"}
        assert facts["contacted_at"] is None
        assert facts["reported_at"] == "2026-11-05T14:00:00-05:00"

        await clinic.minute_by_minute(3)
        await clinic.dana.replies(draft, "sent")
        receipt = await clinic.dana.gets("receipt")
        assert receipt.case == draft.case
        update = await clinic.alex.gets("update")
        assert update.facts["contacted_at"] == "2026-11-05T14:03:00-05:00"
        assert update.message["In-Reply-To"] == alert.id

        await clinic.minute_by_minute(10)
        await clinic.dana.taps(receipt, "CONNECTED")
        await clinic.dana.gets("receipt")
        update = await clinic.alex.gets("update")
        assert (update.facts["state"], update.facts["outcome"]) == ("closed", "connected")
        await clinic.minute_by_minute(24 * 60)  # and nothing more comes, ever


async def test_noshow_from_mail_to_outcome(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        await clinic.dana.writes("NOSHOW Sam AT 1pm")
        alert = await clinic.alex.gets("alert")
        draft = await clinic.dana.gets("draft")
        assert NOSHOW_MESSAGE in draft.text.split("\n")
        assert "YOU missed the session" in draft.first_line
        assert "No Show in Jane" in draft.text
        assert "MAKEUP" in draft.text
        assert alert.subject == f"[{alert.case}] MISSED BY Dana L. - S."
        assert "ASSOCIATE missed the session" in alert.text
        assert alert.facts["session_at"] == "2026-11-05T13:00:00-05:00"

        await clinic.minute_by_minute(4)
        await clinic.dana.taps(draft, "SENT")
        await clinic.dana.gets("receipt")
        await clinic.alex.gets("update")
        await clinic.minute_by_minute(180)
        reminder = await clinic.dana.gets("reminder")
        await clinic.dana.replies(reminder, "Rescheduled to Tue 3pm")
        await clinic.dana.gets("receipt")
        update = await clinic.alex.gets("update")
        assert (update.facts["outcome"], update.facts["outcome_note"]) == ("rescheduled", "Tue 3pm")


async def test_the_mail_is_moved_once_it_is_acted_on_and_other_mail_stays(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        await clinic.dana.writes("Invoice for October")
        await clinic.dana.writes("NOSHOW Sam")
        await clinic.alex.gets("alert")
        await clinic.dana.gets("draft")
        moved = await clinic.server.wait_for(MAILBOX, 1, "Promptly")
        assert b"Subject: NOSHOW Sam" in moved[0].raw
        left = await clinic.server.stored(MAILBOX)
        assert [b"Subject: Invoice for October" in mail.raw for mail in left] == [True]
        assert not left[0].flags & {r"\Seen", r"\Flagged", r"\Answered", "$Promptly"}


async def test_every_outcome_closes_and_tells_admin(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        for word, outcome, note in (
            ("UNREACHABLE", Outcome.UNREACHABLE, None),
            ("RESCHEDULED Tue 3pm", Outcome.RESCHEDULED, "Tue 3pm"),
            ("OTHER she stops therapy", Outcome.OTHER, "she stops therapy"),
        ):
            await clinic.dana.writes("NOSHOW Sam")
            draft = await clinic.dana.gets("draft")
            await clinic.alex.gets("alert")
            await clinic.dana.writes(f"[{draft.case}] {word}")
            await clinic.dana.gets("receipt")
            assert (await clinic.alex.gets("update")).facts["outcome"] == outcome.value
            case = await clinic.store.case(draft.case or "")
            assert case is not None
            assert (case.state, case.outcome, case.outcome_note) == (State.CLOSED, outcome, note)


async def test_an_unclear_answer_is_asked_back_and_closes_nothing(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        await clinic.dana.writes("NOSHOW Sam")
        draft = await clinic.dana.gets("draft")
        await clinic.alex.gets("alert")
        await clinic.dana.replies(draft, "Not rescheduled yet, she will think about it")
        ask = await clinic.dana.gets("ask")
        assert ask.tap("RESCHEDULED") == f"[{draft.case}] RESCHEDULED"
        update = await clinic.alex.gets("update")
        assert update.facts["note"] == "Not rescheduled yet, she will think about it"
        assert (await clinic.only_case()).state is State.OPEN


async def test_a_letter_of_ours_sent_back_without_a_word_is_no_answer(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        await clinic.dana.writes("NOSHOW Sam")
        draft = await clinic.dana.gets("draft")
        await clinic.alex.gets("alert")
        await clinic.dana.replies(draft, "")
        await clinic.dana.gets("ask")
        assert (await clinic.only_case()).open


async def test_reminders_until_the_outcome_arrives(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        await clinic.dana.writes("NOSHOW Sam")
        draft = await clinic.dana.gets("draft")
        await clinic.alex.gets("alert")
        await clinic.minute_by_minute(21)
        first = await clinic.dana.gets("reminder")
        assert NOSHOW_MESSAGE in first.text
        assert first.message["References"].split()[0] == draft.id
        await clinic.dana.gets("reminder")
        await clinic.dana.gets("reminder")
        await clinic.alex.gets("escalation")
        await clinic.dana.taps(first, "UNREACHABLE")
        await clinic.dana.gets("receipt")
        await clinic.alex.gets("update")
        await clinic.minute_by_minute(48 * 60)


async def test_one_reminder_after_any_downtime(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        await clinic.dana.writes("NOSHOW Sam")
        await clinic.dana.gets("draft")
        await clinic.alex.gets("alert")
        await clinic.stops()
        clinic.clock.move_to(TWO_O_CLOCK.replace(hour=17, minute=30))
        await clinic.starts()
        await clinic.dana.gets("reminder")
        await clinic.alex.gets("escalation")
        await clinic.nothing_else()


async def test_an_answer_that_lies_in_the_mailbox_wins_over_a_reminder(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        await clinic.dana.writes("NOSHOW Sam")
        draft = await clinic.dana.gets("draft")
        await clinic.alex.gets("alert")
        await clinic.stops()
        clinic.clock.move_to(TWO_O_CLOCK.replace(minute=6))
        answer = (
            b"From: dana@clinic.test\r\nTo: clinic@clinic.test\r\nSubject: [%s] RESCHEDULED\r\n"
            b"Authentication-Results: mx.clinic.test; dmarc=pass header.from=clinic.test\r\n\r\n" % draft.case.encode()  # type: ignore[union-attr]  # it has one
        )
        await clinic.server.deliver(MAILBOX, answer, arrived_at=clinic.clock.now())
        await clinic.starts()
        await clinic.dana.gets("receipt")
        await clinic.alex.gets("update")
        await clinic.nothing_else()


async def test_a_report_without_a_client_asks_who_and_takes_the_name(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        await clinic.dana.writes("LATE 15")
        await clinic.alex.gets("alert")
        draft = await clinic.dana.gets("draft")
        assert "Hi - I'm running behind" in draft.text
        await clinic.dana.writes(f"[{draft.case}] CLIENT Sam Peters")
        again = await clinic.dana.gets("draft")
        assert "Hi Sam - I'm running behind" in again.text
        await clinic.dana.gets("receipt")
        assert (await clinic.alex.gets("alert")).facts["client"] == "Sam P."


async def test_three_clients_three_mails_three_cases(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        for client in ("Sam", "Kim", "Jo"):
            await clinic.dana.writes(f"LATE 40 {client}")
            await clinic.alex.gets("alert")
            await clinic.dana.gets("draft")
        assert len(await clinic.store.open_cases()) == 3
        await clinic.dana.writes("sent")  # which one?
        ask = await clinic.dana.gets("ask")
        assert len([line for line in ask.text.split("\n") if "mailto:" in line]) == 3


async def test_the_same_client_again_is_the_same_case(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        await clinic.dana.writes("LATE 10 Sam")
        await clinic.alex.gets("alert")
        first = await clinic.dana.gets("draft")
        await clinic.minute_by_minute(2)
        await clinic.dana.writes("LATE 20 sam")
        assert (await clinic.alex.gets("alert")).facts["minutes"] == 20
        assert (await clinic.dana.gets("draft")).case == first.case
        await clinic.dana.writes("NOSHOW Sam")
        assert (await clinic.alex.gets("alert")).facts["kind"] == "noshow"
        assert NOSHOW_MESSAGE in (await clinic.dana.gets("draft")).text
        await clinic.dana.writes("NOSHOW Sam")  # a second tap
        await clinic.dana.gets("receipt")


async def test_every_admin_is_told_but_the_one_who_wrote(tmp_path: Path) -> None:
    async with Clinic(tmp_path, admins=("alex", "pat")) as clinic:
        await clinic.dana.writes("NOSHOW Sam")
        draft = await clinic.dana.gets("draft")
        alert = await clinic.alex.gets("alert")
        await clinic.pat.gets("alert")
        await clinic.alex.replies(alert, "RESCHEDULED Tue 3pm")
        await clinic.alex.gets("receipt")
        await clinic.pat.gets("update")
        told = await clinic.dana.gets("update")
        assert "an apology from you is still owed" in told.text
        assert told.message["References"].split()[0] == draft.id


async def test_admin_reports_for_an_associate(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        await clinic.alex.writes("LATE 15 Sam FOR Dana")
        await clinic.alex.gets("alert")
        assert LATE_MESSAGE in (await clinic.dana.gets("draft")).text
        await clinic.alex.writes("LATE 15 Sam")
        await clinic.alex.gets("ask")
