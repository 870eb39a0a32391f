"""A folder with a TinyDB store in it, what lies there, and a disk that fails."""

from __future__ import annotations

import errno
from dataclasses import replace
from pathlib import Path

from tests.store.cases import DAY, NINE, a_case, a_letter, about, closed
from workflow.store import Store
from workflow.store.tiny.store import TinyStore


class TinyBench:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def make(self) -> TinyStore:
        return TinyStore(self.folder)

    def kill(self, store: Store) -> None:
        kill(store)


def kill(store: Store) -> None:
    """The kernel's part of a death: nothing is written, and the lock is gone."""
    assert isinstance(store, TinyStore)
    store._lock.release(force=True)


async def opened(folder: Path) -> TinyStore:
    store = TinyStore(folder)
    await store.open()
    return store


def files(folder: Path) -> dict[str, bytes]:
    """Everything that lies there, but for the lock."""
    found = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in sorted(found.items()) if name != "lock"}


async def some_past(folder: Path) -> TinyStore:
    """An open case that owes a letter, a closed one, and a closed one that owes a letter."""
    store = await opened(folder)
    await store.commit(about(a_case(letters=(a_letter(1),))), NINE)
    await store.commit(about(closed(a_case("D5F6"))), NINE)
    await store.commit(about(replace(closed(a_case("G7H8")), letters=(a_letter(1, "G7H8"),))), NINE)
    return store


async def view(store: TinyStore) -> object:
    """All that a store says."""
    return (
        await store.open_cases(),
        [case async for case in store.closed_cases(NINE - 999 * DAY)],
        await store.owed(),
        await store.next_due(),
        store.desk,
        store.faults,
        [await store.consumed(key) for key in ("x", "y", "key of B3C4's report", "key of K7Q2's report")],
        [await store.case_of_message(f"<report-{id_}@phone.test>") for id_ in ("K7Q2", "B3C4", "D5F6", "G7H8")],
    )


class Failing:
    """A boundary that lets so many steps pass and fails at all that follow."""

    def __init__(self, passing: int, failure: BaseException) -> None:
        self.failed = False
        self._passing = passing
        self._failure = failure

    def __call__(self, step: str) -> None:
        if self._passing == 0:
            self.failed = True
            raise self._failure
        self._passing -= 1


class PowerCut(BaseException):
    """No `except Exception` may survive it."""


def full_disk() -> OSError:
    return OSError(errno.ENOSPC, "No space left on device")
