"""The three longest conversations of the policy, on Debian's Dovecot and Postfix, with the daemon on a fast clock."""

from __future__ import annotations

import asyncio
from datetime import datetime
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.daemon_process import Daemon, configure, letter, text
from tests.real_servers import RealServers

pytestmark = [pytest.mark.slow, pytest.mark.real_servers]

CLINIC, DANA, ADMIN = "clinic@clinic.test", "dana@clinic.test", "admin@clinic.test"


def local(mail: EmailMessage) -> datetime:
    return parsedate_to_datetime(str(mail["Date"])).astimezone(ZoneInfo("America/Toronto"))


async def test_a_late_becomes_a_noshow_and_is_rescheduled_next_morning(
    real_servers: RealServers, tmp_path: Path
) -> None:
    real_servers.empty()
    config = configure(tmp_path, real_servers, quiet=("21:00", "08:00"))
    async with Daemon(config, "--speed", "1800", "--clock", "2026-11-05T16:30"):
        await real_servers.send(DANA, CLINIC, "LATE 15 Sam", "")
        late = await letter(real_servers, DANA, "draft")
        await real_servers.send(DANA, CLINIC, "NOSHOW Sam", "")
        missed = await letter(real_servers, DANA, "draft", 2)
        assert missed["X-Promptly-Case"] == late["X-Promptly-Case"]
        assert "I missed our appointment time" in text(missed)
        await letter(real_servers, ADMIN, "alert", 2)
        await real_servers.send(DANA, CLINIC, f"[{missed['X-Promptly-Case']}] SENT", "")
        receipt = await letter(real_servers, DANA, "receipt")
        before = len([mail for mail in real_servers.messages(DANA) if mail["X-Promptly-Letter"] == "reminder"])
        # three hours after SENT it is quiet, or nearly: what is held comes in the morning
        asked = await letter(real_servers, DANA, "reminder", before + 1)
        if local(asked).date() == local(receipt).date():
            asked = await letter(real_servers, DANA, "reminder", before + 2)
        assert (local(asked).day, local(asked).hour) == (6, 8)
        await real_servers.send(DANA, CLINIC, f"[{missed['X-Promptly-Case']}] RESCHEDULED Tue 3pm", "")
        await letter(real_servers, DANA, "receipt", 2)
        update = await letter(real_servers, ADMIN, "update", 2)
        assert "rescheduled" in text(update)


async def test_a_waiting_whose_client_never_comes(real_servers: RealServers, tmp_path: Path) -> None:
    real_servers.empty()
    async with Daemon(configure(tmp_path, real_servers), "--speed", "600", "--clock", "2026-11-05T14:11"):
        await real_servers.send(DANA, CLINIC, "WAITING Sam AT 2pm", "")
        draft = await letter(real_servers, DANA, "draft")
        assert "We were scheduled for 2:00 pm." in text(draft)
        away = await letter(real_servers, DANA, "stepaway")
        assert "since it's been 20 minutes past our start time" in text(away)
        await letter(real_servers, DANA, "reminder")
        await real_servers.send(DANA, CLINIC, f"[{draft['X-Promptly-Case']}] no show", "")
        receipt = await letter(real_servers, DANA, "receipt")
        assert "YOU missed" not in text(receipt)
        update = await letter(real_servers, ADMIN, "update")
        assert "absent" in text(update) or "did not come" in text(update)
    assert [str(mail["X-Promptly-Letter"]) for mail in real_servers.messages(ADMIN)] == ["update"]


async def test_a_noshow_closed_by_admin_while_the_associates_answer_is_on_its_way(
    real_servers: RealServers, tmp_path: Path
) -> None:
    real_servers.empty()
    async with Daemon(configure(tmp_path, real_servers)):
        await real_servers.send(DANA, CLINIC, "NOSHOW Sam", "")
        draft = await letter(real_servers, DANA, "draft")
        await letter(real_servers, ADMIN, "alert")
        case = draft["X-Promptly-Case"]
        await asyncio.gather(
            real_servers.send(ADMIN, CLINIC, f"[{case}] RESCHEDULED Tue 3pm", ""),
            real_servers.send(DANA, CLINIC, f"[{case}] UNREACHABLE", ""),
        )
        await letter(real_servers, DANA, "receipt")
        await letter(real_servers, ADMIN, "receipt")
        told = await letter(real_servers, DANA, "update")
        assert told["X-Promptly-Case"] == case
        await letter(real_servers, ADMIN, "update")
