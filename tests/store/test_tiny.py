"""The TinyDB store: the promises of every store, what its files are, and looking at them."""

from __future__ import annotations

import datetime as wall
import os
import stat
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings
from tinydb import TinyDB

from tests.store.bench import Bench
from tests.store.cases import DAY, NINE, a_case, a_letter, about, closed, without_case
from tests.store.conformance import StoreConformance
from tests.store.tiny_bench import TinyBench, files, opened, some_past
from tests.store.waiting_store import WaitingBench, pausing
from workflow.core.mail import Place
from workflow.core.model import Case, Post
from workflow.store import codec
from workflow.store.tiny import atomic
from workflow.store.tiny.store import TinyStore


class TestTinyStore(StoreConformance):
    @pytest.fixture
    def bench(self, tmp_path: Path) -> Bench:
        return TinyBench(tmp_path / "state")


@pytest.mark.parametrize(
    "seconds", [0.0, pytest.param(0.001, marks=pytest.mark.slow)], ids=["yielding", "slow"], scope="class"
)
class TestTinyStoreThatWaits(StoreConformance):
    @pytest.fixture
    def bench(self, tmp_path: Path, seconds: float) -> Bench:
        return WaitingBench(TinyBench(tmp_path / "state"), pausing(seconds))


# --- what the files are ---------------------------------------------------------------------------


