"""The sender and a store that takes its time: what is under way there is neither forgotten nor done twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.conversation import Clinic
from tests.in_time import answers, happens, is_owed, letters
from tests.store.waiting_store import Gate
from workflow import sender


@asynccontextmanager
async def held_at(folder: Path, method: str) -> AsyncIterator[tuple[Clinic, Gate]]:
    """Dana has reported a missed session, and the store waits at the first call of this method since then."""
    gate = Gate(method)
    async with Clinic(folder, waits=gate) as clinic:
        gate.closes()
        await answers(clinic, "dana", "NOSHOW Sam")
        async with asyncio.timeout(10):
            await gate.reached.wait()
        yield clinic, gate


async def everybody_has_theirs(clinic: Clinic) -> None:
    await clinic.settled()
    await clinic.alex.gets("alert")
    await clinic.dana.gets("draft")
    await clinic.nothing_else()
    assert not await clinic.store.owed()


def waits(clinic: Clinic) -> bool:
    """Whether a letter is in nobody's hand."""
    ours = clinic.service.sender
    return bool(ours._turns) or ours._turns.next_at is not None


async def test_letters_share_one_connection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender, "PATIENCE", 60.0)  # a slow machine must not make it look like a burst
    async with Clinic(tmp_path) as clinic:
        await clinic.dana.writes("NOSHOW Sam")
        await clinic.alex.gets("alert")
        await clinic.dana.gets("draft")
        assert clinic.server.smtp_connections == 1


async def test_behind_a_letter_that_hangs_a_second_connection_is_opened_and_no_third(tmp_path: Path) -> None:
    async with Clinic(tmp_path, admins=("alex", "pat")) as clinic:
        clinic.server.hang_smtp()
        await answers(clinic, "dana", "NOSHOW Sam")
        await happens(lambda: clinic.server.hanging == 2)  # of three
        await happens(lambda: clinic.server.smtp_connections == 2)
        clinic.server.resume_smtp()
        await clinic.settled()
        await clinic.alex.gets("alert")
        await clinic.pat.gets("alert")
        await clinic.dana.gets("draft")


async def test_a_letter_whose_acceptance_is_being_recorded_is_not_sent_again(tmp_path: Path) -> None:
    async with held_at(tmp_path, "settle_letters") as (clinic, gate):
        clinic.service.sender.owe(await clinic.store.owed())  # as after a commit that was refused
        await happens(lambda: not waits(clinic))
        gate.opens()
        await everybody_has_theirs(clinic)


async def test_a_stop_while_an_acceptance_is_being_recorded_loses_it_not(tmp_path: Path) -> None:
    async with held_at(tmp_path, "settle_letters") as (clinic, _):
        await clinic.stops()
        await clinic.starts()
        await everybody_has_theirs(clinic)


async def test_a_letter_that_is_looked_up_is_in_one_hand_alone(tmp_path: Path) -> None:
    async with held_at(tmp_path, "answer to letter") as (clinic, gate):
        clinic.service.sender.owe(await clinic.store.owed())
        await letters(clinic.server, clinic.dana.address, 1)  # by the other worker, which has nothing else to do now
        await happens(lambda: not waits(clinic))
        gate.opens()
        await everybody_has_theirs(clinic)


async def test_nothing_is_recorded_into_a_case_that_is_being_committed(tmp_path: Path) -> None:
    """A commit decided before an acceptance must not come after it: this store takes no two changes at once."""
    gate = Gate("commit")
    async with Clinic(tmp_path, waits=gate) as clinic:
        clinic.server.hang_smtp()
        await answers(clinic, "dana", "NOSHOW Sam")
        await is_owed(clinic, "draft")
        await happens(lambda: not waits(clinic))  # both are in hand
        gate.closes()
        await answers(clinic, "dana", "SENT")
        async with asyncio.timeout(10):
            await gate.reached.wait()
        clinic.server.resume_smtp()
        await letters(clinic.server, clinic.alex.address, 1)
        await letters(clinic.server, clinic.dana.address, 1)
        sent = clinic.service.clinic.counters.letters
        await happens(lambda: sent["alert", "sent"] == sent["draft", "sent"] == 1)
        for _ in range(20):  # turns in which it would be recorded
            await asyncio.sleep(0)
        gate.opens()
        await clinic.settled()
        await clinic.alex.gets("alert")
        await clinic.alex.gets("update")
        await clinic.dana.gets("draft")
        await clinic.dana.gets("receipt")
        assert not await clinic.store.owed()
