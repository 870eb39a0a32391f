"""Machines that answer machines, and people who write too often: answers stop, admin hears of it, all else goes on."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from email.message import EmailMessage
from email.utils import parseaddr
from itertools import count, islice
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.arrival.paper import Answering, Got, Paper, a_mail
from tests.bench.mailboxes import names
from tests.cast import local
from tests.conversation import Clinic
from tests.conversations.steps import come
from tests.machine_world import ALEX, DANA, MAILBOX, RAVI
from tests.movable_clock import MovableClock
from workflow.core.model import Post

TEN, HOUR, WEEK = timedelta(minutes=10), timedelta(hours=1), timedelta(days=7)
OTHER = "clinic@other.test"


@pytest.fixture
async def paper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Paper]:
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)  # no power is cut here
    made = Paper(tmp_path, MovableClock(local("14:00")))
    await made.opens()
    yield made
    await made.store.close()


def most_within(span: timedelta, letters: list[Got]) -> int:
    """The most of these letters in any such time."""
    times = [one.at for one in letters]
    return max((sum(at <= other < at + span for other in times) for at in times), default=0)


def held(paper: Paper, lifted: int = 0) -> None:
    """No address got more answers than contract 8.6 allows, anew after each time that an answer lifted the cap."""
    for address in {one.to for one in paper.got}:
        answers = [one for one in paper.got if one.to == address and one.is_answer]
        assert most_within(TEN, answers) <= 10 * (1 + lifted)
        assert most_within(HOUR, answers) <= 25 * (1 + lifted)


def late_letters(paper: Paper) -> Counter[str]:
    """What was sent on the last day of the week, by kind."""
    return Counter(one.kind for one in paper.got if one.at > paper.clock.now() - timedelta(days=1))


_TICKETS = count(1000)


def thanks(letter: EmailMessage) -> str:
    return "Thank you for your message.\nWe will get back to you as soon as we can."


def ticket(letter: EmailMessage) -> str:
    return f"Your message was received. Ticket ABC-{next(_TICKETS)} was opened."


def taps(letter: EmailMessage) -> EmailMessage | None:
    """One link of the letter after the other, as a scanner that follows links might."""
    part = letter.get_body(("plain",))
    assert part is not None
    text = str(part.get_content())
    links = [unquote(url.partition("?subject=")[2]) for url in text.split() if url.startswith("mailto:")]
    sender = parseaddr(str(letter["To"]))[1]
    return a_mail(sender, MAILBOX, links[next(_TICKETS) % len(links)]) if links else None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("machine", "who", "delay"),
    [
        (thanks, DANA, 0),
        (thanks, DANA, 5),
        (thanks, ALEX, 5),
        (ticket, ALEX, 0),
        (ticket, DANA, 5),
        (taps, DANA, 0),
        (taps, ALEX, 5),
    ],
)
async def test_a_robot_that_answers_every_letter_settles_within_a_week(
    paper: Paper, machine: Answering, who: str, delay: int
) -> None:
    """It has no header that tells it from a person, and it answers as such machines do, at once or after a while."""
    paper.answers_for[who] = machine
    paper.delay = timedelta(minutes=delay)
    await paper.writes(DANA, "NOSHOW Sam")
    await paper.writes(DANA, "LATE 40 Kim")
    await paper.passes(WEEK)
    held(paper, lifted=machine is taps)
    assert sum(late_letters(paper).values()) < 60
    assert len(paper.letters("notice", ALEX)) <= 7  # a loop is told once, not once an hour


@pytest.mark.slow
@pytest.mark.parametrize("delay", [0, 5])
async def test_a_robot_that_says_a_word_of_ours_is_held_under_the_cap(paper: Paper, delay: int) -> None:
    """Its word is recorded and had been before: each time it gets its receipt, as a person would."""
    paper.answers_for[DANA] = lambda letter: "SENT"
    paper.delay = timedelta(minutes=delay)
    await paper.writes(DANA, "NOSHOW Sam")
    await paper.passes(timedelta(hours=12))
    held(paper)
    assert len(paper.letters("notice", ALEX)) == (delay == 0)


@pytest.mark.slow
@pytest.mark.parametrize("is_stripped", [False, True], ids=["marked", "stripped of every mark"])
async def test_two_daemons_that_answer_each_other_settle_within_a_week(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_stripped: bool
) -> None:
    """Each has the other's mailbox for an associate's address."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    clock = MovableClock(local("14:00"))
    ours = Paper(tmp_path / "ours", clock, MAILBOX, dana=OTHER)
    theirs = Paper(tmp_path / "theirs", clock, OTHER, dana=MAILBOX)
    for one, other in ((ours, theirs), (theirs, ours)):
        await one.opens()
        one.carries = _carrier(one, other, is_stripped)
    await ours.writes(ALEX, "NOSHOW Sam FOR Dana")
    await theirs.writes(ALEX, "LATE 15 Kim FOR Dana")
    end = clock.now() + WEEK
    while (at := min(filter(None, (await ours.next_at(), await theirs.next_at())))) <= end:
        clock.move_to(max(at, clock.now()))
        await ours.passes(timedelta(0))
        await theirs.passes(timedelta(0))
    for one in (ours, theirs):
        held(one)
        assert sum(late_letters(one).values()) < 60
        if not is_stripped:
            assert not [letter for letter in one.got if letter.is_answer and letter.to != ALEX]
        await one.store.close()


