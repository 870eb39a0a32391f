"""What is left as it was, and who gets no answer: section 3, last part. Robots, bounces, loops: tests/arrival."""

from __future__ import annotations

from pathlib import Path

import pytest

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


WRITERS = {
    "Ravi Patel <ravi.patel@home.test>": "Ravi Patel",
    '"Patel, Ravi" <rp@home.test>': "Ravi Patel",
    "ravi <rp@home.test>": "Ravi Patel",
    "RAVI M. PATEL, RP <rp@home.test>": "Ravi Patel",
    "Dana <d@home.test>": "Dana Lee",
    "=?utf-8?q?Dana_Lee?= <d@home.test>": "Dana Lee",
    "Kim <kim@home.test>": "Dana Lee",
    "kim@home.test": "Dana Lee",
}


async def test_a_stranger_s_report_says_who_wrote_and_offers_that_associate_first(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        for number, (writer, associate) in enumerate(WRITERS.items()):
            line = f"LATE {number + 10} Sam"
            await clinic.stranger.writes(line, From=writer)
            notice = (await come(clinic, alex="notice"))["alex"]
            text = " ".join(notice.text.split())
            address = writer.rpartition("<")[2].rstrip(">")
            assert f"<{address}>" in text or f"A mail from {address}." in text
            assert address not in notice.subject + notice.first_line
            assert f"It says: {line}" in text
            offered = [known for known in text.split("mailto:")[1:] if "FOR" in known]
            assert associate.replace(" ", "%20") in offered[0], (writer, offered)
        await clinic.stranger.writes("NOSHOW Kim FOR Ravi", From="Dana Lee <d@home.test>")
        text = (await come(clinic, alex="notice"))["alex"].text
        assert text.index("FOR Ravi Patel") < text.index("FOR Dana Lee"), "it is said for whom"


@pytest.mark.slow
async def test_of_strangers_ten_an_hour_are_told_and_the_rest_counted(tmp_path: Path) -> None:
    own, forged = {"From": "Clinic <clinic@clinic.test>"}, {"Authentication-Results": "mx.clinic.test; dmarc=fail"}
    async with Clinic(tmp_path, digest="08:30") as clinic:
        await clinic.stranger.writes("LATE 1 Sam", From=f"{'x ' * 300}<x@home.test>")
        assert len((await come(clinic, alex="notice"))["alex"].text) < 3000
        await clinic.dana.writes("LATE 2 Sam", **forged)
        await come(clinic, alex="notice", dana="help")
        for number in range(3, 11):
            await clinic.ravi.writes(f"LATE {number} Sam", **(own if number % 2 else {"From": "r@home.test"}))
            await come(clinic, alex="notice")
        for number in range(11, 14):
            await clinic.dana.writes(f"LATE {number} Sam", **forged)
        await clinic.ravi.writes("LATE 14 Sam", **own)
        await come(clinic)  # and help once an hour
        await clinic.passes(minutes=61)
        await clinic.dana.writes("LATE 15 Sam", **forged)
        await come(clinic, alex="notice", dana="help")
        await clinic.passes(hours=18)
        assert "4 mails" in (await come(clinic, alex="digest"))["alex"].text
