"""How many answers one address gets, and how many notices about strangers admin: contract 8.6 and section 3.

Alerts, drafts, reminders and escalations are never capped. Pure: the counts come from the desk and go back there.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from workflow.core.compose import Scene, notices
from workflow.core.model import ANSWERS, Case, Decision, Letter, LetterKind, Post

ANSWER_CAPS = ((timedelta(minutes=10), 10), (timedelta(hours=1), 25))
"""Answers to one address in so long a time (contract 8.6)."""

STRANGERS = "strangers"
"""The desk's count of notices about senders that nobody knows."""


def cap_answers(
    scene: Scene, decision: Decision, old: Case | None, counts: dict[str, tuple[datetime, ...]]
) -> Decision:
    """The decision with answers past the cap withdrawn, and one notice about the loop (contract 8.6).

    Alerts, drafts, reminders and escalations are never capped. Counts answers and notices in `counts`.
    """
    known = {letter.id for letter in old.letters} if old is not None else set()
    told: list[Letter] = []

    def checked(letter: Letter) -> Letter:
        if letter.id in known or letter.post is not Post.OWED:
            return letter
        if letter.topic == "in-your-name":
            name = f"warned {letter.to.email}"
            counts[name] = (*counts.get(name, ()), scene.now)
        if letter.kind not in ANSWERS:
            return letter
        name = f"answers {letter.to.email}"
        times = counts.get(name, ())
        if any(sum(scene.now - at < within for at in times) >= most for within, most in ANSWER_CAPS):
            warned = f"capped {letter.to.email}"
            if not any(scene.now - at < ANSWER_CAPS[-1][0] for at in counts.get(warned, ())):
                counts[warned] = (*counts.get(warned, ()), scene.now)
                detail = f"{letter.to.name} gets no more answers for now: so many mails look like a loop."
                told.extend(notices(scene, "cap", but=letter.to.email, detail=detail))
            reason = "too many answers to one address"
            return replace(letter, post=Post.WITHDRAWN, reason=reason, settled_at=scene.now)
        counts[name] = (*(at for at in times if scene.now - at < ANSWER_CAPS[-1][0]), scene.now)
        return letter

    if any(letter.kind is LetterKind.NOTICE and letter.topic in {"stranger", "refused"} for letter in decision.letters):
        counts[STRANGERS] = (*counts.get(STRANGERS, ()), scene.now)  # one mail, however many admins read of it
    letters = tuple(checked(letter) for letter in decision.letters)
    case = decision.case
    if case is not None:
        case = replace(case, letters=tuple(checked(letter) for letter in case.letters))
    return replace(decision, case=case, letters=(*letters, *told))
