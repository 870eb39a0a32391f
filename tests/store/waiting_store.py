"""A store that waits before and after whatever it does, as one does that is reached by a network: what callers take for
granted of a store that never yields shows here.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar, cast

from tests.store.bench import Bench
from workflow.store import Store

Wait = Callable[[str], Awaitable[None]]
"""Called with the name of each method before it does anything, and with "answer to ..." before it returns."""

CHANGES = frozenset({"commit", "settle_letters", "erase", "wipe", "amend_letters", "purge"})
"""What callers do one at a time, under the clinic's lock."""

AnyStore = TypeVar("AnyStore", bound=Store)


def waiting(store: AnyStore, wait: Wait) -> AnyStore:
    """The same store, behind these waits."""
    return cast(AnyStore, _Waiting(store, wait))


def pausing(seconds: float) -> Wait:
    """Each method sleeps so long, twice."""

    async def wait(_name: str) -> None:
        await asyncio.sleep(seconds)

    return wait


class Gate:
    """Lets everything pass at once, but once it `closes`, the next of this name waits until it `opens`."""

    def __init__(self, name: str) -> None:
        self.reached = asyncio.Event()
        """It has come."""
        self._name = name
        self._closed = False
        self._opened = asyncio.Event()

    def closes(self) -> None:
        self._closed = True

    def opens(self) -> None:
        self._opened.set()

    async def __call__(self, name: str) -> None:
        if name == self._name and self._closed and not self.reached.is_set():
            self.reached.set()
            await self._opened.wait()


class WaitingBench:
    """The stores of another bench, behind waits."""

    def __init__(self, bench: Bench, wait: Wait) -> None:
        self._bench = bench
        self._wait = wait

    def make(self) -> Store:
        return waiting(self._bench.make(), self._wait)

    def kill(self, store: Store) -> None:
        assert isinstance(store, _Waiting)
        self._bench.kill(store.behind)


class _Waiting:
    def __init__(self, store: Store, wait: Wait) -> None:
        self.behind = store
        self._wait = wait
        self._changing: str | None = None

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.behind, name)
        if inspect.iscoroutinefunction(found):
            return self._later(name, found)
        return self._listed(name, found) if inspect.isasyncgenfunction(found) else found

    def _later(self, name: str, method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def called(*args: Any, **more: Any) -> Any:
            if name in CHANGES:
                assert self._changing is None, f"{name} begins while {self._changing} is under way"
                self._changing = name
            try:
                await self._wait(name)
                found = await method(*args, **more)
                await self._wait(f"answer to {name}")
                return found
            finally:
                if name in CHANGES:
                    self._changing = None

        return called

    def _listed(self, name: str, method: Callable[..., AsyncIterator[Any]]) -> Callable[..., AsyncIterator[Any]]:
        async def called(*args: Any, **more: Any) -> AsyncIterator[Any]:
            await self._wait(name)
            async for each in method(*args, **more):
                yield each

        return called
