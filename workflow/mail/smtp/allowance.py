"""How many letters the server takes: at most so many in any 60 seconds (`[smtp] per_minute`)."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta

MINUTE = timedelta(seconds=60)

SOON = timedelta(seconds=1)
"""After so long it may be known what became of the letters under way."""


class Allowance:
    """Of one process; 0 is no limit. Times are the clinic's, and those of the future count for nothing."""

    def __init__(self, per_minute: int) -> None:
        self._most = per_minute
        self._went: deque[datetime] = deque(maxlen=per_minute)

    def count(self, now: datetime) -> None:
        """A letter has gone, or may have."""
        self._went.append(now)

    def free_at(self, now: datetime, under_way: int = 0) -> datetime | None:
        """When to ask again whether one may go, while so many are `under_way`; None: one may go now."""
        lately = [at for at in self._went if timedelta() <= now - at < MINUTE]
        if not self._most or len(lately) + under_way < self._most:
            return None
        return now + SOON if under_way else lately[0] + MINUTE
