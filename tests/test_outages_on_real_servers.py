"""Debian's Dovecot and Postfix go away, come back, hang, forget and refuse, under the daemon as a process of its own.

"Back" is measured from the server's return: 5 s at most (contract section 5), but for a line that died in silence,
which shows only at the next turn of IDLE.
"""

from __future__ import annotations

import asyncio
import os
import pwd
import time
from collections.abc import Iterator
from pathlib import Path

import imapclient
import pytest

from tests.daemon_process import Daemon, configure, letter
from tests.in_time import raw
from tests.real_servers import HOST, RealServers, missing
from tests.silent_proxy import SilentProxy

pytestmark = [pytest.mark.slow, pytest.mark.real_servers]

CLINIC, DANA, ADMIN = "clinic@clinic.test", "dana@clinic.test", "admin@clinic.test"

BACK = 5.0
"""Seconds after a server's return (contract section 5), and one for the work itself."""


@pytest.fixture
def servers(real_servers: RealServers) -> Iterator[RealServers]:
    real_servers.empty()
    yield real_servers
    real_servers.stop_imap()  # whatever a test left running or stopped, the next one finds it up
    real_servers.start_imap()


async def back_within(seconds: float, daemon: Daemon) -> None:
    began = time.monotonic()
    await daemon.logs("mailbox connected", within=seconds + 5)
    assert time.monotonic() - began <= seconds


async def reports(servers: RealServers, client: str, nth: int) -> str:
    """Dana reports; the case's id, once both letters have come."""
    await servers.send(DANA, CLINIC, f"NOSHOW {client}", "")
    await letter(servers, ADMIN, "alert", nth)
    return str((await letter(servers, DANA, "draft", nth))["X-Promptly-Case"])


async def comes_from_outside(servers: RealServers, subject: str) -> None:
    """From Dana's phone, without Dovecot, which checks our users' logins; Postfix keeps it while that is away."""
    await servers.send_raw("dana@phone.test", CLINIC, raw(DANA, subject))


def once_each(servers: RealServers, cases: int) -> None:
    """So many cases, one draft and one alert each, and nothing waits."""
    for user, kind in ((DANA, "draft"), (ADMIN, "alert")):
        about = [str(mail["X-Promptly-Case"]) for mail in servers.messages(user) if mail["X-Promptly-Letter"] == kind]
        assert len(about) == len(set(about)) == cases
    assert not servers.messages(CLINIC)


async def test_dovecot_restarts_again_and_again(servers: RealServers, tmp_path: Path) -> None:
    async with Daemon(configure(tmp_path, servers)) as daemon:
        for number, away in enumerate((0.0, 1.0, 6.0), start=1):
            servers.stop_imap()
            await daemon.logs("mailbox lost")
            await comes_from_outside(servers, f"NOSHOW {'ABC'[number - 1]}nna")
            await asyncio.sleep(away)
            servers.start_imap()
            await back_within(BACK, daemon)
            await letter(servers, DANA, "draft", number)
            await letter(servers, ADMIN, "alert", number)
        await servers.arrived(CLINIC, "NOSHOW Cnna", "Promptly")
        once_each(servers, 3)


async def test_a_line_that_died_in_silence_is_noticed_at_the_next_turn_of_idle(
    servers: RealServers, tmp_path: Path
) -> None:
    config = configure(tmp_path, servers)
    async with SilentProxy(servers.imap_port) as proxy:
        config.write_text(config.read_text().replace(f"port = {servers.imap_port}\n", f"port = {proxy.port}\n"))
        async with Daemon(config) as daemon:
            await reports(servers, "Anna", 1)
            proxy.forget()
            await servers.send(DANA, CLINIC, "NOSHOW Bea", "")
            lost = await daemon.logs("mailbox lost", within=45)
            assert lost["reason"] == "timeout"
            await back_within(BACK, daemon)
            await letter(servers, DANA, "draft", 2)
            await letter(servers, ADMIN, "alert", 2)
            await servers.arrived(CLINIC, "NOSHOW Bea", "Promptly")
            once_each(servers, 2)


async def test_a_mailbox_that_was_deleted_and_made_again(servers: RealServers, tmp_path: Path) -> None:
    async with Daemon(configure(tmp_path, servers)) as daemon:
        await servers.send(DANA, CLINIC, "LATE 999 Sam", "")  # gets help, and stays
        await letter(servers, DANA, "help")
        stays = (await servers.arrived(CLINIC, "LATE 999")).as_bytes()
        servers.stop_imap()
        servers.empty()
        servers.start_imap()
        await daemon.logs("renumbered")
        await servers.send_raw(DANA, CLINIC, stays)
        await reports(servers, "Anna", 1)
        await servers.arrived(CLINIC, "NOSHOW Anna", "Promptly")
        async with asyncio.timeout(10):
            while len(servers.messages(CLINIC)) != 1:  # Dovecot moves by copying
                await asyncio.sleep(0.05)
        assert "help" not in {mail["X-Promptly-Letter"] for mail in servers.messages(DANA)}


