"""When a word counts: contract section 3, line by line. A Doubt closes nothing; None is no word at all.

The tables of `replies.txt` read ``line -> what it is``: an outcome with its text (``rescheduled: Tue 3pm``), a word
(``SENT``), a doubt (``? question``; ``?? question`` when an outcome word stands in the line, so that an admin is asked,
too), or ``none``. Under a line, ``/`` begins the rest of the mail.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import time
from pathlib import Path

from hypothesis import example, given
from hypothesis import strategies as st

from tests.cast import a_case, local
from tests.rows import each
from workflow.core.language import vocabulary
from workflow.core.language.reply import answer
from workflow.core.mail import Answer, Doubt, Mark, Reading, Report, Why, Word
from workflow.core.model import Case, Outcome, State
from workflow.core.people import Role
from workflow.core.rules import Kind

LATE_CASE = a_case(Kind.LATE, minutes=15)
NOSHOW_CASE = a_case(Kind.NOSHOW)
WAITING_CASE = a_case(Kind.WAITING)


def sent(case: Case) -> Case:
    return replace(case, sent_at=local("14:05"), told_at=local("14:05"))


def reading(line: str, rest: str = "", *, from_subject: bool = False, report: Report | None = None) -> Reading:
    return Reading(line=line, rest=rest, mark=Mark.PLAIN, from_subject=from_subject, report=report)


def shown(decided: Answer | Doubt | None) -> str:
    """An answer as the tables write it."""
    match decided:
        case None:
            return "none"
        case Doubt():
            return f"{'??' if decided.holds_outcome else '?'} {decided.reason}"
        case Answer():
            name = decided.outcome.value if decided.outcome else decided.word.value
            name += f" {decided.says}" if decided.says is not None and decided.says != name.lower() else ""
            report = decided.report or Report(Kind.LATE, decided.client, note=decided.text)
            extra = [str(report.minutes)] if report.minutes else []
            extra += [report.client] if report.client else []
            text = f"{name}{' ' if extra else ''}{' '.join(extra)}" + (f": {report.note}" if report.note else "")
            return text + (" +MAKEUP" if decided.makeup else "")


def tables(text: str) -> dict[str, list[str]]:
    """The lines under each heading."""
    named: dict[str, list[str]] = {}
    for line in filter(None, text.splitlines()):
        if line.startswith("# "):
            rows = named.setdefault(line.removeprefix("# "), [])
        else:
            rows.append(line)
    return named


ROWS = tables(Path(__file__).with_name("replies.txt").read_text("utf-8"))


def table(heading: str) -> list[tuple[str, str]]:
    rows = [line.rpartition("->") for line in ROWS[heading]]
    return [(line.strip(), expected.strip()) for line, _, expected in rows]


def said_about(case: Case, line: str, role: Role = Role.ASSOCIATE, *, from_subject: bool = False) -> str:
    line, _, rest = line.partition(" / ")
    return shown(answer(reading(line, rest.replace(" / ", "\n"), from_subject=from_subject), case, role))


@each(("line", "expected"), table("any kind"))
@each("case", [LATE_CASE, NOSHOW_CASE, WAITING_CASE])
def test_an_associate_before_sent(case: Case, line: str, expected: str) -> None:
    assert said_about(case, line).replace("\n", " / ") == expected


@each(("kind", "line", "expected"), [(kind, *row) for kind in Kind for row in table(kind.name)])
def test_what_belongs_to_one_kind(kind: Kind, line: str, expected: str) -> None:
    assert said_about(a_case(kind, minutes=15 if kind is Kind.LATE else None), line) == expected


@each(("line", "expected"), table("SENT as people write it"))
def test_sent_as_people_write_it(line: str, expected: str) -> None:
    assert said_about(LATE_CASE, line) == expected


@each(("line", "expected"), table("what the client answered"))
@each("role", [Role.ASSOCIATE, Role.ADMIN])
def test_what_the_client_answered(role: Role, line: str, expected: str) -> None:
    assert said_about(LATE_CASE, line, role) == expected
    if "WAITS" in expected:
        assert said_about(NOSHOW_CASE, line, role) == "? other kind"
    elif "REBOOK" in expected:
        assert said_about(NOSHOW_CASE, line, role) == said_about(WAITING_CASE, line, role) == expected


def test_admin_reached_a_client_who_answered() -> None:
    assert said_about(LATE_CASE, "CONTACTED he will wait", Role.ADMIN) == "CONTACTED waits"
    assert said_about(NOSHOW_CASE, "spoke to Sam, wants a new time", Role.ADMIN) == "CONTACTED rebook"
    assert said_about(NOSHOW_CASE, "reached her", Role.ADMIN) == "CONTACTED"
    assert said_about(LATE_CASE, "SENT, he will wait", Role.ADMIN) == "SENT waits"
    assert said_about(LATE_CASE, "reached her") == "? unclear"


@each(("line", "expected"), table("after SENT"))
def test_an_associate_after_sent(line: str, expected: str) -> None:
    assert said_about(sent(NOSHOW_CASE), line) == expected


@each(("line", "expected"), table("from admin"))
@each("role", [Role.ADMIN, Role.LEAD])
def test_an_admin(role: Role, line: str, expected: str) -> None:
    assert said_about(NOSHOW_CASE, line, role) == expected


@each("line", ROWS["second thoughts"][:-1])
@each(
    "word", ["RESCHEDULED Tue 3pm", "Rescheduled to Tue 3pm", "UNREACHABLE", "SENT", "texted her", "MAKEUP", "NOSHOW"]
)
def test_the_sentence_right_under_a_word_takes_it_back(word: str, line: str) -> None:
    for below in (line, f"\n{line}", f"{line}\nDana"):
        assert said_about(NOSHOW_CASE, f"{word} / {below}").startswith("?"), line
    assert said_about(WAITING_CASE, f"NO SHOW / {line}").startswith("?")
    assert said_about(LATE_CASE, f"CONNECTED / {line}").startswith("?")
    assert said_about(NOSHOW_CASE, f"CONTACTED / {line}", Role.ADMIN).startswith("?")


@each("line", ROWS["under a word, takes nothing back"])
def test_what_goes_on_under_a_word_takes_nothing_back(line: str) -> None:
    for word, case, expected in (
        ("CONNECTED", LATE_CASE, "connected"),
        ("RESCHEDULED Tue 3pm", NOSHOW_CASE, "rescheduled"),
        ("Unable to reach her", NOSHOW_CASE, "unreachable"),
        ("no show", WAITING_CASE, "absent"),
        ("SENT", NOSHOW_CASE, "SENT"),
    ):
        assert said_about(case, f"{word} / {line}").startswith(expected), word


@each("line", [*ROWS["second thoughts"][:10], "wrong client", "not today, it is tomorrow"])
def test_other_and_what_takes_back_itself_stand(line: str) -> None:
    if "?" not in line:
        assert said_about(NOSHOW_CASE, f"OTHER she moved / {line}").startswith("other")
        assert said_about(NOSHOW_CASE, f"MISTAKE / {line}").startswith("MISTAKE")
        assert said_about(NOSHOW_CASE, f"UNDO / {line}").startswith("UNDO")


@each("line", ROWS["left open"])
@each("case", [LATE_CASE, NOSHOW_CASE, WAITING_CASE])
def test_a_word_before_what_leaves_it_open_does_not_count(case: Case, line: str) -> None:
    assert said_about(case, line).startswith("?")
    assert said_about(case, line.lower()).startswith("?")
    assert said_about(case, line.upper()).startswith("?")


@each(
    ("case", "line"),
    [
        (WAITING_CASE, "no show at the moment"),
        (WAITING_CASE, "NOSHOW for now"),
        (NOSHOW_CASE, "UNREACHABLE so far"),
        (NOSHOW_CASE, "UNREACHABLE / She just called back"),
        (NOSHOW_CASE, "UNREACHABLE / Update: they finally answered"),
        (NOSHOW_CASE, "RESCHEDULED Tue. To be confirmed."),
        (NOSHOW_CASE, "RESCHEDULED Tue 3pm / Waiting for her OK"),
        (NOSHOW_CASE, "RESCHEDULED Tue 3pm / Let me double check"),
        (NOSHOW_CASE, "RESCHEDULED Tue 3pm / (if that's ok with the room)"),
        (NOSHOW_CASE, "RESCHEDULED Tue 3pm - provisional"),
        (LATE_CASE, "CONNECTED, scratch that"),
        (LATE_CASE, "CONNECTED sorry wrong client"),
        (WAITING_CASE, "No show: Kim Lee"),
    ],
)
def test_what_is_not_settled_closes_nothing(case: Case, line: str) -> None:
    assert said_about(sent(case), line).startswith("?")


def test_what_is_settled_closes() -> None:
    assert said_about(NOSHOW_CASE, "UNREACHABLE / She never called back") == "unreachable: She never called back"
    assert said_about(WAITING_CASE, "no show, Dr. Lee") == "absent: Dr. Lee"


def test_may_is_a_month_all_the_same() -> None:
    assert said_about(NOSHOW_CASE, "RESCHEDULED may 5") == "rescheduled: may 5"
    assert said_about(NOSHOW_CASE, "OTHER maybe she stops") == "other: maybe she stops"


@each(("line", "expected"), table("under a subject"))
def test_two_outcomes_in_subject_and_text(line: str, expected: str) -> None:
    assert said_about(NOSHOW_CASE, line, from_subject=True) == expected


def test_no_new_text_closes_nothing() -> None:
    assert answer(replace(reading("RESCHEDULED"), empty=True), LATE_CASE, Role.ASSOCIATE) == Doubt(Why.EMPTY)


def test_courtesy_is_no_word() -> None:
    assert answer(replace(reading("ok, thanks"), courtesy=True), LATE_CASE, Role.ASSOCIATE) is None


def test_without_a_known_client_any_name_may_be_it() -> None:
    nameless = replace(NOSHOW_CASE, client=None)
    assert said_about(nameless, "RESCHEDULED Kim to Thu") == "rescheduled: Kim to Thu"
    assert said_about(nameless, "texted Kim") == "? unclear"


def test_a_client_called_will() -> None:
    will = replace(NOSHOW_CASE, client="Will K.")
    assert said_about(will, "texted Will") == "SENT"
    assert said_about(will, "unable to reach Will") == "unreachable"
    assert said_about(will, "RESCHEDULED will confirm") == "?? negation"


def test_a_client_called_son() -> None:
    son = replace(NOSHOW_CASE, client="Son Nguyen")
    assert said_about(son, "CONTACTED Son by phone", Role.ADMIN) == "CONTACTED: Son by phone"
    assert said_about(son, "CONTACTED her daughter", Role.ADMIN) == "? unclear"


def test_done_about_a_closed_case_is_no_sent() -> None:
    closed = replace(NOSHOW_CASE, state=State.CLOSED, outcome=Outcome.OTHER)
    assert said_about(closed, "done") == "? unclear"
    assert said_about(closed, "SENT") == "SENT"


def test_an_endless_line_is_doubted() -> None:
    assert said_about(NOSHOW_CASE, "RESCHEDULED " + "so " * vocabulary.LONGEST_LINE) == "?? unclear"


class TestReportsAboutACase:
    """What `read` read as a whole report is taken as it read it."""

    def test_late_with_all_it_says(self) -> None:
        report = Report(Kind.LATE, "Sam", minutes=20, at=time(14), note="bus, sorry")
        decided = answer(reading("LATE twenty Sam 2pm, bus, sorry", report=report), LATE_CASE, Role.ASSOCIATE)
        assert decided == Answer(Word.LATE, report=report)

    def test_minutes_before_the_tag(self) -> None:
        report = Report(Kind.LATE, "Sam", minutes=20)
        decided = answer(reading("I'll be 20 late Sam", report=report), LATE_CASE, Role.ASSOCIATE)
        assert decided == Answer(Word.LATE, report=report)

    def test_a_note_with_an_outcome_is_doubted(self) -> None:
        report = Report(Kind.LATE, "Sam", minutes=20, note="rescheduled")
        for line in ("LATE 20 Sam, rescheduled", "20 late Sam, rescheduled"):
            decided = answer(reading(line, report=report), LATE_CASE, Role.ASSOCIATE)
            assert isinstance(decided, Doubt)
            assert decided.holds_outcome

    def test_noshow_on_a_waiting_case_is_absent(self) -> None:
        report = Report(Kind.NOSHOW, "Sam", capitals=True)
        decided = answer(reading("NOSHOW Sam", report=report), WAITING_CASE, Role.ASSOCIATE)
        assert shown(decided) == "absent"
        report = Report(Kind.NOSHOW, "Sam", note="charged the fee")
        decided = answer(reading("missed Sam, charged the fee", report=report), WAITING_CASE, Role.ASSOCIATE)
        assert shown(decided) == "absent: charged the fee"

    def test_noshow_and_waiting_change_the_kind(self) -> None:
        for kind, line in ((Kind.NOSHOW, "noshow Sam"), (Kind.WAITING, "waiting Sam")):
            decided = answer(reading(line, report=Report(kind, "Sam")), LATE_CASE, Role.ASSOCIATE)
            assert isinstance(decided, Answer)
            assert (decided.word.value, decided.report) == (kind.name, Report(kind, "Sam"))


CASES = [*(LATE_CASE, NOSHOW_CASE, WAITING_CASE), *(sent(LATE_CASE), sent(NOSHOW_CASE), sent(WAITING_CASE))]
_TABLE = [*vocabulary.HEADWORDS, *vocabulary.ALSO, *map(str.upper, vocabulary.HEADWORDS)]
_BETWEEN = [
    "Kim",
    "Sam",
    "her",
    "not",
    "will",
    "cannot",
    "isn't",
    "?",
    ",",
    "to",
    "Tue",
    "3pm",
    "CLOSE",
    "no",
    "\u200b",
]
_WORDS = st.sampled_from(_TABLE) | st.sampled_from(_BETWEEN)
_LINES = st.lists(_WORDS | st.text(max_size=5), max_size=6).map(" ".join)


@given(_LINES, _LINES, st.booleans(), st.sampled_from(CASES), st.sampled_from(Role))
@example("RESCHEDULED", "?", True, NOSHOW_CASE, Role.ASSOCIATE)
def test_nothing_is_closed_by_a_question_or_a_negation(
    line: str, rest: str, from_subject: bool, case: Case, role: Role
) -> None:
    decided = answer(reading(line, rest, from_subject=from_subject), case, role)
    if not isinstance(decided, Answer) or decided.word not in {Word.OUTCOME, Word.SENT, Word.MISTAKE}:
        return
    assert "?" not in line
    if decided.word is Word.SENT:
        return  # it closes nothing: what follows may be about the client
    spoken = [piece.folded for piece in vocabulary.pieces(line) if piece.meaning is None]
    assert not {"not", "will", "cannot", "isn't"}.intersection(spoken)


@given(_LINES, st.sampled_from(CASES))
def test_two_different_outcomes_never_close(line: str, case: Case) -> None:
    decided = answer(reading(line), case, Role.ASSOCIATE)
    held = [piece.meaning.outcomes for piece in vocabulary.pieces(line) if piece.meaning and piece.said.isupper()]
    if isinstance(decided, Answer) and decided.outcome is not None:
        assert all(decided.outcome in outcomes for outcomes in held if outcomes)
