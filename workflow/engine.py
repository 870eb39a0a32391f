"""One mail, one tick: gather, decide, commit, then act. Awaitable alone, so that tests need no loop.

There is one commit point. Before it nothing is promised; after it everything can be repeated: letters go out from what
was committed (`sender`), and a mail is moved after its decision is on disk. Gather, decide and commit run under one
lock. What is gathered is `gather`, what to decide `core`; when to call is `practice`.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import ChainMap
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import chain
from typing import Protocol
from zoneinfo import ZoneInfo

import structlog

from workflow.clinic import Clinic
from workflow.core.digest import digest, faults, next_digest_at
from workflow.core.due import going_on_from, tick_case
from workflow.core.language.printed import listed
from workflow.core.limits import cap_answers, lately
from workflow.core.mail import Mail, Place
from workflow.core.model import Case, Decision, Fate, Letter, LetterKind, Post
from workflow.core.month import month_before, month_letters, next_month_at
from workflow.core.outsiders import NOBODY_TOLD, lose_letter
from workflow.core.owed import is_of_letter, notices
from workflow.core.people import Person, Roster, Standing
from workflow.core.presence import cleared
from workflow.core.readers import attended, has_just_left
from workflow.core.routing import route
from workflow.core.situation import Situation
from workflow.core.topics import Notice
from workflow.gather import fated, gather, known_fate, reported_since, wrote
from workflow.ids import is_foreign
from workflow.logs import place
from workflow.mail.imap.mailbox import Fetched
from workflow.mail.reading import message
from workflow.store import StoreError

log = structlog.get_logger()

DEADLY = 2
"""A mail that was in hand at so many deaths has killed the process (contract 8.4)."""

DIGEST, MONTH = "digest", "month"
"""The desk's marks of the last digest, and of the last month's letter."""

JUMPED = "jumped"
"""The desk's mark of when the clock was last found more than a day from where it was (`upkeep`)."""

OTHER_INSTANCE = "other instance"
"""The desk's mark that admin was told of one."""

NOT_BEFORE = "not taken back before"
"""The desk's mark of from when on what was handled here is all this state's: it began beside mail that was handled, of
which admin is told once, or a case that nobody could read was erased (`recall`)."""

REHEARSED = "rehearsed"
"""The desk's mark of whether its times are a rehearsal's, "yes" or "no": for good (contract section 5)."""


class Owing(Protocol):
    """Who is told of letters as they were committed: owed, or withdrawn."""

    def owe(self, letters: Iterable[Letter]) -> None: ...
    def look_anew(self) -> None: ...
    def together(self) -> AbstractContextManager[None]: ...


