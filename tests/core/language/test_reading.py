"""Which line of a mail speaks, and what stands around it: prefixes, labels, greetings, case ids. Contract section 3."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.language.readings import told
from tests.rows import each
from workflow.core.language.prefixes import case_ids
from workflow.core.language.read import read
from workflow.core.mail import Mark, Word

# --- the line that speaks ---------------------------------------------------------------------------

REPLIES = [
    "Re: ",
    "RE:",
    "AW: ",
    "SV: ",
    "Antw: ",
    "RES: ",
    "Re[2]: ",
    "Re (3): ",
    "RE: AW: ",
    "回复：",
    "[EXT] Re: ",
    "Re: Fwd: ",
]
FORWARDS = ["Fwd: ", "FW: ", "WG: ", "TR: ", "RV: ", "ENC: ", "[EXTERNAL] Fwd: Re: ", "转发："]
LABELS = ["[EXTERNAL] ", "[External] [SPAM] ", "{EXT} ", "***SPAM*** ", "(External) ", "EXTERNAL: ", "CAUTION: "]


@each("prefix", REPLIES)
def test_a_reply_speaks_by_its_text(prefix: str) -> None:
    reading = read(f"{prefix}[K7Q2] LATE: Dana L. - S.P.", "RESCHEDULED Tue 3pm\n\nDana", "> LATE 20 Kim [B3F4]")
    assert (reading.mark, reading.from_subject) == (Mark.REPLY, False)
    assert (reading.line, reading.rest) == ("RESCHEDULED Tue 3pm", "Dana")
    assert (reading.ids, reading.quoted_ids) == ((), ("K7Q2", "B3F4"))
    assert reading.word is Word.OUTCOME


@each("prefix", FORWARDS)
def test_a_forward_speaks_by_its_text(prefix: str) -> None:
    reading = read(f"{prefix}[K7Q2] LATE: Dana L. - S.P.", "SENT", "")
    assert (reading.mark, reading.line, reading.lone) == (Mark.FORWARD, "SENT", True)
    assert reading.quoted_ids == ("K7Q2",)
    assert read(f"{prefix}LATE 15 Sam", "", "").empty
    assert read(f"{prefix}LATE 15 Sam", "", "").report is None


@each("prefix", REPLIES)
def test_a_replys_subject_is_read_where_the_text_says_nothing(prefix: str) -> None:
    reading = read(f"{prefix}LATE 15 Sam", "", "")
    assert (told(reading), reading.mark, reading.from_subject) == ("late 15 Sam", Mark.REPLY, True)
    assert reading.empty
    assert told(read(f"{prefix}LATE 15 Sam", "thanks", "")) == "nothing"
    assert told(read(f"{prefix}[K7Q2] LATE 15 Sam", "", "")) == "nothing"
    assert told(read(f"{prefix}Late fee", "", "")) == "nothing"


@each("label", LABELS)
def test_labels_of_gateways_do_not_matter(label: str) -> None:
    assert told(read(f"{label}LATE 15 Sam", "", "")) == "late 15 Sam"
    assert read(f"{label}LATE 15 Sam", "", "").line == "LATE 15 Sam"
    assert told(read("", f"{label}LATE 15 Sam", "")) == "late 15 Sam"


def test_bold_and_brackets_that_people_type_are_no_labels() -> None:
    for line in ("**RESCHEDULED**", "**SENT**"):
        assert read(line, "", "").word is read("", line, "").word is not None
    for line in ("**Please** call her", "[urgent] call her", "{x} y"):
        assert read("", line, "").line == line
    assert read("", "***SPAM*** [EXTERNAL] SENT", "").line == "SENT"


def test_a_label_behind_the_line_does_not_matter() -> None:
    assert told(read("LATE 15 Sam [EXTERNAL]", "", "")) == "late 15 Sam"


@each(
    "subject",
    [
        "[K7Q2] LATE: Dana L. - S.P.",
        "[K7Q2] MISSED BY Dana L. - S.P.",
        "[K7Q2] NOT YET TOLD? Dana L. - S.P.",
        "[K7Q2] WAITING FOR S.P. - Dana L.",
    ],
)
def test_our_own_subject_is_a_replys_even_without_re(subject: str) -> None:
    reading = read(subject, "CONNECTED", "")
    assert (reading.mark, reading.line, reading.quoted_ids) == (Mark.REPLY, "CONNECTED", ("K7Q2",))


def test_a_tapped_choice_speaks_by_its_subject() -> None:
    reading = read("[K7Q2] RESCHEDULED", "", "")
    assert (reading.mark, reading.from_subject, reading.line) == (Mark.PLAIN, True, "RESCHEDULED")
    assert (reading.ids, reading.word, reading.lone, reading.empty) == (("K7Q2",), Word.OUTCOME, True, False)


def test_the_writers_own_spelling_is_kept() -> None:
    assert read("OTHER  Sam’s “mum” rang — 😀", "", "").line == "OTHER Sam’s “mum” rang — 😀"


@each(
    "greeting",
    [
        "Hi,",
        "Hi",
        "hello Alex,",
        "Good morning",
        "Good morning all!",
        "Hey Front Desk,",
        "Dear team",
        "Morning!",
        "Hi Alex & Pat,",
    ],
)
def test_a_bare_greeting_is_passed_over(greeting: str) -> None:
    reading = read("", f"\n{greeting}\n\nLATE 15 Sam\ntraffic", "")
    assert (told(reading), reading.line, reading.rest) == ("late 15 Sam | traffic", "LATE 15 Sam", "traffic")


def test_a_name_called_is_passed_over_but_kept() -> None:
    reading = read("", "Sam,\n15 late", "")
    assert (reading.line, reading.rest) == ("15 late", "Sam,")


@each("line", ["Hi Alex and Pat and Lee and Kim and Jo", "Hi quick question", "Hello Sam cancelled", "here,"])
def test_what_says_more_than_hi_is_the_line(line: str) -> None:
    assert read("", f"{line}\nLATE 15 Sam", "").line == line


def test_a_greeting_alone_is_the_line() -> None:
    reading = read("", "Hi,\n\n", "")
    assert (reading.line, reading.rest, reading.empty) == ("Hi,", "", False)


@each("subject", ["", "Session today", "Sam", "Note", "Help", "Client Sam", "Late", "Late fee", "2 late fees"])
def test_a_report_in_the_text_is_heard_under_a_vague_subject(subject: str) -> None:
    reading = read(subject, "LATE 15 Sam", "")
    assert (told(reading), reading.from_subject) == ("late 15 Sam", False)


@each("subject", ["SENT", "[K7Q2] NOTE", "UNDO", "rescheduled"])
def test_a_subject_that_says_something_speaks(subject: str) -> None:
    reading = read(subject, "LATE 15 Sam", "")
    assert reading.from_subject
    assert reading.rest == "LATE 15 Sam"


@each("subject", ["Late fee - Mrs Smith", "Note for Monday"])
def test_a_vague_subject_speaks_above_a_mere_word(subject: str) -> None:
    assert read(subject, "done", "").from_subject


def test_a_tag_above_its_minutes_is_offered_whole() -> None:
    assert told(read("Late", "15 min, Sam", "")) == "unclear LATE 15 Sam !"
    assert told(read("noshow", "Sam", "")) == "unclear NOSHOW Sam"
    assert told(read("noshow", "Hi, so sorry", "")) == "unclear NOSHOW"
    assert told(read("Running late", "Hi, I'm running 15 minutes late for Sam. Sorry!", "")) == "unclear LATE 15 Sam !"
    assert told(read("LATE", "15 Sam", "")) == "late - ? | 15 Sam"


def test_a_subject_without_any_word_is_the_line_where_there_is_no_text() -> None:
    reading = read("Parking pass", "", "")
    assert (reading.line, reading.from_subject, reading.empty, told(reading)) == (
        "Parking pass",
        True,
        False,
        "nothing",
    )


@each(("subject", "text"), [("", ""), ("Re: LATE 15 Sam", " \n"), ("Fwd: x", ""), ("[K7Q2]", ""), ("[EXT]", "")])
def test_no_new_text_and_no_subject_of_its_own_is_empty(subject: str, text: str) -> None:
    assert read(subject, text, "whatever was quoted").empty


# --- words ------------------------------------------------------------------------------------------


@each(
    ("line", "word", "lone"),
    [
        ("SENT", Word.SENT, True),
        ("late", Word.LATE, True),
        ("LATE 15", Word.LATE, True),
        ("15 late", Word.LATE, True),
        ("15 late - traffic", Word.LATE, False),
        ("LATE 15 May", Word.LATE, False),
        ("LATE 15 Sam", Word.LATE, False),
        ("Running 15 late Sam", Word.LATE, False),
        ("NOSHOW YESTERDAY", Word.NOSHOW, True),
        ("CLIENT LATE Sam", Word.WAITING, False),
        ("RESCHEDULED Tue 3pm", Word.OUTCOME, True),
        ("Missed your call", Word.NOSHOW, False),
        ("Sam 15 late", None, False),
        ("Sent from my iPhone", None, False),
    ],
)
def test_the_word_in_front(line: str, word: Word | None, lone: bool) -> None:
    reading = read("", line, "")
    assert (reading.word, reading.lone) == (word, lone)


@each(
    "text",
    [
        "thanks!",
        "ok, thanks",
        "Thanks Alex, got it.\n\nDana",
        "Hi Alex,\nThank you so much",
        "👍",
        "...",
        "ok. Dana Lee",
        "will do",
        "Perfect - thank you",
    ],
)
def test_courtesy(text: str) -> None:
    assert read("Re: x", text, "").courtesy


@each(
    "text", ["", "ok?", "thanks, rebooked", "ok here", "Dana", "thanks, Sam is fine with that", "no", "Hi", "ok " * 100]
)
def test_no_courtesy(text: str) -> None:
    assert not read("Re: x", text, "").courtesy


# --- case ids ---------------------------------------------------------------------------------------


@each(
    ("line", "ids", "said"),
    [
        ("[K7Q2] SENT", ("K7Q2",), "SENT"),
        ("[k7q2] SENT", ("K7Q2",), "SENT"),
        ("[ K7Q2 ]: SENT", ("K7Q2",), "SENT"),
        ("［Ｋ７Ｑ２］ SENT", ("K7Q2",), "SENT"),
        ("[BCDF] SENT", ("BCDF",), "SENT"),
        ("K7Q2 SENT", ("K7Q2",), "SENT"),
        ("#K7Q2: SENT", ("K7Q2",), "SENT"),
        ("SENT K7Q2.", ("K7Q2",), "SENT"),
        ("SENT for case k7q2", ("K7Q2",), "SENT"),
        ("Case K7Q2: RESCHEDULED Tue", ("K7Q2",), "RESCHEDULED Tue"),
        ("RESCHEDULED [K7Q2] Tue", ("K7Q2",), "RESCHEDULED Tue"),
        ("SENT K7Q2 and B3F4", ("K7Q2", "B3F4"), "SENT and"),
        ("SENT k7q2", (), "SENT k7q2"),
        ("SENT BCDF", (), "SENT BCDF"),
        ("SENT 2345", (), "SENT 2345"),
        ("NOTE case mgmt", (), "NOTE case mgmt"),
        ("RESCHEDULED DEC 23RD", (), "RESCHEDULED DEC 23RD"),
        ("LATE 45MN Sam", (), "LATE 45MN Sam"),
        ("NOTE 2H45", (), "NOTE 2H45"),
        ("NOTE see x.test/K7Q2", (), "NOTE see x.test/K7Q2"),
        ("NOTE AK7Q2", (), "NOTE AK7Q2"),
        ("[EXT] SENT", (), "SENT"),
    ],
)
def test_case_ids_in_a_line(line: str, ids: tuple[str, ...], said: str) -> None:
    for reading in (read(line, "", ""), read("", line, "")):
        assert (reading.ids, reading.line) == (ids, said)


def test_an_id_anywhere_in_the_new_text_counts_when_the_line_has_none() -> None:
    assert read("", "SENT\n\nabout [K7Q2]", "[B3F4]").ids == ("K7Q2",)
    assert read("[K7Q2] hello", "SENT", "").ids == ("K7Q2",)
    assert read("[K7Q2] SENT", "not [B3F4]", "").ids == ("K7Q2",)


def test_ids_are_found_once() -> None:
    assert case_ids("[K7Q2] and K7Q2\ncase k7q2, [B3F4]") == ("K7Q2", "B3F4")


# --- whatever the text ------------------------------------------------------------------------------

SCRAPS = st.sampled_from(
    """
    LATE|late|NOSHOW|no show|CLIENT|WAITING|15|15 min|2pm|Sam|& Kim|FOR|for Dana Lee|at|-|,|:|(|)|?|!|[K7Q2]|K7Q2|Re:|to
    |[EXTERNAL]|texted|YESTERDAY|half|an hour|twenty|I'll be|running|case|\n|\u200b|Hi,|thanks|family|Mrs|'|.|Fwd:|20
    """.strip(" \n")
    .replace("\n    ", "")
    .split("|")
)
LINES = st.lists(SCRAPS, max_size=12).map(" ".join)


@given(st.text(), st.text(), st.text())
def test_any_text_is_read(subject: str, text: str, quoted: str) -> None:
    reading = read(subject, text, quoted)
    assert reading.report is None or reading.unclear is None


@given(LINES, LINES)
def test_any_row_of_our_words_is_read(subject: str, text: str) -> None:
    reading = read(subject, text, "")
    if reading.report is not None and reading.report.minutes is not None:
        assert 1 <= reading.report.minutes <= 180
    if reading.unclear is not None and reading.unclear.reading is not None:
        offered = read(reading.unclear.reading, "", "")
        assert offered.report is not None, "what we offer as a choice must open when it is tapped"


@pytest.mark.slow
@each("scrap", ["a ", "15 ", "[", "[ext]", "re:", "late ", "case ", "& ", "half an ", "ok ", "é", "[a]", "K7Q2 "])
def test_a_long_line_takes_no_long_time(scrap: str) -> None:
    """Quadratic reading of 200 KB would take minutes; the test would not end."""
    text = scrap * (200_000 // len(scrap))
    assert read(text, text, text).report is None
