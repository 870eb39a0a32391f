"""The law: (case, event, now) -> the case as it becomes, with the letters it then owes; total over state and event.

It sees no I/O and no clock. Here is what an answer does; reports are `reports`, what time does is `due`. Which case a
mail is about, and who may speak, is settled before: `routing`. What a letter says is templates/. Every function returns
a new Case. All of it as one table that people can read: docs/law.md, which tests/core/test_law.py makes by running it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import assert_never

from workflow.core import schedule
from workflow.core.due import WANTS_TIME, going_on_from
from workflow.core.entries import (
    Voice,
    consumed,
    ended,
    milestones,
    noted,
    receipt,
    remembered,
    replanned,
    to_writer,
    update_others,
)
from workflow.core.language import vocabulary
from workflow.core.language.times import says_when
from workflow.core.limits import lately
from workflow.core.mail import Answer, Doubt, Report, Why, Word
from workflow.core.model import Case, Choice, Datum, LetterKind, Outcome, Says, State
from workflow.core.owed import Scene, admin_choices, associate_choices, choices, is_same, outcome_choices, withdraw
from workflow.core.people import Role
from workflow.core.reports import change_case, correct_closed, is_repeated, may_become, repeat_report
from workflow.core.rules import Kind
from workflow.core.topics import Answered, Question

MOST_ASKS = 3
ASKS_WITHIN = timedelta(minutes=10)
"""At most so many asks a case in so long a time (contract section 3)."""

_QUESTIONS: Mapping[Why, Question] = {
    Why.CANCEL: "cancel",
    Why.FEW_WORDS: "few-words",
    Why.WHICH_CLIENT: "which-client",
    Why.BEFORE_SENT: "before-sent",
    Why.SAME_KIND: "same-kind",
    Why.PERHAPS_ANOTHER: "other-client",
    Why.ANOTHER_SESSION: "other-session",
}
"""What is asked; after every other doubt, how it ended."""

LONGEST_QUOTE = 200
"""So many characters of what was written are quoted back; the whole stands in the history."""


def answer_case(scene: Scene, voice: Voice, case: Case, answer: Answer, said: str = "") -> Case:
    """What a word that counts does to its case (contract section 3, table "Replies"); in any state of the case.

    `said`: the writer's words, for what turns out to be a doubt about this case.
    """
    match answer.word:
        case Word.OUTCOME:
            assert answer.outcome is not None, "grammar gives an outcome with the word"
            return _take_outcome(scene, voice, case, answer.outcome, answer)
        case Word.SENT if answer.says is None:
            return _take_sent(scene, voice, case, answer.text)
        case Word.CONTACTED if answer.says is None:
            return _take_contacted(scene, voice, case, answer.text)
        case Word.SENT | Word.CONTACTED | Word.WAITS | Word.REBOOK:
            assert answer.says is not None, "grammar gives what the client says with the word"
            return _take_says(scene, voice, case, answer, answer.says)
        case Word.MAKEUP:
            return _take_makeup(scene, voice, case)
        case Word.LATE | Word.NOSHOW | Word.WAITING:
            assert answer.report is not None, "grammar gives a report with the tag"
            return _take_tag(scene, voice, case, answer.report, said)
        case Word.CLIENT:
            return _take_client(scene, voice, case, answer)
        case Word.UNDO:
            return _take_undo(scene, voice, case)
        case Word.MISTAKE:
            return _take_mistake(scene, voice, case)
        case Word.NOTE:
            return take_note(scene, voice, case, answer.text)
        case Word.STATUS | Word.HELP | Word.CANCEL:  # answered by `routing`, or asked back: they do nothing to a case
            return case
    assert_never(answer.word)  # pragma: no cover (mypy proves it)


def doubt_case(
    scene: Scene,
    voice: Voice,
    case: Case,
    doubt: Doubt,
    text: str,
    *,
    courtesy: bool = False,
    meant: tuple[Choice, ...] = (),
) -> Case:
    """Nothing closes: the text is kept as a note and passed to admin, the writer is asked (contract section 3).

    Bare courtesy bothers no admin, and after closing gets silence. At most three asks in ten minutes a case. `meant`:
    the choices, where those of the case are not what is asked.
    """
    after = consumed(scene, case, voice, f"unclear: {doubt.reason}")
    if courtesy and not case.open:
        return after
    unfinished = doubt.reason in {Why.FEW_WORDS, Why.WHICH_CLIENT} and len(text.split()) == 1  # nothing to pass on yet
    recent = [letter for letter in after.letters if lately(letter.created_at, ASKS_WITHIN, scene.now)]
    asked = sum(letter.kind is LetterKind.ASK for letter in recent) < MOST_ASKS
    if text and not courtesy and not unfinished:
        after = noted(after, text)
        after = update_others(scene, after, voice, "unclear", {"text": text, "asked": asked}, associate=False)
        after = update_others(scene, after, voice, "note", {"text": text}, admins=False)
    if not asked:
        return after
    topic = _QUESTIONS.get(doubt.reason, "which-outcome")
    match topic:
        case "other-client" | "other-session":
            offered = meant
        case "cancel":
            cancelled = Choice(line="OTHER client cancelled", label="The client cancelled", case=case.id)
            offered = (cancelled, *choices(case.id, "MISTAKE"))
        case "few-words":
            offered = choices(case.id, "OTHER")
        case "which-client":
            offered = choices(case.id, "CLIENT")
        case _ if voice.role is not Role.ASSOCIATE:
            offered = meant_first(admin_choices(after), text)
        case _:
            offered = meant_first(associate_choices(after) if case.open else outcome_choices(after), text)
    return to_writer(scene, after, voice, LetterKind.ASK, topic, offered, {"line": text[:LONGEST_QUOTE]})


def meant_first(offered: tuple[Choice, ...], text: str) -> tuple[Choice, ...]:
    """The choices with those first of whose words something stands in what was written."""
    said = {
        name
        for piece in vocabulary.pieces(text)
        if piece.meaning is not None
        for name in (piece.meaning.word.value, *(outcome.name for outcome in piece.meaning.outcomes))
    }
    return tuple(sorted(offered, key=lambda choice: choice.line not in said))


def take_note(scene: Scene, voice: Voice, case: Case, text: str) -> Case:
    """Admin's own words: kept, passed to the associate and the other admins; a receipt (contract section 3)."""
    after = noted(consumed(scene, case, voice, "note"), text)
    data: dict[str, Datum] = {"text": text}
    return receipt(scene, update_others(scene, after, voice, "note", data), voice, "note", data)


