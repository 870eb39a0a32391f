"""One round of ``make crash``, with a seed of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash import play_round
from tests.real_servers import RealServers

pytestmark = [pytest.mark.slow, pytest.mark.real_servers]


async def test_killed_again_and_again_nothing_is_lost_and_no_case_is_doubled(
    real_servers: RealServers, tmp_path: Path
) -> None:
    found = await play_round(real_servers, tmp_path, seed=20261105)
    assert found.faultless, found
