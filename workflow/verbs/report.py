"""``report``: how fast clients were told, how cases ended, and which took over 10 minutes. No client, no free text.

It looks at the files, so it works while the daemon runs, and what it counts outlives the wiping of names.
"""

from __future__ import annotations

import asyncio
import csv
import re
import sys
from argparse import Namespace
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from rich.console import Console
from rich.table import Table

from workflow.alive import read_alive
from workflow.clock import SystemClock
from workflow.config import Config, load
from workflow.core.figures import Figures, contact_time, figures, over_ten_minutes
from workflow.core.model import Case, Kind
from workflow.store.tiny.reader import EVER, TinyReader

SCHEMA = "promptly.report/1"

COLUMNS = (
    "case",
    "kind",
    "state",
    "associate",
    "reported_at",
    "contacted_at",
    "minutes_to_contact",
    "over_10_minutes",
    "outcome",
    "closed_at",
    "makeup",
    "reminders_sent",
    "escalated",
)
"""Of ``--csv``, in the contract's words. `reported_at` is when the case was opened, which response times count from."""


def main(asked: Namespace) -> int:
    """Print the figures (contract section 7); exit codes 0, 2 and 4."""
    config = load(asked.config)
    try:
        month = _month(asked.month)
    except ValueError as wrong:
        print(wrong, file=sys.stderr)
        return 2
    cases, faults = asyncio.run(_gathered(config, month))
    alive = read_alive(config.store.url)
    now = alive.now if alive is not None else SystemClock().now()
    if faults:
        print(f"{faults} case files can't be read and are not counted: see state/README.md, Repair", file=sys.stderr)
    if asked.csv is not None:
        try:
            _write_csv(asked.csv, cases, now, ZoneInfo(config.clinic.timezone))
        except OSError as error:
            print(f"{asked.csv}: {error.strerror}", file=sys.stderr)
            return 2
    if asked.json:
        told = _as_json(asked.month, cases, now, ZoneInfo(config.clinic.timezone))
        print(orjson.dumps(told, option=orjson.OPT_INDENT_2).decode())
    else:
        _print(asked.month, cases, now, ZoneInfo(config.clinic.timezone))
    return 0


def _month(written: str | None) -> str | None:
    """ValueError: no month."""
    if written is not None and not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", written):
        raise ValueError(f"--month {written}: write a month such as 2026-11")
    return written


async def _gathered(config: Config, month: str | None) -> tuple[list[Case], int]:
    """The cases reported in a local month, or all, the oldest first; and how many files can't be read."""
    store, zone = TinyReader.peek(config.store.url), ZoneInfo(config.clinic.timezone)
    since = EVER if month is None else datetime.fromisoformat(f"{month}-01").replace(tzinfo=zone)
    cases = {case.id: case async for case in store.closed_cases(since)}  # none is closed before it was reported
    cases.update((await store.open_cases()).items())
    found = [case for case in cases.values() if month in (None, f"{case.opened_at.astimezone(zone):%Y-%m}")]
    return sorted(found, key=lambda case: (case.opened_at, case.id)), len(store.faults)


def _rows(cases: Iterable[Case], now: datetime, zone: ZoneInfo) -> list[dict[str, Any]]:
    def local(at: datetime | None) -> str | None:
        return None if at is None else at.astimezone(zone).isoformat(timespec="seconds")

    several = list(cases)
    slow = {case.id for case in over_ten_minutes(several, now)}
    return [
        {
            "case": case.id,
            "kind": case.kind.value,
            "state": case.state.value,
            "associate": case.associate.name,
            "reported_at": local(case.opened_at),
            "contacted_at": local(case.contacted_at),
            "minutes_to_contact": _minutes(contact_time(case)),
            "over_10_minutes": case.id in slow,
            "outcome": None if case.outcome is None else case.outcome.value,
            "closed_at": local(case.closed_at),
            "makeup": case.makeup,
            "reminders_sent": len(case.reminders),
            "escalated": case.escalated_at is not None,
        }
        for case in several
    ]


def _minutes(time: timedelta | None) -> float | None:
    return None if time is None else round(time / timedelta(minutes=1), 1)


def _by_kind(cases: list[Case], now: datetime) -> dict[str, Figures]:
    """The kinds that occurred."""
    kinds = {kind.value: [case for case in cases if case.kind is kind] for kind in Kind}
    return {kind: figures(several, now) for kind, several in kinds.items() if several}


def _as_json(month: str | None, cases: list[Case], now: datetime, zone: ZoneInfo) -> dict[str, Any]:
    slow = [row for row in _rows(cases, now, zone) if row.pop("over_10_minutes")]
    return {
        "schema": SCHEMA,
        "month": month,
        "all": figures(cases, now),
        "kinds": _by_kind(cases, now),
        "over_10_minutes": slow,
    }


def _write_csv(path: Path, cases: list[Case], now: datetime, zone: ZoneInfo) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows({name: _cell(value) for name, value in row.items()} for row in _rows(cases, now, zone))


def _cell(value: object) -> object:
    return {None: "", True: "yes", False: "no"}[value] if value is None or isinstance(value, bool) else value


def _print(month: str | None, cases: list[Case], now: datetime, zone: ZoneInfo) -> None:
    console = Console(highlight=False)
    when = "all cases that are kept" if month is None else f"cases reported in {month}"
    if not cases:
        console.print(f"No {when.removeprefix('all ')}.")
        return
    told = {**_by_kind(cases, now), "all": figures(cases, now)}
    console.print(f"Time until the client was told, in minutes: {when}", style="bold")
    console.print(_times(told))
    console.print("\nHow they ended", style="bold")
    console.print(_endings(told))
    slow = [row for row in _rows(cases, now, zone) if row["over_10_minutes"]]
    console.print("\nOver 10 minutes to contact", style="bold")
    console.print(_slow(slow) if slow else "none")


def _times(told: Mapping[str, Figures]) -> Table:
    table = _table("kind", "cases", "mistakes", "told", "median", "90 of 100 within", "over 10 min")
    for kind, one in told.items():
        known = kind != Kind.WAITING.value  # nobody is told anything bad
        times = [_figure(one.median_minutes), _figure(one.p90_minutes)]
        told_of = [str(one.contacted), *times, str(one.over_10_minutes)] if known else ["-"] * 4
        table.add_row(kind, str(one.cases), str(one.mistakes), *told_of)
    return table


def _endings(told: Mapping[str, Figures]) -> Table:
    outcomes = list(told["all"].outcomes)
    table = _table("kind", *outcomes)
    for kind, one in told.items():
        table.add_row(kind, *(str(one.outcomes.get(outcome, 0)) for outcome in outcomes))
    return table


def _slow(rows: list[dict[str, Any]]) -> Table:
    table = _table("case", "kind", "associate", "reported", "told after", "outcome", numbers=False)
    for row in rows:
        minutes, reported = row["minutes_to_contact"], datetime.fromisoformat(row["reported_at"])
        after = "never recorded" if minutes is None else f"{minutes:g} min"
        outcome = row["outcome"] or "open"
        table.add_row(row["case"], row["kind"], row["associate"], f"{reported:%d %b %Y %H:%M}", after, outcome)
    return table


def _figure(minutes: float | None) -> str:
    return "-" if minutes is None else f"{minutes:g}"


def _table(first: str, *headings: str, numbers: bool = True) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column(first)
    for heading in headings:
        table.add_column(heading, justify="right" if numbers else "left")
    return table
