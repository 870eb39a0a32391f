"""What one line is read as: reports, and what tried to be one, in the notation of `readings`. Contract section 3."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.readings import table, told
from workflow.core.grammar import read

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
I'm running 15 late for my session with Sam   => late 15 Sam
LATE 15 for my 2pm with Sam                   => late 15 Sam at 14:00
LATE 15 for the 2pm                           => late 15 ? | the 2pm
LATE 15 session with Sam ran over             => late 15 ? | session with Sam ran over
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
LATE 15 the Smith family                      => late 15 Smith family
LATE. Sam                                     => late - Sam
LATE!! 15 Sam                                 => late 15 Sam
LATE 15 Sam ... stuck                         => late 15 Sam | stuck
LATE Sam (15 min)                             => late 15 Sam
Missed Sam (2pm)                              => noshow Sam at 14:00
I'm gonna be 10 late for Sam                  => late 10 Sam
Going to be 10 min late for Sam               => late 10 Sam
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
15 late traffic                               => late 15 ? | traffic
2 late, cancellations                         => late 2 ? | cancellations
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
LATE the bus broke down 15 min                => unclear LATE 15 !
late fee 25                                   => unclear - !
Might be 10 min late for Sam                  => unclear LATE 10 Sam !
waiting 20 min for Sam                        => unclear WAITING Sam !
WAITING Sam 10 min                            => unclear WAITING Sam !
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
3 LATE fees for Sam                           => unclear - !
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
traffic, 15 minutes, so late                  => unclear LATE 15 !
Was it 15 min or Sam's late-night              => nothing
It's late                                     => nothing
l.a.t.e by 15 min                             => unclear - !
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


# --- decoration -------------------------------------------------------------------------------------

LABELS = ["", "[EXTERNAL] ", "{EXT} ", "***SPAM*** ", "(External) ", "CAUTION: "]


@given(
    st.sampled_from([line for line, _ in REPORTS if "(" not in line and "15 to " not in line]),
    st.sampled_from([str.lower, str.upper, str.title, str]),
    st.sampled_from(LABELS),
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
