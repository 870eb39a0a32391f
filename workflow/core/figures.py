"""How fast clients were told, and how cases ended: for digest, report and status. Pure arithmetic over cases.

It counts nothing that is wiped with the names, so a month's figures stay the same for as long as its cases are kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from math import ceil
from statistics import median
from typing import Final

from workflow.core.model import Case, State
from workflow.core.rules import Kind

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
    within_10_minutes: int
    over_10_minutes: int
    """How many were told later than that."""
    not_recorded: int
    """How many have no record of it: perhaps nobody wrote SENT."""
    makeups: int
    """Make-up sessions offered."""
    undated: int
    """Rescheduled, and nobody said for when."""
    client_says: Mapping[str, int]
    """What clients answered, and how many: those answers that came."""
    outcomes: Mapping[str, int]
    """How many ended how; `open` are those that have not."""


@dataclass(frozen=True, slots=True)
class Totals:
    """What a number of cases come to, as the month's letter, its page and `report` tell it: one count for all three."""

    all: Figures
    kinds: Mapping[Kind, Figures]
    """Of each kind that occurred."""
    minutes: tuple[int, ...]
    """`minutes_told`."""

    @property
    def missed(self) -> int:
        """Sessions that an associate missed."""
        told = self.kinds.get(Kind.NOSHOW)
        return 0 if told is None else told.cases - told.mistakes


def totals(cases: Iterable[Case]) -> Totals:
    known = list(cases)
    kinds = {kind: [case for case in known if case.kind is kind] for kind in Kind}
    return Totals(
        all=figures(known),
        kinds={kind: figures(some) for kind, some in kinds.items() if some},
        minutes=minutes_told(known),
    )


def figures(cases: Iterable[Case]) -> Figures:
    """The figures of these cases, of whatever kinds."""
    known = list(cases)
    counted = [case for case in known if case.state is not State.CANCELLED]
    times = sorted(time / timedelta(minutes=1) for case in counted if (time := contact_time(case)) is not None)
    late = over_ten_minutes(counted)
    ended = Counter("open" if case.open or case.outcome is None else case.outcome.value for case in counted)
    answers = Counter(case.client_says.value for case in counted if case.client_says is not None)
    return Figures(
        cases=len(known),
        mistakes=len(known) - len(counted),
        contacted=len(times),
        median_minutes=round(median(times), 1) if times else None,
        p90_minutes=round(times[ceil(len(times) * 90 / 100) - 1], 1) if times else None,
        within_10_minutes=len(times) - len(late),
        over_10_minutes=len(late),
        not_recorded=sum(case.kind is not Kind.WAITING for case in counted) - len(times),
        makeups=sum(case.makeup for case in counted),
        undated=sum(case.undated for case in counted),
        client_says=dict(sorted(answers.items())),
        outcomes=dict(sorted(ended.items())),
    )


def over_ten_minutes(cases: Iterable[Case]) -> list[Case]:
    """The cases whose client was told later than ten minutes after the report."""
    return [
        case
        for case in cases
        if case.state is not State.CANCELLED and (took := contact_time(case)) is not None and took > TOO_LONG
    ]


def minutes_told(cases: Iterable[Case]) -> tuple[int, ...]:
    """In which minute from the report each client was told, the first to the last; mistakes are left out.

    Who was told at once was told in the 1st; whose minute is the 10th or an earlier one, within ten minutes.
    """
    times = (contact_time(case) for case in cases if case.state is not State.CANCELLED)
    return tuple(sorted(max(1, -(-time // timedelta(minutes=1))) for time in times if time is not None))


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
