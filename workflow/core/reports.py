"""What a report makes of a case: opened, changed, or only heard again. Contract section 3, "Reports".

Whether it concerns a new case or an open one is settled before: `routing`. The other half of the law is `law`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from workflow.core import presence
from workflow.core.entries import Voice, consumed, noted, receipt, replanned, to_writer, update_others
from workflow.core.language import names
from workflow.core.language.guess import likely_line
from workflow.core.language.plain import fold
from workflow.core.language.printed import clock_time
from workflow.core.language.report import read_tag
from workflow.core.language.times import date_of, halves
from workflow.core.mail import Report
from workflow.core.model import Case, Choice, Datum, LetterKind, Post, State
from workflow.core.owed import Scene, admin_choices, alerted, associate_choices, outcome_choices, to_case, withdraw
from workflow.core.people import Person, Role
from workflow.core.rules import Kind, Rules
from workflow.core.schedule import in_utc
from workflow.core.topics import Opening

WRITTEN_LONG_BEFORE = timedelta(minutes=10)
"""A mail whose Date is further back than this begins its letters with when it was written (contract section 3)."""

IDENTICAL = timedelta(minutes=10)
"""An identical report within this is a second tap, not news (section 3)."""

NOON = 12
"""A NOSHOW without a time before this local hour may be about yesterday (contract section 3)."""


def open_case(scene: Scene, voice: Voice, report: Report, associate: Person, others: list[str]) -> Case:
    """A new case with its alert and draft. `others`: the associate's other open cases, for the draft letter."""
    arrived = voice.mail.arrived_at
    session = session_of(report, arrived, scene.rules)
    figures = scene.rules.cadence
    if scene.rules.roster.lead is None:
        alone: dict[str, Any] = {kind: replace(figures.of(kind), lead=None) for kind in Kind}
        figures = replace(figures, **alone)
    sent_at = arrived if report.sent else None
    case = Case(
        id=scene.case_id,
        kind=report.kind,
        state=State.OPEN,
        associate=associate,
        client=report.client,
        minutes=report.minutes,
        session_at=session.at,
        yesterday=session.yesterday,
        missed_on=session.missed_on,
        reported_at=arrived,
        opened_at=scene.now,
        changed_at=scene.now,
        cadence=figures,
        sent_at=sent_at,
        told_at=sent_at,
        returned_at=scene.now if presence.is_returned(scene.marks, associate) else None,
        away_at=scene.now if presence.answers_itself(scene.marks, associate, scene.now) else None,
    )
    case = noted(consumed(scene, case, voice, "opened"), report.note)
    return _announced(scene, case, voice, "opened", report, session, {"others": others})


def change_case(scene: Scene, voice: Voice, case: Case, report: Report, what: str) -> Case:
    """The same case under a newer report: new draft, alert again, times counted from here (contract section 3).

    `what` is "estimate", "kind", "client" (by a report), "name" (by CLIENT) or "again". A change of kind starts the
    milestones anew: a client who was told of a delay has not been told that the session was missed. A new estimate
    needs a new SENT or CONTACTED, and is escalated without, while response times go on counting from the first. A case
    that becomes `waiting` tells admin that the alert was wrong.
    """
    arrived = voice.mail.arrived_at
    session = session_of(report, arrived, scene.rules)
    dated = session.at is not None or session.yesterday or session.missed_on is not None
    holds = _still_holds(report, what)
    sent_at = arrived if report.sent else case.sent_at if holds else None
    renamed = what in {"client", "name"}
    changed = replace(
        case,
        kind=report.kind,
        client=report.client or case.client,
        minutes=(report.minutes or (case.minutes if renamed else None)) if report.kind is Kind.LATE else None,
        session_at=session.at or case.session_at,
        yesterday=session.yesterday if dated else case.yesterday,
        missed_on=session.missed_on if dated else case.missed_on,
        reported_at=case.reported_at if what == "name" else max(arrived, case.reported_at),
        changed_at=scene.now,
        resumed_at=None,
        sent_at=sent_at,
        told_at=(case.told_at if holds else case.contacted_at) or sent_at,
        reached_at=case.reached_at if holds else None,
    )
    if case.client_says is not None and not (holds and (what == "again" or case.client is None)):
        changed = replace(changed, client_says=None, before=None)  # an answer to something else, or somebody else's
    if not holds and (case.sent_at or case.reached_at):  # what was escalated before has been answered
        changed = replace(changed, escalated_at=None, lead_told_at=None)
    if report.kind is not case.kind:
        changed = replace(
            changed,
            told_at=sent_at,
            reached_at=None,
            escalated_at=None,
            lead_told_at=None,
            stepaway_at=None,
            before=None,
        )
    if changed.kind is Kind.NOSHOW and changed.session_at is not None and changed.session_at > arrived:
        changed = replace(changed, session_at=None)  # known from LATE: nobody has missed it yet
        session = replace(session, to_come=True)
    said = "client" if renamed else what
    changed = noted(consumed(scene, changed, voice, f"changed: {said}"), report.note)
    changed = withdraw(changed, {LetterKind.DRAFT}, "replaced by a newer draft", scene.now)
    if any(letter.kind is LetterKind.STEPAWAY and letter.post is Post.OWED for letter in changed.letters):
        changed = replace(changed, stepaway_at=None)  # a newer one takes its place
    changed = withdraw(changed, {LetterKind.REMINDER, LetterKind.STEPAWAY}, "the report changed", scene.now)
    if changed.kind is Kind.WAITING and case.kind is not Kind.WAITING:
        changed = update_others(scene, replace(changed, makeup=False), voice, "wrong", associate=False)
        if voice.role is not Role.ASSOCIATE:  # who gets no alert either
            changed = receipt(scene, changed, voice, "wrong")
    return _announced(scene, changed, voice, "changed", report, session, {"changed": said})


