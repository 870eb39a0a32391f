"""One letter: look it up, render it, send it, record what became of it. The most urgent first; nothing is forgotten.

Letters come from the committed store alone. Whether a letter still has sense is looked at twice: when its turn comes,
and right before MAIL FROM. What a refusal means is `mail.smtp.outage`; when to try again is decided here (contract
section 5). What to tell admin about a refusal is the engine's.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol, assert_never

import structlog

from workflow.clinic import Clinic
from workflow.core.model import Letter, LetterKind, Post
from workflow.core.schedule import held_until, is_outdated
from workflow.core.topics import Notice
from workflow.logs import Repeated
from workflow.mail.smtp.allowance import Allowance
from workflow.mail.smtp.outage import Outage
from workflow.mail.smtp.outbox import Attempt, Outbox, Result
from workflow.mail.writing.render import Unsafe
from workflow.store import StoreError
from workflow.turns import TRY_AGAIN, Turns, not_before, turn_of

log = structlog.get_logger()

ANSWER_LASTS = timedelta(hours=24)
"""An answer older than this has lost its sense (contract section 5)."""

DISK_WAIT = 1.0
"""Seconds before the store is asked again after it failed."""

TOGETHER = 16
RECORDED_WITHIN = 0.2
"""Letters and seconds after which acceptances are written down in any case. What was not goes again, under its
Message-ID. Of a full mailbox these are about eight cases, whose files share one sync of their folder."""

LOOKED_UP_AGAIN = timedelta(seconds=1)
"""After the store could not say what is in a letter: meanwhile the others have their turn."""

REPLACED_WITHIN = timedelta(seconds=1)
"""A reminder waits so long for the decision that replaces it (contract 8.8)."""

PATIENCE = 0.1
"""Seconds a letter is left to a warm connection before another is opened: a warm one takes a letter in 5 ms, so whoever
waits longer is behind a slow server or a burst."""


class Teller(Protocol):
    """Who tells admin: the engine."""

    async def fail_letter(self, letter: Letter, reason: str) -> None:
        """Record that a letter was refused for good, and tell the other admins."""
        ...

    async def announce(self, topic: Notice, detail: str, *, mark: str) -> None:
        """A notice to each admin, once for this mark."""
        ...


class Sender:
    """Sends what is owed, by as many workers as there are outboxes; those after the first are for bursts.

    `owe` may be told of a letter twice: the store knows whether it is still owed.
    """

    def __init__(self, clinic: Clinic, *outboxes: Outbox) -> None:
        self.outboxes = outboxes
        self._clinic = clinic
        self._store = clinic.store
        self._clock = clinic.clock
        self._turns = Turns()
        self._in_hand: dict[str, int | None] = {}
        """From when a letter's turn has come until it is known what became of it; its rank while it waits for MAIL."""
        self._gathered: list[Letter] | None = None
        self._untold = False
        """The store may owe letters that are not here."""
        self._stopped: set[str] = set()
        self._moved = asyncio.Event()
        self._accepted: list[Letter] = []
        """Until the store has it: meanwhile the store says that they are owed."""
        self._recording = False
        self._unkept: dict[str, Letter] = {}
        """Letters that the store does not have."""
        self._bell = asyncio.Event()
        self.idled = asyncio.Event()
        """Set while there is nothing to send now and all that was sent is recorded."""
        self.accepted_at = 0.0
        """When the letter was accepted that has waited longest to be recorded, or did last, by the loop's clock."""
        self._turned_at = [0.0] * len(outboxes)
        self._loss = Repeated()
        self.outage = Outage()
        self._allowance = Allowance(clinic.config.smtp.per_minute)

    def owe(self, letters: Iterable[Letter]) -> None:
        """These letters are committed: send those that are owed, in order of urgency (contract 8.8).

        One that was withdrawn by this commit and is in hand already is stopped, if it is not yet past MAIL FROM.
        """
        now = self._clock.now()
        for letter in letters:
            if letter.post is Post.OWED and self._gathered is not None:
                self._gathered.append(letter)
            elif letter.post is Post.OWED:
                self._turns.add(letter, now)
            elif letter.post is Post.WITHDRAWN and letter.id in self._in_hand:
                self._stopped.add(letter.id)
        if self._turns:
            self.idled.clear()
        self._bell.set()

    @contextmanager
    def together(self) -> Iterator[None]:
        """What is owed meanwhile waits for the end, so that the most urgent of all of it goes first."""
        self._gathered = []
        try:
            yield
        finally:
            gathered, self._gathered = self._gathered, None
            self.owe(gathered)

    def look_anew(self) -> None:
        """The store may owe letters that nobody told of: ask it before the next one goes."""
        self._untold = True
        self.idled.clear()
        self._bell.set()

    def owe_unkept(self, letters: Iterable[Letter]) -> None:
        """Send these, once each, though nothing is committed: they tell of the disk that refuses to keep them.

        They are known for as long as this process lives.
        """
        fresh = [letter for letter in letters if letter.id not in self._unkept]
        self._unkept.update((letter.id, letter) for letter in fresh)
        self.owe(fresh)

    async def run(self, teller: Teller) -> None:
        """Send for ever: a letter a worker at a time, so that one slow transaction holds up no other."""
        async with asyncio.TaskGroup() as tasks:
            for number in range(len(self.outboxes)):
                tasks.create_task(self._work(teller, number))

    def warm_up(self) -> None:
        """Have a connection ready, for a letter may be owed in a moment."""
        self.outboxes[0].warm_up()

    async def close(self, grace: float) -> None:
        """Send nothing any more; the letters in hand have `grace` seconds."""
        await asyncio.gather(*(outbox.close(grace) for outbox in self.outboxes))

    async def post_one(self, teller: Teller, number: int = 0) -> bool:
        """Send the most urgent letter that may be tried now, by this outbox; whether there was one.

        An unreachable server puts it back and makes everybody wait.
        """
        letter = await self._next()
        if letter is None:
            return False
        rank = letter.kind.course.rank
        if any(other is not None and other < rank for other in self._in_hand.values()):
            self._let_go(letter.id)
            self.owe([letter])  # what is more urgent is in the other worker's hand, and goes first
            self._moved.clear()
            await self._moved.wait()
            return True
        self._in_hand[letter.id] = rank
        try:
            await self._post(letter, teller, self.outboxes[number])
        except StoreError:
            # Not again at once: others must have their turn, and servers their peace. Under the same Message-ID.
            self._turns.put_off(turn_of(letter), self._clock.now() + TRY_AGAIN[0])
            raise
        finally:
            self._let_go(letter.id)
        return True

    def wake(self) -> None:
        """Look at the clock again: the time of a delayed letter may have come."""
        self._turns.come(self._clock.now())
        if self._turns:
            self.idled.clear()
        self._bell.set()

    @property
    def turned_at(self) -> float:
        """When every worker had last finished with a letter, or looked for one, by the loop's clock; 0: not begun;
        infinite while all of them rest."""
        return min(self._turned_at)

    @property
    def is_calm(self) -> bool:
        """Whether no letter is on its way, or waits for its time, and the server was reached last."""
        return self.idle and self._turns.next_at is None and self.outage.since is None

    @property
    def idle(self) -> bool:
        """Whether nothing is in hand, to be sent now or unrecorded; letters whose time has not come do not count."""
        at = self._turns.next_at
        waits = at is None or at > self._clock.now()
        return waits and not (self._untold or self._turns or self._in_hand or self._accepted)

    # --- one letter -----------------------------------------------------------------------------------

    async def _next(self) -> Letter | None:
        """The most urgent letter that may be tried now: in hand before it is looked up, for there are other workers."""
        while self._untold:
            self._untold = False
            try:
                self.owe(await self._store.owed())
            except StoreError:
                self._untold = True
                raise
        now = self._clock.now()
        self._turns.come(now)
        while self._turns:
            turn = self._turns.take()
            letter_id = turn[-1]
            if letter_id in self._in_hand or any(letter_id == accepted.id for accepted in self._accepted):
                continue
            if (at := self._allowance.free_at(now, len(self._in_hand))) is not None:
                self._turns.put_off(turn, at)
                continue
            self._in_hand[letter_id] = None
            self.idled.clear()
            letter = None
            try:
                letter = await self._wanted(letter_id, now)
            except StoreError:
                self._turns.put_off(turn, now + LOOKED_UP_AGAIN)
                raise
            finally:
                if letter is None:
                    self._let_go(letter_id)
            if letter is not None:
                return letter
        return None

    async def _wanted(self, letter_id: str, now: datetime) -> Letter | None:
        """The letter, if it is still owed, has its sense, and is not to wait for a later time."""
        letter = self._unkept.get(letter_id) or await self._store.letter(letter_id)
        if letter is None:
            return None
        if letter.post is not Post.OWED:
            self.outage.forget(letter)
            return None
        person = self._clinic.rules.roster.current(letter.to, letter.role)
        if person is None:
            reason = f"{letter.to.name} is no longer in the configuration"
            await self._keep(replace(letter, post=Post.WITHDRAWN, reason=reason, settled_at=now))
            return None
        letter = replace(letter, to=person)
        if (at := not_before(letter, now)) is not None:  # delayed since it was owed here
            self._turns.put_off(turn_of(letter), at)
            return None
        if letter.answers and now - letter.created_at > ANSWER_LASTS:
            await self._keep(replace(letter, post=Post.WITHDRAWN, reason="older than 24 hours", settled_at=now))
            return None
        if letter.kind.course.held and (held := await self._held_until(letter, now)) is not None:
            self._turns.put_off(turn_of(letter), min(held, now + TRY_AGAIN[-1]))
            return None
        return letter

    async def _keep(self, letter: Letter) -> None:
        if letter.id in self._unkept:
            self._unkept[letter.id] = letter
        else:
            async with self._clinic.lock:
                await self._store.settle_letters([letter])

    async def _held_until(self, letter: Letter, now: datetime) -> datetime | None:
        """Quiet hours hold back what could not go in the day, too; what was held goes as one letter (section 5)."""
        case = await self._store.case(letter.case) if letter.case is not None else None
        if case is None:
            return None
        if letter.kind is LetterKind.REMINDER and is_outdated(case, now):
            return now + REPLACED_WITHIN
        return held_until(case, letter.created_at, now)

    async def _post(self, letter: Letter, teller: Teller, outbox: Outbox) -> None:
        try:
            rendered = self._clinic.letters.render(letter, self._clock.now())
        except Unsafe as unsafe:
            await teller.fail_letter(letter, f"could not be written safely ({unsafe})")
            return
        if rendered.fell_back is not None:
            detail = f"A template of the clinic failed ({rendered.fell_back}); Promptly's own was used instead."
            with suppress(StoreError):  # told with the next letter, then
                await teller.announce("template", detail, mark=f"template {rendered.fell_back}")
        began = asyncio.get_running_loop().time()
        attempt = await outbox.send(
            rendered.raw,
            sender=self._clinic.rules.address,
            recipient=rendered.recipient,
            still_wanted=lambda: self._goes_now(letter),
        )
        await self._settle(letter, attempt, began, teller)

    def _goes_now(self, letter: Letter) -> bool:
        """Asked right before MAIL FROM: neither withdrawn meanwhile, nor overtaken by something more urgent."""
        self._in_hand[letter.id] = None
        self._moved.set()
        next_rank = self._turns.rank
        overtaken = next_rank is not None and next_rank < letter.kind.course.rank
        return letter.id not in self._stopped and not overtaken

    def _let_go(self, letter_id: str) -> None:
        self._in_hand.pop(letter_id, None)
        self._stopped.discard(letter_id)
        self._moved.set()

    async def _settle(self, letter: Letter, attempt: Attempt, began: float, teller: Teller) -> None:
        now = self._clock.now()
        letters, kind = self._clinic.counters.letters, letter.kind.value
        attempts = letter.attempts + 1
        result, refused_since = self.outage.judge(letter, attempt, began, now)
        if result not in (Result.WITHDRAWN, Result.UNREACHABLE, Result.REFUSED_LOGIN) or attempt.is_in_doubt:
            self._allowance.count(now)
        if result not in (Result.UNREACHABLE, Result.REFUSED_LOGIN):
            self._loss.end()
        elif self._loss.is_news(attempt.reason):
            log.warning("smtp not reached", reason=attempt.reason)
        match result:
            case Result.ACCEPTED:
                if not self._accepted:
                    self.accepted_at = asyncio.get_running_loop().time()
                sent = replace(letter, attempts=attempts, post=Post.SENT, settled_at=now)
                if letter.id in self._unkept:
                    await self._keep(sent)
                else:
                    self._accepted.append(sent)
                letters[kind, "sent"] += 1
                if letter.kind.course.urgent:
                    self._clinic.counters.count_urgent(now - letter.created_at)
                seconds = round((now - letter.created_at).total_seconds(), 3)
                log.info("letter sent", letter=letter.id, kind=kind, topic=letter.topic, after=seconds)
            case Result.WITHDRAWN if letter.id in self._stopped:
                letters[kind, "withdrawn"] += 1
                log.info("letter withdrawn", letter=letter.id, kind=kind)
            case Result.WITHDRAWN:
                self.owe([letter])
            case Result.TEMPORARY | Result.UNCLEAR | Result.REFUSED:
                next_at = now + TRY_AGAIN[min(letter.attempts, len(TRY_AGAIN) - 1)]
                reason = attempt.reason
                delayed = replace(
                    letter, attempts=attempts, next_at=next_at, reason=reason, refused_since=refused_since
                )
                await self._keep(delayed)
                self.owe([delayed])
                letters[kind, "delayed"] += 1
                log.warning("letter delayed", letter=letter.id, kind=kind, reason=reason)
            case Result.PERMANENT if letter.id in self._unkept:
                failed = replace(letter, attempts=attempts, post=Post.FAILED, reason=attempt.reason, settled_at=now)
                await self._keep(failed)
                log.warning("letter refused", letter=letter.id, kind=kind, reason=attempt.reason)
            case Result.PERMANENT:
                await teller.fail_letter(replace(letter, attempts=attempts), attempt.reason)
            case Result.UNREACHABLE | Result.REFUSED_LOGIN:
                self.owe([letter])
            case _:
                assert_never(result)

    async def record(self) -> None:
        """Write down what was accepted: one write a file, however many letters of it went."""
        if self._recording or not self._accepted:
            return  # without waiting for the lock: a store that takes its time must not keep both workers
        self._recording = True
        try:
            async with self._clinic.lock:
                accepted = tuple(self._accepted)
                freed = await self._freed({letter.id for letter in accepted}) if self.outage.held_up else []
                await self._store.settle_letters([*accepted, *freed])
                self.outage.held_up = False
                del self._accepted[: len(accepted)]
        finally:
            self._recording = False
        self.owe(freed)

    async def _freed(self, accepted: Collection[str]) -> list[Letter]:
        """Letters that were refused again and again for no fault of theirs: one was accepted, so they may go now.

        One that was refused once waits a minute, and if it alone is refused it has a schedule of its own from now on.
        """
        owed = [letter for letter in await self._store.owed() if letter.id not in accepted]
        refused = [letter for letter in owed if letter.attempts > 1 and letter.refused_since is not None]
        return [replace(letter, next_at=None) for letter in refused]

    # --- the loop of a worker -------------------------------------------------------------------------

    async def _work(self, teller: Teller, number: int) -> None:
        while True:
            self._turned_at[number] = asyncio.get_running_loop().time()
            try:
                if self._gives_way(number):
                    await asyncio.sleep(PATIENCE)
                if await self._waits_for_server():
                    continue
                if not await self.post_one(teller, number):
                    await self._rest(number)
                elif self._recordable():
                    await self.record()
            except StoreError:
                self._clinic.note_refusal()
                await asyncio.sleep(DISK_WAIT)

    def _recordable(self) -> bool:
        """A letter of the same case that is under way is waited for, so that both are recorded in one write."""
        waited = asyncio.get_running_loop().time() - self.accepted_at
        return not self._in_hand or len(self._accepted) >= TOGETHER or waited > RECORDED_WITHIN

    def _gives_way(self, number: int) -> bool:
        """Whether this worker would have to open a connection, and another is to have the letters first."""
        others = number > 0 or any(outbox.warm for outbox in self.outboxes)
        return others and not self.outboxes[number].warm

    async def _waits_for_server(self) -> bool:
        """Whether the server is known to be away, after having waited a little."""
        if (left := self.outage.wait) > 0:
            await asyncio.sleep(min(left, 1.0))
        return left > 0

    async def _rest(self, number: int) -> None:
        """Until something is owed, or a delayed letter's time comes."""
        self._bell.clear()
        if self._turns or self._untold:
            return
        if self._accepted and self._recordable():
            await self.record()
        if self.idle:
            self.idled.set()
        at = self._turns.next_at
        wait = self._clock.real_seconds(at - self._clock.now()) if at is not None else math.inf
        if self._accepted:
            wait = min(wait, RECORDED_WITHIN)
        self._turned_at[number] = math.inf
        with suppress(TimeoutError):
            async with asyncio.timeout(wait if wait < math.inf else None):
                await self._bell.wait()
