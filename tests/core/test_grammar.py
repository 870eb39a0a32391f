"""What lines are read as, and which line of a mail speaks. Contract section 3.

The tables read ``line => reading``: ``late 15 Sam at 14:30 yesterday for Dana | note`` is a report (``-`` no minutes,
``?`` no client), ``unclear LATE 15 Sam`` a line that opens nothing, with the likely reading, and ``!`` where admin gets
a notice; ``nothing`` is neither.
"""

from __future__ import annotations

from datetime import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow.core.grammar import read
from workflow.core.model import Kind, Mark, Reading, Word
from workflow.core.subjects import case_ids
from workflow.core.times import clock_at, minutes_at, tokens


def told(reading: Reading) -> str:
    """A reading as the tables write it."""
    report, unclear = reading.report, reading.unclear
    if unclear is not None:
        return f"unclear {unclear.reading or '-'}{' !' if unclear.notice else ''}"
    if report is None:
        return "nothing"
    parts = [report.kind.value]
    if report.kind is Kind.LATE:
        parts.append("-" if report.minutes is None else str(report.minutes))
    parts.append(report.client or "?")
    parts += [f"at {report.at:%H:%M}"] if report.at else []
    parts += ["yesterday"] if report.yesterday else []
    parts += [f"for {report.for_associate}"] if report.for_associate else []
    parts += [f"| {report.note}"] if report.note else []
    return " ".join(parts)


def table(text: str) -> list[tuple[str, str]]:
    rows = [line.split("=>") for line in text.strip().splitlines()]
    return [(line.strip(), expected.strip()) for line, expected in rows]


