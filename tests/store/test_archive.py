"""How archived cases are found by a key or a Message-ID, and what a start is spared by the hint."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from tests.bench.past import Past, make_past
from tests.cast import RULES
from tests.store.cases import DAY, MINUTE, NINE, a_case, a_letter, about, closed
from tests.store.tiny_bench import TinyBench, opened
from workflow.store import memory
from workflow.store.codec import Filed
from workflow.store.tiny import closed_index, reader, store
from workflow.store.tiny.closed_index import HINT, Archive
from workflow.store.tiny.store import TinyStore

pytestmark = pytest.mark.slow

IDS = ("B3C4", "D5F6", "K7Q2")


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids of archived cases whose files a start had to read; any number of them is worth a hint here."""
    seen: list[str] = []
    names_in = memory.names_in

    def noted(document: Mapping[str, Any]) -> object:
        seen.append(document["case"]["id"])
        return names_in(document)

    monkeypatch.setattr(reader, "names_in", noted)
    monkeypatch.setattr(store, "WORTH_A_HINT", 1)
    return seen


async def archived(state: Path) -> TinyStore:
    """Three closed cases, each with a letter that was sent."""
    store = await opened(state)
    for case_id in IDS:
        await store.commit(about(closed(a_case(case_id, letters=(a_letter(1, case_id),)))), NINE)
    return store


async def found_by_all(store: TinyStore) -> list[str]:
    """The cases that are found by the key of their mail, its Message-ID, and that of their letter."""
    return [
        case_id
        for case_id in IDS
        if await store.consumed(f"key of {case_id}'s report") == {case_id}
        and await store.case_of_message(f"<report-{case_id}@phone.test>") == case_id
        and await store.case_of_message(a_letter(1, case_id).message_id) == case_id
    ]


# --- the names ------------------------------------------------------------------------------------


