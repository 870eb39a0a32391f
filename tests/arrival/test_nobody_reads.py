"""Whatever is refused or comes back, an open case goes on asking: the associate, or else admin."""

from __future__ import annotations

import asyncio
import email
import email.policy
import os
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.arrival import reports
from tests.arrival.paper import Paper
from tests.cast import local
from tests.machine_world import ALEX, DANA
from tests.movable_clock import MovableClock
from workflow.core.model import Case

pytestmark = pytest.mark.slow

LEAD = "lead@clinic.test"

STEPS = st.one_of(
    st.tuples(st.sampled_from(["refused", "bouncing", "well"]), st.sampled_from([DANA, ALEX, LEAD])),
    st.tuples(st.just("passes"), st.integers(1, 30 * 60)),
    st.tuples(st.just("writes"), st.sampled_from(["NOSHOW Sam", "LATE 8 Kim", "LATE 40 Jo", "WAITING Ben", "STATUS"])),
    st.tuples(st.just("answers"), st.sampled_from(["SENT", "REBOOK", "UNDO", "NOSHOW", "LATE 20"])),
)


def comes_back(letter: EmailMessage) -> EmailMessage:
    """What a mail server makes of it, when there is no such mailbox after all."""
    report = email.message_from_string(reports.postfix(letter), policy=email.policy.default)
    assert isinstance(report, EmailMessage)
    return report


class History:
    def __init__(self, paper: Paper) -> None:
        self.paper = paper

    async def goes(self, step: tuple[str, object]) -> None:
        paper = self.paper
        match step:
            case ("refused", str(address)):
                paper.refused.add(address)
            case ("bouncing", str(address)):
                paper.answers_for[address] = comes_back
            case ("well", str(address)):
                paper.refused.discard(address)
                paper.answers_for.pop(address, None)
            case ("passes", int(minutes)):
                await paper.passes(timedelta(minutes=minutes))
            case ("writes", str(line)):
                await paper.writes(DANA, line)
            case ("answers", str(word)):
                for case in await self.open():
                    await paper.writes(DANA, f"[{case.id}] {word}")

    async def open(self) -> list[Case]:
        return list((await self.paper.store.open_cases()).open)

    def reached(self) -> set[str]:
        return {DANA, ALEX, LEAD} - self.paper.refused - self.paper.answers_for.keys()

    async def holds(self) -> None:
        for case in await self.open():
            assert case.timers, f"{case.id} would end in silence"

    async def ends(self) -> None:
        """Within two days somebody hears of each case that is still open, if admin can be reached.

        A lead who alone is left was told when it escalated, and has no reminders.
        """
        still, had = await self.open(), len(self.paper.got)
        await self.paper.passes(timedelta(days=2))
        heard = {got.case for got in self.paper.got[had:] if got.to in self.reached() and got.kind != "notice"}
        silent = [case for case in await self.open() if case.id in {one.id for one in still} and case.id not in heard]
        assert not silent or ALEX not in self.reached()


@settings(max_examples=settings().max_examples, deadline=None)
@given(steps=st.lists(STEPS, max_size=12))
def test_no_open_case_ends_in_silence(steps: list[tuple[str, object]]) -> None:
    async def plays(folder: Path) -> None:
        paper = Paper(folder, MovableClock(local("14:00")))
        await paper.opens()
        try:
            history = History(paper)
            await history.goes(("writes", "NOSHOW Sam"))
            for step in steps:
                await history.goes(step)
                await history.holds()
            await history.ends()
        finally:
            await paper.store.close()

    with TemporaryDirectory() as folder, patch.object(os, "fsync", lambda _: None):
        asyncio.run(plays(Path(folder)))
