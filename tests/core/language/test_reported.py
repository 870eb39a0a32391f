"""What a report says beside its facts: capitals, notes, more clients. The lines are in `tests/arrival/grammar.txt`."""

from __future__ import annotations

from tests.rows import each
from workflow.core.language.read import read


def test_capitals_are_those_of_the_tag() -> None:
    shouted, said = read("LATE 15 sam", "", "").report, read("Late 15 SAM", "", "").report
    assert shouted is not None
    assert shouted.capitals
    assert said is not None
    assert not said.capitals


# --- notes ------------------------------------------------------------------------------------------


@each("note", ["texted", "texted him, he waits", "told Sam", "TEXTED", "messaged her already", "called"])
def test_a_note_that_begins_with_a_word_for_sent_tells_it(note: str) -> None:
    for reading in (read(f"LATE 15 Sam, {note}", "", ""), read("LATE 15 Sam", f"Hi Alex,\n{note}", "")):
        assert reading.report is not None
        assert reading.report.sent


@each(
    "note",
    [
        "told reception",
        "called, no answer",
        "texted, not delivered",
        "will text",
        "texted?",
        "emailed him the invoice",
        "Sent from my iPhone",
        "sent by mistake",
        "traffic, texted",
    ],
)
def test_in_doubt_a_note_does_not_say_that_the_client_knows(note: str) -> None:
    for reading in (read(f"LATE 15 Sam, {note}", "", ""), read("LATE 15 Sam", note, "")):
        assert reading.report is not None
        assert not reading.report.sent


@each("line", ["LATE 40 Sam, Kim", "LATE 40 Sam, Kim and Lee", "late 40 Sam, kim, and lee"])
def test_a_note_of_names_alone_means_more_clients(line: str) -> None:
    report = read(line, "", "").report
    assert report is not None
    assert report.more_clients


@each("line", ["LATE 40 Sam", "LATE 40 Sam, traffic", "LATE 40, Sam", "LATE 40 Sam, Kim has to wait"])
def test_other_notes_do_not(line: str) -> None:
    report = read(line, "", "").report
    assert report is not None
    assert not report.more_clients


def test_the_rest_of_the_text_is_part_of_the_note() -> None:
    report = read("LATE 15 Sam - traffic", "On Bloor.\nDana", "").report
    assert report is not None
    assert report.note == "traffic\nOn Bloor.\nDana"


def test_a_text_that_repeats_the_subject_is_no_note() -> None:
    report = read("LATE 15 Sam", "late 15 sam.", "").report
    assert report is not None
    assert report.note == ""


def test_two_reports_in_one_mail_mean_more_clients() -> None:
    report = read("", "LATE 15 Sam\nLATE 40 Kim", "").report
    assert report is not None
    assert report.more_clients
    again = read("LATE 15 Sam", "I'll be 15 minutes late for Sam", "").report
    assert again is not None
    assert not again.more_clients
