"""What a report says beside its facts: capitals, notes, more clients. The lines are in `tests/arrival/grammar.txt`."""

from __future__ import annotations

from tests.core.language.readings import told
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
        "told them at the front desk",
        "TEXTED his mother",
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


@each(
    ("line", "beside"),
    [
        ("LATE 40 Sam, Kim", ["LATE 40 Kim"]),
        ("LATE 40 Sam, Kim and Lee", ["LATE 40 Kim", "LATE 40 Lee"]),
        ("late 40 Sam, kim, and lee", ["LATE 40 Kim", "LATE 40 Lee"]),
        ("LATE 10 Ana and LATE 10 Ben", ["LATE 10 Ben"]),
        ("LATE 10 Ana, LATE 20 Ben AT 3pm; NOSHOW Kim", ["LATE 20 Ben AT 15:00", "NOSHOW Kim"]),
        ("late 10 ana & late 15 ben", ["LATE 15 Ben"]),
        ("NOSHOW Ana 9am FOR Dana, NOSHOW Ben FOR Dana", ["NOSHOW Ben FOR Dana"]),
        ("LATE 10 Ana LATE 10 Ben", ["LATE 10 Ben"]),
        ("LATE 10 Ana, Ben AT 3", ["LATE 10 Ben AT 15:00"]),
        ("LATE 40 Sam - flu", []),
        ("LATE 40 Sam, snow", []),
        ("LATE 40 Sam", []),
        ("LATE 40 Sam & Kim", []),
        ("LATE 40 Sam, traffic", []),
        ("LATE 40, Sam", []),
        ("LATE 40 Sam, Kim has to wait", []),
        ("LATE 40 Sam, late train", []),
        ("LATE 40 Sam, waiting for the bus", []),
    ],
)
def test_other_clients_in_the_line_are_offered(line: str, beside: list[str]) -> None:
    report = read(line, "", "").report
    assert report is not None
    assert report.client in {"Sam", "Ana", "Sam & Kim"}
    assert list(report.beside) == beside


@each(
    ("text", "first", "note", "further"),
    [
        ("LATE 15 Sam\nLATE 40 Kim", "late 15 Sam", "", ["late 40 Kim"]),
        ("LATE 15 Sam\nLATE 40 Kim\nNOSHOW Jo AT 9am", "late 15 Sam", "", ["late 40 Kim", "noshow Jo at 09:00"]),
        ("LATE 20 my 2pm\nLATE 20 my 3pm", "late 20 ? at 14:00", "", ["late 20 ? at 15:00"]),
        (
            "LATE 15 Sam\nThe bridge is closed\nLATE 40 Kim, texted",
            "late 15 Sam",
            "The bridge is closed",
            ["late 40 Kim | texted"],
        ),
        ("LATE 15 Sam\nLATE Sam AT 2pm", "late 15 Sam at 14:00", "", []),
        ("LATE 15\nLATE 15 Sam", "late 15 Sam", "", []),
        ("LATE 15 Sam\nlate train\nwaiting for Kim", "late 15 Sam", "late train\nwaiting for Kim", []),
        ("LATE 15 Sam\nI'll be 15 minutes late for Sam", "late 15 Sam", "", []),
        ("NOSHOW\nLATE 15 Sam", "noshow ?", "", ["late 15 Sam"]),
        ("NOSHOW Kim\nLATE 15 Sam", "noshow Kim", "", ["late 15 Sam"]),
        ("LATE 15 Sam\nMissed the bus", "late 15 Sam", "Missed the bus", []),
    ],
)
def test_each_line_is_a_report_of_its_own(text: str, first: str, note: str, further: list[str]) -> None:
    for reading in (read("", text, ""), read(text.partition("\n")[0], text.partition("\n")[2], "")):
        assert told(reading) == f"{first} | {note}".removesuffix(" | ")
        assert [told(one) for one in reading.further] == further


def test_eight_reports_in_a_mail_and_the_ninth_is_told() -> None:
    clients = ["Ann", "Ben", "Cleo", "Dev", "Eli", "Fay", "Gus", "Hana", "Ida"]
    reading = read("", "\n".join(f"LATE 10 {client}" for client in clients), "")
    assert [one.report.client for one in reading.further if one.report] == clients[1:8]
    assert reading.below == "LATE 10 Ida"


def test_the_rest_of_the_text_is_part_of_the_note() -> None:
    report = read("LATE 15 Sam - traffic", "On Bloor.\nDana", "").report
    assert report is not None
    assert report.note == "traffic\nOn Bloor.\nDana"


def test_a_text_that_repeats_the_subject_is_no_note() -> None:
    report = read("LATE 15 Sam", "late 15 sam.", "").report
    assert report is not None
    assert report.note == ""
