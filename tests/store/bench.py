"""What a conformance test needs of a store besides the store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from workflow.store import Store


class Bench(Protocol):
    """Where the stores of one test live."""

    def make(self) -> Store:
        """A store on this test's data, not opened yet."""
        ...

    def kill(self, store: Store) -> None:
        """What `kill -9` does: the lock is free, nothing was flushed."""
        ...


async def restarted(bench: Bench, store: Store) -> Store:
    """The daemon was killed and started again."""
    bench.kill(store)
    fresh = bench.make()
    await fresh.open()
    return fresh


async def before_and_after_a_death(bench: Bench, store: Store) -> AsyncIterator[Store]:
    """The store as it is, then as it is once it was killed and started again: nobody asks the dead."""
    yield store
    again = await restarted(bench, store)
    yield again
    bench.kill(again)
