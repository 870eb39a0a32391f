"""Parts of the daemon that stand still: systemd's watchdog starves, admin hears of it once.

A server that is merely away starves nothing, or systemd would start the daemon anew for as long as it is away.

What the auditor says of outages and late letters is in `test_outages`.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.conversation import Clinic
from tests.in_time import answers, happens, missed
from tests.store.waiting_store import Gate
from tests.test_disk import RefusingDisk
from tests.test_outages import notices
from workflow import engine, node, practice, watch
from workflow.core.due import tick_case
from workflow.core.model import Case
from workflow.core.owed import Scene
from workflow.store.tiny import atomic

pytestmark = pytest.mark.slow


@dataclass
class Watchdog:
    """systemd's end of the notify socket."""

    socket: socket.socket

    def meals(self) -> int:
        """How often it was fed since this was last asked."""
        count = 0
        while True:
            try:
                count += b"WATCHDOG=1" in self.socket.recv(1024)
            except BlockingIOError:
                return count

    async def is_fed(self) -> None:
        """Wait for a meal that comes from now on."""
        self.meals()
        await happens(lambda: self.meals() > 0)

    async def starves(self) -> None:
        """Wait until three beats have passed without a meal."""
        self.meals()
        await asyncio.sleep(3.5)  # nothing to await: that nothing comes is the point
        assert self.meals() == 0


