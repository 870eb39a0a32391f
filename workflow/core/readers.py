"""Who reads the letters of an open case: its associate or admin, admin or the lead, at which address (section 4).

Run over every version of a case before it is committed, and over all open cases when the configuration or somebody's
presence has changed. It answers nobody and moves no milestone.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from workflow.core import presence
from workflow.core.entries import entered, replanned
from workflow.core.model import Case, Letter, LetterKind, Post
from workflow.core.owed import Scene, alerted, facts, next_id, withdraw
from workflow.core.people import Person, Role
from workflow.core.schedule import is_quiet, unread_since

LEFT = "the associate is no longer in the configuration"
"""The history line that keeps the notice of it from coming twice, unless they had come back."""

REPLACED = frozenset({LetterKind.DRAFT, LetterKind.STEPAWAY, LetterKind.REMINDER})
"""Of these the newest alone has sense."""


def attended(scene: Scene, case: Case) -> Case:
    """The case as whoever reads its letters now makes it; the same object when nothing is new.

    Who has left, or whose letters come back, is not reminded: admin is. A letter that failed for an address that is
    another one now is owed again. While every admin is away the lead has alerts and escalations, too.
    """
    if not case.open:
        return case
    return _told_lead(scene, _owed_again(scene, _of_associate(scene, case)))


def has_just_left(scene: Scene, case: Case) -> bool:
    """Whether the associate of an open case is not in the configuration any more, and nobody was told."""
    known = case.returned_at is not None and any(entry.what == LEFT for entry in case.history)
    return not known and scene.rules.roster.current(case.associate, Role.ASSOCIATE) is None


def _of_associate(scene: Scene, case: Case) -> Case:
    now, before = scene.now, case
    if has_just_left(scene, case):
        case = entered(case, now, LEFT, "clock")
    person = scene.rules.roster.current(case.associate, Role.ASSOCIATE)
    if person is not None and person != case.associate:
        case = replace(case, associate=person)
    lost = person is None or presence.is_returned(scene.marks, person)
    answers = person is not None and presence.answers_itself(scene.marks, person, now)
    if lost and case.returned_at is None:
        why = LEFT if person is None else "letters to the associate come back"
        case = withdraw(replace(case, returned_at=now), {LetterKind.REMINDER}, why, now)
    elif not lost and case.returned_at is not None:
        case = replace(case, returned_at=None, resumed_at=now)
    if answers is not (case.away_at is not None):
        case = replace(case, away_at=now if answers else None)
    return case if case is before else replanned(case)


def _owed_again(scene: Scene, case: Case) -> Case:
    """Under a new id: the old one may still come back."""
    for number, failed in enumerate(case.letters):
        if failed.post is not Post.FAILED:
            continue
        person = scene.rules.roster.current(failed.to, failed.role)
        if person is None or person.email == failed.to.email or _is_over(scene, case, number):
            continue
        case = _with_copy(scene, case, failed, person)
    return case


def _with_copy(scene: Scene, case: Case, letter: Letter, to: Person, **new: Any) -> Case:
    letter_id, message_id = next_id(scene, case, f"{letter.message_id} again {to.email}")
    copy = replace(letter, id=letter_id, message_id=message_id, to=to, post=Post.OWED, **new)
    copy = replace(copy, reason="", attempts=0, next_at=None, settled_at=None)
    return replace(case, letters=(*case.letters, copy))


def _is_over(scene: Scene, case: Case, number: int) -> bool:
    """Whether a letter that failed has no sense any more (contract section 5), or was owed again already."""
    failed, roster = case.letters[number], scene.rules.roster
    later = [one for one in case.letters[number + 1 :] if (one.kind, one.role) == (failed.kind, failed.role)]
    if failed.kind in REPLACED and later:
        return True
    if failed.topic in {"contact", "away"} and _is_told(case):
        return True
    same = [one for one in later if (one.topic, one.created_at) == (failed.topic, failed.created_at)]
    meant = roster.current(failed.to, failed.role)
    return any(roster.current(one.to, one.role) == meant for one in same)


def _is_told(case: Case) -> bool:
    return case.sent_at is not None or case.reached_at is not None


def _told_lead(scene: Scene, case: Case) -> Case:
    """With each alert and escalation since the last change that went to admins alone; no escalation in the night."""
    lead = scene.rules.roster.lead
    if lead is None or _is_told(case) or lead not in alerted(scene, case):
        return case
    kinds = [LetterKind.ALERT, *([] if is_quiet(scene.now, case.cadence) else [LetterKind.ESCALATION])]
    for kind in kinds:
        sent = [one for one in case.letters if one.kind is kind and one.created_at >= case.changed_at]
        so = [one for one in sent if one.topic != "away" or unread_since(case) is not None]  # they may read again
        if so and all(one.to.email != lead.email for one in sent):
            case = _with_copy(scene, case, so[-1], lead, facts=facts(case), created_at=scene.now)
    return case
