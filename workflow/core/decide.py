"""The law: (case, event, now) -> the case as it becomes, with the letters it then owes; total over state and event.

It sees no I/O and no clock. Which case a mail is about, and who may speak, is settled before: `hear`. Reports are
`reporting`, when to ask again is `cadence`, what a letter says is templates/. Every function returns a new Case.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import assert_never

from workflow.core import cadence
from workflow.core.compose import Scene, admin_choices, associate_choices, choices, to_case, told_admins, withdraw
from workflow.core.model import (
    Answer,
    Case,
    Choice,
    Datum,
    Doubt,
    Due,
    Kind,
    LetterKind,
    Outcome,
    Person,
    Report,
    Role,
    State,
    Word,
)
from workflow.core.record import (
    Voice,
    closed_letters,
    consumed,
    entered,
    noted,
    receipt,
    remembered,
    replanned,
    to_writer,
    update_admins,
    update_associate,
)
from workflow.core.reporting import change_case, repeat_report

MOST_ASKS = 3
ASKS_WITHIN = timedelta(minutes=10)
"""At most so many asks a case in so long a time (contract section 3)."""

NO_ANSWER = "no answer"
"""The note of a `waiting` case that closed by itself (contract section 5)."""

LONGEST_QUOTE = 200
"""So many characters of what was written are quoted back; the whole stands in the history."""

ASK_TOPICS = {"cancel": "cancel", "few words": "few-words", "before sent": "before-sent", "same kind": "same-kind"}
"""Doubts that have a question of their own; every other doubt asks for the outcome."""


# --- answers ----------------------------------------------------------------------------------------


def answer_case(scene: Scene, voice: Voice, case: Case, answer: Answer) -> Case:
    """What a word that counts does to its case (contract section 3, table "Replies"); in any state of the case."""
    match answer.word:
        case Word.OUTCOME:
            assert answer.outcome is not None, "grammar gives an outcome with the word"
            return _take_outcome(scene, voice, case, answer.outcome, answer)
        case Word.SENT if voice.role is Role.ASSOCIATE:
            return _take_sent(scene, voice, case, answer.text)
        case Word.SENT | Word.CONTACTED:
            return _take_contacted(scene, voice, case, answer.text)
        case Word.MAKEUP:
            return _take_makeup(scene, voice, case)
        case Word.LATE | Word.NOSHOW | Word.WAITING:
            return _take_new_kind(scene, voice, case, answer)
        case Word.CLIENT:
            return _take_client(scene, voice, case, answer)
        case Word.UNDO:
            return _take_undo(scene, voice, case)
        case Word.MISTAKE:
            return _take_mistake(scene, voice, case)
        case Word.NOTE:
            return take_note(scene, voice, case, answer.text)
        case Word.CANCEL:
            return doubt_case(scene, voice, case, Doubt("cancel"), answer.text)
        case Word.STATUS | Word.HELP:  # answered by `hear`, about no case
            return case
    assert_never(answer.word)


def doubt_case(scene: Scene, voice: Voice, case: Case, doubt: Doubt, text: str, *, courtesy: bool = False) -> Case:
    """Nothing closes: the text is kept as a note and passed to admin, the writer is asked (contract section 3).

    Bare courtesy bothers no admin, and after closing gets silence. At most three asks in ten minutes a case.
    """
    heard = consumed(scene, case, voice, f"unclear: {doubt.reason}")
    if courtesy and not case.open:
        return heard
    if text and not courtesy:
        heard = noted(heard, text)
        heard = update_admins(scene, heard, voice, "unclear", {"text": text})
        heard = update_associate(scene, heard, voice, "note", {"text": text})
    recent = [letter for letter in heard.letters if scene.now - letter.created_at < ASKS_WITHIN]
    if sum(letter.kind is LetterKind.ASK for letter in recent) >= MOST_ASKS:
        return heard
    topic = ASK_TOPICS.get(doubt.reason, "which-outcome")
    match topic:
        case "cancel":
            cancelled = Choice(line="OTHER client cancelled", label="The client cancelled", case=case.id)
            offered = (cancelled, *choices(case.id, "MISTAKE"))
        case "few-words":
            offered = choices(case.id, "OTHER")
        case _:
            offered = associate_choices(heard) if voice.role is Role.ASSOCIATE else admin_choices(heard)
    return to_writer(scene, heard, voice, LetterKind.ASK, topic, offered, {"line": text[:LONGEST_QUOTE]})


def take_note(scene: Scene, voice: Voice, case: Case, text: str) -> Case:
    """Admin's own words: kept, passed to the associate and the other admins; a receipt (contract section 3)."""
    heard = noted(consumed(scene, case, voice, "note"), text)
    data: dict[str, Datum] = {"text": text}
    heard = update_associate(scene, heard, voice, "note", data)
    return receipt(scene, update_admins(scene, heard, voice, "note", data), voice, "note", data)


