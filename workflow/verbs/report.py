"""``report``: how fast clients were told, how cases ended, and which took over 10 minutes. No client, no free text.

It looks at the files, so it works while the daemon runs, and what it counts outlives the wiping of names.
"""

from __future__ import annotations

import asyncio
import csv
import os
import re
import sys
from argparse import Namespace
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any, TextIO
from zoneinfo import ZoneInfo

import orjson
from rich.table import Table

from workflow.config import Config
from workflow.core.figures import Totals, contact_time, figures, over_ten_minutes, totals
from workflow.core.model import Case, Says, State
from workflow.core.month import month_before, month_start, reported_in
from workflow.core.rules import Kind
from workflow.store import EVER, peek
from workflow.verbs import Terminal, iso
from workflow.verbs.chosen import chosen

COLUMNS = (
    *("case", "kind", "state", "associate", "reported_at", "contacted_at", "minutes_to_contact", "over_10_minutes"),
    "not_recorded",
    *("outcome", "closed_at", "makeup", "reminders_sent", "escalated"),
)
"""Of ``--csv``, in the contract's words."""


def main(asked: Namespace) -> int:
    """Print the figures (contract section 7); exit codes 0, 2 and 4."""
    config, month = chosen(asked, secrets=False), asked.month
    if month is not None and not re.fullmatch(r"20\d{2}-(0[1-9]|1[0-2])", month):
        print(f"--month {month}: write a month such as 2026-11", file=sys.stderr)
        return 2
    zone = ZoneInfo(config.clinic.timezone)
    first = date.fromisoformat(f"{month}-01") if month is not None else None
    cases, before, faults = asyncio.run(gathered(config, first))
    rows, told = _rows(cases, zone), totals(cases)
    if faults:
        print(f"{faults} case files can't be read and are not counted: see state/README.md, Repair", file=sys.stderr)
    if asked.html is not None:
        from workflow.verbs.month_page import page as month_page  # a template's engine, which the others need not load

        page, wrong = month_page(config.clinic.name, first, told, figures(before), config.letters.templates)
        if wrong is not None:
            print(f"letters.templates: {wrong}; Promptly's own was used", file=sys.stderr)
    try:
        if asked.csv is not None:
            _write_csv(asked.csv, rows)
        if asked.html is not None:
            with _kept_from_others(asked.html) as file:
                file.write(page)
    except OSError as error:
        print(f"{error.filename}: {error.strerror}", file=sys.stderr)
        return 2
    slow = [row for row in rows if row.pop("over_10_minutes")]
    if asked.json:
        kinds = {kind.value: one for kind, one in told.kinds.items()}
        found = {
            "schema": "promptly.report/1",
            "month": month,
            "all": told.all,
            "kinds": kinds,
            "over_10_minutes": slow,
        }
        print(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())
    else:
        _print(month, told, slow)
    return 0


async def gathered(config: Config, month: date | None) -> tuple[list[Case], list[Case], int]:
    """The cases reported in a local month, or all, the oldest first; those of the month before; and how many files
    can't be read."""
    store, zone = await peek(config.store.url), ZoneInfo(config.clinic.timezone)
    since = EVER if month is None else month_start(month_before(month), zone)
    cases = dict((await store.open_cases()).items())  # first: what is closed meanwhile is among the others, then
    cases.update({case.id: case async for case in store.closed_cases(since)})  # none is closed before it was reported
    found = sorted(cases.values(), key=lambda case: (case.opened_at, case.id))
    if month is None:
        return found, [], len(store.faults)
    return reported_in(month, found, zone), reported_in(month_before(month), found, zone), len(store.faults)


def _rows(cases: list[Case], zone: ZoneInfo) -> list[dict[str, Any]]:
    """A row a case: `COLUMNS`."""
    slow = {case.id for case in over_ten_minutes(cases)}
    return [
        {
            "case": case.id,
            "kind": case.kind.value,
            "state": case.state.value,
            "associate": case.associate.name,
            # When the case was opened, which response times count from.
            "reported_at": iso(case.opened_at, zone),
            "contacted_at": iso(case.contacted_at, zone),
            "minutes_to_contact": None if (took := contact_time(case)) is None else round(took.total_seconds() / 60, 1),
            "over_10_minutes": case.id in slow,
            "not_recorded": case.kind is not Kind.WAITING and case.state is not State.CANCELLED and took is None,
            "outcome": None if case.outcome is None else case.outcome.value,
            "closed_at": iso(case.closed_at, zone),
            "makeup": case.makeup,
            "reminders_sent": len(case.reminders),
            "escalated": case.escalated_at is not None,
        }
        for case in cases
    ]


def _kept_from_others(path: Path, encoding: str = "utf-8") -> TextIO:
    """A new file that nobody else reads. Raises OSError."""
    return open(path, "w", encoding=encoding, newline="", opener=partial(os.open, mode=0o600))


def _write_csv(path: Path, rows: list[dict[str, Any]]) -> None:
    # A byte order mark, without which Excel takes "Zoë" apart.
    with _kept_from_others(path, "utf-8-sig") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for row in rows:
            cells = [row[name] for name in COLUMNS]
            writer.writerow({True: "yes", False: "no"}[cell] if isinstance(cell, bool) else cell for cell in cells)


def _print(month: str | None, told: Totals, slow: list[dict[str, Any]]) -> None:
    console = Terminal()
    when = "all cases that are kept" if month is None else f"cases reported in {month}"
    if not told.kinds:
        console.print(f"No {when.removeprefix('all ')}.")
        return
    console.print(f"Time until the client was told, in minutes: {when}", style="bold")
    times = _table("kind", "cases", "mistakes", "told", "median", "90 of 100 within", "over 10 min", "not recorded")
    columns = {**{kind.value: one for kind, one in told.kinds.items()}, "all": told.all}
    for kind, one in columns.items():
        times_told = (str(one.contacted), _figure(one.median_minutes), _figure(one.p90_minutes))
        fast = (*times_told, str(one.over_10_minutes), str(one.not_recorded))
        known = kind != Kind.WAITING.value  # nobody is told anything bad
        times.add_row(kind, str(one.cases), str(one.mistakes), *(fast if known else "-----"))
    console.print(times)
    console.print("\nHow they ended", style="bold")
    endings = _table("kind", *told.all.outcomes)
    for kind, one in columns.items():
        endings.add_row(kind, *(str(one.outcomes.get(outcome, 0)) for outcome in told.all.outcomes))
    console.print(endings)
    says = told.all.client_says
    waits, rebook = says.get(Says.WAITS, 0), says.get(Says.REBOOK, 0)
    console.print(f"rescheduled without a time: {told.all.undated}; make-up sessions offered: {told.all.makeups}")
    console.print(f"clients who could wait: {waits}, who wanted another time: {rebook}")
    console.print("\nOver 10 minutes to contact", style="bold")
    cases = _table("case", "kind", "associate", "reported", "told after", "outcome", numbers=False)
    for row in slow:
        minutes, reported = row["minutes_to_contact"], datetime.fromisoformat(row["reported_at"])
        after = "never recorded" if minutes is None else f"{minutes:g} min"
        whose = (row["case"], row["kind"], row["associate"])
        cases.add_row(*whose, f"{reported:%d %b %Y %H:%M}", after, row["outcome"] or "open")
    console.print(cases if slow else "none")


def _figure(minutes: float | None) -> str:
    return "-" if minutes is None else f"{minutes:g}"


def _table(first: str, *headings: str, numbers: bool = True) -> Table:
    table = Table(first, box=None, pad_edge=False)
    for heading in headings:
        table.add_column(heading, justify="right" if numbers else "left")
    return table
