"""Keeps the state small, private and copied: wipes names, deletes old cases, makes the daily backup, erases on request.

It runs beside the rest of the daemon and decides about no case: what is due follows from ``[privacy]`` and the clinic's
clock. The state is changed under the clinic's lock; what is done to its copies is not. The verbs `erase` and `purge`
use it, too, when no daemon runs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

import structlog

from workflow.clinic import Clinic
from workflow.core.limits import lately
from workflow.core.model import Decision, Letter, Post
from workflow.core.privacy import names_of, scrubbed, texts_of, unlisted, wiped_letter
from workflow.engine import JUMPED, NOT_BEFORE, Engine
from workflow.logs import place
from workflow.store import Carried, Found, Request, StoreError, closed_at

log = structlog.get_logger()

EVERY: Final = timedelta(hours=1)
"""How often names and cases are looked at; more often where ``[privacy]`` has shorter times than this."""

A_MINUTE: Final = timedelta(minutes=1)
"""How often it looks whether a backup is due; at what is asked of it, when it is asked."""

TRY_AGAIN: Final = 3600.0
"""Seconds before a backup that failed is tried again."""

JUMP: Final = timedelta(days=1)
"""A clock found so far from where it should be is wrong, or was; what the network adjusts is less."""

WAITS: Final = timedelta(days=1)
"""After a jump nothing is deleted for so long: somebody may set the clock right meanwhile (contract section 5)."""

FAILED: Final = "backup"
"""The desk's mark that says that a failed backup was told."""


class Upkeep:
    """One clinic's upkeep. `told` hears of letters that are withdrawn, for they may be in hand; None: nobody sends."""

    def __init__(self, clinic: Clinic, told: Callable[[Iterable[Letter]], None] | None = None) -> None:
        self._clinic = clinic
        self._told = told
        self._one_at_a_time = asyncio.Lock()
        self._bell = asyncio.Event()
        self._set_to = self._offset()
        """What the clock was last set to: how far it is ahead of the time that has passed."""
        self._copied = ""
        """The day of the last backup known of, and of the last look through all of them."""

    # --- in the daemon ----------------------------------------------------------------------------------

    def go_on_from(self, last: datetime | None) -> None:
        """When the daemon before this one lived last: nobody knows whether it was off since, or the clock is wrong. A
        rehearsed clock is meant as it is."""
        if last is not None and not self._clinic.rules.rehearsal:
            self._set_to = last - self._clinic.clock.passed()

    def _offset(self) -> datetime:
        clock = self._clinic.clock
        return clock.now() - clock.passed()

    async def _look_at_clock(self, engine: Engine) -> None:
        set_to = self._offset()
        if abs(set_to - self._set_to) > JUMP:
            log.warning("the clock jumped", days=(set_to - self._set_to).days)
            await engine.mark(JUMPED, self._clinic.clock.now().isoformat())
            self._set_to = set_to

    def _deletes(self) -> bool:
        """Whether the clock can be trusted with it."""
        mark = self._clinic.store.desk.marks.get(JUMPED)
        return not mark or not lately(datetime.fromisoformat(mark), WAITS, self._clinic.clock.now())

    async def run(self, engine: Engine) -> None:
        """Do what is due, for ever; `wake` lets it look. No failure here ends the daemon.

        Names are first looked at after `EVERY` has really passed: a machine that starts with a wrong clock must not
        wipe what is not due. A rehearsed clock is meant as it is.
        """
        clock, loop = self._clinic.clock, asyncio.get_running_loop()
        span = clock.real_seconds(self._pause)
        look_at = loop.time() + (0.0 if self._clinic.rules.rehearsal else span)
        copy_at = 0.0
        while True:
            failed = False
            try:
                await self._look_at_clock(engine)
                await self._answer_requests()
                if loop.time() >= look_at and self._deletes():
                    look_at = loop.time() + clock.real_seconds(self._pause)
                    await self.retain()
                if loop.time() >= copy_at and (day := await self._backup_due()) is not None:
                    copy_at = loop.time() + TRY_AGAIN
                    await self._copy_or_tell(day, engine)
                    copy_at = 0.0
            except StoreError:
                failed = True
                self._clinic.note_refusal()
            except Exception as error:  # what tidies up must not stop what matters
                failed = True
                log.error("upkeep failed", error=type(error).__name__, where=place(error))
            left = min(look_at - loop.time(), clock.real_seconds(A_MINUTE))
            with suppress(TimeoutError):
                async with asyncio.timeout(1.0 if failed else max(left, 1.0)):
                    await self._bell.wait()
            self._bell.clear()

    def wake(self) -> None:
        self._bell.set()

    @property
    def _pause(self) -> timedelta:
        privacy = self._clinic.config.privacy
        return min(EVERY, privacy.keep_names, privacy.keep_cases)

    async def _backup_due(self) -> str | None:
        """The name of the backup that is to be made now: of each day one, from 3 at night on, when nobody reports and
        the day before is whole. After a night without a daemon it is made at its start.
        """
        local = self._clinic.clock.now().astimezone(ZoneInfo(self._clinic.config.clinic.timezone))
        day = f"{local:%Y-%m-%d}"
        if local.hour < 3 or day == self._copied:
            return None
        if day in await self._clinic.store.copies():
            self._copied = day
            return None
        return day

    async def _copy_or_tell(self, day: str, engine: Engine) -> None:
        try:
            async with self._one_at_a_time:
                await self._clinic.store.back_up(day, keep_all=not self._deletes())
        except StoreError as error:
            log.error("backup failed", reason=str(error))
            detail = (
                f"The daily backup of the state could not be made ({error}). Promptly goes on, and tries each hour."
            )
            if not self._clinic.tell_operator("no backup was made", detail):
                await engine.announce(FAILED, detail, mark=FAILED)
            raise
        log.info("backup made", day=day)
        if self._clinic.store.desk.marks.get(FAILED):
            await engine.mark(FAILED, "")

    async def _answer_requests(self) -> None:
        link = self._clinic.store.daemon_link
        for request in await link.asked():
            await link.answer(request, await self.carry_out(request))
            self._clinic.counters.changes += 1
            log.info("request carried out", verb=request.verb)

    # --- what is done -----------------------------------------------------------------------------------

    async def carry_out(self, request: Request) -> Carried:
        match request.verb:
            case "erase":
                return await self.erase(request.case)
            case "purge":
                return await self.retain()
            case other:
                return Carried(2, (f"This daemon does not know {other}: it is older than the program that asks.",))

    async def retain(self) -> Carried:
        """Wipe names and delete cases whose time has come (contract section 6, ``[privacy]``). Raises `StoreError`."""
        async with self._one_at_a_time:
            store, now, privacy = self._clinic.store, self._clinic.clock.now(), self._clinic.config.privacy
            nameless, caseless = now - privacy.keep_names, now - privacy.keep_cases
            due = await store.retain_in_copies(nameless, caseless, now)
            wiped = []
            for case_id in sorted(due):
                async with self._clinic.lock:
                    case = await store.case(case_id)
                    if case is not None and not case.open and closed_at(case) < nameless:
                        await store.wipe(case_id, now)
                        wiped.append(case_id)
            async with self._clinic.lock:
                await store.amend_letters(partial(_aged, before=nameless, wiped=due), ())
                deleted = await store.purge(caseless)
                await store.forget(now)
        if not (wiped or deleted):
            return Carried(0, ("Nothing was due: no names to wipe, no cases to delete.",))
        log.info("retention", wiped=len(wiped), deleted=len(deleted))
        names, cases = _count(len(wiped), "case"), _count(len(deleted), "case")
        return Carried(0, (f"Names and free text wiped: {names}. Deleted: {cases}. Backups included.",))

    async def erase(self, case_id: str) -> Carried:
        """Remove a case from the state and its backups, and what other letters say of it; then look whether anything
        is left. Letters not yet sent are withdrawn. Raises `StoreError`; may be repeated.
        """
        async with self._one_at_a_time:
            store, now = self._clinic.store, self._clinic.clock.now()
            copied = await store.newest_copy(case_id)
            async with self._clinic.lock:
                case = await store.case(case_id)
                known = [one for one in (case, copied) if one is not None]
                names = tuple(dict.fromkeys(name for one in known for name in names_of(one)))
                texts = tuple(dict.fromkeys(text for one in known for text in texts_of(one)))
                change = partial(scrubbed, case_id=case_id, names=names, now=now)
                await store.amend_letters(change, (case_id, *names))
                held = await store.erase(case_id)
                if held and case is None:  # nobody knows by which mails it would come back
                    await store.commit(Decision("marked"), now, marks={NOT_BEFORE: now.isoformat()})
                owed = [letter for letter in (case.letters if case else ()) if letter.post is Post.OWED]
                if self._told is not None:
                    self._told(replace(letter, post=Post.WITHDRAWN) for letter in owed)
            keys = {mail.key: mail.at for one in known for mail in one.mails}
            was_copied = await store.erase_in_copies(case_id, keys, change, (case_id, *names))
            found = await store.search(case_id, names, texts)
        log.info("case erased", case=case_id)
        if not (held or was_copied):
            return Carried(2, (f"Case {case_id} is not there, nor in a backup.",))
        return _erasure_told(case_id, found, named=bool(known), withdrawn=len(owed))


