"""``erase`` and ``purge``: take a case, or what is due, out of the state; `workflow.upkeep` does the work.

With no daemon running it is done here, under the lock; else the running daemon is asked, and waited for.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from argparse import Namespace

from workflow import logs, requests
from workflow.alive import read_alive
from workflow.clinic import Clinic
from workflow.clock import Clock, RehearsalClock, SystemClock
from workflow.config import Config, load
from workflow.requests import Answer, Request
from workflow.store import Locked, NotCommitted, Store
from workflow.store.tiny.backup import backups, files_of
from workflow.store.tiny.reader import TinyReader
from workflow.store.tiny.store import TinyStore
from workflow.upkeep import Upkeep

PATIENCE = 60.0
"""Seconds for which a running daemon is waited for: it looks once a second, and reads thousands of files in seconds."""

LOOK_AGAIN = 0.2
"""Seconds between two looks for its answer."""


def main(asked: Namespace) -> int:
    """Do it after a yes (contract section 7). Exit codes: 0 done; 1 refused at the question, not done in time, or
    something is left; 2 no terminal to ask on, or no such case; 4 the store can't be read.
    """
    case_id = asked.case if asked.verb == "erase" else ""
    config = load(asked.config)
    try:
        _act_as_owner(config)
        if case_id and not _is_there(config, case_id):
            print(f"Case {case_id} is not there, nor in a backup: `status` lists the open ones.", file=sys.stderr)
            return 2
        if not asked.yes:
            if not sys.stdin.isatty():
                print(f"There is no terminal to ask on: `{asked.verb} --yes` does it without asking.", file=sys.stderr)
                return 2
            if not _agreed(case_id):
                print("Nothing was changed.")
                return 1
        answer = asyncio.run(_carried_out(config, asked.verb, case_id))
    except NotCommitted as refused:
        print(f"Not done, or not wholly: {refused}. It may be repeated.", file=sys.stderr)
        return 1
    except OSError as error:
        print(
            f"Not done, or not wholly: {error.strerror or type(error).__name__}. It may be repeated.", file=sys.stderr
        )
        return 1
    print("\n".join(answer.lines), file=sys.stderr if answer.code else sys.stdout)
    return answer.code


def _act_as_owner(config: Config) -> None:
    """Root, who may be asked to erase, becomes the user whose state it is: the daemon must be able to read what is
    written here.
    """
    if os.geteuid() == 0 and config.store.url.exists() and (owner := config.store.url.stat()).st_uid:
        os.setegid(owner.st_gid)
        os.seteuid(owner.st_uid)


def _is_there(config: Config, case_id: str) -> bool:
    reader = TinyReader.peek(config.store.url)
    copies = (path for copy in backups(config.store.url) for path in files_of(copy, case_id))
    return asyncio.run(reader.knows(case_id)) or any(copies)


def _agreed(case_id: str) -> bool:
    what = (
        f"Erase case {case_id} for good, from the backups, too" if case_id else "Wipe and delete for good what is due"
    )
    return input(f"{what}? Type yes: ").strip().casefold() == "yes"


async def _carried_out(config: Config, verb: str, case_id: str) -> Answer:
    """By ourselves if nobody holds the state, else by the daemon that does; it may end, or begin, while we wait."""
    logs.set_up(quiet=True)
    request: Request | None = None
    began = time.monotonic()
    while True:
        store = TinyStore(config.store.url)
        try:
            await store.open()
        except Locked:
            if request is None:
                request = requests.leave(config.store.url, verb, case_id)
                print("A daemon runs: it was asked to do it, within seconds.", file=sys.stderr, flush=True)
        else:
            try:
                if request is not None:
                    if (answer := requests.answer_to(config.store.url, request)) is not None:
                        return answer
                    requests.take_back(config.store.url, request)
                upkeep = Upkeep(Clinic(config, store, await _clock(config, store)))
                return await upkeep.carry_out(Request("", verb, case_id))
            finally:
                await store.close()
        while time.monotonic() - began < PATIENCE:
            if (answer := requests.answer_to(config.store.url, request)) is not None:
                return answer
            await asyncio.sleep(LOOK_AGAIN)
            if read_alive(config.store.url) is None:
                break
        else:
            late = "The daemon has not done it yet; it stays asked, and is done as soon as the daemon can."
            return Answer(1, (late,))


async def _clock(config: Config, store: Store) -> Clock:
    """The time of the daemon that was here last: a rehearsed one, where it had that, stands still since (section 7)."""
    last = read_alive(config.store.url, living=False)
    if last is None or not last.rehearsed:
        return SystemClock()
    known = [last.now, await store.latest_at() or last.now]
    return RehearsalClock(max(known), last.speed)
