"""A case in one line of a list, and times as letters print them. No sentence of a letter: those are in templates/.

Digest, status and the choices between cases use the same words, so that a case is known again wherever it is listed.
"""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from workflow.core.kinds import KINDS
from workflow.core.language.names import short_person, shown
from workflow.core.model import Case, Says
from workflow.core.rules import Kind, Rules

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# English whatever the machine's locale: strftime would follow it


def clock_time(local: datetime) -> str:
    """``2:30 pm`` (contract section 3, "Time")."""
    return f"{local.hour % 12 or 12}:{local.minute:02} {'am' if local.hour < 12 else 'pm'}"


def day(local: datetime) -> str:
    """``Thu 5 Nov``."""
    return f"{_WEEKDAYS[local.weekday()]} {local.day} {_MONTHS[local.month - 1]}"


def weekday(local: datetime) -> str:
    """``Thursday``."""
    return _DAYS[local.weekday()]


def when(at: datetime, now: datetime, zone: ZoneInfo) -> str:
    """A time of the clinic's day; with the day, unless it is today's."""
    local = at.astimezone(zone)
    return clock_time(local) if local.date() == now.astimezone(zone).date() else f"{day(local)}, {clock_time(local)}"


def case_line(case: Case, rules: Rules, now: datetime) -> str:
    """A case without its id: ``Sam P., late, Dana L., session 2:30 pm``; of a missed session, who missed it.

    The client as ``[privacy] client_name`` has it; first, since "noshow" in front could be taken for an answer when it
    is quoted. The time tells two cases of one client apart.
    """
    zone = ZoneInfo(rules.cadence.zone)
    who = short_person(case.associate.name)
    client = shown(case.client, rules.client_name) or "client not named"
    said = f"{client}, {KINDS[case.kind].listed.format(who=who)}"
    if case.session_at is not None:
        return f"{said}, session {when(case.session_at, now, zone)}"
    return f"{said}, reported {when(case.reported_at, now, zone)}"


def listed(case: Case, rules: Rules, now: datetime) -> str:
    """A case as a list has it, so that it can be answered: ``[K7Q2] Sam P., late, Dana L., session 2:30 pm``."""
    return f"[{case.id}] {case_line(case, rules, now)}"


def standing(case: Case) -> str:
    """What is known of an open case: whether its client was told, and what they want."""
    if case.client_says is Says.REBOOK:
        return "wants a new time"
    if case.client_says is Says.WAITS:
        return "client can wait"
    if case.kind is Kind.WAITING:
        return "no outcome yet"
    if case.sent_at is not None:
        return "client messaged"
    if case.reached_at is not None:
        return "client reached by admin"
    return "CLIENT NOT KNOWN TO BE TOLD" if case.told_at is None else "client told, but not of the last change"