REPORTS = table("""
LATE 15 Sam                                   => late 15 Sam
Late 15 sam                                   => late 15 Sam
late 15 SAM                                   => late 15 SAM
*LATE 15 Sam*                                 => late 15 Sam
LATE15 Sam                                    => late 15 Sam
LATE-15-Sam                                   => late 15 Sam
LATE: 15 Sam                                  => late 15 Sam
LATE - 15 - Sam                               => late 15 Sam
LATE, Sam                                     => late - Sam
LATE! Sam                                     => late - Sam
LATE — 15 — Sam                               => late 15 Sam
LATE Sam                                      => late - Sam
late Sam                                      => late - Sam
LATE 15m Sam                                  => late 15 Sam
LATE 15 min Sam                               => late 15 Sam
LATE 15 mins Sam                              => late 15 Sam
LATE 15min. Sam                               => late 15 Sam
LATE 15 minutes Sam                           => late 15 Sam
LATE 15' Sam                                  => late 15 Sam
LATE １５ Sam                                  => late 15 Sam
LATE ١٥ Sam                                   => late 15 Sam
LATE ~15 Sam                                  => late 15 Sam
LATE about 15 Sam                             => late 15 Sam
late by 15 minutes Sam                        => late 15 Sam
LATE fifteen Sam                              => late 15 Sam
LATE twenty five minutes Sam                  => late 25 Sam
LATE twenty-five Sam                          => late 25 Sam
LATE sixty Sam                                => late 60 Sam
LATE half an hour Sam                         => late 30 Sam
LATE an hour Sam                              => late 60 Sam
LATE an hour and a half Sam                   => late 90 Sam
LATE a quarter of an hour Sam                 => late 15 Sam
LATE 1h Sam                                   => late 60 Sam
LATE 1h30 Sam                                 => late 90 Sam
LATE 2 hours Sam                              => late 120 Sam
LATE one Sam                                  => late 1 Sam
LATE 1 Sam                                    => late 1 Sam
LATE 180 Sam                                  => late 180 Sam
LATE Sam 15                                   => late 15 Sam
LATE Sam fifteen                              => late 15 Sam
LATE Sam 15 min late                          => late 15 Sam
LATE Sam, 15 min                              => late 15 Sam
LATE - Sam - 15 - traffic                     => late 15 Sam | traffic
15 late Sam                                   => late 15 Sam
15 min late: Sam                              => late 15 Sam
fifteen minutes late Sam                      => late 15 Sam
running 15 late Sam                           => late 15 Sam
Running late - Sam 15                         => late 15 Sam
Running about 15 late for Sam                 => late 15 Sam
I'm 15 late for Sam                           => late 15 Sam
I’m running 15 minutes late for Sam           => late 15 Sam
I'll be 15 minutes late for Sam               => late 15 Sam
I will be half an hour late with Sam          => late 30 Sam
I'll be a few minutes late for Sam            => late - Sam
I'm late for Sam                              => late - Sam
Late 15 for Sam                               => late 15 Sam
LATE 15 w/ Sam                                => late 15 Sam
late 15 to Sam                                => late 15 Sam
LATE 15 Sam 2pm                               => late 15 Sam at 14:00
LATE 15 Sam AT 2:30 pm                        => late 15 Sam at 14:30
LATE 15 Sam at 2.30 p.m.                      => late 15 Sam at 14:30
LATE 15 Sam 14:30                             => late 15 Sam at 14:30
LATE 15 Sam @ 14h30                           => late 15 Sam at 14:30
LATE 15 Sam for 2pm                           => late 15 Sam at 14:00
LATE 15 Sam at 2:30                           => late 15 Sam at 14:30
LATE 15 Sam at noon                           => late 15 Sam at 12:00
LATE 15 2pm Sam                               => late 15 Sam at 14:00
LATE 15 Sam - 2pm                             => late 15 Sam at 14:00
LATE 15 Sam today                             => late 15 Sam
LATE 15 Sam FOR Dana Lee                      => late 15 Sam for Dana Lee
late 15 sam for dana                          => late 15 Sam for dana
LATE 15 for Sam for Dana                      => late 15 Sam for Dana
LATE 15 Sam FOR dana@clinic.test              => late 15 Sam for dana@clinic.test
LATE 15 Sam AT 2pm FOR Dana, texted           => late 15 Sam at 14:00 for Dana | texted
LATE 15 Sam FOR Dana 2pm                      => late 15 Sam at 14:00 for Dana
LATE 15 Sam, texted FOR Dana Lee              => late 15 Sam for Dana Lee | texted
LATE 15 traffic FOR Dana Lee                  => late 15 ? for Dana Lee | traffic
LATE 15 Sam, asked FOR the file               => late 15 Sam | asked FOR the file
LATE 15 Sam - traffic                         => late 15 Sam | traffic
LATE 15 Sam, traffic                          => late 15 Sam | traffic
LATE 15 Sam: traffic                          => late 15 Sam | traffic
LATE 15 Sam; traffic                          => late 15 Sam | traffic
LATE 15 Sam (traffic)                         => late 15 Sam | traffic
LATE 15 Sam (on Bloor (west))                 => late 15 Sam | on Bloor (west)
LATE 15 Sam (10)                              => late 15 Sam | 10
LATE 15 Sam. Traffic is bad                   => late 15 Sam | Traffic is bad
LATE 15 Sam! Sorry                            => late 15 Sam | Sorry
LATE 15 Sam - 20 min of traffic               => late 15 Sam | 20 min of traffic
LATE 15 Sam, ok?                              => late 15 Sam | ok?
LATE 15 Sam 2pm stuck                         => late 15 Sam at 14:00 | stuck
LATE 15 Sam P.                                => late 15 Sam P.
LATE 15 Sam P                                 => late 15 Sam P
LATE 15 S.P.                                  => late 15 S.P.
LATE 15 Mrs. Smith                            => late 15 Mrs. Smith
LATE 15 mrs smith                             => late 15 Mrs Smith
LATE 15 Sam & Kim                             => late 15 Sam & Kim
LATE 15 sam and kim                           => late 15 Sam and Kim
LATE 15 Smith family                          => late 15 Smith family
LATE 15 dbt group                             => late 15 DBT group
LATE 15 Will                                  => late 15 Will
LATE 15 May                                   => late 15 May
LATE 15 Hope                                  => late 15 Hope
LATE 15 Art                                   => late 15 Art
LATE 15 To                                    => late 15 To
late 15 to an                                 => late 15 To An
LATE 15 An                                    => late 15 An
LATE 15 Maria de la Cruz                      => late 15 Maria de la Cruz
LATE 15 o’neil                                => late 15 O'Neil
LATE 15 José                                  => late 15 José
LATE 15 zoë-marie                             => late 15 Zoë-Marie
LATE 15 李                                    => late 15 李
LATE 15 Grace Lee                             => late 15 Grace Lee
LATE 15                                       => late 15 ?
late 15                                       => late 15 ?
15 late                                       => late 15 ?
LATE                                          => late - ?
LATE 2pm                                      => late - ? at 14:00
LATE 15 - traffic                             => late 15 ? | traffic
LATE 15 stuck on highway 401                  => late 15 ? | stuck on highway 401
LATE 15 - 2 kids are sick                     => late 15 ? | 2 kids are sick
LATE 15 will call Sam                         => late 15 ? | will call Sam
LATE 15 Sam texted                            => late 15 ? | Sam texted
LATE 15 Ann Bea Cyd Dee Eve                   => late 15 ? | Ann Bea Cyd Dee Eve
15 LATE traffic                               => late 15 ? | traffic
15 late, traffic                              => late 15 ? | traffic
LATE 15 #12                                   => late 15 ? | #12
NOSHOW Sam                                    => noshow Sam
NO SHOW Sam                                   => noshow Sam
no-show: sam                                  => noshow Sam
Missed Sam                                    => noshow Sam
MISSED Sam 2pm                                => noshow Sam at 14:00
NOSHOW Sam YESTERDAY                          => noshow Sam yesterday
NOSHOW Sam YESTERDAY 7pm                      => noshow Sam at 19:00 yesterday
NOSHOW Sam, yesterday                         => noshow Sam yesterday
NOSHOW yesterday Sam                          => noshow Sam yesterday
NOSHOW Sam FOR Dana YESTERDAY                 => noshow Sam yesterday for Dana
NOSHOW Sam - phone died                       => noshow Sam | phone died
NOSHOW                                        => noshow ?
NOSHOW YESTERDAY                              => noshow ? yesterday
MISSED                                        => noshow ?
WAITING Sam AT 2pm                            => waiting Sam at 14:00
Waiting for Sam                               => waiting Sam
Waiting on Sam                                => waiting Sam
CLIENT LATE Sam                               => waiting Sam
CLIENT NOSHOW Sam 14:30                       => waiting Sam at 14:30
Client no show: Sam                           => waiting Sam
CLIENT-LATE Sam                               => waiting Sam
""")

