"""Behind "no show" in the thread of a client who is waited for: why they stayed away, who signs, or somebody else.

A reason or the sender's own name is a note; another name, and every doubt, is asked back. Contract section 2.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from tests.cast import a_case
from tests.rows import each
from workflow.core.language.given_names import GIVEN_NAMES
from workflow.core.language.read import read
from workflow.core.language.reasons import REASONS
from workflow.core.language.reply import answer
from workflow.core.mail import Answer
from workflow.core.model import Outcome
from workflow.core.people import Role
from workflow.core.rules import Kind

CASE = replace(a_case(Kind.WAITING), client="Sam Peters")

FORMS = ["no show - {}", "no show: {}", "No show. {}", "NOSHOW {}", "NO-SHOW, {}", "client no show - {}", "missed, {}"]
FORMS += ["didn't come - {}", "absent, {}", "No-show ({})"]

REASON = """
flu|covid|migraine|a migraine|stomach bug|sick kid|her kid is sick|car trouble|car broke down|flat tire|traffic|
snowed in|bus was late|missed her bus|train strike|overslept|forgot|she forgot|forgot again|work|work ran late|
stuck at work|childcare|no childcare|childcare fell through|family emergency|funeral|death in the family|hospital|
in hospital|ER visit|doctor's appointment|dentist|surgery|back pain|fever|cold|strep|food poisoning|vomiting|anxiety|
panic attack|too anxious|power outage|internet down|wifi|zoom trouble|tech problems|lost her phone|phone died|
mixed up the time|time zone|thought it was tomorrow|on holiday|vacation|jury duty|court|exam|school|moved away|money|
wants to stop|sister's wedding|new job|busy|too busy|double booked|weather|ice storm|blizzard|gastro|bronchitis|
conjunctivitis|toothache|shingles|ear infection|says she forgot|texted that she is ill|called in sick|ill|sick|unwell|
hangover|locked out|keys lost|dog died|vet|babysitter|parking|still sick|away|asleep|slept in|out sick|labour|
appendicitis|tonsillitis|chickenpox|sore throat|earache|car accident|bridge closed|roadworks|fog|storm|flooded basement|
burst pipe|laryngitis|landlord|custody hearing|interview|exam week|graduation|bereavement|mother ill|father in hospital
"""
MOOD = """
again|argh|ugh|so annoying|third time|3rd time this month|as usual|sigh|:(|!!|typical|frustrating!|disappointing|sorry|
what a shame|no call|no call, no text|grr|annoyed|sad|unbelievable|fine|great|whatever
"""
REASONS_AND_MOODS = [said.strip() for said in f"{REASON}|{MOOD}".replace("\n", "").split("|") if said.strip()]

NAMES = """
Kim|Ben|Ravi|Kim Roy|Mrs Smith|Mohamed|Sterling|Zoë|O'Neil|kim|ben|noor|Nguyen|K.R.|Ana Silva|Jean-Luc|Eli|Noor|Jo|
Fred Ng|Ahmed|KIM|Kim, flu|Ben - sick
""".replace("\n", "").split("|")
OWN = [
    "Dana",
    "Dana Lee",
    "dana",
    "DL",
    "D.L.",
    "Dana L.",
    "Sam",
    "Sam Peters",
    "sam",
    "Sam - flu",
    "Sam, so sad",
    "S.P.",
]
DOUBTS = ["yet", "maybe", "I think", "if she is not here by 3", "probably", "so far", "but she is parking", "flu?"]
DOUBTS += ["she will come", "not sure", "still hoping", "on her way, coming", "waiting five more", "rescheduled to Tue"]


def ended(line: str) -> Outcome | None:
    decided = answer(read("Re: x", line, ""), CASE, Role.ASSOCIATE, "Dana Lee")
    return decided.outcome if isinstance(decided, Answer) else None


CAPITALS = [str, str.capitalize, str.upper]


def test_there_are_over_three_hundred_of_each_side() -> None:
    assert len(REASONS_AND_MOODS) * len(CAPITALS) >= 300
    assert len(FORMS) * len(REASONS_AND_MOODS) >= 1000


@pytest.mark.slow
@each(("form", "said", "cased"), product(FORMS, REASONS_AND_MOODS, CAPITALS))
def test_a_reason_or_a_mood_is_a_note(form: str, said: str, cased: type[str]) -> None:
    assert ended(form.format(cased(said))) is Outcome.ABSENT


@each(("form", "said"), product(FORMS, OWN))
def test_so_is_who_signs_and_the_client(form: str, said: str) -> None:
    assert ended(form.format(said)) is Outcome.ABSENT


def test_a_signature_below_is_a_note_whoever_signs() -> None:
    for said in ("no show\n\nKim", "no show - flu\nBen Roy", "NOSHOW\n-Kim"):
        assert ended(said) is Outcome.ABSENT


@each(("form", "said"), product(FORMS[:7], NAMES))
def test_another_name_is_asked_back(form: str, said: str) -> None:
    assert ended(form.format(said)) is None


@each(("form", "said"), product([*FORMS[:7], "no show {}"], DOUBTS))
def test_a_doubt_is_asked_back(form: str, said: str) -> None:
    assert ended(form.format(said)) is None


def test_without_a_sign_between_a_reason_is_known_by_its_word() -> None:
    for said in ("flu", "sick kid", "car trouble", "again", "ugh", "traffic"):
        assert ended(f"no show {said}") is Outcome.ABSENT
    for said in ("fee", "policy", "kim", "charge for flu invoice", "list"):
        assert ended(f"no show {said}") is None


def test_no_reason_is_a_given_name_and_each_is_written_as_it_is_compared() -> None:
    assert REASONS.isdisjoint(GIVEN_NAMES)
    assert all(word == word.lower() for word in REASONS | GIVEN_NAMES)
