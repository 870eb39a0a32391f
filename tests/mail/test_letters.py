"""What our letters say: goldens of every text, and contract section 4 over all of them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import get_args
from urllib.parse import unquote

import pytest

from tests.mail.letter_reading import (
    LETTERS,
    SAMPLES,
    draft_in,
    every_letter,
    letters_of_a_case,
    mail_of,
    outcomes_in_front,
    part_of,
    subject_of,
    text_of,
)
from tests.mail.letter_samples import LATE, NOSHOW, NOW, RULES, TWO, written
from tests.rows import each
from workflow.core.kinds import KINDS
from workflow.core.language.prefixes import read_subject
from workflow.core.language.vocabulary import TAG_PHRASES
from workflow.core.mail import Mark
from workflow.core.marker import MARKER
from workflow.core.model import Choice, LetterKind, Outcome, State
from workflow.core.owed import choices
from workflow.core.people import Person, Role
from workflow.core.rules import Kind
from workflow.core.topics import LETTERS as TABLE
from workflow.core.topics import Row, Topic
from workflow.mail.writing.render import Letters, Unsafe
from workflow.mail.writing.samples import trial_letters
from workflow.mail.writing.templates import OURS
from workflow.mail.writing.values import Wording

GOLDEN = Path(__file__).parent / "golden"


# --- goldens ---------------------------------------------------------------------------------------


@each("name", SAMPLES)
def test_the_text_is_the_golden_one(name: str) -> None:
    """``UPDATE_GOLDEN=1`` writes the goldens anew; read the diff."""
    letter = SAMPLES[name]
    said = f"Subject: {subject_of(letter)}\n\n{text_of(letter)}"
    golden = GOLDEN / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(said, encoding="utf-8")
    assert said == golden.read_text(encoding="utf-8")


def test_the_html_is_the_golden_one() -> None:
    said = part_of(mail_of(SAMPLES["draft-noshow"]), "text/html").replace("\r\n", "\n")
    golden = GOLDEN / "draft-noshow.html"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(said, encoding="utf-8")
    assert said == golden.read_text(encoding="utf-8")


def test_no_golden_is_left_over() -> None:
    assert {file.stem for file in GOLDEN.glob("*.txt")} == set(SAMPLES)


# --- subjects --------------------------------------------------------------------------------------


def test_subjects_are_the_contracts() -> None:
    assert subject_of(SAMPLES["alert-late"]) == "[K7Q2] LATE: Dana L. - S.P."
    assert subject_of(SAMPLES["alert-noshow"]) == "[K7Q2] MISSED BY Dana L. - S.P."
    assert subject_of(SAMPLES["escalation-late-admin"]) == "[K7Q2] NOT YET TOLD? Dana L. - S.P."
    assert subject_of(SAMPLES["draft-waiting"]) == "[K7Q2] WAITING FOR S.P. - Dana L."
    assert subject_of(SAMPLES["help-unread"]) == "Promptly: not understood"


@letters_of_a_case
def test_a_subject_is_constant_for_a_case_and_its_kind(name: str) -> None:
    letter = SAMPLES[name]
    facts = letter.facts
    assert facts is not None
    if letter.kind is LetterKind.ESCALATION or facts.client != "Sam P.":
        assert subject_of(letter).startswith("[K7Q2] ")
    else:
        assert subject_of(letter) == "[K7Q2] " + KINDS[facts.kind].subject.format(who="Dana L.", client="S.P.")


@every_letter
def test_subject_and_first_line_hold_no_name_of_a_client(name: str) -> None:
    letter = SAMPLES[name]
    assert "Sam" not in subject_of(letter)
    assert "Sam" not in text_of(letter).split("\n")[0]


@each("associate", ["Dana Lee", "Maximiliana Josephine Wolfeschlegel", "Jo", "Þórgunnur Ásgeirsdóttir"])
@each("client", ["Sam P.", None, "Maria de la Cruz", "Smith family"])
@each("kind", list(Kind))
def test_a_subject_is_short(associate: str, client: str | None, kind: Kind) -> None:
    facts = replace(LATE, kind=kind, associate=Person(associate, ("x@clinic.test",)), client=client)
    for letter in (
        written(LetterKind.DRAFT, "opened", facts=facts),
        written(LetterKind.ESCALATION, "contact", Role.LEAD, replace(facts, kind=Kind.LATE)),
    ):
        subject = subject_of(letter)
        assert subject.startswith("[K7Q2] ")
        assert len(subject) <= 40


@every_letter
def test_every_subject_is_short(name: str) -> None:
    assert 0 < len(subject_of(SAMPLES[name])) <= 40


# --- the client's message --------------------------------------------------------------------------

LATE_START = "Hi Sam - I'm running behind and expect to be"
LATE_END = "late today. I'm sorry for the delay. Are you able to wait, or would you prefer to reschedule?"
MISSED = (
    "I understand this is disruptive. I'd like to offer you priority to reschedule - "
    "would you like me to find a new time for you?"
)
DRAFTS: Mapping[str, str] = {
    "draft-late": f"{LATE_START} about 15 minutes {LATE_END}",
    "draft-late-one-minute": f"{LATE_START} about 1 minute {LATE_END}",
    "draft-late-no-minutes": f"{LATE_START} a few minutes {LATE_END}",
    "draft-late-couple": f"{LATE_START} about 15 minutes {LATE_END}".replace("Hi Sam", "Hi"),
    "draft-late-no-client": f"{LATE_START} about 15 minutes {LATE_END}".replace("Hi Sam", "Hi"),
    "reminder-late-contact": f"{LATE_START} about 15 minutes {LATE_END}",
    "draft-noshow": f"Hi Sam - I'm very sorry, I missed our appointment time today. {MISSED}",
    "draft-noshow-yesterday": f"Hi Sam - I'm very sorry, I missed our appointment time yesterday. {MISSED}",
    "reminder-noshow-next-day": f"Hi Sam - I'm very sorry, I missed our appointment time yesterday. {MISSED}",
    "draft-waiting": "Hi Sam - just checking in. We were scheduled for 2:20 pm. Are you still able to make it today?",
    "draft-waiting-no-time": "Hi Sam - just checking in. Are you still able to make it today?",
    "stepaway": (
        "Hi Sam - I'm going to step away from the screen/office for now "
        "since it's been 20 minutes past our start time. "
        "If you're still able to meet today, please reply and let me know what time you'll be ready. "
        "Otherwise, we can reschedule."
    ),
}


@each("name", DRAFTS)
def test_the_message_is_the_policys_in_ascii_alone_between_blank_lines(name: str) -> None:
    text = text_of(SAMPLES[name])
    assert draft_in(text) == DRAFTS[name]
    assert f"\n\n{DRAFTS[name]}\n\n" in text
    assert DRAFTS[name].isascii()


def test_a_text_message_link_only_where_the_clinic_wants_it() -> None:
    letter = SAMPLES["draft-late"]
    assert "sms:" not in part_of(mail_of(letter), "text/html")
    linked = part_of(mail_of(letter, Letters(RULES, instance="i", sms_link=True)), "text/html")
    (body,) = re.findall(r'href="sms:\?&amp;body=([^"]*)"', linked)
    assert unquote(body) == DRAFTS["draft-late"]


# --- what letters say ------------------------------------------------------------------------------


@every_letter
def test_the_instruction_is_first_and_the_marker_right_below(name: str) -> None:
    lines = text_of(SAMPLES[name]).split("\n")
    assert lines[0]
    assert lines[1:4] == ["", MARKER, ""]


@every_letter
def test_no_line_starts_with_an_outcome_word(name: str) -> None:
    assert outcomes_in_front(text_of(SAMPLES[name])) == []


@every_letter
def test_the_order_is_instruction_message_choices_the_rest(name: str) -> None:
    text = text_of(SAMPLES[name])
    parts = (r"^", r"\nHi ", r"\nReply with", r"\n(?:Case: |This is case )", r"\nmailto:")
    places = [found.start() for part in parts if (found := re.search(part, text))]
    assert places == sorted(places)


@letters_of_a_case
def test_a_missed_session_says_who_missed_and_how_to_say_otherwise(name: str) -> None:
    letter = SAMPLES[name]
    assert letter.facts is not None
    text = text_of(letter)
    if letter.facts.kind is Kind.NOSHOW and letter.facts.state is State.CANCELLED:
        who = "YOU" if letter.role is Role.ASSOCIATE else "the ASSOCIATE"
        assert f"The report said that {who} missed the session; that was a mistake." in text
        assert "Do not press No Show in Jane because of it." in text
        assert "- no: the client did not come (WAITING)" in text
    elif letter.facts.kind is Kind.NOSHOW:
        who = "You report that YOU" if letter.role is Role.ASSOCIATE else "ASSOCIATE"
        assert text.count(f"{who} missed the session") == 1
        assert "Do not press No Show in Jane: it would invoice the client." in text
        assert "- no: the client did not come (WAITING)" in text
    else:
        assert "missed the session" not in text.replace("I have missed the session", "")


@each("outcome", [Outcome.RESCHEDULED, Outcome.UNREACHABLE, Outcome.OTHER, Outcome.CONNECTED])
def test_a_late_case_without_a_session_warns_of_janes_button(outcome: Outcome) -> None:
    facts = replace(LATE, state=State.CLOSED, outcome=outcome)
    text = text_of(written(LetterKind.RECEIPT, "outcome", facts=facts))
    assert ("Do not press No Show in Jane" in text) is (outcome is not Outcome.CONNECTED)


@each("name", [name for name in SAMPLES if name.startswith("reminder")])
def test_a_reminder_asks_no_question(name: str) -> None:
    text = text_of(SAMPLES[name])
    for line in text.split("\n"):
        if "?" in line and not line.startswith(("Hi ", "mailto:")):
            pytest.fail(line)


@each("name", [name for name in SAMPLES if name.startswith("reminder")])
def test_a_reminder_begins_with_what_is_missing(name: str) -> None:
    """So that it is not taken for the draft."""
    assert text_of(SAMPLES[name]).startswith(("No SENT yet", "No outcome yet", "No new time", "No apology", "Not told"))


def test_drafts_say_to_copy_and_what_comes_after() -> None:
    late, noshow = text_of(SAMPLES["draft-late"]), text_of(SAMPLES["draft-noshow"])
    for text in (late, noshow):
        assert "Copy the text; do not forward this mail." in text
    assert "When you connect: apologize, confirm the plan, and offer a reschedule if needed." in late
    assert "A suggestion, not a requirement, if this was your responsibility alone" in noshow


def test_a_mail_written_long_before_it_arrived_says_so_first() -> None:
    for name in ("alert-late-written-long-before", "draft-late-written-long-before"):
        assert text_of(SAMPLES[name]).startswith("Written at 1:50 pm, arrived at 2:20 pm. ")


def test_a_letter_that_was_held_up_says_since_when() -> None:
    old = replace(SAMPLES["alert-late"], created_at=NOW - timedelta(hours=3))
    assert "This letter should have gone at 11:20 am" in text_of(old)
    assert "should have gone" not in text_of(SAMPLES["alert-late"])


@each(("days", "said"), [(0, "today"), (1, "yesterday"), (2, "on Tue 24 Nov")])
def test_what_was_missed_is_told_by_its_day_seen_from_the_letter(days: int, said: str) -> None:
    letter = written(LetterKind.REMINDER, "contact", facts=replace(NOSHOW, session_at=None))
    later = replace(letter, created_at=letter.created_at + timedelta(days=days))
    assert f"I missed our appointment time {said}." in draft_in(text_of(later))


def test_times_of_another_day_say_which() -> None:
    assert "Session: Mon 23 Nov, 7:00 pm" in text_of(
        written(LetterKind.ALERT, "opened", Role.ADMIN, replace(NOSHOW, session_at=TWO - timedelta(hours=19)))
    )
    assert "Session: Mon 23 Nov\n" in text_of(
        written(LetterKind.ALERT, "opened", Role.ADMIN, replace(NOSHOW, session_at=None, yesterday=True))
    )


# --- choices ---------------------------------------------------------------------------------------


def test_choices_name_the_words_first_and_then_one_link_each() -> None:
    text = text_of(SAMPLES["draft-late"])
    assert (
        "Reply with one word, or tap:\n"
        "- I have messaged the client (SENT)\n\n"
        "Later, or otherwise:\n"
        "- The session took place (CONNECTED)\n"
    ) in text
    links = text.partition("\n\nTo tap instead, in the same order:\n")[2].splitlines()
    offered = re.findall(r"(?m)^- .*\((\w+)\)$", text)
    assert links == [f"mailto:clinic@clinic.test?subject=%5BK7Q2%5D%20{word}" for word in offered]


def test_a_link_is_percent_encoded_and_the_id_only_where_there_is_a_case() -> None:
    odd = (
        Choice("OTHER it's 50% & rising + more?", "Odd", "K7Q2"),
        Choice("LATE 15 Zoë FOR Dana Lee", "Report", None),
    )
    text = text_of(written(LetterKind.ASK, "cancel", facts=LATE, offered=odd))
    found = re.findall(r"mailto:clinic@clinic\.test\?subject=(\S+)", text)
    assert [unquote(subject) for subject in found] == [
        "[K7Q2] OTHER it's 50% & rising + more?",
        "LATE 15 Zoë FOR Dana Lee",
    ]
    assert not re.search(r"[^A-Za-z0-9%._~-]", "".join(found))


def test_a_choice_of_another_case_is_typed_with_its_id() -> None:
    text = text_of(SAMPLES["ask-which-case"])
    assert "Reply with one of these lines, or tap:\n- Sam P., noshow, missed by Dana L." in text
    assert "session 2:00 pm (K7Q2 RESCHEDULED)\n" in text
    assert "(W4XP RESCHEDULED)\n" in text
    assert "\nmailto:clinic@clinic.test?subject=%5BW4XP%5D%20RESCHEDULED" in text


@every_letter
def test_the_html_offers_the_same_links(name: str) -> None:
    mail = mail_of(SAMPLES[name])
    in_text = re.findall(r"mailto:\S+", part_of(mail, "text/plain"))
    assert re.findall(r'href="(mailto:clinic[^"]+)"', part_of(mail, "text/html")) == in_text


@every_letter
def test_what_takes_back_or_corrects_stands_last(name: str) -> None:
    words = re.findall(r"(?m)^- .*\((\w+)\)$", text_of(SAMPLES[name]))
    last = [word in {"UNDO", "MISTAKE", "LATE", "NOSHOW", "WAITING"} for word in words]
    assert last == sorted(last)


@every_letter
def test_the_links_stand_together_at_the_end_of_the_text(name: str) -> None:
    said, _, links = text_of(SAMPLES[name]).partition("\n\nTo tap instead, in the same order:\n")
    assert "mailto:" not in said
    assert all(re.fullmatch(r"mailto:clinic@clinic\.test\?subject=[\w.~%-]+", line) for line in links.splitlines())
    assert len(links.splitlines()) == len(re.findall(r"(?m)^- .*\(.+\)$", said))


# --- nothing is left out ---------------------------------------------------------------------------


def test_every_topic_that_the_code_can_name_has_its_letters_and_its_subject() -> None:
    assert set(get_args(Topic)) == {topic for row in TABLE for topic in row.topics}
    assert {row.kind for row in TABLE} == set(LetterKind)
    for row in TABLE:
        assert all(bool(said) is not bool(row.about) for said in row.topics.values()), row.kind


def test_every_topic_of_every_kind_has_a_golden() -> None:
    shown = {(letter.kind, letter.topic, letter.role) for letter in SAMPLES.values()}
    for row in TABLE:
        for topic in row.topics:
            assert any((row.kind, topic, role) in shown for role in row.readers), (row.kind, topic)


def test_every_letter_that_can_be_owed_is_written() -> None:
    """What the table of letters or of kinds gained, and a template lacks: no letter borrows another's sentence."""
    for letter, now in trial_letters():
        LETTERS.text(letter, now)


