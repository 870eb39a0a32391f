"""``erase`` and ``purge``: take a case, or what is due, out of the state; `workflow.upkeep` does the work.

With no daemon running it is done here, under the lock; else the running daemon is asked, and waited for.
"""

from __future__ import annotations

import asyncio
import sys
import time
from argparse import Namespace

from workflow import logs
from workflow import store as stores
from workflow.clinic import Clinic
from workflow.clock import Clock, RehearsalClock, SystemClock
from workflow.config import Config
from workflow.store import Carried, Locked, NotCommitted, Request, Store, act_as_owner, daemon_link, peek
from workflow.upkeep import Upkeep
from workflow.verbs.chosen import chosen

PATIENCE = 60.0
"""Seconds for which a running daemon is waited for: it looks once a second, and reads thousands of files in seconds."""


def main(asked: Namespace) -> int:
    """Do it after a yes (contract section 7). Exit codes: 0 done; 1 refused at the question, not done in time, or
    something is left; 2 no terminal to ask on, or no such case; 4 the store can't be read.
    """
    case_id = asked.case if asked.verb == "erase" else ""
    config = chosen(asked, secrets=False)
    try:
        act_as_owner(config.store.url)
        if case_id and not asyncio.run(_is_there(config, case_id)):
            print(f"Case {case_id} is not there, nor in a backup: `status` lists the open ones.", file=sys.stderr)
            return 2
        if not asked.yes:
            if not sys.stdin.isatty():
                print(f"There is no terminal to ask on: `{asked.verb} --yes` does it without asking.", file=sys.stderr)
                return 2
            for_good = f"Erase case {case_id} for good, from the backups, too"
            what = for_good if case_id else "Wipe and delete for good what is due"
            if input(f"{what}? Type yes: ").strip().casefold() != "yes":
                print("Nothing was changed.")
                return 1
        answer = asyncio.run(_carried_out(config, asked.verb, case_id))
    except (NotCommitted, OSError) as refused:
        why = getattr(refused, "strerror", None) or str(refused) or type(refused).__name__
        print(f"Not done, or not wholly: {why}. It may be repeated.", file=sys.stderr)
        return 1
    print("\n".join(answer.lines), file=sys.stderr if answer.code else sys.stdout)
    return answer.code


async def _is_there(config: Config, case_id: str) -> bool:
    reader = await peek(config.store.url)
    return await reader.knows(case_id) or bool(await reader.places(case_id))


async def _carried_out(config: Config, verb: str, case_id: str) -> Carried:
    """By ourselves if nobody holds the state, else by the daemon that does; it may end, or begin, while we wait."""
    logs.set_up(quiet=True)
    daemon, request = daemon_link(config.store.url), None
    began = time.monotonic()
    while True:
        try:
            store = await stores.open(config.store.url)
        except Locked:
            if request is None:
                request = await daemon.ask(verb, case_id)
                print("A daemon runs: it was asked to do it, within seconds.", file=sys.stderr, flush=True)
        else:
            try:
                if request is not None:
                    if (answer := await daemon.answer_to(request)) is not None:
                        return answer
                    await daemon.take_back(request)
                upkeep = Upkeep(Clinic(config, store, await _clock(store)))
                return await upkeep.carry_out(Request("", verb, case_id))
            finally:
                await store.close()
        while time.monotonic() - began < PATIENCE:
            if (answer := await daemon.answer_to(request)) is not None:
                return answer
            await asyncio.sleep(0.2)
            if await daemon.alive() is None:
                break
        else:
            late = "The daemon has not done it yet; it stays asked, and is done as soon as the daemon can."
            return Carried(1, (late,))


async def _clock(store: Store) -> Clock:
    """The time of the daemon that was here last: a rehearsed one, where it had that, stands still since (section 7)."""
    last = await store.daemon_link.alive(living=False)
    if last is None or not last.rehearsed:
        return SystemClock()
    return RehearsalClock(max(last.now, await store.latest_at() or last.now), last.speed)
