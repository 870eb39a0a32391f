"""How fast clients were told, and how cases ended: for digest, report and status. Pure arithmetic over cases.

It counts nothing that is wiped with the names, so a month's figures stay the same for as long as its cases are kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from statistics import median
from typing import Final

from workflow.core.model import Case, Kind, State

TOO_LONG: Final = timedelta(minutes=10)
"""The policy: a client is told within minutes; after ten, admin is asked to help (contract section 5)."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What a number of cases come to. Cases closed as a mistake are counted as such, and nowhere else."""

    cases: int
    mistakes: int
    contacted: int
    """Of those whose client is owed a message (`late`, `noshow`): how many clients were messaged or reached."""
    median_minutes: float | None
    """From the report to that, in minutes."""
    p90_minutes: float | None
    """Nine of ten were told within this time: a time that did occur (nearest rank)."""
    over_10_minutes: int
    """How many were not told for more than ten minutes, in the end or until now."""
    outcomes: Mapping[str, int]
    """How many ended how; `open` are those that have not."""


def figures(cases: Iterable[Case], now: datetime) -> Figures:
    """The figures of these cases, of whatever kinds."""
    known = list(cases)
    counted = [case for case in known if case.state is not State.CANCELLED]
    times = sorted(time / timedelta(minutes=1) for case in counted if (time := contact_time(case)) is not None)
    ended = Counter("open" if case.open or case.outcome is None else case.outcome.value for case in counted)
    return Figures(
        cases=len(known),
        mistakes=len(known) - len(counted),
        contacted=len(times),
        median_minutes=round(median(times), 1) if times else None,
        p90_minutes=round(times[ceil(len(times) * 90 / 100) - 1], 1) if times else None,
        over_10_minutes=len(over_ten_minutes(counted, now)),
        outcomes=dict(sorted(ended.items())),
    )


def over_ten_minutes(cases: Iterable[Case], now: datetime) -> list[Case]:
    """The cases whose client was not told for more than ten minutes: until told, or else until closed, or until now."""
    return [
        case
        for case in cases
        if case.state is not State.CANCELLED
        and case.kind is not Kind.WAITING
        and (case.contacted_at or case.closed_at or now) - case.opened_at > TOO_LONG
    ]


def contact_time(case: Case) -> timedelta | None:
    """From the report until the client was messaged or reached; None: not yet, or a `waiting` case."""
    if case.contacted_at is None or case.kind is Kind.WAITING:
        return None
    return max(timedelta(0), case.contacted_at - case.opened_at)


def contact_minutes(case: Case) -> int | None:
    time = contact_time(case)
    return None if time is None else time // timedelta(minutes=1)


def median_minutes(cases: Iterable[Case]) -> int | None:
    """The median of `contact_minutes`, rounded; None when no client was told."""
    known = [minutes for case in cases if (minutes := contact_minutes(case)) is not None]
    return round(median(known)) if known else None