DOUBTS = table("""
late                                          => unclear LATE
Running late                                  => unclear LATE
noshow                                        => unclear NOSHOW
waiting                                       => unclear -
WAITING                                       => unclear - !
CLIENT LATE                                   => unclear - !
LATE?                                         => unclear LATE !
late?                                         => unclear LATE
LATE 15 Sam?                                  => unclear LATE 15 Sam !
late Sam?                                     => unclear LATE Sam
LATE 15 what now?                             => unclear LATE 15 !
NOSHOW Sam? Kim                               => unclear NOSHOW Sam !
LATE 0 Sam                                    => unclear LATE Sam !
LATE 240 Sam                                  => unclear LATE Sam !
late 4 hours Sam                              => unclear LATE Sam !
LATE 15 Sam 20                                => unclear LATE 20 Sam !
15 LATE 20 Sam                                => unclear LATE 20 Sam !
LATE 15 20                                    => unclear LATE 20 !
LATE 15 20 Sam                                => unclear LATE 20 Sam !
LATE 15-20 Sam                                => unclear LATE 20 Sam !
LATE 15/20 Sam                                => unclear LATE 20 Sam !
LATE 15 to 20 Sam                             => unclear LATE 20 Sam !
LATE 15 or 20 Sam                             => unclear LATE 20 Sam !
LATE Sam stuck in traffic                     => unclear LATE Sam !
LATE, sorry                                   => unclear - !
LATE 2pm Sam 3pm                              => unclear LATE Sam AT 14:00 !
NOSHOW 15 Sam                                 => unclear NOSHOW Sam !
NOSHOW Sam at 2                               => unclear NOSHOW Sam !
NOSHOW Sam for our session                    => unclear NOSHOW Sam !
NOSHOW YESTERDAY Sam was FOR Dana             => unclear NOSHOW Sam YESTERDAY FOR Dana !
CLIENT LATE 15 Sam                            => unclear WAITING Sam !
Missed Sam's session                          => unclear NOSHOW Sam
Missed my session with Sam                    => unclear NOSHOW Sam
Missed lunch with Sam                         => unclear -
Late fee - Mrs Smith                          => unclear -
late fee                                      => unclear -
Late fee 2pm                                  => unclear - !
Missed your call                              => unclear -
Waiting for your reply                        => unclear -
Waiting on approval                           => unclear -
No show of hands                              => unclear -
Running late to the party                     => unclear -
Client late fee                               => unclear -
2 late cancellations                          => unclear - !
15 late Sam cried                             => unclear LATE 15 !
Lathe 15 Sam                                  => unclear LATE 15 Sam !
Ltae 15 Sam                                   => unclear LATE 15 Sam !
Lat 15 min Sam                                => unclear LATE 15 Sam !
Noshw 15 Sam                                  => unclear NOSHOW Sam !
Lathe: 15 Sam                                 => nothing
Lathe Sam                                     => nothing
Sam 15 late                                   => unclear LATE 15 Sam !
Sam Peters 15 min late                        => unclear LATE 15 Sam Peters !
Sam is 15 minutes late                        => unclear WAITING Sam !
Sorry, I'll be 15 minutes late for Sam today  => unclear LATE 15 Sam !
Hi Alex, LATE 15 Sam                          => unclear LATE 15 Sam !
I was 15 minutes late                         => unclear LATE 15 !
I won't be 15 minutes late                    => unclear LATE 15 !
traffic, 15 minutes, so late                  => unclear LATE !
Was it 15 min or Sam's late-night              => nothing
It's late                                     => nothing
Two clients were late                         => nothing
The late fee is $25                           => nothing
Sam was a no show last week?                  => nothing
I missed Sam                                  => nothing
I'm waiting for Sam                           => nothing
Later                                         => nothing
No shows this week                            => nothing
See you at 2pm                                => nothing
200 late                                      => unclear LATE !
""")


