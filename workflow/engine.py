"""One mail, one tick: gather, decide, commit, then act. Awaitable alone, so that tests need no loop.

There is one commit point. Before it nothing is promised; after it everything can be repeated: letters go out from what
was committed (`sender`), and a mail is moved after its decision is on disk. Gather, decide and commit run under one
lock. What to decide is `core`; when to call is `service`.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections import ChainMap
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from workflow.clinic import Clinic
from workflow.core import grammar
from workflow.core.compose import Scene, notices
from workflow.core.decide import resume_at, tick_case
from workflow.core.hear import Heard, hear
from workflow.core.model import ANSWERS, Case, Decision, Fate, Letter, LetterKind, Mail, Place, Post
from workflow.logs import place
from workflow.mail import newtext, read, trust
from workflow.store import NotCommitted, Store

log = structlog.get_logger()

CASE_ALPHABET = "23456789BCDFGHJKMNPQRSTVWXZ"
"""No vowels, so that no id is a word; no 0, 1, I, L, O, U, which look alike (contract section 1)."""

TOKEN_BYTES = 10
"""80 bits: a Message-ID is never guessed and never twice."""

ANSWER_CAPS = ((timedelta(minutes=10), 10), (timedelta(hours=1), 25))
"""Answers to one address in so long a time (contract 8.6)."""

DEADLY = 2
"""A mail that was in hand at so many deaths has killed the process (contract 8.4)."""

SET_BACK = timedelta(minutes=1)
"""A clock that goes back by less is being adjusted by the network, and no due time is worth a thought."""

QUOTED_LETTERS = 3
"""A reply quotes the letter it answers, and perhaps some before it."""

STRANGERS = "strangers"
"""The desk's count of notices about senders that nobody knows."""


class Arrival(Protocol):
    """A mail as the inbox hands it over."""

    @property
    def place(self) -> Place: ...
    @property
    def arrived_at(self) -> datetime: ...
    @property
    def size(self) -> int: ...
    @property
    def raw(self) -> bytes: ...


class Settler(Protocol):
    """Where a mail goes once its decision is on disk; safe to repeat."""

    def settle(self, place: Place, fate: Fate) -> None: ...


class Owing(Protocol):
    """Who is told of letters as they were committed: owed, or withdrawn."""

    def owe(self, letters: Iterable[Letter]) -> None: ...


class RandomMint:
    """New ids from the system's randomness. The one case id it gives was looked up in the store before."""

    def __init__(self, case_id: str = "") -> None:
        self._case_id = case_id

    def case(self) -> str:
        """The id for the one case that a decision may open."""
        return self._case_id

    def token(self) -> str:
        """A token for a Message-ID."""
        return secrets.token_hex(TOKEN_BYTES)


