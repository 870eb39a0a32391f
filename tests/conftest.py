"""Fixtures that every test may use."""

from __future__ import annotations

import os

import pytest
import structlog
from hypothesis import HealthCheck, settings

from tests.real_servers import real_servers

__all__ = ["real_servers"]

# In CI the same examples each time: an unrelated change must not fail by chance. Everybody else explores.
settings.register_profile(
    "promptly",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=os.environ.get("CI") == "true",
)
settings.load_profile("promptly")


@pytest.fixture(autouse=True)
def _no_real_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy or credentials in the environment must not leak into a test."""
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)


@pytest.fixture(autouse=True)
def _own_log() -> None:
    """A verb that ran inside an earlier test may have turned the log down."""
    structlog.reset_defaults()
