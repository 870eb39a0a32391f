"""Whose word is it, and about which case? One mail -> one Decision. Contract section 3.

It decides who may speak, and where; what the words then do to a case is `reporting` and `decide`. It never guesses: in
doubt it asks, and what is not ours stays as it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from workflow.core import answers, names, words
from workflow.core.compose import Scene, alone, case_line, choices, notices
from workflow.core.decide import answer_case, doubt_case, take_note
from workflow.core.model import (
    Answer,
    Case,
    Choice,
    Datum,
    Decision,
    Doubt,
    Fate,
    Kind,
    Letter,
    LetterKind,
    Mail,
    Mark,
    Outcome,
    Person,
    Reading,
    Report,
    Role,
    Standing,
    Word,
)
from workflow.core.record import Voice
from workflow.core.reporting import change_case, open_case, repeat_report, session_time
from workflow.core.unheard import hear_robot, hear_unknown

SAME_SESSION = timedelta(hours=3)
"""A second report about the same client within this of the case's last report is about the same session (section 3)."""

IDENTICAL = timedelta(minutes=10)
"""An identical report within this is a second tap, not news (section 3)."""

MOST_CHOICES = 6
"""So many cases or colleagues are offered at most: a phone shows no more."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A mail with all that was gathered to decide about it."""

    scene: Scene
    mail: Mail
    reading: Reading
    standing: Standing
    associate: Person | None
    admin: Person | None
    """The admin or lead who owns the sender's address."""
    cases: Mapping[str, Case]
    """Every open case, and each closed one that the mail points to."""
    thread: tuple[str, ...] = ()
    """The cases that In-Reply-To and References lead to, newest first."""
    bounced: Letter | None = None
    """Our letter that came back with this mail."""
    notices: tuple[datetime, ...] = ()
    """When admin was last told about strangers and refused senders."""
    warned: tuple[datetime, ...] = ()
    """When this address was last told that a mail in its name was not accepted."""

    @property
    def open_cases(self) -> list[Case]:
        """Open cases, oldest first."""
        return _oldest_first(case for case in self.cases.values() if case.open)

    @property
    def own_cases(self) -> list[Case]:
        """The sender's own open cases as associate, oldest first."""
        return _of(self.associate, self.cases) if self.associate is not None else []

    @property
    def speaker(self) -> tuple[Person, Role]:
        """The person, and as whom they speak where no case says it."""
        if self.associate is not None:
            return self.associate, Role.ASSOCIATE
        assert self.admin is not None, "only known people get here"
        return self.admin, Role.ADMIN


def hear(heard: Heard) -> Decision:
    """What one mail makes of the world. Total: every mail gets a decision with its reason."""
    reading = heard.reading
    if heard.mail.robot is not None:
        return hear_robot(heard.scene, heard.mail, heard.mail.robot, heard.bounced, heard.open_cases)
    if heard.standing is not Standing.KNOWN:
        person = heard.associate or heard.admin
        about = [heard.cases[known] for known in (*reading.ids, *heard.thread) if known in heard.cases]
        return hear_unknown(heard.scene, heard.mail, reading, person, about, heard.notices, heard.warned)
    if reading.word is Word.HELP and reading.lone:
        return _served(heard, LetterKind.HELP, "words")
    if reading.word is Word.STATUS and reading.lone:
        shown = heard.open_cases if heard.admin else heard.own_cases
        return _served(heard, LetterKind.STATUS, "", lines=[case_line(case) for case in shown])
    pointed = _pointed(heard)
    if reading.mark is Mark.FORWARD and (not pointed or reading.empty):
        return _helped(heard, "forward", "a forwarded mail")
    if len(pointed) == 1:
        case = heard.cases.get(pointed[0])
        return _ask_which(heard, "an unknown id") if case is None else _about(heard, case)
    if pointed:
        return _ask_which(heard, "several ids")
    return _fresh(heard)


# --- about a case -------------------------------------------------------------------------------------


def _pointed(heard: Heard) -> tuple[str, ...]:
    """The ids that decide: in the line or new text, else of the thread, else quoted (section 3, "Which case")."""
    if heard.reading.ids:
        return heard.reading.ids
    if heard.thread:
        return heard.thread[:1]
    return tuple(known for known in heard.reading.quoted_ids if known in heard.cases)


