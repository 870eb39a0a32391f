"""Log lines are for people who read them; nobody who does not may stop the daemon."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.daemon_process import ROOT

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
