"""How long to wait before a server that failed is tried again."""

from __future__ import annotations

import random


class Backoff:
    """Doubled with each failure in a row, with jitter: a server that comes back must not be met by all at once."""

    def __init__(self) -> None:
        self._failures = 0

    def wait(self, first: float, most: float, *, spent: float = 0.0) -> float:
        """Seconds after one more failure: `first` at least, and never more than `most`.

        `spent`: seconds for which the attempt waited in vain, which has been a pause by itself.
        """
        longest = min(most, first * 2.0**self._failures)
        self._failures = min(self._failures + 1, 10)
        return max(first, random.uniform(longest / 2, longest) - spent)

    def end(self) -> None:
        """The server was reached."""
        self._failures = 0
