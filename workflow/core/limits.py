"""How many answers one address gets, and how many notices about strangers admin: contract 8.6 and section 3.

Alerts, drafts, reminders and escalations are never capped. Pure: the counts come from the desk and go back there.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import replace
from datetime import datetime, timedelta

from workflow.core.entries import is_moved
from workflow.core.model import Case, Decision, Fate, Letter, LetterKind, Post
from workflow.core.owed import Scene, notices

ANSWER_CAPS = ((timedelta(minutes=10), 10), (timedelta(hours=1), 25))
"""Answers to one address in so long a time (contract 8.6)."""

TOLD_AGAIN = timedelta(days=1)
"""A loop is told once, and again after so long without one: a robot that answers for a week is one loop."""

LIFTED_AGAIN = timedelta(hours=1)
HUMAN_PACE = 5
"""A clear answer lifts the cap, once an hour at most, and not when there were so many of them in that hour: no person
has that much to record, and a robot that taps our choices does."""

OF_STRANGERS = frozenset({"stranger", "own-address", "refused"})
STRANGERS = "strangers"
"""The desk's count of notices about senders that nobody knows."""

SET_ASIDE = "set-aside"
"""The desk's count of mails set aside."""

Counts = MutableMapping[str, tuple[datetime, ...]]


def lately(at: datetime, within: timedelta, now: datetime) -> bool:
    """Whether it happened within this time. What lies ahead was noted by a clock that was wrong, and counts for nothing
    (contract section 5)."""
    return timedelta() <= now - at < within


def cap_answers(scene: Scene, decision: Decision, old: Case | None, counts: Counts) -> Decision:
    """The decision with answers past the cap not sent, and one notice about the loop (contract 8.6).

    An answer about a case is kept as withdrawn, for `show`; one without a case leaves nothing. Counts answers, notices,
    mails set aside and what is told to nobody in `counts`.
    """
    known = {letter.id for letter in old.letters} if old is not None else set()
    told: list[Letter] = []
    _lift(scene.now, decision.case, old, counts)

    def checked(letter: Letter) -> Letter:
        if letter.id in known or letter.post is not Post.OWED:
            return letter
        if letter.topic == "in-your-name":
            _count(counts, f"warned {letter.to.email}", scene.now)
        if not letter.answers:
            return letter
        if not _is_capped(counts, letter.to.email, scene.now):
            _count(counts, f"answers {letter.to.email}", scene.now, ANSWER_CAPS[-1][0])
            return letter
        warned = f"capped {letter.to.email}"
        if not any(lately(at, TOLD_AGAIN, scene.now) for at in counts.get(warned, ())):
            detail = f"{letter.to.name} gets no more answers for now: so many mails look like a loop."
            told.extend(notices(scene, "cap", but=letter.to.email, detail=detail))
        counts[warned] = (scene.now,)
        reason = "too many answers to one address"
        return replace(letter, post=Post.WITHDRAWN, reason=reason, settled_at=scene.now)

    if any(letter.kind is LetterKind.NOTICE and letter.topic in OF_STRANGERS for letter in decision.letters):
        _count(counts, STRANGERS, scene.now)  # one mail, however many admins read of it
    if decision.fate is Fate.SET_ASIDE:
        _count(counts, SET_ASIDE, scene.now)
    if decision.untold:
        _count(counts, decision.untold, scene.now)
    letters = [one for letter in decision.letters if (one := checked(letter)).post is not Post.WITHDRAWN]
    case = decision.case
    if case is not None and (of_case := tuple(checked(letter) for letter in case.letters)) != case.letters:
        case = replace(case, letters=of_case)
    return replace(decision, case=case, letters=(*letters, *told))


def _is_capped(counts: Counts, email: str, now: datetime) -> bool:
    times = counts.get(f"answers {email}", ())
    return any(sum(lately(at, within, now) for at in times) >= most for within, most in ANSWER_CAPS)


def _lift(now: datetime, case: Case | None, old: Case | None, counts: Counts) -> None:
    """A human's next clear answer lifts the cap: one that records something, at the pace of a human."""
    if case is None or old is None or not is_moved(old, case):
        return
    for email in {entry.by for entry in case.history[len(old.history) :]} - {"clock"}:
        clear = [at for at in counts.get(f"clear {email}", ()) if lately(at, LIFTED_AGAIN, now)]
        counts[f"clear {email}"] = (*clear[-HUMAN_PACE:], now)
        lifted = any(lately(at, LIFTED_AGAIN, now) for at in counts.get(f"lifted {email}", ()))
        if len(clear) < HUMAN_PACE and not lifted and _is_capped(counts, email, now):
            counts.update({f"answers {email}": (), f"lifted {email}": (now,)})


def _count(counts: Counts, name: str, now: datetime, within: timedelta | None = None) -> None:
    kept = counts.get(name, ())
    counts[name] = (*(at for at in kept if within is None or lately(at, within, now)), now)
