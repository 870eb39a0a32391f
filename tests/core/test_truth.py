"""No letter says what is not so (contract section 4): every letter of histories drawn at random, sentence by sentence.

Each row has what a letter may say, and when it may. What is said is read off the letter as it is sent, at the moment
at which it is decided; whether it is so is read off the case, before and after.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cast import DANA, RULES, TORONTO, a_case, local
from tests.core.test_histories import STEPS, History
from workflow.core.entries import is_moved
from workflow.core.language.printed import when
from workflow.core.mail import Word
from workflow.core.model import Case, Due, Letter, LetterKind, Outcome, Says, State
from workflow.core.people import Role
from workflow.core.presence import Sign
from workflow.core.rules import Kind
from workflow.core.schedule import unread_since
from workflow.mail.writing.render import Letters

pytestmark = pytest.mark.slow

LETTERS = Letters(RULES, instance="a1b2c3")
CHOICE = re.compile(r"(?m)^- .* \([A-Z]+\)\n")
"""What the reader may say, not what the letter says."""


@dataclass(frozen=True)
class Told:
    """One letter, and what it is about."""

    letter: Letter
    text: str
    found: re.Match[str]
    before: Case | None
    case: Case

    @property
    def together(self) -> list[Letter]:
        """The letters of the same moment."""
        return [letter for letter in self.case.letters if letter.created_at == self.letter.created_at]

    @property
    def open(self) -> bool:
        return self.case.open

    @property
    def unmoved(self) -> bool:
        return not is_moved(self.before, self.case)

    @property
    def settled(self) -> bool:
        """Whether there is a new time where one is wanted, and nothing to read."""
        case = self.case
        undated = case.outcome is Outcome.RESCHEDULED and "3pm" not in (case.outcome_note or "")
        wanted = case.open and case.client_says is Says.REBOOK
        return not (wanted or undated or " wrote: " in self.text)

    @property
    def over(self) -> bool:
        """Whether the session is, by what was reported; of a later report no time is known."""
        case = self.case
        lasts = timedelta(minutes=case.minutes or 0) + case.cadence.session
        ends = [at + lasts for at in (case.session_at, case.reported_at) if at is not None]
        return self.letter.created_at >= next(end for end in ends if end > case.reported_at)

    def due(self, *dues: Due) -> list[datetime]:
        return [timer.at for timer in self.case.timers if timer.due in dues]

    @property
    def is_read(self) -> bool:
        """Whether the associate reads this, or admin's words about it."""
        return self.letter.role is Role.ASSOCIATE or unread_since(self.case) is None

    def hears_at(self, said: str) -> bool:
        """Whether admin hears again then."""
        times = {when(at, self.letter.created_at, TORONTO) for at in self.due(Due.ESCALATION)}
        return said.partition(" ")[2] in times

    def was_asked(self, name: str) -> bool:
        updates = [
            letter for letter in self.case.letters if (letter.kind, letter.topic) == (LetterKind.UPDATE, "rebook")
        ]
        return any(name in {letter.to.name, letter.to.name.split()[0]} for letter in updates)

    def are_told(self, names: str) -> bool:
        alerted = {letter.to.name for letter in self.together if letter.kind is LetterKind.ALERT}
        return set(names.split(", ")) == alerted

    def session_was(self, day: str) -> bool:
        """Whether the session was on that day, seen from the letter's."""
        local = (self.case.session_at or self.case.reported_at).astimezone(TORONTO)
        ago = (self.letter.created_at.astimezone(TORONTO).date() - local.date()).days
        ago += self.case.session_at is None and self.case.yesterday
        return {"today": ago == 0, "yesterday": ago == 1}.get(day, ago > 1)


CLAIMS: dict[str, Callable[[Told], bool]] = {
    "Nothing to do": lambda told: told.settled,
    "Nothing more to (?:answer|do)|nothing more to answer": lambda told: (
        not told.open and not (told.letter.role is Role.ASSOCIATE and told.case.owes_apology)
    ),
    "reply CONNECTED|Once it is settled|reply how it ended": lambda told: told.open,
    "When you connect, reply": lambda told: told.case.kind is Kind.LATE and told.case.client_says is not Says.REBOOK,
    r"still owns? the response|CONTACTED\. .* still owns": lambda told: told.open and told.is_read,
    "note about .* was passed on|is passed on to": lambda told: told.is_read,
    r"the message for the client comes to you (?P<at>.+?)\.\n": lambda told: told.hears_at(told.found["at"]),
    "no word yet that the client was messaged or reached": lambda told: told.case.contacted_at is None,
    "No SENT yet|Reply SENT if you": lambda told: told.case.sent_at is None,
    "No outcome yet|No new time yet": lambda told: told.open,
    "may not have been told": lambda told: told.case.sent_at is None and told.case.reached_at is None,
    "No apology yet|an apology from you is still owed \\(": lambda told: told.case.owes_apology,
    "wants a new time|the client wants one|who wants one": lambda told: told.case.client_says is Says.REBOOK,
    "can wait[.,;]": lambda told: told.case.client_says is Says.WAITS,
    "was asked what it means": lambda told: LetterKind.ASK in {letter.kind for letter in told.together},
    r"(?P<name>\w+(?: \w+)?) is asked for a time": lambda told: told.was_asked(told.found["name"]),
    "nothing was (?:closed|changed|recorded)": lambda told: told.unmoved,
    "It was kept as a note": lambda told: told.case.notes != (),
    r"You hear again (?P<at>at .+?|on .+?), unless": lambda told: told.hears_at(told.found["at"]),
    "You hear again when": lambda told: not told.due(Due.ESCALATION) or told.case.sent_at is not None,
    "case is open again|The case stays open until": lambda told: told.open,
    "recorded how it ended": lambda told: told.case.state is State.CLOSED,
    "could not reach them, the clinic has": lambda told: told.case.reached_at is not None,
    "The client has a new time|has given them one": lambda told: "3pm" in (told.case.outcome_note or ""),
    "closes by itself in the morning": lambda told: told.due(Due.CLOSE) != [],
    "The client is messaged; the text|has messaged the client": lambda told: told.case.sent_at is not None,
    "On record: .* was messaged|Recorded: you messaged": lambda told: told.case.sent_at is not None,
    "clinic has reached the client": lambda told: told.case.reached_at is not None,
    "message from you is still owed": lambda told: told.open and told.case.sent_at is None,
    "does not read mail": lambda told: told.case.returned_at is not None or told.case.away_at is not None,
    "was closed before": lambda told: not told.open,
    "Admin is being told now: (?P<names>.+)\\.": lambda told: told.are_told(told.found["names"]),
    r"our appointment time (?P<day>today|yesterday|on \w+)": lambda told: told.session_was(told.found["day"]),
    "expects? to be .* late(?: today)?": lambda told: not told.over,
    "Add the client's name|Nobody said who the client is|does not name the client": lambda told: (
        told.case.client is None or len(told.case.client) < 6
    ),
}


