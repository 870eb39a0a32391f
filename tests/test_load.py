"""A clinic's worst day many times over: hundreds of reports that lie waiting, as many reminders due in one minute.

On the embedded server, which shares the loop with the daemon: times here bound the order of magnitude and no more; the
figures are `make bench`'s.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice
from pathlib import Path

import pytest

from tests.bench.mailboxes import TEAMS, associate, associates, names
from tests.configuration import configure
from tests.conversation import MAILBOX, TWO_O_CLOCK
from tests.in_time import header, raw
from tests.movable_clock import MovableClock
from tests.troubled_server import Passed, TroubledServer
from workflow.clinic import Clinic as Wired
from workflow.config import load
from workflow.core.model import Post
from workflow.practice import Practice
from workflow.store import folder_of
from workflow.store.tiny.store import TinyStore

ALEX = "admin@clinic.test"
MANY = int(os.environ.get("REPORTS", "300"))
"""`make tried` has a thousand wait."""


@dataclass(frozen=True)
class Letter:
    """A letter as it passed."""

    kind: str
    case: str
    passed_at: float
    """On the monotonic clock."""


@dataclass
class BigClinic:
    """Fifty associates, one admin, and every letter in the order in which it was accepted."""

    server: TroubledServer
    service: Practice
    store: TinyStore
    clock: MovableClock
    letters: list[Letter] = field(default_factory=list)

    def passing(self, passed: Passed) -> None:
        kind, case = header(passed.raw, "X-Promptly-Letter"), header(passed.raw, "X-Promptly-Case")
        self.letters.append(Letter(kind, case, time.monotonic()))

    def of(self, kind: str) -> list[Letter]:
        return [letter for letter in self.letters if letter.kind == kind]

    async def report(self, number: int, client: str) -> None:
        await self.server.deliver(MAILBOX, raw(associate(number), f"NOSHOW {client}"), arrived_at=self.clock.now())

    async def once_for_each_case(self, *kinds: str, cases: int) -> None:
        """Each case got each of these letters once, under one id, and nothing is owed."""
        for kind in kinds:
            counts = Counter(letter.case for letter in self.of(kind))
            assert len(counts) == cases, f"{kind}: {len(counts)}"
            assert set(counts.values()) == {1}, f"{kind} twice"
        assert not await self.store.owed()


@asynccontextmanager
async def a_big_clinic(folder: Path, waiting: int) -> AsyncIterator[BigClinic]:
    """A daemon that starts with so many reports in its mailbox."""
    big: BigClinic

    def pass_on(passed: Passed) -> None:
        big.passing(passed)

    people = [ALEX, *(associate(number) for number in range(TEAMS))]
    async with TroubledServer(people=people, passing=pass_on) as server:
        config = configure(
            folder,
            associates=associates(),
            mailbox={"port": server.imap_port},
            smtp={"port": server.smtp_port},
            quiet={"from": "00:00", "to": "00:00"},
            digest={"at": ""},
        )
        loaded = load(config)
        store, clock = TinyStore(folder_of(loaded.store.url)), MovableClock(TWO_O_CLOCK)
        await store.open()
        service = Practice(Wired(loaded, store, clock))
        big = BigClinic(server, service, store, clock)
        for number, client in enumerate(islice(names(), waiting)):
            await big.report(number, client)
        running = asyncio.create_task(service.run())
        try:
            async with asyncio.timeout(60):
                await service.ready.wait()
                await service.settled()
            yield big
        finally:
            service.stop()
            await running
            await store.close()


@pytest.mark.slow
async def test_many_reports_wait_then_as_many_reminders_and_a_new_report_among_them(tmp_path: Path) -> None:
    async with a_big_clinic(tmp_path, MANY) as big:
        await big.once_for_each_case("alert", "draft", cases=MANY)
        assert len(await big.store.open_cases()) == MANY
        async with asyncio.timeout(20):
            await big.server.wait_until_empty(MAILBOX)
        assert len(await big.server.messages(MAILBOX, "Promptly")) == MANY

        # five minutes on, all reminders are due at once; Dana's report comes while they go out
        big.letters.clear()
        big.clock.move(timedelta(minutes=5))
        big.service.wake()
        while len(big.of("reminder")) < MANY // 10:
            await asyncio.sleep(0.01)
        sent_at = time.monotonic()
        await big.report(7, "Newcomer")
        async with asyncio.timeout(40):
            await big.service.settled()
        alert, draft = big.of("alert")[0], big.of("draft")[0]
        answered_in = max(alert.passed_at, draft.passed_at) - sent_at
        before = sum(letter.passed_at < max(alert.passed_at, draft.passed_at) for letter in big.of("reminder"))
        assert before < MANY // 2, "it overtook the others"
        assert answered_in < 2, "the promise of a crisis"
        await big.once_for_each_case("reminder", cases=MANY)
        assert len(big.of("alert")) == len(big.of("draft")) == 1


@pytest.mark.slow
async def test_alerts_of_new_reports_overtake_reminders_that_an_outage_held_back(tmp_path: Path) -> None:
    async with a_big_clinic(tmp_path, 100) as big:
        await big.server.down_smtp()
        big.letters.clear()
        big.clock.move(timedelta(minutes=5))
        big.service.wake()
        async with asyncio.timeout(20):
            while len(await big.store.owed()) < 100:
                await asyncio.sleep(0.02)
            for number, client in enumerate(("Newcomer", "Latecomer")):
                await big.report(number, client)
            while len(await big.store.owed()) < 104:
                await asyncio.sleep(0.02)
            await big.server.up_smtp()
            await big.service.settled()
        kinds = [letter.kind for letter in big.letters]
        assert sorted(kinds[:4]) == ["alert", "alert", "draft", "draft"]
        assert kinds[4:] == ["reminder"] * 100
        sent = [letter for case in (await big.store.open_cases()).values() for letter in case.letters]
        assert {letter.post for letter in sent} == {Post.SENT}

        # five minutes later both are due, and escalations go first
        big.letters.clear()
        big.clock.move(timedelta(minutes=5))
        async with asyncio.timeout(20):
            await big.service.settled()
        kinds = [letter.kind for letter in big.letters]
        assert kinds.count("escalation") == 100
        assert kinds.index("reminder") >= 100 - 1, "two go at a time"
        assert not await big.store.owed()
