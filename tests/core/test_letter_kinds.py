"""How letters of each kind travel: contract sections 5 and 8. A kind without a course is a fault of types, too."""

from __future__ import annotations

from itertools import groupby

from workflow.core.model import LetterKind


def test_every_kind_has_its_turn() -> None:
    """Alerts, drafts and answers, then escalations, then reminders, then digests and notices (contract 8.8)."""
    ranked = sorted(LetterKind, key=lambda kind: kind.course.rank)
    first, *others = [set(kinds) for _, kinds in groupby(ranked, key=lambda kind: kind.course.rank)]
    assert first >= {LetterKind.ALERT, LetterKind.DRAFT} | {kind for kind in LetterKind if kind.course.answers}
    assert others == [
        {LetterKind.ESCALATION},
        {LetterKind.REMINDER},
        {LetterKind.MONTH, LetterKind.DIGEST, LetterKind.NOTICE},
    ]


def test_quiet_hours_hold_back_what_is_not_urgent() -> None:
    assert {kind for kind in LetterKind if kind.course.held} == {LetterKind.REMINDER, LetterKind.ESCALATION}
    assert {kind for kind in LetterKind if kind.course.urgent} == {LetterKind.ALERT, LetterKind.DRAFT}
