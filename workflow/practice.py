"""One clinic at work: the inbox's thread, the queue of mails, ticks, senders, upkeep and the alive file.

It orders the calls and decides nothing: one mail and one tick are `engine`'s, one letter `sender`'s. Sends run beside
all else, so that a hung SMTP server never deafens the inbox. The process around it, which may hold others, is `node`'s.
Contract sections 7 and 8.
"""

from __future__ import annotations

import asyncio
import contextvars
import os
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import structlog

from workflow import VERSION, logs
from workflow.board import BoardFile
from workflow.clinic import Clinic
from workflow.config import Config
from workflow.config.keys import changed_at_start
from workflow.core.mail import Place
from workflow.engine import REHEARSED, Engine
from workflow.mail.imap.inbox import Contact, Fetched, Inbox, News
from workflow.mail.smtp.outbox import Outbox
from workflow.mail.tokens import tokens_of
from workflow.recall import Recall
from workflow.sender import Sender
from workflow.store import Alive, Store, StoreError
from workflow.upkeep import Upkeep
from workflow.watch import FIRST_SWEEP_WAIT, Auditor, Away, LifeSigns

log = structlog.get_logger()

QUEUED = 64
"""Mails fetched ahead of the engine; the inbox waits when it is full, so memory stays small."""

SWEEP_WAIT = 1.0
"""Seconds that due reminders wait for a look into the inbox: a reply that lies there wins (contract section 5)."""

ALIVE_EVERY = 10
"""Seconds between two alive files, which `status` reads; what has changed is there within a second."""

SET_BY = 0.5
"""Seconds by which a clock may be off before its timers look at it again: what is due is decided within one."""

CALM_LOOK = 10.0
"""Seconds between two looks of the auditor at a clinic where nothing is wrong, nor under way."""

AUDITED_WITHIN = 60.0
"""Seconds within which the auditor must have looked around: it waits for nothing but the store."""

GRACE, GRACE_OF_MANY = 3.0, 2.5
"""Seconds for letters in DATA at a stop: `run` ends within 5 s, a node gives its clinics within 3."""

UNWATCHED = timedelta(minutes=15)
"""What is told afterwards."""

DISK_WAIT = 1.0
"""Seconds before the store is asked again after it failed."""


@dataclass(frozen=True, slots=True)
class Watch:
    connected: bool = False
    last_seen_at: datetime | None = None
    lost_at: datetime | None = None
    """Since when there has been no connection."""
    loss: str = ""
    """Why: a `Loss`."""


