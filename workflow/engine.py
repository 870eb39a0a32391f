"""One mail, one tick: gather, decide, commit, then act. Awaitable alone, so that tests need no loop.

There is one commit point. Before it nothing is promised; after it everything can be repeated: letters go out from what
was committed (`sender`), and a mail is moved after its decision is on disk. Gather, decide and commit run under one
lock. What to decide is `core`; when to call is `service`.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import ChainMap
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial
from itertools import chain
from typing import Protocol
from zoneinfo import ZoneInfo

import structlog

from workflow.clinic import Clinic
from workflow.core.cases import Cases
from workflow.core.digest import digest, faults, next_digest_at
from workflow.core.language import read
from workflow.core.language.printed import listed
from workflow.core.law import going_on_from, tick_case
from workflow.core.limits import STRANGERS, cap_answers, lately
from workflow.core.model import (
    Case,
    Decision,
    Fate,
    Letter,
    LetterKind,
    Mail,
    Person,
    Place,
    Post,
    Robot,
    Role,
    Roster,
    Standing,
)
from workflow.core.month import month_asked, month_before, month_letters, month_start, next_month_at
from workflow.core.outsiders import NOBODY_TOLD, lose_letter
from workflow.core.owed import Scene, is_of_letter, notices, write_letter
from workflow.core.presence import cleared
from workflow.core.readers import attended, has_just_left
from workflow.core.routing import route
from workflow.core.situation import Situation
from workflow.core.topics import Notice
from workflow.ids import free_case_id, is_foreign, token
from workflow.logs import place
from workflow.mail.imap.mailbox import Fetched
from workflow.mail.reading import message, trust
from workflow.mail.reading.message import Incoming
from workflow.mail.writing.render import Unsafe
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
            for case in await self.clinic.store.due(now):
                try:
                    self._began = asyncio.get_running_loop().time()
                    ticked = tick_case(self.scene(now, case.timers[0].at.isoformat()), case)
                    await self._commit(Decision("due", case=ticked), now, case)
                    decided += 1
                except StoreError:
                    raise
                except Exception as error:  # the other catch-all: around one tick
                    log.error("tick failed", case=case.id, error=type(error).__name__, where=place(error))
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
            cases = await self._reported_since(month_before(month_before(now.astimezone(zone).date())))
            told = month_letters(self.scene(now), cases)
            await self._commit(Decision("month", letters=told), now, marks={MONTH: now.isoformat()})

    async def _reported_since(self, month: date) -> tuple[Case, ...]:
        """The cases reported from this month on."""
        store, since = self.clinic.store, month_start(month, ZoneInfo(self.clinic.rules.cadence.zone))
        closed = [case async for case in store.closed_cases(since)]  # none is closed before it was reported
        return tuple(case for case in (*closed, *(await store.open_cases()).open) if case.opened_at >= since)

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
            told = digest(self.scene(now), known.open, closed, since, wrong)
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
            told = notices(self.scene(now, f"{now} {mark}"), topic, detail=detail)
            await self._commit(Decision(topic, letters=told), now, marks={mark: now.isoformat()})

    async def announce_once(self, topic: Notice, name: str, detail: str, *, within: timedelta, but: str = "") -> None:
        """A `notice` to each admin but one, once `within` this time for this name: `COUNTS_KEPT` at most."""
        store = self.clinic.store
        async with self._deciding() as now:
            if any(lately(at, within, now) for at in store.desk.counts.get(name, ())):
                return
            told = notices(self.scene(now, f"{now} {name}"), topic, but=but, detail=detail)
            await self._commit(Decision(topic, letters=told), now, counts={name: (now,)})

    async def mark(self, name: str, text: str) -> None:
        async with self._deciding() as now:
            await self.clinic.store.commit(Decision("marked"), now, marks={name: text})

    async def fail_letter(self, letter: Letter, reason: str) -> None:
        """A recipient was refused for good: the letter has failed, and the other admins are told (contract 8.4)."""
        async with self._deciding() as now:
            case = await self.clinic.store.case(letter.case) if letter.case is not None else None
            said = f"was refused: {reason}"
            decision = lose_letter(self.scene(now, f"{now} {letter.id}"), letter, case, "refused-letter", reason, said)
            fault = {"letter": letter.id, "kind": letter.kind.value, "reason": reason}
            await self._commit(decision, now, case, fault=fault)
            self.clinic.counters.letters[letter.kind.value, "failed"] += 1

    @property
    def has_new_people(self) -> bool:
        """Whether the configuration's people are not those for whom open cases were looked through."""
        return self._attended is not self.clinic.rules.roster

    async def _attend_all(self, now: datetime) -> None:
        """Who reads what is looked at anew in every open case; admin reads which have lost their associate."""
        scene, roster = self.scene(now), self.clinic.rules.roster
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
        return await self._known_fate(key) is not None

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
        known = await self._known_fate(mail.key)
        if known is not None:
            self._log("mail seen before", fate=known.value)
            return known
        roster = clinic.rules.roster
        if incoming.fault is not None:
            if mail.sender is None or roster.associate(mail.sender) or roster.admin(mail.sender):
                return await self._set_aside(fetched, now, incoming.fault, mail)
            self._log("a stranger's mail that cannot be read")
            return Fate.LEFT  # it stays as it was
        situation = await self._gather(incoming, now)
        await self._tell_of_another(situation, now)
        heard = mail.robot is None and situation.standing is Standing.KNOWN
        people = [one for one in (situation.associate, situation.admin) if heard and one is not None]
        if await self._are_back(people, mail.arrived_at, now):
            situation = await self._gather(incoming, now)
        wrote = {_wrote(one): (*store.desk.counts.get(_wrote(one), ())[-1:], mail.arrived_at) for one in people}
        decisions = route(situation)
        # It has been read and has killed nobody: who dies from here on dies of something else.
        await store.put_down()
        for decision in decisions:
            old = situation.cases.get(decision.case.id) if decision.case is not None else None
            await self._commit(decision, now, old, counts=wrote)
        return decisions[-1].fate

    async def _are_back(self, people: Iterable[Person], wrote_at: datetime, now: datetime) -> bool:
        """Whether any of these was away until they wrote. It is committed alone: beside a case it would be a hint."""
        known = self.clinic.store.desk.marks
        marks = {name: "" for one in people for name in cleared(known, one, wrote_at, now)}
        if marks:
            await self.clinic.store.commit(Decision("they write again"), now, marks=marks)
            await self._attend_all(now)
        return bool(marks)

    async def _gather(self, incoming: Incoming, now: datetime) -> Situation:
        """The mail with every case it may be about, who its sender is, and a free id for each case it may open.

        All that is needed to decide about it: nothing is asked of the store afterwards.
        """
        clinic, store, rules = self.clinic, self.clinic.store, self.clinic.rules
        mail = incoming.answering(await self._letters_answered(incoming.mail, now))
        roster = rules.roster
        reading = read.read(mail.subject, mail.new_text, mail.quoted_text)
        cases, closed = await store.open_cases(), []
        pointed = [await store.case_of_message(known) for known in mail.refers_to]
        thread = tuple(dict.fromkeys(case_id for case_id in pointed if case_id is not None))
        robot = mail.robot
        bounced = await self._bounced(robot, now) if robot is not None and robot.kind == "bounce" else None
        came_back = (bounced.case,) if bounced is not None and bounced.case is not None else ()
        for known in (*reading.ids, *thread, *reading.quoted_ids, *came_back):
            if known not in cases and (ended := await store.case(known)) is not None:
                closed.append(ended)
        sender = mail.sender or ""
        standing = trust.judge(incoming, roster, clinic.config.trust, rules.address.rpartition("@")[2])
        associate, admin = roster.associate(sender), roster.admin(sender)
        if rules.own_voice == "admin" and trust.is_own_voice(incoming, rules, clinic.config.trust):
            standing, admin = Standing.KNOWN, roster.admins[0]
        person, counts = associate or admin, store.desk.counts
        month = month_asked(reading, now, ZoneInfo(rules.cadence.zone)) if admin is not None else None
        first, *apart = await self._scenes(mail, 1 + len(reading.further), now)
        assert first is not None, "a mail that is known is not decided about"
        # Looked for in every open case, so for a machine's mail alone.
        owners = [one for one in (associate, admin) if mail.robot is not None and one is not None]
        return Situation(
            scene=first,
            mail=mail,
            reading=reading,
            standing=standing,
            associate=associate,
            admin=admin,
            cases=cases.beside(closed),
            thread=thread,
            apart=tuple(apart),
            reported=await self._reported_since(month_before(month)) if month is not None else (),
            bounced=bounced,
            notices=counts.get(STRANGERS, ()),
            warned=counts.get(f"warned {person.email}", ()) if person is not None else (),
            wrote=tuple(at for one in owners for at in _heard(one, cases, counts)),
        )

    async def _scenes(self, mail: Mail, count: int, now: datetime) -> list[Scene | None]:
        """For each report of a mail its own cause and id, which follow from the mail and its number; None: it was acted
        on before the process died."""
        instance, scenes, taken = self.clinic.store.desk.instance, list[Scene | None](), set[str]()

        async def knows(case_id: str) -> bool:
            return case_id in taken or await self.clinic.store.knows(case_id)

        for number in range(1, count + 1):
            key = mail.key if number == 1 else f"{mail.key} {number}"
            if number > 1 and await self.knows(key):
                scenes.append(None)
                continue
            scene = replace(self.scene(now, key), case_id=await free_case_id(instance, key, knows))
            taken.add(scene.case_id)
            scenes.append(scene)
        return scenes

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

    async def _bounced(self, robot: Robot, now: datetime) -> Letter | None:
        """Our letter that came back: by its Message-ID, else the last of its case, kind and reader; no guess.

        A test letter is none that is kept: it is made anew.
        """
        store = self.clinic.store
        known = await store.letter_of_message(robot.bounced) if robot.bounced is not None else None
        if known is not None or not robot.letter:
            return known
        if robot.letter == LetterKind.TEST:
            return self._test_letter(robot.to, now)
        case = await store.case(robot.case) if robot.case else None
        letters = case.letters if case is not None else () if robot.case else store.desk.letters
        theirs = [one for one in letters if robot.to in ("", one.to.email.casefold())]
        alike = [one for one in theirs if one.kind.value == robot.letter]
        return alike[-1] if len({one.to.email for one in alike}) == 1 else None

    def _test_letter(self, to: str, now: datetime) -> Letter:
        """One of `check --send`, which writes to the mailbox and to the first admin."""
        rules = self.clinic.rules
        itself = Person("the clinic's own mailbox", (rules.address,))
        reader = rules.roster.admin(to) or itself
        letter = write_letter(self.scene(now), LetterKind.TEST, "", reader, Role.ADMIN)
        return replace(letter, post=Post.SENT)

    async def _letters_answered(self, mail: Mail, now: datetime) -> list[str]:
        texts: list[str] = []
        for known in mail.refers_to[:3]:  # it quotes the letter that it answers, and perhaps some before that
            letter = await self.clinic.store.letter_of_message(known)
            if letter is not None:
                with suppress(Unsafe):
                    texts.append(self.clinic.letters.text(letter, now))
        return texts

    async def _tell_withheld(self, fetched: Fetched, reason: str, now: datetime) -> None:
        """Of each such mail once: it has no other key than its place, and all of them look alike."""
        key = f"withheld {fetched.place.uidvalidity} {fetched.place.uid}"
        if await self.clinic.store.consumed(_fated(key, Fate.LEFT)):
            return
        what = "The text of a mail" if fetched.raw else "A mail"
        detail = f"{what} could not be read: the IMAP server {reason}. It lies where it lay; it may be a report."
        told = notices(self.scene(now, key), "withheld", detail=detail)
        await self._commit(Decision("mail withheld", letters=told, key=key), now, fault={"reason": reason})

    async def _known_fate(self, key: str) -> Fate | None:
        """What became of this mail when it was decided before: a crash may have come before it was moved."""
        store = self.clinic.store
        for fate in Fate:
            if await store.consumed(_fated(key, fate)):
                return fate
        return Fate.HANDLED if await store.consumed(key) else None

    async def _set_aside(self, fetched: Fetched, now: datetime, reason: str, mail: Mail | None = None) -> Fate:
        key = mail.key if mail is not None else hashlib.sha256(fetched.raw).hexdigest()
        detail = f"A mail could not be handled and lies in the folder of set-aside mail: it {reason}."
        told = notices(self.scene(now, key), "set-aside", detail=detail)
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
            decision = replace(decision, case=attended(self.scene(now), decision.case))
        if decision.key is not None:
            decision = replace(decision, key=_fated(decision.key, decision.fate))
        counted = ChainMap(dict(counts or {}), dict(store.desk.counts))
        decision = cap_answers(self.scene(now), decision, old, counted)
        self._latest = max(self._latest, now)
        try:
            await store.commit(decision, now, marks={**decision.marks, **(marks or {})}, counts=counted.maps[0])
        except StoreError:
            self._sender.look_anew()
            raise
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

    def scene(self, now: datetime, cause: str = "") -> Scene:
        """What is decided from; see `Scene` for `cause`."""
        desk = self.clinic.store.desk
        return Scene(self.clinic.rules, now, partial(token, desk.instance), cause=cause, marks=desk.marks)


def _wrote(person: Person) -> str:
    return f"wrote {person.email}"


def _heard(person: Person, cases: Cases, counts: Mapping[str, tuple[datetime, ...]]) -> Iterator[datetime]:
    """When this person wrote. The count is a hint, which may have died with the process; cases keep what they heard."""
    yield from counts.get(_wrote(person), ())
    yield from (entry.at for case in cases.open for entry in case.history if entry.by == person.email)


def _fated(key: str, fate: Fate) -> str:
    """The key of a mail that no case keeps, with what became of it."""
    return f"{fate.value} {key}"