@pytest.mark.parametrize(("line", "expected"), REPORTS + DOUBTS)
def test_a_line_is_read_as(line: str, expected: str) -> None:
    assert told(read(line, "", "")) == expected
    assert told(read("", line, "")) == expected, "the text's first line is read as the subject is"


@pytest.mark.parametrize(("line", "expected"), REPORTS)
def test_a_likely_reading_or_a_report_with_a_choice_opens(line: str, expected: str) -> None:
    """What we offer as a choice must open when it is tapped."""
    report = read(f"{line}?", "", "").unclear
    if report is not None and report.reading is not None:
        assert read(report.reading, "", "").report is not None


def test_capitals_are_those_of_the_tag() -> None:
    shouted, said = read("LATE 15 sam", "", "").report, read("Late 15 SAM", "", "").report
    assert shouted is not None
    assert shouted.capitals
    assert said is not None
    assert not said.capitals


# --- notes ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "note", ["texted", "texted him, he waits", "told Sam", "TEXTED", "messaged her already", "called"]
)
def test_a_note_that_begins_with_a_word_for_sent_tells_it(note: str) -> None:
    for reading in (read(f"LATE 15 Sam, {note}", "", ""), read("LATE 15 Sam", f"Hi Alex,\n{note}", "")):
        assert reading.report is not None
        assert reading.report.sent


