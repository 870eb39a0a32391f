"""When to ask again: (case, now) -> due times. Contract section 5, and nothing else.

It decides no letter and changes no milestone: `plan` tells when a case is due, `due` what happens then.
Raw times come from the case's own `Cadence`; quiet hours and the daily maximum move them, never drop them.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import chain, count, islice
from zoneinfo import ZoneInfo

from workflow.core.model import Case, Due, LetterKind, Timer
from workflow.core.people import Role
from workflow.core.rules import Cadence, Kind

MORNING = time(9, 0)
"""The clinic morning where there are no quiet hours (contract section 5)."""

SHORT_DELAY = 10
"""A LATE of at most so many minutes is over before an escalation could help ("if n is more than 10", section 5)."""

LEAST_GAP = timedelta(minutes=5)
"""After a reminder that came late or was held, the next is at least this far ahead (contract section 5)."""

ON_TIME = timedelta(seconds=60)
"""A reminder decided within this of its due time is not a daemon that slept; wide, since a rehearsal runs fast."""

ONCE = timedelta(days=1)

_HELD = frozenset({Due.REMINDER, Due.ESCALATION, Due.LEAD})
"""What quiet hours hold back (contract section 5); a stepaway is for somebody who sits in the session's room."""

QUIET, ENOUGH = "quiet hours", "enough reminders for a day"
"""Why a timer is later than the table says; `show` tells it."""


def plan(case: Case) -> tuple[Timer, ...]:
    """Every pending due time of a case as it stands, earliest first; once it is closed, for an apology alone. UTC.

    A pure function of the case, `now` not among its inputs: a due time that passed while nobody looked stays due, and
    planning twice changes nothing.
    """
    if not case.open:
        return _apology(case)
    figures = case.cadence.of(case.kind)
    reminder = _next_reminder(case)
    admin = _escalation(case, Due.ESCALATION, figures.escalate, case.escalated_at)
    lead = _escalation(case, Due.LEAD, figures.lead, case.lead_told_at)
    timers = (reminder, admin, lead, _stepaway(case), _close(case, reminder))
    return tuple(sorted((timer for timer in timers if timer is not None), key=lambda timer: timer.at))


def session_over(case: Case) -> datetime:
    """When the session must be over, `after_session` included: start (or report) + minutes + session + 5. UTC.

    Of a case reported long after its session it counts from the report: nobody is asked in the same moment.
    """
    delay = timedelta(minutes=case.minutes or 0) if case.kind is Kind.LATE else timedelta(0)
    slack = case.cadence.of(case.kind).after_session or timedelta(0)
    start = case.session_at or case.reported_at
    return max(start + delay + case.cadence.session + slack, case.changed_at + (slack or LEAST_GAP))


def morning_after(at: datetime, cadence: Cadence) -> datetime:
    """The first clinic morning strictly after `at`: the end of quiet hours, or 09:00 without any. UTC."""
    return next_at(morning_hour(cadence), at, ZoneInfo(cadence.zone))


def morning_hour(cadence: Cadence) -> time:
    return cadence.quiet_to if _has_quiet(cadence) else MORNING


def next_at(hour: time, after: datetime, zone: ZoneInfo) -> datetime:
    """The first time strictly after `after` that it is this local time of the day. UTC."""
    day = after.astimezone(zone).date()
    today = in_utc(day, hour, zone)
    return today if today > after else in_utc(day + ONCE, hour, zone)


def is_quiet(at: datetime, cadence: Cadence) -> bool:
    """Whether `at` lies in the clinic's quiet hours: from `quiet_from` (included) to `quiet_to` (excluded), local."""
    if not _has_quiet(cadence):
        return False
    local = at.astimezone(ZoneInfo(cadence.zone)).time()
    if cadence.quiet_from < cadence.quiet_to:
        return cadence.quiet_from <= local < cadence.quiet_to
    return local >= cadence.quiet_from or local < cadence.quiet_to


def held_until(case: Case, at: datetime, now: datetime) -> datetime | None:
    """Until when what was due `at` waits that did not happen then; None: it may happen `now`. UTC.

    `plan` holds back what is due in quiet hours; this is for what comes late into them, because the daemon slept or a
    server was away. Only the first hour after the report (`grace`) is worth a letter then.
    """
    if now - at <= ON_TIME or not is_quiet(now, case.cadence) or now <= case.changed_at + case.cadence.grace:
        return None
    return morning_after(now, case.cadence)