def _take_outcome(scene: Scene, voice: Voice, case: Case, outcome: Outcome, answer: Answer) -> Case:
    after = consumed(scene, case, voice, f"outcome {outcome.value}")
    note = answer.text or (case.outcome_note if case.outcome is outcome else None)
    makeup = case.makeup or answer.makeup
    if case.state is State.CLOSED and (case.outcome, case.outcome_note, case.makeup) == (outcome, note, makeup):
        return receipt(scene, after, voice, "outcome")
    undated = outcome is Outcome.RESCHEDULED and not says_when(note or "")
    how = {"outcome": outcome, "outcome_note": note, "makeup": makeup, "undated": undated}
    if voice.role is not Role.ASSOCIATE and outcome is Outcome.RESCHEDULED:
        after = replace(after, apology_at=case.apology_at if case.owes_apology else scene.now)
    closed = ended(scene, remembered(scene, after, "outcome"), State.CLOSED, **how)
    closed = update_others(scene, closed, voice, "outcome", admins=_concerns_admin(case, closed))
    return receipt(scene, closed, voice, "outcome")


def _concerns_admin(before: Case, after: Case) -> bool:
    """Whether admin hears how a case ended: always, but that a client arrived after all is no news (section 4)."""
    return after.kind is not Kind.WAITING or _absence(before) != _absence(after)


def _absence(case: Case) -> tuple[Outcome | None, str | None] | None:
    """How a `waiting` case ended, as far as admin is concerned."""
    absent = case.state is State.CLOSED and case.outcome is not Outcome.ARRIVED
    return (case.outcome, case.outcome_note) if absent else None


def _take_sent(scene: Scene, voice: Voice, case: Case, text: str) -> Case:
    """The client was messaged. An admin may pass it on for the associate, who is told."""
    after = noted(consumed(scene, case, voice, "sent"), text)
    if case.sent_at is not None:
        if text and text not in case.notes:
            after = update_others(scene, after, voice, "note", {"text": text})
        return receipt(scene, after, voice, "sent")
    sent, taken = _messaged(scene, voice, remembered(scene, after, "sent"))
    sent = update_others(scene, sent, voice, "sent", {"minutes_taken": taken, "text": text})
    return receipt(scene, sent, voice, "sent")