def _take_outcome(scene: Scene, voice: Voice, case: Case, outcome: Outcome, answer: Answer) -> Case:
    heard = consumed(scene, case, voice, f"outcome {outcome.value}")
    note = answer.text or (case.outcome_note if case.outcome is outcome else None)
    makeup = case.makeup or answer.makeup
    if case.state is State.CLOSED and (case.outcome, case.outcome_note, case.makeup) == (outcome, note, makeup):
        return receipt(scene, heard, voice, "outcome")
    closed = replace(
        remembered(scene, heard, "outcome"),
        state=State.CLOSED,
        outcome=outcome,
        outcome_note=note,
        closed_at=scene.now if case.closed_at is None else case.closed_at,
        makeup=makeup,
        timers=(),
    )
    closed = closed_letters(scene, closed)
    if case.kind is not Kind.WAITING or outcome is not Outcome.ARRIVED:
        closed = update_admins(scene, closed, voice, "outcome")
    closed = update_associate(scene, closed, voice, "outcome")
    return receipt(scene, closed, voice, "outcome")


def _take_sent(scene: Scene, voice: Voice, case: Case, text: str) -> Case:
    heard = noted(consumed(scene, case, voice, "sent"), text)
    if case.sent_at is not None:
        return receipt(scene, heard, voice, "sent")
    at = max(voice.arrived_at(scene.now), case.reported_at)
    sent = replace(remembered(scene, heard, "sent"), sent_at=at, told_at=case.told_at or at)
    sent = withdraw(sent, {LetterKind.REMINDER, LetterKind.STEPAWAY}, "the client was messaged", scene.now)
    if case.kind is not Kind.WAITING:
        taken = int((at - case.reported_at).total_seconds() // 60)
        sent = update_admins(scene, sent, voice, "sent", {"minutes_taken": taken})
    return replanned(receipt(scene, sent, voice, "sent"))


def _take_contacted(scene: Scene, voice: Voice, case: Case, text: str) -> Case:
    heard = noted(consumed(scene, case, voice, "contacted"), text)
    if case.reached_at is not None and not text:
        return receipt(scene, heard, voice, "reached")
    reached = replace(heard, reached_at=case.reached_at or max(voice.arrived_at(scene.now), case.reported_at))
    data: dict[str, Datum] = {"text": text}
    reached = update_associate(scene, reached, voice, "reached", data)
    reached = update_admins(scene, reached, voice, "reached", data)
    return replanned(receipt(scene, reached, voice, "reached"))


def _take_makeup(scene: Scene, voice: Voice, case: Case) -> Case:
    heard = consumed(scene, case, voice, "make-up session offered")
    if not case.makeup:
        heard = update_admins(scene, replace(heard, makeup=True), voice, "makeup")
    return receipt(scene, heard, voice, "makeup")


def _take_new_kind(scene: Scene, voice: Voice, case: Case, answer: Answer) -> Case:
    kind = {Word.LATE: Kind.LATE, Word.NOSHOW: Kind.NOSHOW, Word.WAITING: Kind.WAITING}[answer.word]
    if not case.open:
        return doubt_case(scene, voice, case, Doubt("closed"), voice.mail.new_text or voice.mail.subject)
    if kind is case.kind and (kind is not Kind.LATE or answer.minutes in (None, case.minutes)):
        return repeat_report(scene, voice, case, answer.text)
    if kind is Kind.LATE and case.kind is not Kind.LATE:
        return doubt_case(scene, voice, case, Doubt("same kind"), answer.text)
    report = Report(
        kind=kind, client=answer.client, minutes=answer.minutes, at=answer.at, note=answer.text, sent=answer.sent
    )
    return change_case(scene, voice, case, report, "estimate" if kind is case.kind else "kind")


def _take_client(scene: Scene, voice: Voice, case: Case, answer: Answer) -> Case:
    if not case.open or answer.client == case.client:
        heard = consumed(scene, replace(case, client=answer.client), voice, "client named")
        return receipt(scene, heard, voice, "client")
    report = Report(kind=case.kind, client=answer.client, minutes=case.minutes)
    return receipt(scene, change_case(scene, voice, case, report, "client"), voice, "client")


def _take_undo(scene: Scene, voice: Voice, case: Case) -> Case:
    heard = consumed(scene, case, voice, "undo")
    old = case.before
    if old is None or scene.now >= cadence.morning_after(old.at, case.cadence):
        return receipt(scene, heard, voice, "nothing")
    undone = replace(
        heard,
        state=old.state,
        sent_at=old.sent_at,
        told_at=old.told_at,
        outcome=old.outcome,
        outcome_note=old.outcome_note,
        closed_at=old.closed_at,
        makeup=old.makeup,
        before=None,
        resumed_at=scene.now,
    )
    data: dict[str, Datum] = {"text": old.what}
    if case.kind is not Kind.WAITING or old.what == "outcome":
        undone = update_admins(scene, undone, voice, "undone", data)
    undone = update_associate(scene, undone, voice, "undone", data)
    return replanned(receipt(scene, undone, voice, "undone", data))


def _take_mistake(scene: Scene, voice: Voice, case: Case) -> Case:
    heard = consumed(scene, case, voice, "mistake")
    if case.state is State.CANCELLED:
        return receipt(scene, heard, voice, "cancelled")
    closed_at = case.closed_at or scene.now
    gone = replace(remembered(scene, heard, "outcome"), state=State.CANCELLED, closed_at=closed_at, timers=())
    gone = update_admins(scene, closed_letters(scene, gone), voice, "cancelled")
    gone = update_associate(scene, gone, voice, "cancelled")
    return receipt(scene, gone, voice, "cancelled")


# --- the clock --------------------------------------------------------------------------------------


def tick_case(scene: Scene, case: Case) -> Case:
    """What is due by now: one reminder however long nobody looked, each escalation not yet sent (contract section 5).

    Returns the same object when nothing is due.
    """
    due = {timer.due for timer in case.timers if timer.at <= scene.now}
    if not due:
        return case
    if Due.CLOSE in due:
        closed = replace(
            entered(case, scene.now, "closed by itself", "clock"),
            state=State.CLOSED,
            outcome=Outcome.OTHER,
            outcome_note=NO_ANSWER,
            closed_at=scene.now,
            timers=(),
        )
        return closed_letters(scene, closed)
    ticked = case
    for kind, write in _DUE_LETTERS.items():
        if kind in due:
            ticked = write(scene, ticked)
    return replanned(ticked)


def resume_at(case: Case, now: datetime) -> Case:
    """The case as after a clock that was wrong: due times go on from `now`, milestones that lie ahead are today's.

    Returns the same object when it holds nothing of the future.
    """
    ahead = [at for at in (*case.reminders, case.changed_at) if at > now]
    if not ahead:
        return case
    reminders = tuple(at for at in case.reminders if at <= now)
    resumed = replace(case, reminders=reminders, changed_at=min(case.changed_at, now), resumed_at=now)
    return replanned(entered(resumed, now, "the clock was set back", "clock"))


def _step_away(scene: Scene, case: Case) -> Case:
    case = replace(case, stepaway_at=scene.now)
    return _by_clock(scene, case, LetterKind.STEPAWAY, "", (case.associate,), Role.ASSOCIATE)


def _escalate(scene: Scene, case: Case) -> Case:
    case = replace(case, escalated_at=scene.now)
    admins = told_admins(case, scene.rules)
    return _by_clock(scene, case, LetterKind.ESCALATION, "contact", admins, Role.ADMIN)


def _tell_lead(scene: Scene, case: Case) -> Case:
    case = replace(case, lead_told_at=scene.now)
    lead = scene.rules.roster.lead
    people = () if lead is None else (lead,)  # None: removed from the configuration since the case opened
    return _by_clock(scene, case, LetterKind.ESCALATION, "contact", people, Role.LEAD)


def _remind(scene: Scene, case: Case) -> Case:
    topic = "outcome" if cadence.asks_outcome(case, scene.now) else "contact"
    case = withdraw(case, {LetterKind.REMINDER}, "a newer reminder", scene.now)
    case = replace(case, reminders=(*case.reminders, scene.now))
    return _by_clock(scene, case, LetterKind.REMINDER, topic, (case.associate,), Role.ASSOCIATE)


def _by_clock(scene: Scene, case: Case, kind: LetterKind, topic: str, people: tuple[Person, ...], role: Role) -> Case:
    offered = associate_choices(case) if role is Role.ASSOCIATE else admin_choices(case)
    case = to_case(scene, case, kind, topic, people, role, offered=offered)
    return entered(case, scene.now, f"{kind.value} {topic}".strip(), "clock")


_DUE_LETTERS: dict[Due, Callable[[Scene, Case], Case]] = {
    Due.STEPAWAY: _step_away,
    Due.ESCALATION: _escalate,
    Due.LEAD: _tell_lead,
    Due.REMINDER: _remind,
}
