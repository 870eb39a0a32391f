"""After each start: does the state know all that was acted on? One that was put back from a copy, or that lost its last
moments, does not; then that mail goes back to the inbox, and what comes of it has the same ids (contract section 7).

Nobody tells us that a state was put back, so what was handled of late is looked through each time. What is known is
passed over: a plain restart moves nothing. Not here: the mailbox (`mail.imap.handled`), and what is known (`engine`).
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import chain, repeat
from typing import Final

import structlog

from workflow.clinic import Clinic
from workflow.core.model import Fate
from workflow.engine import NOT_BEFORE, Engine
from workflow.mail.imap.handled import HandledMail
from workflow.mail.imap.inbox import Inbox
from workflow.mail.imap.session import why_lost
from workflow.mail.reading.message import read_key
from workflow.mail.tokens import Tokens
from workflow.store import StoreError

log = structlog.get_logger()

BEFORE: Final = timedelta(minutes=15)
"""Mail that arrived so long before the last commit may be unknown to it: it takes its time, and clocks differ."""

MOST: Final = timedelta(days=1)
"""What arrived earlier is nobody's hurry any more."""

AGAIN: Final = (5.0, 60.0, 600.0)
"""Seconds until it is tried again, when it could not be done."""

TOLD_WITHIN: Final = timedelta(hours=1)


class Recall:
    """One clinic's."""

    def __init__(self, clinic: Clinic, engine: Engine, tokens: Tokens | None) -> None:
        self._clinic = clinic
        self._engine = engine
        most = clinic.config.mailbox.max_size
        self._mail = HandledMail(
            clinic.config.mailbox,
            lambda mail: read_key(mail.raw, mail.arrived_at, size=mail.size, max_size=most),
            tokens=tokens,
        )
        self._committed_at: datetime | None = None
        self._is_new = False

    async def begin(self) -> None:
        """Before anything is committed: learn where the state ends. Raises `StoreError`."""
        self._committed_at = await self._clinic.store.latest_at()
        self._is_new = self._committed_at is None and self._clinic.store.desk.place is None

    async def run(self, inbox: Inbox, ready: asyncio.Event) -> None:
        """Do it once, when the mailbox is watched: new mail goes first. Fails at nothing but being cancelled."""
        await ready.wait()
        for wait in chain(AGAIN, repeat(AGAIN[-1])):
            try:
                await self._look(inbox)
            except StoreError:
                self._clinic.note_refusal()
            except Exception as error:  # whatever ails this look, new mail is acted on all the same
                log.warning("handled mail not looked through", reason=why_lost(error))
            else:
                break
            await asyncio.sleep(wait)
        self._mail.close()

    def stop(self) -> None:
        self._mail.close()

    async def _look(self, inbox: Inbox) -> None:
        since = self._since()
        if self._is_new:
            count = await asyncio.wrap_future(self._mail.count())
            if count > self._clinic.counters.mails[Fate.HANDLED.value]:  # else all of it was handled since the start
                await self._tell_new()
        if since is None:
            return
        lying = await asyncio.wrap_future(self._mail.arrived(since))
        back = [mail.uid for mail in lying if not await self._engine.knows(mail.key)]
        if not back:
            return
        log.warning("mail goes back to the inbox", mails=len(back))
        await self._tell(len(back))
        await asyncio.wrap_future(self._mail.give_back(back))
        if self._mail.in_place:
            await asyncio.wrap_future(inbox.look_again(min(back) - 1))

    async def _tell_new(self) -> None:
        detail = (
            "Its state is new, but in the mailbox lies mail that a Promptly has handled. If the state was lost, "
            "open cases are lost with it: put back a backup (state/README.md says how), or have them reported "
            "anew. If another Promptly runs on this mailbox, stop one of the two."
        )
        await self._engine.announce("new-state", detail, mark=NOT_BEFORE)

    def _since(self) -> datetime | None:
        """From when on what was handled is looked at; None: not at all.

        What lay there before this state began is not its own, and what came before a case was set aside may be that
        case's. A rehearsed clock says nothing of when a mail arrived by the server's.
        """
        desk, now = self._clinic.store.desk, self._clinic.clock.now()
        marks = [desk.marks.get(fault.mark) or now.isoformat() for fault in self._clinic.store.faults]
        bounds = [datetime.fromisoformat(mark) for mark in (desk.marks.get(NOT_BEFORE), *marks) if mark]
        if self._is_new or (bounds and self._clinic.rules.rehearsal):
            return None
        if self._clinic.rules.rehearsal:
            return datetime(1970, 1, 1, tzinfo=UTC)
        bounds += [now - MOST, min(self._committed_at or now - MOST, now) - BEFORE]
        return max(at for at in bounds if at <= now)

    async def _tell(self, count: int) -> None:
        mails = "1 mail that had been acted on was" if count == 1 else f"{count} mails that had been acted on were"
        detail = (
            f"{mails} not known: the state was put back from a copy, or lost its last moments. All of it goes back to "
            "the inbox and is acted on again, under the same case ids. What a copy cannot know: which letters went "
            "since it was made, so that some may come again, and what was erased since then elsewhere."
        )
        await self._engine.announce_once("restored", "restored", detail, within=TOLD_WITHIN)
