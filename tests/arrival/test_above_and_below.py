"""What gateways put above a report or an answer, and what people write above or under it. Contract section 3.

From bytes to decision, without a store. The banners are in `banners.txt`: eight languages, and some that nobody knows.
"""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.arrival.test_among_others import CASES, heard
from tests.cast import ALEX, DANA, a_case
from tests.core.language.readings import told
from tests.mail.reading import mail
from tests.rows import each
from workflow.core.language.banners import banner_ends
from workflow.core.language.read import read
from workflow.core.mail import Mail
from workflow.core.model import Case, Decision, LetterKind, Outcome
from workflow.core.routing import route
from workflow.core.rules import Kind

_TEXT = Path(__file__).with_name("banners.txt").read_text("utf-8")
_KNOWN, _, _UNKNOWN = _TEXT.partition("# Nobody knows these\n")


def _paragraphs(text: str) -> list[str]:
    return [part.strip("\n") for part in re.split(r"\n\s*\n", re.sub(r"(?m)^# .*\n", "", text)) if part.strip()]


KNOWN, UNKNOWN = _paragraphs(_KNOWN), _paragraphs(_UNKNOWN)
BANNERS = [*KNOWN, *UNKNOWN]
SAM = a_case(Kind.NOSHOW)


def written(text: str, subject: str = "", *, html: bool = False, sender: str = DANA.email) -> Mail:
    kind = "Content-Type: text/html; charset=utf-8" if html else "Content-Type: text/plain; charset=utf-8"
    body = "".join(f"<p>{part.replace(chr(10), '<br>')}</p>" for part in text.split("\n\n")) if html else text
    return mail(f"Subject: {subject}", "To: clinic@clinic.test", kind, body=body.encode(), sender=sender)


def decided(one: Mail, case: Case | None, *, thread: bool = False) -> Decision:
    situation = heard(one, case)
    return route(replace(situation, thread=(case.id,)) if thread and case is not None else situation)[-1]


def kinds(decision: Decision) -> list[str]:
    return [letter.kind.value for letter in decision.letters]


# --- above -------------------------------------------------------------------------------------------


def test_there_are_banners_of_eight_languages_and_more() -> None:
    assert len(KNOWN) >= 40
    assert sum(line.startswith("# ") for line in _KNOWN.splitlines()) >= 8


@each(("banner", "html"), product([banner.replace("<", "(").replace(">", ")") for banner in BANNERS], [False, True]))
def test_a_report_below_a_banner_is_read(banner: str, html: bool) -> None:
    for subject in ("", "Hello"):
        case = decided(written(f"{banner}\n\nLATE 15 Sam", subject, html=html), None).case
        assert case is not None
        assert (case.client, case.minutes) == ("Sam", 15)
        assert banner not in KNOWN or case.notes == ()


@each("banner", BANNERS)
def test_an_answer_below_a_banner_is_read(banner: str) -> None:
    case = decided(written(f"{banner}\n\nRESCHEDULED Tue 3pm", "Re: x"), SAM, thread=True).case
    assert case is not None
    assert case.outcome is Outcome.RESCHEDULED
    assert banner not in KNOWN or case.outcome_note == "Tue 3pm"


@each("banner", BANNERS)
def test_glued_to_a_banner_nothing_is_silent(banner: str) -> None:
    decision = decided(written(f"{banner}\nLATE 15 Sam"), None)
    if banner in KNOWN:
        assert decision.case is not None
        assert decision.case.client == "Sam"
    else:
        assert kinds(decision)[:2] == ["help", "notice"]
        assert decision.letters[0].choices[0].line == "LATE 15 Sam"
    answered = decided(written(f"{banner}\nRESCHEDULED Tue 3pm", "Re: x"), SAM, thread=True).case
    assert answered is not None
    assert banner not in KNOWN or answered.outcome is Outcome.RESCHEDULED
    assert any(letter.kind is LetterKind.ASK for letter in answered.letters) or answered.outcome is not None


@each("banner", KNOWN)
def test_a_banner_alone_says_nothing(banner: str) -> None:
    assert written(banner).new_text == ""
    tapped = decided(written(banner, f"[{SAM.id}] RESCHEDULED"), SAM).case
    assert tapped is not None
    assert tapped.outcome is Outcome.RESCHEDULED
    assert tapped.outcome_note in {None, ""}


NO_BANNERS = """
Her mother's mail is external to us, please phone
Important: she waits outside, message her mother
Attention: the door is locked
Please email her, she is outside of the building
The sender of the parcel is unknown
Note for Monday: outside lights
This message is for Alex
Warning: she is angry
""".strip().splitlines()


@each("line", NO_BANNERS)
def test_what_people_write_is_no_banner(line: str) -> None:
    assert banner_ends([line]) == 0
    assert written(f"{line}\n\nThanks").new_text == f"{line}\n\nThanks"


@each("line", ["LATE 15 Sam", "Texted Sam", "Please call me", "Two things"])
def test_a_banner_right_under_a_line_takes_nothing_of_it(line: str) -> None:
    assert not [banner for banner in BANNERS if banner_ends([line, *banner.splitlines()])]


@given(st.lists(st.sampled_from([*BANNERS, "", "LATE 15 Sam", "SENT", "she is fine", "=" * 30]) | st.text(max_size=30)))
@example(["LATE 15 Sam", "CAUTION: This email originated from outside of the organization. Do not click links."])
def test_where_a_banner_ends_is_always_in_the_text(lines: list[str]) -> None:
    assert 0 <= banner_ends(lines) <= len(lines)
    assert not any(line in {"LATE 15 Sam", "SENT"} for line in lines[: banner_ends(lines)])


