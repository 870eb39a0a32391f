"""Whose word is it, and about which case? One mail -> its decisions, all at once. Contract section 3.

It decides who may speak, and where; which session a report tells of is `meant`, what the words then do to a case is
`reports` and `law`, what is answered when no case is meant is `questions`. It never guesses: in doubt it asks, and what
is not ours stays as it was.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

from workflow.core.entries import Voice, consumed, written
from workflow.core.language import names, reply, vocabulary
from workflow.core.language.guess import likely_line
from workflow.core.language.plain import clean
from workflow.core.language.printed import case_line, listed
from workflow.core.law import answer_case, doubt_case, report_again, take_note
from workflow.core.mail import Answer, Doubt, Mark, Report, Unclear, Why, Word
from workflow.core.meant import (
    associate_meant,
    is_at,
    is_called,
    is_of_another_case,
    is_over,
    said_for,
    same_session,
    waited_for,
)
from workflow.core.model import Case, Choice, Decision, Fate
from workflow.core.outsiders import take_robot, take_unknown
from workflow.core.owed import associate_choices, is_same, notices, outcome_choices
from workflow.core.people import Role, Standing
from workflow.core.questions import (
    MOST_CHOICES,
    ask_associate,
    ask_recalled,
    ask_which,
    ask_who_missed,
    beside_unread,
    for_associate,
    help_forward,
    not_theirs,
    not_yet,
    said,
    tell_help,
    tell_month,
    tell_status,
    unread,
    untagged,
)
from workflow.core.reports import open_case, session_of
from workflow.core.rules import Kind
from workflow.core.situation import Situation

WRITTEN_YESTERDAY = timedelta(days=1)
"""A mail that took longer than this from its Date to its arrival tells of a session long past (contract section 3)."""

SAID_ENOUGH = 10
"""The same words about one case so many times, and none of them counts: no person waits for another answer. It ends
what the caps of contract 8.6 only slow down, a machine that answers every letter."""

_NUMBERED = re.compile(r"\S*\d\S*")
"""Ticket numbers and times, which a machine puts into the same words."""

ASKED_OF_ADMIN = frozenset({Why.CANCEL, Why.EMPTY})
"""Doubts that are asked back of an admin, too, although no outcome word stands in them; all else is a note."""


def route(situation: Situation) -> tuple[Decision, ...]:
    """What one mail makes of the world, to be committed in this order. Total: every mail gets a decision.

    The last is about the mail itself.
    """
    robot = situation.mail.robot
    if robot is not None and (robot.kind != "list" or not _is_of_the_clinic(situation)):
        return (take_robot(situation, robot),)
    if situation.standing is not Standing.KNOWN:
        return (take_unknown(situation),)
    reading, below = situation.reading, situation.reading.below
    told = below is not None and (situation.associate is not None or reading.report is not None)
    if told:
        situation = replace(situation, reading=replace(reading, unclear=Unclear(below, notice=True)))
    first = _known_person(situation)
    further = _further(situation, first) if reading.further else []
    if any(decision.case is not None for decision in further):
        first = replace(first, fate=Fate.HANDLED)
    return (*further, beside_unread(situation, first) if told else first)


def _further(situation: Situation, first: Decision) -> list[Decision]:
    """The further reports of a mail, each as if it had come alone, under a key of its own: the mail's own is kept with
    the first, which is committed last, so that nothing is lost where the process dies in between.

    None concerns a case that another of the same mail is about.
    """
    cases, decisions = situation.cases.beside(), [first]
    for reading, scene in zip(situation.reading.further, situation.apart, strict=False):
        beside = tuple(decision.case for decision in decisions if decision.case is not None)
        for case in beside:
            cases.drop(case.id)
        if scene is not None:
            mail = replace(situation.mail, key=scene.cause)
            alone = replace(situation, scene=scene, mail=mail, reading=reading, thread=())
            decisions.append(_known_person(replace(alone, cases=cases.beside(), beside=beside)))
    return decisions[1:]


def _is_of_the_clinic(situation: Situation) -> bool:
    """Whether what a list or group hands on may be somebody's of the clinic; all else of it is a robot's."""
    return situation.standing is not Standing.STRANGER or situation.own or bool(situation.handed_on)


def _known_person(situation: Situation) -> Decision:
    reading = situation.reading
    if reading.report is not None:
        report = said_for(situation, reading.report)
        if report is not reading.report:
            reading = replace(reading, report=report)
            situation = replace(situation, reading=reading)
    pointed = _pointed(situation)
    if situation.admin is not None and situation.month is not None:
        return tell_month(situation, situation.admin, situation.month)
    if reading.lone and (pointed or not situation.among_others):
        if reading.word is Word.HELP:
            return tell_help(situation)
        if reading.word is Word.STATUS:
            return tell_status(situation)
    if reading.mark is Mark.RECALL:
        return ask_recalled(situation, pointed)
    if reading.mark is Mark.FORWARD and (not pointed or reading.empty):
        return help_forward(situation)
    if reading.report is not None and _is_to_come(situation, reading.report):
        return not_yet(situation, reading.report)
    if len(pointed) == 1:
        case = situation.cases.get(pointed[0])
        return ask_which(situation, "an unknown id") if case is None else _about(situation, case)
    if pointed:
        return ask_which(situation, "several ids", pointed)
    return _fresh(situation)


def _is_to_come(situation: Situation, report: Report) -> bool:
    """Whether nobody can be late yet, or have missed it: its day is to come, or the time of who is waited for."""
    known = session_of(report, situation.mail.arrived_at, situation.scene.rules)
    return known.to_come and (report.day is not None or report.kind is Kind.WAITING)


# --- about a case -------------------------------------------------------------------------------------


def _pointed(situation: Situation) -> tuple[str, ...]:
    """The ids that decide: in the line or new text, else of the thread, else quoted (section 3, "Which case")."""
    if situation.reading.ids:
        return situation.reading.ids
    if situation.thread:
        return situation.thread[:1]
    return tuple(known for known in situation.reading.quoted_ids if known in situation.cases)


def _about(situation: Situation, case: Case) -> Decision:
    voice = situation.voice_about(case)
    reading, report = situation.reading, situation.reading.report
    if voice is None:
        own = report is not None and report.capitals and not reading.ids and is_of_another_case(situation, report, case)
        return _report(situation, report) if own and report is not None else not_theirs(situation, case)
    if report is not None and reading.lone and report.kind is Kind.LATE and is_over(situation, case):
        return _ask_anew(situation, voice, report, case)
    if report is not None and is_of_another_case(situation, report, case):
        if not reading.ids:
            other = _other_client(situation, voice, report, case)
            return _report(situation, report) if other is None else other
        anew = Choice(line=reading.line, label="A new report", case=None)
        return ask_which(situation, "another client's report under a case's id", (case.id,), anew)
    decided = reply.answer(reading, case, voice.role, voice.person.name)
    text = said(reading)
    if isinstance(decided, Answer):
        answered = answer_case(situation.scene, voice, case, decided, text)
        return _acted(answered, f"answer {decided.word.value}")
    if _is_said_enough(voice, case):
        return _acted(consumed(situation.scene, case, voice, "said again"), "the same words again and again")
    doubt = decided or Doubt(Why.NO_WORD)
    if voice.role is Role.ADMIN and not doubt.holds_outcome and doubt.reason not in ASKED_OF_ADMIN:
        if reading.courtesy:
            return _acted(consumed(situation.scene, case, voice, "thanks"), "thanks from admin")
        if not (doubt.reason is Why.WHICH_CLIENT and reading.lone):
            return _acted(take_note(situation.scene, voice, case, text), "a note from admin")
    doubted = doubt_case(situation.scene, voice, case, doubt, text, courtesy=reading.courtesy)
    return _acted(doubted, f"doubt: {doubt.reason}")


def _ask_anew(situation: Situation, voice: Voice, report: Report, case: Case) -> Decision:
    """LATE 15 in the thread of a session that is over: a new report, or how did that one end?"""
    client = case.client if case.wiped_at is None else None
    whose = None if voice.role is Role.ASSOCIATE else case.associate.name
    anew = likely_line(replace(report, client=client, for_associate=whose))
    offered = (Choice(anew, "A new report"), *(outcome_choices(case) if not case.open else associate_choices(case)))
    doubt = Doubt(Why.ANOTHER_SESSION)
    asked = doubt_case(situation.scene, voice, case, doubt, said(situation.reading), meant=offered)
    return _acted(asked, "perhaps another session")


def _other_client(situation: Situation, voice: Voice, report: Report, case: Case) -> Decision | None:
    """Asks where a report in an open case's thread may be about another client, or say why: "LATE 20 flu" about Sam.

    None: it reports another client plainly, by capitals, or the same in another session; or the case is closed.
    """
    client, shown = (report.client or "").replace(" ", ""), clean(situation.reading.line).replace(" ", "")
    elsewhere = report.for_associate is not None and not is_called(case.associate, report.for_associate)
    same = case.client is not None and names.same_client(report.client or "", case.client)
    if not case.open or elsewhere or same or (report.capitals and client in shown):
        return None
    whose = report.for_associate or (case.associate.name if voice.role is Role.ADMIN else None)
    here = likely_line(Report(report.kind, client=None, minutes=report.minutes, at=report.at))
    offered = (
        Choice(line=here, label=case_line(case, situation.scene.rules, situation.scene.now), case=case.id),
        Choice(line=likely_line(replace(report, for_associate=whose)), label="A new report, about another client"),
    )
    asked = doubt_case(situation.scene, voice, case, Doubt(Why.PERHAPS_ANOTHER), said(situation.reading), meant=offered)
    return _acted(asked, "perhaps another client")


def _is_said_enough(voice: Voice, case: Case) -> bool:
    theirs = [_NUMBERED.sub("#", entry.text) for entry in case.history if entry.by == voice.person.email]
    return len(theirs) >= SAID_ENOUGH and theirs.count(_NUMBERED.sub("#", written(voice.mail))) >= SAID_ENOUGH


# --- about no case ------------------------------------------------------------------------------------


def _fresh(situation: Situation) -> Decision:
    """Nothing points to a case: a report, a lone word, something unclear, or nothing of ours.

    A word that people write to each other is nothing of ours, and only who answers nobody can mean the only open case.
    """
    reading = situation.reading
    resent = reading.mark is Mark.REPLY and reading.from_subject
    if resent and (situation.quotes_us or situation.mail.unread):
        return untagged(situation)
    fresh = not (situation.answers or situation.among_others)
    own = situation.own_cases
    if reading.word is Word.LATE and reading.lone:  # the estimate of whatever can be late still
        own = [case for case in own if case.kind is Kind.LATE and not is_over(situation, case)]
        if reading.report is not None and reading.report.at is not None:
            own = [case for case in own if case.session_at is None or is_at(situation, reading.report, case)]
        if fresh and len(own) > 1 and reading.report is not None:
            return ask_which(situation, "LATE alone", tuple(case.id for case in own), _anew(reading.report))
    only = own[0] if fresh and len(own) == 1 else None
    if only is not None and _counts_alone(situation, only):
        return _about(situation, only)
    if reading.report is not None:
        return _report(situation, reading.report)
    if reading.unclear is not None:
        return unread(situation)
    if (
        reading.word is not None
        and reading.word is not Word.CANCEL
        and not situation.among_others
        and (reading.lone or own or (situation.admin and situation.cases.open))
    ):
        return ask_which(situation, "a word without a case")
    return untagged(situation)


def _anew(report: Report) -> Choice:
    return Choice(likely_line(report), "A new report")


def _counts_alone(situation: Situation, only: Case) -> bool:
    """Whether the whole line is one word of the table about the only case, alone or with a day, a time or minutes.

    "texted Sam" is one where Sam is the client. With a day or a time it must count: "Done for the week" is the desk's.
    """
    reading = situation.reading
    found = vocabulary.match(reading.line, only.client)
    if not (reading.lone or (found is not None and found.lone)):
        return False
    if found is None or not found.rest:
        return True
    return isinstance(reply.answer(reading, only, Role.ASSOCIATE, only.associate.name), Answer)


def _report(situation: Situation, report: Report) -> Decision:
    scene, mail = situation.scene, situation.mail
    associate = associate_meant(situation, report)
    if associate is None:
        return ask_associate(situation, report)
    limit = scene.rules.stale_after if report.kind is Kind.NOSHOW else scene.rules.stale_late
    written_ago = mail.arrived_at - (mail.written_at or mail.arrived_at)
    if not scene.rules.rehearsal and (scene.now - mail.arrived_at > limit or written_ago > WRITTEN_YESTERDAY):
        what = "was written" if written_ago > WRITTEN_YESTERDAY else "arrived"
        detail = f"A report of {associate.name} {what} too long ago to act on; no case was opened."
        line = situation.reading.line
        offered = (Choice(for_associate(line, report, associate), f"Report it for {associate.name} after all"),)
        told = notices(scene, "stale", offered=offered, detail=detail, line=line)
        return Decision("a stale report", letters=told, fate=Fate.HANDLED, key=mail.key)
    own = situation.associate is not None and situation.associate.email == associate.email
    voice = Voice(mail, associate, Role.ASSOCIATE) if own else Voice(mail, situation.admin or associate, Role.ADMIN)
    theirs = situation.cases.of(associate)
    known = same_session(situation, voice, theirs, report)
    waited = waited_for(theirs, report, known)
    if waited is not None:
        if not (own and report.for_associate):  # FOR says who missed it, where the associate writes it
            return ask_who_missed(situation, waited, report)
        known = None
    if known is not None:
        again = report_again(scene, voice, known, report, said(situation.reading))
        return _acted(again, "a report about an open case")
    beside = [case for case in situation.beside if case.open and is_same(case.associate, associate)]
    others = [listed(case, scene.rules, scene.now) for case in (*theirs, *beside)[:MOST_CHOICES]]
    opened = open_case(scene, voice, report, associate, others)
    return _acted(opened, f"opened {opened.kind.value}")


# --- pieces -------------------------------------------------------------------------------------------


def _acted(case: Case, reason: str) -> Decision:
    return Decision(reason, case=case, fate=Fate.HANDLED)
