"""The promises of every store, held by one that shares nothing with the default one but its index and its codec."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.store.bench import Bench
from tests.store.conformance import StoreConformance
from tests.store.sqlite_store import SqliteStore
from workflow.store import Store


class SqliteBench:
    def __init__(self, path: Path) -> None:
        self._path = path

    def make(self) -> SqliteStore:
        return SqliteStore(self._path)

    def kill(self, store: Store) -> None:
        assert isinstance(store, SqliteStore)
        store.die()


class TestSqliteStore(StoreConformance):
    @pytest.fixture
    def bench(self, tmp_path: Path) -> Bench:
        return SqliteBench(tmp_path / "state" / "promptly.sqlite")
