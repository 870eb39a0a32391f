"""``show CASE``: the past and the future of one case: what was written and sent, what is next, and why not yet."""

from __future__ import annotations

import asyncio
import sys
from argparse import Namespace
from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table

from workflow.config import Config, Faults, load
from workflow.core.cadence import asks_outcome
from workflow.core.model import Case, Due, Letter, Post, Timer
from workflow.core.names import shown
from workflow.store import StoreError
from workflow.store.peek import TinyReader


class Line(NamedTuple):
    """One thing that happened or will."""

    at: datetime
    what: str
    more: str


def main(asked: Namespace) -> int:
    """Print the case (contract section 7); exit code 2 for an unknown id, 4 for a store that can't be read."""
    try:
        config = load(asked.config)
        case = asyncio.run(TinyReader.peek(config.store).case(asked.case.strip("[]").upper()))
    except Faults as faults:
        print(faults, file=sys.stderr)
        return 2
    except StoreError as broken:
        print(broken, file=sys.stderr)
        return 4
    if case is None:
        print(f"There is no case {asked.case}: `status` lists the open ones.", file=sys.stderr)
        return 2
    _print(case, config)
    return 0


def _print(case: Case, config: Config) -> None:
    zone = ZoneInfo(config.timezone)
    console = Console(highlight=False)
    client = shown(case.client, config.privacy.client_name) or "client not named"
    ended = f", {case.outcome.value}" if case.outcome is not None else ""
    console.print(f"{case.id}: {case.kind.value}, {case.associate.name}, {client}; {case.state.value}{ended}")
    _table(console, "What happened", sorted(past(case), key=lambda line: line.at), zone)
    _table(console, "What comes next", list(future(case)), zone)


def past(case: Case) -> Iterator[Line]:
    """What people wrote, what the clock did, and each letter with what became of it. UTC."""
    for entry in case.history:
        by = "" if entry.by == "clock" else ("the associate" if entry.by in case.associate.emails else "admin")
        yield Line(entry.at, entry.what, by)
    for letter in case.letters:
        if letter.settled_at is not None:
            yield Line(letter.settled_at, f"{_named(letter)} {letter.post.value}", letter.reason)


def future(case: Case) -> Iterator[Line]:
    """Letters still owed, then due times, with why they have not gone yet. UTC."""
    for letter in case.letters:
        if letter.post is Post.OWED:
            tried = f"tried {letter.attempts} times: {letter.reason}" if letter.attempts else "not tried yet"
            yield Line(letter.next_at or letter.created_at, f"{_named(letter)} owed", tried)
    for timer in case.timers:
        yield Line(timer.at, _coming(case, timer), timer.why or _unless(case, timer))


def _named(letter: Letter) -> str:
    return f"{letter.kind.value} to {letter.role.value}"


def _coming(case: Case, timer: Timer) -> str:
    match timer.due:
        case Due.REMINDER:
            return f"reminder to {case.associate.name}"
        case Due.ESCALATION:
            return "escalation to admin"
        case Due.LEAD:
            return "escalation to the lead"
        case Due.STEPAWAY:
            return "stepping-away message to the associate"
        case Due.CLOSE:
            return "closes by itself"


def _unless(case: Case, timer: Timer) -> str:
    """What would make it needless."""
    match timer.due:
        case Due.REMINDER:
            return "unless an outcome comes" if asks_outcome(case, timer.at) else "unless SENT or an outcome comes"
        case Due.ESCALATION | Due.LEAD:
            return "unless SENT, CONTACTED or an outcome comes"
        case Due.STEPAWAY | Due.CLOSE:
            return "unless an outcome comes"


def _table(console: Console, title: str, lines: list[Line], zone: ZoneInfo) -> None:
    console.print(f"\n{title}")
    if not lines:
        console.print("  nothing")
        return
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2))
    for line in lines:
        table.add_row("", line.at.astimezone(zone).strftime("%a %d %b %H:%M:%S"), line.what, line.more)
    console.print(table)
