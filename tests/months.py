"""Months of a clinic for the tests of the month's page: cases told after so many minutes, a few or many."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, timedelta

from tests.cast import a_case, local
from workflow.core.figures import figures, totals
from workflow.core.kinds import KINDS
from workflow.core.model import Case, State
from workflow.core.rules import Kind
from workflow.verbs.month_page import page


def told_after(minutes: float | None, kind: Kind = Kind.NOSHOW) -> Case:
    told_at = None if minutes is None else local("14:00") + timedelta(minutes=minutes)
    return replace(a_case(kind, local("14:00")), told_at=told_at)


def many(count: int) -> tuple[int, ...]:
    """Minutes as clinics have them: most within ten, a few very late."""
    drawing = random.Random(count)
    return tuple(sorted(max(1, round(drawing.lognormvariate(1.4, 0.9))) for _ in range(count)))


def month_of(count: int) -> str:
    """The page of a month with so many reports, every tenth of them without a word that the client was told."""
    drawing, cases = random.Random(count), list[Case]()
    for number, minutes in enumerate(many(count)):
        kind = drawing.choice((Kind.LATE, Kind.LATE, Kind.NOSHOW))
        case = told_after(None if number % 10 == 9 else minutes, kind)
        cases += [case, *([told_after(None, Kind.WAITING)] if number % 5 == 0 else [])]
    ended = [
        replace(case, state=State.CLOSED, outcome=drawing.choice(KINDS[case.kind].outcomes), undated=number % 7 == 0)
        for number, case in enumerate(cases)
    ]
    before = figures([told_after(minutes) for minutes in many(count // 2)])
    return page("Riverside Counselling", date(2026, 11, 1), totals(ended), before)[0]
