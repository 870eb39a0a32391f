"""A store that is away for a while, at whatever it is asked: waited out, and nothing is lost, doubled or set aside."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from tests.conversation import Clinic
from tests.in_time import answers, happens, missed
from workflow import practice, sender
from workflow.store import StoreError


class Outage:
    """Lets everything pass until it `begins`: then every method fails, or the one named, so many times at most."""

    def __init__(self, only: tuple[str, ...] = (), times: int = 10**9) -> None:
        self.met = 0
        """How often it was met."""
        self._only = only
        self._times = times
        self._on = False

    def begins(self) -> None:
        self._on = True

    def ends(self) -> None:
        self._on = False

    async def __call__(self, name: str) -> None:
        if self._on and self.met < self._times and (name in self._only or not self._only):
            self.met += 1
            raise StoreError("the store is away")


@pytest.fixture(autouse=True)
def _asked_again_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (practice, sender):
        monkeypatch.setattr(module, "DISK_WAIT", 0.01)


async def test_a_store_that_is_away_is_waited_for(tmp_path: Path) -> None:
    outage = Outage()
    async with Clinic(tmp_path, waits=outage) as clinic:
        await missed(clinic)
        outage.begins()
        await answers(clinic, "ravi", "LATE 15 Kim")
        clinic.clock.move(timedelta(minutes=5))
        clinic.service.wake()
        await happens(lambda: outage.met >= 50)
        await clinic.nothing_else()
        outage.ends()
        await clinic.settled()
        await clinic.alex.gets("alert")
        await clinic.ravi.gets("draft")
        await clinic.dana.gets("reminder")


READS = ("letter", "next_due", "consumed", "open_cases", "knows", "hand_count")


@pytest.mark.slow
@pytest.mark.parametrize("method", [*READS, *(f"answer to {read}" for read in READS), "put_down", "settle_letters"])
async def test_a_method_that_fails_twice_loses_nothing(tmp_path: Path, method: str) -> None:
    outage = Outage((method,), times=2)
    async with Clinic(tmp_path, waits=outage) as clinic:
        outage.begins()
        await answers(clinic, "dana", "NOSHOW Sam")
        await happens(lambda: outage.met == 2)
        await clinic.settled()
        await clinic.passes(seconds=2)  # a letter that could not be looked up lets the others have their turn
        await clinic.alex.gets("alert")
        await clinic.dana.gets("draft")


@pytest.mark.slow
async def test_a_commit_whose_answer_is_lost_is_not_forgotten(tmp_path: Path) -> None:
    """It was kept all the same. The mail is known then, so nothing but the store tells of its letters."""
    outage = Outage(("answer to commit", "owed", "answer to owed"), times=3)
    async with Clinic(tmp_path, waits=outage) as clinic:
        outage.begins()
        await missed(clinic)
        assert outage.met == 3


class Interrupted(Outage):
    """Fails twice, after so many commits went through."""

    def __init__(self, only: str, after: int) -> None:
        super().__init__((only,), times=2)
        self._left = after

    async def __call__(self, name: str) -> None:
        if self._on and name in self._only and self._left:
            self._left -= 1
        else:
            await super().__call__(name)


@pytest.mark.parametrize("after", [0, 1, 2])
@pytest.mark.parametrize("method", ["commit", "answer to commit"])
async def test_a_mail_of_several_reports_is_acted_on_once_wherever_it_is_interrupted(
    tmp_path: Path, method: str, after: int
) -> None:
    outage = Interrupted(method, after)
    async with Clinic(tmp_path, waits=outage) as clinic:
        outage.begins()
        await clinic.dana.writes("LATE 15 Sam", "LATE 20 Kim\nNOSHOW Jo AT 1pm")
        await happens(lambda: outage.met > 0)
        await clinic.settled()
        for _ in range(3):
            await clinic.dana.gets("draft")
            await clinic.alex.gets("alert")
        await clinic.nothing_else()
        cases = (await clinic.store.open_cases()).open
        assert sorted(case.client or "" for case in cases) == ["Jo", "Kim", "Sam"]
