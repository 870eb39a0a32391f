"""What machines send: it opens, answers, closes and postpones nothing, nobody is answered, and it stays as it was.

Which mail is a machine's is tests/mail/test_robots.py; here is what follows, on the whole service.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conversation import MAILBOX, Clinic
from tests.conversations.steps import case_of, come, opens

AWAY = {"Auto-Submitted": "auto-replied"}

MACHINES: dict[str, dict[str, str]] = {
    "vacation": {"Auto-Submitted": "(vacation) Auto-Replied; owner-email=dana@clinic.test"},
    "cron": {"Auto-Submitted": "auto-generated"},
    "newsletter": {"Precedence": "bulk"},
    "junk": {"Precedence": "junk"},
    "a machine on a list": {"List-Id": "<staff.clinic.test>", "Auto-Submitted": "auto-generated"},
    "nobody": {"Return-Path": "<>"},
    "responder": {"X-Autoreply": "yes"},
    "another Promptly": {"X-Promptly-Loop": "0123456789abcdef"},
    "own": {"From": f"Promptly <{MAILBOX}>", "X-Promptly-Loop": "i1"},
}


@pytest.mark.slow
async def test_no_machine_opens_answers_closes_or_postpones_anything(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        for headers in MACHINES.values():
            for line in ("NOSHOW Kim", "Lathe 15 Kim", "STATUS", "HELP"):
                await clinic.dana.writes(line, **headers)
        told_once = (await come(clinic, alex="notice"))["alex"]  # of a second Promptly, whose letters these seem
        assert "Perhaps a second Promptly" in told_once.text
        draft = await opens(clinic, "NOSHOW Sam")
        told = False
        for name, headers in MACHINES.items():
            for line in (draft.tap("SENT"), draft.tap("RESCHEDULED"), f"[{draft.case}] LATE 20", "SENT"):
                await clinic.dana.writes(line, **headers)
            if not told and name == "vacation":
                await come(clinic, alex="notice")
                told = True
        await clinic.alex.writes(f"[{draft.case}] CONTACTED", **AWAY)
        await clinic.alex.writes("LATE 15 Kim FOR Dana", **AWAY)
        await come(clinic)
        case = await case_of(clinic, draft)
        assert (case.sent_at, case.reached_at, case.notes, len(case.mails)) == (None, None, (), 1)
        await clinic.minute_by_minute(5)
        await come(clinic, dana="reminder")  # on its minute
        lying = await clinic.server.stored(MAILBOX)
        assert len(lying) == 8 * len(MACHINES) + 2
        assert not any(mail.flags & {"\\Seen", "\\Flagged", "\\Answered", "$Promptly"} for mail in lying)


async def test_receipts_and_answers_of_calendars_do_nothing(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        draft = await opens(clinic, "NOSHOW Sam")
        before = await case_of(clinic, draft)
        kinds = (
            "multipart/report; report-type=disposition-notification; boundary=b",
            "text/calendar; method=REPLY; charset=utf-8",
        )
        for number, kind in enumerate(kinds):
            raw = (
                f"From: Dana Lee <dana@clinic.test>\r\nTo: {MAILBOX}\r\nSubject: [{draft.case}] SENT\r\n"
                "Authentication-Results: mx.clinic.test; dmarc=pass header.from=clinic.test\r\n"
                f"Message-ID: <{number}@phone.test>\r\nIn-Reply-To: {draft.id}\r\nContent-Type: {kind}\r\n\r\n"
                "--b\r\nContent-Type: text/plain\r\n\r\nSENT\r\n--b--\r\n"
            )
            await clinic.server.deliver(MAILBOX, raw.encode(), arrived_at=clinic.clock.now())
        await clinic.settled()
        await come(clinic)
        assert await case_of(clinic, draft) == before


async def test_who_only_asks_for_silence_is_a_person(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        await clinic.dana.writes("NOSHOW Sam", **{"X-Auto-Response-Suppress": "DR, OOF, AutoReply"})
        await come(clinic, dana="draft", alex="alert")


async def test_an_out_of_office_reply_is_told_once_with_the_case_that_nobody_looks_after(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        await clinic.dana.writes("Out of office", "RESCHEDULED", **AWAY)  # no open case: nobody's concern
        await come(clinic)
        draft = await opens(clinic, "NOSHOW Sam, texted")
        other = await opens(clinic, "LATE 40 Kim, texted")
        for letter in (draft, other, draft):
            ids = {"In-Reply-To": letter.id, "References": letter.id}
            await clinic.dana.writes(f"Automatic reply: {letter.subject}", "I am away.", **ids)
        notice = (await come(clinic, alex="notice"))["alex"]  # of one absence, however many letters it answers
        assert f"[{draft.case}]" in notice.text
        assert "Dana Lee" in notice.text
        await clinic.alex.taps(notice, "CONTACTED")
        await come(clinic, alex="receipt", dana="update")


async def test_a_colleague_s_or_an_admin_s_absence_is_nobody_s_concern(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        draft = await opens(clinic, "NOSHOW Sam")
        await clinic.ravi.writes(f"Automatic reply: {draft.subject}", **AWAY)
        await clinic.alex.writes(f"Automatic reply: {draft.subject}", **AWAY)
        await clinic.stranger.writes(f"Automatic reply: {draft.subject}", **AWAY)
        await come(clinic)
