"""The TinyDB store when it dies, or when the disk is full, at any step."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from tests.store.cases import DAY, NINE, a_case, a_letter, about, closed, without_case
from tests.store.tiny_bench import Failing, TinyBench, files, full_disk, opened, some_past, view
from workflow.core.model import Post
from workflow.store import DESK, Locked, NotCommitted
from workflow.store.tiny import atomic
from workflow.store.tiny.store import TinyStore

pytestmark = pytest.mark.slow


class Crash(BaseException):
    """Death at a boundary: nothing after it runs, nothing is tidied."""


Act = Callable[[TinyStore], Awaitable[object]]

ACTS: dict[str, Act] = {
    "a new case": lambda store: store.commit(about(a_case("B3C4", letters=(a_letter(1, "B3C4"),))), NINE),
    "a new version": lambda store: store.commit(about(a_case(minutes=20), a_letter(1, None), key="x"), NINE),
    "closing": lambda store: store.commit(about(closed(a_case())), NINE),
    "a letter sent": lambda store: store.settle_letters([a_letter(1, post=Post.SENT)]),
    "the last letter of a closed case": lambda store: store.settle_letters([a_letter(1, "G7H8", post=Post.SENT)]),
    "a late answer": lambda store: store.commit(
        about(replace(closed(a_case("D5F6")), letters=(a_letter(2, "D5F6"),))), NINE
    ),
    "a late answer that closes in another month": lambda store: store.commit(
        about(closed(a_case("D5F6"), NINE + 40 * DAY)), NINE
    ),
    "opening again": lambda store: store.commit(about(a_case("D5F6")), NINE),
    "a decision without a case": lambda store: store.commit(
        without_case(a_letter(2, None), key="y"), NINE, marks={"digest": "2026-11-05"}
    ),
}


async def seen_on_disk(folder: Path) -> object:
    """What the next daemon will see; it leaves no half-done step behind."""
    store = await opened(folder)
    seen = await view(store)
    await store.close()
    assert not [name for name in files(folder) if name.endswith(".new")]
    ids = [Path(name).stem for name in files(folder) if "/" in name]
    assert len(ids) == len(set(ids)), "no case lies in two places"
    return seen


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS.keys())
async def test_a_crash_at_any_step_leaves_the_old_or_the_new(
    act: Act, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[bool] = []
    failing = Failing(0, Crash())
    while not done or failing.failed:
        folder = tmp_path / str(len(done))
        store = await some_past(folder)
        before = await view(store)
        failing = Failing(len(done), Crash())
        with monkeypatch.context() as patch, suppress(Crash):
            patch.setattr(atomic, "boundary", failing)
            await act(store)
        TinyBench(folder).kill(store)
        after = await seen_on_disk(folder)
        if not failing.failed:
            assert after == await view(store), "what was answered from memory is on disk"
        done.append(after != before)
    assert done[0] is False, "a crash before the first step changes nothing"
    assert done[-1] is True, "without a crash the act is done"
    assert done == sorted(done), "there is one point of no return"
    assert len(done) > 5, "every boundary was met"


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS.keys())
async def test_a_full_disk_at_any_step_leaves_memory_as_the_disk_is(
    act: Act, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passing = 0
    failing = Failing(0, full_disk())
    while passing == 0 or failing.failed:
        folder = tmp_path / str(passing)
        store = await some_past(folder)
        failing = Failing(passing, full_disk())
        refused = False
        with monkeypatch.context() as patch:
            patch.setattr(atomic, "boundary", failing)
            try:
                await act(store)
            except NotCommitted:
                refused = True
        beside = TinyStore.peek(folder)
        assert await beside.open_cases() == await store.open_cases(), "memory is never ahead of disk"
        assert await beside.owed() == await store.owed()
        assert beside.desk == store.desk
        if refused:
            await act(store)
        memory = await view(store)
        TinyBench(folder).kill(store)
        assert await seen_on_disk(folder) == memory
        passing += 1
    assert passing > 5, "every boundary was met"


async def test_after_a_refusal_the_same_commit_works(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = await opened(state)
    await store.commit(about(a_case()), NINE)
    for step in ("before-write", "after-write", "after-fsync"):

        def full(at: str, step: str = step) -> None:
            if at == step:
                raise full_disk()

        with monkeypatch.context() as patch:
            patch.setattr(atomic, "boundary", full)
            with pytest.raises(NotCommitted, match="No space left"):
                await store.commit(about(a_case(minutes=20), key="x"), NINE)
        assert await store.open_cases() == {"K7Q2": a_case()}
        assert await store.consumed("x") == frozenset()
        assert not list(state.rglob("*.new")), "a full disk is not filled with leftovers"
    await store.commit(about(a_case(minutes=20), key="x"), NINE)
    assert await store.open_cases() == {"K7Q2": a_case(minutes=20)}
    await store.close()


async def test_torn_temporary_files_are_swept_and_never_read(state: Path) -> None:
    store = await opened(state)
    await store.commit(about(a_case()), NINE)
    await store.close()
    whole = (state / "open" / "K7Q2.json").read_bytes()
    for name in ("open/K7Q2.json.new", "open/B3C4.json.new", "desk.json.new"):
        (state / name).write_bytes(whole[: len(whole) // 2])
    store = await opened(state)
    assert await store.open_cases() == {"K7Q2": a_case()}
    assert store.faults == ()
    assert not list(state.rglob("*.new"))
    await store.close()


KILLED = """
import asyncio, itertools, sys
from pathlib import Path
sys.path.insert(0, {root!r})
from tests.store.cases import NINE, a_case, a_letter, about
from workflow.store.tiny.store import TinyStore

async def main():
    store = TinyStore(Path({state!r}))
    await store.open()
    for number in itertools.count(1):
        letters = tuple(a_letter(n) for n in range(number % 50))
        await store.commit(about(a_case(minutes=number, letters=letters)), NINE)
        print(number, flush=True)

asyncio.run(main())
"""


@pytest.mark.slow
async def test_kill_9_in_the_middle_of_commits_loses_none_that_returned(state: Path) -> None:
    script = KILLED.format(root=str(Path(__file__).parents[2]), state=str(state))
    for extra in (0.0, 0.0013, 0.0027):
        daemon = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
        assert daemon.stdout is not None
        returned = [int(daemon.stdout.readline()) for _ in range(20)][-1]
        with pytest.raises(Locked):
            await opened(state)
        time.sleep(extra)  # not awaiting anything: only so that the kill falls into another step each time
        os.kill(daemon.pid, signal.SIGKILL)
        rest, _ = daemon.communicate()
        returned = max([returned, *map(int, rest.split())])
        store = await opened(state)
        kept = (await store.open_cases())["K7Q2"].minutes
        assert kept is not None
        assert returned <= kept <= returned + 1
        assert store.faults == ()
        await store.erase("K7Q2")
        await store.close()


async def test_erase_can_be_repeated_when_the_disk_refused(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(8):
        folder = state / str(number)
        store = await some_past(folder)
        with monkeypatch.context() as patch:
            patch.setattr(atomic, "boundary", Failing(number, OSError(errno.EIO, "Input/output error")))
            with pytest.raises(NotCommitted):
                await store.erase("D5F6")
        assert await store.erase("D5F6")
        assert await store.case("D5F6") is None
        assert await store.consumed("key of D5F6's report") == {DESK}
        await store.close()
