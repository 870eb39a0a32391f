"""The units: what systemd says of them, and what they promise.

Where Debian's `systemd` is not installed, its own judgement is left out; `REQUIRE_REAL_SERVERS=1` makes that a failure.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon_process import ROOT
from tests.rows import each

MOST_EXPOSED = 20
"""Tenths on the scale of ``systemd-analyze security``, where 100 is a service that may do everything."""


def analyze(*words: str) -> subprocess.CompletedProcess[str]:
    if shutil.which("systemd-analyze") is None:
        if os.environ.get("REQUIRE_REAL_SERVERS"):
            pytest.fail("systemd-analyze is not installed")
        pytest.skip("systemd-analyze is not installed: what systemd says of the units is left out")
    return subprocess.run(["systemd-analyze", *words], capture_output=True, text=True, check=False)


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units with the interpreter of these tests, for systemd looks whether what they start is there."""
    for unit in (ROOT / "systemd").glob("promptly*.*"):
        text = unit.read_text().replace("/opt/promptly/.venv/bin/python", sys.executable)
        (tmp_path / unit.name).write_text(text)
    return tmp_path


def settings(unit: str) -> Iterator[tuple[str, str]]:
    for line in (ROOT / "systemd" / unit).read_text().splitlines():
        key, is_setting, value = line.partition("=")
        if is_setting and not key.startswith("#"):
            yield key, value


def test_systemd_finds_nothing_wrong_with_them(units: Path) -> None:
    found = analyze("verify", "--man=no", *map(str, sorted(units.iterdir())))
    assert (found.returncode, found.stdout + found.stderr) == (0, "")


@each("unit", ["promptly.service", "promptly-check.service", "promptly-alarm@.service"])
def test_they_may_do_little(units: Path, unit: str) -> None:
    found = analyze("security", "--no-pager", "--offline=true", f"--threshold={MOST_EXPOSED}", str(units / unit))
    assert found.returncode == 0, found.stdout


@each(
    ("key", "value"),
    [
        ("Type", "notify"),
        ("TimeoutStartSec", "infinity"),
        ("WatchdogSec", "60"),
        ("Restart", "always"),
        ("StartLimitIntervalSec", "0"),
        ("RestartPreventExitStatus", "2 4"),
        ("DynamicUser", "yes"),
        ("StateDirectory", "promptly"),
        ("LoadCredential", "mailbox.password:/etc/promptly/mailbox.password"),
        ("ExecReload", "/bin/sh -c 'kill -HUP $MAINPID'"),  # /bin/kill is of a package that nothing pulls in
        ("OnFailure", "promptly-alarm@%N.service"),
    ],
)
def test_the_service_goes_on_by_itself_unless_a_human_is_needed(key: str, value: str) -> None:
    assert [known for name, known in settings("promptly.service") if name == key] == [value]


def test_the_operator_hears_of_a_silent_daemon() -> None:
    check = dict(settings("promptly-check.service"))
    assert "check --quick" in check["ExecStart"]
    assert check["OnFailure"] == "promptly-alarm@%N.service"
    timer = dict(settings("promptly-check.timer"))
    assert timer["OnUnitActiveSec"] == "5min"
    assert "PartOf" not in timer  # or a daemon that is restarted again and again would put the question off for ever
