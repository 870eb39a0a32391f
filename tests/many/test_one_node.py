"""Several clinics on one node: each is served as if it were alone, and what is one's trouble is no other's."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import AsyncExitStack
from datetime import timedelta
from itertools import islice
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.bench.mailboxes import names
from tests.conversation import TWO_O_CLOCK
from tests.in_time import answers, happens, missed
from tests.many.house import House, Served
from tests.test_health import ask, free_port, listening, metrics
from workflow import node, watch
from workflow.core.model import Decision
from workflow.engine import REHEARSED
from workflow.store.tiny import atomic
from workflow.store.tiny.store import TinyStore

pytestmark = pytest.mark.slow


async def two(stack: AsyncExitStack, house: House) -> tuple[Served, Served]:
    riverside = await stack.enter_async_context(house.clinic("riverside"))
    hilltop = await stack.enter_async_context(house.clinic("hilltop"))
    assert await house.applies() == 0
    await house.serves(riverside, hilltop)
    return riverside, hilltop


async def test_each_clinic_has_its_own_conversation(tmp_path: Path) -> None:
    async with House(tmp_path) as house, AsyncExitStack() as stack:
        riverside, hilltop = await two(stack, house)
        case = await missed(riverside)
        await hilltop.nothing_else()
        await hilltop.ravi.writes("LATE 15 Kim")
        await hilltop.alex.gets("alert")
        await hilltop.ravi.gets("draft")
        house.clock.move(timedelta(minutes=5))
        for clinic in (riverside, hilltop):
            await clinic.settled()
        await riverside.dana.gets("reminder")
        await hilltop.ravi.gets("reminder")
        await riverside.dana.writes(f"[{case}] RESCHEDULED")
        await riverside.dana.gets("receipt")
        await riverside.alex.gets("update")
        assert len((await hilltop.store.open_cases()).open) == 1
        assert not (await riverside.store.open_cases()).open


async def test_what_is_due_is_decided_by_its_own_timer(tmp_path: Path) -> None:
    """No clinic is woken each second; one of which something is due is."""
    async with House(tmp_path) as house, AsyncExitStack() as stack:
        riverside, hilltop = await two(stack, house)
        await missed(riverside)
        house.clock.move(timedelta(minutes=5))
        await happens(lambda: any(b"X-Promptly-Letter: reminder" in one.raw for one in riverside.server.passed))
        await riverside.settled()
        await riverside.dana.gets("reminder")
        await hilltop.nothing_else()


async def test_servers_that_are_away_or_hang_are_one_clinics_own(tmp_path: Path) -> None:
    async with House(tmp_path) as house, AsyncExitStack() as stack:
        riverside, hilltop = await two(stack, house)
        await riverside.server.down_imap()
        riverside.server.hang_smtp()
        async with asyncio.timeout(1):
            await missed(hilltop)
        riverside.server.resume_smtp()
        await riverside.server.up_imap()
        await riverside.settled()


async def test_a_full_mailbox_on_a_slow_disk_leaves_the_others_their_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with House(tmp_path) as house, AsyncExitStack() as stack:
        riverside, hilltop = await two(stack, house)
        monkeypatch.setattr(atomic, "boundary", lambda step: time.sleep(0.02 if step == "after-fsync" else 0))
        clients = tuple(islice(names(), 40))
        for client in clients:
            await answers(riverside, "dana", f"NOSHOW {client}")
        await happens(lambda: riverside.practice.clinic.counters.mails.total() > 0)
        await missed(hilltop)
        assert riverside.practice.clinic.counters.mails.total() < len(clients)
        monkeypatch.setattr(atomic, "boundary", lambda step: None)
        await riverside.settled()
        for _ in clients:
            await riverside.dana.gets("draft")
            await riverside.alex.gets("alert")


async def test_a_clinic_that_fails_is_begun_anew_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node, "AGAIN_FIRST", 0.1)
    async with House(tmp_path) as house, AsyncExitStack() as stack:
        riverside, hilltop = await two(stack, house)
        other, broken = hilltop.practice, riverside.practice
        await missed(riverside)

        async def breaks(*_: object) -> None:
            raise ZeroDivisionError

        with capture_logs() as logs:
            monkeypatch.setattr(broken.sender, "post_one", breaks)
            await answers(riverside, "ravi", "NOSHOW Kim")
            await happens(lambda: riverside.name in house.node.practices and riverside.practice is not broken)
        assert [line["error"] for line in logs if line["event"] == "clinic not served"] == ["ExceptionGroup"]
        assert hilltop.practice is other
        await riverside.is_served()
        await riverside.ravi.gets("draft")
        await riverside.alex.gets("alert")
        await missed(hilltop)


async def test_a_clinic_that_stands_still_is_begun_anew_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node, "AGAIN_FIRST", 0.1)
    monkeypatch.setattr(node, "ENDED_WITHIN", 0.5)
    async with House(tmp_path) as house, AsyncExitStack() as stack:
        riverside, hilltop = await two(stack, house)
        hung, other, never = riverside.practice, hilltop.practice, asyncio.Event()

        async def hangs(*_: object) -> None:
            while not never.is_set():
                try:
                    await never.wait()
                except asyncio.CancelledError:
                    continue  # what stands still may not even hear that it is to end

        monkeypatch.setattr(hung.engine, "take", hangs)
        monkeypatch.setitem(watch.STILL, "mails", 0.5)
        await answers(riverside, "dana", "NOSHOW Sam")
        await happens(lambda: riverside.practice is not hung if "riverside" in house.node.practices else False)
        await riverside.is_served()
        await riverside.dana.gets("draft")
        await riverside.alex.gets("alert")
        assert hilltop.practice is other
        await missed(hilltop)
        never.set()


async def test_a_state_of_a_rehearsal_is_not_served(tmp_path: Path) -> None:
    store = TinyStore(tmp_path / "clinics" / "riverside")
    await store.open()
    await store.commit(Decision("begun"), TWO_O_CLOCK, marks={REHEARSED: "yes"})
    await store.close()
    async with House(tmp_path) as house, house.clinic("riverside"):
        await house.applies()
        await happens(lambda: "riverside" in house.node.keepers and house.node.keepers["riverside"].wrong is not None)
        assert "store.url" in str(house.node.keepers["riverside"].wrong)


async def test_health_has_a_page_a_clinic_and_metrics_sums(tmp_path: Path) -> None:
    port = free_port()
    async with House(tmp_path, listening(port)) as house, AsyncExitStack() as stack:
        riverside, hilltop = await two(stack, house)
        await missed(riverside)
        await missed(hilltop)
        await riverside.server.down_imap()
        await happens(lambda: not riverside.practice.watch.connected)
        assert await ask(port) == ("200 OK", '{"status":"ok","reasons":[]}\n')
        status, body = await ask(port, "GET /healthz/riverside HTTP/1.1\r\n\r\n")
        assert status == "503 Service Unavailable"
        assert "mailbox" in json.loads(body)["reasons"][0]
        assert (await ask(port, "GET /healthz/hilltop HTTP/1.1\r\n\r\n"))[0] == "200 OK"
        assert (await ask(port, "GET /healthz/elsewhere HTTP/1.1\r\n\r\n"))[0] == "404 Not Found"
        found = await metrics(port)
        expected = {
            "promptly_reports_total kind=noshow": 2,
            "promptly_mailbox_connected": 0,
            "promptly_clinic_connected clinic=riverside": 0,
            "promptly_clinic_connected clinic=hilltop": 1,
            "promptly_clinic_ok clinic=hilltop": 1,
            "promptly_clinic_owed clinic=hilltop": 0,
            "promptly_orphans": 0,
            "promptly_overdue": 0,
        }
        assert expected.items() <= found.items()
        page = (await ask(port, "GET /metrics HTTP/1.1\r\n\r\n"))[1].casefold()
        assert not [word for word in ("dana", "sam", "clinic.test", "k7") if word in page]
        await riverside.server.up_imap()
        await riverside.settled()
