"""A clinic with a past: a state folder with open and closed cases, as the daemon would have left it.

What the cases say is the law's own (`core.law`), with all letters sent; only the files are stamped out, one story of
each day many times, each time under another id and about another client. What is due next is due in half a day.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from itertools import chain, count, cycle, islice, product
from pathlib import Path
from zoneinfo import ZoneInfo

from tests.bench.mailboxes import names
from workflow.core.due import tick_case
from workflow.core.entries import Voice
from workflow.core.language.prefixes import case_ids
from workflow.core.law import answer_case
from workflow.core.mail import Answer, Mail, Report, Word
from workflow.core.model import Case, Outcome, Post
from workflow.core.owed import Scene
from workflow.core.people import Person, Role
from workflow.core.privacy import wiped
from workflow.core.reports import open_case
from workflow.core.rules import Kind, Rules
from workflow.ids import CASE_ALPHABET
from workflow.store import codec
from workflow.store.codec import Filed
from workflow.store.tiny import atomic
from workflow.store.tiny.reader import BACKUPS, CASE, ONLY, closing_month

ID, CLIENT = "ZZZZ", "Zzzzz Zzzzz"
"""What stands in a story for the id and the client."""

OPEN_FOR = 10
"""Days since the oldest open case was reported."""

KEPT = 400
NAMED = 30
"""Days: the contract's retention."""

HALF_A_DAY = timedelta(hours=12)

FILE_KB = 32
"""As much disk as a file takes, at most on average."""


@dataclass(frozen=True)
class Past:
    """So many cases."""

    open_cases: int
    closed_cases: int

    def __str__(self) -> str:
        said = [
            f"{count:,} {what}" for count, what in ((self.open_cases, "open"), (self.closed_cases, "closed")) if count
        ]
        return f"{' and '.join(said) or 'no'} cases"


def make_past(folder: Path, rules: Rules, past: Past, now: datetime) -> None:
    """Fill an empty state folder. Not synced, and with a backup of today, so that the daemon makes none."""
    zone = ZoneInfo(rules.cadence.zone)
    morning = (now + HALF_A_DAY).astimezone(zone).hour
    quiet = replace(rules.cadence, quiet_from=time((morning - 11) % 24), quiet_to=time(morning))
    rules = replace(rules, cadence=quiet)
    ids, clients = _ids(), cycle(names())
    (folder / BACKUPS / f"{now.astimezone(zone):%Y-%m-%d}").mkdir(parents=True)
    atomic.close_to_others(folder)
    for told, cases in (_open_case, past.open_cases), (_closed_case, past.closed_cases):
        days = zip(range(min(cases, KEPT)), cycle(rules.roster.associates), strict=False)
        stamps = cycle([_stamp(folder, told(rules, who, day, now)) for day, who in days])
        for (place, stamp), case_id, client in islice(zip(stamps, ids, clients, strict=False), cases):
            written = stamp.replace(ID.encode(), case_id.encode()).replace(CLIENT.encode(), client.encode())
            (place / f"{case_id}.json").write_bytes(written)


def _open_case(rules: Rules, who: Person, day: int, now: datetime) -> Case:
    return _story(rules, who, now - timedelta(days=day % OPEN_FOR, hours=5), now)


def _closed_case(rules: Rules, who: Person, day: int, now: datetime) -> Case:
    at = now - timedelta(days=1 + day, hours=5)
    case = _ended(_story(rules, who, at, at + timedelta(hours=1)), rules)
    return wiped(case, now) if day > NAMED else case


def _ids() -> Iterator[str]:
    drawn = ["".join(parts) for parts in product(CASE_ALPHABET, repeat=4)]
    random.Random(7).shuffle(drawn)
    return (case_id for case_id in drawn if case_id != ID and case_ids(case_id) == (case_id,))


def _stamp(folder: Path, case: Case) -> tuple[Path, bytes]:
    """The folder of a case's file, and what stands in it."""
    at = max(chain([case.changed_at], (entry.at for entry in case.history)))
    place = folder / "open" if case.open else folder / "closed" / closing_month(case)
    atomic.make_folder(place)
    return place, codec.encode({CASE: {str(ONLY): codec.document(Filed(case, at))}})


_NUMBERS = count(1)


def _scene(rules: Rules, at: datetime) -> Scene:
    """With ids that are another's once `ID` is replaced, and as long as real ones."""
    return Scene(rules, at, lambda _: f"{ID}{next(_NUMBERS):020x}", ID)


def _story(rules: Rules, who: Person, at: datetime, until: datetime) -> Case:
    """A missed session: the client was told after six minutes, and nobody has said how it ended."""
    report = Report(Kind.NOSHOW, CLIENT)
    case = _sent(open_case(_scene(rules, at), _voice(who, f"NOSHOW {CLIENT}", at), report, who, []), at)
    told_at = at + timedelta(minutes=6)
    case = _ticked(case, rules, told_at)
    case = answer_case(_scene(rules, told_at), _voice(who, "SENT", told_at), case, Answer(Word.SENT))
    return _ticked(_sent(case, told_at), rules, until)


def _ended(case: Case, rules: Rules) -> Case:
    at = max(entry.at for entry in case.history) + timedelta(hours=1)
    answer = Answer(Word.OUTCOME, outcome=Outcome.RESCHEDULED, text="Tue 3pm")
    voice = _voice(case.associate, f"[{ID}] RESCHEDULED Tue 3pm", at)
    return _sent(answer_case(_scene(rules, at), voice, case, answer), at)


def _ticked(case: Case, rules: Rules, until: datetime) -> Case:
    while case.timers and (at := min(timer.at for timer in case.timers)) <= until:
        case = _sent(tick_case(_scene(rules, at), case), at)
    return case


def _sent(case: Case, at: datetime) -> Case:
    letters = tuple(
        replace(letter, post=Post.SENT, attempts=1, settled_at=at) if letter.post is Post.OWED else letter
        for letter in case.letters
    )
    return replace(case, letters=letters)


def _voice(who: Person, line: str, at: datetime) -> Voice:
    mail = Mail(
        key=f"{ID}{next(_NUMBERS):060x}",
        sender=who.email,
        subject=line,
        new_text="",
        quoted_text="",
        message_id=f"<{ID}{next(_NUMBERS):032x}@mail.phone.test>",
        refers_to=(),
        arrived_at=at.astimezone(UTC),
        written_at=at,
    )
    return Voice(mail, who, Role.ASSOCIATE)