def _still_holds(report: Report, what: str) -> bool:
    """Whether what the client was told still is so: only a name is new, or the same was missed."""
    return what in {"client", "name"} or (what == "again" and report.kind is not Kind.LATE)


def may_become(old: Kind, new: Kind) -> bool:
    """Only a case that is late can be late (section 3: "a `noshow` never becomes `late`")."""
    return new is not Kind.LATE or old is Kind.LATE


def is_repeated(scene: Scene, voice: Voice, case: Case, report: Report) -> bool:
    """Whether a report says nothing new: the same within ten minutes, or at any time the bare tag in an answer."""
    arrived = voice.mail.arrived_at
    at = session_of(report, arrived, scene.rules).at
    bare = report.client is None and report.minutes is None and at is None
    if report.kind is not case.kind or at not in {None, case.session_at}:
        return False
    if report.minutes != case.minutes and not bare:
        return False
    if report.client is not None and (case.client is None or not names.same_client(report.client, case.client)):
        return False
    return bare or arrived - case.reported_at <= IDENTICAL


def correct_closed(scene: Scene, voice: Voice, case: Case, note: str) -> Case:
    """A missed session that was none, said after closing: it was the client who did not come, and admin is told.

    Its outcome stands until another is said. Every letter about a missed session offers this word, so it must be heard
    (contract section 2).
    """
    after = noted(consumed(scene, case, voice, "changed: kind"), note)
    after = withdraw(after, {LetterKind.REMINDER}, "the report changed", scene.now)  # of an apology
    corrected = replanned(replace(after, kind=Kind.WAITING, makeup=False, apology_at=None))
    corrected = update_others(scene, corrected, voice, "wrong")
    offered = outcome_choices(corrected) if voice.role is Role.ASSOCIATE else ()
    return to_writer(scene, corrected, voice, LetterKind.RECEIPT, "wrong", offered)


def repeat_report(scene: Scene, voice: Voice, case: Case, report: Report) -> Case:
    """An identical report within ten minutes: a receipt, and a new note to admin; nothing else (contract section 3)."""
    after, note = consumed(scene, case, voice, "reported again"), report.note
    data, others = _beside(case, report)
    if note and note not in case.notes:
        data["text"] = note
        after = update_others(scene, noted(after, note), voice, "note", {"text": note})
    offered = associate_choices(after) if voice.role is Role.ASSOCIATE else ()
    return to_writer(scene, after, voice, LetterKind.RECEIPT, "again", (*others, *offered), data)


def _beside(case: Case, report: Report) -> tuple[dict[str, Datum], tuple[Choice, ...]]:
    """The other clients of a report's line, who have no message yet: for its letter, and a tap for each.

    The associate's own name is a signature.
    """
    drafts = [(line, draft) for line in report.beside if (draft := read_tag(line)) is not None]
    signed = set(fold(case.associate.name).split())
    known = [
        (line, draft.client) for line, draft in drafts if draft.client and not signed & set(fold(draft.client).split())
    ]
    short = [names.initials(client) for _, client in known]
    offered = tuple(
        Choice(line, f"{initials} has no message yet") for (line, _), initials in zip(known, short, strict=True)
    )
    return ({"unmessaged": short} if short else {}), offered