@each(
    ("text", "expected"),
    [
        ("Stuck in traffic.\n\nLATE 15 Sam", "late 15 Sam | Stuck in traffic."),
        ("Hi Alex,\n\nMy bus broke down.\n\nNOSHOW Sam\nso sorry", "noshow Sam | so sorry\n\nMy bus broke down."),
        ("Hi Alex,\n\nLATE 15 Sam", "late 15 Sam"),
        ("Can you do this?\n\nLATE 15 Sam", "nothing"),
        ("He wrote:\n\nLATE 15 Sam", "nothing"),
        ("Late again!\n\nLATE 15 Sam", "unclear -"),
        ("Stuck in traffic.\n\nlate Sam", "late - Sam | Stuck in traffic."),
        ("Stuck.\n\nStill stuck.\n\nLATE 15 Sam", "nothing"),
    ],
)
def test_a_first_paragraph_without_a_word_of_ours_is_passed_over(text: str, expected: str) -> None:
    assert told(read("", text, "")) == expected


@each(
    "text",
    [
        "She has not rescheduled yet.\n\nRESCHEDULED Tue 3pm",
        "Which of these, then?\n\nRESCHEDULED",
        "I do not know.\n\nRESCHEDULED",
        "Your mail says:\n\nRESCHEDULED",
        "What she said -\n\nRESCHEDULED",
    ],
)
def test_what_asks_denies_or_leads_to_a_word_is_not_passed_over(text: str) -> None:
    case = decided(written(text, "Re: x"), SAM, thread=True).case
    assert case is not None
    assert case.outcome is None


# --- a report on a line that does not speak ----------------------------------------------------------

NEVER_SILENT = [
    ("Stuck in traffic.\nLATE 15 Sam", "LATE 15 Sam"),
    ("Good morning to you, Alex and Pat.\nThe bridge is closed.\n15 late for Sam, sorry", "LATE 15 Sam"),
    ("Two things.\n\nInvoice 12 is paid.\n\nNOSHOW Kim YESTERDAY 7pm", "NOSHOW Kim YESTERDAY AT 19:00"),
    ("Ich stecke fest.\nLATE 20", "LATE 20"),
    ("Look at this.\nThank you.\nNOSHOW", "NOSHOW"),
]


@each(("text", "likely"), NEVER_SILENT)
@each("case", [None, *CASES])
def test_a_report_further_down_earns_help_and_a_notice(case: Case | None, text: str, likely: str) -> None:
    decision = decided(written(text), case)
    assert decision.case is None
    assert [*dict.fromkeys(kinds(decision))] == ["help", "notice"]
    assert decision.letters[0].choices[0].line == likely
    assert decision.letters[1].choices[0].line == f"{likely} FOR Dana Lee"
    assert decision.key is not None
    assert read(likely, "", "").report is not None


@each("text", ["Stuck.\nlate Sam", "About the fee.\nnoshow policy", "Thanks.\nMissed your call", "Two.\nLATE fees"])
def test_what_is_no_whole_report_further_down_is_the_desk_s(text: str) -> None:
    assert decided(written(text), None).letters == ()


def test_beside_what_a_word_does() -> None:
    """ "SENT" about Sam is recorded, and the report about Kim under it is offered."""
    decision = decided(written("SENT\nLATE 15 Kim", "Re: x"), SAM, thread=True)
    assert decision.case is not None
    assert decision.case.sent_at is not None
    assert [*dict.fromkeys(kinds(decision))] == ["help", "notice"]
    assert decision.letters[0].choices[0].line == "LATE 15 Kim"


def test_an_admins_text_is_a_note_or_untagged() -> None:
    text = "Please note.\nLATE 15 Sam"
    assert decided(written(text, sender=ALEX.email), None).letters == ()
    assert decided(written(text, "Re: x", sender=ALEX.email), SAM, thread=True).letters == ()


@each("field", ["To: kim@x.test", "Cc: clinic@clinic.test, kim@x.test"])
def test_what_others_read_too_is_told_to_admin_alone(field: str) -> None:
    for text, letters in (
        ("Lathe 15 Sam", ["notice"]),
        ("Stuck.\nLATE 15 Sam", ["notice"]),
        ("late Sam or Kim", ["notice"]),
        ("Missed your call", []),
    ):
        decision = decided(mail("Subject: ", field, body=text), None)
        assert [*dict.fromkeys(kinds(decision))] == letters, text
    forwarded = mail("Subject: Fwd: LATE 15 Sam", field, body="see below")
    assert decided(forwarded, None).letters == ()


# --- ordinary desk mail --------------------------------------------------------------------------------

DESK = Path(__file__).with_name("desk.txt").read_text("utf-8").splitlines()
HELPED = 45
"""So many of them got help before anything was read below the first line: "Late fee - Mrs Smith" and the like."""


@pytest.mark.slow
def test_of_ordinary_desk_mail_nothing_is_recorded_and_no_more_is_helped() -> None:
    assert len(DESK) == len(set(DESK)) >= 200
    for in_subject, case in product((True, False), (None, *CASES)):
        helped = 0
        for line in DESK:
            decision = decided(written("" if in_subject else line, line if in_subject else ""), case)
            assert decision.case is None, line
            helped += "help" in kinds(decision)
        assert helped <= HELPED


@pytest.mark.slow
def test_nor_under_a_greeting_nor_in_a_row() -> None:
    texts = [f"Hi Alex,\n\n{one}\n{two}\n{three}" for one, two, three in zip(DESK, DESK[1:], DESK[2:], strict=False)]
    helped = [text for text in texts if "help" in kinds(decided(written(text, "Two things"), None))]
    assert all(decided(written(text, "Two things"), CASES[0]).case is None for text in texts)
    assert len(helped) <= HELPED
