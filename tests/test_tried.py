"""What `tests.tried` counts, and the one figure that no other test holds: what waiting for servers costs."""

from __future__ import annotations

import pytest

from tests.tried import trial
from tests.tried.__main__ import play
from tests.tried.faults import Fault, both_away
from tests.tried.trial import DANA, Trial

pytestmark = pytest.mark.slow


async def test_while_both_servers_are_away_it_rests_and_is_back_soon() -> None:
    count = await play(Fault("both away", both_away), seed=3)
    assert (count.lost, count.doubled) == (0, 0)
    assert 0 < count.cpu < 0.05
    assert count.delay < 10, "5 s by the contract; twice that, for a loaded machine"


async def test_what_never_comes_counts_as_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "PATIENCE", 3.0)

    async def nobody_hears(each: Trial) -> None:
        each.server.refuse(DANA, "550 5.1.1 No such user")
        await each.report(2)

    assert (await play(Fault("refused", nobody_hears), seed=1)).lost == 2


async def test_what_comes_twice_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    async def all_of_it_twice(each: Trial) -> None:
        await each.report()
        await each.all_told()
        each.accepted += [(at, passed) for at, passed in each.accepted if passed.recipients == (DANA,)]

    assert (await play(Fault("twice", all_of_it_twice), seed=1)).repeated == 1