@pytest.mark.parametrize(
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


@pytest.mark.parametrize("line", ["LATE 40 Sam, Kim", "LATE 40 Sam, Kim and Lee", "late 40 Sam, kim, and lee"])
def test_a_note_of_names_alone_means_more_clients(line: str) -> None:
    report = read(line, "", "").report
    assert report is not None
    assert report.more_clients


@pytest.mark.parametrize(
    "line", ["LATE 40 Sam", "LATE 40 Sam, traffic", "LATE 40, Sam", "LATE 40 Sam, Kim has to wait"]
)
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


@pytest.mark.parametrize("prefix", REPLIES)
def test_a_reply_speaks_by_its_text(prefix: str) -> None:
    reading = read(f"{prefix}[K7Q2] LATE: Dana L. - S.P.", "RESCHEDULED Tue 3pm\n\nDana", "> LATE 20 Kim [B3F4]")
    assert (reading.mark, reading.from_subject) == (Mark.REPLY, False)
    assert (reading.line, reading.rest) == ("RESCHEDULED Tue 3pm", "Dana")
    assert (reading.ids, reading.quoted_ids) == ((), ("K7Q2", "B3F4"))
    assert reading.word is Word.OUTCOME


@pytest.mark.parametrize("prefix", FORWARDS)
def test_a_forward_speaks_by_its_text(prefix: str) -> None:
    reading = read(f"{prefix}[K7Q2] LATE: Dana L. - S.P.", "SENT", "")
    assert (reading.mark, reading.line, reading.lone) == (Mark.FORWARD, "SENT", True)
    assert reading.quoted_ids == ("K7Q2",)
    assert read(f"{prefix}LATE 15 Sam", "", "").empty
    assert read(f"{prefix}LATE 15 Sam", "", "").report is None


@pytest.mark.parametrize("prefix", REPLIES)
def test_a_replys_subject_is_read_where_the_text_says_nothing(prefix: str) -> None:
    reading = read(f"{prefix}LATE 15 Sam", "", "")
    assert (told(reading), reading.mark, reading.from_subject) == ("late 15 Sam", Mark.REPLY, True)
    assert reading.empty
    assert told(read(f"{prefix}LATE 15 Sam", "thanks", "")) == "nothing"
    assert told(read(f"{prefix}[K7Q2] LATE 15 Sam", "", "")) == "nothing"
    assert told(read(f"{prefix}Late fee", "", "")) == "nothing"


@pytest.mark.parametrize("label", LABELS)
def test_labels_of_gateways_do_not_matter(label: str) -> None:
    assert told(read(f"{label}LATE 15 Sam", "", "")) == "late 15 Sam"
    assert read(f"{label}LATE 15 Sam", "", "").line == "LATE 15 Sam"
    assert told(read("", f"{label}LATE 15 Sam", "")) == "late 15 Sam"


def test_a_label_behind_the_line_does_not_matter() -> None:
    assert told(read("LATE 15 Sam [EXTERNAL]", "", "")) == "late 15 Sam"


@pytest.mark.parametrize(
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


@pytest.mark.parametrize(
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


@pytest.mark.parametrize(
    "line", ["Hi Alex and Pat and Lee and Kim and Jo", "Hi quick question", "Hello Sam cancelled", "here,"]
)
def test_what_says_more_than_hi_is_the_line(line: str) -> None:
    assert read("", f"{line}\nLATE 15 Sam", "").line == line


def test_a_greeting_alone_is_the_line() -> None:
    reading = read("", "Hi,\n\n", "")
    assert (reading.line, reading.rest, reading.empty) == ("Hi,", "", False)


def test_a_gateways_banner_is_passed_over() -> None:
    banner = "CAUTION: This email originated from outside of the organization."
    assert told(read("Session", f"{banner}\n\nLATE 15 Sam", "")) == "late 15 Sam"


@pytest.mark.parametrize(
    "subject", ["", "Session today", "Sam", "Note", "Help", "Client Sam", "Late", "Late fee", "15 late Sam cried"]
)
def test_a_report_in_the_text_is_heard_under_a_vague_subject(subject: str) -> None:
    reading = read(subject, "LATE 15 Sam", "")
    assert (told(reading), reading.from_subject) == ("late 15 Sam", False)


@pytest.mark.parametrize("subject", ["NOSHOW Kim", "SENT", "[K7Q2] NOTE", "UNDO", "rescheduled"])
def test_a_subject_that_says_something_speaks(subject: str) -> None:
    reading = read(subject, "LATE 15 Sam", "")
    assert reading.from_subject
    assert reading.rest == "LATE 15 Sam"


@pytest.mark.parametrize("subject", ["Late fee - Mrs Smith", "Note for Monday"])
def test_a_vague_subject_speaks_above_a_mere_word(subject: str) -> None:
    assert read(subject, "done", "").from_subject


def test_a_tag_above_its_minutes_is_offered_whole() -> None:
    assert told(read("Late", "15 min, Sam", "")) == "unclear LATE 15 Sam !"
    assert told(read("noshow", "Sam", "")) == "unclear NOSHOW Sam"
    assert told(read("LATE", "15 Sam", "")) == "late - ? | 15 Sam"


def test_a_subject_without_any_word_is_the_line_where_there_is_no_text() -> None:
    reading = read("Parking pass", "", "")
    assert (reading.line, reading.from_subject, reading.empty, told(reading)) == (
        "Parking pass",
        True,
        False,
        "nothing",
    )


@pytest.mark.parametrize(
    ("subject", "text"), [("", ""), ("Re: LATE 15 Sam", " \n"), ("Fwd: x", ""), ("[K7Q2]", ""), ("[EXT]", "")]
)
def test_no_new_text_and_no_subject_of_its_own_is_empty(subject: str, text: str) -> None:
    assert read(subject, text, "whatever was quoted").empty


# --- words ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
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


@pytest.mark.parametrize(
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


@pytest.mark.parametrize(
    "text", ["", "ok?", "thanks, rebooked", "ok here", "Dana", "thanks, Sam is fine with that", "no", "Hi", "ok " * 100]
)
def test_no_courtesy(text: str) -> None:
    assert not read("Re: x", text, "").courtesy


# --- case ids ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
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


# --- minutes and times ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2pm", time(14)),
        ("2 p.m.", time(14)),
        ("2p", time(14)),
        ("12am", time(0)),
        ("12 pm", time(12)),
        ("2:30 pm", time(14, 30)),
        ("2.30pm", time(14, 30)),
        ("14:30", time(14, 30)),
        ("2:30", time(14, 30)),
        ("9:30", time(9, 30)),
        ("02:30", time(2, 30)),
        ("00:15", time(0, 15)),
        ("14h30", time(14, 30)),
        ("14h", time(14)),
        ("13pm", None),
        ("0am", None),
        ("14h30 pm", None),
        ("25:00", None),
        ("2:75", None),
        ("2.30", None),
        ("1h30", None),
        ("3h", None),
        ("15", None),
        ("2px", None),
        ("2:30mm", None),
        ("Sam", None),
        ("", None),
    ],
)
def test_times_of_the_day(text: str, at: time | None) -> None:
    found = clock_at(tokens(text), 0)
    assert (found and found[0]) == at


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("15", 15),
        ("0", 0),
        ("9999", 9999),
        ("one", 1),
        ("twenty-one", 21),
        ("thirty two min", 32),
        ("twenty ten", 20),
        ("twenty-ten", None),
        ("twenty-one-two", None),
        ("one-two", None),
        ("two hours", 120),
        ("15%", None),
        ("$15", None),
        ("1st", None),
        ("2pm", None),
        ("Sam", None),
        ("", None),
    ],
)
def test_minutes(text: str, minutes: int | None) -> None:
    found = minutes_at(tokens(text), 0)
    assert (found and found.value) == minutes