@dataclass(frozen=True, slots=True)
class Session:
    """When a report's session is, as far as it says. Times in UTC, days in the clinic's zone."""

    at: datetime | None = None
    yesterday: bool = False
    missed_on: date | None = None
    """The day of a missed session that is neither today nor yesterday."""
    to_come: bool = False
    """Its day, or the time of who should have come, is still to come: of a NOSHOW the time alone was dropped."""
    over_at: datetime | None = None
    """When it began, of a LATE that must be over by its own figures: no time at all, then."""


def session_of(report: Report, arrived: datetime, rules: Rules) -> Session:
    """Seen from when the report arrived (contract section 3, "Time")."""
    zone = ZoneInfo(rules.cadence.zone)
    today = arrived.astimezone(zone).date()
    day: date | None = today - timedelta(days=1 if report.yesterday else 0)
    if report.day is not None:
        day = date_of(report.day, today)
        if day is None or (day != today and report.kind is not Kind.NOSHOW):
            return Session(to_come=True)
    assert day is not None, "today or yesterday"
    times = _fitting(report, day, arrived, rules)
    if report.day is not None and report.day.isdecimal() and day == today and not times:
        day -= timedelta(days=7)  # the weekday that is today, at an hour to come
        times = _fitting(report, day, arrived, rules)
    ago = (today - day).days
    found = Session(
        at=min(times, key=lambda at: abs(at - arrived), default=None),
        yesterday=ago == 1,
        missed_on=day if ago > 1 else None,
    )
    if report.at is None or found.at is not None:
        return found
    if report.kind is Kind.LATE:
        return replace(found, over_at=max(in_utc(day, at, zone) for at in _meant(report)))
    return replace(found, to_come=True)


def _meant(report: Report) -> tuple[time, ...]:
    """The times of the day that the report may mean."""
    if report.at is None:
        return ()
    return halves(report.at) if report.either else (report.at,)


def _fitting(report: Report, day: date, arrived: datetime, rules: Rules) -> list[datetime]:
    """Those of them that the tag allows: nobody has missed, or waited for, what is to come; none is late for what must
    be over."""
    zone = ZoneInfo(rules.cadence.zone)
    meant = [in_utc(day, at, zone) for at in _meant(report)]
    if report.kind is not Kind.LATE:
        return [at for at in meant if at <= arrived]
    length = timedelta(minutes=report.minutes or 0) + rules.cadence.session
    return [at for at in meant if at + length >= arrived]


def _announced(
    scene: Scene,
    case: Case,
    voice: Voice,
    topic: Opening,
    report: Report,
    session: Session,
    said: Mapping[str, Datum],
) -> Case:
    """With the alert to each admin (but for `waiting`) and the draft to the associate; due times planned."""
    offered = associate_choices(case, answers=False)
    data: dict[str, Datum] = {**said, "future_time": session.to_come}
    if session.over_at is not None and report.at is not None:
        local = session.over_at.astimezone(ZoneInfo(scene.rules.cadence.zone))
        data["over_time"] = clock_time(local)
        missed = Report(Kind.NOSHOW, case.client, at=local.time())
        offered = (Choice(likely_line(missed), "Did you mean this?", case.id), *offered)
    if voice.role is not Role.ASSOCIATE:
        data["by"] = voice.person.name
    mail = voice.mail
    if not scene.rules.rehearsal and mail.written_at and mail.arrived_at - mail.written_at > WRITTEN_LONG_BEFORE:
        data["written_at"] = mail.written_at.isoformat()
    case = replanned(case)
    if case.kind is not Kind.WAITING:
        people = alerted(scene, case)
        data["told"] = [one.name for one in people]
        case = to_case(scene, case, LetterKind.ALERT, topic, people, Role.ADMIN, offered=admin_choices(case), data=data)
    hour = scene.now.astimezone(ZoneInfo(scene.rules.cadence.zone)).hour
    dated = case.yesterday or case.missed_on is not None
    data["over_session"] = case.kind is Kind.LATE and timedelta(minutes=case.minutes or 0) > case.cadence.session
    unmessaged, others = _beside(case, report)
    data |= unmessaged
    offered = (*offered[:1], *others, *offered[1:])
    data["morning"] = case.kind is Kind.NOSHOW and not case.session_at and not dated and hour < NOON
    return to_case(
        scene,
        case,
        LetterKind.DRAFT,
        topic,
        [case.associate],
        Role.ASSOCIATE,
        offered=offered,
        answering=mail if voice.role is Role.ASSOCIATE else None,
        data=data,
    )
