"""What is left as it was, and who gets no answer: section 3, last part. Robots, bounces, loops: tests/arrival."""

from __future__ import annotations

from pathlib import Path

from tests.conversation import MAILBOX, Clinic
from tests.conversations.steps import case_of, come, opens


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
