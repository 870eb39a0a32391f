"""Response times, and the lines of the digest that are made of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from tests.cast import RULES, a_case, dana, local, scene
from tests.rows import each
from workflow.core.digest import digest, next_digest_at
from workflow.core.figures import contact_minutes, figures, median_minutes
from workflow.core.language.printed import standing
from workflow.core.law import answer_case, doubt_case
from workflow.core.mail import Answer, Doubt, Why, Word
from workflow.core.model import Case, Outcome, State
from workflow.core.privacy import wiped
from workflow.core.rules import Kind


def told_after(minutes: int, kind: Kind = Kind.NOSHOW) -> Case:
    return replace(a_case(kind, local("14:00")), told_at=local("14:00") + timedelta(minutes=minutes))


def test_minutes_from_the_report_to_the_client() -> None:
    assert contact_minutes(told_after(4)) == 4
    assert contact_minutes(a_case()) is None
    assert contact_minutes(told_after(4, Kind.WAITING)) is None  # nobody was told anything bad
    assert median_minutes([told_after(2), told_after(4), told_after(30), a_case()]) == 4
    assert median_minutes([a_case()]) is None


@each(("days", "since"), [(0, "this morning"), (1, "yesterday"), (3, "Monday"), (9, "27 October")])
def test_the_headline_says_since_when(days: int, since: str) -> None:
    now = local("14:30")  # Thursday, the 5th of November
    ended = replace(told_after(4), state=State.CLOSED, outcome=Outcome.RESCHEDULED)
    told = digest(scene(now), [a_case()], [ended], now - timedelta(days=days), [])
    assert told[0].data["headline"] == f"1 open, 1 closed since {since}, median 4 min to contact."


def test_a_line_for_each_case() -> None:
    now = local("08:30", 6)
    gone = replace(a_case(Kind.WAITING), state=State.CLOSED, outcome=Outcome.OTHER, outcome_note="no answer")
    wrong = replace(told_after(0), client=None, state=State.CANCELLED)
    old = replace(a_case(), id="K7Q2", reminders=(local("14:05"),), history=())
    data = digest(scene(now), [old], [gone, wrong], local("08:30"), [])[0].data
    reported = "reported Thu 5 Nov, 2:00 pm"
    assert data["open"] == [
        f"[K7Q2] Sam P., noshow, missed by Dana L., {reported}: CLIENT NOT KNOWN TO BE TOLD, asked once"
    ]
    assert data["closed"] == [
        f"[{gone.id}] Sam P., waiting, Dana L., {reported}: other (no answer)",
        f"[{wrong.id}] client not named, noshow, missed by Dana L., {reported}: a mistake, 0 min to contact",
    ]


@each(
    ("case", "known"),
    [
        (a_case(), "CLIENT NOT KNOWN TO BE TOLD"),
        (replace(a_case(), reached_at=local("14:05")), "client reached by admin"),
        (replace(told_after(4), sent_at=None), "client told, but not of the last change"),
        (replace(told_after(4), sent_at=local("14:04")), "client messaged"),
        (a_case(Kind.WAITING), "no outcome yet"),
    ],
)
def test_what_is_known_of_an_open_case(case: Case, known: str) -> None:
    assert standing(case) == known


def test_open_cases_stand_oldest_first() -> None:
    cases = [a_case(opened=local(clock), client=name) for clock, name in (("15:00", "Kim"), ("14:00", "Sam"))]
    listed = digest(scene(local("08:30", 6)), cases, [], local("08:30"), [])[0].data["open"]
    assert isinstance(listed, list)
    assert [line.split()[1] for line in listed] == ["Sam,", "Kim,"]


def test_what_was_last_heard_is_told_in_a_word() -> None:
    asked = doubt_case(scene(local("14:20")), dana("hm", local("14:20")), a_case(), Doubt(Why.NO_WORD), "hm")
    data = digest(scene(local("08:30", 6)), [asked], [], local("08:30"), [])[0].data
    assert str(data["open"]).endswith("last heard Thu 5 Nov, 2:20 pm: an unclear answer']")


@each(
    ("answers", "undated"),
    [
        (["RESCHEDULED"], 1),
        (["RESCHEDULED she was kind"], 1),
        (["RESCHEDULED Tue 3pm"], 0),
        (["RESCHEDULED", "RESCHEDULED Tue 3pm"], 0),
        (["RESCHEDULED Tue 3pm", "MAKEUP"], 0),
        (["RESCHEDULED", "MAKEUP"], 1),
        (["RESCHEDULED", "UNREACHABLE"], 0),
        (["UNREACHABLE", "RESCHEDULED", "UNDO"], 0),
        (["RESCHEDULED", "UNREACHABLE", "UNDO"], 1),
        (["RESCHEDULED", "MISTAKE"], 0),
    ],
)
def test_who_was_rescheduled_without_a_time_is_counted_as_long_as_the_case_is_kept(
    answers: list[str], undated: int
) -> None:
    case = a_case()
    for minute, said in enumerate(answers, 1):
        now = local(f"14:{minute:02}")
        word, _, text = said.partition(" ")
        outcome = Outcome(word.lower()) if word.lower() in set(Outcome) else None
        answer = Answer(Word.OUTCOME if outcome else Word(word), outcome=outcome, text=text)
        case = answer_case(scene(now), dana(said, now), case, answer)
    assert figures([case]).undated == figures([wiped(case, local("14:00", 28))]).undated == undated


def test_nothing_to_say_is_said_on_mondays_alone() -> None:
    assert digest(scene(local("08:30", 6)), [], [], local("08:30"), []) == ()
    assert len(digest(scene(local("08:30", 9)), [], [], local("08:30", 8), [])) == len(RULES.roster.admins)
    assert next_digest_at(local("08:30"), replace(RULES, digest_at=None)) is None