# --- whatever the text ------------------------------------------------------------------------------

SCRAPS = st.sampled_from(
    [
        "LATE", "late", "NOSHOW", "no show", "CLIENT", "WAITING", "15", "15 min", "2pm", "Sam", "& Kim", "FOR", "for Dana Lee",
        "at", "-", ",", ":", "(", ")", "?", "!", "[K7Q2]", "K7Q2", "Re:", "[EXTERNAL]", "texted", "YESTERDAY", "half", "an hour",
        "twenty", "I'll be", "running", "case", "\n", "\u200b", "Hi,", "thanks", "family", "Mrs", "'", ".", "Fwd:", "to", "20",
    ]
)  # fmt: skip
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


@given(
    st.sampled_from([line for line, _ in REPORTS if "(" not in line]),
    st.sampled_from([str.lower, str.upper, str.title, str]),
    st.sampled_from(["", *LABELS]),
    st.sampled_from(["", "\u200b", "\ufeff", "\u202a", "😀"]),
    st.sampled_from(["", ".", "!", " ", " 🙏"]),
)
def test_decoration_does_not_matter(line: str, case: type[str], label: str, invisible: str, end: str) -> None:
    plain = read(line, "", "").report
    assert plain is not None
    decorated = read(f"{label}{invisible}{case(line)}{invisible}{end}", "", "")
    if plain.client is None and plain.minutes is None:
        return  # a bare tag needs its capitals
    assert decorated.report is not None
    assert (decorated.report.kind, decorated.report.minutes, decorated.report.at) == (
        plain.kind,
        plain.minutes,
        plain.at,
    )
    assert (decorated.report.client or "").casefold().rstrip(".") == (plain.client or "").casefold().rstrip(".")


@pytest.mark.parametrize(
    "scrap", ["a ", "15 ", "[", "re:", "late ", "case ", "& ", "half an ", "ok ", "é", "[a]", "K7Q2 "]
)
def test_a_long_line_takes_no_long_time(scrap: str) -> None:
    """Quadratic reading of 200 KB would take minutes; the test would not end."""
    text = scrap * (200_000 // len(scrap))
    assert read(text, text, text).line