def is_outdated(case: Case, now: datetime) -> bool:
    """Whether the next reminder is due already, and will replace one that has not gone: they go as one letter."""
    return any(timer.due is Due.REMINDER and timer.at <= now for timer in case.timers)


def woke_in_the_night(case: Case, now: datetime) -> bool:
    """Whether something that quiet hours hold back was due long before, and nobody looked."""
    return any(timer.due in _HELD and held_until(case, timer.at, now) for timer in case.timers)


def asks_outcome(case: Case, now: datetime) -> bool:
    """Whether a reminder at `now` asks for the outcome, rather than whether the client was messaged."""
    match case.kind:
        case Kind.NOSHOW:
            return case.sent_at is not None
        case Kind.LATE | Kind.WAITING:
            return case.sent_at is not None or now >= session_over(case)


def unread_since(case: Case) -> datetime | None:
    """Since when the associate does not read what is sent: it does not arrive, or the mailbox answers by itself."""
    return case.returned_at or case.away_at


def is_of_morning(case: Case, now: datetime) -> bool:
    """Whether a reminder at `now` is the first since a clinic morning, and not the first of the case's own day."""
    return morning_after(max((case.changed_at, *case.reminders[-1:])), case.cadence) <= now


def _next_reminder(case: Case) -> Timer | None:
    """The first time of the table after the last reminder; further ahead if that one was held, or came late."""
    resumed = case.resumed_at or case.changed_at
    # What the night has swallowed goes as one letter in the morning; what the day has, at the next time of the table.
    by_day = not is_quiet(resumed, case.cadence) or resumed <= case.changed_at + case.cadence.grace
    after = max(case.changed_at, resumed if by_day else case.changed_at, *case.reminders[-1:])
    answered = after if after in case.reminders[-1:] else None
    least = after
    if answered is None:  # taken up again right after a reminder
        least = max((after, *(at + LEAST_GAP for at in case.reminders[-1:] if at >= case.changed_at)))
    for raw in _table(case, after):
        if raw <= after:
            if answered is not None:
                least = after + LEAST_GAP if answered - raw > ON_TIME else after
            continue
        timer = _capped(case, _held(case, Due.REMINDER, max(raw, resumed)))
        if timer.at >= least:
            return timer
    return None


def _table(case: Case, after: datetime) -> Iterator[datetime]:
    """Reminder times as the table has them, ascending, at least from the last one before `after`.

    Endless but for `waiting`, which is asked once. Of who gets nothing admin is reminded, each clinic morning.
    """
    if case.returned_at is not None:
        start = session_over(case) if case.kind is Kind.WAITING else max(case.changed_at, case.returned_at)
        return islice(_mornings(start, case.cadence, after), 1 if case.kind is Kind.WAITING else None)
    figures = case.cadence.of(case.kind)
    contact = [case.changed_at + wait for wait in figures.contact] if case.sent_at is None else []
    match case.kind:
        case Kind.WAITING:
            return iter([session_over(case)])
        case Kind.LATE:
            over = session_over(case)
            early = [at for at in contact if at < over]
            return chain(early, [over], _mornings(over, case.cadence, after))
        case Kind.NOSHOW if case.sent_at is not None:
            asked = [case.sent_at + wait for wait in figures.after_sent]
            return chain(asked, _mornings(max([case.sent_at, *asked]), case.cadence, after))
        case Kind.NOSHOW:
            last = max([case.changed_at, *contact])
            if figures.repeat is None:
                return chain(contact, _mornings(last, case.cadence, after))
            skipped = max(0, int((after - last) / figures.repeat) - 1)
            return chain(contact, (last + figures.repeat * n for n in count(skipped + 1)))


def _mornings(start: datetime, cadence: Cadence, after: datetime) -> Iterator[datetime]:
    at = morning_after(max(start, after - 2 * ONCE), cadence)
    while True:
        yield at
        at = morning_after(at, cadence)


def _held(case: Case, due: Due, at: datetime) -> Timer:
    """At `at`, or at the end of the quiet hours that hold it back (contract section 5, "Quiet hours")."""
    cadence = case.cadence
    if not is_quiet(at, cadence):
        return Timer(due, at)
    if is_quiet(case.changed_at, cadence):
        goes = due is Due.REMINDER and at == _first_reminder(case)
    else:
        goes = at <= case.changed_at + cadence.grace
    return Timer(due, at) if goes else Timer(due, morning_after(at, cadence), QUIET)


