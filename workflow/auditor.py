"""Looks at the daemon from inside, once a second: servers that stay away, letters that are owed too long.

It tells admin, once each, and mends nothing: trying again is the inbox's and the sender's. Contract section 5, last
point.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import structlog

from workflow.clinic import Clinic
from workflow.core.model import LetterKind
from workflow.engine import Engine

log = structlog.get_logger()

OUTAGE = timedelta(minutes=2)
"""A server that is away for less is being restarted, and nobody can do anything about it. One that is back for less may
be gone again: an outage that flickers, or that a restart of the daemon interrupts, is one outage."""

DELAYED = timedelta(minutes=2)
"""A draft or alert that is not accepted by then is told to every admin who can be reached (contract section 5)."""

URGENT = frozenset({LetterKind.DRAFT, LetterKind.ALERT})


class Auditor:
    """One clinic's auditor."""

    def __init__(self, clinic: Clinic, engine: Engine) -> None:
        self._clinic = clinic
        self._engine = engine
        self._away: dict[str, datetime] = {}
        """For each server that is away, since when, by a clock that may have been set back since."""
        self._back: dict[str, datetime] = {}
        """For each server that was told of, since when it has not been seen away."""

    async def look(self, away: Mapping[str, datetime | None]) -> None:
        """Tell what has to be told by now. `away`: for each server, since when it has not been reached.

        None there may also mean that the server was not tried yet.
        """
        now = self._clinic.clock.now()
        for server, since in away.items():
            if since is None:
                await self._look_at_return(server, now)
            else:
                await self._look_at_outage(server, since, now)
        if away["SMTP"] is None:  # while it is away every letter is late, and its notice says so
            await self._look_at_letters(now)

    async def _look_at_outage(self, server: str, since: datetime, now: datetime) -> None:
        self._back.pop(server, None)
        since = self._away[server] = min(self._away.get(server, since), since, now)
        if now - since < OUTAGE or self._clinic.store.desk.marks.get(_mark(server)):
            return
        at = since.astimezone(ZoneInfo(self._clinic.rules.cadence.zone)).strftime("%H:%M")
        what = "New mail is not seen" if server == "IMAP" else "Letters wait"
        detail = f"The {server} server has not been reached since {at}. {what} until it is back; nothing is lost."
        await self._engine.announce("outage", detail, mark=_mark(server))

    async def _look_at_return(self, server: str, now: datetime) -> None:
        self._away.pop(server, None)
        if not self._clinic.store.desk.marks.get(_mark(server)):
            return
        since = self._back[server] = min(self._back.get(server, now), now)
        if now - since >= OUTAGE:
            del self._back[server]
            await self._engine.mark(_mark(server), "")

    async def _look_at_letters(self, now: datetime) -> None:
        for letter in await self._clinic.store.owed():
            if letter.kind in URGENT and letter.attempts and now - letter.created_at >= DELAYED:
                name = f"delayed {letter.id}"
                if not self._clinic.store.desk.counts.get(name):  # the log hears of it when no admin can be reached
                    log.warning("letter not accepted yet", letter=letter.id, kind=letter.kind.value)
                about = f" of case {letter.case}" if letter.case is not None else ""
                detail = f"The {letter.kind.value}{about} to {letter.to.name} is not accepted yet; it is tried again."
                await self._engine.announce_once("delayed", name, detail, but=letter.to.email)


def _mark(server: str) -> str:
    """The desk's mark that says that an outage of this server was told."""
    return f"outage {server}"