def test_every_kind_of_case_has_its_tag_its_traits_and_its_choices() -> None:
    assert set(KINDS) == set(Kind)
    for kind in Kind:
        assert TAG_PHRASES[kind]
        assert all(choices("K7Q2", *KINDS[kind].instead, *(one.value.upper() for one in KINDS[kind].outcomes)))


@letters_of_a_case
def test_a_subject_of_ours_is_an_answer_though_its_re_is_lost(name: str) -> None:
    assert read_subject(subject_of(SAMPLES[name])).mark is Mark.REPLY


def test_the_trial_letters_hold_everything_that_a_sample_holds() -> None:
    tried = list(trial_letters())
    carried = {name for letter, _ in tried for name in letter.data}
    assert {name for letter in SAMPLES.values() for name in letter.data} <= carried
    assert {(letter.kind, letter.topic, letter.role) for letter in SAMPLES.values()} <= {
        (letter.kind, letter.topic, letter.role) for letter, _ in tried
    }


def test_the_readme_of_the_templates_names_every_value() -> None:
    named = set(re.findall(r"`([a-z_.]+)`", (OURS / "README.md").read_text(encoding="utf-8")))
    values = Wording(RULES, sms_link=False).values(SAMPLES["alert-late"], NOW)
    data = values.pop("data")
    assert isinstance(data, dict)
    assert {*values, *(f"data.{name}" for name in data)} - named == set()