def _resumed(case: Case, at: datetime) -> datetime:
    """The due time, or when the case went on, if that was later and in the night: then it is held back, too."""
    resumed = case.resumed_at
    return at if resumed is None or not is_quiet(resumed, case.cadence) else max(at, resumed)


def _first_reminder(case: Case) -> datetime | None:
    """The first reminder of the table, SENT or not; `waiting` has but one."""
    contact = [case.changed_at + wait for wait in case.cadence.of(case.kind).contact[:1]]
    return min(contact if case.kind is Kind.NOSHOW else [*contact, session_over(case)], default=None)


def _capped(case: Case, timer: Timer) -> Timer:
    """The same, or on the next clinic morning when its local day has had its reminders."""
    zone = ZoneInfo(case.cadence.zone)
    most = case.cadence.of(case.kind).max_per_day
    day = timer.at.astimezone(zone).date()
    had = sum(sent.astimezone(zone).date() == day for sent in case.reminders)
    if had < most:
        return timer
    midnight = in_utc(day + ONCE, time(0), zone)
    return Timer(timer.due, morning_after(midnight - timedelta(microseconds=1), case.cadence), ENOUGH)


def _may_escalate(case: Case) -> bool:
    """Escalations wait for SENT, CONTACTED or an outcome; a short delay is over before they could help.

    Unless the associate does not read the draft: then nobody else can see to the client.
    """
    if case.sent_at is not None or case.reached_at is not None:
        return False
    if unread_since(case) is not None:
        return True
    return case.kind is not Kind.LATE or case.minutes is None or case.minutes > SHORT_DELAY


def _escalation(case: Case, due: Due, wait: timedelta | None, told_at: datetime | None) -> Timer | None:
    """Once; to admin also as soon as nobody reads the draft, even after the usual one: it said who answers for it."""
    usual = case.changed_at + wait if wait is not None and told_at is None else None
    unread = _unread_untold(case) if due is Due.ESCALATION else None
    times = [at for at in (usual, unread) if at is not None]
    return _held(case, due, _resumed(case, min(times))) if times and _may_escalate(case) else None


def _unread_untold(case: Case) -> datetime | None:
    """Since when the associate does not read what is to be done, if no admin was told so since it changed last."""
    away = (LetterKind.ESCALATION, "away", Role.ADMIN)
    told = any((one.kind, one.topic, one.role) == away and one.created_at >= case.changed_at for one in case.letters)
    since = unread_since(case)
    return None if since is None or told else max(since, case.changed_at)


def _stepaway(case: Case) -> Timer | None:
    """Never held back by quiet hours: the associate sits in the session's room."""
    figures = case.cadence.of(case.kind)
    if case.stepaway_at is not None or figures.stepaway is None or figures.stepaway_unknown is None:
        return None
    if case.session_at is None:
        return Timer(Due.STEPAWAY, case.reported_at + figures.stepaway_unknown)
    return Timer(Due.STEPAWAY, case.session_at + figures.stepaway)


def _close(case: Case, reminder: Timer | None) -> Timer | None:
    """A `waiting` case closes by itself on the clinic morning after it was asked once, whenever that was."""
    if case.kind is not Kind.WAITING:
        return None
    asked = reminder.at if reminder is not None else max((session_over(case), *case.reminders[-1:]))
    return Timer(Due.CLOSE, morning_after(asked, case.cadence))


def _apology(case: Case) -> tuple[Timer, ...]:
    """An apology that is still owed is asked for once, on the next clinic morning, where the associate reads it."""
    since = case.apology_at
    if (
        not case.owes_apology
        or since is None
        or case.returned_at is not None
        or any(at > since for at in case.reminders)
    ):
        return ()
    return (Timer(Due.REMINDER, morning_after(since, case.cadence)),)


def _has_quiet(cadence: Cadence) -> bool:
    return cadence.quiet_from != cadence.quiet_to


def in_utc(day: date, at: time, zone: ZoneInfo) -> datetime:
    """A local wall-clock time as UTC. A time that a DST change skips is read with the offset before it (PEP 495)."""
    return datetime.combine(day, at, tzinfo=zone).astimezone(UTC)