class Engine:
    """Gathers, decides and commits, one event at a time."""

    def __init__(self, clinic: Clinic, settler: Settler, sender: Owing) -> None:
        self.clinic = clinic
        self._settler = settler
        self._sender = sender
        self._lock = asyncio.Lock()
        self._last_tick = clinic.clock.now()

    async def take(self, arrival: Arrival) -> None:
        """Act on one mail, once, whatever it is: its decision is committed, then the mail is settled.

        A mail that cannot be handled is set aside and announced (contract 8.4). When the disk refuses, `NotCommitted`
        goes to the caller: the mail lies where it lay, and is to be taken again.
        """
        store = self.clinic.store
        async with self._lock:
            if await store.hand_count(arrival.place) >= DEADLY:
                fate = await self._set_aside(arrival, "ended the process twice")
            else:
                await store.take_in_hand(arrival.place)
                try:
                    fate = await self._handle(arrival)
                except NotCommitted:
                    raise
                except Exception as error:  # one of the two catch-alls: one mail must not stop the next
                    log.error("mail failed", error=type(error).__name__, where=place(error))
                    fate = await self._set_aside(arrival, f"could not be handled ({type(error).__name__})")
            await store.put_down()
        self._settler.settle(arrival.place, fate)

    async def tick(self) -> int:
        """Decide whatever is due by now; how many cases were. One case that fails does not stop the others."""
        decided = 0
        async with self._lock:
            now = self.clinic.clock.now()
            if self.clock_was_set_back(now):
                await self._resume_all(now)
            self._last_tick = now
            for case in await self.clinic.store.due(now):
                try:
                    ticked = tick_case(self._scene(now), case)
                    await self._commit(Decision("due", case=ticked), now, case)
                    decided += 1
                except NotCommitted:
                    raise
                except Exception as error:  # the other catch-all: around one tick
                    log.error("tick failed", case=case.id, error=type(error).__name__, where=place(error))
        return decided

    async def announce(self, topic: str, detail: str, *, mark: str) -> None:
        """A `notice` to each admin, once for this mark: until `mark` is called with an empty text."""
        store = self.clinic.store
        async with self._lock:
            if store.desk.marks.get(mark):
                return
            now = self.clinic.clock.now()
            told = notices(self._scene(now), topic, detail=detail)
            await store.commit(Decision(topic, letters=told), now, marks={mark: now.isoformat()})
            self._sender.owe(told)

    async def announce_once(self, topic: str, name: str, detail: str, *, but: str) -> None:
        """A `notice` to each admin but one, once a day for this name."""
        store = self.clinic.store
        async with self._lock:
            if store.desk.counts.get(name):
                return
            now = self.clinic.clock.now()
            told = notices(self._scene(now), topic, but=but, detail=detail)
            await store.commit(Decision(topic, letters=told), now, counts={name: (now,)})
            self._sender.owe(told)

    async def mark(self, name: str, text: str) -> None:
        """Remember what happened last under this name."""
        async with self._lock:
            await self.clinic.store.commit(Decision("marked"), self.clinic.clock.now(), marks={name: text})

    async def fail_letter(self, letter: Letter, reason: str) -> None:
        """A recipient was refused for good: the letter has failed, and the other admins are told (contract 8.4)."""
        async with self._lock:
            now = self.clinic.clock.now()
            failed = replace(letter, post=Post.FAILED, reason=reason, settled_at=now)
            told: tuple[Letter, ...] = ()
            if letter.topic != "refused-letter":  # a notice about a notice would never end
                detail = f"A letter ({letter.kind.value}) to {letter.to.name} was refused: {reason}."
                told = notices(self._scene(now), "refused-letter", but=letter.to.email, detail=detail)
            await self.clinic.store.settle_letters([failed])
            if told:
                await self.clinic.store.commit(Decision("a refused recipient", letters=told), now)
                self._sender.owe(told)
            log.warning("letter refused", letter=letter.id, kind=letter.kind.value, reason=reason)

    def clock_was_set_back(self, now: datetime) -> bool:
        """Whether a tick saw a later time than `now`: then due times are to be planned anew, by `tick`."""
        return now < self._last_tick - SET_BACK

    async def _resume_all(self, now: datetime) -> None:
        """Reminders decided in what is now the future must not silence a case until that future comes again."""
        log.warning("the clock was set back")
        for case in (await self.clinic.store.open_cases()).values():
            resumed = resume_at(case, now)
            if resumed is not case:
                await self._commit(Decision("the clock was set back", case=resumed), now, case)

    # --- one mail -------------------------------------------------------------------------------------

    async def _handle(self, arrival: Arrival) -> Fate:
        clinic, store = self.clinic, self.clinic.store
        now = clinic.clock.now()
        arrived_at = now if clinic.rules.rehearsal else min(arrival.arrived_at, now)
        incoming = read.read(
            arrival.raw,
            arrived_at,
            ours=(),
            size=arrival.size,
            max_size=clinic.config.mailbox.max_size,
            own_address=clinic.rules.address,
            instance=store.desk.instance,
        )
        mail = incoming.mail
        where = await store.consumed(mail.key)
        if where:
            fate = Fate.HANDLED if where != frozenset({"desk"}) else Fate.LEFT
            log.info("mail seen before", fate=fate.value)
            return fate
        roster = clinic.rules.roster
        if incoming.fault is not None:
            if mail.sender is None or roster.associate(mail.sender) or roster.admin(mail.sender):
                return await self._set_aside(arrival, incoming.fault, mail)
            return Fate.LEFT  # a stranger's: it stays as it was
        heard = await self._gather(incoming, now)
        decision = hear(heard)
        if decision.case is not None:
            log.info(decision.reason, case=decision.case.id)
        else:
            log.info(decision.reason)
        old = heard.cases.get(decision.case.id) if decision.case is not None else None
        await self._commit(decision, now, old)
        return decision.fate

    async def _gather(self, incoming: read.Incoming, now: datetime) -> Heard:
        clinic, store = self.clinic, self.clinic.store
        mail, rules = await self._without_our_words(incoming, now), clinic.rules
        roster = rules.roster
        reading = grammar.read(mail.subject, mail.new_text, mail.quoted_text)
        cases = ChainMap[str, Case]({}, dict(await store.open_cases()))
        pointed = [await store.case_of_message(known) for known in mail.refers_to]
        thread = tuple(dict.fromkeys(case_id for case_id in pointed if case_id is not None))
        for known in (*reading.ids, *thread, *reading.quoted_ids):
            if known not in cases and (closed := await store.case(known)) is not None:
                cases[known] = closed
        bounced = None
        if mail.robot is not None and mail.robot.bounced is not None:
            bounced = await store.letter_of_message(mail.robot.bounced)
            if bounced is not None and bounced.case is not None and bounced.case not in cases:
                bounced = None  # of a case that has ended: nothing is owed any more
        sender = mail.sender or ""
        counts = store.desk.counts
        return Heard(
            scene=self._scene(now, await _free_id(store)),
            mail=mail,
            reading=reading,
            standing=trust.judge(incoming, roster, clinic.trust, rules.address.rpartition("@")[2]),
            associate=roster.associate(sender),
            admin=roster.admin(sender),
            cases=cases,
            thread=thread,
            bounced=bounced,
            notices=counts.get(STRANGERS, ()),
            warned=counts.get(f"warned {sender}", ()),
        )

    async def _without_our_words(self, incoming: read.Incoming, now: datetime) -> Mail:
        """The mail with its new text found again, now that the letters it answers are known: whatever a mail program
        makes of a quotation, our own words never count as an answer."""
        mail = incoming.mail
        if not incoming.text:
            return mail
        letters = [await self.clinic.store.letter_of_message(known) for known in mail.refers_to[:QUOTED_LETTERS]]
        ours = [self.clinic.letters.text(letter, now) for letter in letters if letter is not None]
        if not ours:
            return mail
        new_text, quoted_text = newtext.split(incoming.text, ours)
        return replace(mail, new_text=new_text, quoted_text=quoted_text)

    async def _set_aside(self, arrival: Arrival, reason: str, mail: Mail | None = None) -> Fate:
        now = self.clinic.clock.now()
        key = mail.key if mail is not None else hashlib.sha256(arrival.raw).hexdigest()
        detail = f"A mail could not be handled and lies in the folder of set-aside mail: it {reason}."
        told = notices(self._scene(now), "set-aside", detail=detail)
        counts = {"set-aside": (*self.clinic.store.desk.counts.get("set-aside", ()), now)}
        await self.clinic.store.commit(Decision("set aside", letters=told, key=key), now, counts=counts)
        self._sender.owe(told)
        log.warning("mail set aside", reason=reason)
        return Fate.SET_ASIDE

    async def _commit(self, decision: Decision, now: datetime, old: Case | None) -> None:
        """Commit with the caps applied, then tell the sender what is owed."""
        counts = dict(self.clinic.store.desk.counts)
        capped = _capped(self._scene(now), decision, old, counts)
        await self.clinic.store.commit(capped, now, counts=_changed(counts, self.clinic.store.desk.counts))
        self._sender.owe((*capped.letters, *(capped.case.letters if capped.case is not None else ())))

    def _scene(self, now: datetime, case_id: str = "") -> Scene:
        return Scene(self.clinic.rules, now, RandomMint(case_id))


