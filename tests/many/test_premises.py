"""Where many clinics are kept: the promises of `workflow.store.premises`, and what lies in a folder of them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from workflow.store import Locked, NotCommitted, Unreadable
from workflow.store.premises import Known, NodeNews, Premises, Standing, premises_at
from workflow.store.tiny import atomic

NOW = datetime(2026, 11, 5, 19, tzinfo=UTC)
NEWS = NodeNews("north", 1, NOW, NOW, clinics=2, version="1.0", unfit={"hilltop": "mailbox.password_file"})


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"tinydb:{tmp_path / 'clinics'}"


async def know(premises: Premises, **known: Known) -> None:
    await premises.configure(lambda clinics: clinics.update(known))


# P1. one holder


async def test_one_node_alone_joins_a_folder(url: str) -> None:
    first, second = premises_at(url), premises_at(url)
    await first.join()
    with pytest.raises(Locked):
        await second.join()
    await first.leave()
    await second.join()
    await second.leave()


async def test_a_clinic_that_is_claimed_is_nobody_elses(url: str) -> None:
    first, second = premises_at(url), premises_at(url)
    held = await first.claim("riverside")
    with pytest.raises(Locked):
        await second.claim("riverside")
    other = await second.claim("hilltop")
    await held.close()
    again = await second.claim("riverside")
    await again.close()
    await other.close()


# P2. whole


async def test_what_is_made_known_is_known_to_everybody_in_order(url: str) -> None:
    assert await premises_at(url).clinics() == {}
    known = {"riverside": Known("[clinic]", 1, changed_at=NOW), "hilltop": Known("", 2, Standing.HELD, NOW, "sum")}
    await know(premises_at(url), **known)
    found = await premises_at(url).clinics()
    assert found == known
    assert list(found) == ["hilltop", "riverside"]


async def test_several_changes_at_once_lose_none(url: str) -> None:
    async with asyncio.TaskGroup() as tasks:
        for number in range(5):
            tasks.create_task(know(premises_at(url), **{f"clinic-{number}": Known("", 1)}))
    assert len(await premises_at(url).clinics()) == 5


async def test_a_change_that_is_refused_changes_nothing(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    await know(premises_at(url), riverside=Known("old", 1))

    def refuse(step: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic, "boundary", refuse)
    with pytest.raises(NotCommitted):
        await know(premises_at(url), riverside=Known("new", 2))
    monkeypatch.undo()
    assert (await premises_at(url).clinics())["riverside"].toml == "old"


async def test_a_node_sees_a_change_at_its_next_beat(url: str) -> None:
    node = premises_at(url)
    await node.join()
    before = [await node.beat(NEWS), await node.beat(NEWS)]
    assert before[0] == before[1]
    await know(premises_at(url), riverside=Known("", 1))
    assert await node.beat(NEWS) != before[1]
    await node.leave()


async def test_what_cannot_be_read_is_left_untouched(url: str, tmp_path: Path) -> None:
    await know(premises_at(url), riverside=Known("", 1))
    (tmp_path / "clinics" / "clinics.json").write_text("{torn")
    with pytest.raises(Unreadable):
        await premises_at(url).clinics()
    with pytest.raises(Unreadable):
        await know(premises_at(url), riverside=Known("", 2))
    assert (tmp_path / "clinics" / "clinics.json").read_text() == "{torn"


# who lives


async def test_a_node_that_lives_is_seen_and_one_that_left_is_not(url: str) -> None:
    node = premises_at(url)
    await node.join()
    await node.beat(NEWS)
    assert await premises_at(url).nodes() == [NEWS]
    await node.beat(replace(NEWS, pid=2**30))  # of nobody
    assert await premises_at(url).nodes() == []
    await node.beat(NEWS)
    await node.leave()
    assert await premises_at(url).nodes() == []
