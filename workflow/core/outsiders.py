"""Mail in which nobody of the clinic speaks: robots, strangers, and mail in our names that failed the sender check.

None of it opens, moves or closes a case, and no robot or stranger gets an answer (contract section 3 and 8.6). What may
be a client waiting reaches admin all the same, and so does a letter that came back.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from workflow.core import presence
from workflow.core.entries import entered
from workflow.core.language.printed import listed
from workflow.core.limits import lately
from workflow.core.mail import Report, Robot, Word
from workflow.core.model import Case, Choice, Datum, Decision, Letter, LetterKind, Post
from workflow.core.owed import Scene, admin_choices, is_same, notices, write_letter
from workflow.core.people import Person, Role
from workflow.core.questions import for_associate, for_each
from workflow.core.situation import Situation
from workflow.core.topics import Notice

NOTICES_AN_HOUR = 10
"""So many notices about strangers an hour in all; the rest is counted in the digest (contract section 3)."""

LONGEST_NAME = 80
"""Characters of a sender's name that are told: anybody may write anything there."""

_WORD = re.compile(r"\w+")

NOT_TOLD = "strangers not told"
"""The desk's count of that rest."""

NOBODY_TOLD = "nobody told"
"""The desk's mark of the last lost letter of which nobody could be told: the log, status and /healthz say so (section
4)."""

UNTOLD = "A letter to admin was refused for good, and nobody could be told of it"
"""What they say for a day."""

HOUR, DAY = timedelta(hours=1), timedelta(days=1)

OUT_OF_OFFICE = "out of office"
"""The history line that keeps a second out-of-office reply from a second notice."""

WENT = frozenset({Post.SENT, Post.OWED})
"""A letter that comes back has gone, even if that is not recorded yet: nobody else has seen its Message-ID."""

ABOUT_LOST_LETTERS = frozenset({"bounce", "refused-letter"})
"""A notice about a notice would never end."""

WHYS = {
    "5.1": "there is no such address",
    "5.2.1": "the mailbox takes no mail",
    "5.2.2": "the mailbox is full",
    "4.2.2": "the mailbox is full",
    "5.4": "the mail server could not be reached",
    "4.4": "the mail server could not be reached",
    "5.7": "the mail server does not want it",
}
"""The codes of RFC 3463 that a clinic can do something about, in its words; the longest beginning counts."""


def take_robot(situation: Situation, robot: Robot) -> Decision:
    """A machine wrote: a bounce of ours and an out-of-office reply are told to admin, once; the rest is nothing.

    Whoever sends a bounce, and it has no sender at all: it counts only under the id of a letter of ours.
    """
    if robot.kind == "bounce" and situation.bounced is not None and situation.bounced.post in WENT:
        return _take_bounce(situation, robot, situation.bounced)
    if robot.kind == "out-of-office" and (situation.associate or situation.admin):
        return _take_out_of_office(situation)
    return Decision(f"a robot: {robot.kind}")


def _take_bounce(situation: Situation, robot: Robot, bounced: Letter) -> Decision:
    """For now: a line in `show`. For good: the letter has failed, and whoever can do something is told."""
    scene, key = situation.scene, situation.mail.key
    case = situation.cases.get(bounced.case or "")
    why = _why(robot.code)
    if not robot.permanent:
        if case is None:
            return Decision("a letter is delayed on its way")
        line = f"a mail server is still trying to deliver the {bounced.kind.value} to {bounced.to.name}{why}"
        return Decision("a letter is delayed on its way", case=entered(case, scene.now, line, "clock"), key=key)
    reason = f"came back{why or ': refused for good'}"
    return replace(lose_letter(scene, bounced, case, "bounce", reason, reason), reason="a letter came back", key=key)


def _take_out_of_office(situation: Situation) -> Decision:
    """A mailbox answered by itself: whoever has it is away, unless they wrote shortly before or since (section 1).

    It postpones nothing, so it needs no sender check: reminders and alerts go on, and others are told as well.
    """
    at = situation.mail.arrived_at
    told = _tell_of_associate(situation) or _tell_of_admin(situation) or Decision("a robot: out-of-office")
    if any(wrote >= at - presence.WROTE_BEFORE for wrote in situation.wrote):
        return told
    people = [one for one in (situation.associate, situation.admin) if one is not None]
    away = {name: text for one in people for name, text in presence.mark(presence.Sign.ANSWERED, one, at).items()}
    return replace(told, marks={**told.marks, **away}, key=situation.mail.key)


