"""Mail in which nobody of the clinic speaks: robots, strangers, and mail in our names that failed the sender check.

None of it opens, moves or closes a case, and no robot or stranger gets an answer (contract section 3 and 8.6). What may
be a client waiting reaches admin all the same.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from workflow.core.compose import Scene, admin_choices, alone, notices
from workflow.core.model import (
    Case,
    Choice,
    Decision,
    Letter,
    LetterKind,
    Mail,
    Person,
    Post,
    Reading,
    Robot,
    Role,
)
from workflow.core.record import entered

NOTICES_AN_HOUR = 10
"""So many notices about strangers an hour in all; the rest is counted in the digest (contract section 3)."""

HOUR = timedelta(hours=1)

OUT_OF_OFFICE = "out of office"
"""The history line that keeps a second out-of-office reply from a second notice."""


def hear_robot(scene: Scene, mail: Mail, robot: Robot, bounced: Letter | None, open_cases: list[Case]) -> Decision:
    """A machine wrote: a bounce of ours and an out-of-office reply are told to admin, once; the rest is nothing."""
    if robot.kind == "bounce" and robot.permanent and bounced is not None and bounced.post is Post.SENT:
        failed = replace(bounced, post=Post.FAILED, reason="came back: refused for good", settled_at=scene.now)
        detail = f"A letter ({bounced.kind.value}) to {bounced.to.name} came back as undeliverable."
        told = notices(scene, "bounce", but=bounced.to.email, detail=detail)
        case = next((one for one in open_cases if one.id == bounced.case), None)
        if case is None:
            return Decision("a bounce", letters=told, key=mail.key)
        letters = tuple(failed if letter.id == failed.id else letter for letter in case.letters)
        marked = entered(replace(case, letters=letters), scene.now, f"bounced: {bounced.kind.value}", "clock")
        return Decision("a bounce", case=marked, letters=told, key=mail.key)
    if robot.kind == "out-of-office" and mail.sender is not None:
        for case in open_cases:
            known = any(entry.what == OUT_OF_OFFICE for entry in case.history)
            if mail.sender in case.associate.emails and not known:
                detail = f"{case.associate.name} has an open case, and an out-of-office reply came from their address."
                marked = entered(case, scene.now, OUT_OF_OFFICE, "clock")
                told = notices(scene, "out-of-office", detail=detail)
                return Decision("out of office", case=marked, letters=told, key=mail.key)
    return Decision(f"a robot: {robot.kind}")


def hear_unknown(
    scene: Scene,
    mail: Mail,
    reading: Reading,
    person: Person | None,
    about: list[Case],
    told: tuple[datetime, ...],
    warned: tuple[datetime, ...],
) -> Decision:
    """No known person speaks: no effect. What names an open case or is a plain report reaches admin as a choice.

    `person`: whose address it claims. `told`, `warned`: when admin and that address heard of such mail before.
    """
    report = reading.report
    open_case = next((case for case in about if case.open), None)
    plain = report is not None and (report.capitals or report.minutes is not None)
    if open_case is None and not plain:
        return Decision("nobody we know")
    reason = "a refused sender" if person is not None else "a stranger"
    letters: tuple[Letter, ...] = ()
    if sum(scene.now - at < HOUR for at in told) < NOTICES_AN_HOUR:
        offered: tuple[Choice, ...] = ()
        if open_case is not None:
            offered = admin_choices(open_case)
        elif person is not None and scene.rules.roster.associate(person.email) is not None:
            offered = (Choice(line=f"{reading.line} FOR {person.name}", label=f"Report it for {person.name}"),)
        elif report is not None:
            few = scene.rules.roster.associates[:6]
            offered = tuple(Choice(line=f"{reading.line} FOR {one.name}", label=f"For {one.name}") for one in few)
        topic = "refused" if person is not None else "stranger"
        detail = (
            f"A mail in the name of {person.name} failed the sender check. It had no effect."
            if person is not None
            else "A mail from an address that is not on the roster. It had no effect."
        )
        letters = notices(scene, topic, offered=offered, detail=detail, line=reading.line)
    if person is not None and not any(scene.now - at < HOUR for at in warned):
        letters += (alone(scene, LetterKind.HELP, "in-your-name", person, Role.ASSOCIATE),)
    return Decision(reason, letters=letters, key=mail.key)
