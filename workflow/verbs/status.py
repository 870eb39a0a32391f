"""``status``: open cases, most urgent first, what is due next, letters owed, the mailbox. Looks only; works while the
daemon runs.
"""

from __future__ import annotations

import asyncio
import sys
from argparse import Namespace
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from rich.table import Column, Table

from workflow import VERSION
from workflow.clock import SystemClock
from workflow.config import Faults, Seen
from workflow.core.board import by_need, midnight, span
from workflow.core.language.names import shown
from workflow.core.language.printed import clock_time, day
from workflow.core.model import Case, Due, LetterKind, Post, Timer
from workflow.core.outsiders import UNTOLD, was_told_to_nobody
from workflow.store import Alive, StoreError, daemon_link, peek
from workflow.verbs import Terminal, iso, tell_faults
from workflow.verbs.chosen import chosen_seen, config_of, seen_of, served

LETTERS = {
    Due.REMINDER: LetterKind.REMINDER,
    Due.ESCALATION: LetterKind.ESCALATION,
    Due.LEAD: LetterKind.ESCALATION,
    Due.STEPAWAY: LetterKind.STEPAWAY,
}
"""The letter that a due time brings; a `waiting` case that closes by itself brings none."""


@dataclass(frozen=True, slots=True)
class Page:
    found: dict[str, Any]
    """What ``--json`` prints."""
    spans: Mapping[str, str]
    """For each open case how long it is since its session began, or since its report: "12 min"."""
    whys: Mapping[str, str]
    """For each open case why its next letter is later than the table of section 5 says, "" when it is not."""
    now: datetime
    """Local."""
    alive: Alive | None
    backup: str
    """The name of the last one, if there is one."""
    unread: int
    """Case files that can't be read."""
    untold: bool
    """A letter was lost of late of which nobody could be told."""


def main(asked: Namespace) -> int:
    """Print the state (contract section 7); exit codes 0, 2 and 4."""
    if asked.all:
        return _each(asked)
    page = asyncio.run(_look(chosen_seen(asked)))
    if asked.json:
        print(orjson.dumps(page.found, option=orjson.OPT_INDENT_2).decode())
    else:
        _print(page)
    return 0


def _each(asked: Namespace) -> int:
    """Counts alone, a line a clinic. One that can't be read is told, and keeps no other from its line."""
    node, known = served(asked)
    clinics: list[dict[str, Any]] = []
    code = 0
    for name, one in known.items():
        try:
            found = asyncio.run(_look(seen_of(config_of(name, one, node, secrets=False)))).found
        except (Faults, StoreError) as fault:
            print(f"{name}: {fault}", file=sys.stderr)
            code = 4
            continue
        counts = {"open": len(found["open"]), "connected": found["mailbox"]["connected"]}
        clinics.append({"name": name, **counts, **{key: found[key] for key in ("owed", "set_aside", "closed_today")}})
    if asked.json:
        print(orjson.dumps({"clinics": clinics}, option=orjson.OPT_INDENT_2).decode())
        return code
    table = Table(
        *("clinic", "open", "owed", "failed", "set aside", "closed today", "mailbox"), box=None, pad_edge=False
    )
    for told in clinics:
        owed = (str(told["owed"][post]) for post in ("waiting", "failed"))
        rest = (str(told[key]) for key in ("set_aside", "closed_today"))
        mailbox = "connected" if told["connected"] else "not connected"
        table.add_row(told["name"], str(told["open"]), *owed, *rest, mailbox)
    Terminal().print(table)
    return code


async def _look(seen: Seen) -> Page:
    daemon = daemon_link(seen.url)
    alive, last = await daemon.alive(), await daemon.alive(living=False)
    tell_faults(seen, alive)
    store = await peek(seen.url)
    now = alive.now if alive is not None else SystemClock().now()
    zone = ZoneInfo(seen.zone)
    cases = by_need((await store.open_cases()).open)
    letters = [*store.desk.letters, *(letter for case in cases for letter in case.letters)]
    coming = {case.id: _coming(case.timers) for case in cases}
    found = {
        "open": [_case(case, coming[case.id], seen, zone) for case in cases],
        "owed": {"waiting": len(await store.owed()), "failed": sum(letter.post is Post.FAILED for letter in letters)},
        "set_aside": sum(now - at < timedelta(days=7) for at in store.desk.counts.get("set-aside", ())),
        "closed_today": len([case.id async for case in store.closed_cases(midnight(now, zone))]),
        "mailbox": {
            "connected": alive is not None and alive.connected,
            # What a daemon said last, which may have died since.
            "last_seen_at": iso(last.last_seen_at if last is not None else None, zone),
        },
        "sending": {"down_since": iso(alive.unsent_since if alive is not None else None, zone)},
    }
    spans = {case.id: _span(case, now) for case in cases}
    whys = {case: timer.why for case, timer in coming.items() if timer is not None}
    copies = await store.copies()
    backup = copies[-1] if copies else ""
    untold = was_told_to_nobody(store.desk.marks, now)
    return Page(found, spans, whys, now.astimezone(zone), alive, backup, len(store.faults), untold)