def _tell_of_associate(situation: Situation) -> Decision | None:
    """Nobody is going to answer: once a case, and once a day for whoever has several (contract section 4, `notice`).

    The case that the reply is about, else the newest; a robot may have answered any of our letters.
    """
    scene, own, associate = situation.scene, situation.own_cases, situation.associate
    about = [case for case in own if case.id in situation.thread] or own[-1:]
    marks = [entry for case in own for entry in case.history if entry.what == OUT_OF_OFFICE]
    known = not about or any(entry.what == OUT_OF_OFFICE for entry in about[-1].history)
    if associate is None or known or any(lately(mark.at, DAY, scene.now) for mark in marks):
        return None
    case = about[-1]
    detail = (
        f"{associate.name} has an open case, and an out-of-office reply came from their address. Perhaps nobody "
        f"answers: {listed(case, scene.rules, scene.now)}."
    )
    told = notices(scene, "out-of-office", offered=admin_choices(case), but=associate.email, detail=detail)
    marked = entered(case, scene.now, OUT_OF_OFFICE, "clock")
    return Decision("out of office", case=marked, letters=told, key=situation.mail.key)


def _tell_of_admin(situation: Situation) -> Decision | None:
    """Alerts may be read by nobody: once in seven days, to the other admins and the lead."""
    scene, admin = situation.scene, situation.admin
    if admin is None or admin not in scene.rules.roster.admins:
        return None
    name = f"admin-away {admin.email}"
    before = scene.marks.get(name)
    if before and lately(datetime.fromisoformat(before), 7 * DAY, scene.now):
        return None
    detail = f"An automatic reply came from the address of {admin.name}. Perhaps they read no alerts."
    letters = _tell_others(scene, "admin-away", admin, detail)
    marks = {name: scene.now.isoformat()}
    return Decision("an admin is out of office", letters=letters, marks=marks, key=situation.mail.key)


def lose_letter(scene: Scene, letter: Letter, case: Case | None, topic: Notice, reason: str, said: str) -> Decision:
    """A letter was refused for good, or came back, for this `reason`; what is `said` of it stands behind its reader.

    Its reader is away until they write again: what follows for open cases is `readers`.
    """
    failed = replace(letter, post=Post.FAILED, reason=reason, settled_at=scene.now)
    known = letter.role is Role.ASSOCIATE and case is not None and _is_known(case)
    tried = topic == "bounce" or letter.attempts > 0  # else it could not be written
    away = presence.mark(presence.Sign.RETURNED, letter.to, scene.now) if tried else {}
    after = replace(scene, marks={**scene.marks, **away})
    told = () if known or letter.topic in ABOUT_LOST_LETTERS else _tell_lost(after, letter, case, topic, said)
    untold = {} if told or known else {NOBODY_TOLD: scene.now.isoformat()}
    decision = Decision("letter refused", letters=told, marks={**away, **untold})
    if case is None:
        return replace(decision, lost=failed)
    letters = tuple(failed if one.id == failed.id else one for one in case.letters)
    lost = entered(replace(case, letters=letters), scene.now, f"{failed.kind.value} {reason}", "clock")
    return replace(decision, case=lost)


def was_told_to_nobody(marks: presence.Marks, now: datetime) -> bool:
    """Whether a letter was lost within a day of which nobody could be told. `marks`: the desk's."""
    return NOBODY_TOLD in marks and lately(datetime.fromisoformat(marks[NOBODY_TOLD]), DAY, now)


def _is_known(case: Case) -> bool:
    """Whether the associate has lost a letter of this case since they wrote last."""
    failed = [one for one in case.letters if one.role is Role.ASSOCIATE and one.post is Post.FAILED]
    return case.returned_at is not None and bool(failed)


def _tell_lost(scene: Scene, letter: Letter, case: Case | None, topic: Notice, said: str) -> tuple[Letter, ...]:
    """Each admin but the letter's reader hears of it; of an admin's letter the lead, too."""
    detail = f"A letter ({letter.kind.value}) to {letter.to.name} {said}."
    offered: tuple[Choice, ...] = ()
    if case is not None and case.open:
        offered = admin_choices(case)
        detail = f"{detail} It was about {listed(case, scene.rules, scene.now)}."
        person = scene.rules.roster.current(letter.to, letter.role)
        if person is not None and person.email != letter.to.email:
            detail = f"{detail} It is for another address now."
        elif letter.role is Role.ASSOCIATE and person is not None and presence.is_returned(scene.marks, person):
            detail = f"{detail} They are not reminded of it until they write again: you are, in the mornings."
    if letter.role is Role.ADMIN:
        return _tell_others(scene, topic, letter.to, detail, offered)
    return notices(scene, topic, offered=offered, but=letter.to.email, detail=detail)


