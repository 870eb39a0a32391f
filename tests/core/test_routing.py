"""Whose word it is, on paper: what the conversations do not reach, as tables. No server here."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from tests.cast import ALEX, DANA, LEE, PAT, RAVI, RULES, a_case, local, mail, scene
from tests.rows import each
from workflow.core.cases import Cases
from workflow.core.due import going_on_from
from workflow.core.entries import Voice, replanned
from workflow.core.language import read
from workflow.core.law import answer_case
from workflow.core.mail import Answer, Robot, Word
from workflow.core.model import Case, Decision, Due, Fate, Post, State
from workflow.core.people import Person, Role, Roster, Standing
from workflow.core.readers import attended
from workflow.core.routing import route
from workflow.core.rules import Kind, Rules
from workflow.core.situation import Situation

NOW = local("14:10")
ONEIL = Person("Dan O'Neil", ("oneil@clinic.test",))
OWNER = Person("Dana Lee", ("owner@clinic.test", "dana@clinic.test"))
"""Dana as admin: the first of her addresses is another one there."""


def rules(
    associates: tuple[Person, ...] = (DANA, RAVI), admins: tuple[Person, ...] = (ALEX,), lead: Person | None = None
) -> Rules:
    return replace(RULES, roster=Roster(associates, admins, lead))


def situation(sender: Person, line: str, *cases: Case, among: Rules = RULES, **more: Any) -> Situation:
    written = mail(line, NOW, sender=sender.email)
    gathered = Situation(
        scene=scene(NOW, among),
        mail=written,
        reading=read.read(line, "", ""),
        standing=Standing.KNOWN,
        associate=among.roster.associate(sender.email),
        admin=among.roster.admin(sender.email),
        cases=Cases(cases),
    )
    return replace(gathered, **more)


def decided(given: Situation) -> Decision:
    """What the mail itself makes of the world: nothing else changes here."""
    (decision,) = route(given)
    return decision


def told(decision: Decision) -> list[str]:
    """Who gets what that belongs to no case: ``admin@clinic.test notice bounce``."""
    return [f"{letter.to.email} {letter.kind} {letter.topic}".strip() for letter in decision.letters]


def choices(decision: Decision) -> list[str]:
    return [choice.line for letter in decision.letters for choice in letter.choices]


@each(
    ("line", "offered"),
    [
        ("LATE 15 Sam", ["LATE 15 Sam FOR Dana Lee", "LATE 15 Sam FOR Ravi Patel"]),
        ("LATE 15 Sam FOR Sam", ["LATE 15 Sam FOR Dana Lee", "LATE 15 Sam FOR Ravi Patel"]),
        ("LATE 15 Sam FOR Dan, on the bus", ["LATE 15 Sam FOR Dana Lee, on the bus"]),
        (
            "NOSHOW Sam 1pm FOR Dan O\u2019Neal",
            ["NOSHOW Sam AT 13:00 FOR Dana Lee", "NOSHOW Sam AT 13:00 FOR Ravi Patel"],
        ),
    ],
)
def test_admin_chooses_for_whom(line: str, offered: list[str]) -> None:
    assert choices(decided(situation(ALEX, line)))[: len(offered)] == offered


def test_two_associates_of_one_first_name_are_asked_apart() -> None:
    other = Person("Dana Roy", ("roy@clinic.test",))
    among = rules((DANA, other))
    assert decided(situation(ALEX, "LATE 15 Sam FOR Dana", among=among)).case is None
    opened = decided(situation(ALEX, "LATE 15 Sam FOR Dana Roy", among=among)).case
    assert opened is not None
    assert opened.associate == other


class TestWhatComesBack:
    def bounce(self, case: Case, reader: Person, among: Rules, now: datetime = NOW) -> Decision:
        letter = next(one for one in case.letters if one.to.email == reader.email)
        letter = replace(letter, post=Post.SENT)
        known = replace(case, letters=tuple(letter if one.id == letter.id else one for one in case.letters))
        daemon = mail("Undelivered", now, robot=Robot("bounce", letter.message_id, permanent=True))
        at = scene(now, among)
        return decided(situation(reader, "Undelivered", known, among=among, scene=at, mail=daemon, bounced=letter))

    def test_from_the_only_admin_the_lead_is_told(self) -> None:
        decision = self.bounce(a_case(), ALEX, rules(lead=LEE))
        assert told(decision) == ["lead@clinic.test notice bounce"]
        assert decision.case is not None
        case = attended(replace(scene(NOW), marks=decision.marks), decision.case)
        assert case.returned_at is None  # the associate's reminders go on

    def test_from_the_only_admin_and_no_lead_nobody_is_left(self) -> None:
        decision = self.bounce(a_case(), ALEX, rules())
        assert told(decision) == []
        assert decision.case is not None  # but the case says it
        assert "came back" in decision.case.history[-1].what

    def test_from_one_of_two_admins_the_other(self) -> None:
        assert told(self.bounce(a_case(), PAT, rules(admins=(ALEX, PAT)))) == ["admin@clinic.test notice bounce"]

    def test_at_night_admin_is_not_rung_for_it(self) -> None:
        case = a_case(Kind.NOSHOW, local("22:30"))
        decision = self.bounce(case, DANA, RULES, local("22:31"))
        assert decision.case is not None
        case = attended(replace(scene(local("22:31")), marks=decision.marks), decision.case)
        assert {timer.at for timer in case.timers} == {local("08:00", 6)}


class TestInNobodyS:
    def test_of_a_closed_case_a_stranger_s_word_is_nobody_s_concern(self) -> None:
        closed = replace(a_case(), state=State.CLOSED)
        line = f"[{closed.id}] SENT"
        decision = decided(situation(RAVI, line, closed, standing=Standing.STRANGER, associate=None, admin=None))
        assert decision == Decision("nobody we know")

    def test_of_who_is_known_it_is_not_said_that_nobody_knows_them(self) -> None:
        assert decided(situation(ALEX, "Lunch?", standing=Standing.REFUSED)) == Decision("a refused sender")

    def test_an_admin_s_name_is_told_to_the_others_with_a_choice_for_each(self) -> None:
        decision = decided(situation(ALEX, "NOSHOW Sam", standing=Standing.REFUSED))
        assert told(decision)[:2] == ["admin@clinic.test notice refused", "pat@clinic.test notice refused"]
        assert choices(decision)[:2] == ["NOSHOW Sam FOR Dana Lee", "NOSHOW Sam FOR Ravi Patel"]

    def test_text_about_an_open_case_offers_admin_s_own_words(self) -> None:
        case = a_case()
        line = f"[{case.id}] She says Tuesday is fine"
        decision = decided(situation(RAVI, line, case, standing=Standing.STRANGER, associate=None, admin=None))
        assert choices(decision)[0] == "CONTACTED"


class TestOneHumanBeingTwoEntries:
    """The same person, under other addresses as associate and as admin: they share one."""

    def test_no_alert_about_herself(self) -> None:
        opened = decided(situation(DANA, "NOSHOW Sam", among=rules(admins=(OWNER, ALEX)))).case
        assert opened is not None
        assert {letter.to.email for letter in opened.letters} == {"dana@clinic.test", "admin@clinic.test"}

    def test_no_update_to_herself_when_she_is_alone(self) -> None:
        among = rules(admins=(OWNER,))
        opened = decided(situation(DANA, "NOSHOW Sam", among=among)).case
        assert opened is not None
        assert [letter.to.email for letter in opened.letters] == ["owner@clinic.test", "dana@clinic.test"]
        sent = decided(situation(DANA, f"[{opened.id}] SENT", opened, among=among)).case
        assert sent is not None
        assert [letter.kind for letter in sent.letters[2:]] == ["receipt"]


class TestUnread:
    def test_who_is_the_only_admin_too_has_the_lead_told(self) -> None:
        among = rules(admins=(OWNER,), lead=LEE)
        decision = decided(situation(DANA, "Lathe 15 Sam", among=among))
        assert told(decision) == ["dana@clinic.test help unread", "lead@clinic.test notice unread"]

    def test_an_admin_who_named_the_associate_is_offered_just_that(self) -> None:
        decision = decided(situation(ALEX, "Lathe 15 Sam FOR Dana"))
        assert told(decision) == ["admin@clinic.test help unread", "pat@clinic.test notice unread"]
        assert set(choices(decision)) == {"LATE 15 Sam FOR Dana"}

    def test_no_reading_no_choice(self) -> None:
        decision = decided(situation(DANA, "LATE for the 3pm meeting?"))
        assert told(decision)[0] == "dana@clinic.test help unread"
        assert decision.fate is Fate.LEFT


def test_an_answer_that_names_no_case_at_all_offers_how_to_write() -> None:
    assert choices(decided(situation(DANA, "connected"))) == ["HELP"]


def test_a_long_line_under_an_unknown_id_is_not_offered_again() -> None:
    decision = decided(situation(DANA, "[ZZZ2] " + "she is so very sorry about all of this " * 3, a_case()))
    assert choices(decision) == ["STATUS"]


@each("word", [Word.STATUS, Word.HELP, Word.CANCEL])
def test_these_do_nothing_to_a_case(word: Word) -> None:
    case = a_case()
    voice = Voice(mail(word.value, NOW), DANA, Role.ASSOCIATE)
    assert answer_case(scene(NOW), voice, case, Answer(word)) is case


def test_a_clock_that_was_wrong_leaves_nothing_in_the_future() -> None:
    case = a_case(opened=local("18:00"))
    resumed = going_on_from(replace(case, reminders=(local("13:00"), local("18:05"))), NOW)
    assert resumed.reminders == (local("13:00"),)
    assert max(resumed.changed_at, resumed.reported_at) == NOW
    assert resumed.timers[0].at > NOW
    assert going_on_from(resumed, NOW) is resumed


@each("mark", ["returned_at", "away_at"])
def test_who_went_away_by_a_clock_that_was_wrong_is_away_since_now(mark: str) -> None:
    case = a_case(Kind.LATE, NOW - timedelta(minutes=3), minutes=5)
    away: dict[str, Any] = {mark: NOW + timedelta(days=365)}
    ahead = going_on_from(replanned(replace(case, **away)), NOW)
    assert [timer.at for timer in ahead.timers if timer.due is Due.ESCALATION] == [NOW]
    assert all(timer.at < NOW + timedelta(days=2) for timer in ahead.timers)
