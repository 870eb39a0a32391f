"""Mail in which nobody of the clinic speaks: robots, strangers, and mail in our names that failed the sender check.

None of it opens, moves or closes a case, and no robot or stranger gets an answer (contract section 3 and 8.6). What may
be a client waiting reaches admin all the same, and so does a letter that came back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from workflow.core.compose import Scene, admin_choices, alone, notices, withdraw
from workflow.core.heard import Heard
from workflow.core.model import (
    Case,
    Choice,
    Decision,
    Letter,
    LetterKind,
    Mail,
    Post,
    Robot,
    Role,
    Word,
)
from workflow.core.record import entered, replanned
from workflow.core.unplaced import for_associate, for_each

NOTICES_AN_HOUR = 10
"""So many notices about strangers an hour in all; the rest is counted in the digest (contract section 3)."""

HOUR = timedelta(hours=1)

OUT_OF_OFFICE = "out of office"
"""The history line that keeps a second out-of-office reply from a second notice."""


def hear_robot(scene: Scene, mail: Mail, robot: Robot, bounced: Letter | None, cases: Mapping[str, Case]) -> Decision:
    """A machine wrote: a bounce of ours and an out-of-office reply are told to admin, once; the rest is nothing."""
    if robot.kind == "bounce" and robot.permanent and bounced is not None and bounced.post is Post.SENT:
        told = notices(scene, "bounce", but=bounced.to.email, detail=_came_back(bounced))
        case = cases.get(bounced.case or "")
        lost = None if case is None else lose_letter(scene, case, bounced, "came back: refused for good")
        return Decision("a bounce", case=lost, letters=told, key=mail.key)
    if robot.kind == "out-of-office" and mail.sender is not None:
        for case in cases.values():
            known = any(entry.what == OUT_OF_OFFICE for entry in case.history)
            if case.open and mail.sender in case.associate.emails and not known:
                detail = f"{case.associate.name} has an open case, and an out-of-office reply came from their address."
                marked = entered(case, scene.now, OUT_OF_OFFICE, "clock")
                told = notices(scene, "out-of-office", detail=detail)
                return Decision("out of office", case=marked, letters=told, key=mail.key)
    return Decision(f"a robot: {robot.kind}")


def lose_letter(scene: Scene, case: Case, letter: Letter, reason: str) -> Case:
    """The case with a letter that was refused for good, or came back.

    When it was the associate's, nobody reads their reminders: they stop until the associate writes again, and admin is
    escalated to at once, if the client may not have been told yet.
    """
    failed = replace(letter, post=Post.FAILED, reason=reason, settled_at=scene.now)
    letters = tuple(failed if one.id == failed.id else one for one in case.letters)
    lost = entered(replace(case, letters=letters), scene.now, f"{letter.kind.value} {reason}", "clock")
    if letter.role is not Role.ASSOCIATE or not case.open:
        return lost
    lost = replace(lost, returned_at=case.returned_at or scene.now)
    return replanned(withdraw(lost, {LetterKind.REMINDER}, "letters to the associate come back", scene.now))


def _came_back(letter: Letter) -> str:
    detail = f"A letter ({letter.kind.value}) to {letter.to.name} came back as undeliverable."
    if letter.case is None or letter.role is not Role.ASSOCIATE:
        return detail
    return f"{detail} It was about case {letter.case}: they are not reminded of it until they write again."


def hear_unknown(heard: Heard) -> Decision:
    """No known person speaks: no effect. What names an open case or is a plain report reaches admin as a choice.

    Whoever it claims to be is told once an hour, since a mail in their name may be their own.
    """
    scene, reading = heard.scene, heard.reading
    person = heard.associate or heard.admin
    named = (*reading.ids, *heard.thread, *reading.quoted_ids)
    pointed = [heard.cases[known] for known in named if known in heard.cases]
    about = next((case for case in pointed if case.open), None)
    report = reading.report
    plain = report is not None and (report.capitals or report.minutes is not None)
    if about is None and not plain:
        return Decision("nobody we know")
    letters: tuple[Letter, ...] = ()
    if sum(scene.now - at < HOUR for at in heard.notices) < NOTICES_AN_HOUR:
        topic = "stranger" if person is None else "refused"
        detail = (
            "A mail from an address that is not on the roster. It had no effect."
            if person is None
            else f"A mail in the name of {person.name} failed the sender check. It had no effect."
        )
        offered = _offered(heard, about)
        letters = notices(scene, topic, offered=offered, detail=detail, line=reading.line)
    if person is not None and not any(scene.now - at < HOUR for at in heard.warned):
        letters += (alone(scene, LetterKind.HELP, "in-your-name", person, Role.ASSOCIATE),)
    return Decision("a stranger" if person is None else "a refused sender", letters=letters, key=heard.mail.key)


def _offered(heard: Heard, about: Case | None) -> tuple[Choice, ...]:
    """The line as admin can say it with one tap; about a case, admin's own words, too."""
    line, report = heard.reading.line, heard.reading.report
    if about is not None:
        again = "SENT" if heard.reading.word is Word.SENT else line
        said = (Choice(line=again, label="Record what it says", case=about.id),) if heard.reading.word else ()
        return said + tuple(choice for choice in admin_choices(about) if choice.line != again)
    if heard.associate is not None:
        whole = for_associate(line, report, heard.associate)
        return (Choice(line=whole, label=f"Report it for {heard.associate.name}"),)
    return for_each(line, report, heard.scene.rules.roster)