def _tell_others(
    scene: Scene, topic: Notice, admin: Person, detail: str, offered: tuple[Choice, ...] = ()
) -> tuple[Letter, ...]:
    """Each other admin and the lead hear of what is wrong with an admin."""
    told = notices(scene, topic, offered=offered, but=admin.email, detail=detail)
    lead = scene.rules.roster.lead
    if lead is None or is_same(lead, admin) or any(is_same(lead, one.to) for one in told):
        return told
    data: dict[str, Datum] = {"detail": detail}
    return (*told, write_letter(scene, LetterKind.NOTICE, topic, lead, Role.ADMIN, offered=offered, data=data))


def _why(code: str) -> str:
    """``: there is no such address (5.1.1)``; "" without a code."""
    said = next((WHYS[code[:end]] for end in (len(code), 3) if code[:end] in WHYS), "its reason")
    return f": {said} ({code})" if code else ""


def take_unknown(situation: Situation) -> Decision:
    """No known person speaks: no effect. What names an open case or is a plain report reaches admin as a choice.

    Whoever it claims to be is told once an hour, since a mail in their name may be their own.
    """
    scene, reading = situation.scene, situation.reading
    person = situation.associate or situation.admin
    named = (*reading.ids, *situation.thread, *reading.quoted_ids)
    pointed = [situation.cases[known] for known in named if known in situation.cases]
    about = next((case for case in pointed if case.open), None)
    report = reading.report
    plain = report is not None and (report.capitals or report.minutes is not None)
    if about is None and not plain:
        return Decision("nobody we know" if person is None else "a refused sender")
    letters: tuple[Letter, ...] = ()
    untold = NOT_TOLD
    if sum(lately(at, HOUR, scene.now) for at in situation.notices) < NOTICES_AN_HOUR:
        untold = ""
        topic: Notice = "refused" if person is not None else "own-address" if situation.own else "stranger"
        offered = _offered(situation, about)
        letters = notices(scene, topic, offered=offered, detail=_who_wrote(situation, person), line=reading.line)
    if person is not None and not any(lately(at, HOUR, scene.now) for at in situation.warned):
        letters += (write_letter(scene, LetterKind.HELP, "in-your-name", person, Role.ASSOCIATE),)
    reason = "a stranger" if person is None else "a refused sender"
    return Decision(reason, letters=letters, key=situation.mail.key, untold=untold)


def _who_wrote(situation: Situation, person: Person | None) -> str:
    """Who wrote, by the mail's own word, and why it had no effect."""
    mail = situation.mail
    bare = mail.name[:LONGEST_NAME].strip()
    writer = f"{bare} <{mail.sender}>" if bare and mail.sender else mail.sender or "nobody that can be told"
    handed_on = [one.name for one in situation.handed_on]
    if person is not None:
        why = f"It is in the name of {person.name}, and failed the sender check."
    elif handed_on:
        why = f"A list or group put that address there; that {handed_on[0]} wrote it, nothing proves."
    elif situation.own:
        unproven = situation.scene.rules.own_voice == "admin"
        why = f"Somebody wrote as the clinic's mailbox itself{', and nothing proves it' if unproven else ''}."
    else:
        why = "That address is not on the roster."
    unread = " Its text could not be read." if mail.unread else ""
    return f"A mail from {writer}. {why} It had no effect.{unread}"


def _offered(situation: Situation, about: Case | None) -> tuple[Choice, ...]:
    """The line as admin can say it with one tap; about a case, admin's own words, too."""
    line, report = situation.reading.line, situation.reading.report
    if about is not None:
        again = "SENT" if situation.reading.word is Word.SENT else line
        said = (Choice(line=again, label="Record what it says", case=about.id),) if situation.reading.word else ()
        return said + tuple(choice for choice in admin_choices(about) if choice.line != again)
    if situation.associate is not None:
        whole = for_associate(line, report, situation.associate)
        return (Choice(line=whole, label=f"Report it for {situation.associate.name}"),)
    return for_each(line, report, situation.scene.rules.roster, _probably(situation, report))


def _probably(situation: Situation, report: Report | None) -> Callable[[Person], bool]:
    """Whom it may be about: who stands behind FOR, or who wrote it, by what a list or group says, else by the name, as
    on the private account of a telephone."""
    wanted, handed_on = report.for_associate if report is not None else None, situation.handed_on
    if handed_on and wanted is None:
        return lambda one: any(is_same(one, other) for other in handed_on)
    called = set(_WORD.findall((wanted or situation.mail.name).casefold()))

    def is_called(one: Person) -> bool:
        name = set(_WORD.findall(one.name.casefold()))
        return bool(called) and (called <= name or name <= called)

    return is_called