async def test_a_decision_is_one_replacement_of_one_file(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = await opened(state)
    steps: list[str] = []
    monkeypatch.setattr(atomic, "boundary", steps.append)
    once = ["before-write", "after-write", "after-fsync", "after-replace", "after-folder-fsync"]
    decision = about(a_case(letters=(a_letter(1), a_letter(2))), a_letter(1, None), key="a key")
    await store.commit(decision, NINE, counts={"refused": (NINE,)})
    assert steps == once
    await store.commit(without_case(a_letter(2, None), key="another"), NINE, marks={"digest": "x"})
    assert steps == once * 2
    await store.settle_letters([a_letter(1, post=Post.SENT), a_letter(2, post=Post.SENT)])
    assert steps == once * 3
    await store.commit(without_case(), NINE)
    assert steps == once * 3, "a decision of nothing writes nothing"
    await store.close()


async def test_files_are_readable_by_a_person_by_tinydb_and_by_nobody_else(state: Path) -> None:
    store = await opened(state)
    await store.commit(about(a_case()), NINE)
    path = state / "open" / "K7Q2.json"
    assert '\n        "client": "Sam P.",\n' in path.read_text("utf-8")
    with TinyDB(path, access_mode="r") as database:
        [document] = database.table("case").all()
    assert document["case"]["history"][0]["text"] == "LATE 15 Sam P."
    assert {stat.S_IMODE(each.stat().st_mode) for each in (path, state / "desk.json", state / "lock")} == {0o600}
    assert {stat.S_IMODE(each.stat().st_mode) for each in (state, state / "open")} == {0o700}
    await store.close()


async def test_a_folder_that_was_open_to_others_is_closed_to_them(state: Path) -> None:
    state.mkdir(mode=0o755)
    await (await opened(state)).close()
    assert stat.S_IMODE(state.stat().st_mode) == 0o700


async def test_a_closed_case_moves_to_its_month_once_nothing_is_owed(state: Path) -> None:
    store = await opened(state)
    case = replace(closed(a_case(), datetime(2026, 12, 1, 4, 59, tzinfo=UTC)), letters=(a_letter(1),))
    await store.commit(about(case), NINE)
    assert "open/K7Q2.json" in files(state)
    await store.settle_letters([a_letter(1, post=Post.SENT)])
    assert set(files(state)) == {"closed/2026-12/K7Q2.json", "desk.json"}
    await store.commit(about(a_case()), NINE)
    assert set(files(state)) == {"open/K7Q2.json", "desk.json"}
    await store.commit(about(closed(a_case())), NINE)
    assert set(files(state)) == {"closed/2026-11/K7Q2.json", "desk.json"}
    await store.close()


@pytest.fixture(scope="module", autouse=True)
def plausible_values() -> Iterator[None]:
    """What hypothesis may put into a case: what can really come to stand there."""
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    instants = st.timedeltas(timedelta(0), 99_999 * DAY).map(lambda span: epoch + span)
    st.register_type_strategy(datetime, instants)
    # quiet hours are whole minutes; of a time (not of a datetime) orjson 3.13 drops leading zeros of microseconds
    st.register_type_strategy(wall.time, st.builds(wall.time, st.integers(0, 23), st.integers(0, 59)))
    st.register_type_strategy(int, st.integers(-(2**53), 2**53))
    st.register_type_strategy(str, st.text(st.characters(codec="utf-8")))
    yield
    for kind, usual in {datetime: st.datetimes(), wall.time: st.times(), int: st.integers(), str: st.text()}.items():
        st.register_type_strategy(kind, usual)


@settings(max_examples=settings().max_examples // 2, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_any_case_is_read_as_it_was_written(data: st.DataObject) -> None:
    filed = codec.Filed(data.draw(st.from_type(Case)), NINE, (a_letter(1, None),), {"key": NINE})
    found = codec.decode(codec.encode({"case": {"1": codec.document(filed)}}))["case"]["1"]
    assert codec.read(codec.Filed, found) == filed


# --- beside a running daemon ----------------------------------------------------------------------


async def test_a_peek_sees_what_is_committed_and_changes_nothing(state: Path) -> None:
    store = await some_past(state)
    (state / "open" / "X2X2.json").write_text("{")
    (state / "open" / "K7Q2.json.new").write_text("{ a commit under way")
    before = files(state)
    reader = TinyStore.peek(state)
    assert await reader.open_cases() == await store.open_cases()
    assert await reader.owed() == await store.owed()
    assert await reader.case("D5F6") == await store.case("D5F6")
    assert [case.id async for case in reader.closed_cases(NINE)] == ["D5F6", "G7H8"]
    assert reader.desk == store.desk
    assert [fault.name for fault in reader.faults] == ["X2X2"]
    assert files(state) == before
    assert not isinstance(reader, TinyStore), "there is nothing on it that writes"
    await store.close()


async def test_a_peek_at_nothing_makes_nothing(state: Path) -> None:
    reader = TinyStore.peek(state)
    assert await reader.open_cases() == {}
    assert not state.exists()


async def test_a_lock_file_left_by_a_dead_daemon_does_not_mislead(state: Path) -> None:
    state.mkdir()
    (state / "lock").write_text(str(os.getpid()))
    await (await opened(state)).close()


async def test_a_torn_in_hand_counts_nothing(state: Path) -> None:
    state.mkdir()
    for content in (b"1 7", b"\xff\xfe", b"", b"a b c"):
        (state / "in-hand").write_bytes(content)
        store = await opened(state)
        assert await store.hand_count(Place(1, 7)) == 0
        await store.close()


# --- speed ----------------------------------------------------------------------------------------


@pytest.mark.slow
async def test_a_thousand_open_cases_open_quickly_and_cost_a_commit_nothing(state: Path) -> None:
    store = await opened(state)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        for number in range(1000):
            case_id = f"K{number:03d}"
            letters = tuple(a_letter(n, case_id, post=Post.SENT) for n in range(6))
            await store.commit(about(a_case(case_id, letters=letters)), NINE)
    await store.close()
    began = time.perf_counter()
    store = await opened(state)
    assert time.perf_counter() - began < 5, "0.3 s where it was measured"
    assert len(await store.open_cases()) == 1000
    began = time.process_time()
    for number in range(100):
        await store.commit(about(a_case("K500", minutes=number)), NINE)
        await store.next_due()
    assert (time.process_time() - began) / 100 < 0.02, "2 ms where it was measured, with next_due"
    await store.close()
