"""Ids follow from mail: a history acted on again, from any point of it, gives the same cases and the same letters."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.arrival.paper import Paper, a_mail
from tests.conversation import TWO_O_CLOCK
from tests.machine_world import ALEX, DANA, RAVI, lying
from tests.movable_clock import MovableClock
from workflow.core.language.prefixes import case_ids
from workflow.core.mail import Place
from workflow.core.model import LetterKind
from workflow.ids import CASE_ALPHABET, free_case_id, is_foreign, token
from workflow.mail.imap.mailbox import Fetched

BY_THE_CLOCK = {LetterKind.REMINDER, LetterKind.ESCALATION, LetterKind.STEPAWAY}

REPORTS = ["LATE 15 Sam", "NOSHOW Kim", "WAITING Jo", "NOSHOW Sam", "LATE 15", "LATE 20 Sam"]
ANSWERS = ["SENT", "RESCHEDULED Tue 3pm", "UNREACHABLE", "UNDO", "MISTAKE", "perhaps", "CONTACTED"]

Step = tuple[str, str, int | None, int]
"""Who writes what, about which of the cases that there are by then, after so many minutes."""

STEPS = st.one_of(
    st.tuples(st.sampled_from([DANA, RAVI]), st.sampled_from([*REPORTS, "STATUS"]), st.none(), st.integers(0, 12)),
    st.tuples(st.sampled_from([DANA, RAVI, ALEX]), st.sampled_from(ANSWERS), st.integers(0, 5), st.integers(0, 12)),
)


async def everything(paper: Paper) -> dict[str, set[str]]:
    """Each case, open or closed, and the Message-IDs of what was written because of mail."""
    cases = [*(await paper.store.open_cases()).values()]
    cases += [case async for case in paper.store.closed_cases(TWO_O_CLOCK - timedelta(days=1))]
    return {
        case.id: {letter.message_id for letter in case.letters if letter.kind not in BY_THE_CLOCK} for case in cases
    }


async def plays(folder: Path, steps: list[Step]) -> None:
    paper = Paper(folder, MovableClock(TWO_O_CLOCK))
    await paper.opens()
    mails: list[Fetched] = []
    shutil.copytree(folder / "state", folder / "0")
    for who, words, which, minutes in steps:
        await paper.passes(timedelta(minutes=minutes))
        opened = sorted(await everything(paper))
        about = f"[{opened[which % len(opened)]}] " if which is not None and opened else ""
        mail = a_mail(who, paper.mailbox, f"{about}{words}")
        mail["Date"], mail["Message-ID"] = paper.clock.now(), f"<{len(mails)}@phone.test>"
        mails.append(lying(Place(1, len(mails) + 1), paper.clock.now(), mail.as_bytes()))
        await paper.engine.take(mails[-1])
        await paper.store.flush()
        shutil.copytree(folder / "state", folder / str(len(mails)))
    wanted = await everything(paper)
    await paper.store.close()
    for copied in range(len(mails) + 1):
        shutil.rmtree(folder / "state")
        (folder / str(copied)).rename(folder / "state")
        again = Paper(folder, MovableClock(paper.clock.now() + timedelta(minutes=1)))
        await again.opens()
        for arrival in mails:
            await again.engine.take(arrival)
        assert await everything(again) == wanted, f"from the copy after {copied} mails"
        await again.store.close()


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(st.lists(STEPS, min_size=1, max_size=6))
def test_any_copy_of_a_history_leads_to_the_same_end(steps: list[Step]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(plays(Path(folder), steps))


async def test_a_case_takes_the_first_free_id_of_an_order_that_follows_from_its_mail() -> None:
    async def taken(wanted: set[str]) -> str:
        async def knows(case_id: str) -> bool:
            return case_id in wanted

        return await free_case_id("instance", "a key", knows)

    order: list[str] = []
    for _ in range(50):
        order.append(await taken(set(order)))
    assert len(set(order)) == 50
    assert [await taken(set(order[:count])) for count in range(50)] == order
    for found in order:
        assert len(found) == 4
        assert set(found) <= set(CASE_ALPHABET)
        assert case_ids(found) == (found,)
    assert await free_case_id("another", "a key", _nobody) != order[0]
    assert await free_case_id("instance", "another key", _nobody) != order[0]


async def test_all_letters_of_the_alphabet_come_up() -> None:
    found = "".join([await free_case_id("instance", f"key {number}", _nobody) for number in range(200)])
    assert set(found) == set(CASE_ALPHABET)


async def _nobody(_case_id: str) -> bool:
    return False


def _ids() -> Iterator[tuple[str, str]]:
    for local, of in product(["K7Q2", "desk", "K7Q2.3"], ["ours", "theirs"]):
        yield f"<{local}.{token(of, 'a letter')}@clinic.test>", of


@pytest.mark.slow
def test_an_instance_knows_its_own_message_ids() -> None:
    for message_id, of in _ids():
        assert is_foreign("ours", message_id) is (of == "theirs")
    assert not is_foreign("ours", "<K7Q2.3.0123456789abcdef0123@clinic.test>"), "an earlier version made that"
    assert not is_foreign("ours", "<mail-3@phone.test>")