@each("row", [row for row in TABLE if len(row.topics) > 1 and "opened" not in row.topics])
def test_a_topic_that_is_not_in_the_table_makes_no_letter(row: Row) -> None:
    """Nor one with another topic's sentence. What was opened or changed is told by the kind of the case alone."""
    with pytest.raises(Unsafe, match="no words for it"):
        LETTERS.text(written(row.kind, "something new", row.readers[0], LATE if row.about else None), NOW)


def test_the_desks_number_stands_where_a_letter_says_to_phone_it() -> None:
    letters = Letters(replace(RULES, phone="416 555 0100"), instance="i")
    for name in ("help-in-your-name", "ask-not-yours"):
        assert "desk (416 555 0100)" in text_of(SAMPLES[name], letters)
        assert "desk (" not in text_of(SAMPLES[name])


@letters_of_a_case
def test_one_choice_is_filled_where_one_is_due(name: str) -> None:
    letter = SAMPLES[name]
    assert letter.facts is not None
    waits = letter.facts.kind is Kind.WAITING and letter.kind is not LetterKind.ESCALATION
    told = letter.facts.state is State.OPEN and not waits
    due = (told or letter.facts.apology) and letter.kind is not LetterKind.ASK
    filled = part_of(mail_of(letter), "text/html").count('bgcolor="#1a4f8b"')
    assert filled == (1 if due and letter.choices else 0)