def _about(heard: Heard, case: Case) -> Decision:
    reading, report = heard.reading, heard.reading.report
    person, role = _voice_for(heard, case)
    if role is None:
        return _not_theirs(heard)
    voice = Voice(heard.mail, person, role)
    if report and report.client and case.client and not names.same_client(report.client, case.client):
        if reading.from_subject and reading.mark is Mark.PLAIN and not reading.ids:
            return _report(heard, report)
        anew = Choice(line=reading.line, label="A new report about another client", case=None)
        return _ask_which(heard, "another client in a case's thread", anew)
    decided = answers.answer(reading, case, role)
    text = said(reading)
    match decided:
        case Answer():
            return _acted(answer_case(heard.scene, voice, case, decided), f"answer {decided.word.value}")
        case None if role is Role.ADMIN and not reading.courtesy and text:
            return _acted(take_note(heard.scene, voice, case, text), "a note from admin")
        case None:
            doubt = Doubt("no word")
        case Doubt():
            doubt = decided
            if role is Role.ADMIN and not doubt.holds_outcome and text and not reading.courtesy:
                return _acted(take_note(heard.scene, voice, case, text), "a note from admin")
    doubted = doubt_case(heard.scene, voice, case, doubt, text, courtesy=reading.courtesy)
    return _acted(doubted, f"doubt: {doubt.reason}")


def _voice_for(heard: Heard, case: Case) -> tuple[Person, Role | None]:
    """As whom the sender speaks about this case; None: not at all (section 3, "Only the case's own associate …")."""
    if heard.associate is not None and _owns(heard.associate, case):
        return heard.associate, Role.ASSOCIATE
    if heard.admin is not None:
        return heard.admin, Role.ADMIN
    return heard.speaker[0], None


def _not_theirs(heard: Heard) -> Decision:
    person, role = heard.speaker
    line = heard.reading.line
    own = _case_choices(heard.own_cases, heard.reading)
    told = _answer(heard, LetterKind.ASK, "not-yours", person, role, own, line=line)
    detail = f"{person.name} wrote about a case of another associate; nothing was changed."
    notice = notices(heard.scene, "other-associate", detail=detail, line=line)
    return Decision("another associate's case", letters=(told, *notice), fate=Fate.HANDLED, key=heard.mail.key)


# --- about no case ------------------------------------------------------------------------------------


def _fresh(heard: Heard) -> Decision:
    """Nothing points to a case: a report, a lone word, something unclear, or nothing of ours."""
    reading = heard.reading
    resent = reading.mark is Mark.REPLY and reading.from_subject
    if resent and heard.mail.quoted_text.strip():
        return _untagged(heard)
    only = heard.own_cases[0] if len(heard.own_cases) == 1 else None
    if only is not None and _is_lone(reading, only) and not _opens_beside(reading, only):
        return _about(heard, only)
    if reading.report is not None:
        return _report(heard, reading.report)
    if reading.unclear is not None:
        return _unread(heard)
    if (
        reading.word is not None
        and reading.word is not Word.CANCEL
        and (reading.lone or heard.own_cases or (heard.admin and heard.open_cases))
    ):
        return _ask_which(heard, "a word without a case")
    return _untagged(heard)


def _is_lone(reading: Reading, only: Case) -> bool:
    """Whether the whole line is one word of the table; "texted Sam" is one where Sam is the client of the only case."""
    found = words.match(reading.line, only.client)
    return reading.lone or (found is not None and found.lone)


def _opens_beside(reading: Reading, only: Case) -> bool:
    """``LATE 15`` alone is the only open case's new estimate, unless that case is no delay (never noshow to late)."""
    return reading.word is Word.LATE and only.kind is not Kind.LATE


