"""Answers to mail that is about no case, or not about one alone: which, whose, how to write. Contract section 3.

Nothing here opens, moves or closes a case. The mail stays where it is for people, unless it pointed to a case.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date

from workflow.core.entries import Voice, entered
from workflow.core.language import read, vocabulary
from workflow.core.language.guess import likely_line
from workflow.core.language.prefixes import read_subject
from workflow.core.language.printed import case_line, listed, standing
from workflow.core.mail import Reading, Report, Word
from workflow.core.model import Case, Choice, Datum, Decision, Fate, Letter, LetterKind
from workflow.core.month import answer_month
from workflow.core.owed import choices, is_same, notices, to_case, write_letter
from workflow.core.people import Person, Role, Roster
from workflow.core.rules import Kind
from workflow.core.situation import Situation
from workflow.core.topics import Topic

MOST_CHOICES = 6
"""So many cases or colleagues are offered at most: a phone shows no more."""

_COMMON = frozenset({Word.NOTE, Word.HELP, Word.STATUS, Word.CLIENT})
"""Words that mean something only where a line begins with them: "Session note"."""

LONGEST_CHOICE = 60
"""Characters of a line that is offered to be said again: a longer one is no answer of a word."""


def ask_associate(situation: Situation, report: Report) -> Decision:
    """A report for whom? Admin chooses among the associates; an associate reports for nobody else."""
    line, roster = situation.reading.line, situation.scene.rules.roster
    if situation.admin is not None:
        offered = for_each(line, report, roster)
        others = [one.name for one in roster.associates[MOST_CHOICES:]]
    else:
        own = likely_line(replace(report, for_associate=None))
        offered, others = (Choice(own, "It is my own session"),), []
    told = _answer(situation, LetterKind.ASK, "which-associate", offered, line=line, others=others)
    return Decision(f"a {report.kind.value} for whom?", letters=(told,), key=situation.mail.key)


def ask_which(situation: Situation, reason: str, pointed: tuple[str, ...] = (), *more: Choice) -> Decision:
    """Which case? With the choices; the mail is left for people unless it named a case or a thread (section 3).

    `pointed`: the ids that it named; those of them that the sender may speak about are offered, else all such cases.
    """
    named = [situation.cases[known] for known in pointed if known in situation.cases]
    shown = [case for case in named if situation.voice_about(case) is not None] or situation.own_cases
    if not shown and situation.admin is not None:
        shown = situation.cases.open
    offered = (*_again_about(situation, shown), *more) or choices(None, "HELP")
    told = _answer(situation, LetterKind.ASK, "which-case", offered, line=situation.reading.line)
    fate = Fate.HANDLED if situation.reading.ids or situation.thread else Fate.LEFT
    return Decision(f"which case? {reason}", letters=(told,), fate=fate, key=situation.mail.key)


def not_theirs(situation: Situation, case: Case) -> Decision:
    """Another associate's case: nothing changes, admin reads what they wrote, and can say it for them with one tap.

    In the case's thread its associate reads it, too, and the writer that it was passed on; who typed its id is asked
    (section 3).
    """
    scene, reading, key = situation.scene, situation.reading, situation.mail.key
    person, owner, line = situation.voice.person, case.associate, reading.line
    in_thread = case.id in situation.thread and not reading.ids
    if in_thread and reading.courtesy:
        return Decision("thanks from a colleague", fate=Fate.HANDLED, key=key)
    detail = f"{person.name} wrote about case {case.id} of {owner.name}; nothing was changed."
    offered = (Choice(line, "Record what it says", case.id),) if 0 < len(line) <= LONGEST_CHOICE else ()
    told = notices(scene, "other-associate", offered=offered, detail=detail, line=said(reading))
    if not in_thread:
        asked = _answer(situation, LetterKind.ASK, "not-yours", _again_about(situation, situation.own_cases), line=line)
        return Decision("another associate's case", letters=(asked, *told), fate=Fate.HANDLED, key=key)
    data: dict[str, Datum] = {"by": person.name, "text": said(reading)}
    after = to_case(scene, case, LetterKind.UPDATE, "note", [owner], Role.ASSOCIATE, data=data)
    after = entered(after, scene.now, f"words of {person.name} passed on", "clock")
    kept = _answer(situation, LetterKind.RECEIPT, "passed-on", (), by=owner.name, text=said(reading))
    return Decision("a colleague's words", case=after, letters=(kept, *told), fate=Fate.HANDLED, key=key)


def said(reading: Reading) -> str:
    """All that was written now, the speaking line first."""
    return "\n".join(part for part in (reading.line, reading.rest) if part).strip()


def ask_who_missed(situation: Situation, case: Case, report: Report) -> Decision:
    """NOSHOW about a client who is waited for: the client did not come, or the associate missed them? (section 3)"""
    missed = Choice(likely_line(replace(report, for_associate=case.associate.name)), "I have missed the session")
    voice = situation.voice_about(case)
    if voice is None or voice.role is not Role.ASSOCIATE:
        missed = Choice("MISTAKE", "Nobody was waited for: take that back, then report it again", case.id)
    told = _answer(
        situation, LetterKind.ASK, "who-missed", (*choices(case.id, "ABSENT"), missed), line=situation.reading.line
    )
    return Decision("who missed it?", letters=(told,), key=situation.mail.key)


def ask_recalled(situation: Situation, pointed: tuple[str, ...]) -> Decision:
    """Outlook asks to take a mail back, which nobody can: what it did can be taken back by a word.

    The cases are those that it named, else the open ones in which its line was written.
    """
    line, mine = situation.reading.line, situation.own_cases or (situation.cases.open if situation.admin else [])
    about = [situation.cases[known] for known in pointed if known in situation.cases]
    about += [case for case in mine if line and not about and any(line in entry.text for entry in case.history)]
    about = [case for case in about if situation.voice_about(case) is not None][:MOST_CHOICES]
    if not about:
        return untagged(situation) if situation.reading.unclear is None else unread(situation)
    words = ("UNDO", "MISTAKE") if pointed else ("MISTAKE",)
    offered = tuple(
        Choice(word, case_line(case, situation.scene.rules, situation.scene.now), case.id)
        for case in about
        for word in words
    )
    told = _answer(situation, LetterKind.ASK, "recalled", offered, line=line)
    person = situation.voice.person
    detail = f"{person.name} tried to recall a mail, and was asked what was a mistake."
    letters = (told, *notices(situation.scene, "recalled", offered=offered, but=person.email, detail=detail, line=line))
    return Decision("a recalled mail", letters=letters, key=situation.mail.key)


def unread(situation: Situation) -> Decision:
    """Doubt opens nothing: help at once with the likely reading, and admin hears of it where a client may wait."""
    unclear = situation.reading.unclear
    assert unclear is not None, "`routing` asks only then"
    reading, likely = situation.reading, unclear.reading
    line = reading.line if likely is None or likely != reading.below else likely
    told = _offered(situation, line, unclear.readings, notice=unclear.notice)
    return Decision("unclear", letters=told, key=situation.mail.key) if told else untagged(situation)


def not_yet(situation: Situation, report: Report) -> Decision:
    """A report before its day opens nothing, and admin hears of it; nor does one of a client who is not due yet."""
    line, person, day = situation.reading.line, situation.voice.person, report.day is not None
    today = likely_line(replace(report, at=None if report.kind is Kind.WAITING else report.at, day=None))
    if situation.voice.role is Role.ADMIN and report.for_associate is None:
        offered = for_each(today, None, situation.scene.rules.roster)
    else:
        offered = (Choice(today, "It is today" if day else "They are late now"),)
    told: tuple[Letter, ...] = ()
    if not situation.goes_outside:
        told = (_answer(situation, LetterKind.HELP, "not-today" if day else "not-yet", offered, line=line),)
    if day or not told:
        detail = f"{person.name} reported a session whose day is still to come; no case was opened."
        told += _told_of(situation, (), detail, line)
    return Decision("still to come", letters=told, key=situation.mail.key)


def beside_unread(situation: Situation, decision: Decision) -> Decision:
    """What was decided, and besides the report on a line that does not speak: not acted upon, never silent."""
    if any(letter.topic == "unread" for letter in decision.letters):
        return decision
    letters = (*decision.letters, *unread(situation).letters)
    return replace(decision, letters=letters, key=decision.key if decision.case is not None else situation.mail.key)


def _offered(situation: Situation, line: str, likely: tuple[str, ...], *, notice: bool) -> tuple[Letter, ...]:
    """Help about this line with its likely readings as choices, and admin's notice.

    What somebody outside the configuration reads earns no help, but a notice, if it has a reading: perhaps it was not
    meant for us (section 3).
    """
    person, role = situation.voice.person, situation.voice.role
    offered: tuple[Choice, ...] = ()
    for reading in likely:
        if role is Role.ADMIN and " FOR " not in reading:
            offered += for_each(reading, None, situation.scene.rules.roster)
        else:
            offered += (Choice(line=reading, label="Did you mean this?"),)
    letters: tuple[Letter, ...] = ()
    if not situation.goes_outside:
        letters = (_answer(situation, LetterKind.HELP, "unread", offered, line=line),)
    if notice or (likely and situation.goes_outside):
        theirs = tuple(Choice(f"{reading} FOR {person.name}", "Report it for them") for reading in likely)
        about = theirs if role is Role.ASSOCIATE else offered
        asked = "and was asked what was meant" if letters else "in a mail that others read, too"
        letters += _told_of(situation, about, f"{person.name} wrote a line that could not be read, {asked}.", line)
    return letters


def _told_of(situation: Situation, offered: tuple[Choice, ...], detail: str, line: str) -> tuple[Letter, ...]:
    """Admin's notice of a line that opened nothing; the writer gets none about themselves."""
    person, role = situation.voice.person, situation.voice.role
    but = person.email if role is Role.ASSOCIATE else None  # the lead stands in for an admin about themselves
    told = notices(situation.scene, "unread", offered=offered, but=but, detail=detail, line=line)
    return tuple(letter for letter in told if not is_same(letter.to, person))


