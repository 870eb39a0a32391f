"""What every decision writes into its case: the mail it consumed, the history, notes, and letters to those concerned.

No rule of its own: who calls it has decided already.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

from workflow.core import schedule
from workflow.core.mail import Mail
from workflow.core.model import Before, Case, Choice, Consumed, Datum, Entry, LetterKind, State
from workflow.core.owed import Scene, apology_choice, associate_choices, to_case, told_admins, withdraw
from workflow.core.people import Person, Role
from workflow.core.rules import Kind
from workflow.core.topics import Question, Receipt, ToAdmin

ABOUT_OUTCOMES = frozenset({"outcome", "rebook", "undone", "cancelled", "wrong"})
"""The updates that tell how a case ended, that a new time is wanted, or that it never was; of a `waiting` case no other
goes to admin."""


@dataclass(frozen=True, slots=True)
class Voice:
    """A mail and the known person who speaks in it, as associate of the case or as admin."""

    mail: Mail
    person: Person
    role: Role


def consumed(scene: Scene, case: Case, voice: Voice, what: str) -> Case:
    """With the mail's key, so that it is never acted on again, and its words in the history."""
    mail = voice.mail
    taken = Consumed(key=mail.key, message_id=mail.message_id, at=scene.now)
    case = replace(case, mails=(*case.mails, taken))
    if voice.role is Role.ASSOCIATE and case.owes_apology:
        case = replanned(replace(case, apology_at=None))
        case = withdraw(case, {LetterKind.REMINDER}, "the associate has written", scene.now)
    return entered(case, scene.now, what, voice.person.email, written(mail))


def written(mail: Mail) -> str:
    """What stands in a mail, as the history keeps it."""
    return "\n".join(part for part in (mail.subject, mail.new_text) if part)


def is_moved(old: Case | None, new: Case) -> bool:
    """Whether something is recorded that was not known before: more than a mail, its words, and what answers it."""
    return old is None or _record(old) != _record(new)


def _record(case: Case) -> tuple[object, ...]:
    told = (case.sent_at, case.told_at, case.reached_at)
    ended = (case.state, case.outcome, case.outcome_note, case.makeup)
    return case.kind, case.client, case.client_says, case.minutes, case.session_at, *told, *ended


def entered(case: Case, now: datetime, what: str, by: str, text: str = "") -> Case:
    """With one more line of history. What is written after the names were wiped is wiped in its turn."""
    wiped_at = None if text else case.wiped_at
    return replace(case, history=(*case.history, Entry(at=now, what=what, by=by, text=text)), wiped_at=wiped_at)


def noted(case: Case, note: str) -> Case:
    return replace(case, notes=(*case.notes, note)) if note else case


def remembered(scene: Scene, case: Case, what: str) -> Case:
    """With the milestones as they stand, for UNDO; `what` is about to change: "sent", "outcome" or "answer"."""
    return replace(case, before=Before(what=what, at=scene.now, **milestones(case)))


def milestones(of: Case | Before) -> dict[str, Any]:
    """What an outcome, SENT or the client's answer may change, and UNDO restores."""
    return {part.name: getattr(of, part.name) for part in fields(Before) if part.name not in {"what", "at"}}


def replanned(case: Case) -> Case:
    return replace(case, timers=schedule.plan(case))


def ended(scene: Scene, case: Case, state: State, **how: Any) -> Case:
    """Closed or cancelled, with the letters taken back that have no sense then (contract section 5)."""
    kinds = {LetterKind.REMINDER, LetterKind.STEPAWAY, LetterKind.DRAFT}
    case = replanned(replace(case, state=state, closed_at=case.closed_at or scene.now, **how))
    return withdraw(case, kinds, "the case was closed", scene.now)


def receipt(scene: Scene, case: Case, voice: Voice, topic: Receipt, data: Mapping[str, Datum] | None = None) -> Case:
    """With a receipt to the writer, who is offered what can come next."""
    offered = associate_choices(case) if voice.role is Role.ASSOCIATE else ()
    return to_writer(scene, case, voice, LetterKind.RECEIPT, topic, offered, data)


def to_writer(
    scene: Scene,
    case: Case,
    voice: Voice,
    kind: LetterKind,
    topic: Receipt | Question,
    offered: tuple[Choice, ...],
    data: Mapping[str, Datum] | None = None,
) -> Case:
    """With an answer to whoever wrote, in the thread of their mail."""
    people = [voice.person]
    return to_case(scene, case, kind, topic, people, voice.role, offered=offered, answering=voice.mail, data=data)


def update_others(
    scene: Scene,
    case: Case,
    voice: Voice,
    topic: ToAdmin,
    data: Mapping[str, Datum] | None = None,
    *,
    admins: bool = True,
    associate: bool = True,
    offered: tuple[Choice, ...] = (),
) -> Case:
    """With an update to each admin, with what is `offered` to them, and the associate, so far as it concerns them, but
    never to the writer.

    Of a `waiting` case admins hear the outcome alone (section 4), and an associate's own case is told by nobody else.
    """
    said: dict[str, Datum] = {"by": voice.person.name, **(data or {})}
    if admins and (case.kind is not Kind.WAITING or topic in ABOUT_OUTCOMES):
        people = told_admins(case, scene.rules, but=voice.person)
        case = to_case(scene, case, LetterKind.UPDATE, topic, people, Role.ADMIN, offered=offered, data=said)
    if associate and voice.role is not Role.ASSOCIATE:
        own, due = [case.associate], apology_choice(case) if topic == "outcome" else ()
        case = to_case(scene, case, LetterKind.UPDATE, topic, own, Role.ASSOCIATE, offered=due, data=said)
    return case
