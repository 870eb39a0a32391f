"""The whole law as a table that people can read: docs/law.md, made by running it.

Every word of contract section 3, by the associate and by admin, about a case of each kind in each state; then every
report about a client with an open case; then what time does. ``UPDATE_GOLDEN=1`` writes the page anew.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import groupby, product
from pathlib import Path

import pytest

from tests.cast import ALEX, DANA, LEE, PAT, RAVI, RULES, a_case, dana, local, mail, scene
from tests.rows import each
from workflow.core.cases import Cases
from workflow.core.due import tick_case
from workflow.core.entries import is_moved, replanned
from workflow.core.kinds import KINDS, OF_TAG
from workflow.core.language import read
from workflow.core.law import answer_case
from workflow.core.mail import Answer, Word
from workflow.core.model import Case, Decision, Letter, Outcome, Post, Says, State
from workflow.core.people import Person, Standing
from workflow.core.routing import route
from workflow.core.rules import Kind
from workflow.core.situation import Situation

PAGE = Path(__file__).parents[2] / "docs" / "law.md"

OPENED, SENT_AT, CLOSED_AT, NOW = local("14:00"), local("14:02"), local("14:04"), local("14:30")
"""On a Thursday: the answers of the table come half an hour after the report."""

UNREAD = local("14:20")
"""After the usual escalation."""

OUTCOMES = ["CONNECTED", "ARRIVED", "ABSENT", "RESCHEDULED Tue 3pm", "OTHER she moved", "UNREACHABLE"]
WORDS = ["MAKEUP", "CLIENT Kim", "UNDO", "MISTAKE"]
TAGS = ["LATE 20", *OF_TAG, "CLIENT NO SHOW"]
ASKED = ["no answer", "OTHER", "CLIENT", "Cancelled", "CONNECTED", "ARRIVED", "ABSENT", "not rescheduled yet"]
TEXT = ["She is on her way", "NOTE she is new", "ok, thanks"]
SAYS = ["WAITS", "REBOOK", "she is fine to wait", "Client wants to reschedule"]
ASSOCIATE = [
    "SENT",
    "SENT, she waits",
    "SENT, she will wait",
    "sent a text to both",
    *SAYS,
    *WORDS,
    *TAGS,
    *ASKED,
    "CLOSE RESCHEDULED",
    "CONTACTED",
    *TEXT,
]
ADMIN = [
    "CONTACTED",
    "called her",
    "CONTACTED he will wait",
    "SENT",
    *SAYS,
    "CLOSE RESCHEDULED",
    *WORDS,
    *TAGS,
    *ASKED,
    *TEXT,
]
REPORTS = ["LATE 15 Sam P.", "LATE 20 Sam P.", "NOSHOW Sam P.", "NOSHOW Sam P. 1pm", "WAITING Sam P.", "LATE 15 Kim"]
REPORTS += [f"{tag} Sam P." for tag in OF_TAG if not any(line.startswith(tag) for line in REPORTS)]


# --- the cases ----------------------------------------------------------------------------------------


def endings(kind: Kind) -> list[str]:
    """What tells how a case of this kind ended."""
    return [line for line in OUTCOMES if Outcome(line.split()[0].lower()) in KINDS[kind].outcomes]


def sent_out(case: Case) -> Case:
    """The case with all its letters accepted, so that only new ones are looked at."""
    return replace(case, letters=tuple(replace(letter, post=Post.SENT) for letter in case.letters))


def states(kind: Kind) -> dict[str, Case]:
    """A case of Dana's about Sam P. in each state."""
    opened = sent_out(a_case(kind, OPENED, minutes=15 if kind is Kind.LATE else None))
    told = answer_case(scene(SENT_AT), dana("SENT", SENT_AT), opened, Answer(Word.SENT))
    ended = Answer(Word.OUTCOME, outcome=Outcome.UNREACHABLE)
    closed = answer_case(scene(CLOSED_AT), dana("UNREACHABLE", CLOSED_AT), opened, ended)
    cancelled = answer_case(scene(CLOSED_AT), dana("MISTAKE", CLOSED_AT), opened, Answer(Word.MISTAKE))
    known = {"open": opened, "messaged": told, "closed": closed, "cancelled": cancelled}
    return {name: sent_out(case) for name, case in known.items()}


