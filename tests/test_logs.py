"""Log lines are for people who read them; nobody who does not may stop the daemon."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.conversation import Clinic
from tests.daemon_process import ROOT
from workflow.logs import AGAIN, Repeated

pytestmark = pytest.mark.slow

TALK = """
import structlog
from workflow import logs
logs.set_up()
for number in range(5000):
    structlog.get_logger().info("a line", number=number)
print("said")
"""


def test_a_reader_that_does_not_read_costs_lines_and_nothing_else() -> None:
    talker = subprocess.Popen(
        [sys.executable, "-c", TALK], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert talker.stdout is not None
    assert talker.stdout.readline() == "said\n"  # 5,000 lines are more than a pipe holds
    _, lines = talker.communicate(timeout=10)
    assert json.loads(lines.splitlines()[0])["event"] == "a line"


def test_a_reader_that_went_away_does_not_matter() -> None:
    talker = subprocess.Popen(
        [sys.executable, "-c", TALK], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert talker.stderr is not None
    talker.stderr.close()
    assert talker.wait(timeout=10) == 0


TROUBLE = """
import logging, warnings
import structlog
from workflow import logs
logs.set_up()
structlog.get_logger().warning("ours", case="K7Q2")
logging.getLogger("imapclient").info("dana@clinic.test, at length")
logging.getLogger("aiosmtplib").warning("dana@clinic.test said %s", "Sam P.")
warnings.warn("Sam P.")
try:
    raise KeyError("Sam P.")
except KeyError:
    logging.getLogger("asyncio").exception("Sam P.")
raise ValueError("Sam P.")
"""


def said(program: str, stderr: int, **environment: str) -> int:
    """Run a program with this standard error; its exit code."""
    return subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, stderr=stderr, env={**os.environ, **environment}, check=False
    ).returncode


def test_libraries_and_last_words_are_lines_like_ours_without_their_text(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w+") as log:
        assert said(TROUBLE, log.fileno()) == 1
        log.seek(0)
        text = log.read()
    lines = [json.loads(line) for line in text.splitlines()]
    assert [(line["event"], line["level"], line.get("library"), line.get("error")) for line in lines] == [
        ("ours", "warning", None, None),
        ("a library warns", "warning", "aiosmtplib", None),
        ("a library warns", "warning", "py.warnings", None),
        ("a library warns", "error", "asyncio", "KeyError"),
        ("ended by an error", "critical", None, "ValueError"),
    ]
    assert not [word for word in ("Sam", "dana") if word in text]


def test_the_journal_is_told_how_bad_it_is(tmp_path: Path) -> None:
    with (tmp_path / "journal").open("w+") as journal:
        found = os.fstat(journal.fileno())
        said(TROUBLE, journal.fileno(), JOURNAL_STREAM=f"{found.st_dev}:{found.st_ino}")
        journal.seek(0)
        lines = journal.read().splitlines()
    assert [line[:3] for line in lines] == ["<4>", "<4>", "<4>", "<3>", "<2>"]
    assert json.loads(lines[0][3:])["case"] == "K7Q2"


def test_a_terminal_gets_text() -> None:
    ours, theirs = pty.openpty()
    said(TROUBLE, theirs)
    os.close(theirs)
    text = os.read(ours, 65536).decode()
    os.close(ours)
    assert "K7Q2" in text
    assert "{" not in text


def test_an_outage_is_a_line_at_first_for_another_reason_and_each_minute() -> None:
    seconds = [0.0]
    loss = Repeated(lambda: seconds[0])
    assert [loss.is_news("unreachable"), loss.is_news("unreachable"), loss.is_news("timeout")] == [True, False, True]
    seconds[0] += AGAIN
    assert [loss.is_news("timeout"), loss.is_news("timeout")] == [True, False]
    loss.end()
    assert loss.is_news("timeout")


async def test_each_decision_is_one_line(tmp_path: Path) -> None:
    with capture_logs() as lines:
        async with Clinic(tmp_path) as clinic:
            await clinic.dana.writes("NOSHOW Sam")
            await clinic.alex.gets("alert")
            draft = await clinic.dana.gets("draft")
            await clinic.passes(minutes=5)
            await clinic.dana.gets("reminder")
            await clinic.dana.writes("lunch on Friday")
            await clinic.dana.replies(draft, "RESCHEDULED Tue 3pm")
            await clinic.alex.gets("update")
            await clinic.dana.gets("receipt")
            clinic.server.refuse("ravi@clinic.test", "550 5.1.1 No such user")
            await clinic.ravi.writes("LATE 15 Kim")
            for kind in ("alert", "notice"):
                await clinic.alex.gets(kind)
    decisions = [line for line in lines if "ms" in line]
    *others, refused = decisions
    assert [(line["event"], line.get("case") == draft.case, line["letters"]) for line in others] == [
        ("opened noshow", True, "alert draft"),
        ("due", True, "reminder"),
        ("untagged", False, ""),
        ("answer OUTCOME", True, "update receipt"),
        ("opened late", False, "alert draft"),
    ]
    assert (refused["event"], refused["log_level"], refused["kind"]) == ("letter refused", "warning", "draft")
    assert "notice" in refused["letters"]
    assert refused["reason"]
    sent = [line for line in lines if line["event"] == "letter sent"]
    assert len(sent) == 7
    assert all(timedelta(seconds=line["after"]) < timedelta(minutes=1) for line in sent)
