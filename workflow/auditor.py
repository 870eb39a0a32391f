"""Looks at the daemon from inside, once a second: servers that stay away, late letters, parts that stand still.

It tells admin, once each, and mends nothing: trying again is the inbox's and the sender's, and a part that stands still
is ended by systemd, whose watchdog is not fed while `stuck` names one. Contract section 5, last point.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import structlog

from workflow.clinic import Clinic
from workflow.core.unheard import NOBODY_TOLD
from workflow.engine import Engine
from workflow.sender import URGENT

log = structlog.get_logger()

OUTAGE = timedelta(minutes=2)
"""A server that is away for less is being restarted, and nobody can do anything about it. One that is back for less may
be gone again: an outage that flickers, or that a restart of the daemon interrupts, is one outage."""

DELAYED = timedelta(minutes=2)
"""A draft or alert that is not accepted by then is told to every admin who can be reached (contract section 5)."""

OVERDUE = 60.0
"""Seconds of real time after which a due time that is still not decided is told. Time that a machine slept does not
count: nobody was there to decide."""

UNTOLD_FOR = timedelta(days=1)
"""An admin who could not be told of a lost letter makes /healthz fail for so long (contract section 4, `notice`)."""

PARTS: Mapping[str, str] = {
    "mailbox": "The watch over the mailbox has stopped",
    "mails": "The handling of mail has stopped",
    "timers": "Reminders and escalations have stopped",
    "letters": "The sending of letters has stopped",
}
"""The parts that work side by side, and what is told when one stands still: new mail, or a hung server, can't be the
reason, since each of them gives up by itself long before its limit (`service`)."""


class Auditor:
    """One clinic's auditor."""

    def __init__(self, clinic: Clinic, engine: Engine) -> None:
        self._clinic = clinic
        self._engine = engine
        self._away: dict[str, datetime] = {}
        """For each server that is away, since when, by a clock that may have been set back since."""
        self._back: dict[str, datetime] = {}
        """For each fault that was told of, since when it has not been seen."""
        self._due: tuple[datetime, float] | None = None
        """The due time that is to be decided next, and since when it has been past, by the loop's clock."""
        self.stuck: Collection[str] = ()
        """Those of `PARTS` that stand still: only a new start helps."""
        self.overdue = 0.0
        """Seconds of real time for which the longest due time waits for its decision."""
        self.late: int = 0
        """Alerts and drafts that were not accepted in time."""

    async def look(
        self, away: Mapping[str, datetime | None], stuck: Collection[str] = (), *, begun: bool = True
    ) -> None:
        """Tell what has to be told by now. `away`: for each server, since when it has not been reached.

        None there may also mean that the server was not tried yet. `stuck`: those of `PARTS` that stand still. `begun`:
        due times are decided; not yet, while a start waits for the first look into the mailbox.
        """
        for part in set(stuck) - set(self.stuck):  # first of all: what follows may need the very part
            log.error("a part stands still", part=part)
        self.stuck = tuple(stuck)
        now = self._clinic.clock.now()
        if begun:
            await self._look_at_timers(now)
        for part, what in PARTS.items():
            if part in stuck:
                self._back.pop(part, None)
                detail = f"{what}; Promptly is started anew by systemd, or must be by hand. Nothing is lost."
                await self._engine.announce("stuck", detail, mark=_mark(part))
            else:
                await self._look_at_return(part, now)
        for server, since in away.items():
            if since is None:
                await self._look_at_return(server, now)
            else:
                await self._look_at_outage(server, since, now)
        if away["SMTP"] is None:  # while it is away every letter is late, and its notice says so
            await self._look_at_letters(now)
        else:
            self.late = 0

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
        late = 0
        for letter in await self._clinic.store.owed():
            if letter.kind in URGENT and letter.attempts and now - letter.created_at >= DELAYED:
                late += 1
                name = f"delayed {letter.id}"
                if not self._clinic.store.desk.counts.get(name):  # the log hears of it when no admin can be reached
                    log.warning("letter not accepted yet", letter=letter.id, kind=letter.kind.value)
                about = f" of case {letter.case}" if letter.case is not None else ""
                detail = f"The {letter.kind.value}{about} to {letter.to.name} is not accepted yet; it is tried again."
                await self._engine.announce_once("delayed", name, detail, but=letter.to.email)
        self.late = late

    async def _look_at_timers(self, now: datetime) -> None:
        """A case that cannot be decided stays due: a new start would not help it, so it is told, no more."""
        due, real = await self._clinic.store.next_due(), asyncio.get_running_loop().time()
        if due is None or due > now:
            self._due, self.overdue = None, 0.0
        elif self._due is None or self._due[0] != due:
            self._due, self.overdue = (due, real), 0.0
        else:
            self.overdue = real - self._due[1]
        if self.overdue <= OVERDUE:
            return
        for case in await self._clinic.store.due(now):
            if any(timer.at == due for timer in case.timers):
                detail = f"A due time of case {case.id} could not be acted on for over a minute: the log says why."
                await self._engine.announce_once("stuck", f"overdue {case.id}", detail, but="")

    def faults(self) -> list[str]:
        """What is wrong in the daemon itself, in words fit for the log; what is wrong with servers is not here."""
        now = self._clinic.clock.now()
        found = [what for part, what in PARTS.items() if part in self.stuck]
        if self.overdue > OVERDUE:
            found.append("A due time has not been acted on for over a minute")
        if self.late:
            found.append(f"Alerts or drafts not accepted for over two minutes: {self.late}")
        if any(now - at < UNTOLD_FOR for at in self._clinic.store.desk.counts.get(NOBODY_TOLD, ())):
            found.append("A letter to admin was refused for good, and nobody could be told of it")
        return found


def _mark(name: str) -> str:
    """The desk's mark that says that the outage of this server, or part, was told."""
    return f"outage {name}"