async def _free_id(store: Store) -> str:
    """A case id that no case has, open or closed."""
    while await store.knows(drawn := "".join(secrets.choice(CASE_ALPHABET) for _ in range(4))):
        pass
    return drawn


def _changed(
    counts: Mapping[str, tuple[datetime, ...]], before: Mapping[str, tuple[datetime, ...]]
) -> dict[str, tuple[datetime, ...]]:
    return {name: times for name, times in counts.items() if times != before.get(name)}


def _capped(scene: Scene, decision: Decision, old: Case | None, counts: dict[str, tuple[datetime, ...]]) -> Decision:
    """The decision with answers past the cap withdrawn, and one notice about the loop (contract 8.6).

    Alerts, drafts, reminders and escalations are never capped. Counts answers and notices in `counts`.
    """
    known = {letter.id for letter in old.letters} if old is not None else set()
    told: list[Letter] = []

    def checked(letter: Letter) -> Letter:
        if letter.id in known or letter.post is not Post.OWED:
            return letter
        if letter.kind is LetterKind.NOTICE and letter.topic in {"stranger", "refused"}:
            counts[STRANGERS] = (*counts.get(STRANGERS, ()), scene.now)
        if letter.topic == "in-your-name":
            name = f"warned {letter.to.email}"
            counts[name] = (*counts.get(name, ()), scene.now)
        if letter.kind not in ANSWERS:
            return letter
        name = f"answers {letter.to.email}"
        times = counts.get(name, ())
        if any(sum(scene.now - at < within for at in times) >= most for within, most in ANSWER_CAPS):
            warned = f"capped {letter.to.email}"
            if not any(scene.now - at < ANSWER_CAPS[-1][0] for at in counts.get(warned, ())):
                counts[warned] = (*counts.get(warned, ()), scene.now)
                detail = f"{letter.to.name} gets no more answers for now: so many mails look like a loop."
                told.extend(notices(scene, "cap", but=letter.to.email, detail=detail))
            reason = "too many answers to one address"
            return replace(letter, post=Post.WITHDRAWN, reason=reason, settled_at=scene.now)
        counts[name] = (*times, scene.now)
        return letter

    letters = tuple(checked(letter) for letter in decision.letters)
    case = decision.case
    if case is not None:
        case = replace(case, letters=tuple(checked(letter) for letter in case.letters))
    return replace(decision, case=case, letters=(*letters, *told))
