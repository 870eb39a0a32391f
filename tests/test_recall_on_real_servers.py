"""A state that was put back from a backup, on Debian's Dovecot and Postfix."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from tests.daemon_process import Daemon, configure, letter, text
from tests.real_servers import RealServers

pytestmark = [pytest.mark.slow, pytest.mark.real_servers]

CLINIC, DANA, ADMIN = "clinic@clinic.test", "dana@clinic.test", "admin@clinic.test"


@pytest.mark.parametrize("killed", [False, True], ids=["stopped", "killed"])
async def test_it_loses_nothing_that_lies_in_the_mailbox_and_doubles_nothing(
    real_servers: RealServers, tmp_path: Path, killed: bool
) -> None:
    real_servers.empty()
    config, state = configure(tmp_path, real_servers), tmp_path / "state"
    async with Daemon(config) as daemon:
        await real_servers.send(DANA, CLINIC, "NOSHOW Sam", "")
        await letter(real_servers, DANA, "draft")
        await letter(real_servers, ADMIN, "alert")
        await real_servers.arrived(CLINIC, "NOSHOW Sam", "Promptly")
        await daemon.stop()
    shutil.copytree(state, tmp_path / "copy")
    async with Daemon(config) as daemon:
        await real_servers.send(DANA, CLINIC, "LATE 15 Kim", "")
        draft = await letter(real_servers, DANA, "draft", 2)
        await real_servers.send(DANA, CLINIC, f"Re: {draft['Subject']}", "sent", {"In-Reply-To": draft["Message-ID"]})
        receipt = await letter(real_servers, DANA, "receipt")
        await real_servers.arrived(CLINIC, f"Re: {draft['Subject']}", "Promptly")
        await (daemon.kill() if killed else daemon.stop())
    shutil.rmtree(state)
    shutil.copytree(tmp_path / "copy", state)
    async with Daemon(config) as daemon:
        assert "2 mails" in text(await letter(real_servers, ADMIN, "notice"))
        again = await letter(real_servers, DANA, "receipt", 2)
        assert again["Message-ID"] == receipt["Message-ID"]
        assert (await letter(real_servers, DANA, "draft", 3))["Message-ID"] == draft["Message-ID"]
        await real_servers.arrived(CLINIC, f"Re: {draft['Subject']}", "Promptly")
        await (daemon.kill() if killed else daemon.stop())
    assert len(list((state / "open").glob("*.json"))) == 2
    before = [len(real_servers.messages(who)) for who in (DANA, ADMIN)]
    async with Daemon(config) as daemon:
        await asyncio.sleep(2)
        await daemon.stop()
        assert "mail goes back to the inbox" not in [line.get("event") for line in daemon.log]
    assert [len(real_servers.messages(who)) for who in (DANA, ADMIN)] == before
    assert not real_servers.messages(CLINIC)