def untagged(situation: Situation) -> Decision:
    """Not ours: left exactly as it was; in a mailbox that nobody reads, the writer gets help and admin a notice."""
    if situation.mail.unread and (blind := _unread_text(situation)) is not None:
        return blind
    if situation.scene.rules.shared or situation.associate is None:
        return Decision("untagged")
    line = situation.reading.line
    told = _answer(situation, LetterKind.HELP, "untagged", choices(None, "HELP"), line=line)
    detail = f"{situation.associate.name} wrote to the mailbox; it is not a report. Nobody else reads that mailbox."
    letters = (told, *notices(situation.scene, "unread", but=situation.associate.email, detail=detail, line=line))
    return Decision("untagged, mailbox not shared", letters=letters, key=situation.mail.key)


def _unread_text(situation: Situation) -> Decision | None:
    """Only the subject of it could be read: help, where that holds a tag or a word and nobody else reads it."""
    title = read_subject(situation.mail.subject).text
    alone, roster = read.read(title, "", ""), situation.scene.rules.roster
    words = {piece.meaning.word for piece in vocabulary.pieces(title) if piece.meaning is not None}
    said = alone.report or alone.unclear or alone.word or words - _COMMON
    if not said or situation.goes_outside:
        return None
    offered: tuple[Choice, ...] = (Choice(line=title, label="Did you mean this?"),)
    if alone.report is None:
        offered = _again_about(replace(situation, reading=alone), situation.own_cases)
    elif situation.associate is None and alone.report.for_associate is None:
        offered = for_each(title, alone.report, roster)
    told = _answer(situation, LetterKind.HELP, "unread", offered, line=title)
    return Decision("a text that cannot be read", letters=(told,), key=situation.mail.key)