def _report(heard: Heard, report: Report) -> Decision:
    scene, mail = heard.scene, heard.mail
    associate = _reported(heard, report)
    if associate is None:
        return _ask_associate(heard, report)
    limit = scene.rules.stale_after if report.kind is Kind.NOSHOW else scene.rules.stale_late
    if not scene.rules.rehearsal and scene.now - mail.arrived_at > limit:
        detail = f"A report of {associate.name} arrived too long ago to act on; no case was opened."
        told = notices(scene, "stale", detail=detail, line=heard.reading.line)
        return Decision("a stale report", letters=told, fate=Fate.HANDLED, key=mail.key)
    own = heard.associate is not None and heard.associate.email == associate.email
    voice = Voice(mail, associate, Role.ASSOCIATE) if own else Voice(mail, heard.admin or associate, Role.ADMIN)
    theirs = _of(associate, heard.cases)
    known = _same_session(heard, theirs, report)
    if known is not None:
        return _acted(_reported_again(scene, voice, known, report), "a report about an open case")
    nameless = [case for case in theirs if case.client is None and _may_become(case.kind, report.kind)]
    if report.client is not None and nameless:
        return _acted(change_case(scene, voice, nameless[-1], report, "client"), "the client of an open case")
    opened = open_case(scene, voice, report, associate, [case_line(case) for case in theirs[:MOST_CHOICES]])
    return _acted(opened, f"opened {opened.kind.value}")


def _same_session(heard: Heard, theirs: list[Case], report: Report) -> Case | None:
    """The open case that this report is about: the same client, within three hours or for the same time (section 3)."""
    arrived = min(heard.mail.arrived_at, heard.scene.now)
    at, _ = session_time(report, arrived, heard.scene.rules)
    for case in reversed(theirs):
        if report.client is None or case.client is None:
            if report.client is None and case.client is None and _identical(case, report, arrived, at):
                return case
        elif names.same_client(report.client, case.client):
            near = arrived - case.reported_at <= SAME_SESSION
            if near or (at is not None and at == case.session_at):
                return case
    return None


def _reported_again(scene: Scene, voice: Voice, case: Case, report: Report) -> Case:
    arrived = voice.arrived_at(scene.now)
    at, _ = session_time(report, arrived, scene.rules)
    if _identical(case, report, arrived, at):
        return repeat_report(scene, voice, case, report.note)
    if case.kind is Kind.WAITING and report.kind is Kind.NOSHOW:
        absent = Answer(word=Word.OUTCOME, outcome=Outcome.ABSENT, text=report.note)
        return answer_case(scene, voice, case, absent)
    if not _may_become(case.kind, report.kind):
        return doubt_case(scene, voice, case, Doubt("same kind"), report.note)
    if case.kind is not report.kind:
        return change_case(scene, voice, case, report, "kind")
    same = case.minutes == report.minutes
    return change_case(scene, voice, case, report, "again" if same else "estimate")


def _identical(case: Case, report: Report, arrived: datetime, at: datetime | None) -> bool:
    same = case.kind is report.kind and case.minutes == report.minutes and (at is None or at == case.session_at)
    return same and arrived - case.reported_at <= IDENTICAL


def _may_become(old: Kind, new: Kind) -> bool:
    """Only a case that is late, or gets the same kind again, can become late (section 3: "a noshow never …")."""
    return new is not Kind.LATE or old is Kind.LATE


def _reported(heard: Heard, report: Report) -> Person | None:
    """About whom the report is; None: it does not say (section 3, "FOR")."""
    wanted = report.for_associate
    if wanted is None:
        return heard.associate
    found = [person for person in heard.scene.rules.roster.associates if _is_called(person, wanted)]
    if len(found) != 1:
        return None
    themselves = heard.associate is not None and heard.associate.email == found[0].email
    return found[0] if heard.admin is not None or themselves else None


def _is_called(person: Person, wanted: str) -> bool:
    """First name, full name or address, exactly, but for case."""
    said_name = " ".join(wanted.casefold().split())
    full = " ".join(person.name.casefold().split())
    return said_name in {full, full.split(" ")[0], *person.emails}


# --- answers about no case ----------------------------------------------------------------------------


def _ask_associate(heard: Heard, report: Report) -> Decision:
    person, role = heard.speaker
    line = heard.reading.line.partition(" FOR ")[0]
    colleagues = heard.scene.rules.roster.associates[:MOST_CHOICES] if heard.admin is not None else ()
    offered = tuple(Choice(line=f"{line} FOR {one.name}", label=f"For {one.name}") for one in colleagues)
    told = _answer(heard, LetterKind.ASK, "which-associate", person, role, offered, line=heard.reading.line)
    return Decision(f"a {report.kind.value} for whom?", letters=(told,), key=heard.mail.key)


