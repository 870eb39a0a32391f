"""``status``: open cases, what is due next, letters owed, the mailbox. Looks only; works while the daemon runs."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from rich.console import Console
from rich.table import Table

from workflow.clock import SystemClock
from workflow.config import Config, load
from workflow.core.language.names import shown
from workflow.core.model import Case, Due, LetterKind, Post, Timer
from workflow.store import board, peek
from workflow.verbs import iso

LETTERS = {
    Due.REMINDER: LetterKind.REMINDER,
    Due.ESCALATION: LetterKind.ESCALATION,
    Due.LEAD: LetterKind.ESCALATION,
    Due.STEPAWAY: LetterKind.STEPAWAY,
}
"""The letter that a due time brings; a `waiting` case that closes by itself brings none."""


def main(asked: Namespace) -> int:
    """Print the state (contract section 7); exit codes 0, 2 and 4."""
    found, whys, now, backup = asyncio.run(_look(load(asked.config)))
    if asked.json:
        print(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())
    else:
        _print(found, whys, now)
        print(f"last backup: {backup or 'none yet'}")
    return 0


async def _look(config: Config) -> tuple[dict[str, Any], Mapping[str, str], datetime, str]:
    """What ``--json`` prints; for each open case why its next letter is later than the table of section 5 says, "" when
    it is not; the local time; the name of the last backup, if there is one.
    """
    daemon, store = board(config.store.url), await peek(config.store.url)
    alive, last = await daemon.alive(), await daemon.alive(living=False)
    now = alive.now if alive is not None else SystemClock().now()
    zone = ZoneInfo(config.clinic.timezone)
    midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    cases = sorted((await store.open_cases()).values(), key=lambda case: case.opened_at)
    letters = [*store.desk.letters, *(letter for case in cases for letter in case.letters)]
    coming = {case.id: _coming(case.timers) for case in cases}
    found = {
        "open": [_case(case, coming[case.id], config, zone) for case in cases if case.open],
        "owed": {"waiting": len(await store.owed()), "failed": sum(letter.post is Post.FAILED for letter in letters)},
        "set_aside": sum(now - at < timedelta(days=7) for at in store.desk.counts.get("set-aside", ())),
        "closed_today": len([case.id async for case in store.closed_cases(midnight)]),
        "mailbox": {
            "connected": alive is not None and alive.connected,
            # What a daemon said last, which may have died since.
            "last_seen_at": iso(last.last_seen_at if last is not None else None, zone),
        },
        "sending": {"down_since": iso(alive.unsent_since if alive is not None else None, zone)},
    }
    whys = {case: timer.why for case, timer in coming.items() if timer is not None}
    copies = await store.copies()
    return found, whys, now.astimezone(zone), copies[-1] if copies else ""


def _case(case: Case, coming: Timer | None, config: Config, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "case": case.id,
        "kind": case.kind.value,
        "associate": case.associate.name,
        "client": shown(case.client, config.privacy.client_name),
        "reported_at": iso(case.reported_at, zone),
        "contacted_at": iso(case.contacted_at, zone),
        "next": coming and {"at": iso(coming.at, zone), "letter": LETTERS[coming.due].value},
        "reminders_sent": len(case.reminders),
        "escalated": case.escalated_at is not None,
    }


def _coming(timers: tuple[Timer, ...]) -> Timer | None:
    return min((timer for timer in timers if timer.due in LETTERS), key=lambda timer: timer.at, default=None)


def _print(found: dict[str, Any], whys: Mapping[str, str], now: datetime) -> None:
    console = Console(highlight=False)
    if found["open"]:
        table = Table(
            *("case", "kind", "associate", "client", "reported", "contacted", "next"), box=None, pad_edge=False
        )
        for case in found["open"]:
            coming, why = case["next"], whys.get(case["case"])
            after = "-" if coming is None else f"{coming['letter']} {_short(coming['at'], now)}"
            table.add_row(
                *(case["case"], case["kind"], case["associate"], case["client"] or "-"),
                *(_short(case["reported_at"], now), _short(case["contacted_at"], now) or "not yet"),
                f"{after} ({why})" if why else after,
            )
        console.print(table)
    else:
        console.print("No case is open.")
    owed, mailbox = found["owed"], found["mailbox"]
    seen = _short(mailbox["last_seen_at"], now) or "never"
    state = "connected" if mailbox["connected"] else "not connected"
    console.print(f"closed today: {found['closed_today']}; letters owed: {owed['waiting']}, failed: {owed['failed']}")
    console.print(f"set aside in 7 days: {found['set_aside']}; mailbox: {state}, last seen: {seen}")
    if (down_since := found["sending"]["down_since"]) is not None:
        since = _short(down_since, now)
        console.print(f"letters wait since {since}: the SMTP server is not reached, or refuses us", soft_wrap=True)


def _short(iso: str | None, now: datetime) -> str:
    """The minute of a local ISO time, with its day unless that is today; "" for none."""
    if iso is None:
        return ""
    at = datetime.fromisoformat(iso)
    return f"{at:%H:%M}" if at.date() == now.date() else f"{at:%d %b %H:%M}"
