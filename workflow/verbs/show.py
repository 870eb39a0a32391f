"""``show CASE``: the past and the future of one case: what was written and sent, what is next, and why not yet.

It tells what the case's file holds, and decides nothing: when a letter is due is `core.schedule`.
"""

from __future__ import annotations

import asyncio
import sys
from argparse import Namespace
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from textwrap import wrap
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import orjson

from workflow.clock import SystemClock
from workflow.config import Seen
from workflow.core.language.names import shown
from workflow.core.language.printed import clock_time, day
from workflow.core.model import Case, Due, Entry, Letter, LetterKind, Post, Says, State, Timer
from workflow.core.people import Role
from workflow.core.schedule import QUIET, asks_outcome, held_until
from workflow.store import Alive, Reader, daemon_link, peek
from workflow.verbs import iso, tell_faults
from workflow.verbs.chosen import chosen_seen

WIDTH = 80
"""Columns of the smallest terminal anybody uses."""

BY_CLOCK = frozenset(kind.value for kind in LetterKind)
"""The first word of a history entry that only repeats what a letter's own line says."""


STAGES = ("MAIL ", "RCPT ", "DATA ")
"""What the reason of a refusal begins with."""


class Line(NamedTuple):
    """One thing that happened or will. UTC."""

    at: datetime
    text: str


def main(asked: Namespace) -> int:
    """Print the case (contract section 7); exit code 2 for an unknown id, 4 for a store that can't be read."""
    case_id = asked.case
    seen = chosen_seen(asked)
    alive = asyncio.run(daemon_link(seen.url).alive())
    tell_faults(seen, alive)
    store = asyncio.run(peek(seen.url))
    case = asyncio.run(store.case(case_id))
    if case is None:
        faulty = any(fault.name.partition(".")[0] == case_id for fault in store.faults)
        said = "can't be read: see state/README.md, Repair" if faulty else "is not there: `status` lists the open ones"
        print(f"Case {case_id} {said}.", file=sys.stderr)
        return 2
    now = alive.now if alive is not None else SystemClock().now()
    hindered = list(hindrances(store, alive))
    if asked.json:
        print(orjson.dumps(told(case, seen, now, hindered), option=orjson.OPT_INDENT_2).decode())
    else:
        print("\n".join(page(case, seen, now, hindered)))
    return 0


def told(case: Case, seen: Seen, now: datetime, hindered: Iterable[str] = ()) -> dict[str, Any]:
    """The same for programs: what `page` prints, with times as ISO, local, to the second."""
    zone = ZoneInfo(seen.zone)

    def listed(lines: Iterable[Line]) -> list[dict[str, Any]]:
        return [{"at": iso(line.at, zone), "what": line.text} for line in sorted(lines, key=lambda line: line.at)]

    coming = listed(future(case, now))
    return {
        "case": case.id,
        "kind": case.kind.value,
        "state": case.state.value,
        "associate": case.associate.name,
        "client": shown(case.client, seen.client_name),
        "minutes": case.minutes,
        "session_at": iso(case.session_at, zone),
        "reported_at": iso(case.reported_at, zone),
        "contacted_at": iso(case.contacted_at, zone),
        "closed_at": iso(case.closed_at, zone),
        "outcome": None if case.outcome is None else case.outcome.value,
        "outcome_note": case.outcome_note,
        "client_says": None if case.client_says is None else case.client_says.value,
        "makeup": case.makeup,
        "reminders_sent": len(case.reminders),
        "escalated": case.escalated_at is not None,
        "happened": listed(past(case)),
        "next": coming,
        "why_not": [*(hindered if coming else ()), *quiet(case)],
    }


