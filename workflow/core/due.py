"""What time does to a case: reminders, escalations, the end of a `waiting` case. When that is: `schedule`."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from workflow.core import schedule
from workflow.core.entries import ended, entered, replanned
from workflow.core.model import Case, Due, LetterKind, Outcome, Says, State
from workflow.core.owed import Scene, admin_choices, alerted, associate_choices, is_same, to_case, told_admins, withdraw
from workflow.core.people import Person, Role
from workflow.core.topics import Apology, Escalated, Missing, Only

NO_ANSWER, WANTS_TIME = "no answer", "wants a new time"
"""The notes of a `waiting` case that closed by itself (contract section 5)."""


def tick_case(scene: Scene, case: Case) -> Case:
    """What is due by now: one reminder however long nobody looked, each escalation not yet sent (contract section 5).

    What nobody looked at in time is held in quiet hours. Returns the same object when nothing is due.
    """
    if schedule.woke_in_the_night(case, scene.now):
        case = replanned(replace(case, resumed_at=scene.now))
    due = {timer.due for timer in case.timers if timer.at <= scene.now}
    if not due:
        return case
    if Due.CLOSE in due and Due.REMINDER not in due:  # who slept through both asks first
        case = entered(case, scene.now, "closed by itself", "clock")
        why = WANTS_TIME if case.client_says is Says.REBOOK else NO_ANSWER
        return ended(scene, case, State.CLOSED, outcome=Outcome.OTHER, outcome_note=why)
    return replanned(_write_due(scene, case, due))


def going_on_from(case: Case, now: datetime) -> Case:
    """The case as after a clock that was wrong: due times go on from `now`, milestones that lie ahead are today's. One
    that is closed was closed today, or it would be kept, and told of, until then.

    Returns the same object when it holds nothing of the future.
    """
    milestones = ("reported_at", "changed_at", "sent_at", "told_at", "reached_at", "closed_at")
    names = (*milestones, "returned_at", "away_at", "apology_at")
    known = {name: getattr(case, name) for name in names}
    if not any(at is not None and at > now for at in (*case.reminders, *known.values(), case.resumed_at)):
        return case
    today: dict[str, Any] = {name: min(at, now) for name, at in known.items() if at is not None}
    reminders = tuple(at for at in case.reminders if at <= now)
    resumed = replace(case, **today, reminders=reminders, resumed_at=now)
    return replanned(entered(resumed, now, "the clock was set back", "clock"))


def _write_due(scene: Scene, case: Case, due: set[Due]) -> Case:
    now, own = scene.now, (case.associate,)
    if Due.STEPAWAY in due:
        case = replace(case, stepaway_at=now)
        case = _by_clock(scene, case, LetterKind.STEPAWAY, "", own, Role.ASSOCIATE)
    about: Escalated = "contact" if schedule.unread_since(case) is None else "away"
    if Due.ESCALATION in due:
        case = replace(case, escalated_at=now)
        case = _by_clock(scene, case, LetterKind.ESCALATION, about, alerted(scene, case), Role.ADMIN)
    if Due.LEAD in due:
        lead = scene.rules.roster.lead  # None: removed from the configuration since the case opened
        people = () if lead is None or is_same(lead, case.associate) else (lead,)
        case = replace(case, lead_told_at=now)
        case = _by_clock(scene, case, LetterKind.ESCALATION, about, people, Role.LEAD)
    if Due.REMINDER in due and not case.open:
        case = replace(case, reminders=(*case.reminders, now))
        return _by_clock(scene, case, LetterKind.REMINDER, "apology", own, Role.ASSOCIATE)
    if Due.REMINDER in due:
        topic: Missing = "outcome" if schedule.asks_outcome(case, now) else "contact"
        gone, morning = case.returned_at is not None, schedule.is_of_morning(case, now)
        case = withdraw(case, {LetterKind.REMINDER}, "a newer reminder", now)
        case = replace(case, reminders=(*case.reminders, now))
        if not gone:
            case = _by_clock(scene, case, LetterKind.REMINDER, topic, own, Role.ASSOCIATE)
        if gone or (morning and scene.is_away(case.associate)):
            left: Missing = topic if case.reached_at is None else "outcome"
            case = _by_clock(scene, case, LetterKind.REMINDER, left, told_admins(case, scene.rules), Role.ADMIN)
    return case


def _by_clock(
    scene: Scene,
    case: Case,
    kind: LetterKind,
    topic: Missing | Apology | Escalated | Only,
    people: tuple[Person, ...],
    role: Role,
) -> Case:
    answers = kind is LetterKind.REMINDER
    offered = associate_choices(case, answers=answers) if role is Role.ASSOCIATE else admin_choices(case)
    case = to_case(scene, case, kind, topic, people, role, offered=offered)
    return entered(case, scene.now, f"{kind.value} {topic}".strip(), "clock")