@pytest.fixture
def watchdog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watchdog]:
    """Fed with every beat, each second, for the sake of these tests."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as bound:
        bound.bind(str(tmp_path / "notify"))
        bound.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setattr(node, "FED_EVERY", 0)
        yield Watchdog(bound)


async def test_a_hung_watch_over_the_mailbox_starves_it(
    tmp_path: Path, watchdog: Watchdog, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Clinic(tmp_path / "clinic") as clinic:
        await watchdog.is_fed()
        monkeypatch.setitem(watch.STILL, "mailbox", 0.1)  # IDLE is silent for longer
        await happens(lambda: "mailbox" in clinic.service.auditor.stuck)
        await watchdog.starves()
        assert clinic.service.faults() == [watch.PARTS["mailbox"]]
        monkeypatch.setitem(watch.STILL, "mailbox", 300.0)
        await watchdog.is_fed()
        assert clinic.service.faults() == []
        await happens(lambda: clinic.service.sender.idle)
        assert "watch over the mailbox has stopped" in (await clinic.alex.gets("notice")).text


async def test_a_mailbox_that_is_away_does_not(
    tmp_path: Path, watchdog: Watchdog, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Clinic(tmp_path / "clinic") as clinic:
        await clinic.server.down_imap()
        await clinic.server.down_smtp()
        await happens(lambda: not clinic.service.watch.connected)
        monkeypatch.setitem(watch.STILL, "mailbox", 0.1)
        for _ in range(3):
            await watchdog.is_fed()
        assert notices(clinic) == 0
        monkeypatch.setitem(watch.STILL, "mailbox", 300.0)
        await clinic.server.up_imap()
        await clinic.server.up_smtp()


async def test_an_inbox_that_waits_until_there_is_room_does_not(
    tmp_path: Path, watchdog: Watchdog, monkeypatch: pytest.MonkeyPatch
) -> None:
    clients = ("Sam", "Kim", "Jo", "Robin", "Lou")
    disk = RefusingDisk()
    monkeypatch.setattr(atomic, "boundary", disk)
    monkeypatch.setattr(practice, "QUEUED", 3)
    async with Clinic(tmp_path / "clinic") as clinic:
        disk.falls_ill()
        for client in clients:
            await answers(clinic, "dana", f"NOSHOW {client}")
        await happens(lambda: clinic.service._full)  # one is in hand, two lie there, the fourth waits
        monkeypatch.setitem(watch.STILL, "mailbox", 0.1)
        for _ in range(3):
            await watchdog.is_fed()
        assert clinic.service._full
        assert not clinic.service.auditor.stuck
        monkeypatch.setitem(watch.STILL, "mailbox", 300.0)
        disk.heals()
        await clinic.settled()
        for _ in clients:
            await clinic.dana.gets("draft")
            await clinic.alex.gets("alert")
        assert len(await clinic.store.open_cases()) == len(clients)
        assert not clinic.service._full
        assert [clinic.service._room.acquire(blocking=False) for _ in range(4)] == [True, True, True, False]


async def test_a_hung_decision_starves_it_and_is_told_when_it_can_be(
    tmp_path: Path, watchdog: Watchdog, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate("commit")
    async with Clinic(tmp_path / "clinic", waits=gate) as clinic:
        monkeypatch.setitem(watch.STILL, "mails", 0.5)
        with capture_logs() as logs:
            gate.closes()
            await answers(clinic, "dana", "NOSHOW Sam")
            await happens(lambda: "mails" in clinic.service.auditor.stuck)
            await watchdog.starves()
            gate.opens()
        assert [line["part"] for line in logs if line["event"] == "a part stands still"] == ["mails"]
        await clinic.settled()
        await watchdog.is_fed()
        await clinic.dana.gets("draft")
        await clinic.alex.gets("alert")
        assert "handling of mail has stopped" in (await clinic.alex.gets("notice")).text


async def test_hung_timers_starve_it(tmp_path: Path, watchdog: Watchdog, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate("commit")
    async with Clinic(tmp_path / "clinic", waits=gate) as clinic:
        await missed(clinic)
        monkeypatch.setitem(watch.STILL, "timers", 0.5)
        monkeypatch.setattr(practice, "SWEEP_WAIT", 10.0)
        gate.closes()
        clinic.clock.move(timedelta(minutes=5))
        await happens(lambda: "timers" in clinic.service.auditor.stuck)
        await watchdog.starves()
        gate.opens()
        await clinic.settled()
        await watchdog.is_fed()
        await clinic.dana.gets("reminder")
        await clinic.alex.gets("notice")


async def test_a_case_that_cannot_be_decided_is_told_once_and_does_not(
    tmp_path: Path, watchdog: Watchdog, monkeypatch: pytest.MonkeyPatch
) -> None:
    def poisoned(scene: Scene, case: Case) -> Case:
        raise ZeroDivisionError

    async with Clinic(tmp_path / "clinic") as clinic:
        case = await missed(clinic)
        monkeypatch.setattr(watch, "OVERDUE", 0.5)
        monkeypatch.setattr(engine, "tick_case", poisoned)
        clinic.clock.move(timedelta(minutes=5))
        await happens(lambda: notices(clinic) == 1)
        assert clinic.service.faults() == ["A due time has not been acted on for over a minute"]
        for _ in range(2):
            await watchdog.is_fed()
        assert notices(clinic) == 1
        monkeypatch.setattr(engine, "tick_case", tick_case)
        await clinic.settled()
        await happens(lambda: clinic.service.faults() == [])
        await clinic.dana.gets("reminder")
        assert case in (await clinic.alex.gets("notice")).text


async def test_a_case_that_cannot_be_decided_is_told_once_a_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def poisoned(scene: Scene, case: Case) -> Case:
        raise ZeroDivisionError

    async with Clinic(tmp_path / "clinic") as clinic:
        await missed(clinic)
        monkeypatch.setattr(watch, "OVERDUE", 0.1)
        monkeypatch.setattr(engine, "tick_case", poisoned)
        for day in range(3):
            clinic.clock.move(timedelta(days=1))
            await happens(lambda: notices(clinic) == day + 1)  # noqa: B023  # awaited before the next day
        await happens(lambda: clinic.service.sender.idle)
        for _ in range(3):
            await clinic.alex.gets("notice")


async def test_a_mail_server_that_hangs_starves_nothing(tmp_path: Path, watchdog: Watchdog) -> None:
    async with Clinic(tmp_path / "clinic") as clinic:
        clinic.server.hang_smtp()
        await answers(clinic, "dana", "NOSHOW Sam")
        await happens(lambda: clinic.server.hanging > 0)
        for _ in range(3):
            await watchdog.is_fed()
        clinic.server.resume_smtp()
        await clinic.settled()
        await clinic.dana.gets("draft")
        await clinic.alex.gets("alert")
