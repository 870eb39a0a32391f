"""All that is needed to decide about one mail, fetched from the store: nothing is asked of it afterwards.

Not here: what to decide (`core.routing`), and the commit (`engine`).
"""

from __future__ import annotations

import secrets
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from workflow.clinic import Clinic
from workflow.core.language import read
from workflow.core.language.prefixes import case_ids
from workflow.core.limits import STRANGERS
from workflow.core.model import Mail
from workflow.core.owed import Scene
from workflow.core.situation import Situation
from workflow.mail.reading import newtext, trust
from workflow.mail.reading.message import Incoming
from workflow.mail.writing.render import Unsafe
from workflow.store import Store

CASE_ALPHABET = "23456789BCDFGHJKMNPQRSTVWXZ"
"""No vowels, so that no id is a word; no 0, 1, I, L, O, U, which look alike (contract section 1)."""

TOKEN_BYTES = 10
"""80 bits: a Message-ID is never guessed and never twice."""

QUOTED_LETTERS = 3
"""A reply quotes the letter it answers, and perhaps some before it."""


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


async def gather(clinic: Clinic, incoming: Incoming, now: datetime) -> Situation:
    """The mail with every case it may be about, who its sender is, and a free id for a case it may open."""
    store, rules = clinic.store, clinic.rules
    mail = await _without_our_words(clinic, incoming, now)
    roster = rules.roster
    reading = read.read(mail.subject, mail.new_text, mail.quoted_text)
    cases, closed = await store.open_cases(), []
    pointed = [await store.case_of_message(known) for known in mail.refers_to]
    thread = tuple(dict.fromkeys(case_id for case_id in pointed if case_id is not None))
    for known in (*reading.ids, *thread, *reading.quoted_ids):
        if known not in cases and (ended := await store.case(known)) is not None:
            closed.append(ended)
    bounced = None
    if mail.robot is not None and mail.robot.bounced is not None:
        bounced = await store.letter_of_message(mail.robot.bounced)
        if bounced is not None and bounced.case is not None and bounced.case not in cases:
            ended = await store.case(bounced.case)
            if ended is not None:
                closed.append(ended)
    sender = mail.sender or ""
    person = roster.associate(sender) or roster.admin(sender)
    counts = store.desk.counts
    return Situation(
        scene=Scene(rules, now, RandomMint(await _free_id(store))),
        mail=mail,
        reading=reading,
        standing=trust.judge(incoming, roster, clinic.trust, rules.address.rpartition("@")[2]),
        associate=roster.associate(sender),
        admin=roster.admin(sender),
        cases=cases.beside(closed),
        thread=thread,
        bounced=bounced,
        notices=counts.get(STRANGERS, ()),
        warned=counts.get(f"warned {person.email}", ()) if person is not None else (),
    )


async def _without_our_words(clinic: Clinic, incoming: Incoming, now: datetime) -> Mail:
    """The mail with its new text found again, now that the letters it answers are known: whatever a mail program
    makes of a quotation, our own words never count as an answer."""
    mail = incoming.mail
    if not incoming.text:
        return mail
    ours: list[str] = []
    for known in mail.refers_to[:QUOTED_LETTERS]:
        letter = await clinic.store.letter_of_message(known)
        with suppress(Unsafe):
            ours += [clinic.letters.text(letter, now)] if letter is not None else []
    if not ours:
        return mail
    new_text, quoted_text = newtext.split(incoming.text, ours)
    return replace(mail, new_text=new_text, quoted_text=quoted_text)


async def _free_id(store: Store) -> str:
    """A case id that no case has, open or closed, and that is known for one where it is typed without brackets."""
    while True:
        drawn = "".join(secrets.choice(CASE_ALPHABET) for _ in range(4))
        if case_ids(drawn) == (drawn,) and not await store.knows(drawn):
            return drawn