def said_by(person: Person, line: str, case: Case, now: datetime = NOW, *, thread: bool = True) -> Decision:
    """What a mail of this one line makes of the world, as a reply to a letter about the case or as a new mail."""
    subject = f"Re: [{case.id}] LATE: Dana L. - S.P." if thread else line
    written = mail(subject, now, sender=person.email, new_text=line if thread else "")
    situation = Situation(
        scene=scene(now),
        mail=written,
        reading=read.read(written.subject, written.new_text, ""),
        standing=Standing.KNOWN,
        associate=RULES.roster.associate(person.email),
        admin=RULES.roster.admin(person.email),
        cases=Cases([case]),
        thread=(case.id,) if thread else (),
    )
    return route(situation)[-1]


# --- what became of it --------------------------------------------------------------------------------


def becomes(case: Case, after: Case | None, line: str) -> str:
    """What is new about the case, in the words of the contract; `line` is what was written."""
    if after is None:
        return "as it was"
    if after.id != case.id:
        return f"a new case: {after.kind}"
    facts = {
        after.kind.value: after.kind is not case.kind,
        after.state.value: after.state is not case.state,
        f"outcome {after.outcome}": after.outcome not in {None, case.outcome},
        f"no longer {case.outcome}": after.outcome is None and case.outcome is not None,
        "messaged": after.sent_at is not None and case.sent_at is None,
        "not messaged": after.sent_at is None and case.sent_at is not None,
        "reached": after.reached_at is not None and case.reached_at is None,
        "client waits": after.client_says is Says.WAITS is not case.client_says,
        "client wants a new time": after.client_says is Says.REBOOK is not case.client_says,
        "apology owed": after.owes_apology and not case.owes_apology,
        "make-up offered": after.makeup and not case.makeup,
        f"client {after.client}": after.client != case.client,
        f"{after.minutes} minutes": after.minutes not in {None, case.minutes},
        "times count anew": after.changed_at != case.changed_at,
        "a note": len(after.notes) > len(case.notes),
    }
    told = ", ".join(fact for fact, holds in facts.items() if holds) or "as it was"
    if after.outcome is not None and after.outcome.value.upper() == line.split(maxsplit=1)[0]:
        told = told.replace(f"outcome {after.outcome}", "that outcome")
    return told


def letters(case: Case, decision: Decision) -> str:
    after = decision.case
    own = after.letters if after is not None else ()
    new = [*(own[len(case.letters) :] if after is not None and after.id == case.id else own), *decision.letters]
    return "; ".join(f"{who}: {', '.join(kinds)}" for who, kinds in by_reader(new).items()) or "none"


def by_reader(new: Iterable[Letter]) -> dict[str, list[str]]:
    """Letters in the order of their readers; both admins' as one, where they are the same."""
    names = {DANA.email: "Dana", RAVI.email: "Ravi", ALEX.email: "Alex", PAT.email: "Pat", LEE.email: "Lee"}
    found: dict[str, list[str]] = {name: [] for name in names.values()}
    for letter in new:
        found[names[letter.to.email]].append(f"{letter.kind.value} {letter.topic}".strip())
    if found["Alex"] == found["Pat"]:
        found["admins"] = found.pop("Alex")
        del found["Pat"]
    return {name: kinds for name, kinds in found.items() if kinds}


# --- the page -----------------------------------------------------------------------------------------


def page() -> Iterator[str]:
    yield "# The law, as it is"
    yield ""
    yield "Made by `tests/core/test_law.py`, which runs the rules; `UPDATE_GOLDEN=1 make quick` writes it anew."
    yield "Dana has a case about Sam P., opened at 14:00; Alex and Pat are admins. The mails come at 14:30."
    yield "*open*: nobody wrote that the client was messaged. *messaged*: SENT at 14:02. *closed*: UNREACHABLE."
    yield "*unread*: from 14:20 on, Dana's letters come back."
    for kind in Kind:
        cases = states(kind)
        for person, lines in ((DANA, ASSOCIATE), (ALEX, ADMIN)):
            who = "Dana" if person is DANA else "Alex, an admin,"
            own = list(dict.fromkeys([lines[0], *endings(kind), *lines[1:]]))
            yield from table(f"{kind.value}: {who} writes", own, cases, person, thread=True)
    for kind in Kind:
        one = {name: case for name, case in states(kind).items() if name != "cancelled"}
        yield from table(f"{kind.value}: Dana reports again, in a new mail", REPORTS, one, DANA, thread=False)
    yield from timetable()