def _messaged(scene: Scene, voice: Voice, case: Case) -> tuple[Case, int]:
    """As the client was messaged, and the minutes that it took."""
    at = max(voice.mail.arrived_at, case.reported_at)
    sent = replanned(replace(case, sent_at=at, told_at=case.told_at or at))
    sent = withdraw(sent, {LetterKind.REMINDER}, "the client was messaged", scene.now)
    return sent, int((at - case.reported_at).total_seconds() // 60)


def _take_says(scene: Scene, voice: Voice, case: Case, answer: Answer, says: Says) -> Case:
    """What the client answered. It tells that they were messaged, too; by an admin, that admin reached them.

    Admin passes SENT on for the associate, as without an answer.
    """
    reached = voice.role is not Role.ASSOCIATE and answer.word is not Word.SENT
    topic: Answered = "waits" if says is Says.WAITS else "rebook"
    after = noted(
        consumed(scene, case, voice, f"the client {'waits' if says is Says.WAITS else WANTS_TIME}"), answer.text
    )
    data: dict[str, Datum] = {"text": answer.text}
    known = case.reached_at if reached else case.sent_at
    if known is not None and case.client_says is says:
        if answer.text and answer.text not in case.notes:
            after = update_others(scene, after, voice, "note", data)
        return receipt(scene, after, voice, topic, _asked(after, voice))
    told = replace(remembered(scene, after, "answer"), client_says=says)
    if reached:
        told = replace(told, reached_at=case.reached_at or max(voice.mail.arrived_at, case.reported_at))
    elif case.sent_at is None:
        told, data["minutes_taken"] = _messaged(scene, voice, told)
    told = replanned(told)
    offered = admin_choices(told)[:1] if says is Says.REBOOK else ()
    told = update_others(scene, told, voice, topic, data, offered=offered)
    return receipt(scene, told, voice, topic, _asked(told, voice))


def _asked(case: Case, voice: Voice) -> dict[str, Datum]:
    """Who was asked for a new time, if anybody but the writer was."""
    asked = [letter.to for letter in case.letters if letter.kind is LetterKind.UPDATE and letter.topic == "rebook"]
    admins = [one for one in asked if not (is_same(one, voice.person) or is_same(one, case.associate))]
    return {"asked_admin": admins[0].name} if admins else {}


def _take_contacted(scene: Scene, voice: Voice, case: Case, text: str) -> Case:
    after = noted(consumed(scene, case, voice, "contacted"), text)
    if case.reached_at is not None and not text:
        return receipt(scene, after, voice, "reached")
    reached = replace(after, reached_at=case.reached_at or max(voice.mail.arrived_at, case.reported_at))
    reached = update_others(scene, reached, voice, "reached", {"text": text})
    return replanned(receipt(scene, reached, voice, "reached"))


def _take_makeup(scene: Scene, voice: Voice, case: Case) -> Case:
    after = consumed(scene, case, voice, "make-up session offered")
    if not case.makeup:
        after = update_others(scene, replace(after, makeup=True), voice, "makeup", associate=False)
    return receipt(scene, after, voice, "makeup")


def _take_tag(scene: Scene, voice: Voice, case: Case, report: Report, said: str) -> Case:
    if not case.open and case.kind is Kind.NOSHOW and report.kind is Kind.WAITING:
        return correct_closed(scene, voice, case, report.note)
    if not case.open:
        return doubt_case(scene, voice, case, Doubt(Why.CLOSED), said)
    return report_again(scene, voice, case, report, said)


def report_again(scene: Scene, voice: Voice, case: Case, report: Report, said: str) -> Case:
    """A report, or a tag in an answer, about an open case: changed, heard again, or asked back (contract section 3)."""
    if case.kind is Kind.WAITING and report.kind is Kind.NOSHOW:
        absent = Answer(word=Word.OUTCOME, outcome=Outcome.ABSENT, text=report.note)
        return answer_case(scene, voice, case, absent)
    if not may_become(case.kind, report.kind):
        return doubt_case(scene, voice, case, Doubt(Why.SAME_KIND), said)
    if is_repeated(scene, voice, case, report):
        if report.sent and case.sent_at is None:
            return _take_sent(scene, voice, case, report.note)
        return repeat_report(scene, voice, case, report)
    if report.kind is not case.kind:
        what = "kind"
    elif case.client is None and report.client is not None and report.minutes in {None, case.minutes}:
        what = "client"
    else:
        what = "again" if report.minutes == case.minutes else "estimate"
    return change_case(scene, voice, case, report, what)


def _take_client(scene: Scene, voice: Voice, case: Case, answer: Answer) -> Case:
    if not case.open or answer.client == case.client:
        after = noted(consumed(scene, replace(case, client=answer.client), voice, "client named"), answer.text)
        return receipt(scene, after, voice, "client")
    report = Report(kind=case.kind, client=answer.client, minutes=case.minutes, note=answer.text)
    return receipt(scene, change_case(scene, voice, case, report, "name"), voice, "client")


def _take_undo(scene: Scene, voice: Voice, case: Case) -> Case:
    after = consumed(scene, case, voice, "undo")
    old = case.before
    if old is None or scene.now >= schedule.morning_after(old.at, case.cadence):
        return receipt(scene, after, voice, "nothing")
    undone = replace(after, **milestones(old), before=None, resumed_at=scene.now)
    undone = going_on_from(undone, scene.now)  # it was closed while the clock was set back
    data: dict[str, Datum] = {"text": old.what}
    undone = update_others(scene, undone, voice, "undone", data, admins=_concerns_admin(case, undone))
    return replanned(receipt(scene, undone, voice, "undone", data))


def _take_mistake(scene: Scene, voice: Voice, case: Case) -> Case:
    after = consumed(scene, case, voice, "mistake")
    if case.state is State.CANCELLED:
        return receipt(scene, after, voice, "cancelled")
    gone = ended(scene, remembered(scene, after, "outcome"), State.CANCELLED)
    gone = update_others(scene, gone, voice, "cancelled", admins=_concerns_admin(case, gone))
    return receipt(scene, gone, voice, "cancelled")
