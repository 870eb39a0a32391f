"""The month's letter: how fast clients were told and how cases ended, in figures. Contract section 4, `month`.

It names nobody. What is counted is `figures`; the words are in templates/month.txt.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from workflow.core.figures import Figures, figures, totals
from workflow.core.mail import Mail, Reading
from workflow.core.model import Case, Datum, Letter, LetterKind, Says
from workflow.core.owed import Scene, write_letter
from workflow.core.people import Person, Role
from workflow.core.rules import Kind, Rules
from workflow.core.schedule import in_utc, morning_hour

STEPS = {"by_five": 5, "by_ten": 10, "by_twenty": 20, "by_thirty": 30}
"""The minutes at which the letter's chart parts those who were told; the policy's ten are one of them."""

_ASKED = re.compile(r"report(?: +(?:for )?(20\d{2})-(0[1-9]|1[0-2]))?[.!]?", re.IGNORECASE)


def month_asked(reading: Reading, now: datetime, zone: ZoneInfo) -> date | None:
    """The first day of the month that REPORT asks for, this one without a word; None: it is not asked, or not alone."""
    found = _ASKED.fullmatch(reading.line.strip()) if not reading.rest.strip() else None
    if found is None:
        return None
    return date(int(found[1]), int(found[2]), 1) if found[1] else now.astimezone(zone).date().replace(day=1)


def month_before(day: date) -> date:
    """The first of the month before the one of this day."""
    return (day.replace(day=1) - timedelta(days=1)).replace(day=1)


def month_start(month: date, zone: ZoneInfo) -> datetime:
    """When a month begins in the clinic, in UTC."""
    return in_utc(month, time(0), zone)


def reported_in(month: date, cases: Iterable[Case], zone: ZoneInfo) -> list[Case]:
    """Those of the cases that were reported in this month of the clinic."""
    return [case for case in cases if case.opened_at.astimezone(zone).date().replace(day=1) == month]


def next_month_at(last: datetime, rules: Rules) -> datetime | None:
    """When the next month's letter is due after `last`, in UTC: on a 1st, with the digest; None: the clinic wants
    none."""
    if not rules.month:
        return None
    zone = ZoneInfo(rules.cadence.zone)
    at = rules.digest_at or morning_hour(rules.cadence)
    first = last.astimezone(zone).date().replace(day=1)
    due = in_utc(first, at, zone)
    return due if due > last else in_utc((first + timedelta(days=32)).replace(day=1), at, zone)


def month_letters(scene: Scene, cases: Iterable[Case]) -> tuple[Letter, ...]:
    """About the month before, to the lead or else the first admin; none without a case. `cases`: all since the month
    before that one."""
    rules = scene.rules
    month = month_before(scene.now.astimezone(ZoneInfo(rules.cadence.zone)).date())
    told = _said(scene, month, cases)
    to = rules.roster.lead or rules.roster.admins[0]
    return (write_letter(scene, LetterKind.MONTH, "", to, Role.ADMIN, data=told),) if told["lines"] else ()


def answer_month(scene: Scene, mail: Mail, to: Person, month: date, cases: Iterable[Case]) -> Letter:
    """To who asked; `cases`: all since the month before."""
    told = _said(scene, month, cases)
    return write_letter(scene, LetterKind.MONTH, "asked", to, Role.ADMIN, answering=mail, data=told)


def _said(scene: Scene, month: date, cases: Iterable[Case]) -> dict[str, Datum]:
    zone = ZoneInfo(scene.rules.cadence.zone)
    known = list(cases)
    told = totals(reported_in(month, known, zone))
    before = figures(reported_in(month_before(month), known, zone))
    return {
        "month": f"{month:%B %Y}",
        "within": told.all.within_10_minutes,
        "later": told.all.over_10_minutes,
        "unrecorded": told.all.not_recorded,
        "median": _minutes(told.all),
        "median_before": _minutes(before),
        "month_before": f"{month_before(month):%B}",
        "makeups": told.all.makeups,
        "missed": told.missed,
        "undated": told.all.undated,
        "wait": told.all.client_says.get(Says.WAITS, 0),
        "rebook": told.all.client_says.get(Says.REBOOK, 0),
        "lines": [_ended(kind, some) for kind, some in told.kinds.items()],
        **_spread(told.minutes),
    }


def _spread(minutes: tuple[int, ...]) -> dict[str, Datum]:
    """How many were told by each of the `STEPS` and not by the one before, and how many after the last."""
    parted = pairwise((0, *(bisect_right(minutes, step) for step in STEPS.values()), len(minutes)))
    return {name: end - start for name, (start, end) in zip((*STEPS, "after"), parted, strict=True)}


def _minutes(told: Figures) -> str:
    minutes = told.median_minutes
    return "" if minutes is None else f"{minutes:g} minute{'' if minutes == 1 else 's'}"


def _ended(kind: Kind, told: Figures) -> str:
    """``8 late: connected 6, rescheduled 1, open 1; 1 by mistake``: the kind in front could be taken for a word."""
    ended = ", ".join(f"{outcome} {count}" for outcome, count in told.outcomes.items())
    mistakes = f"{told.mistakes} by mistake" if told.mistakes else ""
    return f"{told.cases} {kind.value}: " + "; ".join(part for part in (ended, mistakes) if part)
