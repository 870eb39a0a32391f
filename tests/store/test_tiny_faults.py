"""The TinyDB store when its files cannot be read."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.store.cases import DAY, NINE, a_case, a_letter, about, closed, without_case
from tests.store.tiny_bench import Failing, files, full_disk, opened
from workflow.store import Fault, Unreadable
from workflow.store.tiny import atomic
from workflow.store.tiny.store import TinyStore

BROKEN: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "torn": (lambda whole: whole[:300], "no JSON"),
    "empty": (lambda _: b"", "no JSON"),
    "zeros, as after loss of power": (lambda whole: bytes(len(whole)), "no JSON"),
    "another kind of file": (lambda _: b"[1, 2]", "not a TinyDB file"),
    "no document": (lambda _: b'{"case": {}}', "holds nothing"),
    "a foreign table": (lambda _: b'{"case": {"one": {"a": 1}}}', "holds nothing"),
    "no version": (lambda whole: whole.replace(b'"format": 1,', b""), "no format version"),
    "a field missing": (lambda whole: whole.replace(b'"kind": "late",', b"", 1), "case.kind: missing"),
    "an unknown word": (lambda whole: whole.replace(b'"state": "open"', b'"state": "opne"'), "case.state: enum"),
    "a time without a zone": (
        lambda whole: whole.replace(b"+00:00", b""),
        "case.session_at: timezone_aware",
    ),
    "another case's": (lambda whole: whole.replace(b'"id": "K7Q2"', b'"id": "K7Q3"'), "its name is not the id"),
}


@pytest.mark.parametrize(("damage", "reason"), BROKEN.values(), ids=BROKEN.keys())
async def test_a_case_that_cannot_be_read_is_set_aside_and_the_rest_runs(
    state: Path, damage: Callable[[bytes], bytes], reason: str
) -> None:
    store = await opened(state)
    for case_id in ("B3C4", "K7Q2"):
        await store.commit(about(a_case(case_id)), NINE)
    await store.close()
    path = state / "open" / "K7Q2.json"
    damaged = damage(path.read_bytes())
    path.write_bytes(damaged)

    assert [fault.name for fault in TinyStore.peek(state).faults] == ["K7Q2"]
    assert path.exists(), "looking moves nothing"
    store = await opened(state)
    assert set(await store.open_cases()) == {"B3C4"}
    [fault] = store.faults
    assert fault.name == "K7Q2"
    assert fault.reason.startswith(reason)
    assert "Sam" not in fault.reason
    assert (state / "set-aside" / "K7Q2.json").read_bytes() == damaged
    assert not path.exists()
    assert await store.knows("K7Q2"), "its id is not dealt out again"
    with pytest.raises(ValueError, match="K7Q2"):
        await store.commit(about(a_case()), NINE)
    await store.close()

    store = await opened(state)
    assert [fault.name for fault in store.faults] == ["K7Q2"], "a fault is there until somebody has looked"
    await store.close()


async def test_a_fault_announced_once_stays_announced_until_it_was_mended(state: Path) -> None:
    store = await opened(state)
    (state / "open" / "K7Q2.json").write_text("{")
    await store.close()
    store = await opened(state)
    [fault] = store.faults
    assert fault.mark not in store.desk.marks
    await store.commit(without_case(a_letter(1, None)), NINE, marks={fault.mark: "2026-11-05"})
    await store.close()
    store = await opened(state)
    assert [each.mark in store.desk.marks for each in store.faults] == [True]
    await store.close()

    (state / "set-aside" / "K7Q2.json").unlink()
    store = await opened(state)
    assert store.faults == ()
    assert fault.mark not in store.desk.marks, "the next fault of this name is a new one"
    await store.close()


async def test_a_second_file_of_the_same_name_is_set_aside_beside_the_first(state: Path) -> None:
    for content in ("{", "{{"):
        (state / "open").mkdir(parents=True, exist_ok=True)
        (state / "open" / "K7Q2.json").write_text(content)
        await (await opened(state)).close()
    aside = state / "set-aside"
    assert [(aside / name).read_text() for name in ("K7Q2.json", "K7Q2.2.json")] == ["{", "{{"]


async def test_what_cannot_be_moved_aside_is_a_fault_where_it_lies(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await opened(state)
    await store.commit(about(a_case("B3C4")), NINE)
    (state / "open" / "K7Q2.json").write_text("{")
    await store.close()
    with monkeypatch.context() as patch:
        patch.setattr(atomic, "boundary", Failing(0, full_disk()))
        store = await opened(state)
    assert set(await store.open_cases()) == {"B3C4"}
    assert store.faults == (Fault("K7Q2", "no JSON"),)
    assert (state / "open" / "K7Q2.json").exists()
    await store.close()


async def test_a_closed_case_that_cannot_be_read_is_a_fault_too(state: Path) -> None:
    store = await opened(state)
    for case_id in ("B3C4", "K7Q2"):
        await store.commit(about(closed(a_case(case_id))), NINE)
    path = state / "closed" / "2026-11" / "K7Q2.json"
    path.write_text("{}")
    assert await store.case("K7Q2") is None
    assert store.faults == (Fault("K7Q2", "holds nothing"),)
    assert [case.id async for case in store.closed_cases(NINE)] == ["B3C4"]
    await store.close()
    store = await opened(state)
    assert (state / "set-aside" / "K7Q2.json").exists()
    assert await store.erase("K7Q2")
    assert not (state / "set-aside" / "K7Q2.json").exists()
    assert store.faults == ()
    await store.close()


async def test_what_was_set_aside_is_purged_by_its_age(state: Path) -> None:
    store = await opened(state)
    await store.close()
    for name in ("K7Q2", "B3C4"):
        (state / "open" / f"{name}.json").write_text("{")
    store = await opened(state)
    old = (NINE - DAY).timestamp()
    os.utime(state / "set-aside" / "K7Q2.json", (old, old))
    os.utime(state / "set-aside" / "B3C4.json", (NINE.timestamp(), NINE.timestamp()))
    await store.purge(NINE)
    assert [fault.name for fault in store.faults] == ["B3C4"]
    await store.close()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'{"desk": {"1": {"format": 1}}}', bytes(100)])
async def test_an_unreadable_desk_stops_the_start_and_nothing_is_touched(state: Path, content: bytes) -> None:
    store = await opened(state)
    await store.commit(about(a_case()), NINE)
    await store.close()
    (state / "desk.json").write_bytes(content)
    (state / "open" / "B3C4.json").write_text("{ broken as well")
    (state / "open" / "D5F6.json.new").write_text("{ torn")
    before = files(state)
    with pytest.raises(Unreadable, match=r"desk\.json"):
        await opened(state)
    assert files(state) == before
    (state / "desk.json").unlink()
    await (await opened(state)).close()  # the lock was let go of


@pytest.mark.parametrize("name", ["desk.json", "open/K7Q2.json", "closed/2026-11/B3C4.json"])
async def test_a_file_of_a_newer_version_stops_the_start_and_nothing_is_touched(state: Path, name: str) -> None:
    store = await opened(state)
    await store.commit(about(a_case()), NINE)
    await store.commit(about(closed(a_case("B3C4"))), NINE)
    await store.close()
    path = state / name
    path.write_bytes(path.read_bytes().replace(b'"format": 1', b'"format": 2'))
    (state / "open" / "D5F6.json").write_text("{ broken")
    before = files(state)
    with pytest.raises(Unreadable, match="newer"):
        await opened(state)
    assert files(state) == before


@pytest.mark.parametrize("name", ["", "open", "closed", "closed/2026-11", "set-aside"])
async def test_a_folder_that_cannot_be_listed_is_not_taken_for_an_empty_one(state: Path, name: str) -> None:
    (state / name).parent.mkdir(parents=True, exist_ok=True)
    (state / name).write_text("a file where a folder should be")
    with pytest.raises(Unreadable):
        await opened(state)
    with pytest.raises(Unreadable):
        TinyStore.peek(state)


async def test_foreign_files_are_left_alone(state: Path) -> None:
    store = await opened(state)
    await store.commit(about(a_case()), NINE)
    await store.close()
    (state / "closed").mkdir()
    for name in ("README.md", "alive.json", "open/K7Q2.json~", "open/.K7Q2.json.swp", "open/.x.json", "closed/.trash"):
        (state / name).write_text("mine")
    before = files(state)
    store = await opened(state)
    assert (set(await store.open_cases()), store.faults) == ({"K7Q2"}, ())
    await store.close()
    assert files(state) == before


async def test_a_closed_case_that_says_nothing_of_its_mails_is_set_aside_at_start(state: Path) -> None:
    store = await opened(state)
    await store.commit(about(closed(a_case())), NINE)
    await store.close()
    (state / "closed" / "2026-11" / "K7Q2.json").write_text('{"case": {"1": {"format": 1}}}')
    store = await opened(state)
    assert store.faults == (Fault("K7Q2", "no case: KeyError"),)
    assert (state / "set-aside" / "K7Q2.json").exists()
    await store.close()


async def test_a_first_start_on_a_full_disk_fails_and_lets_go_of_the_lock(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(atomic, "boundary", Failing(0, full_disk()))
        with pytest.raises(Unreadable, match="cannot be written"):
            await opened(state)
    await (await opened(state)).close()
