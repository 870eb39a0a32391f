"""`check --send`: the test letter's whole way, beside a daemon that leaves it alone."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.check.looking import ADMIN, DANA, config, look, premises, with_mailbox, with_smtp
from tests.conversation import MAILBOX, Clinic
from tests.daemon_process import Daemon, configure, letter
from tests.premises import Premises
from tests.real_servers import RealServers
from tests.scripted_imap import ScriptedImap
from workflow.config import Config, load
from workflow.mail.smtp import allowance
from workflow.verbs.check import sending
from workflow.verbs.check.finding import Level

pytestmark = pytest.mark.slow

__all__ = ["config", "premises"]


async def test_send_goes_the_whole_way_beside_a_daemon_that_leaves_it_alone(tmp_path: Path) -> None:
    async with Clinic(tmp_path) as clinic:
        config = load(clinic.config_file)
        found = await look(config, send=True)
        assert found.failed == []
        assert found.parts[-4:] == ["test letter", "test letter", "clock", "test letter to admin"]
        assert found["test letter"].text.endswith("; moved to Promptly")
        await clinic.settled()
        assert await clinic.server.messages(MAILBOX) == []
        (put_away,) = await clinic.server.messages(MAILBOX, "Promptly")
        assert b"X-Promptly-Letter: test" in put_away
        test = await clinic.alex.gets("test")
        assert test.first_line == "Nothing to do: this is a test of the mail's way."
        assert await clinic.store.open_cases() == {}


async def test_a_daemon_that_reads_a_test_letter_first_does_nothing_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "ARRIVAL_MOST", 0.0)  # nobody waits for it: it stays
    monkeypatch.setattr("workflow.verbs.check.mailbox.Mailbox.find", lambda *_: None)
    async with Clinic(tmp_path, shared=False) as clinic:
        found = await look(load(clinic.config_file), send=True)
        assert found.failed == ["test letter"]
        assert "did not arrive in INBOX" in found["test letter"].text
        await clinic.settled()
        (lies,) = await clinic.server.stored(MAILBOX)
        assert (b"X-Promptly-Letter: test" in lies.raw, lies.flags) == (True, frozenset())
        await clinic.alex.gets("test")


async def test_send_marks_in_place_where_nothing_is_moved(premises: Premises, config: Config) -> None:
    found = await look(with_mailbox(config, handled_folder=""), send=True)
    assert found.failed == []
    assert found["test letter"].text.endswith("it stays in the folder: delete it")
    assert found["clock"].text == "as by the mail server's, which dated the test letter"
    (stored,) = await premises.server.stored(MAILBOX)
    assert "$Promptly" in stored.flags


@pytest.mark.parametrize("seconds", [-60, 60, 86_400])
async def test_a_clock_that_is_off_by_a_minute_or_more(premises: Premises, config: Config, seconds: int) -> None:
    """The test letter passes through an honest server, and is dated by one whose clock is off."""
    async with ScriptedImap() as server:

        async def date() -> None:
            (letter,) = await premises.server.wait_for(MAILBOX, 1)
            server.put(letter.raw, datetime.fromtimestamp(time.time(), UTC) + timedelta(seconds=seconds))

        found, _ = await asyncio.gather(look(with_mailbox(config, port=server.port), send=True), date())
    assert found.failed == ["clock"]
    assert f"{'behind' if seconds > 0 else 'ahead of'} the mail server" in found["clock"].text
    assert "timedatectl set-ntp true" in found["clock"].advice


def replaced(raw: bytes) -> bytes:
    return re.sub(rb"(?im)^Message-ID: .*(\r\n[ \t].*)*", b"Message-ID: <0100018b@eu-west-1.cloud.test>", raw)


@pytest.mark.parametrize(
    ("on_the_way", "arrives"),
    [
        (replaced, True),
        (lambda raw: re.sub(rb"(?im)^Message-ID: .*\r\n", b"", raw), True),
        (lambda raw: re.sub(rb"(?im)^X-Promptly-Letter: test", b"X-Promptly-Letter: digest", replaced(raw)), False),
        (lambda raw: re.sub(rb"(?im)^X-Promptly-Loop: .*?\r", b"X-Promptly-Loop: another\r", replaced(raw)), False),
        (lambda raw: re.sub(rb"(?im)^Message-ID: <desk\.", b"Message-ID: <desk.0", raw), False),
    ],
)
async def test_the_letter_is_known_by_our_mark_when_a_relay_gives_it_another_id(
    premises: Premises,
    config: Config,
    monkeypatch: pytest.MonkeyPatch,
    on_the_way: Callable[[bytes], bytes],
    arrives: bool,
) -> None:
    if not arrives:
        monkeypatch.setattr(sending, "ARRIVAL_MOST", 2.0)
    async with ScriptedImap() as server:

        async def relay() -> None:
            (letter,) = await premises.server.wait_for(MAILBOX, 1)
            server.put(on_the_way(letter.raw), datetime.fromtimestamp(time.time(), UTC))

        found, _ = await asyncio.gather(look(with_mailbox(config, port=server.port), send=True), relay())
    assert found.failed == ([] if arrives else ["test letter"])


async def test_send_says_what_was_refused_and_tries_admin_all_the_same(premises: Premises, config: Config) -> None:
    premises.server.refuse(MAILBOX, "550 5.7.1 Not to yourself", stage="RCPT")
    found = await look(config, send=True)
    assert found.failed == ["test letter"]
    assert found["test letter"].text == "not accepted: RCPT 550"
    assert [passed.recipients for passed in premises.server.passed] == [(ADMIN,)]


async def test_the_second_letter_waits_where_one_a_minute_may_go(
    premises: Premises, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(allowance, "MINUTE", timedelta(seconds=2))
    found = await look(with_smtp(config, per_minute=1), send=True)
    assert found.failed == []
    waited = [finding for finding in found.findings if finding.text.startswith("waits for ")]
    assert [finding.text for finding in waited] == ["waits for 2 seconds, for smtp.per_minute is 1"]


async def test_nothing_is_sent_when_a_server_fails(premises: Premises, config: Config) -> None:
    found = await look(with_mailbox(config, folder="Reports"), send=True)
    assert found["test letter"].level is Level.SKIPPED
    assert not premises.server.passed


@pytest.mark.slow
@pytest.mark.real_servers
async def test_on_real_servers_beside_a_running_daemon(real_servers: RealServers, tmp_path: Path) -> None:
    real_servers.empty()
    config = configure(tmp_path, real_servers)
    async with Daemon(config) as running:
        await real_servers.send(DANA, MAILBOX, "NOSHOW Sam", "")
        await letter(real_servers, DANA, "draft")
        found = await look(load(config), send=True)
        assert found.failed == [], [str(found[part]) for part in found.failed]
        await letter(real_servers, ADMIN, "test")
        assert real_servers.messages(MAILBOX) == []
        kept = [mail["X-Promptly-Letter"] for mail in real_servers.messages(MAILBOX, "Promptly")]
        assert sorted(kept, key=str) == [None, "test"]
        await running.stop()
    assert [mail["X-Promptly-Letter"] for mail in real_servers.messages(DANA)] == ["draft"]


@pytest.mark.slow
async def test_as_a_command(premises: Premises) -> None:
    code, out, _ = await premises.promptly("check", "--send")
    assert code == 0, out
    assert "\nok    test letter: arrived after " in out
    assert "\nok    test letter to admin: handed to SMTP for admin@clinic.test" in out
    assert len(await premises.server.messages(ADMIN)) == 1
    assert await premises.server.messages(MAILBOX) == []