def _case(case: Case, coming: Timer | None, seen: Seen, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "case": case.id,
        "kind": case.kind.value,
        "associate": case.associate.name,
        "client": shown(case.client, seen.client_name),
        "reported_at": iso(case.reported_at, zone),
        "contacted_at": iso(case.contacted_at, zone),
        "next": coming and {"at": iso(coming.at, zone), "letter": LETTERS[coming.due].value},
        "reminders_sent": len(case.reminders),
        "escalated": case.escalated_at is not None,
    }


def _coming(timers: tuple[Timer, ...]) -> Timer | None:
    return min((timer for timer in timers if timer.due in LETTERS), key=lambda timer: timer.at, default=None)


def _span(case: Case, now: datetime) -> str:
    number, unit = span(case, now)
    return f"{number} {unit}" if number >= 0 else f"in {-number} {unit}"


def _print(page: Page) -> None:
    found, now = page.found, page.now
    console = Terminal()
    if found["open"]:
        headings = ("case", "kind", "since", "associate", "client", "reported", "contacted", "next")
        # No name is cut: two that begin alike would look the same.
        table = Table(*(Column(heading, overflow="fold") for heading in headings), box=None, pad_edge=False)
        for case in found["open"]:
            coming, why = case["next"], page.whys.get(case["case"])
            after = "-" if coming is None else f"{coming['letter']} {_short(coming['at'], now)}"
            table.add_row(
                *(case["case"], case["kind"], page.spans[case["case"]], case["associate"], case["client"] or "-"),
                *(_short(case["reported_at"], now), _short(case["contacted_at"], now) or "not yet"),
                f"{after} ({why})" if why else after,
            )
        console.print(table)
    else:
        console.print("No case is open." if not page.unread else "No case that can be read is open.")
    if page.unread:
        files = "1 case file" if page.unread == 1 else f"{page.unread} case files"
        console.print(f"{files} can't be read: see state/README.md, Repair")
    owed, mailbox = found["owed"], found["mailbox"]
    seen = _short(mailbox["last_seen_at"], now) or "never"
    loss = f" ({page.alive.loss})" if page.alive is not None and page.alive.loss else ""
    state = "connected" if mailbox["connected"] else f"not connected{loss}"
    console.print(f"closed today: {found['closed_today']}; letters owed: {owed['waiting']}, failed: {owed['failed']}")
    console.print(f"set aside in 7 days: {found['set_aside']}; mailbox: {state}, last seen: {seen}")
    if (down_since := found["sending"]["down_since"]) is not None:
        since = _short(down_since, now)
        console.print(f"letters wait since {since}: the SMTP server is not reached, or refuses us", soft_wrap=True)
    if page.untold:
        console.print(UNTOLD, soft_wrap=True)
    console.print(f"last backup: {page.backup or 'none yet'}")
    console.print(_daemon(page.alive), soft_wrap=True)


def _daemon(alive: Alive | None) -> str:
    if alive is None:
        return f"no daemon runs: nothing is received, sent or decided (Promptly {VERSION})"
    if alive.version != VERSION:
        return f"a daemon runs, of version {alive.version or 'unknown'}; {VERSION} is installed: restart it"
    return f"a daemon runs, version {VERSION}"


def _short(iso: str | None, now: datetime) -> str:
    """A local ISO time as letters print it, with its day unless that is today; "" for none."""
    if iso is None:
        return ""
    at = datetime.fromisoformat(iso)
    return clock_time(at) if at.date() == now.date() else f"{day(at)}, {clock_time(at)}"
