"""`check` on the mailbox: login, folders, what the server can do, its clock, and who would be believed."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from tests.check.looking import DANA, config, look, premises, receive, with_mailbox
from tests.conversation import MAILBOX
from tests.daemon_process import ROOT
from tests.in_time import raw
from tests.premises import Premises
from tests.scripted_imap import ALL, ScriptedImap
from tests.watched import NOON, a_mail
from workflow.config import Config, load
from workflow.config.keys import Trust
from workflow.verbs.check import explain
from workflow.verbs.check.finding import Level

pytestmark = pytest.mark.slow

__all__ = ["config", "premises"]


async def test_a_password_that_cannot_be_read(premises: Premises, config: Config) -> None:
    (premises.folder / "password").unlink()
    found = await look(config)
    assert found["IMAP login"].text == "the password cannot be read (No such file or directory)"


async def test_a_folder_that_is_missing_comes_with_those_that_are_there(config: Config) -> None:
    found = await look(with_mailbox(config, folder="Reports"))
    assert found.failed == ["IMAP folder"]
    assert found["IMAP folder"].text == "there is no folder Reports"
    assert found["IMAP folder"].advice == "Write mailbox.folder as one of these: INBOX."
    assert "SMTP recipients" in found.of(Level.OK)


async def test_a_handled_folder_is_made_once(premises: Premises, config: Config) -> None:
    assert (await look(config))["IMAP handled folder"].text == "Promptly, which was missing and is made now"
    assert (await look(config))["IMAP handled folder"].text == "Promptly"


async def test_a_handled_folder_that_cannot_be_made(config: Config) -> None:
    async with ScriptedImap() as server:
        server.refuse("CREATE", "NO not allowed", "NO not allowed")
        found = await look(with_mailbox(config, port=server.port))
    assert found.failed == ["IMAP handled folder"]
    assert "cannot be made" in found["IMAP handled folder"].text


@pytest.mark.parametrize(
    ("capabilities", "permanent", "handled_folder", "levels"),
    [
        ("IMAP4rev1 MOVE UIDPLUS", r"\*", "Promptly", {"IMAP IDLE": "warn"}),
        ("IMAP4rev1 IDLE UIDPLUS", r"\*", "Promptly", {"IMAP MOVE": "warn"}),
        ("IMAP4rev1 IDLE", r"\*", "Promptly", {"IMAP MOVE": "warn"}),
        ("IMAP4rev1 IDLE", r"\Seen", "Promptly", {"IMAP MOVE": "FAIL", "IMAP keywords": "warn"}),
        ("IMAP4rev1 IDLE MOVE UIDPLUS", r"\Seen", "Promptly", {"IMAP keywords": "warn"}),
        ("IMAP4rev1 IDLE MOVE UIDPLUS", r"\Seen", "", {"IMAP keywords": "FAIL"}),
        ("IMAP4rev1 IDLE MOVE UIDPLUS", r"\*", "", {}),
    ],
)
async def test_what_a_server_cannot_do(
    premises: Premises,
    config: Config,
    capabilities: str,
    permanent: str,
    handled_folder: str,
    levels: dict[str, str],
) -> None:
    async with ScriptedImap(capabilities=f"{capabilities} AUTH=PLAIN", permanent=permanent) as server:
        found = await look(with_mailbox(config, port=server.port, handled_folder=handled_folder))
        odd = {one.part: str(one.level) for one in found.findings if one.level is not Level.OK and one.part != "trust"}
        assert odd == levels
        assert not server.mails, "to look leaves nothing behind"


@pytest.mark.parametrize(
    ("answer", "level", "text"),
    [
        ("echo yes", Level.OK, "; set by the network"),
        ("echo no", Level.WARN, "; this machine does not set its clock by the network"),
        ("exit 1", Level.OK, "; check --send compares it with the mail server's"),
    ],
)
async def test_the_clock_is_as_good_as_this_machine_says(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str, level: Level, text: str
) -> None:
    asked = tmp_path / "bin" / "timedatectl"
    asked.parent.mkdir()
    asked.write_text(f"#!/bin/sh\n{answer}\n")
    asked.chmod(0o755)
    monkeypatch.setenv("PATH", str(asked.parent))
    clock = (await look(config))["clock"]
    assert (clock.level, clock.text[-len(text) :]) == (level, text)
    assert ("timedatectl set-ntp true" in clock.advice) == (level is Level.WARN)


@pytest.mark.parametrize(
    ("quota", "failed"),
    [
        ('"" (STORAGE 1000 1024)', ["IMAP quota"]),
        ('"" (STORAGE 2000 1024)', ["IMAP quota"]),
        ('"" (STORAGE 10 1024 MESSAGE 99 100)', []),
        ("", []),
    ],
)
async def test_a_mailbox_in_which_no_mail_fits(config: Config, quota: str, failed: list[str]) -> None:
    async with ScriptedImap(capabilities=f"{ALL} QUOTA") as server:
        server.quota = quota
        found = await look(with_mailbox(config, port=server.port))
    assert found.failed == failed


@pytest.mark.parametrize(
    ("habit", "text"),
    [
        ("breaking", "the newest mail but 1 (UID 2) cannot be had: the server breaks off"),
        ("poison", "the newest mail but 1 (UID 2) cannot be had: the server refuses"),
        ("blank", "the newest mail but 1 (UID 2) cannot be had: the server lists it"),
    ],
)
async def test_a_mail_that_cannot_be_had_is_named(config: Config, habit: str, text: str) -> None:
    async with ScriptedImap() as server:
        for _ in range(3):
            server.put(a_mail(), NOON)
        setattr(server, habit, {2})
        found = await look(with_mailbox(config, port=server.port))
        assert found.failed[0] == "IMAP mails"
        assert any(finding.text.startswith(text) for finding in found.findings)
        server.mails.pop(2)
        assert (await look(with_mailbox(config, port=server.port)))["IMAP mails"].text == "of the newest, 2 can be had"


async def test_a_login_that_is_none_is_not_taken_for_a_missing_folder(config: Config) -> None:
    async with ScriptedImap() as server:
        server.refuse("SELECT", *["BAD User is authenticated but not connected."] * 2)
        found = await look(with_mailbox(config, port=server.port))
    assert found.failed == ["IMAP folder"]
    assert "refuse" in found["IMAP folder"].text


async def test_a_server_that_keeps_its_quota_to_itself(config: Config) -> None:
    async with ScriptedImap(capabilities=f"{ALL} QUOTA") as server:
        server.refuse("GETQUOTAROOT", "NO not for you")
        found = await look(with_mailbox(config, port=server.port))
    assert found.failed == []


async def test_a_zone_without_summer_time_is_a_warning(config: Config) -> None:
    found = await look(config.model_copy(update={"clinic": config.clinic.model_copy(update={"timezone": "EST"})}))
    assert found["clock"].level is Level.WARN


@pytest.mark.slow
async def test_a_line_that_falls_silent(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explain, "PATIENCE", 2.0)
    async with ScriptedImap() as server:
        server.refuse("SELECT", "silence")
        found = await look(with_mailbox(config, port=server.port))
    assert found["IMAP folder"].text.startswith("no answer within")


# --- who is believed --------------------------------------------------------------------------------------


async def test_trust_counts_mails_of_the_roster_and_names_those_that_fail(premises: Premises, config: Config) -> None:
    for _ in range(2):
        await receive(premises)
    await receive(premises, results="mx.clinic.test; spf=fail; dmarc=fail header.from=clinic.test")
    await receive(premises, "someone@elsewhere.test")
    trust = (await look(config))["trust"]
    assert trust.level is Level.WARN
    assert trust.text == (
        "2 of the last 3 mails from roster addresses would pass; "
        "refused: 1 from dana@clinic.test (mx.clinic.test says spf=fail dmarc=fail)"
    )
    assert "Some may be forged" in trust.advice


@pytest.mark.parametrize(
    ("results", "text", "advice"),
    [
        ("mx.other.test; dmarc=pass header.from=clinic.test", "other.test says dmarc=pass", '"mx.other.test": then 1'),
        ("spf=pass smtp.mailfrom=clinic.test; dmarc=pass header.from=clinic.test", "exchange", '"exchange": then 1'),
        ("", "no Authentication-Results", "ask your provider to switch that on"),
    ],
)  # fmt: skip
async def test_when_none_would_pass_it_says_what_to_write(
    premises: Premises, config: Config, results: str, text: str, advice: str
) -> None:
    await receive(premises, results=results)
    found = await look(config)
    assert found.failed == ["trust"]
    assert found["trust"].text.startswith("0 of the last 1 mails from roster addresses would pass")
    assert text in found["trust"].text
    assert advice in found["trust"].advice.replace(' and trust.internal = "exchange"', "")


async def test_only_the_last_fifty_count(premises: Premises, config: Config) -> None:
    for _ in range(5):
        await receive(premises, results="")
    for _ in range(50):
        await receive(premises)
    assert (await look(config))["trust"].text == (
        "50 of the last 50 mails from roster addresses would pass (Authentication-Results by mx.clinic.test)"
    )


@pytest.mark.parametrize(
    ("servers", "advice"),
    [
        (["mxa.other.test", "mxb.other.test"], 'trust.authserv_id = "*.other.test": then 2 of 2'),
        (["mx.clinic.test", "mx-2.clinic.test"], 'trust.authserv_id = "*.clinic.test": then 2 of 2'),
        (["mxa.other.test/4F1", "mxb.other.test/4F2", "mx.clinic.test"], '["mx.clinic.test", "*.other.test"]: then 3'),
        (["mx.clinic.test", "mx.other.test"], '["mx.clinic.test", "mx.other.test"]: then 2 of 2'),
        (["mxa.other.test", "mxa.other.test"], 'trust.authserv_id = "mxa.other.test": then 2 of 2'),
    ],
)
async def test_several_servers_are_written_as_briefly_as_can_be(
    premises: Premises, config: Config, servers: list[str], advice: str
) -> None:
    for server in servers:
        await receive(premises, results=f"{server}; dmarc=pass header.from=clinic.test")
    assert advice in (await look(config))["trust"].advice


async def test_numbered_hosts_are_believed_as_the_daemon_believes_them(premises: Premises, config: Config) -> None:
    for server in ("mxa.clinic.test", "mxb.clinic.test/4F1"):
        await receive(premises, results=f"{server}; auth=pass smtp.auth=dana@clinic.test")
    found = await look(config.model_copy(update={"trust": Trust(authserv_id=("*.clinic.test",))}))
    assert found["trust"].text.startswith("2 of the last 2 mails from roster addresses would pass")


@pytest.mark.parametrize("word", ["deadly", "poison", "endless"])
async def test_a_mail_that_cannot_be_read_is_passed_over(premises: Premises, word: str) -> None:
    for subject in ("Invoice", f"{word} 1", f"{word} 2", "Invoice"):
        await premises.server.deliver(MAILBOX, raw(DANA, subject))
    command = [sys.executable, "-m", "tests.poisoned_daemon", "check", "--config", str(premises.config)]
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
    async with asyncio.timeout(40):
        out = (await process.communicate())[0].decode()
    assert process.returncode == 0, out
    assert "\nok    trust: 2 of the last 2 mails from roster addresses would pass" in out
    assert "\nwarn  mails: 2 of the last 4 could not be read, and were passed over" in out


async def test_a_group_and_a_lenient_configuration_are_warnings(premises: Premises, config: Config) -> None:
    await receive(premises, more="List-Id: <reports.clinic.test>")
    assert (await look(config)).of(Level.WARN) == []
    broken = "mx.clinic.test; dkim=fail header.d=clinic.test"
    await receive(premises, results=broken, more="List-Id: <reports.clinic.test>")
    await receive(premises, MAILBOX, more="X-Original-From: Dana Lee <dana@clinic.test>")
    await receive(premises, "news@shop.test", more="List-Id: <news.shop.test>")
    found = await look(config.model_copy(update={"trust": Trust(authserv_id=("mx.clinic.test",), require=False)}))
    assert found.of(Level.WARN) == ["trust.require", "trust", "mailing lists"]
    assert found["mailing lists"].text.startswith("2 came through a mailing list")


async def test_addresses_elsewhere_are_a_warning(premises: Premises) -> None:
    premises.configure('[[associates]]\nname = "Kim Roy"\nemails = ["kim@gmail.test", "kim@mail.clinic.test"]')
    await premises.server.deliver(MAILBOX, raw(DANA, "Invoice"))
    found = await look(load(premises.config))
    assert found["addresses"].level is Level.WARN
    assert found["addresses"].text == "1 of 6 are not of clinic.test: kim@gmail.test"