def page(case: Case, seen: Seen, now: datetime, hindered: Iterable[str] = ()) -> Iterator[str]:
    """The lines to print, none longer than `WIDTH`. Times are local; `now` is the clinic's, real or rehearsed."""
    zone = ZoneInfo(seen.zone)
    unnamed = "client not named" if case.wiped_at is None else "client's name wiped"
    client = shown(case.client, seen.client_name) or unnamed
    minutes = f" {case.minutes}" if case.minutes is not None else ""
    yield from _wrapped(f"{case.id}  {case.kind.value}{minutes}, {case.associate.name}, {client}: {_state(case)}", "")
    for name, at in (
        ("Session", case.session_at),
        ("Reported", case.reported_at),
        ("Messaged", case.told_at),
        ("Reached by admin", case.reached_at),
        ("Closed", case.closed_at),
        ("Names wiped", case.wiped_at),
    ):
        if at is not None:
            local = at.astimezone(zone)
            yield f"  {name:<17} {_dated(local)}, {clock_time(local)}"
    if case.client_says is not None:
        yield f"  {'Client answered':<17} {'can wait' if case.client_says is Says.WAITS else 'wants a new time'}"
    yield from ("", "What happened")
    yield from _days(sorted(past(case), key=lambda line: line.at), zone)
    yield from ("", "What comes next")
    coming = sorted(future(case, now), key=lambda line: line.at)
    yield from _days(coming, zone)
    for text in (*hindered, *quiet(case)) if coming else quiet(case):
        yield from _wrapped(text, "  ")


def past(case: Case) -> Iterator[Line]:
    """What people wrote, what the clock did, and each letter with what became of it."""
    for entry in case.history:
        if entry.by == "clock" and entry.what.partition(" ")[0] in BY_CLOCK:
            continue
        yield Line(entry.at, f"{entry.what}{_by(case, entry)}")
    for letter in case.letters:
        if letter.settled_at is not None:
            yield Line(letter.settled_at, f"{_named(letter)}: {_became(letter)}")


def future(case: Case, now: datetime) -> Iterator[Line]:
    """Letters still owed and due times, with why they have not gone yet."""
    for letter in case.letters:
        if letter.post is not Post.OWED:
            continue
        if letter.kind.course.held and (held := held_until(case, letter.created_at, now)) is not None:
            yield Line(held, f"{_named(letter)}: owed; not earlier: {QUIET}")
        else:
            yield Line(letter.next_at or letter.created_at, f"{_named(letter)}: {_waits(letter)}")
    for timer in case.timers:
        why = f"; not earlier: {timer.why}" if timer.why else ""
        yield Line(timer.at, f"{_coming(case, timer)}, unless {_unless(case, timer)} comes first{why}")


def quiet(case: Case) -> Iterator[str]:
    """Why something that one might expect does not come at all."""
    if not case.open and case.timers:
        return
    if not case.open:
        yield f"No more reminders: the case is {case.state.value}."
        return
    due = {timer.due for timer in case.timers}
    if case.returned_at is not None:
        yield f"Reminders go to admin, in the mornings: nothing reaches {case.associate.name}."
    elif case.away_at is not None:
        yield f"Admin is reminded, too, in the mornings: the mailbox of {case.associate.name} answers by itself."
    if case.cadence.of(case.kind).escalate is not None and Due.ESCALATION not in due:
        if case.escalated_at is not None:
            if (became := _escalation(case)) is Post.OWED:
                return  # it comes next
            why = "it was refused, or came back" if became is Post.FAILED else "it was sent"
        elif case.sent_at is not None:
            why = "SENT was written"
        elif case.reached_at is not None:
            why = "CONTACTED was written"
        else:
            why = "so short a delay is over before it could help"
        yield f"No escalation to admin: {why}."


def hindrances(store: Reader, alive: Alive | None) -> Iterator[str]:
    """What keeps everything from happening, as far as can be seen from outside of the daemon."""
    if alive is None:
        yield "No daemon runs: nothing is sent or decided until one does."
    elif alive.unsent_since is not None or store.desk.marks.get("outage SMTP"):  # set by `workflow.watch`
        yield "The SMTP server is not reached, or refuses us: letters wait."


