"""All that is needed to decide about one mail: who speaks, the cases it may be about, ids for what it opens.

It asks the store, and decides and commits nothing: that is `engine`'s, which asks nothing afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from workflow.clinic import Clinic
from workflow.core.cases import Cases
from workflow.core.language import read
from workflow.core.limits import STRANGERS
from workflow.core.mail import Mail, Robot
from workflow.core.model import Case, Fate, Letter, LetterKind, Post
from workflow.core.month import month_asked, month_before, month_start
from workflow.core.owed import Scene, write_letter
from workflow.core.people import Person, Role, Standing
from workflow.core.situation import Situation
from workflow.ids import free_case_id
from workflow.mail.reading import trust
from workflow.mail.reading.message import Incoming
from workflow.mail.writing.render import Unsafe
from workflow.store import Store


async def gather(clinic: Clinic, incoming: Incoming, now: datetime) -> Situation:
    """The mail with every case it may be about, who its sender is, and a free id for each case it may open.

    Raises `StoreError`.
    """
    store, rules = clinic.store, clinic.rules
    roster, sender = rules.roster, incoming.mail.sender or ""
    associate, admin = roster.associate(sender), roster.admin(sender)
    known_as = person.name if (person := associate or admin) is not None else ""
    mail = incoming.answering(await _letters_answered(clinic, incoming.mail, now), known_as)
    reading = read.read(mail.subject, mail.new_text, mail.quoted_text)
    cases, closed = await store.open_cases(), []
    pointed = [await store.case_of_message(known) for known in mail.refers_to]
    thread = tuple(dict.fromkeys(case_id for case_id in pointed if case_id is not None))
    robot = mail.robot
    bounced = await _bounced(clinic, robot, now) if robot is not None and robot.kind == "bounce" else None
    came_back = (bounced.case,) if bounced is not None and bounced.case is not None else ()
    for known in (*reading.ids, *thread, *reading.quoted_ids, *came_back):
        if known not in cases and (ended := await store.case(known)) is not None:
            closed.append(ended)
    standing = trust.judge(incoming, roster, clinic.config.trust, rules.address.rpartition("@")[2])
    if rules.own_voice == "admin" and trust.is_own_voice(incoming, rules, clinic.config.trust):
        standing, admin = Standing.KNOWN, roster.admins[0]
    person, counts = associate or admin, store.desk.counts
    month = month_asked(reading, now, ZoneInfo(rules.cadence.zone)) if admin is not None else None
    first, *apart = await _scenes(clinic, mail, 1 + len(reading.further), now)
    assert first is not None, "a mail that is known is not decided about"
    # Looked for in every open case, so for a machine's mail alone.
    owners = [one for one in (associate, admin) if robot is not None and one is not None]
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
        month=month,
        reported=await reported_since(clinic, month_before(month)) if month is not None else (),
        bounced=bounced,
        notices=counts.get(STRANGERS, ()),
        warned=counts.get(f"warned {person.email}", ()) if person is not None else (),
        wrote=tuple(at for one in owners for at in _heard(one, cases, counts)),
    )


async def reported_since(clinic: Clinic, month: date) -> tuple[Case, ...]:
    """The cases reported from this month on."""
    store, since = clinic.store, month_start(month, ZoneInfo(clinic.rules.cadence.zone))
    closed = [case async for case in store.closed_cases(since)]  # none is closed before it was reported
    return tuple(case for case in (*closed, *(await store.open_cases()).open) if case.opened_at >= since)


async def known_fate(store: Store, key: str) -> Fate | None:
    """What became of the mail with this content key when it was decided before; None: it is not known.

    A crash may have come before it was moved.
    """
    for fate in Fate:
        if await store.consumed(fated(key, fate)):
            return fate
    return Fate.HANDLED if await store.consumed(key) else None


def fated(key: str, fate: Fate) -> str:
    """The key of a mail that no case keeps, with what became of it."""
    return f"{fate.value} {key}"


def wrote(person: Person) -> str:
    """The desk's count of when this person wrote: a hint, which may die with the process."""
    return f"wrote {person.email}"


def _heard(person: Person, cases: Cases, counts: Mapping[str, tuple[datetime, ...]]) -> Iterator[datetime]:
    """When this person wrote: cases keep what they heard, whatever becomes of the count."""
    yield from counts.get(wrote(person), ())
    yield from (entry.at for case in cases.open for entry in case.history if entry.by == person.email)


async def _scenes(clinic: Clinic, mail: Mail, count: int, now: datetime) -> list[Scene | None]:
    """For each report of a mail its own cause and id, which follow from the mail and its number; None: it was acted on
    before the process died."""
    instance, scenes, taken = clinic.store.desk.instance, list[Scene | None](), set[str]()

    async def knows(case_id: str) -> bool:
        return case_id in taken or await clinic.store.knows(case_id)

    for number in range(1, count + 1):
        key = mail.key if number == 1 else f"{mail.key} {number}"
        if number > 1 and await known_fate(clinic.store, key) is not None:
            scenes.append(None)
            continue
        scene = replace(clinic.scene(now, key), case_id=await free_case_id(instance, key, knows))
        taken.add(scene.case_id)
        scenes.append(scene)
    return scenes


async def _letters_answered(clinic: Clinic, mail: Mail, now: datetime) -> list[str]:
    texts: list[str] = []
    for known in mail.refers_to[:3]:  # it quotes the letter that it answers, and perhaps some before that
        letter = await clinic.store.letter_of_message(known)
        if letter is not None:
            with suppress(Unsafe):
                texts.append(clinic.letters.text(letter, now))
    return texts


async def _bounced(clinic: Clinic, robot: Robot, now: datetime) -> Letter | None:
    """Our letter that came back: by its Message-ID, else the last of its case, kind and reader; no guess.

    A test letter is none that is kept: it is made anew.
    """
    store = clinic.store
    known = await store.letter_of_message(robot.bounced) if robot.bounced is not None else None
    if known is not None or not robot.letter:
        return known
    if robot.letter == LetterKind.TEST:
        return _test_letter(clinic, robot.to, now)
    case = await store.case(robot.case) if robot.case else None
    letters = case.letters if case is not None else () if robot.case else store.desk.letters
    theirs = [one for one in letters if robot.to in ("", one.to.email.casefold())]
    alike = [one for one in theirs if one.kind.value == robot.letter]
    return alike[-1] if len({one.to.email for one in alike}) == 1 else None


def _test_letter(clinic: Clinic, to: str, now: datetime) -> Letter:
    """One of `check --send`, which writes to the mailbox and to the first admin."""
    itself = Person("the clinic's own mailbox", (clinic.rules.address,))
    reader = clinic.rules.roster.admin(to) or itself
    letter = write_letter(clinic.scene(now), LetterKind.TEST, "", reader, Role.ADMIN)
    return replace(letter, post=Post.SENT)
