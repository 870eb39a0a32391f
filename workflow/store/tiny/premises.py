"""Many clinics in a folder, a folder each, for one node:

    clinics/riverside/       a clinic's state (`tiny.store`)
    clinics/clinics.json     which clinics are known: their files as they were applied, and a version each
    clinics/node.json        what the node says of itself, each few seconds
    clinics/node.lock        held by the node
    clinics/clinics.lock     held while `clinics.json` is replaced

A clinic's name has no dot, so none of them can be one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final

import orjson
from filelock import FileLock, Timeout
from pydantic import TypeAdapter

from workflow import store as stores
from workflow.store import Locked, Store, Unreadable, folder_of
from workflow.store.premises import Known, NodeNews
from workflow.store.tiny import atomic
from workflow.store.tiny.daemon_link import lives, put_file, refusing

PATIENCE: Final = 10.0
"""Seconds for which another `configure` is waited for."""


class TinyPremises:
    def __init__(self, url: str) -> None:
        self._folder = folder_of(url)
        self._known = self._folder / "clinics.json"
        self._node = self._folder / "node.json"
        self._lock = self._locked_by("node.lock")

    def url_of(self, clinic: str) -> str:
        return f"tinydb:{self._folder / clinic}"

    async def join(self) -> None:
        try:
            atomic.make_folder(self._folder)
            self._lock.acquire(timeout=0)
        except Timeout:
            raise Locked(f"another node holds {self._folder}") from None
        except OSError as error:
            raise Unreadable(f"{self._folder}: {error.strerror or type(error).__name__}") from None

    async def beat(self, news: NodeNews) -> int:
        with suppress(OSError):  # a full disk ends no service: whoever looks finds that the node says nothing
            put_file(self._node, news)
        with refusing():
            try:
                return self._known.stat().st_mtime_ns
            except FileNotFoundError:
                return 0

    async def leave(self) -> None:
        with refusing():
            self._node.unlink(missing_ok=True)
        self._lock.release()

    async def claim(self, clinic: str) -> Store:
        return await stores.open(self.url_of(clinic))

    async def clinics(self) -> Mapping[str, Known]:
        return self._read()

    async def configure(self, change: Callable[[dict[str, Known]], None]) -> None:
        with refusing():
            atomic.make_folder(self._folder)
            lock = self._locked_by("clinics.lock")
            await asyncio.to_thread(lock.acquire, timeout=PATIENCE)
            try:
                known = self._read()
                change(known)
                atomic.replace_file(self._known, orjson.dumps(known, option=orjson.OPT_INDENT_2))
            finally:
                lock.release()

    async def nodes(self) -> list[NodeNews]:
        try:
            news: NodeNews = TypeAdapter(NodeNews).validate_json(self._node.read_bytes())
        except (OSError, ValueError):
            return []
        return [news] if lives(self._node, news.pid) else []

    def _read(self) -> dict[str, Known]:
        try:
            found: dict[str, Any] = TypeAdapter(dict[str, Known]).validate_json(self._known.read_bytes())
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise Unreadable(f"{self._known}: {error.strerror or type(error).__name__}") from None
        except ValueError:
            raise Unreadable(f"{self._known} cannot be read, and was left untouched") from None
        return dict(sorted(found.items()))

    def _locked_by(self, name: str) -> FileLock:
        # As the state's own: a lock that means something by lying there would mislead after kill -9.
        path = self._folder / name
        return FileLock(path, mode=atomic.PRIVATE_FILE, thread_local=False, fallback_to_soft=False)
