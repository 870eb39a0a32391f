"""``board``: the board's page once, on standard output or into ``[board] file``; works while the daemon runs."""

from __future__ import annotations

import asyncio
import os
import sys
from argparse import Namespace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from workflow import board
from workflow.clock import SystemClock
from workflow.config import Config, Faults
from workflow.core.board import Counted, clinics_by_need, count, midnight
from workflow.core.language.printed import clock_time
from workflow.mail.writing.render import Letters
from workflow.mail.writing.templates import our_pages
from workflow.store import Alive, StoreError, daemon_link, peek
from workflow.verbs.chosen import chosen, config_of, served

TEMPLATE = "boards.html"
"""Of many clinics."""


def main(asked: Namespace) -> int:
    """Write it (contract section 7); exit codes 0, 1 where the file can't be written, 2 and 4."""
    if asked.all:
        return _each(asked)
    config = chosen(asked, secrets=False)
    text, fell_back = asyncio.run(_page(config))
    if fell_back is not None:
        print(f"letters.templates: {fell_back}; Promptly's own was used", file=sys.stderr)
    file = config.board.file
    if file is None:
        print(text)
        return 0
    try:
        board.write_whole(file, text, str(os.getpid()))
    except OSError as error:
        print(f"board.file: {file}: {error.strerror}", file=sys.stderr)
        return 1
    return 0


def _each(asked: Namespace) -> int:
    """Counts alone. A clinic that can't be read stands there as such, and keeps no other from its place."""
    node, known = served(asked)
    clinics, code = [], 0
    for name, one in known.items():
        try:
            clinics.append(asyncio.run(_counted(name, config_of(name, one, node, secrets=False))))
        except (Faults, StoreError) as fault:
            print(f"{name}: {fault}", file=sys.stderr)
            clinics.append(Counted(name, troubles={"unreadable": ""}))
            code = 4
    print(page_of_many(clinics, SystemClock().now()))
    return code


def page_of_many(clinics: list[Counted], now: datetime) -> str:
    """Clinics have a zone each: the page's time is UTC."""
    at = f"{clock_time(now.astimezone(UTC))} UTC"
    values = {"clinics": clinics_by_need(clinics), "at": at, "written_at": int(now.timestamp())}
    return our_pages().page(TEMPLATE, values)


async def _counted(name: str, config: Config) -> Counted:
    alive = await daemon_link(config.store.url).alive()
    now, store = _now(alive), await peek(config.store.url)
    still, unread = (await store.open_cases()).open, len(store.faults)
    over = [case async for case in store.closed_cases(midnight(now, ZoneInfo(config.clinic.timezone)))]
    return count(name, still, over, now, troubles=_troubles(alive), unread=unread)


async def _page(config: Config) -> tuple[str, str | None]:
    alive = await daemon_link(config.store.url).alive()
    rules, own = config.rules(), config.letters
    letters = Letters(rules, instance="board", templates=own.templates, sms_link=own.sms_link)
    store, named = await peek(config.store.url), config.board.initials
    return await board.page(store, letters, rules, _now(alive), _troubles(alive), named=named)


def _now(alive: Alive | None) -> datetime:
    return alive.now if alive is not None else SystemClock().now()


def _troubles(alive: Alive | None) -> board.Troubles:
    """What its daemon says."""
    if alive is None:
        return {"daemon": None}
    troubles = {} if alive.connected else {"mailbox": alive.last_seen_at}
    if alive.unsent_since is not None:
        troubles["sending"] = alive.unsent_since
    return troubles
