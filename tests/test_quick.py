"""``check --quick``: whether a daemon lives and reaches its servers, asked from outside and without network."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import daemon
from tests.configuration import configure
from tests.conversation import Clinic
from tests.in_time import happens
from tests.premises import Premises, premises
from workflow.store import Alive
from workflow.store.tiny.daemon_link import STALE, TinyDaemonLink

__all__ = ["premises"]

NOW = datetime(2026, 11, 5, 19, 0, tzinfo=UTC)
NOBODY = 2**22 - 1
"""A process id that is never given away: pids end below it."""

Quick = Callable[[], tuple[int, str]]


@pytest.fixture
def quick(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Quick:
    """`check --quick` on a configuration whose servers do not exist; gives its exit code and its line."""
    config = configure(tmp_path)
    (tmp_path / "state").mkdir()

    def ask() -> tuple[int, str]:
        code = daemon.main(["check", "--quick", "--config", str(config)])
        printed = capsys.readouterr()
        return code, printed.out + printed.err

    return ask


def said(folder: Path, **other: object) -> None:
    """What a daemon left in its alive file; without `other`, that all is well."""
    facts = {"pid": os.getpid(), "connected": True, "last_seen_at": NOW - timedelta(seconds=12), "now": NOW} | other
    TinyDaemonLink(folder / "state").say(Alive(**facts))  # type: ignore[arg-type]  # a test names its facts


class TestIsWell:
    def test_when_a_daemon_lives_and_saw_the_mailbox(self, tmp_path: Path, quick: Quick) -> None:
        said(tmp_path)
        code, line = quick()
        assert code == 0
        assert "12 s ago" in line

    def test_in_an_outage_that_has_just_begun(self, tmp_path: Path, quick: Quick) -> None:
        away = NOW - timedelta(minutes=5)
        said(tmp_path, connected=False, last_seen_at=away, unsent_since=away)
        assert quick()[0] == 0

    def test_in_a_fast_rehearsal(self, tmp_path: Path, quick: Quick) -> None:
        said(tmp_path, last_seen_at=NOW - timedelta(minutes=30), speed=60.0)
        assert quick()[0] == 0


class TestFails:
    @pytest.mark.parametrize(
        ("facts", "advice"),
        [
            ({"pid": NOBODY}, "no daemon lives"),
            ({"last_seen_at": None}, "has not reached the mailbox yet"),
            ({"last_seen_at": NOW - timedelta(minutes=7)}, "last looked through 7 minutes ago"),
            ({"unsent_since": NOW - timedelta(hours=1)}, "no letter has left for 60 minutes"),
            ({"unsent_since": NOW - timedelta(minutes=8), "speed": 300.0}, "no letter has left for 8 minutes"),
        ],
    )
    def test_and_says_why(self, tmp_path: Path, quick: Quick, facts: dict[str, object], advice: str) -> None:
        said(tmp_path, **facts)
        code, line = quick()
        assert code == 1
        assert advice in line

    def test_where_there_was_never_a_daemon(self, quick: Quick) -> None:
        assert quick()[0] == 1

    def test_where_a_daemon_stopped_speaking(self, tmp_path: Path, quick: Quick) -> None:
        said(tmp_path)
        long_ago = (tmp_path / "state" / "alive.json").stat().st_mtime - STALE - 1
        os.utime(tmp_path / "state" / "alive.json", (long_ago, long_ago))
        assert quick()[0] == 1

    def test_with_2_on_a_faulty_configuration_that_no_daemon_goes_by(self, tmp_path: Path, quick: Quick) -> None:
        (tmp_path / "config.toml").write_text("[clinic]\n")
        code, lines = quick()
        assert code == 2
        assert "clinic.timezone: is needed" in lines


class TestAFaultyFileBesideADaemon:
    """Is told, and raises no alarm: the daemon goes on by what it read before."""

    @pytest.mark.parametrize(
        ("fault", "key"),
        [
            ('colour = "blue"\n', "associates[2].colour"),
            ("[quiet]\nfrom = 9pm\n", "line"),
            ("name = \u201cDana Lee\u201d\n", "line"),
        ],
    )
    def test_leaves_it_well(self, tmp_path: Path, quick: Quick, fault: str, key: str) -> None:
        said(tmp_path)
        path = tmp_path / "config.toml"
        path.write_text(f'{path.read_text()}{fault}[store]\nurl = "tinydb:state"\n')
        code, lines = quick()
        assert code == 0
        assert "the mailbox was looked through 12 s ago" in lines
        assert "1 fault" in lines
        assert key in lines
        assert "The daemon lives" in lines

    def test_hides_no_outage(self, tmp_path: Path, quick: Quick) -> None:
        said(tmp_path, unsent_since=NOW - timedelta(hours=1))
        (tmp_path / "config.toml").write_text("[clinic]\n")
        assert quick()[0] == 1

    @pytest.mark.parametrize("store", ['[store\nurl = "tinydb:elsewhere"\n', "[store]\nurl = tinydb:state\n"])
    def test_that_hides_which_state_is_meant_is_2(self, tmp_path: Path, quick: Quick, store: str) -> None:
        said(tmp_path)
        path = tmp_path / "config.toml"
        path.write_text(path.read_text() + store)
        assert quick()[0] == 2


@pytest.mark.slow
class TestBesideADaemon:
    async def test_it_is_well_and_fails_when_that_was_killed(self, premises: Premises) -> None:
        async with premises.daemon() as running:
            assert (await premises.promptly("check", "--quick"))[0] == 0
            await running.kill()
        assert (await premises.promptly("check", "--quick"))[0] == 1

    async def test_a_restart_in_an_outage_does_not_hide_how_long_it_lasts(self, tmp_path: Path) -> None:
        async with Clinic(tmp_path) as clinic:
            await clinic.server.down_imap()
            await clinic.stops()
            clinic.clock.move(timedelta(minutes=20))
            await clinic.starts(wait=False)
            await happens(lambda: clinic.service.alive().silent_for == timedelta(minutes=20))
            await clinic.server.up_imap()
            await clinic.settled()
            assert clinic.service.alive().silent_for == timedelta(0)
