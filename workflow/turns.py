"""In which order letters go: the most urgent first, then the oldest; each when its time has come (contract 8.8).

Of a letter it knows the id and the rank alone, and it may know one twice: who takes it looks it up.
"""

from __future__ import annotations

import heapq
from datetime import datetime, timedelta

from workflow.core.model import Letter

TRY_AGAIN = tuple(timedelta(minutes=minutes) for minutes in (1, 2, 5, 15, 30))
"""After a temporary refusal; after the last of these, each 30 minutes (contract section 5)."""

Turn = tuple[int, datetime, str]
"""What letters are sorted by, and the letter's id."""


def turn_of(letter: Letter) -> Turn:
    return letter.kind.course.rank, letter.created_at, letter.id


def not_before(letter: Letter, now: datetime) -> datetime | None:
    """When a delayed letter may be tried again; None: now, its time has come, or was set by a clock that was wrong."""
    return letter.next_at if letter.next_at is not None and now < letter.next_at <= now + TRY_AGAIN[-1] else None


class Turns:
    """Letters that wait for their turn."""

    def __init__(self) -> None:
        self._ready: list[Turn] = []
        self._later: list[tuple[datetime, Turn]] = []

    def __len__(self) -> int:
        """How many may be tried now."""
        return len(self._ready)

    @property
    def rank(self) -> int | None:
        """Of the most urgent that may be tried now; None: there is none."""
        return self._ready[0][0] if self._ready else None

    @property
    def next_at(self) -> datetime | None:
        """When the next may be tried of those whose time has not come; None: there is none."""
        return self._later[0][0] if self._later else None

    def add(self, letter: Letter, now: datetime) -> None:
        """It is owed: its turn comes at once, or when it may be tried again."""
        if (at := not_before(letter, now)) is not None:
            self.put_off(turn_of(letter), at)
        else:
            heapq.heappush(self._ready, turn_of(letter))

    def put_off(self, turn: Turn, at: datetime) -> None:
        heapq.heappush(self._later, (at, turn))

    def take(self) -> Turn:
        """The most urgent that may be tried now, of which there must be one."""
        return heapq.heappop(self._ready)

    def come(self, now: datetime) -> None:
        """Time has passed: those whose time has come may be tried.

        One that is further ahead than the longest wait was set by a clock that was wrong: its time has come, too.
        """
        longest = now + TRY_AGAIN[-1]
        if any(at > longest for at, _ in self._later):
            self._later = [(now if at > longest else at, turn) for at, turn in self._later]
            heapq.heapify(self._later)
        while self._later and self._later[0][0] <= now:
            heapq.heappush(self._ready, heapq.heappop(self._later)[1])