def _carrier(one: Paper, other: Paper, is_stripped: bool) -> Callable[[EmailMessage, str], bool]:
    def carry(message: EmailMessage, to: str) -> bool:
        if to != other.mailbox:
            return False
        if is_stripped:
            for name in ("X-Promptly-Loop", "Auto-Submitted", "X-Auto-Response-Suppress"):
                del message[name]
        domain = one.mailbox.rpartition("@")[2]
        message["Authentication-Results"] = f"mx.clinic.test; dmarc=pass header.from={domain}"
        other.put(message)
        return True

    return carry


@pytest.mark.slow
async def test_past_the_cap_nothing_is_answered_admin_is_told_once_and_a_clear_answer_lifts_it(tmp_path: Path) -> None:
    async with Clinic(tmp_path, admins=("alex", "pat")) as clinic:
        await clinic.dana.writes("NOSHOW Sam")
        draft = (await come(clinic, dana="draft", alex="alert", pat="alert"))["dana"]
        for number in range(13):
            await clinic.dana.writes("STATUS" if number else f"[{draft.case}] MAKEUP")
        await come(clinic, dana="receipt" + " status" * 9, alex="update notice", pat="update notice")
        await clinic.dana.taps(draft, "OTHER")  # no clear answer: what else?
        await come(clinic)
        withheld = [letter for letter in (await clinic.only_case()).letters if letter.kind == "ask"]
        assert [(one.post, one.reason) for one in withheld] == [(Post.WITHDRAWN, "too many answers to one address")]
        await clinic.dana.taps(draft, "SENT")
        await come(clinic, dana="receipt", alex="update", pat="update")
        await clinic.dana.writes("STATUS")
        await come(clinic, dana="status")


async def test_letters_that_are_no_answers_go_past_the_cap(paper: Paper) -> None:
    for _ in range(12):
        await paper.writes(DANA, "STATUS")
    await paper.writes(DANA, "NOSHOW Sam")
    await paper.writes(DANA, "WAITING Kim")
    await paper.passes(timedelta(minutes=30))
    kinds = Counter(one.kind for one in paper.got if one.to == DANA)
    assert kinds == {"status": 10, "draft": 2, "reminder": 3, "stepaway": 1}
    assert [one.kind for one in paper.got if one.to == ALEX] == ["notice", "alert", "escalation"]


async def test_twenty_five_answers_in_an_hour(paper: Paper) -> None:
    for answered in (25, 50):
        for _ in range(30):
            await paper.writes(RAVI, "HELP")
            await paper.passes(timedelta(minutes=1))
        assert len(paper.letters("help", RAVI)) == answered
        await paper.passes(HOUR)
    held(paper)
    assert len(paper.letters("notice", ALEX)) == 1


@pytest.mark.slow
async def test_a_thousand_reports_in_a_minute_all_get_their_letters(paper: Paper) -> None:
    for _ in range(11):
        await paper.writes(DANA, "STATUS")
    for number, client in enumerate(islice(names(), 1000)):
        await paper.writes(DANA, f"NOSHOW {client}")
        if number % 17 == 0:
            paper.clock.move(timedelta(seconds=1))
    assert paper.clock.now() - local("14:00") <= timedelta(minutes=1)
    for kind, to in (("draft", DANA), ("alert", ALEX)):
        assert len({one.case for one in paper.letters(kind, to)}) == 1000
    assert len(paper.letters("notice", ALEX)) == 1


@pytest.mark.slow
async def test_ten_notices_an_hour_about_strangers_however_many_read_and_the_rest_in_the_digest(tmp_path: Path) -> None:
    forged = {"Authentication-Results": "mx.clinic.test; dmarc=fail header.from=clinic.test"}
    async with Clinic(tmp_path, admins=("alex", "pat"), digest="16:00") as clinic:
        for number in range(11):
            await clinic.stranger.writes(f"LATE {number + 10} Sam")
        await come(clinic, alex="notice " * 10, pat="notice " * 10)
        await clinic.dana.writes("LATE 30 Sam", **forged)  # she is told all the same, and it counts
        await come(clinic, dana="help")
        await clinic.minute_by_minute(61)
        await clinic.stranger.writes("LATE 30 Sam")
        await come(clinic, alex="notice", pat="notice")
        await clinic.minute_by_minute(60)
        digest = (await come(clinic, alex="digest", pat="digest"))["alex"]
        assert "2 mails of unknown senders" in digest.text