class Truthful(History):
    """A history whose every letter is read when it is decided."""

    def __init__(self, case: Case, now: datetime, seen: set[str]) -> None:
        super().__init__(case, now)
        self.seen = seen
        self.known: Case | None = None
        self.reads()

    def attends(self) -> None:
        super().attends()
        self.reads()

    def ticks(self) -> None:
        super().ticks()
        self.reads()

    def hears(self, word: Word, minutes: int, *, admin: bool) -> None:
        super().hears(word, minutes, admin=admin)
        self.reads()

    def doubts(self) -> None:
        super().doubts()
        self.reads()

    def reads(self) -> None:
        """Whatever is new."""
        before, case = self.known, self.case
        for letter in case.letters[len(before.letters) if before is not None else 0 :]:
            text = CHOICE.sub("", LETTERS.text(letter, letter.created_at))
            for said, holds in CLAIMS.items():
                for found in re.finditer(said, text):
                    self.seen.add(said)
                    assert holds(Told(letter, text, found, before, case)), f"{said!r} in\n{text}"
        self.known = case


@settings(max_examples=3 * settings().max_examples)
@given(
    kind=st.sampled_from(list(Kind)),
    opened=st.integers(0, 24 * 60 - 1),
    minutes=st.one_of(st.none(), st.integers(1, 180)),
    client=st.sampled_from(["Sam P.", "S.P.", None]),
    steps=st.lists(STEPS, max_size=8),
)
def test_no_letter_says_what_is_not_so(
    kind: Kind, opened: int, minutes: int | None, client: str | None, steps: list[tuple[object, ...]]
) -> None:
    now = local("00:00") + timedelta(minutes=opened)
    case = a_case(kind, now, minutes=minutes if kind is Kind.LATE else None, client=client)
    history = Truthful(case, now, set())
    for step in steps:
        history.takes(step)


def said(word: Word, number: int = 1, *, admin: bool = False) -> tuple[object, ...]:
    return ("hears", word, number, admin)


HOUR, DAY = ("passes", timedelta(hours=1)), ("passes", timedelta(days=1))
NAPS = ("sleeps", timedelta(hours=2))
GONE = ("is lost", Sign.RETURNED, DANA)
AWAY = ("is lost", Sign.ANSWERED, DANA)
MEANT: list[tuple[Kind, int | None, str | None, list[tuple[object, ...]]]] = [
    (Kind.LATE, 15, "Sam P.", [("passes", timedelta(minutes=12)), said(Word.SENT), said(Word.WAITS, 2), HOUR, DAY]),
    (Kind.LATE, 15, None, [said(Word.REBOOK, 2), HOUR, said(Word.MAKEUP), said(Word.LATE, 25), NAPS]),
    (Kind.LATE, 20, "S.P.", [said(Word.SENT), said(Word.CLIENT), said(Word.CONTACTED, admin=True), HOUR]),
    (Kind.LATE, 5, "S.P.", [said(Word.CONTACTED, admin=True), ("passes", timedelta(minutes=6)), said(Word.OUTCOME, 4)]),
    (Kind.NOSHOW, None, "Sam P.", [said(Word.OUTCOME, 3, admin=True), DAY, ("doubts",)]),
    (Kind.NOSHOW, None, "Sam P.", [("doubts",), GONE, HOUR, DAY, said(Word.OUTCOME, 4, admin=True)]),
    (Kind.NOSHOW, None, "S.P.", [said(Word.SENT, admin=True), said(Word.OUTCOME, 4), said(Word.UNDO, admin=True)]),
    (Kind.LATE, 25, "S.P.", [AWAY, said(Word.LATE, 40, admin=True), HOUR]),
    (Kind.NOSHOW, None, "S.P.", [said(Word.CONTACTED, 2, admin=True), said(Word.OUTCOME, 4)]),
    (Kind.WAITING, None, "S.P.", [HOUR, said(Word.REBOOK, 2), said(Word.MISTAKE), said(Word.SENT)]),
]
"""Histories in which every sentence of `CLAIMS` is said."""


def test_every_sentence_is_met() -> None:
    seen: set[str] = set()
    for kind, minutes, client, steps in MEANT:
        case = a_case(kind, local("14:00"), minutes=minutes, client=client)
        history = Truthful(case, local("14:00"), seen)
        for step in steps:
            history.takes(step)
    assert CLAIMS.keys() - seen == set()
