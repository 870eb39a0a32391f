"""Looks at the daemon from inside, once a second: servers that stay away, late letters, parts that stand still.

It tells admin, once each, and mends nothing: trying again is the inbox's and the sender's, and a part that stands still
is ended by systemd, whose watchdog is not fed while `stuck` names one. Contract section 5, last point.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import structlog

from workflow.clinic import Clinic
from workflow.core.limits import lately
from workflow.core.outsiders import UNTOLD, was_told_to_nobody
from workflow.core.owed import notices
from workflow.core.topics import Notice
from workflow.engine import Engine
from workflow.mail.imap.mailbox import Loss
from workflow.mail.smtp.session import Result
from workflow.sender import Sender
from workflow.store import COUNTS_KEPT, StoreError

log = structlog.get_logger()

OUTAGE = timedelta(minutes=2)
"""A server that is away for less is being restarted, and nobody can do anything about it. One that is back for less may
be gone again: an outage that flickers, or that a restart of the daemon interrupts, is one outage."""

DELAYED = timedelta(minutes=2)
"""A draft or alert that is not accepted by then is told to every admin who can be reached (contract section 5)."""

IN_TURN = "More letters are owed than the SMTP server takes, or than per_minute in [smtp] lets go."
"""Why a letter was not even tried."""

OVERDUE = 60.0
"""Seconds of real time after which a due time that is still not decided is told. Time that a machine slept does not
count: nobody was there to decide."""

DISK = "disk"
"""The store among the servers that are away."""

PARTS: Mapping[str, str] = {
    "mailbox": "The watch over the mailbox has stopped",
    "mails": "The handling of mail has stopped",
    "timers": "Reminders and escalations have stopped",
    "letters": "The sending of letters has stopped",
}
"""The parts that work side by side, and what is told when one stands still: new mail, or a hung server, can't be the
reason, since each of them gives up by itself long before its limit (`practice`)."""

OUTAGES: Mapping[str, str] = {
    Result.REFUSED_LOGIN: "refused the login since {at}: check the {secret}. {what} until it is accepted",
    Result.REFUSED: "refused letters since {at}: ask its provider whether the account may send. They are tried again "
    "until it takes them",
    Loss.BUSY: "put us off since {at}. {what} until it is back",
}
"""What is told of a server, by what it does (`Away.why`); both servers have the same word for a refused login."""

UNREACHED = "not been reached since {at}. {what} until it is back"

FIRST_SWEEP_WAIT = 60.0
"""After a start, timers wait for the first full look, but not for ever: the IMAP server may be away."""

STILL: Mapping[str, float] = {"mailbox": 300.0, "mails": 60.0, "timers": 60.0, "letters": 300.0}
"""Seconds without a sign after which a part stands still, by `PARTS`. A watched mailbox is looked through once
a minute, and one answer of the server may take 30 s; a letter takes four such time-outs at most, and opening the
connection as many; a mail or a tick waits for no network."""


class LifeSigns:
    """One daemon's parts, each by a name of `PARTS`. `beats` may be called from any thread."""

    def __init__(self) -> None:
        self._signs = dict.fromkeys(STILL, time.monotonic())
        self._resting = {"mails"}

    def beats(self, part: str, at: float | None = None) -> None:
        """The part moves now, or did `at` (seconds of the monotonic clock, which is the loop's)."""
        self._signs[part] = time.monotonic() if at is None else max(self._signs[part], at)

    def begins(self, part: str) -> None:
        """It has work in hand, and shows nothing until that is done."""
        self._resting.discard(part)
        self.beats(part)

    def rests(self, part: str) -> None:
        self._resting.add(part)

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is in hand, mail nor time."""
        return self._resting >= {"mails", "timers"}

    def missed(self, *, away: bool, beginning: bool) -> list[str]:
        """The parts that stand still. `away`: the mailbox has no connection; `beginning`: timers wait for its first
        look."""
        now = time.monotonic()
        limits = dict(STILL)
        if away:
            # Each failed attempt is a sign, and may have to try 16 addresses that do not answer: an outage must never
            # look like a part that stands still, for a new start would not end it.
            limits["mailbox"] = 1800.0
        if beginning:
            limits["timers"] += FIRST_SWEEP_WAIT
        moving = [(part, sign) for part, sign in self._signs.items() if part not in self._resting]
        return [part for part, sign in moving if now - sign > limits[part]]


@dataclass(frozen=True, slots=True)
class Away:
    """A server that does not serve us."""

    since: datetime
    """Since when, by a clock that may have been set back since."""
    why: str = ""
    """What it did last: a `Loss` or a `Result`; "" when it does not answer."""


class Auditor:
    def __init__(self, clinic: Clinic, engine: Engine, sender: Sender) -> None:
        self._clinic = clinic
        self._engine = engine
        self._sender = sender
        self._refusals = 0
        self._refused_at: float | None = None
        """When the store last failed, by the loop's clock; None: it has not lately."""
        self._told_of_disk = False
        self._away: dict[str, datetime] = {}
        """For the store and each server that is away, since when."""
        self._back: dict[str, datetime] = {}
        """For each fault that was told of, since when it has not been seen."""
        self._due: tuple[datetime, float] | None = None
        """The due time that is to be decided next, and since when it has been past, by the loop's clock."""
        self.stuck: Collection[str] = ()
        """Those of `PARTS` that stand still: only a new start helps."""
        self.overdue = 0.0
        """Seconds of real time for which the longest due time waits for its decision."""
        self._overtime: Collection[str] = ()
        """The alerts and drafts owed for too long when this was looked at last: one that has just woken, or begun, with
        the daemon is about to go."""
        self.late: int = 0
        """Alerts and drafts that were not accepted in time."""

    @property
    def is_calm(self) -> bool:
        """Whether nothing was wrong at the last look, nor is being waited for, and the store has not failed since."""
        wrong = self.stuck or self._away or self._back or self.late or self._due
        return not wrong and self._refused_at is None and self._clinic.counters.refusals == self._refusals

    async def look(self, away: Mapping[str, Away | None], stuck: Collection[str] = (), *, begun: bool = True) -> None:
        """Tell what has to be told by now. `away` is None for a server that is reached, or was not tried yet.

        `stuck`: those of `PARTS` that stand still. `begun`: due times are decided; not yet, while a start waits for the
        first look into the mailbox.
        """
        for part in set(stuck) - set(self.stuck):  # first of all: what follows may need the very part
            log.error("a part stands still", part=part)
        self.stuck = tuple(stuck)
        now = self._clinic.clock.now()
        await self._look_at_disk(now)
        if begun:
            await self._look_at_timers(now)
        for part, what in PARTS.items():
            if part in stuck:
                self._back.pop(part, None)
                detail = f"{what}; it is started anew by itself, or must be by hand. Nothing is lost."
                if not self._clinic.tell_operator("a part stands still", detail):
                    await self._engine.announce("stuck", detail, mark=_mark(part))
            else:
                await self._look_at_return(part, now)
        for server, outage in away.items():
            if outage is not None:
                await self._look_at_outage(server, outage, now)
            elif server != "SMTP" or not self._sender.outage.held_up:  # else a restart in an outage would end it
                await self._look_at_return(server, now)
        if away["SMTP"] is None:  # while it is away every letter is late, and its notice says so
            await self._look_at_letters(now)
        else:
            self.late, self._overtime = 0, ()

    async def _look_at_disk(self, now: datetime) -> None:
        """A notice of a full disk goes without a commit, alone of all letters: the commit is what fails.

        Its Message-ID is that of any other that a restart in the same outage would send.
        """
        real = asyncio.get_running_loop().time()
        if self._clinic.counters.refusals != self._refusals:
            self._refusals, self._refused_at = self._clinic.counters.refusals, real
        if self._refused_at is None or real - self._refused_at > 30:  # the alive file is tried each 10 s
            self._refused_at, self._told_of_disk = None, False
            await self._look_at_return(DISK, now)
            return
        since = self._outlasts(DISK, now, now)
        if since is None or self._told_of_disk:
            return
        detail = (
            f"The store has refused writes since {self._local(since)}: it is full, or failing. New reports and answers "
            "wait in the mailbox, and reminders wait, until it takes them; nothing is lost."
        )
        try:
            if not self._clinic.tell_operator("the store refuses writes", detail):
                await self._engine.announce("disk", detail, mark=_mark(DISK))
        except StoreError:
            outage = f"{await self._clinic.store.latest_at()} {since:%Y-%m-%d}"
            self._sender.owe_unkept(notices(self._clinic.scene(now, outage), "disk", detail=detail))
        self._told_of_disk = True

    async def _look_at_outage(self, server: str, outage: Away, now: datetime) -> None:
        since = self._outlasts(server, outage.since, now)
        if since is None:
            return
        config = self._clinic.config
        keys, what = (config.mailbox, "New mail is not seen") if server == "IMAP" else (config.smtp, "Letters wait")
        secret = "password" if keys.oauth2 is None else "access token"
        said = OUTAGES.get(outage.why, UNREACHED).format(at=self._local(since), what=what, secret=secret)
        topic: Notice = "login" if outage.why == Result.REFUSED_LOGIN else "outage"
        await self._engine.announce(topic, f"The {server} server has {said}; nothing is lost.", mark=_mark(server))

    def _outlasts(self, name: str, since: datetime, now: datetime) -> datetime | None:
        """Since when it has been away, if that is long enough to be told and was not told yet."""
        self._back.pop(name, None)
        since = self._away[name] = min(self._away.get(name, since), since, now)
        return None if now - since < OUTAGE or self._clinic.store.desk.marks.get(_mark(name)) else since

    def _local(self, at: datetime) -> str:
        return at.astimezone(ZoneInfo(self._clinic.rules.cadence.zone)).strftime("%H:%M")

    async def _look_at_return(self, server: str, now: datetime) -> None:
        self._away.pop(server, None)
        if not self._clinic.store.desk.marks.get(_mark(server)):
            return
        since = self._back[server] = min(self._back.get(server, now), now)
        if now - since >= OUTAGE:
            del self._back[server]
            await self._engine.mark(_mark(server), "")

    async def _look_at_letters(self, now: datetime) -> None:
        """Each that was refused is told by itself; of those that wait for their turn one for all, each hour."""
        urgent = [letter for letter in await self._clinic.store.owed() if letter.kind.course.urgent]
        overtime = [letter for letter in urgent if not lately(letter.created_at, DELAYED, now)]
        late = [letter for letter in overtime if letter.attempts or letter.id in self._overtime]
        self._overtime, self.late = {letter.id for letter in overtime}, len(late)
        for letter in late:
            if self._clinic.store.desk.marks.get(_mark("SMTP")):  # the outage that has just ended was told
                continue
            name = f"delayed {letter.id}" if letter.attempts else "delayed in turn"
            if not self._clinic.store.desk.counts.get(name):  # the log hears of it when no admin can be reached
                log.warning("letter not accepted yet", letter=letter.id, kind=letter.kind.value)
            about = f" of case {letter.case}" if letter.case is not None else ""
            what = f"The {letter.kind.value}{about} to {letter.to.name} is not accepted yet"
            if letter.attempts:
                told, within, but = f"{what}; it is tried again.", COUNTS_KEPT, letter.to.email
            else:
                told, within, but = f"{what}; it waits for its turn. {IN_TURN}", timedelta(hours=1), ""
            await self._engine.announce_once("delayed", name, told, within=within, but=but)

    async def _look_at_timers(self, now: datetime) -> None:
        """A case that cannot be decided stays due: a new start would not help it, so it is told, no more, and again
        after a day, for nothing of it comes until somebody mends it.
        """
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
                await self._engine.announce_once("stuck", f"overdue {case.id}", detail, within=timedelta(days=1))

    def faults(self) -> list[str]:
        """What is wrong in the daemon itself, in words fit for the log; what is wrong with servers is not here."""
        found = [what for part, what in PARTS.items() if part in self.stuck]
        if self._refused_at is not None:
            found.append("The store refuses writes")
        if self.overdue > OVERDUE:
            found.append("A due time has not been acted on for over a minute")
        if self.late:
            found.append(f"Alerts or drafts not accepted for over two minutes: {self.late}")
        if was_told_to_nobody(self._clinic.store.desk.marks, self._clinic.clock.now()):
            found.append(UNTOLD)
        return found


def _mark(name: str) -> str:
    return f"outage {name}"
