"""The main conversation on Debian's Dovecot and Postfix, with the daemon as a process of its own, over TLS."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.daemon_process import Daemon, configure, letter, promptly, status, text
from tests.real_servers import RealServers

pytestmark = [pytest.mark.slow, pytest.mark.real_servers]

CLINIC, DANA, ADMIN = "clinic@clinic.test", "dana@clinic.test", "admin@clinic.test"


def kinds(servers: RealServers, to: str) -> list[str]:
    return sorted(str(mail["X-Promptly-Letter"]) for mail in servers.messages(to))


async def test_late_and_noshow_from_mail_to_outcome(real_servers: RealServers, tmp_path: Path) -> None:
    real_servers.empty()
    async with Daemon(configure(tmp_path, real_servers)) as daemon:
        await real_servers.send(DANA, CLINIC, "LATE 15 Sam", "")
        draft = await letter(real_servers, DANA, "draft")
        alert = await letter(real_servers, ADMIN, "alert")
        case = draft["X-Promptly-Case"]
        assert alert["X-Promptly-Case"] == case
        await real_servers.send(DANA, CLINIC, f"Re: {draft['Subject']}", "sent", {"In-Reply-To": draft["Message-ID"]})
        await letter(real_servers, DANA, "receipt")
        await real_servers.send(DANA, CLINIC, f"[{case}] CONNECTED", "")
        await letter(real_servers, DANA, "receipt", 2)
        await letter(real_servers, ADMIN, "update", 2)
        await real_servers.send(DANA, CLINIC, "NOSHOW Kim", "")
        missed = await letter(real_servers, DANA, "draft", 2)
        await letter(real_servers, ADMIN, "alert", 2)
        await real_servers.send(DANA, CLINIC, f"[{missed['X-Promptly-Case']}] RESCHEDULED Tue 3pm", "")
        await letter(real_servers, DANA, "receipt", 3)
        await letter(real_servers, ADMIN, "update", 3)
        await real_servers.arrived(CLINIC, f"[{missed['X-Promptly-Case']}] RESCHEDULED Tue 3pm", "Promptly")
        assert not real_servers.messages(CLINIC)
        await daemon.stop()
    assert kinds(real_servers, DANA) == ["draft", "draft", "receipt", "receipt", "receipt"]
    assert kinds(real_servers, ADMIN) == ["alert", "alert", "update", "update", "update"]


async def test_a_noshow_ignored_is_reminded_on_a_rehearsed_clock(real_servers: RealServers, tmp_path: Path) -> None:
    real_servers.empty()
    config = configure(tmp_path, real_servers)
    async with Daemon(config, "--speed", "300", "--clock", "2026-11-05T14:00"):
        await real_servers.send(DANA, CLINIC, "NOSHOW Sam", "")
        draft = await letter(real_servers, DANA, "draft")
        await letter(real_servers, DANA, "reminder", 3)
        await letter(real_servers, ADMIN, "escalation")
        await real_servers.send(DANA, CLINIC, f"[{draft['X-Promptly-Case']}] UNREACHABLE", "")
        await letter(real_servers, DANA, "receipt")


async def test_a_bounce_of_a_letter_reaches_admin(real_servers: RealServers, tmp_path: Path) -> None:
    real_servers.empty()
    more = '[[associates]]\nname = "Georges Girard"\nemails = ["gone@clinic.test"]\n'
    async with Daemon(configure(tmp_path, real_servers, more)):
        await real_servers.send(ADMIN, CLINIC, "NOSHOW Sam FOR Georges", "")
        await letter(real_servers, ADMIN, "alert")
        notice = await letter(real_servers, ADMIN, "notice")
        assert "Georges Girard" in text(notice)


@pytest.mark.parametrize("harm", ["no right to read", "a false size", "cut short"])
async def test_a_mail_that_dovecot_cannot_read_is_announced_alone_and_the_report_behind_it_heard(
    real_servers: RealServers, tmp_path: Path, harm: str
) -> None:
    real_servers.empty()
    config = configure(tmp_path, real_servers)
    await real_servers.send(DANA, CLINIC, "LATE 15 Kim", "x" * 5000)
    await real_servers.arrived(CLINIC, "LATE 15 Kim")
    real_servers.harm(CLINIC, harm)
    await real_servers.send(DANA, CLINIC, "NOSHOW Sam", "")
    async with Daemon(config) as daemon:
        assert "Sam" in (await letter(real_servers, DANA, "draft"))["Subject"] + text(
            await letter(real_servers, DANA, "draft")
        )
        assert "could not be read: the IMAP server" in text(await letter(real_servers, ADMIN, "notice"))
        _, found, _ = await promptly(config, "check")
        assert "IMAP mails: the newest mail" in found
        await daemon.stop()
    assert kinds(real_servers, ADMIN).count("notice") == 1


async def test_a_folder_that_dovecot_numbers_from_the_start_is_watched_on(
    real_servers: RealServers, tmp_path: Path
) -> None:
    real_servers.empty()
    for number in range(9):
        await real_servers.send("lead@clinic.test", CLINIC, f"Invoice {number}", "")
        await real_servers.arrived(CLINIC, f"Invoice {number}")
    async with Daemon(configure(tmp_path, real_servers)) as daemon:
        await daemon.stop()
    real_servers.stop_imap()
    real_servers.renumber(CLINIC)
    real_servers.start_imap()
    async with Daemon(configure(tmp_path, real_servers)) as daemon:
        await real_servers.send(DANA, CLINIC, "NOSHOW Sam", "")
        await letter(real_servers, DANA, "draft")
        await daemon.stop()
    assert any(line["event"] == "renumbered" for line in daemon.log)


async def test_the_smtp_server_comes_back_and_nothing_is_lost(real_servers: RealServers, tmp_path: Path) -> None:
    real_servers.empty()
    async with Daemon(configure(tmp_path, real_servers)) as daemon:
        await real_servers.send(DANA, CLINIC, "NOSHOW Sam", "")
        await letter(real_servers, DANA, "draft")
        await letter(real_servers, ADMIN, "alert")
        real_servers.stop_imap()
        await daemon.logs("mailbox lost")
        real_servers.start_imap()
        await real_servers.send(DANA, CLINIC, "NOSHOW Kim", "")
        await letter(real_servers, DANA, "draft", 2)


async def test_two_daemons_on_one_state_are_refused_and_status_looks_on(
    real_servers: RealServers, tmp_path: Path
) -> None:
    real_servers.empty()
    config = configure(tmp_path, real_servers)
    async with Daemon(config):
        await real_servers.send(DANA, CLINIC, "NOSHOW Sam", "")
        draft = await letter(real_servers, DANA, "draft")
        await letter(real_servers, ADMIN, "alert")
        assert (await promptly(config, "run"))[0] == 3
        said = await status(config)
        assert [case["case"] for case in said["open"]] == [draft["X-Promptly-Case"]]
        assert said["mailbox"]["connected"] is True
        assert said["open"][0]["next"]["letter"] == "reminder"
        code, found, _ = await promptly(config, "check")
        assert code == 0, found
    assert (await status(config))["mailbox"]["connected"] is False


async def test_killed_and_started_again_it_goes_on(real_servers: RealServers, tmp_path: Path) -> None:
    real_servers.empty()
    config = configure(tmp_path, real_servers)
    async with Daemon(config) as daemon:
        await real_servers.send(DANA, CLINIC, "NOSHOW Sam", "")
        draft = await letter(real_servers, DANA, "draft")
        await daemon.kill()
    await real_servers.send(DANA, CLINIC, f"[{draft['X-Promptly-Case']}] UNREACHABLE", "")
    async with Daemon(config):
        await letter(real_servers, DANA, "receipt")
        await letter(real_servers, ADMIN, "update")
    assert len({mail["Message-ID"] for mail in real_servers.messages(DANA)}) == 2
