"""How fast clients were told: response times, for digest, report and status. Pure arithmetic over cases."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from statistics import median

from workflow.core.model import Case, Kind


def contact_minutes(case: Case) -> int | None:
    """Whole minutes from the report until the client was messaged or reached; None: not yet, or a `waiting` case."""
    if case.contacted_at is None or case.kind is Kind.WAITING:
        return None
    return max(0, (case.contacted_at - case.opened_at) // timedelta(minutes=1))


def median_minutes(cases: Iterable[Case]) -> int | None:
    """The median of `contact_minutes`, rounded; None when no client was told."""
    known = [minutes for case in cases if (minutes := contact_minutes(case)) is not None]
    return round(median(known)) if known else None