@settings(max_examples=settings().max_examples // 2)
@given(cases=st.lists(st.tuples(st.sampled_from(IDS), st.sets(st.text(max_size=3)), st.booleans()), max_size=12))
def test_every_name_of_a_case_leads_to_it_until_it_is_dropped(cases: list[tuple[str, set[str], bool]]) -> None:
    names: dict[str, set[str]] = {}
    found = Archive()
    for case_id, some, goes in cases:
        if goes:
            found.drop(case_id)
            names.pop(case_id, None)
        else:
            found.put(case_id, some, 1)
            names.setdefault(case_id, set()).update(some)
    for name in {name for some in names.values() for name in some} | {"never seen"}:
        assert found.perhaps(name) >= {case_id for case_id, some in names.items() if name in some}
        assert found.perhaps(name) <= names.keys()
    assert found.perhaps("never seen") == set()


async def test_two_names_of_one_sum_are_told_apart_by_the_files(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(closed_index, "_sum", lambda name: 7 << 32)
    assert await found_by_all(await archived(state)) == list(IDS)


async def test_an_archived_case_that_speaks_again_is_found_by_old_and_new_names(state: Path) -> None:
    store = await archived(state)
    case = await store.case("K7Q2")
    assert case is not None
    again = replace(case.mails[0], key="another", message_id="<another@phone.test>")
    reopened = a_case(mails=(*case.mails, again), letters=case.letters)
    await store.commit(about(reopened), NINE)
    assert await found_by_all(store) == list(IDS)
    assert await store.consumed("another") == {"K7Q2"}
    await store.commit(about(closed(reopened)), NINE)
    assert await found_by_all(store) == list(IDS)
    assert await store.case_of_message("<another@phone.test>") == "K7Q2"


# --- the hint -------------------------------------------------------------------------------------


async def test_a_start_reads_only_what_the_hint_does_not_tell(state: Path, reads: list[str]) -> None:
    await (await archived(state)).close()
    store = await opened(state)
    assert reads == []
    assert await found_by_all(store) == list(IDS)
    assert await store.latest_at() == NINE
    await store.commit(about(closed(a_case("G7H8"))), NINE + MINUTE)
    TinyBench(state).kill(store)
    store = await opened(state)
    assert reads == ["G7H8"], "what came after the hint"
    assert await store.consumed("key of G7H8's report") == {"G7H8"}
    await store.close()
    assert (await (await opened(state)).latest_at(), reads) == (NINE + MINUTE, ["G7H8"])


async def test_a_file_that_was_edited_or_removed_is_no_longer_what_the_hint_says(state: Path, reads: list[str]) -> None:
    await (await archived(state)).close()
    folder = state / "closed" / "2026-11"
    (folder / "D5F6.json").unlink()
    edited = (folder / "K7Q2.json").read_bytes().replace(b"key of K7Q2's report", b"key of another mail!")
    was = (folder / "K7Q2.json").stat()
    (folder / "K7Q2.json").write_bytes(edited)
    os.utime(folder / "K7Q2.json", ns=(was.st_atime_ns, was.st_mtime_ns + 1))
    store = await opened(state)
    assert reads == ["K7Q2"]
    assert await store.consumed("key of another mail!") == {"K7Q2"}
    assert await store.consumed("key of K7Q2's report") == frozenset()
    assert await store.consumed("key of D5F6's report") == frozenset()
    assert await found_by_all(store) == ["B3C4"]


@pytest.mark.parametrize("damage", [b"", b"{}\n", b"no json\nat all", b'{"format":2}\n'])
async def test_a_damaged_hint_costs_time_and_nothing_else(state: Path, reads: list[str], damage: bytes) -> None:
    await (await archived(state)).close()
    (state / HINT).write_bytes(damage)
    store = await opened(state)
    assert sorted(reads) == list(IDS)
    assert await found_by_all(store) == list(IDS)


@pytest.mark.parametrize("byte", [-1, -40])
async def test_a_torn_hint_is_none(state: Path, reads: list[str], byte: int) -> None:
    await (await archived(state)).close()
    whole = (state / HINT).read_bytes()
    (state / HINT).write_bytes(whole[:byte])
    assert await found_by_all(await opened(state)) == list(IDS)
    assert sorted(reads) == list(IDS)


async def test_an_erased_case_leaves_the_hint_at_once_and_for_good(state: Path, reads: list[str]) -> None:
    await (await archived(state)).close()
    assert b"D5F6" in (state / HINT).read_bytes()
    store = await opened(state)
    await store.erase("D5F6")
    assert not (state / HINT).exists()
    await store.close()
    assert b"D5F6" not in (state / HINT).read_bytes()
    assert reads == []
    store = await opened(state)
    assert await store.consumed("key of D5F6's report") == {"desk"}, "the mail must not come back"
    assert await store.case_of_message("<report-D5F6@phone.test>") is None


async def test_a_small_state_has_no_hint(state: Path) -> None:
    await (await archived(state)).close()
    assert not (state / HINT).exists()


# --- what is not read -----------------------------------------------------------------------------


async def test_cases_closed_at_another_time_are_not_even_parsed(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = await archived(state)
    await store.commit(about(closed(a_case("G7H8"), NINE + DAY)), NINE + DAY)
    parsed: list[str] = []
    read_case = reader.read_case

    def noted(path: Path) -> Filed:
        parsed.append(path.stem)
        return read_case(path)

    monkeypatch.setattr(reader, "read_case", noted)
    assert [case.id async for case in store.closed_cases(NINE + DAY)] == ["G7H8"]
    assert parsed == ["G7H8"]
    assert await store.purge(NINE + DAY) == IDS


async def test_the_past_that_the_bench_makes_up_is_a_state_like_any_other(tmp_path: Path) -> None:
    make_past(tmp_path / "state", RULES, Past(4, 3), NINE)
    store = await opened(tmp_path / "state")
    assert store.faults == ()
    cases = (await store.open_cases()).open
    assert [case.sent_at is not None for case in cases] == [True] * 4
    due = await store.next_due()
    assert due is not None, "nothing comes in the way of a measure"
    assert due - NINE > DAY / 4
    assert await store.owed() == []
    ended = [case async for case in store.closed_cases(NINE - 400 * DAY)]
    assert len(ended) == 3
    assert await store.case_of_message(ended[0].letters[0].message_id) == ended[0].id