class Engine:
    """Gathers, decides and commits, one event at a time.

    `settle` is told where a mail goes once its decision is committed, and may be told again.
    """

    def __init__(self, clinic: Clinic, settle: Callable[[Place, Fate], None], sender: Owing) -> None:
        self.clinic = clinic
        self._settle = settle
        self._sender = sender
        self._lock = clinic.lock
        self._latest = clinic.clock.now()
        self._attended: Roster | None = None
        """The people that open cases were looked through for."""
        self._began = 0.0
        """When the decision under way was begun, by the loop's clock: for its line in the log. Guarded by the lock."""

    async def begin(self) -> None:
        """Before the first mail and tick: learn when something was decided last, as the clock may have been set."""
        latest = await self.clinic.store.latest_at(), self._marked(DIGEST), self._marked(MONTH)
        self._latest = max((self._latest, *filter(None, latest)))

    async def take(self, fetched: Fetched) -> None:
        """Act on one mail, once, whatever it is: its decision is committed, then the mail is settled.

        A mail that cannot be handled is set aside and announced (contract 8.4). When the store fails, `StoreError`
        goes to the caller: the mail lies where it lay, and is to be taken again.
        """
        store = self.clinic.store
        async with self._deciding() as now:
            has_killed = await store.hand_count(fetched.place) >= DEADLY
            await store.take_in_hand(fetched.place)
            if has_killed:
                fate = await self._set_aside(fetched, now, "ended the process twice")
            else:
                try:
                    fate = await self._handle(fetched, now)
                except StoreError:
                    raise
                except Exception as error:  # one of the two catch-alls: one mail must not stop the next
                    log.error("mail failed", error=type(error).__name__, where=place(error))
                    fate = await self._set_aside(fetched, now, f"could not be handled ({type(error).__name__})")
            await store.put_down()
        self.clinic.counters.mails[fate.value] += 1
        self._settle(fetched.place, fate)

    async def tick(self) -> int:
        """Decide whatever is due by now; how many cases were. One case that fails does not stop the others."""
        decided = 0
        async with self._deciding() as now:
            with self._sender.together():
                for case in await self.clinic.store.due(now):
                    self._began = asyncio.get_running_loop().time()
                    try:
                        scene = self.clinic.scene(now, case.timers[0].at.isoformat())
                        ticked = tick_case(scene, attended(scene, case))
                        await self._commit(Decision("due", case=ticked), now, case)
                        decided += 1
                    except StoreError:
                        raise
                    except Exception as error:  # the other catch-all: around one tick
                        log.error("tick failed", case=case.id, error=type(error).__name__, where=place(error))
                    await self.clinic.breathe(self._began)
        return decided

    async def begin_digests(self) -> None:
        """At the very first start: the first digest tells of what comes from here on."""
        for name in (DIGEST, MONTH):
            if self.clinic.store.desk.marks.get(name) is None:
                await self.mark(name, self.clinic.clock.now().isoformat())

    @property
    def next_digest_at(self) -> datetime | None:
        """When the next digest or month's letter is due, in UTC; None: never."""
        rules = self.clinic.rules
        due = next_digest_at(self._last(DIGEST), rules), next_month_at(self._last(MONTH), rules)
        return min(filter(None, due), default=None)

    async def write_digests(self) -> None:
        """What is due of both."""
        now, rules = self.clinic.clock.now(), self.clinic.rules
        if (at := next_month_at(self._last(MONTH), rules)) is not None and at <= now:
            await self._write_month()
        if (at := next_digest_at(self._last(DIGEST), rules)) is not None and at <= now:
            await self._write_digest()

    async def _write_month(self) -> None:
        async with self._deciding() as now:
            zone = ZoneInfo(self.clinic.rules.cadence.zone)
            cases = await reported_since(self.clinic, month_before(month_before(now.astimezone(zone).date())))
            told = month_letters(self.clinic.scene(now), cases)
            await self._commit(Decision("month", letters=told), now, marks={MONTH: now.isoformat()})

    async def _write_digest(self) -> None:
        """The morning digest to each admin, if there is something to say; an older one still owed is taken back."""
        store = self.clinic.store
        async with self._deciding() as now:
            since = self._last(DIGEST)
            closed = [case async for case in store.closed_cases(since)]
            known = await store.open_cases()
            letters = chain(store.desk.letters, *(case.letters for case in (*known.values(), *closed)))
            jumped_at = self._marked(JUMPED)
            wrong = faults(letters, store.desk.counts, len(store.faults), since, jumped_at=jumped_at)
            told = digest(self.clinic.scene(now), known.open, closed, since, wrong)
            old = [letter for letter in store.desk.letters if letter.kind is LetterKind.DIGEST]
            await self._commit(Decision("digest", letters=told), now, marks={DIGEST: now.isoformat()})
            await store.settle_letters(
                replace(letter, post=Post.WITHDRAWN, reason="a newer digest", settled_at=now)
                for letter in old
                if letter.post is Post.OWED
            )

    def _last(self, name: str) -> datetime:
        return self._marked(name) or self.clinic.clock.now()

    def _marked(self, name: str) -> datetime | None:
        mark = self.clinic.store.desk.marks.get(name)
        return datetime.fromisoformat(mark) if mark else None

    async def announce(self, topic: Notice, detail: str, *, mark: str) -> None:
        """A `notice` to each admin, once for this mark: until `mark` is called with an empty text."""
        store = self.clinic.store
        async with self._deciding() as now:
            if store.desk.marks.get(mark):
                return
            told = notices(self.clinic.scene(now, f"{now} {mark}"), topic, detail=detail)
            await self._commit(Decision(topic, letters=told), now, marks={mark: now.isoformat()})

    async def announce_once(self, topic: Notice, name: str, detail: str, *, within: timedelta, but: str = "") -> None:
        """A `notice` to each admin but one, once `within` this time for this name: `COUNTS_KEPT` at most."""
        store = self.clinic.store
        async with self._deciding() as now:
            if any(lately(at, within, now) for at in store.desk.counts.get(name, ())):
                return
            told = notices(self.clinic.scene(now, f"{now} {name}"), topic, but=but, detail=detail)
            await self._commit(Decision(topic, letters=told), now, counts={name: (now,)})

    async def mark(self, name: str, text: str) -> None:
        async with self._deciding() as now:
            await self.clinic.store.commit(Decision("marked"), now, marks={name: text})

    async def fail_letter(self, letter: Letter, reason: str) -> None:
        """A recipient was refused for good: the letter has failed, and the other admins are told (contract 8.4)."""
        async with self._deciding() as now:
            case = await self.clinic.store.case(letter.case) if letter.case is not None else None
            said = f"was refused: {reason}"
            scene = self.clinic.scene(now, f"{now} {letter.id}")
            decision = lose_letter(scene, letter, case, "refused-letter", reason, said)
            fault = {"letter": letter.id, "kind": letter.kind.value, "reason": reason}
            await self._commit(decision, now, case, fault=fault)
            self.clinic.counters.letters[letter.kind.value, "failed"] += 1

    @property
    def has_new_people(self) -> bool:
        """Whether the configuration's people are not those for whom open cases were looked through."""
        return self._attended is not self.clinic.rules.roster

    async def _attend_all(self, now: datetime) -> None:
        """Who reads what is looked at anew in every open case; admin reads which have lost their associate."""
        scene, roster = self.clinic.scene(now), self.clinic.rules.roster
        cases = (await self.clinic.store.open_cases()).open
        left = [case for case in cases if has_just_left(scene, case)]
        lines = "; ".join(listed(case, scene.rules, now) for case in left)
        detail = f"These open cases are yours: their associate is no longer in the configuration. {lines}."
        told = notices(scene, "left", detail=detail) if left else ()
        for case in (*left, *(case for case in cases if case not in left)):
            if (after := attended(scene, case)) is not case:
                await self._commit(Decision("other readers", case=after, letters=told), now, case)
                told = ()
        self._attended = roster

    def clock_was_set_back(self, now: datetime) -> bool:
        """Whether something was decided later than `now`: then due times are to be planned anew."""
        return now < self._latest - timedelta(minutes=1)  # by less than that it is being adjusted by the network

    async def _resume_all(self, now: datetime) -> None:
        """What was decided in what is now the future must silence nothing until that future comes again."""
        log.warning("the clock was set back")
        store, decision = self.clinic.store, Decision("the clock was set back")
        ended = [case async for case in store.closed_cases(now)]
        for case in (*(await store.open_cases()).open, *ended):
            resumed = going_on_from(case, now)
            if resumed is not case:
                await self._commit(replace(decision, case=resumed), now, case)
        ahead = {name: now.isoformat() for name in (DIGEST, MONTH) if self._last(name) > now}
        if ahead:
            await self._commit(decision, now, marks=ahead)

    async def knows(self, key: str) -> bool:
        """Whether the state knows that the mail with this content key was acted on."""
        return await known_fate(self.clinic.store, key) is not None

    # --- one mail -------------------------------------------------------------------------------------

    async def _handle(self, fetched: Fetched, now: datetime) -> Fate:
        if fetched.withheld is not None:
            await self._tell_withheld(fetched, fetched.withheld, now)
            if not fetched.raw:
                return Fate.LEFT  # nobody knows whose it is
        clinic, store = self.clinic, self.clinic.store
        arrived_at = now if clinic.rules.rehearsal else min(fetched.arrived_at, now)
        incoming = message.read(
            fetched.raw,
            arrived_at,
            size=fetched.size,
            max_size=clinic.config.mailbox.max_size,
            dated_at=fetched.arrived_at,
            owns=clinic.rules.owns,
            instance=store.desk.instance,
        )
        if fetched.withheld is not None:
            incoming = replace(incoming, mail=replace(incoming.mail, unread=True))
        mail = incoming.mail
        known = await known_fate(store, mail.key)
        if known is not None:
            self._log("mail seen before", fate=known.value)
            return known
        roster = clinic.rules.roster
        if incoming.fault is not None:
            if mail.sender is None or roster.associate(mail.sender) or roster.admin(mail.sender):
                return await self._set_aside(fetched, now, incoming.fault, mail)
            self._log("a stranger's mail that cannot be read")
            return Fate.LEFT  # it stays as it was
        situation = await gather(clinic, incoming, now)
        await self._tell_of_another(situation, now)
        heard = mail.robot is None and situation.standing is Standing.KNOWN
        people = [one for one in (situation.associate, situation.admin) if heard and one is not None]
        if await self._are_back(people, mail.arrived_at, now):
            situation = await gather(clinic, incoming, now)
        heard_at = {wrote(one): (*store.desk.counts.get(wrote(one), ())[-1:], mail.arrived_at) for one in people}
        decisions = route(situation)
        # It has been read and has killed nobody: who dies from here on dies of something else.
        await store.put_down()
        for decision in decisions:
            old = situation.cases.get(decision.case.id) if decision.case is not None else None
            await self._commit(decision, now, old, counts=heard_at)
        return decisions[-1].fate

    async def _are_back(self, people: Iterable[Person], wrote_at: datetime, now: datetime) -> bool:
        """Whether any of these was away until they wrote. It is committed alone: beside a case it would be a hint."""
        known = self.clinic.store.desk.marks
        marks = {name: "" for one in people for name in cleared(known, one, wrote_at, now)}
        if marks:
            await self.clinic.store.commit(Decision("they write again"), now, marks=marks)
            await self._attend_all(now)
        return bool(marks)

    async def _tell_of_another(self, situation: Situation, now: datetime) -> None:
        """Once: a letter of ours that this instance did not write, or somebody's answer to one, lies here."""
        store, mail = self.clinic.store, situation.mail
        if store.desk.marks.get(OTHER_INSTANCE):
            return
        ours = [known for known in mail.refers_to if is_of_letter(known, situation.scene.domain)]
        theirs = [known for known in ours if is_foreign(store.desk.instance, known)]
        lost = [known for known in theirs if await store.letter_of_message(known) is None]  # else the desk was new once
        answers = bool(lost) and situation.standing is Standing.KNOWN
        if answers or (mail.robot is not None and mail.robot.foreign):
            detail = (
                "Somebody answered a letter, or a letter came, that Promptly wrote for this mailbox, but not this one. "
                "Perhaps a second Promptly runs on it, and everything is done twice: stop one of the two. Or the state "
                "was lost since, and open cases with it."
            )
            told = notices(situation.scene, "other-instance", detail=detail)
            decision = Decision("another instance", letters=told)
            await self._commit(decision, now, marks={OTHER_INSTANCE: now.isoformat()})

    async def _tell_withheld(self, fetched: Fetched, reason: str, now: datetime) -> None:
        """Of each such mail once: it has no other key than its place, and all of them look alike."""
        key = f"withheld {fetched.place.uidvalidity} {fetched.place.uid}"
        if await self.clinic.store.consumed(fated(key, Fate.LEFT)):
            return
        what = "The text of a mail" if fetched.raw else "A mail"
        detail = f"{what} could not be read: the IMAP server {reason}. It lies where it lay; it may be a report."
        told = notices(self.clinic.scene(now, key), "withheld", detail=detail)
        await self._commit(Decision("mail withheld", letters=told, key=key), now, fault={"reason": reason})

    async def _set_aside(self, fetched: Fetched, now: datetime, reason: str, mail: Mail | None = None) -> Fate:
        key = mail.key if mail is not None else hashlib.sha256(fetched.raw).hexdigest()
        detail = f"A mail could not be handled and lies in the folder of set-aside mail: it {reason}."
        told = notices(self.clinic.scene(now, key), "set-aside", detail=detail)
        decision = Decision("mail set aside", letters=told, fate=Fate.SET_ASIDE, key=key)
        await self._commit(decision, now, fault={"reason": reason})
        return Fate.SET_ASIDE

    async def _commit(
        self,
        decision: Decision,
        now: datetime,
        old: Case | None = None,
        *,
        marks: Mapping[str, str] | None = None,
        counts: Mapping[str, tuple[datetime, ...]] | None = None,
        fault: Mapping[str, str] | None = None,
    ) -> None:
        """The one commit point: the caps are applied before, the log and the sender told after it.

        `old` is the decision's case as it was, `fault` what went wrong, for the log. The sender is told also when the
        store raises: the decision may be there after all, and what it owes must not wait for a restart.
        """
        store = self.clinic.store
        if decision.marks and decision.case is not None:  # beside a case they would be hints
            await store.commit(Decision(decision.reason), now, marks=decision.marks)
        if decision.case is not None:
            decision = replace(decision, case=attended(self.clinic.scene(now), decision.case))
        if decision.key is not None:
            decision = replace(decision, key=fated(decision.key, decision.fate))
        counted = ChainMap(dict(counts or {}), dict(store.desk.counts))
        decision = cap_answers(self.clinic.scene(now), decision, old, counted)
        self._latest = max(self._latest, now)
        try:
            await store.commit(decision, now, marks={**decision.marks, **(marks or {})}, counts=counted.maps[0])
        except StoreError:
            self._sender.look_anew()
            raise
        self.clinic.counters.changes += 1
        of_case = decision.case.letters if decision.case is not None else ()
        self._sender.owe((*decision.letters, *of_case))
        owed = (letter for letter in (*decision.letters, *of_case) if letter.post is Post.OWED)
        new = [letter.kind.value for letter in owed if letter.created_at == now]
        case_id = {"case": decision.case.id} if decision.case is not None else {}
        nobody = NOBODY_TOLD in decision.marks
        untold = NOBODY_TOLD if nobody else decision.untold
        said = {**case_id, **(fault or {}), **({"untold": untold} if untold else {})}
        self._log(decision.reason, warn=nobody or fault is not None, **said, letters=" ".join(new))
        if decision.lost is not None:  # after the notice about it: a crash in between must not keep admin from it
            await store.settle_letters([decision.lost])
        if decision.case is not None and old is None:
            self.clinic.counters.reports[decision.case.kind.value] += 1
        if decision.marks:  # somebody is away since now, and has other cases
            await self._attend_all(now)

    def _log(self, event: str, *, warn: bool = False, **facts: str) -> None:
        """The one line of a decision (contract 8.7): its reason, and how long it took from mail or due time to disk."""
        milliseconds = round(1000 * (asyncio.get_running_loop().time() - self._began), 1)
        (log.warning if warn else log.info)(event, **facts, ms=milliseconds)

    @asynccontextmanager
    async def _deciding(self) -> AsyncIterator[datetime]:
        """One decision at a time, gathered, decided and committed; gives its `now`.

        A clock that was set back is noticed before anything is committed at the new time: a later start tells it by the
        times of the commits.
        """
        async with self._lock:
            self._began = asyncio.get_running_loop().time()
            now = self.clinic.clock.now()
            if self.clock_was_set_back(now):
                await self._resume_all(now)
                self._latest = now
            if self.has_new_people:
                await self._attend_all(now)
            yield now
