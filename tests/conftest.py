"""Fixtures that every test may use."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable

import pytest
import structlog
from hypothesis import HealthCheck, settings

from tests.real_servers import real_servers
from workflow.store import Store, folder_of

__all__ = ["real_servers"]

# Nothing of what is collected is ever garbage: to look through it again and again took half of the time to collect.
gc.disable()

# In CI the same examples each time: an unrelated change must not fail by chance. Everybody else explores.
settings.register_profile(
    "promptly",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=os.environ.get("CI") == "true",
)
settings.register_profile("quick", settings.get_profile("promptly"), max_examples=10)
"""`make quick` looks at fewer examples, `make test` at a hundred or more."""
settings.load_profile("promptly")


STORES = ("tiny", "yielding", "slow", "sqlite")
"""What the clinics of conversations may keep their state in."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--store", choices=STORES, default="tiny", help="the store of every conversation")


@pytest.fixture(scope="session", autouse=True)
def _store_of_conversations(request: pytest.FixtureRequest) -> None:
    # Imported here: who only hands tests to its workers needs none of it.
    from tests import conversation
    from tests.store.sqlite_store import SqliteStore
    from tests.store.waiting_store import pausing, waiting

    tiny = conversation.stores
    made: dict[str, Callable[[str], Store]] = {
        "tiny": tiny,
        "yielding": lambda url: waiting(tiny(url), pausing(0.0)),
        "slow": lambda url: waiting(tiny(url), pausing(0.001)),
        "sqlite": lambda url: SqliteStore(folder_of(url).with_suffix(".sqlite")),
    }
    conversation.stores = made[request.config.getoption("store")]


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


@pytest.fixture(autouse=True)
def _no_real_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy or credentials in the environment must not leak into a test."""
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)


@pytest.fixture(autouse=True)
def _own_log() -> None:
    """A verb that ran inside an earlier test may have turned the log down."""
    structlog.reset_defaults()