def _ask_which(heard: Heard, reason: str, *more: Choice) -> Decision:
    """Which case? With the choices; the mail is left for people unless it named a case or a thread (section 3)."""
    person, role = heard.speaker
    shown = heard.open_cases if heard.admin is not None and not heard.own_cases else heard.own_cases
    offered = (*_case_choices(shown, heard.reading), *more)
    told = _answer(heard, LetterKind.ASK, "which-case", person, role, offered, line=heard.reading.line)
    fate = Fate.HANDLED if heard.reading.ids or heard.thread else Fate.LEFT
    return Decision(f"which case? {reason}", letters=(told,), fate=fate, key=heard.mail.key)


def _unread(heard: Heard) -> Decision:
    """Doubt opens nothing: help at once with the likely reading, and admin hears of it where a client may wait."""
    unclear = heard.reading.unclear
    assert unclear is not None
    person, role = heard.speaker
    line = heard.reading.line
    offered = () if unclear.reading is None else (Choice(line=unclear.reading, label="Did you mean this?"),)
    letters: tuple[Letter, ...] = (_answer(heard, LetterKind.HELP, "unread", person, role, offered, line=line),)
    if unclear.notice:
        reading = unclear.reading
        about = (Choice(line=f"{reading} FOR {person.name}", label="Report it for them"),) if reading else ()
        detail = f"{person.name} wrote a line that could not be read, and was asked what was meant."
        letters += notices(heard.scene, "unread", offered=about, but=person.email, detail=detail, line=line)
    return Decision("unclear", letters=letters, key=heard.mail.key)


def _untagged(heard: Heard) -> Decision:
    """Not ours: left exactly as it was; in a mailbox that nobody reads, the writer gets help and admin a notice."""
    if heard.scene.rules.shared or heard.associate is None:
        return Decision("untagged")
    person, role = heard.speaker
    line = heard.reading.line
    told = _answer(heard, LetterKind.HELP, "untagged", person, role, choices(None, "HELP"), line=line)
    detail = f"{person.name} wrote to the mailbox; it is not a report. Nobody else reads that mailbox."
    letters = (told, *notices(heard.scene, "unread", but=person.email, detail=detail, line=line))
    return Decision("untagged, mailbox not shared", letters=letters, key=heard.mail.key)


def _helped(heard: Heard, topic: str, reason: str) -> Decision:
    person, role = heard.speaker
    told = _answer(heard, LetterKind.HELP, topic, person, role, (), line=heard.reading.line)
    return Decision(reason, letters=(told,), key=heard.mail.key)


def _served(heard: Heard, kind: LetterKind, topic: str, **data: Datum) -> Decision:
    person, role = heard.speaker
    told = _answer(heard, kind, topic, person, role, (), **data)
    return Decision(f"asked for {kind.value}", letters=(told,), fate=Fate.HANDLED, key=heard.mail.key)


def _answer(
    heard: Heard,
    kind: LetterKind,
    topic: str,
    person: Person,
    role: Role,
    offered: tuple[Choice, ...],
    **data: Datum,
) -> Letter:
    return alone(heard.scene, kind, topic, person, role, offered=offered, answering=heard.mail, data=data)


# --- pieces -------------------------------------------------------------------------------------------


def said(reading: Reading) -> str:
    """All that was written now, the speaking line first."""
    return "\n".join(part for part in (reading.line, reading.rest) if part).strip()


def _case_choices(cases: list[Case], reading: Reading) -> tuple[Choice, ...]:
    """The same words again, once a case, so that one tap says which was meant."""
    word = reading.line if reading.word is not None else "STATUS"
    return tuple(Choice(line=word, label=case_line(case), case=case.id) for case in cases[:MOST_CHOICES])


def _of(associate: Person, cases: Mapping[str, Case]) -> list[Case]:
    """The associate's open cases, oldest first."""
    return _oldest_first(case for case in cases.values() if case.open and _owns(associate, case))


def _oldest_first(cases: Iterable[Case]) -> list[Case]:
    return sorted(cases, key=lambda case: case.opened_at)


def _owns(associate: Person, case: Case) -> bool:
    return case.associate.email in associate.emails or not set(associate.emails).isdisjoint(case.associate.emails)


def _acted(case: Case, reason: str) -> Decision:
    return Decision(reason, case=case, fate=Fate.HANDLED)
