"""The demo as a newcomer runs it: a process of its own, no account, no network beyond loopback."""

from __future__ import annotations

import asyncio
import imaplib
import re
import signal
import smtplib
import sys

import pytest

import daemon
from tests.daemon_process import ROOT

LIMIT = 30.0
"""Seconds (README, and what a newcomer waits for)."""


async def demo(*options: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, str(ROOT / "daemon.py"), "demo", *options, stdout=asyncio.subprocess.PIPE, cwd=ROOT
    )


@pytest.mark.parametrize("library", ["aiosmtpd", "pymap"])
def test_a_clinics_installation_says_where_the_demo_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], library: str
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    assert daemon.main(["demo"]) == 2
    told = capsys.readouterr().err
    assert "make demo" in told
    assert told.count("\n") == 1


@pytest.mark.slow
async def test_it_plays_both_cases_to_their_outcome_and_ends_by_itself() -> None:
    process = await demo()
    async with asyncio.timeout(LIMIT):
        said, _ = await process.communicate()
    text = said.decode()
    assert process.returncode == 0, text[-2000:]
    for title in ("alert to Alex", "draft to Dana", "reminder to Ravi", "escalation to Alex", "receipt to Ravi"):
        assert title in text
    assert "Both cases are closed." in text


@pytest.mark.slow
async def test_keep_leaves_the_server_up_for_a_mail_client() -> None:
    process = await demo("--keep")
    assert process.stdout is not None
    text = ""
    async with asyncio.timeout(LIMIT):
        while "Every mail that passes" not in text:
            text += (await process.stdout.readline()).decode()
    found = re.search(r"IMAP 127\.0\.0\.1 port (\d+)\s+SMTP 127\.0\.0\.1 port (\d+)", text)
    assert found is not None, text
    imap_port, smtp_port = int(found[1]), int(found[2])

    def write() -> None:
        with smtplib.SMTP("127.0.0.1", smtp_port) as smtp:
            mail = "From: dana@clinic.test\nTo: clinic@clinic.test\nSubject: LATE 15 Sam\n\n"
            smtp.sendmail("dana@clinic.test", "clinic@clinic.test", mail)

    def letters() -> int:
        with imaplib.IMAP4("127.0.0.1", imap_port) as imap:
            imap.login("dana@clinic.test", "demo")
            _, count = imap.select("INBOX", readonly=True)
            return int(count[0] or b"0")

    await asyncio.to_thread(write)
    async with asyncio.timeout(LIMIT):
        while "draft to Dana" not in text:
            text += (await process.stdout.readline()).decode()
    assert await asyncio.to_thread(letters) == 1
    process.send_signal(signal.SIGINT)
    async with asyncio.timeout(LIMIT):
        await process.communicate()
    assert process.returncode == 0