def _state(case: Case) -> str:
    if case.state is not State.CLOSED or case.outcome is None:
        return case.state.value
    note = f" ({case.outcome_note})" if case.outcome_note else ""
    return f"{case.outcome.value}{note}" + (", make-up session offered" if case.makeup else "")


def _by(case: Case, entry: Entry) -> str:
    if entry.by == "clock":
        return ""
    earlier = {email for letter in case.letters if letter.role is Role.ASSOCIATE for email in letter.to.emails}
    return f", by {case.associate.name}" if entry.by in {*case.associate.emails, *earlier} else ", by admin"


def _named(letter: Letter) -> str:
    about = {
        "contact": " (is the client told?)",
        "outcome": " (how did it end?)",
        "apology": " (an apology is owed)",
    }.get(letter.topic, "")
    return f"{letter.kind.value} to {letter.to.name}{about if letter.kind is LetterKind.REMINDER else ''}"


def _became(letter: Letter) -> str:
    match letter.post:
        case Post.SENT:
            return "sent" if letter.attempts <= 1 else f"sent, at attempt {letter.attempts}"
        case Post.WITHDRAWN:
            return f"not sent: {letter.reason}"
        case Post.FAILED:
            return f"{'refused for good' if letter.reason.startswith(STAGES) else 'failed'}: {letter.reason}"
        case Post.OWED:
            return _waits(letter)


def _escalation(case: Case) -> Post:
    """What became of the last to admin, as far as it went best."""
    last = [one for one in case.letters if one.kind is LetterKind.ESCALATION and one.role is Role.ADMIN]
    posts = {letter.post for letter in last if letter.created_at == last[-1].created_at}
    return next((post for post in (Post.SENT, Post.OWED, Post.FAILED) if post in posts), Post.SENT)


def _waits(letter: Letter) -> str:
    if not letter.attempts:
        return "owed, to go at once"
    times = "once" if letter.attempts == 1 else f"{letter.attempts} times"
    return f"owed, tried again; refused for now {times}: {letter.reason}"


def _coming(case: Case, timer: Timer) -> str:
    match timer.due:
        case Due.REMINDER:
            asks = "how did it end?" if asks_outcome(case, timer.at) else "is the client told?"
            asks = asks if case.open else "an apology is owed"
            who = case.associate.name if case.returned_at is None else "admin"
            return f"reminder to {who} ({asks})"
        case Due.ESCALATION:
            return "escalation to admin"
        case Due.LEAD:
            return "escalation to the lead"
        case Due.STEPAWAY:
            return f"stepaway to {case.associate.name}"
        case Due.CLOSE:
            return "closes by itself"


def _unless(case: Case, timer: Timer) -> str:
    """What would make it needless."""
    match timer.due:
        case Due.REMINDER:
            if not case.open:
                return f"any word of {case.associate.name}"
            return "an outcome" if asks_outcome(case, timer.at) else "SENT or an outcome"
        case Due.ESCALATION | Due.LEAD:
            return "SENT, CONTACTED or an outcome"
        case Due.STEPAWAY | Due.CLOSE:
            return "an outcome"


def _days(lines: Iterable[Line], zone: ZoneInfo) -> Iterator[str]:
    """The lines under the heading of their local day; "nothing" without any."""
    under: date | None = None
    for line in lines:
        at = line.at.astimezone(zone)
        if at.date() != under:
            under = at.date()
            yield f"  {_dated(at)}"
        yield from _wrapped(line.text, f"    {clock_time(at):>8}  ")
    if under is None:
        yield "  nothing"


def _dated(local: datetime) -> str:
    """A day as letters print it, and its year: cases are kept for longer than one."""
    return f"{day(local)} {local.year}"


def _wrapped(text: str, start: str) -> list[str]:
    return wrap(text, WIDTH, initial_indent=start, subsequent_indent=" " * len(start))