def table(title: str, lines: list[str], cases: dict[str, Case], person: Person, *, thread: bool) -> Iterator[str]:
    yield from ("", f"## {title}", "", "| written | about a case that is | becomes | letters |", "|---|---|---|---|")
    rows = {line: tuple(effects(line, cases, person, thread=thread)) for line in lines}
    for found, alike in groupby(lines, key=rows.__getitem__):
        written = "<br>".join(alike)
        for which, then, told in found:
            yield f"| {written} | {which} | {then} | {told} |"
            written = ""


def effects(line: str, cases: dict[str, Case], person: Person, *, thread: bool) -> Iterator[tuple[str, str, str]]:
    """(states, what the case becomes, letters), one row for all states in which the line does the same."""
    found: dict[tuple[str, str], list[str]] = {}
    for state, case in cases.items():
        decision = said_by(person, line, case, thread=thread)
        found.setdefault((becomes(case, decision.case, line), letters(case, decision)), []).append(state)
    for (then, told), states_alike in found.items():
        yield "any state" if len(states_alike) == len(cases) else ", ".join(states_alike), then, told


def timetable() -> Iterator[str]:
    yield from ("", "## Time passes, and nobody writes", "", "| case | at | letters |", "|---|---|---|")
    for kind in Kind:
        for state, unread in product(("open", "messaged"), (False, True)):
            case = states(kind)[state]
            while case.timers and (now := case.timers[0].at) < local("12:00", 7):
                if unread and now > UNREAD and case.returned_at is None:
                    case = replanned(replace(case, returned_at=UNREAD))
                    continue
                after = sent_out(tick_case(scene(now), case))
                told = letters(case, Decision("", case=after))
                clock = (now - timedelta(hours=5)).strftime("%a %H:%M")  # Toronto, in November
                ended = "" if after.open else f"; closed: {after.outcome}, {after.outcome_note}"
                if case.returned_at is not None or not unread:
                    yield f"| {kind.value}, {state}{', unread' if unread else ''} | {clock} | {told}{ended} |"
                case = after


def test_the_law_is_the_page() -> None:
    now = "\n".join(page()) + "\n"
    if os.environ.get("UPDATE_GOLDEN"):
        PAGE.write_text(now)
    assert now == PAGE.read_text(), "read the difference, then UPDATE_GOLDEN=1"


# --- what holds for every row -------------------------------------------------------------------------

EVERY_LINE = list(dict.fromkeys([*ASSOCIATE, *ADMIN, *REPORTS, *OUTCOMES]))


@pytest.mark.slow
@each("kind", list(Kind))
def test_the_lead_speaks_as_admin(kind: Kind) -> None:
    for case in states(kind).values():
        for line in ADMIN:
            as_admin, as_lead = (becomes(case, said_by(person, line, case).case, line) for person in (ALEX, LEE))
            assert as_lead == as_admin, line


@each("kind", list(Kind))
def test_another_associate_s_word_changes_nothing(kind: Kind) -> None:
    for case in states(kind).values():
        for line in EVERY_LINE:
            typed = said_by(RAVI, f"[{case.id}] {line}", case, thread=False)
            assert typed.case is None
            assert letters(case, typed) == "Ravi: ask not-yours; admins: notice other-associate"
            passed = said_by(RAVI, line, case)
            if passed.case is not None and passed.case.id != case.id:
                assert line in REPORTS and passed.case.associate == RAVI, "a session of their own"
            elif passed.case is not None:
                assert not is_moved(case, passed.case)
                said = letters(case, passed)
                assert said == "Dana: update note; Ravi: receipt passed-on; admins: notice other-associate"
            else:
                assert line == "ok, thanks" and letters(case, passed) == "none"


@each("kind", list(Kind))
def test_only_the_words_of_an_outcome_close_and_only_late_noshow_waiting_change_the_kind(kind: Kind) -> None:
    closing = {line.split()[0] for line in endings(kind)} | ({"NOSHOW", "CLIENT"} if kind is Kind.WAITING else set())
    closing |= {"CLOSE", "MISTAKE", "no"}
    for name in ("open", "messaged"):
        case = states(kind)[name]
        for person in (DANA, ALEX):
            for line in EVERY_LINE:
                after = said_by(person, line, case).case
                if after is None or after.id != case.id:
                    continue
                if after.state is not State.OPEN:
                    assert line.split()[0] in closing, line
                if after.kind is not case.kind:
                    assert line.split()[0] in {*OF_TAG, "CLIENT"} - {"LATE"}, line
