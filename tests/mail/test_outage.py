"""When an answer about one reader is held against what others got. By the clinic's clock it is tests/test_smtp_trouble.

What is under way at the same time cannot be arranged from outside.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

from tests.mail.letter_samples import ALEX, DANA, NOW, PAT, RAVI, written
from workflow.core.model import LetterKind
from workflow.core.people import Person
from workflow.mail.smtp.outage import Outage, Verdict
from workflow.mail.smtp.outbox import Attempt, Result

UNCLEAR = Attempt(Result.UNCLEAR, 550, "RCPT 550")
ACCEPTED = Attempt(Result.ACCEPTED, 250, "accepted")
AGAIN = NOW + timedelta(minutes=1)


def answered(
    outage: Outage, to: Person, attempt: Attempt, *, since: datetime | None = None, began: float | None = None
) -> Verdict:
    """The letter to them is answered now; `since`, it was refused before."""
    began = asyncio.get_running_loop().time() if began is None else began
    letter = replace(written(LetterKind.STATUS, ""), id=to.name, to=to, refused_since=since, attempts=1)
    return outage.judge(letter, attempt, began, since or NOW)


def refused() -> Outage:
    outage = Outage()
    assert answered(outage, DANA, UNCLEAR) == Verdict(Result.UNCLEAR, NOW)
    return outage


async def test_a_reader_who_is_refused_after_another_was_accepted_is_refused_for_good() -> None:
    outage = refused()
    answered(outage, ALEX, ACCEPTED)
    assert answered(outage, DANA, UNCLEAR, since=AGAIN).result is Result.PERMANENT


async def test_not_for_what_others_got_while_the_refusal_was_under_way() -> None:
    outage = refused()
    began = asyncio.get_running_loop().time()
    answered(outage, ALEX, ACCEPTED)
    assert answered(outage, DANA, UNCLEAR, since=AGAIN, began=began).result is Result.UNCLEAR


async def test_nor_while_nobody_gets_anything_any_more() -> None:
    outage = refused()
    answered(outage, ALEX, ACCEPTED)
    for reader in (PAT, RAVI):
        answered(outage, reader, UNCLEAR)
    assert answered(outage, DANA, UNCLEAR, since=AGAIN).result is Result.UNCLEAR
    answered(outage, ALEX, ACCEPTED)
    assert answered(outage, DANA, UNCLEAR, since=AGAIN).result is Result.PERMANENT