def _aged(letter: Letter, before: datetime, wiped: set[str]) -> Letter:
    """A letter without its lines about wiped cases; one of no case also without what it quotes, once it is as old."""
    old = letter.case is None and letter.settled_at is not None and letter.settled_at < before
    return wiped_letter(letter) if old else unlisted(letter, wiped)


def _erasure_told(case_id: str, found: Found, *, named: bool, withdrawn: int) -> Carried:
    """`named`: the case could be read, so that its client's name could be looked for."""
    letters = f" {_count(withdrawn, 'letter')} not yet sent withdrawn." if withdrawn else ""
    sought = "the client's name and of what was written" if named else "its file"
    lines = [
        f"Case {case_id} is erased, also from the backups.{letters}",
        f"Searched {_count(found.searched, 'file')} of the state folder, backups included:",
    ]
    if not (found.of_case or found.of_others):
        lines.append(f"nothing of {sought} is left.")
    if found.of_others:
        lines.append("the same name or words stand in other cases; erase them, too, if they are about the same client:")
        lines += [f"  {name}" for name in found.of_others]
    if found.of_case:
        lines.append("STILL THERE, in files that are not Promptly's own; remove them by hand:")
        lines += [f"  {name}" for name in found.of_case]
    if not named:
        lines.append("Its file could not be read, so the client's name could not be looked for.")
    lines.append("Not reached from here: mails in mailboxes, and copies of the state that you made yourself.")
    return Carried(1 if found.of_case else 0, tuple(lines))


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