async def test_people_read_flag_and_move_mail_beside_us(servers: RealServers, tmp_path: Path) -> None:
    with imapclient.IMAPClient(HOST, servers.imap_port, ssl_context=servers.tls) as human:
        human.login(CLINIC, servers.passwords[CLINIC])
        human.create_folder("Later")
        human.append("INBOX", b"From: x@elsewhere.test\r\nSubject: Invoice\r\n\r\n\r\n")
        for client in ("Anna", "Bea"):
            await servers.send(DANA, CLINIC, f"NOSHOW {client}", "")
            await servers.arrived(CLINIC, f"NOSHOW {client}")
        human.select_folder("INBOX")
        human.add_flags(human.search(["SUBJECT", "Anna"]), [imapclient.SEEN, imapclient.FLAGGED])
        human.move(human.search(["SUBJECT", "Bea"]), "Later")
        async with Daemon(configure(tmp_path, servers)):
            await letter(servers, ADMIN, "alert", 1)
            await letter(servers, DANA, "draft", 1)
            human.select_folder("Later")
            human.move(human.search(["SUBJECT", "Bea"]), "INBOX")
            await letter(servers, ADMIN, "alert", 2)
            await letter(servers, DANA, "draft", 2)
            await servers.arrived(CLINIC, "NOSHOW Bea", "Promptly")
        human.select_folder("INBOX")
        assert set(human.get_flags(human.search()).values()) == {()}
        assert [str(mail["Subject"]) for mail in servers.messages(CLINIC)] == ["Invoice"]


async def test_fifty_thousand_old_mails_at_the_first_start(servers: RealServers, tmp_path: Path) -> None:
    await servers.send(DANA, CLINIC, "NOSHOW Sam", "")
    await servers.arrived(CLINIC, "NOSHOW Sam")
    fill_with_old_mail(servers, 50_000)
    began = time.monotonic()
    async with Daemon(configure(tmp_path, servers)) as daemon:
        await letter(servers, ADMIN, "alert")
        await letter(servers, DANA, "draft")
        assert time.monotonic() - began < 20
        assert resident_mb(daemon.process.pid) < 80
        await servers.arrived(CLINIC, "NOSHOW Sam", "Promptly")
    assert len(list((servers.folder / "mail" / CLINIC / "cur").iterdir())) == 50_000


def fill_with_old_mail(servers: RealServers, count: int) -> None:
    """Reports of last week, all of them, in a Maildir that nobody has opened yet. They share one file's content."""
    nobody = pwd.getpwnam("nobody")
    place = servers.folder / "mail" / CLINIC
    for folder in (place, *(place / part for part in ("new", "cur", "tmp"))):
        folder.mkdir(exist_ok=True)
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    week_ago = int(time.time()) - 7 * 24 * 3600
    source = None
    for number in range(count):
        file = place / "cur" / f"{week_ago}.M{number:06}P1.old:2,"
        if source is None or number % 30_000 == 0:  # ext4 takes 65,000 links
            source = file
            file.write_bytes(b"From: dana@clinic.test\r\nTo: clinic@clinic.test\r\nSubject: NOSHOW Old\r\n\r\n\r\n")
            os.chown(file, nobody.pw_uid, nobody.pw_gid)
            os.utime(file, (week_ago, week_ago))
        else:
            os.link(source, file)


def resident_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024


class CrowdedServers(RealServers):
    """Dovecot lets one connection in for each user."""

    def dovecot_conf(self, owner: pwd.struct_passwd) -> str:
        conf = super().dovecot_conf(owner)
        return conf.replace("mail_max_userip_connections = 100", "mail_max_userip_connections = 1")


@pytest.fixture
def crowded() -> Iterator[RealServers]:
    if reason := missing():
        pytest.skip(reason)
    with CrowdedServers() as servers:
        yield servers


async def test_too_many_connections(crowded: RealServers, tmp_path: Path) -> None:
    with imapclient.IMAPClient(HOST, crowded.imap_port, ssl_context=crowded.tls) as human:
        human.login(CLINIC, crowded.passwords[CLINIC])
        daemon = Daemon(configure(tmp_path, crowded))
        await daemon.start()
        await asyncio.sleep(6)  # long enough for several attempts
        assert "ready" not in {line["event"] for line in daemon.log}
        human.logout()
    try:
        await daemon.logs("ready", within=BACK)
        assert {line["reason"] for line in daemon.log if line["event"] == "mailbox lost"} == {"unreachable"}
        await reports(crowded, "Sam", 1)
    finally:
        await daemon.stop()


async def test_a_password_changed_on_the_server_and_then_in_the_file(servers: RealServers, tmp_path: Path) -> None:
    users = servers.folder / "users"
    kept = users.read_text()
    config = configure(tmp_path, servers)
    async with Daemon(config) as daemon:
        await reports(servers, "Anna", 1)
        try:
            users.write_text(kept.replace(f"word of {CLINIC}", "another"))
            servers.stop_imap()
            servers.start_imap()
            while (await daemon.logs("mailbox lost"))["reason"] != "refused-login":
                pass
            await servers.send(DANA, CLINIC, "NOSHOW Bea", "")
            (tmp_path / "password").write_text("another")
            await letter(servers, DANA, "draft", 2)  # by SMTP with the new password, too
            await letter(servers, ADMIN, "alert", 2)
        finally:
            users.write_text(kept)
            servers.stop_imap()
            servers.start_imap()
    await servers.arrived(CLINIC, "NOSHOW Bea", "Promptly")
    once_each(servers, 2)
