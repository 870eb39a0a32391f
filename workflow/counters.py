"""What a clinic's daemon has done since it started, counted: reports, mails, letters. Numbers alone, never a name.

Not here: how they are shown (`health`), and what is open or owed now, which the store knows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta

URGENT_WITHIN = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 120.0, 600.0)
"""Seconds, the limits of the histogram: well below a second where both servers are near, 120 s where admin is told of
a delay (contract section 5)."""


@dataclass
class Counters:
    """One clinic's counts. Only ever rising, from 0 at each start."""

    reports: Counter[str] = field(default_factory=Counter)
    """Cases opened, by kind."""
    mails: Counter[str] = field(default_factory=Counter)
    """Mails decided, by what became of them."""
    letters: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Letters by kind and fate: sent, delayed (each refusal for now counts), failed, withdrawn."""
    within: Counter[float] = field(default_factory=Counter)
    """Alerts and drafts accepted within each limit of `URGENT_WITHIN`, in clinic time."""
    urgent: int = 0
    urgent_seconds: float = 0.0
    """Alerts and drafts accepted, and the sum of the seconds that they took."""
    changes: int = 0
    """Decisions committed, and cases erased or wiped: whether anything is new."""
    refusals: int = 0
    """Steps at which the store failed; each is tried again."""

    def count_urgent(self, took: timedelta) -> None:
        """An alert or draft was accepted so long after it was decided."""
        seconds = max(0.0, took.total_seconds())  # the clock may have been set back meanwhile
        self.urgent += 1
        self.urgent_seconds += seconds
        self.within.update(limit for limit in URGENT_WITHIN if seconds <= limit)


def summed(several: Iterable[Counters]) -> Counters:
    """Of several clinics as if they were one."""
    total = Counters()
    for one in several:
        total.reports += one.reports
        total.mails += one.mails
        total.letters += one.letters
        total.within += one.within
        total.urgent += one.urgent
        total.urgent_seconds += one.urgent_seconds
        total.refusals += one.refusals
    return total
