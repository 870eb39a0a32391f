"""The same mail again, however it comes, is acted on once; another mail under the same Message-ID is another mail."""

from __future__ import annotations

import asyncio
from email.message import EmailMessage
from pathlib import Path

import pytest
from imapclient import IMAPClient

from tests.conversation import MAILBOX, Clinic
from tests.conversations.steps import come, opens
from workflow.core.mail import Place

pytestmark = pytest.mark.slow


async def again(clinic: Clinic, raw: bytes) -> None:
    await clinic.server.deliver(MAILBOX, raw, arrived_at=clinic.clock.now())
    await clinic.settled()


async def test_delivered_twice_on_two_ways(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        report = await clinic.dana.writes("NOSHOW Sam")
        draft = (await come(clinic, dana="draft", alex="alert"))["dana"]
        await again(clinic, b"Received: by a-slower-way.test; Thu, 5 Nov 2026 14:00:40 -0500\r\n" + report.as_bytes())
        unix = report.as_bytes().replace(b"\r\n", b"\n")  # servers differ on line ends
        await again(clinic, unix)
        answer = await clinic.dana.taps(draft, "RESCHEDULED")
        await come(clinic, dana="receipt", alex="update")
        await again(clinic, answer.as_bytes())
        await come(clinic)
        assert len(await clinic.server.wait_for(MAILBOX, 5, "Promptly")) == 5


async def test_copied_to_another_folder_and_back(tmp_path: Path) -> None:
    """As people do to try again, or to keep it: under a new UID it is the same mail."""
    async with Clinic(tmp_path) as clinic:
        await opens(clinic, "NOSHOW Sam")
        await clinic.server.wait_for(MAILBOX, 1, "Promptly")

        def copy_back() -> None:
            with IMAPClient("127.0.0.1", clinic.server.imap_port, ssl=False) as imap:
                imap.login(MAILBOX, "secret")
                imap.select_folder("Promptly")
                imap.copy(imap.search(), "INBOX")

        await asyncio.to_thread(copy_back)
        await clinic.settled()
        await come(clinic)
        assert len(await clinic.server.wait_for(MAILBOX, 2, "Promptly")) == 2


async def test_what_got_an_answer_and_stayed_is_not_answered_again(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        asked = await clinic.dana.writes("Lathe 15 Sam")
        await come(clinic, dana="help", alex="notice")
        stranger = await clinic.stranger.writes("LATE 15 Sam")
        await come(clinic, alex="notice")
        for mail in (asked, stranger):
            await again(clinic, mail.as_bytes())
        await come(clinic)
        assert len(await clinic.server.stored(MAILBOX)) == 4


async def test_a_reused_message_id_over_other_words_is_another_mail(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        one_id = {"Message-ID": "<always-the-same@phone.test>"}
        first = await opens(clinic, "NOSHOW Sam", **one_id)
        second = await opens(clinic, "NOSHOW Kim", **one_id)
        assert first.case != second.case
        await clinic.dana.writes(f"[{first.case}] SENT", **one_id)
        await come(clinic, dana="receipt", alex="update")
        # an id of two cases leads to neither
        await clinic.dana.writes("Re: NOSHOW", "RESCHEDULED", **{"In-Reply-To": one_id["Message-ID"]})
        await come(clinic, dana="ask")
        assert len(await clinic.store.open_cases()) == 2


async def test_without_any_id(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        report = EmailMessage()
        report["From"], report["To"], report["Subject"] = "dana@clinic.test", MAILBOX, "NOSHOW Sam"
        report["Authentication-Results"] = "mx.clinic.test; dmarc=pass header.from=clinic.test"
        report["Date"] = clinic.clock.now()
        for _ in range(2):
            await again(clinic, report.as_bytes())
        await come(clinic, dana="draft", alex="alert")
        await clinic.passes(minutes=1)
        report.replace_header("Date", "Thu, 05 Nov 2026 14:01:00 -0500")  # she sends it once more
        await again(clinic, report.as_bytes())
        await come(clinic, dana="receipt")
        assert len(await clinic.store.open_cases()) == 1


async def test_without_id_and_date_it_is_another_mail_when_it_arrives_another_day(tmp_path: Path) -> None:
    """A scanner, or a script, whose mails are alike to the letter; the same one again is known by its arrival."""
    passed = f"Authentication-Results: mx.clinic.test; dmarc=pass header.from=clinic.test\r\nTo: {MAILBOX}\r\n"
    async with Clinic(tmp_path) as clinic:
        for line in ("LATE 15 Sam", "NOSHOW Kim"):
            raw = f"{passed}From: dana@clinic.test\r\nSubject: {line}\r\n\r\n".encode()
            first_at = clinic.clock.now()
            for day in range(2):
                await clinic.server.deliver(MAILBOX, raw, arrived_at=clinic.clock.now())
                await clinic.settled()
                draft = (await come(clinic, dana="draft", alex="alert"))["dana"]
                await clinic.passes(minutes=2)
                await clinic.server.deliver(MAILBOX, raw, arrived_at=first_at)  # moved back
                await clinic.settled()
                await come(clinic)
                await clinic.dana.writes(f"[{draft.case}] OTHER done")
                await come(clinic, dana="receipt", alex="update")
                await clinic.passes(hours=24 - day)


async def test_a_renumbered_folder_is_looked_through_again_and_nothing_is_doubled(tmp_path: Path) -> None:
    """After a restore of the server every mail has another UID; some lie in the inbox that had been moved."""
    async with Clinic(tmp_path) as clinic:
        draft = await opens(clinic, "NOSHOW Sam")
        await clinic.dana.taps(draft, "SENT")
        await come(clinic, dana="receipt", alex="update")
        await clinic.dana.writes("Lathe 15 Sam")
        await come(clinic, dana="help", alex="notice")
        handled = [mail.raw for mail in await clinic.server.wait_for(MAILBOX, 2, "Promptly")]
        await clinic.stops()
        await clinic.starts(wait=False)
        await clinic.stops()
        place = clinic.store.desk.place
        assert place is not None
        await clinic.store.open()
        clinic.store.remember_place(Place(place.uidvalidity + 1, 1))  # what the daemon knew is of another numbering
        await clinic.store.close()
        for raw in handled:
            await clinic.server.deliver(MAILBOX, raw, arrived_at=clinic.clock.now())
        await clinic.starts()
        await come(clinic)
        assert len(await clinic.server.wait_for(MAILBOX, 4, "Promptly")) == 4
        assert (await clinic.only_case()).sent_at is not None
