"""What is left as it was, who gets no answer, and where the answers stop: section 3, last part, and promise 6."""

from __future__ import annotations

from email.message import EmailMessage
from pathlib import Path

from tests.conversation import MAILBOX, Clinic, Received
from tests.conversations.steps import case_of, come, on, opens

FORGED = {"Authentication-Results": "mx.clinic.test; dmarc=fail header.from=clinic.test"}


async def left(clinic: Clinic) -> list[str]:
    """The subjects of what lies in the inbox, each without any flag."""
    stored = await clinic.server.stored(MAILBOX)
    assert not any(mail.flags & {"\\Seen", "\\Flagged", "\\Answered", "$Promptly"} for mail in stored)
    lines = [line for mail in stored for line in mail.raw.decode().split("\r\n") if line.startswith("Subject: ")]
    return [line.removeprefix("Subject: ") for line in lines]


async def test_untagged_mail_and_mere_help_stay_and_what_is_acted_on_moves(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        stay = {
            "Cancel all my sessions today, I'm ill": "",
            "Invoice for October": "",
            "Missed your call": "help",
            "HELP": "help",
            "sent": "ask",
        }
        for subject, answer in stay.items():
            await clinic.dana.writes(subject)
            await come(clinic, **({"dana": answer} if answer else {}))
        await clinic.stranger.writes("Are you taking new clients?")
        draft = await opens(clinic, "NOSHOW Sam")
        await clinic.dana.replies(draft, "She will think about it")
        await come(clinic, dana="ask", alex="update")
        await clinic.dana.writes("STATUS")
        await come(clinic, dana="status")
        await clinic.server.wait_for(MAILBOX, 3, "Promptly")
        assert await left(clinic) == [*stay, "Are you taking new clients?"]


async def test_in_a_mailbox_that_nobody_reads_nothing_is_silent(tmp_path: Path) -> None:
    async with Clinic(tmp_path, shared=False) as clinic:
        await clinic.dana.writes("Cancel all my sessions today, I'm ill")
        got = await come(clinic, dana="help", alex="notice")
        assert "Cancel all my sessions" in got["alex"].text
        await clinic.alex.writes("Lunch?")
        await clinic.stranger.writes("Lunch?")
        await come(clinic)


async def test_a_stranger_s_report_reaches_admin_as_one_tap(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        draft = await opens(clinic, "LATE 40 Sam")
        await clinic.stranger.taps(draft, "SENT")  # Dana's phone sends from her private account
        notice = (await come(clinic, alex="notice"))["alex"]
        assert "SENT" in notice.text
        await clinic.alex.taps(notice, "SENT")
        await come(clinic, alex="receipt", dana="update")
        await clinic.minute_by_minute(30)  # and nobody rings: it is recorded
        await clinic.stranger.replies(draft, "RESCHEDULED to Tue")
        notice = (await come(clinic, alex="notice"))["alex"]
        await clinic.alex.taps(notice, "RESCHEDULED to Tue")
        await come(clinic, alex="receipt", dana="update")
        assert (await case_of(clinic, draft)).outcome_note == "Tue"
        await clinic.stranger.writes("NOSHOW Kim FOR Dana")
        assert (await come(clinic, alex="notice"))["alex"].tap("NOSHOW Kim FOR Ravi Patel")
        for nothing in ("late for Kim", "SENT", "[ZZZZ] SENT", "Noshow Kim"):
            await clinic.stranger.writes(nothing)
        await come(clinic)


async def test_ten_notices_an_hour_whoever_writes_and_however_many_read(tmp_path: Path) -> None:
    async with Clinic(tmp_path, admins=("alex", "pat")) as clinic:
        for number in range(12):
            await clinic.stranger.writes(f"LATE {number + 10} Sam")
        await come(clinic, alex="notice " * 10, pat="notice " * 10)
        await clinic.passes(hours=1)
        await clinic.stranger.writes("LATE 30 Sam")
        await come(clinic, alex="notice", pat="notice")


async def test_a_mail_in_somebody_s_name_is_told_to_them_once_an_hour(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        draft = await opens(clinic, "NOSHOW Sam")
        await clinic.dana.writes("LATE 15 Kim", **FORGED)
        got = await come(clinic, dana="help", alex="notice")
        assert "if it was you, phone the desk" in got["dana"].text
        assert got["alex"].tap("LATE 15 Kim FOR Dana Lee")
        await clinic.dana.writes(f"[{draft.case}] MISTAKE", **{**FORGED, "From": "dana.lee@clinic.test"})
        await come(clinic, alex="notice")  # another of her addresses, the same hour
        await clinic.alex.writes("NOSHOW Jo", **FORGED)
        await come(clinic, alex="notice help")
        assert (await clinic.only_case()).open


async def test_answers_stop_after_ten_in_ten_minutes_and_admin_is_told_once(tmp_path: Path) -> None:
    async with Clinic(tmp_path, admins=("alex", "pat")) as clinic:
        for _ in range(12):
            await clinic.dana.writes("STATUS")
        await come(clinic, dana="status " * 10, alex="notice", pat="notice")
        await clinic.dana.writes("NOSHOW Sam")  # drafts and alerts are never held back
        await come(clinic, dana="draft", alex="alert", pat="alert")
        await clinic.minute_by_minute(4)
        await clinic.dana.writes("texted")
        await come(clinic, alex="update", pat="update")  # recorded, though nobody says so
        for answered in (8, 7, 0):  # ten minutes later again, but no more than twenty-five in an hour
            await clinic.minute_by_minute(11)
            for _ in range(8):
                await clinic.dana.writes("STATUS")
            await come(clinic, dana="status " * answered)


async def test_a_robot_moves_nothing_and_gets_nothing(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        away = {"Auto-Submitted": "auto-replied"}
        await clinic.dana.writes("Out of office", "RESCHEDULED", **away)  # no open case: nobody's concern
        draft = await opens(clinic, "NOSHOW Sam, texted")
        for _ in range(2):
            await clinic.passes(minutes=1)
            await clinic.dana.writes(f"Automatic reply: {draft.subject}", "RESCHEDULED", **away)
        notice = (await come(clinic, alex="notice"))["alex"]  # once a case
        assert "Dana Lee" in notice.text
        await clinic.dana.writes("NOSHOW Kim", **{"List-Id": "<staff.clinic.test>"})
        await come(clinic)
        assert (await clinic.only_case()).open


async def test_a_letter_that_comes_back_is_told_and_the_client_is_seen_to(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        draft = await opens(clinic, "NOSHOW Sam")
        await clinic.minute_by_minute(3)
        await bounces(clinic, draft)
        got = await come(clinic, alex="notice escalation")  # at once: nobody else knows what to do
        assert got["alex"].kind == "escalation"
        await clinic.minute_by_minute(60)
        await clinic.nothing_else()  # nobody would read a reminder
        await clinic.dana.writes(f"[{draft.case}] LATE 5")  # she writes: her mailbox works again
        await come(clinic, dana="ask", alex="update")
        await clinic.until(on(5, "15:20"))
        await come(clinic, dana="reminder")
        await bounces(clinic, draft)
        await come(clinic)  # the same letter came back twice
        await clinic.dana.taps(draft, "RESCHEDULED")
        got = await come(clinic, dana="receipt", alex="update")
        await bounces(clinic, got["dana"])
        assert "came back" in (await come(clinic, alex="notice"))["alex"].text


async def bounces(clinic: Clinic, letter: Received) -> None:
    """A delivery report of the associate's mail server about one of our letters, for good (RFC 3464)."""
    clinic.count += 1
    report = (
        "From: MAILER-DAEMON@clinic.test\r\nTo: clinic@clinic.test\r\nSubject: Undelivered Mail Returned to Sender\r\n"
        f"Message-ID: <bounce-{clinic.count}@clinic.test>\r\nAuto-Submitted: auto-replied\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\nMIME-Version: 1.0\r\n\r\n'
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.clinic.test\r\n\r\n"
        "Final-Recipient: rfc822; dana@clinic.test\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
        f"--b\r\nContent-Type: message/rfc822\r\n\r\n{returned(letter.message)}\r\n--b--\r\n"
    )
    await clinic.server.deliver(MAILBOX, report.encode(), arrived_at=clinic.clock.now())
    await clinic.settled()


def returned(message: EmailMessage) -> str:
    names = ("From", "To", "Subject", "Message-ID", "X-Promptly-Loop")
    return "\r\n".join(f"{name}: {message[name]}" for name in names) + "\r\n\r\nthe text\r\n"


async def test_an_associate_whose_address_is_refused(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        clinic.server.refuse("dana@clinic.test", "550 5.1.1 No such user")
        await clinic.dana.writes("NOSHOW Sam")
        await clinic.collect()
        await clinic.settled()
        await come(clinic, alex="alert notice escalation")
        clinic.server.accept("dana@clinic.test")
        await clinic.minute_by_minute(60)
        await clinic.dana.writes("texted")
        await come(clinic, dana="receipt", alex="update")
        await clinic.minute_by_minute(181)
        await come(clinic, dana="reminder")
