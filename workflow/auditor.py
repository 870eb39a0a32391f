"""Looks at the daemon from inside, once a second: servers that stay away, letters that are owed too long.

It tells admin, once each, and mends nothing: trying again is the inbox's and the sender's. Contract section 5, last
point.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from workflow.clinic import Clinic
from workflow.core.model import LetterKind
from workflow.engine import Engine

OUTAGE = timedelta(minutes=2)
"""A server that is away for less is being restarted, and nobody can do anything about it."""

DELAYED = timedelta(minutes=2)
"""A draft or alert that is not accepted by then is told to every admin who can be reached (contract section 5)."""

URGENT = frozenset({LetterKind.DRAFT, LetterKind.ALERT})


class Auditor:
    """One clinic's auditor."""

    def __init__(self, clinic: Clinic, engine: Engine) -> None:
        self._clinic = clinic
        self._engine = engine

    async def look(self, away: Mapping[str, datetime | None]) -> None:
        """Tell what has to be told by now. `away`: for each server, since when it has not been reached."""
        now = self._clinic.clock.now()
        for server, since in away.items():
            await self._look_at_server(server, since, now)
        if away["SMTP"] is None:  # while it is away every letter is late, and its notice says so
            await self._look_at_letters(now)

    async def _look_at_server(self, server: str, since: datetime | None, now: datetime) -> None:
        name = f"outage {server}"
        told = self._clinic.store.desk.marks.get(name, "")
        if since is None:
            if told:
                await self._engine.mark(name, "")
        elif not told and now - since >= OUTAGE:
            at = since.astimezone(ZoneInfo(self._clinic.rules.cadence.zone)).strftime("%H:%M")
            what = "New mail is not seen" if server == "IMAP" else "Letters wait"
            detail = f"The {server} server has not been reached since {at}. {what} until it is back; nothing is lost."
            await self._engine.announce("outage", detail, mark=name)

    async def _look_at_letters(self, now: datetime) -> None:
        for letter in await self._clinic.store.owed():
            if letter.kind in URGENT and letter.attempts and now - letter.created_at >= DELAYED:
                about = f" of case {letter.case}" if letter.case is not None else ""
                detail = f"The {letter.kind.value}{about} to {letter.to.name} is not accepted yet; it is tried again."
                await self._engine.announce_once("delayed", f"delayed {letter.id}", detail, but=letter.to.email)
