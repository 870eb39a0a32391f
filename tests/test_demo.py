"""The demo as a newcomer runs it: a process of its own, no account, no network beyond loopback."""

from __future__ import annotations

import asyncio
import imaplib
import io
import re
import signal
import smtplib
import sys
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import pytest
from rich.console import Console

import daemon
from tests.daemon_process import ROOT
from workflow.clock import RehearsalClock
from workflow.verbs.demo import Stage
from workflow.verbs.server import Passed

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
    titles = ("alert to Alex", "draft to Dana", "reminder to Ravi", "escalation to Alex", "receipt to Ravi")
    for title in titles:
        assert title in text
    assert "Both cases are closed." in text
    assert "\x1b" not in text, "nothing but text, where it is no terminal"
    letters = [line for line in text.splitlines() if re.match(r"\d\d:\d\d  \w+ to ", line)]
    assert len(letters) > 10
    assert all(re.search(r"admin: \[|associate: \[", line) for line in letters)
    assert text.count("=== Please answer above this line ===") == 1, "the first draft alone stands there whole"
    pages = {Path(name).name: Path(name).read_text(encoding="utf-8") for name in re.findall(r"file://(\S+)", text)}
    assert pages.keys() == {"board-unanswered.html", "board.html", "month.html"}
    assert "<b>1 needs somebody now</b>, 2 open" in pages["board-unanswered.html"]
    assert "Closed today: 2" in pages["board.html"]
    assert pages["month.html"].count("<circle") == 2
    assert '1</b><i class="within"></i>' in pages["month.html"]


@pytest.mark.slow
async def test_on_wish_every_letter_is_printed_whole() -> None:
    process = await demo("--full")
    async with asyncio.timeout(LIMIT):
        said, _ = await process.communicate()
    text = said.decode()
    assert process.returncode == 0, text[-2000:]
    assert text.count("=== Please answer above this line ===") > 10


def stage_on(out: io.StringIO, *, terminal: bool, width: int = 80) -> Stage:
    """A scene at 1:57 pm."""
    console = Console(file=out, width=width, force_terminal=terminal, force_interactive=terminal, color_system=None)
    return Stage(console, RehearsalClock(datetime(2026, 11, 5, 18, 57, tzinfo=UTC), 1), full=False)


def shown(letters: list[EmailMessage], width: int = 80) -> list[str]:
    """What a terminal shows of these letters to Alex."""
    out = io.StringIO()
    stage = stage_on(out, terminal=True, width=width)
    for letter in letters:
        stage.passing(Passed("clinic@clinic.test", ("alex@clinic.test",), letter.as_bytes()))
    return out.getvalue().splitlines()


def test_the_clock_runs_on_a_terminal_alone() -> None:
    for terminal in (True, False):
        out = io.StringIO()
        with stage_on(out, terminal=terminal).clock_line():
            pass
        assert ("13:57:0" in out.getvalue()) == terminal


def test_a_letter_takes_two_lines_of_a_terminal() -> None:
    letter = EmailMessage()
    letter["Subject"], letter["X-Promptly-Letter"] = "[K7Q2] LATE: Dana L. - S.", "alert"
    letter.set_content("Dana Lee expects to be " + "very " * 40 + "late.\n\nNothing else.\n")
    first, second = shown([letter])
    assert first == "13:57  alert to Alex, admin: [K7Q2] LATE: Dana L. - S."
    assert second.startswith("       Dana Lee expects to be very")
    assert len(second) == 80
    written = EmailMessage()
    written["Subject"] = "LATE 15 Sam"
    assert len(shown([written])) == 1
    assert " ".join("\n".join(shown([written], 40)).split()).endswith("writes: LATE 15 Sam"), "theirs stands whole"


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
