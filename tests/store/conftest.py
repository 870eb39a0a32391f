from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """Where a store is to be made; not there yet."""
    return tmp_path / "state"
