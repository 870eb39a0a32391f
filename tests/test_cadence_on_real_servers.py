"""Reminders and escalations on Debian's Dovecot and Postfix, on a rehearsed clock: a clinic hour in half a minute."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest

from tests.daemon_process import Daemon, configure
from tests.in_time import raw
from tests.real_servers import RealServers
from workflow.core.model import LetterKind
from workflow.store.tiny.reader import TinyReader

pytestmark = [pytest.mark.slow, pytest.mark.real_servers]

CLINIC, DANA, ADMIN, LEAD = "clinic@clinic.test", "dana@clinic.test", "admin@clinic.test", "lead@clinic.test"
AT_TWO = ("--clock", "2026-11-05T14:00")
BRISK, FAST = ("--speed", "300", *AT_TWO), ("--speed", "900", *AT_TWO)
"""Five, and fifteen, clinic minutes a second."""

LAG = 2.0
"""Clinic minutes at `BRISK`: 0.4 s for decision, rendering and two cores that are busy with three servers."""


@pytest.fixture
def servers(real_servers: RealServers) -> Iterator[RealServers]:
    """With empty mailboxes, and up again afterwards."""
    real_servers.empty()
    yield real_servers


async def letters(servers: RealServers, to: str, kind: str, count: int) -> list[EmailMessage]:
    """The first `count` letters of this kind to somebody, once they are there: Postfix defers while Dovecot is away."""
    async with asyncio.timeout(60):
        while True:
            found = [mail for mail in servers.messages(to) if mail["X-Promptly-Letter"] == kind]
            if len(found) >= count:
                return found[:count]
            await asyncio.sleep(0.02)


def kinds(servers: RealServers, to: str) -> list[str]:
    return [str(mail["X-Promptly-Letter"]) for mail in servers.messages(to)]


def minutes_after(first: EmailMessage, later: EmailMessage) -> float:
    """Clinic minutes between two letters, by their Date."""
    return (written(later) - written(first)) / timedelta(minutes=1)


def written(mail: EmailMessage) -> datetime:
    return parsedate_to_datetime(str(mail["Date"]))


async def test_a_noshow_that_is_ignored_goes_to_admin_and_to_the_lead(servers: RealServers, tmp_path: Path) -> None:
    async with Daemon(configure(tmp_path, servers), *BRISK):
        await servers.send(DANA, CLINIC, "NOSHOW Sam", "")
        (draft,) = await letters(servers, DANA, "draft", 1)
        (to_lead,) = await letters(servers, LEAD, "escalation", 1)
        reminders = await letters(servers, DANA, "reminder", 3)
        (to_admin,) = await letters(servers, ADMIN, "escalation", 1)
        assert str(to_admin["Subject"]).startswith(f"[{draft['X-Promptly-Case']}] NOT YET TOLD?")
        for due, letter in zip((5, 10, 20, 10, 30), (*reminders, to_admin, to_lead), strict=True):
            assert abs(minutes_after(draft, letter) - due) < LAG, f"due after {due} minutes"
        await servers.send(ADMIN, CLINIC, f"[{draft['X-Promptly-Case']}] CONTACTED", "")
        await letters(servers, ADMIN, "receipt", 1)
        await servers.send(DANA, CLINIC, f"[{draft['X-Promptly-Case']}] RESCHEDULED", "")
        await letters(servers, DANA, "receipt", 1)
    assert kinds(servers, ADMIN).count("escalation") == 1
    assert kinds(servers, LEAD) == ["escalation"]


async def test_a_late_is_asked_for_its_outcome_once_the_session_must_be_over(
    servers: RealServers, tmp_path: Path
) -> None:
    async with Daemon(configure(tmp_path, servers), *FAST):
        await servers.send(DANA, CLINIC, "LATE 15 Sam, texted", "")
        (draft,) = await letters(servers, DANA, "draft", 1)
        (reminder,) = await letters(servers, DANA, "reminder", 1)
        assert abs(minutes_after(draft, reminder) - 70) < 3 * LAG  # 15 + 50 + 5
        asked = {"In-Reply-To": str(reminder["Message-ID"])}
        await servers.send(DANA, CLINIC, f"Re: {reminder['Subject']}", "Connected", asked)
        await letters(servers, DANA, "receipt", 1)
        updates = await letters(servers, ADMIN, "update", 1)
        assert "connected" in updates[0].get_body(("plain",)).get_content().lower()  # type: ignore[union-attr]  # it has one
    assert kinds(servers, DANA) == ["draft", "reminder", "receipt"]
    assert "escalation" not in kinds(servers, ADMIN)


async def test_postfix_away_at_the_reminders_brings_one_and_one_notice(servers: RealServers, tmp_path: Path) -> None:
    async with Daemon(configure(tmp_path, servers), *BRISK) as daemon:
        await servers.send(DANA, CLINIC, "NOSHOW Sam", "")
        (draft,) = await letters(servers, DANA, "draft", 1)
        await letters(servers, ADMIN, "alert", 1)
        servers.stop_smtp()
        try:
            await daemon.logs("smtp not reached")
            async with asyncio.timeout(40):
                while await decided(tmp_path) < 3 or not is_told(tmp_path):
                    await asyncio.sleep(0.02)
        finally:
            servers.start_smtp()
        await letters(servers, ADMIN, "notice", 1)
        await letters(servers, LEAD, "escalation", 1)
        await letters(servers, DANA, "reminder", 1)
        await servers.send(DANA, CLINIC, f"[{draft['X-Promptly-Case']}] UNREACHABLE", "")
        await letters(servers, DANA, "receipt", 1)
    assert kinds(servers, ADMIN).count("notice") == 1
    assert kinds(servers, ADMIN).count("escalation") == 1
    assert kinds(servers, DANA).count("reminder") <= 2, "what waited went as one letter; then the next hour's, at most"


async def test_dovecot_away_keeps_no_reminder_and_an_answer_in_it_is_found(
    servers: RealServers, tmp_path: Path
) -> None:
    async with Daemon(configure(tmp_path, servers), *BRISK) as daemon:
        await servers.send(DANA, CLINIC, "NOSHOW Sam", "")
        (draft,) = await letters(servers, DANA, "draft", 1)
        servers.stop_imap()
        try:
            await daemon.logs("mailbox lost")
            async with asyncio.timeout(40):
                while await decided(tmp_path) < 2 or not is_told(tmp_path):
                    await asyncio.sleep(0.02)
            # from outside: Dovecot, which checks our users' logins, is away; Postfix keeps it until then
            await servers.send_raw("dana@phone.test", CLINIC, raw(DANA, f"[{draft['X-Promptly-Case']}] RESCHEDULED"))
        finally:
            servers.start_imap()
        await letters(servers, DANA, "receipt", 1)
        await letters(servers, DANA, "reminder", 2)
        await letters(servers, ADMIN, "update", 1)
        await letters(servers, ADMIN, "notice", 1)
    assert kinds(servers, ADMIN).count("notice") == 1


async def decided(folder: Path) -> int:
    """How many reminders of the only open case are on disk."""
    cases = await TinyReader.peek(folder / "state").open_cases()
    return sum(len(case.reminders) for case in cases.values())


def is_told(folder: Path) -> bool:
    """Whether the notice of the outage is on disk: on a busy machine it may be over before it counts as one."""
    return any(letter.kind is LetterKind.NOTICE for letter in TinyReader.peek(folder / "state").desk.letters)
