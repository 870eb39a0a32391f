"""`make install` and `make uninstall`, into a folder that takes the place of / (DESTDIR).

Without the libraries, which come over the network: `install-files` is the rest of it.
"""

from __future__ import annotations

import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.daemon_process import ROOT
from workflow import VERSION

pytestmark = pytest.mark.slow

UNITS = ["promptly-alarm@.service", "promptly-check.service", "promptly-check.timer", "promptly.service"]


def make(target: str, root: Path) -> None:
    subprocess.run(
        ["make", "--silent", target, f"DESTDIR={root}"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
        umask=0o077,
    )


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The machine, installed by somebody whose files nobody else may read."""
    make("install-files", tmp_path)
    return tmp_path


def test_program_units_and_command_are_there_for_the_service_to_read(root: Path) -> None:
    assert sorted(path.name for path in (root / "etc/systemd/system").iterdir()) == UNITS
    assert mode(root / "usr/local/bin/promptly") == 0o755
    installed = [path for path in root.rglob("*") if path.name != "mailbox.password"]
    assert not [path for path in installed if mode(path) & 0o055 != 0o055 and path.is_dir()]
    assert not [path for path in installed if mode(path) & 0o044 != 0o044]
    assert not list(root.rglob("__pycache__")) + list(root.rglob("tests"))


def test_it_runs_and_asks_for_the_password_alone(root: Path) -> None:
    program = root / "opt/promptly/daemon.py"
    command = [sys.executable, "-B", str(program), "check", "--config", str(root / "etc/promptly/config.toml")]
    checked = subprocess.run(command, capture_output=True, text=True, cwd="/", check=False)
    assert checked.returncode == 2
    assert [line.split(":")[0].strip() for line in checked.stderr.splitlines()[1:]] == [
        "mailbox.password_file",
        "smtp.password_file",
    ]


def test_the_state_goes_where_the_service_may_write(root: Path) -> None:
    found = tomllib.loads((root / "etc/promptly/config.toml").read_text())
    assert found["store"]["url"] == "tinydb:/var/lib/promptly"
    example = tomllib.loads((ROOT / "config.example.toml").read_text())
    assert found | {"store": None} == example | {"store": None}


def test_the_password_is_for_root_alone(root: Path) -> None:
    assert mode(root / "etc/promptly/mailbox.password") == 0o600


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["status"], ["status", "--config", "/etc/promptly/config.toml"]),
        (["show", "K7Q2"], ["show", "--config", "/etc/promptly/config.toml", "K7Q2"]),
        (["erase", "K7Q2", "--yes"], ["erase", "--config", "/etc/promptly/config.toml", "K7Q2", "--yes"]),
        (["restore", "a copy"], ["restore", "--config", "/etc/promptly/config.toml", "a copy"]),
        (["demo", "--keep"], ["demo", "--keep"]),
        (["--version"], ["--version"]),
        ([], ["--help"]),
    ],
)
def test_the_command_hands_on_what_it_is_told(root: Path, words: list[str], said: list[str]) -> None:
    command = (root / "usr/local/bin/promptly").read_text()
    told = root / "told"
    told.write_text('#!/bin/sh\nshift\nprintf "%s\\n" "$PROMPTLY_CALLED" "$@"\n')
    told.chmod(0o755)
    script = command.replace("/opt/promptly/.venv/bin/python", str(told))
    found = subprocess.run(["sh", "-c", script, "promptly", *words], capture_output=True, text=True, check=True)
    assert found.stdout.splitlines() == ["promptly", *said]


def test_the_version_is_that_of_the_package() -> None:
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == VERSION


def test_pip_is_refused_with_the_way_that_works() -> None:
    refused = subprocess.run([sys.executable, "setup.py"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert refused.returncode != 0
    assert "make install" in refused.stderr


def test_an_upgrade_keeps_configuration_and_password_and_leaves_no_old_module(root: Path) -> None:
    kept = {root / "etc/promptly/config.toml": "# ours\n", root / "etc/promptly/mailbox.password": "secret\n"}
    for path, text in kept.items():
        path.write_text(text)
    old = root / "opt/promptly/workflow/old.py"
    old.touch()
    make("install-files", root)
    assert {path: path.read_text() for path in kept} == kept
    assert not old.exists()


def test_uninstall_leaves_configuration_password_and_state(root: Path) -> None:
    case = root / "var/lib/promptly/open/K7Q2.json"
    case.parent.mkdir(parents=True)
    case.touch()
    make("uninstall", root)
    left = {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}
    assert left == {"etc/promptly/config.toml", "etc/promptly/mailbox.password", "var/lib/promptly/open/K7Q2.json"}
