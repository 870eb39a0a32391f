"""Which word of the table a line starts with; whether it counts is another matter (test_answers)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.rows import each
from workflow.core.language import vocabulary
from workflow.core.language.times import is_when, starts_time, starts_when
from workflow.core.language.vocabulary import makeup_in, match, pieces
from workflow.core.mail import Word
from workflow.core.model import Outcome

STARTS = """
SENT                          SENT
sent                          SENT
*SENT*                        SENT
_Sent_                        SENT
- SENT                        SENT
Texted Sam                    SENT
messaged                      SENT
called                        SENT
emailed                       SENT
e-mailed                      SENT
told                          SENT
done                          SENT
Rescheduled Tue               rescheduled
REBOOKED                      rescheduled
resched                       rescheduled
re-scheduled                  rescheduled
unreachable                   unreachable
unable                        unreachable
unable to reach               unreachable
couldn't reach her            unreachable
couldnt reach her             unreachable
no answer                     unreachable
voicemail                     unreachable
connected                     connected
joined                        connected
started                       connected
arrived                       arrived
came                          arrived
absent                        absent
didn't come                   absent
OTHER she moved               other
CLOSE RESCHEDULED             rescheduled
close other she moved         other
MAKEUP                        MAKEUP
make-up                       MAKEUP
make up                       MAKEUP
LATE 15                       LATE
NOSHOW                        NOSHOW
no show                       NOSHOW
NO-SHOW Sam                   NOSHOW
MISSED                        NOSHOW
CLOSE NOSHOW                  NOSHOW
WAITING Sam                   WAITING
CLIENT LATE                   WAITING
client noshow                 WAITING
CLIENT NO-SHOW                WAITING
CLIENT Sam                    CLIENT
UNDO                          UNDO
mistake                       MISTAKE
cancel                        CANCEL
Cancelled                     CANCEL
canceling                     CANCEL
cancellation                  CANCEL
client cancelled              CANCEL
STATUS                        STATUS
help                          HELP
CONTACTED, she is fine        CONTACTED
NOTE she moved                NOTE
"""


def _table(text: str) -> list[tuple[str, str]]:
    return [(line[:30].strip(), line[30:].strip()) for line in text.strip().splitlines()]


@each(("line", "expected"), _table(STARTS))
def test_a_line_starts_with_a_word(line: str, expected: str) -> None:
    found = match(line)
    assert found is not None
    sure = found.word is Word.OUTCOME and len(found.outcomes) == 1
    assert expected == (found.outcomes[0] if sure else found.word).value


@each(
    "line",
    [
        "",
        "...",
        "Sent from my iPhone",
        "Sent from Outlook for Android",
        "SENT FROM MY IPHONE",
        "Sent with Proton Mail",
        "Sent via the Samsung Galaxy",
        "Sent: Monday, 2 March 2026 10:00",
        "Sent: 2 March",
        '"Rescheduled" is what she said',
        "> SENT",
        "(sent)",
        "not rescheduled",
        "I will reschedule",
        "reschedule",
        "wait",
        "presented",
        "SENTIMENT",
        "here's the invoice",
        "therefore",
        "lately",
        "notes",
        "close",
        "close to home",
        "closed",
        "others",
    ],
)
def test_a_line_starts_with_none(line: str) -> None:
    assert match(line) is None


def test_sent_in_capitals_may_go_on_as_a_signature_does() -> None:
    found = match("SENT with an apology")
    assert found is not None
    assert found.word is Word.SENT


def test_here_is_connected_or_arrived() -> None:
    found = match("here")
    assert found is not None
    assert found.outcomes == (Outcome.CONNECTED, Outcome.ARRIVED)


@each(
    ("line", "said", "rest"),
    [
        ("texted Sam", "texted Sam", ""),
        ("texted Sam P. at 2:10", "texted Sam P", "at 2:10"),
        ("texted sam at 2:10", "texted sam", "at 2:10"),
        ("texted Kim", "texted", "Kim"),
        ("texted her mother", "texted her", "mother"),
        ("called, Sam is fine", "called", "Sam is fine"),
        ("unable to reach Sam by phone", "unable to reach Sam", "by phone"),
        ("couldn't reach them", "couldn't reach them", ""),
        ("done Sam", "done", "Sam"),
        ("RESCHEDULED Sam", "RESCHEDULED", "Sam"),
        ("RESCHEDULED: Tue 3pm", "RESCHEDULED", "Tue 3pm"),
        ("RESCHEDULED (Tue 3pm)", "RESCHEDULED", "Tue 3pm"),
        ("RESCHEDULED Tue (3pm)", "RESCHEDULED", "Tue (3pm)"),
        ("RESCHEDULED?", "RESCHEDULED", "?"),
        ("close rescheduled Tue", "close rescheduled", "Tue"),
    ],
)
def test_the_name_of_the_client_belongs_to_the_word(line: str, said: str, rest: str) -> None:
    found = match(line, "Sam P.")
    assert found is not None
    assert (found.said, found.rest) == (said, rest)


def test_a_client_called_will_is_told_from_the_verb() -> None:
    named, verb = match("texted Will", "Will K."), match("called will try again", "Will K.")
    assert named and verb
    assert (named.said, verb.said) == ("texted Will", "called")


@each(
    "line",
    [
        "SENT",
        "SENT!",
        "HELP?",
        "texted her",
        "texted 5 min ago",
        "RESCHEDULED Tue 3pm",
        "rescheduled to next week",
        "RESCHEDULED Tue 3pm MAKEUP",
        "RESCHEDULED MAKEUP Tue 3pm",
        "RESCHEDULED - make-up",
        "rescheduled to the 14th at noon",
        "RESCHEDULED 2026-03-12",
        "rescheduled tomorrow 14h30",
        "LATE 15",
        "LATE 15 min",
        "late fifteen",
        "LATE half an hour",
        "NOSHOW 2:30 pm",
        "unable to reach her",
        "no answer",
        "MAKEUP",
    ],
)
def test_a_lone_word_may_have_a_day_a_time_or_minutes(line: str) -> None:
    found = match(line)
    assert found is not None
    assert found.lone


@each("line", ["SENT Sam", "RESCHEDULED Kim to Thu", "OTHER she moved", "LATE 15 Sam", "SENT 3", "LATE %", "Cancelled"])
def test_a_longer_line_is_not_lone(line: str) -> None:
    found = match(line)
    assert found is not None
    assert not found.lone


@each("text", ["Tue", "3pm", "3 p.m.", "14:30", "next week", "in two weeks", "12/3", "2nd", "May 3"])
def test_a_day_or_a_time(text: str) -> None:
    assert is_when(text)
    assert starts_when(f"{text} works for her")


@each("text", ["", "3", "to", "with", "the other", "in error", "Kim to Thu", "%", "at", "next"])
def test_neither_a_day_nor_a_time(text: str) -> None:
    assert not is_when(text)
    assert not starts_when(text)


@each(
    ("text", "is_time"),
    [
        ("now", True),
        ("at 2:10", True),
        ("2:10 all fine", True),
        ("now, 2:10", True),
        ("now, sorry", True),
        ("now with her", True),
        ("now at home", False),
        ("tomorrow", False),
        ("at home", False),
    ],
)
def test_a_time_of_the_clock(text: str, is_time: bool) -> None:
    assert starts_time(text) is is_time


@each(
    ("text", "without", "makeup"),
    [
        ("Tue 3pm MAKEUP", "Tue 3pm", True),
        ("Tue 3pm, make-up", "Tue 3pm", True),
        ("MAKEUP Tue 3pm", "Tue 3pm", True),
        ("MAKEUP", "", True),
        ("Tue 3pm with MAKEUP offered", "Tue 3pm with MAKEUP offered", True),
        ("with a makeup", "with a makeup", True),
        ("Tue 3pm, no make-up", "Tue 3pm, no make-up", False),
        ("MAKEUP offered", "MAKEUP offered", True),
        ("to make up for it", "to make up for it", False),
        ("Tue 3pm", "Tue 3pm", False),
    ],
)
def test_makeup_beside_an_outcome(text: str, without: str, makeup: bool) -> None:
    assert makeup_in(text) == (without, makeup)


def test_the_longest_phrase_wins() -> None:
    assert [piece.folded for piece in pieces("Unable to reach, no answer at no-show")] == [
        "unable to reach",
        "no answer",
        "at",
        "no show",
    ]


def test_a_line_of_a_megabyte_is_cut() -> None:
    found = match("RESCHEDULED " + "3:30 " * 200_000 + "Sam")
    assert found is not None
    assert len(found.rest) < vocabulary.LONGEST_LINE


_ODD = st.lists(
    st.sampled_from(
        [*vocabulary.HEADWORDS, *vocabulary.ALSO, "her", "close", "Sam", "3pm", "15", "-", ".", "?", "'", "\u200b"]
    )
    | st.text(max_size=4)
).map(" ".join)


@given(_ODD)
def test_nothing_raises_and_pieces_stand_where_they_say(line: str) -> None:
    match(line, line)
    is_when(line)
    makeup_in(line)
    for piece in pieces(line):
        assert vocabulary.plain(line)[piece.start : piece.end] == piece.said