class Practice:
    """`ready` is set once its mailbox is watched."""

    def __init__(
        self, clinic: Clinic, *, ready: asyncio.Event | None = None, make_inbox: Callable[..., Inbox] = Inbox
    ) -> None:
        self.clinic = clinic
        smtp, tokens = clinic.config.smtp, tokens_of(clinic.config.smtp)
        mailbox_tokens = tokens_of(clinic.config.mailbox)
        # A second connection for bursts; small clinics' providers allow few at a time.
        self.sender = Sender(clinic, Outbox(smtp, tokens=tokens), Outbox(smtp, tokens=tokens))
        self._inbox = make_inbox(
            clinic.config.mailbox,
            since=clinic.store.desk.place,
            first_since=self._first_since,
            deliver=self._deliver,
            report=self._report,
            tokens=mailbox_tokens,
        )
        self.engine = Engine(clinic, self._inbox.settle, self.sender)
        self.auditor = Auditor(clinic, self.engine, self.sender)
        self.upkeep = Upkeep(clinic, self.sender.owe)
        self.board = BoardFile(clinic, self.engine)
        self.watch = Watch()
        self.ready = ready or asyncio.Event()
        """The mailbox has been looked through once, and is watched."""
        self._mails: asyncio.Queue[Fetched] = asyncio.Queue()
        self._room = threading.Semaphore(QUEUED)
        self._full = False
        """The inbox waits for us, not we for it."""
        self._stop = asyncio.Event()
        self._loss = logs.Repeated()
        self._deciding = False
        """Whether due times are decided; not yet, while the first look into the mailbox is waited for."""
        self._tick = asyncio.Event()
        self._rested = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._context = contextvars.copy_context()
        """For what another thread has done here: its log lines say whose they are."""
        self._signs_of_life = LifeSigns()
        self._said: tuple[object, ...] | None = None
        """How it was when that was written down last."""
        self._ahead = 0.0
        """How far the clinic's clock was ahead of the loop's when the timers last looked at it."""
        self._through: Place | None = None
        self._said_at = 0.0
        self._since = clinic.clock.now()
        self._over = False
        self._left_at: datetime | None = None
        """When the clinic was last at work before this."""
        self._second = asyncio.Event()
        self._audited_at = time.monotonic()
        self._recall = Recall(clinic, self.engine, mailbox_tokens)

    # --- from start to stop -----------------------------------------------------------------------------

    async def run(self) -> None:
        """Run until `stop`. What is owed goes out from the start; `ready` once the mailbox is watched (section 7)."""
        await self._waited_out(self._look_back)
        await self._waited_out(self._recall.begin)
        await self._waited_out(self.engine.begin)
        self.sender.look_anew()
        self._inbox.start()
        works = [
            asyncio.create_task(self.sender.run(self.engine), name="sender"),
            asyncio.create_task(self._take_mails(), name="mails"),
            asyncio.create_task(self._keep_time(), name="time"),
            asyncio.create_task(self._audit(), name="audit"),
            asyncio.create_task(self._tidy(), name="upkeep"),
        ]
        recall = asyncio.create_task(self._recall.run(self._inbox, self.ready), name="recall")
        stopped = asyncio.create_task(self._stop.wait())
        try:
            done, _ = await asyncio.wait([*works, stopped], return_when=asyncio.FIRST_COMPLETED)
            for work in done - {stopped}:
                work.result()  # a work that ended did so by an error: let it be seen
        finally:
            stopped.cancel()
            await self._shut([*works, recall])

    def stop(self) -> None:
        """End `run` soon, with nothing lost: what is owed stays in the store."""
        self._stop.set()

    def wake(self) -> None:
        """Look at the clock again: a second has passed, or the clock was set."""
        self._tick.set()
        self.sender.wake()
        self.upkeep.wake()

    async def settled(self) -> None:
        """Until all mail that lay there is decided, all that was due is decided, and all that can go has gone.

        For tests; waits through an outage of either server.
        """
        await asyncio.wrap_future(self._inbox.sweep())
        await self._mails.join()
        self._rested.clear()
        self.wake()
        await self._rested.wait()
        await self.sender.idled.wait()

    def reload(self, config: Config) -> None:
        """Go on with another configuration: people, letters, times of new cases (SIGHUP, contract section 7).

        All of it or, where a key needs a restart, none: half of a change may be worse than either.
        """
        before = self.clinic.config
        if keys := changed_at_start(before, config):
            log.warning("configuration not taken: it needs a restart", keys=keys)
            return
        self.clinic.take(config)  # one that says the same, too: templates may have changed
        self.wake()
        log.info("configuration unchanged" if config == before else "configuration reread")

    async def _shut(self, works: list[asyncio.Task[None]]) -> None:
        self._inbox.stop()
        self._recall.stop()
        await self.sender.close(GRACE if self.clinic.host is None else GRACE_OF_MANY)
        for work in works:
            work.cancel()
        await asyncio.gather(*works, return_exceptions=True)
        self._room.release()  # the inbox's thread may wait for it
        with suppress(StoreError):
            await self.sender.record()
        if (through := self._inbox.through) is not None:
            self.clinic.store.remember_place(through)
        self.watch = replace(self.watch, connected=False)
        self._over = True
        self._write_alive()
        log.info("stopped")

    async def _waited_out(self, step: Callable[[], Awaitable[None]]) -> None:
        """Take a step again until the store does not fail at it, or we are stopped. A full disk must end nothing."""
        while True:
            try:
                return await step()
            except StoreError:
                self.clinic.note_refusal()
                await asyncio.sleep(DISK_WAIT)
            if self._stop.is_set():
                return None

    async def _begin(self) -> None:
        """What a start has to write; mail is read and letters go meanwhile."""
        self._signs_of_life.beats("timers")
        if REHEARSED not in self.clinic.store.desk.marks:
            await self.engine.mark(REHEARSED, "yes" if self.clinic.rules.rehearsal else "no")
        await self.engine.begin_digests()
        await self._tell_unwatched()
        for fault in self.clinic.store.faults:
            detail = (
                f"The file of case {fault.name} cannot be read ({fault.reason}); it was set aside, the rest goes on."
            )
            await self.engine.announce("case-file", detail, mark=fault.mark)

    async def _tell_unwatched(self) -> None:
        """Of a node: nobody else tells the clinic that it had none."""
        since, until = self._left_at, self._since
        if self.clinic.host is None or since is None or until - since < UNWATCHED:
            return
        zone = ZoneInfo(self.clinic.rules.cadence.zone)
        began, ended = (f"{at.astimezone(zone):%H:%M on %A, %d %B}" for at in (since, until))
        detail = (
            f"Nobody watched the mailbox from {began} until {ended}. What came meanwhile is acted on now, and what was "
            "due comes now; nothing is lost."
        )
        await self.engine.announce_once("unwatched", f"unwatched {until.isoformat()}", detail, within=UNWATCHED)

    async def tell_held(self) -> None:
        """Tell each admin that nobody watches from now on, and wait until that is on its way. Raises `StoreError`."""
        since = self.clinic.clock.now().astimezone(ZoneInfo(self.clinic.rules.cadence.zone))
        detail = (
            f"Since {since:%H:%M} nobody watches the mailbox: whoever runs Promptly holds it. Reports wait there until "
            "it goes on; nothing is lost."
        )
        await self.engine.announce_once("held", "held", detail, within=timedelta(minutes=1))
        await self.sender.idled.wait()

    # --- the mailbox ------------------------------------------------------------------------------------

    def _first_since(self) -> datetime:
        """At a first start only recent mail counts (contract section 3); in a rehearsal all of it does."""
        if self.clinic.rules.rehearsal:
            return datetime(1970, 1, 1, tzinfo=UTC)
        return self.clinic.clock.now() - self.clinic.rules.stale_after

    def _deliver(self, fetched: Fetched) -> None:
        """On the inbox's thread: hand over, and wait while the queue is full."""
        self._signs_of_life.beats("mailbox")
        if not self._room.acquire(blocking=False):  # asyncio's own way to wait costs a task and two wake-ups a mail
            self._full = True
            self._room.acquire()
            self._full = False
        with suppress(RuntimeError):  # the loop has ended before the thread did
            self._loop.call_soon_threadsafe(self._mails.put_nowait, fetched, context=self._context)

    def _report(self, contact: Contact) -> None:
        self._signs_of_life.beats("mailbox")
        with suppress(RuntimeError):  # the loop has ended before the thread did
            self._loop.call_soon_threadsafe(self._contact, contact, context=self._context)

    def _contact(self, contact: Contact) -> None:
        now = self.clinic.clock.now()
        match contact.news:
            case News.CONNECTED:
                self.watch = Watch(connected=True, last_seen_at=self.watch.last_seen_at)
                self._loss.end()
                log.info("mailbox connected", mode=contact.reason)
            case News.PUSHED:
                self.sender.warm_up()  # while the mail is fetched: a cold connection costs more than all else
            case News.SEEN:
                if not self.watch.connected:
                    self._loss.end()
                self.watch = Watch(connected=True, last_seen_at=now)
                if not self.ready.is_set():
                    self.ready.set()
                    self._write_alive()
                    log.info("ready")
            case News.LOST:
                lost_at = self.watch.lost_at or now
                self.watch = replace(self.watch, connected=False, lost_at=lost_at, loss=contact.reason)
                if self._loss.is_news(contact.reason):
                    more = {"detail": contact.detail} if contact.detail else {}
                    log.warning("mailbox lost", reason=contact.reason, **more)
            case News.RENUMBERED | News.NOT_FILED:
                log.warning(contact.news.value, reason=contact.reason)

    async def _take_mails(self) -> None:
        taken = 0
        while True:
            fetched = await self._mails.get()
            began = self._loop.time()
            await self._waited_out(partial(self._take_mail, fetched))
            await self.clinic.breathe(began)
            self._signs_of_life.rests("mails")
            self._mails.task_done()
            taken += 1
            if taken >= QUEUED // 4:  # one by one would wake the inbox's thread for each
                self._room.release(taken)
                taken = 0

    async def _take_mail(self, fetched: Fetched) -> None:
        self._signs_of_life.begins("mails")
        await self.engine.take(fetched)

    # --- time -------------------------------------------------------------------------------------------

    async def _keep_time(self) -> None:
        """Decide what is due: the inbox is looked at first, so that an answer wins over a reminder."""
        await self._waited_out(self._begin)
        await self._first_look(FIRST_SWEEP_WAIT)
        self._deciding = True
        while True:
            await self._waited_out(self._decide_or_wait)

    async def _first_look(self, most: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(most):
                await self.ready.wait()

    async def _decide_or_wait(self) -> None:
        """Decide what is due now; if nothing is, wait until something is or the clock is to be looked at again."""
        self._signs_of_life.beats("timers")
        digest_at = self.engine.next_digest_at
        due = min(filter(None, (await self.clinic.store.next_due(), digest_at)), default=None)
        now = self.clinic.clock.now()
        if (due is not None and due <= now) or self.engine.clock_was_set_back(now) or self.engine.has_new_people:
            await self._look_first()
            decided = await self.engine.tick()
            if digest_at is not None and digest_at <= now:
                await self.engine.write_digests()
            elif not decided and due is not None and due <= now:  # a case that fails stays due
                await asyncio.sleep(1.0)  # and the others must not wait for it longer than that
            return
        wait = self.clinic.clock.real_seconds(due - now) if due is not None else None
        self._rested.set()
        self._signs_of_life.rests("timers")
        with suppress(TimeoutError):
            async with asyncio.timeout(wait):
                await self._tick.wait()
        self._signs_of_life.begins("timers")
        self._tick.clear()

    async def _look_first(self) -> None:
        if not self.watch.connected:
            return
        try:
            async with asyncio.timeout(SWEEP_WAIT):
                await asyncio.wrap_future(self._inbox.sweep())
                await self._mails.join()
        except TimeoutError:
            pass
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():  # it is we who are stopped; else the inbox gave up this look
                raise

    async def _tidy(self) -> None:
        """Backups and requests wait for the first look into the mailbox, but not for long: that server may be away."""
        await self._first_look(10.0)
        await self.upkeep.run(self.engine)

    def beat(self) -> None:
        """Each second, from the node. Next to nothing where nothing is due, for timers wake by themselves; they cannot
        know of a clock that was set, a machine that slept, and a rehearsal that runs fast.
        """
        real = self._loop.time()
        ahead = self.clinic.clock.now().timestamp() - real
        if abs(ahead - self._ahead) > SET_BY:
            self._ahead = ahead
            self.wake()
        elif self.clinic.store.daemon_link.was_asked:
            self.upkeep.wake()
        if not self._is_calm or self.board.is_due or real - self._audited_at >= CALM_LOOK:
            self._second.set()
        if (through := self._inbox.through) != self._through and through is not None:
            self._through = through
            self.clinic.store.remember_place(through)
        if real - self._said_at >= ALIVE_EVERY or self._said != self._state:
            self._said_at = real
            self._write_alive()

    @property
    def _state(self) -> tuple[object, ...]:
        """What is said of it at once when it changes."""
        return self.watch, self.sender.outage.since, self.clinic.config

    @property
    def _is_calm(self) -> bool:
        """Whether the auditor would find nothing new within the next seconds."""
        return self.watch.connected and self._signs_of_life.is_quiet and self.sender.is_calm and self.auditor.is_calm

    async def _audit(self) -> None:
        """Beside the beat, which must wait for no store."""
        while True:
            await self._second.wait()
            self._second.clear()
            await self._look_around()
            self._audited_at = time.monotonic()

    async def _look_around(self) -> None:
        try:
            lost_at, unsent = self.watch.lost_at, self.sender.outage
            away = {
                "IMAP": Away(lost_at, self.watch.loss) if lost_at else None,
                "SMTP": Away(unsent.since, unsent.why) if unsent.since else None,
            }
            await self.auditor.look(away, self._stuck(), begun=self._deciding)
            await self.board.look({"mailbox": lost_at, "sending": unsent.since})
        except StoreError:
            self.clinic.note_refusal()

    @property
    def stands_still(self) -> bool:
        """Whether only a new start helps: a part of it has stopped, or whoever looks after the parts has."""
        return bool(self.auditor.stuck) or time.monotonic() - self._audited_at > AUDITED_WITHIN

    def _stuck(self) -> list[str]:
        if self._full:
            self._signs_of_life.beats("mailbox")
        self._signs_of_life.beats("letters", min(self.sender.turned_at, time.monotonic()))
        return self._signs_of_life.missed(away=not self.watch.connected, beginning=not self._deciding)

    @property
    def overdue(self) -> float:
        return self.auditor.overdue

    def faults(self) -> list[str]:
        found = []
        if not self.watch.connected:
            found.append("The mailbox is not watched: the IMAP server is not reached, or refuses us")
        if self.sender.outage.since is not None:
            found.append("Letters wait: the SMTP server is not reached, or refuses us")
        return [*found, *self.auditor.faults()]

    async def page(self) -> str:
        return await self.board.page()

    async def _look_back(self) -> None:
        """When was the mailbox last looked through before this start? A restart in an outage must not hide it."""
        before = await self.clinic.store.daemon_link.alive(living=False)
        self.upkeep.go_on_from(before.now if before is not None else await self.clinic.store.latest_at())
        self._left_at = before.now if before is not None else None
        seen = before.last_seen_at if before is not None else None
        self.watch = Watch(last_seen_at=None if seen is None or seen > self.clinic.clock.now() else seen)

    def alive(self) -> Alive:
        clock = self.clinic.clock
        return Alive(
            pid=os.getpid(),
            connected=self.watch.connected,
            last_seen_at=self.watch.last_seen_at,
            now=clock.now(),
            speed=1 / clock.real_seconds(timedelta(seconds=1)),
            rehearsed=self.clinic.rules.rehearsal,
            unsent_since=self.sender.outage.since,
            loss=self.watch.loss,
            version=VERSION,
            config=self.clinic.config.mark,
            node=self.clinic.host.name if self.clinic.host is not None else "",
            since=self._since,
            over=self._over,
        )

    def _write_alive(self) -> None:
        try:
            self._said = self._state
            self.clinic.store.daemon_link.say(self.alive())
        except StoreError:
            self.clinic.note_refusal()


async def misfit(store: Store, url: str, *, rehearsal: bool) -> str | None:
    """Why the state cannot be run by this clock: its times are real, or a rehearsal's, for good (contract section 5).

    One of an earlier version does not say; then the last daemon counts, or that there was one.
    """
    elsewhere = "name another folder, a new one, in [store] url."
    last, used = await store.daemon_link.alive(living=False), store.desk.place or await store.latest_at()
    rehearsed = {"yes": True, "no": False}.get(store.desk.marks.get(REHEARSED, ""), last and last.rehearsed)
    if rehearsed is None and used:
        rehearsed = False
    if rehearsed is None or rehearsed is rehearsal:
        return None
    if rehearsed:
        return f"{url} was made by a rehearsal (--speed, --clock), so its times are not real: {elsewhere}"
    return f"{url} is in real use, which a rehearsal (--speed, --clock) would spoil: {elsewhere}"
