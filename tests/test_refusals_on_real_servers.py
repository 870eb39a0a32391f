"""Debian's Postfix refuses the clinic's letters for forty minutes of a rehearsed clock: nobody's address is at fault.

What each refusal means for one letter is in tests/mail/test_outbox.py, for a clinic in tests/test_smtp_trouble.py.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.daemon_process import ROOT, Daemon, configure, letter, text
from tests.in_time import raw
from tests.real_servers import HOST, RealServers
from workflow.core.model import Case, Post
from workflow.store.tiny.reader import TinyReader

pytestmark = [pytest.mark.slow, pytest.mark.real_servers]

CLINIC, DANA, ADMIN, LEAD = "clinic@clinic.test", "dana@clinic.test", "admin@clinic.test", "lead@clinic.test"

SPEED = 300
"""Forty clinic minutes are eight seconds."""

EVERYBODY = (DANA, ADMIN, LEAD)


def refused(stage: str, whose: str, what: str, *addresses: str) -> str:
    """A line of main.cf that has these senders or recipients refused so."""
    table = " ".join(f"{{{address} = {what}}}" for address in addresses)
    return f"smtpd_{stage}_restrictions = check_{whose}_access inline:{{ {table} }}"


REFUSALS = {
    "the sender, at MAIL": (
        "smtpd_delay_reject = no",
        refused("sender", "sender", "550 5.4.5 Sending limit exceeded", CLINIC),
    ),
    "everybody, without a code": (f"submission_filter = {HOST}:{{relay}}",),  # of its own it has always one
    "the sender, at RCPT": (refused("sender", "sender", "550 5.1.8 Sender not known", CLINIC),),
    "everybody, 5.7.1": (refused("sender", "recipient", "554 5.7.1 Relay access denied", *EVERYBODY),),
    "at DATA": (refused("data", "sender", "554 5.7.1 Not for you", CLINIC),),
    "the letter": (refused("end_of_data", "sender", "554 5.7.1 Looks like spam", CLINIC),),
}


@pytest.fixture
def servers(real_servers: RealServers) -> Iterator[RealServers]:
    real_servers.empty()
    yield real_servers
    real_servers.change_smtp()


async def denies_relaying(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A filter behind Postfix, whose answers to RCPT are passed on as they are."""
    writer.write(b"220 relay\r\n")
    while line := await reader.readline():
        writer.write(b"550 Relaying denied\r\n" if line[:4].upper() == b"RCPT" else b"250 yes\r\n")
    writer.close()


async def only_case(folder: Path) -> Case:
    (case,) = (await TinyReader.peek(folder / "state").open_cases()).values()
    return case


def status(config: Path) -> dict[str, Any]:
    command = [sys.executable, str(ROOT / "daemon.py"), "status", "--json", "--config", str(config)]
    found = json.loads(subprocess.run(command, capture_output=True, timeout=30, check=True).stdout)
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("refusal", REFUSALS)
async def test_after_forty_minutes_of_it_all_letters_go_once_and_reminders_go_on(
    servers: RealServers, tmp_path: Path, refusal: str
) -> None:
    relay = await asyncio.start_server(denies_relaying, HOST, 0)
    port = relay.sockets[0].getsockname()[1]
    servers.change_smtp(*(line.replace("{relay}", str(port)) for line in REFUSALS[refusal]))
    config = configure(tmp_path, servers)
    async with Daemon(config, "--speed", str(SPEED), "--clock", "2026-11-05T14:00") as daemon:
        await servers.send_raw("dana@phone.test", CLINIC, raw(DANA, "NOSHOW Sam"))
        await daemon.logs("letter delayed")
        forty_minutes = asyncio.get_running_loop().time() + 40 * 60 / SPEED
        assert (await asyncio.to_thread(status, config))["sending"]["down_since"] is not None
        while asyncio.get_running_loop().time() < forty_minutes:
            await asyncio.sleep(0.1)
            case = await only_case(tmp_path)
            assert case.returned_at is None
            assert Post.FAILED not in {one.post for one in case.letters}
        assert (await only_case(tmp_path)).lead_told_at is not None, "thirty minutes and more have passed"
        assert not any(servers.messages(user) for user in EVERYBODY)
        servers.change_smtp()
        await letter(servers, DANA, "draft")
        await letter(servers, ADMIN, "alert")
        await letter(servers, ADMIN, "escalation")
        await letter(servers, LEAD, "escalation")
        notice = await letter(servers, ADMIN, "notice")
        assert "The SMTP server has refused letters since 14:" in " ".join(text(notice).split())
        await letter(servers, DANA, "reminder", 2)
        assert (await asyncio.to_thread(status, config))["sending"]["down_since"] is None
    relay.close()
    sent = [mail for user in EVERYBODY for mail in servers.messages(user)]
    assert set(Counter(str(mail["Message-ID"]) for mail in sent).values()) == {1}
    kinds = Counter(str(mail["X-Promptly-Letter"]) for mail in sent)
    assert {kind: kinds[kind] for kind in ("draft", "alert", "escalation", "notice")} == {
        "draft": 1, "alert": 1, "escalation": 2, "notice": 1
    }  # fmt: skip
