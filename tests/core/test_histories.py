"""Over any history: no reminder after an outcome, never more than the maximum, never silence while one is owed."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cast import ALEX, DANA, PAT, RAVI, RULES, TORONTO, a_case, alex, dana, local, scene
from workflow.core import schedule
from workflow.core.due import tick_case
from workflow.core.kinds import KINDS, OF_TAG
from workflow.core.language.vocabulary import SAYS
from workflow.core.law import answer_case, doubt_case
from workflow.core.mail import Answer, Doubt, Report, Why, Word
from workflow.core.model import Case, Due, Letter, LetterKind, Post, Says
from workflow.core.owed import Scene
from workflow.core.people import Person
from workflow.core.presence import Sign, cleared, mark
from workflow.core.readers import attended
from workflow.core.rules import Kind

pytestmark = pytest.mark.slow

FIVE = timedelta(minutes=5)


class History:
    """A case, a clock, and what people and time do to it. Nothing is ever sent, the worst for what is withdrawn."""

    def __init__(self, case: Case, now: datetime) -> None:
        self.case = case
        self.now = now
        self.rules = RULES
        self.marks: dict[str, str] = {}
        self.late = timedelta(0)
        """How late the last reminder was; what is on time does not move the table behind it."""

    def scene(self) -> Scene:
        return replace(scene(self.now, self.rules), marks=self.marks)

    def attends(self) -> None:
        """Who reads what is looked at, as before each commit."""
        self.case = attended(self.scene(), self.case)
        assert attended(self.scene(), self.case) is self.case, "once"

    def is_lost(self, sign: Sign, person: Person) -> None:
        """Letters to this person come back, or the mailbox answers by itself."""
        self.marks |= mark(sign, person, self.now)
        self.attends()

    def leaves(self, back: bool) -> None:
        """Dana leaves the clinic, or is there again."""
        roster = RULES.roster if back else replace(RULES.roster, associates=(RAVI,))
        self.rules = replace(RULES, roster=roster)
        self.attends()

    def passes(self, span: timedelta) -> None:
        """For a daemon that is awake: each due time is met."""
        until = self.now + span
        while self.case.timers and self.case.timers[0].at <= until:
            self.now = max(self.now, self.case.timers[0].at)
            self.ticks()
        self.now = until

    def sleeps(self, span: timedelta) -> None:
        """For a daemon that slept: one look at the end."""
        self.now += span
        self.ticks()

    def ticks(self) -> None:
        self.attends()
        before = self.case
        self.case = tick_case(self.scene(), before)
        new = self.case.letters[len(before.letters) :]
        asked = Counter(letter.to.email for letter in new if letter.kind is LetterKind.REMINDER)
        assert set(asked.values()) <= {1}
        gone = before.returned_at is not None
        assert not (gone and asked[DANA.email]), "nobody would read it"
        assert not gone or {ALEX.email, PAT.email} <= asked.keys() or not asked, "admin's, or nobody's"
        if not before.open:
            assert [letter.topic for letter in new] in ([], ["apology"])
            assert before.owes_apology or not new
        if asked and before.reminders:
            gap = self.now - before.reminders[-1]
            least = FIVE - self.late if self.late <= schedule.ON_TIME else FIVE
            assert gap >= least or before.reminders[-1] < before.changed_at
        if asked:
            self.late = self.now - min(timer.at for timer in before.timers if timer.due is Due.REMINDER)
        assert self.case.timers == () or self.case.timers[0].at > self.now, "decided once"

    def hears(self, word: Word, minutes: int, *, admin: bool) -> None:
        voice = (alex if admin else dana)(f"{word} {self.now}", self.now)
        text = ("a note", "Tue 3pm", "")[minutes // 3 % 3]
        answer = Answer(word=word, text=text, client="Sam Q.")
        if word in OF_TAG:
            late = minutes if word is Word.LATE else None
            answer = Answer(word=word, report=Report(OF_TAG[word], "Sam Q.", late, note="a note"))
        if word in SAYS or (word in {Word.SENT, Word.CONTACTED} and minutes % 3 == 0):
            says = SAYS.get(word, list(Says)[minutes % 2])
            if self.case.kind is not Kind.LATE:  # the others' cannot wait
                word, says = Word.REBOOK if word is Word.WAITS else word, Says.REBOOK
            answer = Answer(word=word, says=says, text=text if minutes % 2 else "")
        if word is Word.OUTCOME:
            outcomes = KINDS[self.case.kind].outcomes
            answer = Answer(word=word, outcome=outcomes[minutes % len(outcomes)], text=text)
        self.marks |= cleared(self.marks, voice.person, self.now, self.now)
        self.attends()
        self.case = answer_case(self.scene(), voice, self.case, answer)
        self.attends()

    def doubts(self) -> None:
        was = self.case
        self.case = doubt_case(self.scene(), dana(f"? {self.now}", self.now), was, Doubt(Why.QUESTION), "well?")
        assert (self.case.state, self.case.outcome, self.case.sent_at) == (was.state, was.outcome, was.sent_at)

    def takes(self, step: tuple[object, ...]) -> None:
        """One of `STEPS`."""
        match step:
            case ("passes", timedelta() as span):
                self.passes(span)
            case ("sleeps", timedelta() as span):
                self.sleeps(span)
            case ("is lost", Sign() as sign, Person() as person):
                self.is_lost(sign, person)
            case ("leaves", bool(back)):
                self.leaves(back)
            case ("hears", Word() as word, int(number), bool(admin)):
                self.now += timedelta(seconds=20)
                self.hears(word, number, admin=admin)
            case _:
                self.now += timedelta(seconds=20)
                self.doubts()

    def holds(self) -> None:
        case = self.case
        days = Counter(at.astimezone(TORONTO).date() for at in case.reminders)
        assert all(count <= cadence_max(case) for count in days.values())
        assert all(early < late for early, late in pairwise(case.reminders))
        owed = Counter(letter.kind for letter in case.letters if letter.post is Post.OWED)
        assert owed[LetterKind.DRAFT] <= 1
        reminded = Counter(one.to.email for one in case.letters if is_owed_reminder(one))
        assert set(reminded.values()) <= {1}
        if case.open:
            asking = {timer.due for timer in case.timers} & {Due.REMINDER, Due.CLOSE}
            assert asking, "a case never ends in silence"
        else:
            assert bool(case.timers) <= case.owes_apology
            assert owed[LetterKind.REMINDER] <= case.owes_apology
            assert not owed[LetterKind.DRAFT]
        assert schedule.plan(case) == case.timers
        assert len({letter.id for letter in case.letters}) == len(case.letters)
        assert len({letter.message_id for letter in case.letters}) == len(case.letters)


def is_owed_reminder(letter: Letter) -> bool:
    return letter.post is Post.OWED and letter.kind is LetterKind.REMINDER


def cadence_max(case: Case) -> int:
    return case.cadence.of(case.kind).max_per_day


WORDS = [word for word in Word if word not in {Word.STATUS, Word.HELP}]
SPANS = st.integers(min_value=1, max_value=3 * 24 * 60).map(lambda minutes: timedelta(minutes=minutes))
STEPS = st.one_of(
    st.tuples(st.just("passes"), SPANS),
    st.tuples(st.just("sleeps"), SPANS),
    st.tuples(st.just("hears"), st.sampled_from(WORDS), st.integers(1, 60), st.booleans()),
    st.tuples(st.just("doubts")),
    st.tuples(st.just("is lost"), st.sampled_from(list(Sign)), st.sampled_from([DANA, ALEX, PAT])),
    st.tuples(st.just("leaves"), st.booleans()),
)


@settings(max_examples=3 * settings().max_examples)
@given(
    kind=st.sampled_from(list(Kind)),
    opened=st.integers(0, 24 * 60 - 1),
    minutes=st.one_of(st.none(), st.integers(1, 180)),
    steps=st.lists(STEPS, max_size=12),
)
def test_whatever_happens(kind: Kind, opened: int, minutes: int | None, steps: list[tuple[object, ...]]) -> None:
    now = local("00:00") + timedelta(minutes=opened)
    case = a_case(kind, now, minutes=minutes if kind is Kind.LATE else None)
    history = History(case, now)
    history.holds()
    for step in steps:
        history.takes(step)
        history.holds()


@given(opened=st.integers(0, 24 * 60 - 1), naps=st.lists(SPANS, min_size=1, max_size=8))
def test_a_daemon_that_wakes_at_any_moment_sends_one_reminder_and_loses_none(
    opened: int, naps: list[timedelta]
) -> None:
    now = local("00:00") + timedelta(minutes=opened)
    history = History(a_case(Kind.NOSHOW, now), now)
    for nap in naps:
        due = next(timer.at for timer in history.case.timers if timer.due is Due.REMINDER)
        had = len(history.case.reminders)
        night = schedule.woke_in_the_night(history.case, history.now + nap)
        history.sleeps(nap)
        assert len(history.case.reminders) - had == (1 if due <= history.now and not night else 0)