def help_forward(situation: Situation) -> Decision:
    """A forwarded mail that is no answer to a letter of ours."""
    if situation.goes_outside:
        return untagged(situation)
    told = _answer(situation, LetterKind.HELP, "forward", (), line=situation.reading.line)
    return Decision("a forwarded mail", letters=(told,), key=situation.mail.key)


def tell_help(situation: Situation) -> Decision:
    """HELP: how to write. The mail stays: it "got only `help`" (section 3, "What is left alone")."""
    told = _answer(
        situation, LetterKind.HELP, "words", (), both=situation.associate is not None and situation.admin is not None
    )
    return Decision("asked for help", letters=(told,), key=situation.mail.key)


def tell_status(situation: Situation) -> Decision:
    """STATUS: the sender's open cases, or all for admin; who is both sees all."""
    shown = situation.cases.open if situation.admin is not None else situation.own_cases
    rules, now = situation.scene.rules, situation.scene.now
    lines = [f"{listed(case, rules, now)}: {standing(case)}" for case in shown]
    told = _answer(situation, LetterKind.STATUS, "", (), as_admin=True, lines=lines)
    return Decision("asked for status", letters=(told,), fate=Fate.HANDLED, key=situation.mail.key)


def tell_month(situation: Situation, admin: Person, month: date) -> Decision:
    """REPORT: the month's figures."""
    told = answer_month(situation.scene, situation.mail, admin, month, situation.reported)
    return Decision("asked for the month", letters=(told,), fate=Fate.HANDLED, key=situation.mail.key)


def for_each(
    line: str, report: Report | None, roster: Roster, first: Callable[[Person], bool] = lambda _: False
) -> tuple[Choice, ...]:
    """A report's line once for each associate, with FOR and the name in place of whoever it named; those who are meant
    `first` stand there."""
    few = sorted(roster.associates, key=first, reverse=True)[:MOST_CHOICES]
    return tuple(Choice(line=for_associate(line, report, one), label=f"For {one.name}") for one in few)


def for_associate(line: str, report: Report | None, associate: Person) -> str:
    """A report's line with FOR and this associate: ``LATE 15 Sam FOR Dana Lee``."""
    named = report.for_associate if report is not None else None
    if report is None or named is None:
        return f"{line} FOR {associate.name}"
    if named in line:
        before, _, after = line.rpartition(named)
        return f"{before}{associate.name}{after}"
    return likely_line(replace(report, for_associate=associate.name))


def _again_about(situation: Situation, cases: list[Case]) -> tuple[Choice, ...]:
    """The same words again, once a case, so that one tap says which was meant."""
    word = situation.reading.line if 0 < len(situation.reading.line) <= LONGEST_CHOICE else "STATUS"
    few = cases[:MOST_CHOICES]
    return tuple(Choice(word, case_line(case, situation.scene.rules, situation.scene.now), case.id) for case in few)


def _answer(
    situation: Situation,
    kind: LetterKind,
    topic: Topic,
    offered: tuple[Choice, ...],
    *,
    as_admin: bool = False,
    **data: Datum,
) -> Letter:
    voice = situation.voice
    if as_admin and situation.admin is not None:
        voice = Voice(situation.mail, situation.admin, Role.ADMIN)
    return write_letter(
        situation.scene, kind, topic, voice.person, voice.role, offered=offered, answering=voice.mail, data=data
    )
