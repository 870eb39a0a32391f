"""The morning digest: what is open, how fast clients were told, what is faulty. Contract section 4, `digest`.

When there is nothing to say there is no digest, but on Mondays: "I am alive".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from workflow.core import figures
from workflow.core.due import NO_ANSWER, WANTS_TIME
from workflow.core.language.printed import listed, standing, when
from workflow.core.limits import SET_ASIDE
from workflow.core.model import Case, Datum, Letter, LetterKind, Post, State
from workflow.core.outsiders import NOT_TOLD
from workflow.core.owed import Scene, write_letter
from workflow.core.people import Role
from workflow.core.rules import Rules
from workflow.core.schedule import next_at

MONDAY = 0

BY_ITSELF = frozenset({NO_ANSWER, WANTS_TIME})
"""The notes that nobody wrote."""

JUMPED = (
    "the clock of Promptly's computer jumped by more than a day, or Promptly was stopped for so long: for a day after "
    "it, no names are wiped, and no cases and backups deleted"
)


def next_digest_at(last: datetime, rules: Rules) -> datetime | None:
    """When the next digest is due after `last`, in UTC; None: the clinic wants none."""
    return None if rules.digest_at is None else next_at(rules.digest_at, last, ZoneInfo(rules.cadence.zone))


def digest(
    scene: Scene, open_cases: Iterable[Case], closed: Sequence[Case], since: datetime, faults: list[str]
) -> tuple[Letter, ...]:
    """A digest for each admin, or none. `closed`: the cases closed since the last digest, at `since`."""
    zone = ZoneInfo(scene.rules.cadence.zone)
    still = sorted((case for case in open_cases if case.open), key=lambda case: case.opened_at)
    if not (still or closed or faults) and scene.now.astimezone(zone).weekday() != MONDAY:
        return ()
    data: dict[str, Datum] = {
        "headline": _headline(len(still), closed, since, scene.now, zone),
        "open": [_open_line(case, scene.rules, scene.now) for case in still],
        "closed": [_closed_line(case, scene.rules, scene.now) for case in closed],
        "faults": faults,
    }
    admins = scene.rules.roster.admins
    return tuple(write_letter(scene, LetterKind.DIGEST, "", admin, Role.ADMIN, data=data) for admin in admins)


def faults(
    letters: Iterable[Letter],
    counts: Mapping[str, tuple[datetime, ...]],
    unread: int,
    since: datetime,
    jumped_at: datetime | None = None,
) -> list[str]:
    """What went wrong since the last digest, counted; most of it was told in a notice of its own.

    `letters`: all that may have failed since; `counts`: the desk's; `unread`: the case files that cannot be read;
    `jumped_at`: when the clock was found far from where it was.
    """
    ended = [letter.settled_at for letter in letters if letter.post is Post.FAILED]
    failed = sum(at is not None and at >= since for at in ended)
    lines = [
        (failed, "letters refused for good"),
        (sum(at >= since for at in counts.get(SET_ASIDE, ())), "mails set aside"),
        (sum(at >= since for at in counts.get(NOT_TOLD, ())), "mails of unknown senders, not told one by one"),
        (unread, "case files that cannot be read"),
    ]
    told = [f"{count} {what}" for count, what in lines if count]
    if jumped_at is not None and jumped_at >= since:
        told.append(JUMPED)
    return told


def _headline(still: int, closed: Sequence[Case], since: datetime, now: datetime, zone: ZoneInfo) -> str:
    """The state in one sentence: "1 open, 3 closed since Friday, median 4 min to contact"."""
    parts = [f"{still} open", f"{len(closed)} closed since {_day(since, now, zone)}"]
    minutes = figures.median_minutes(closed)
    if minutes is not None:
        parts.append(f"median {minutes} min to contact")
    return ", ".join(parts) + "."


def _open_line(case: Case, rules: Rules, now: datetime) -> str:
    count = len(case.reminders)
    asked = "asked once" if count == 1 else f"asked {count} times" if count else "not asked yet"
    return f"{listed(case, rules, now)}: {standing(case)}, {asked}{_last_heard(case, rules, now)}"


def _last_heard(case: Case, rules: Rules, now: datetime) -> str:
    """When somebody last wrote about the case, and what, in a word."""
    heard = [entry for entry in case.history if entry.by != "clock"]
    if not heard:
        return ""
    last = heard[-1]
    what = "an unclear answer" if last.what.startswith("unclear") else last.what
    return f"; last heard {when(last.at, now, ZoneInfo(rules.cadence.zone))}: {what}"


def _closed_line(case: Case, rules: Rules, now: datetime) -> str:
    minutes = figures.contact_minutes(case)
    took = "" if minutes is None else f", {minutes} min to contact"
    ended = "a mistake" if case.state is State.CANCELLED else str(case.outcome)
    note = f" ({case.outcome_note})" if case.outcome_note in BY_ITSELF else ""
    return f"{listed(case, rules, now)}: {ended}{note}{took}"


def _day(since: datetime, now: datetime, zone: ZoneInfo) -> str:
    days = (now.astimezone(zone).date() - since.astimezone(zone).date()).days
    if days <= 1:
        return "yesterday" if days == 1 else "this morning"
    local = since.astimezone(zone)
    return local.strftime("%A") if days < 7 else local.strftime("%d %B")
