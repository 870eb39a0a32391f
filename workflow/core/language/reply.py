"""What a mail about a known case says: a word that counts, a doubt, or nothing. Contract section 3, "Replies".

"No case is ever closed wrongly; that beats convenience": whatever could be read in two ways is a Doubt. What an answer
does to its case is `law`; which case it is about is `routing`. Pure, linear in the mail, never raising.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import assert_never

from workflow.core.kinds import KINDS, OF_TAG, TAG
from workflow.core.language import doubts, lines, names, times, told, vocabulary
from workflow.core.language.plain import fold
from workflow.core.language.vocabulary import Match
from workflow.core.mail import Answer, Doubt, Reading, Report, Why, Word
from workflow.core.model import Case, Outcome, Says
from workflow.core.people import Role
from workflow.core.rules import Kind

_ABOUT_OUTCOMES = frozenset({Why.TWO_OUTCOMES, Why.BEFORE_SENT})
"""Reasons of doubt that say themselves that an outcome was written."""


_STANDS = frozenset({Word.UNDO, Word.MISTAKE})
"""What takes something back is not taken back itself, and may say why: "MISTAKE", and under it "wrong client"."""

_OF_DAYS_TO_COME = frozenset({Word.MAKEUP, *vocabulary.SAYS})
"""What may be said of a day to come, as RESCHEDULED is: "MAKEUP next week"; the rest has happened, or has not."""

_AFTER_RESCHEDULED = frozenset({"to", "for", "on", "at"})
_AFTER_PHRASE = vocabulary.listed(
    "again already and at because by despite just now on so till twice until via after when with"
)
"""What may follow a longer phrase: "texted her at 2", "unable to reach her by phone". A noun changes who was meant:
"texted her mother", "unable to reach agreement"."""
_AFTER_TOLD = vocabulary.listed("a about an as but from i i'd i'll i'm im that the this to we we'd we'll")
"""What may follow "texted her" besides: "texted her the message", "told him that I am late"."""
_AFTER_SENT = vocabulary.listed("again already and but so though twice")
"""What may follow SENT without an object: "sent already", "texted and called", "sent but late"."""
_UNSENT = vocabulary.listed(
    "almost believe eventually except guess hope hopefully if maybe mean meant might nearly perhaps possibly probably "
    "scratch suppose tentatively think trying unless until would wrong yet"
)
"""Behind a message that was sent these leave open whether it was."""

_AFTER_UNREACHED = vocabulary.listed("client phone text texts call calls email emails") | vocabulary.PRONOUNS
"""What may follow "unable to reach" and "no answer" besides, with "from", "to" or "the" before it."""

_NEVER_FOLLOWS = {
    "here": vocabulary.listed("is are it you we i as attached enclosed for let my see the where"),
    "unable": vocabulary.listed("to at busy currently driving in now right sorry still with"),
    "other": frozenset({"than"}),
}
"""Common English that begins like a word, even where all of it is in capitals."""

_SESSION = frozenset({Outcome.CONNECTED, Outcome.ARRIVED})
_NOT_MET = frozenset({Outcome.ABSENT, Outcome.UNREACHABLE})

_REQUESTS = vocabulary.listed("can need please pls")
"""Right after RESCHEDULED these ask for it: "resched, please"."""

_HEDGES: Mapping[Outcome, frozenset[str]] = {
    Outcome.RESCHEDULED: vocabulary.listed("or waiting"),
    Outcome.UNREACHABLE: vocabulary.listed("waiting answered back picked reached replied spoke talked wants"),
    **dict.fromkeys(_SESSION, vocabulary.listed("waiting alone disconnected dropped gone left lost went")),
    Outcome.ABSENT: vocabulary.listed("waiting"),
}
"""What such an outcome does not go on like, beside `doubts.HEDGES`: "couldn't reach her at 2, spoke at 3"."""

_OF_ABSENCE = vocabulary.listed("busy failed first mean needs still trying")
"""What says of an absence why: "no show - too busy"."""

_INITIAL = re.compile(r"(?:^|[\s.])[^\W\d_]$")
_NOTE_BEGINS = re.compile(r"\s-+\s|[,;:(]")


def answer(reading: Reading, case: Case, role: Role, writer: str = "") -> Answer | Doubt | None:
    """The word that counts for `case` when `role` says it; the lead speaks as admin (contract section 3).

    `writer`: the name that may stand behind "no show" as a signature, beside the associate's.

    None: no word in front and nothing to doubt, so an associate is asked back and an admin's text is a note.
    """
    if reading.empty:
        return Doubt(Why.EMPTY)
    said = vocabulary.match(reading.line, case.client)
    # an admin's whole text may be a note
    told = reading.line if role is Role.ASSOCIATE else f"{reading.line}\n{reading.rest}"
    holds = doubts.second_outcome(told, None) is not None
    if said is None:
        return _without_word(reading, holds or tells_absence(reading, case))
    reason: Answer | Why = Why.UNCLEAR
    if len(reading.line) <= vocabulary.LONGEST_LINE:
        reason = _Speech(reading, case, role, said, writer).answer_or_why()
    if isinstance(reason, Answer):
        return reason
    return Doubt(reason, holds or bool(said.outcomes) or reason in _ABOUT_OUTCOMES)


def tells_absence(reading: Reading, case: Case) -> bool:
    """Whether what reads as a report says of a `waiting` case that its client did not come."""
    if case.kind is not Kind.WAITING or reading.report is None:
        return False
    said = vocabulary.match(reading.line)
    return reading.report.kind is Kind.NOSHOW or (said is not None and Outcome.ABSENT in said.outcomes)


def _without_word(reading: Reading, holds_outcome: bool) -> Answer | Doubt | None:
    """A line that starts with no word: "15 late Sam" is a report all the same, and an outcome inside is asked about."""
    if holds_outcome:
        asks = "?" in vocabulary.plain(reading.line)
        reason = Why.QUESTION if asks else Why.NEGATION if doubts.denies(reading.line) else Why.UNCLEAR
        return Doubt(reason, holds_outcome=True)
    if reading.report is not None:
        return _reported(reading.report)
    if fold(vocabulary.plain(reading.line)) == "close":  # admin's CLOSE without an outcome
        return Doubt(Why.UNCLEAR, holds_outcome=True)
    return None


def _reported(report: Report) -> Answer:
    return Answer(TAG[report.kind], report=report)


@dataclass(frozen=True, slots=True)
class _Speech:
    """One line that starts with a word, about one case. Each method returns the answer, or the reason for doubt."""

    reading: Reading
    case: Case
    role: Role
    said: Match
    writer: str

    def answer_or_why(self) -> Answer | Why:
        said, admin = self.said, self.role is not Role.ASSOCIATE
        match said.word:
            case Word.CANCEL:
                return Why.CANCEL
            case Word.STATUS | Word.HELP:  # `routing` answers them where they stand alone
                return Answer(said.word) if said.lone else Why.UNCLEAR
            case Word.NOTE:
                text = self._whole_text()
                return Answer(Word.NOTE, text=text) if admin and text and self._is_shaped() else Why.UNCLEAR
            case Word.CONTACTED:
                return self._message() if admin else Why.UNCLEAR
            case Word.SENT | Word.WAITS | Word.REBOOK:
                owed = self.case.open or (self.case.owes_apology and not admin)
                again = said.folded == "done" and (self.case.sent_at is not None or not owed)
                return Why.UNCLEAR if again else self._message()
            case Word.CLIENT:
                return self._client()
            case Word.LATE | Word.NOSHOW | Word.WAITING:
                return self._tag()
            case Word.OUTCOME:
                return self._outcome(said.outcomes)
            case Word.MAKEUP | Word.UNDO | Word.MISTAKE:
                return self._objection(None) or Answer(said.word, text=self._whole_text())
        assert_never(said.word)  # pragma: no cover (mypy proves it)

    # --- the client was messaged, and answered ----------------------------------------------------------

    def _message(self) -> Answer | Why:
        """SENT, CONTACTED, WAITS, REBOOK. These close nothing: any text may follow, but what denies or doubts them."""
        word = Word.CONTACTED if self._is_contacted() else self.said.word
        heard = self if word in vocabulary.SAYS else self._behind()
        says = vocabulary.SAYS.get(heard.said.word)
        if word is Word.WAITS and self.case.kind is not Kind.LATE:
            return Why.OTHER_KIND
        return heard._doubt_of_message(says) or Answer(word, text=heard._whole_text(), says=says)

    def _behind(self) -> _Speech:
        """The same speech from the client's answer on, where that stands behind the word or right under it."""
        answered = vocabulary.answer_in(self.said.rest, self.case.client)
        reading = self.reading
        if answered is None and not self.said.rest:
            line, rest = lines.first_line(reading.rest)
            answered = vocabulary.answer_in(line, self.case.client)
            reading = replace(reading, line=line, rest=rest)
        if answered is None or (answered.word is Word.WAITS and self.case.kind is not Kind.LATE):
            return self
        heard = replace(self, said=answered, reading=reading)
        both = told.tells_other(answered.rest, vocabulary.SAYS[answered.word])  # "she can wait, or rebook" is no answer
        return heard if heard._is_shaped() and not both else self

    def _doubt_of_message(self, says: Says | None) -> Why | None:
        """Why it does not count; None: it does."""
        rest, below, client = self.said.rest, self.reading.rest, self.case.client
        if "?" in rest:
            return Why.QUESTION
        second = doubts.second_outcome(rest, None) or doubts.second_outcome_below(
            below, None, from_subject=self.reading.from_subject
        )
        if second:
            return self._second_outcome(second)
        own = self._of_sending()
        denied = doubts.denies_sending(own) or doubts.takes_back(own) or doubts.refuses(self.reading.line)
        if denied or doubts.denies_below(told.without_client(below, client)):
            return Why.NEGATION
        if client and self._names_another(client):
            return Why.ANOTHER_CLIENT
        if not self._is_shaped() or (says is not None and told.tells_other(rest, says)):
            return Why.UNCLEAR
        return self._taken_back(None)

    def _of_sending(self) -> str:
        """What follows, without what it says of the client; of a call that is all: "called, she didn't pick up"."""
        calls = "called" in self.said.folded
        rest = doubts.without_silence(self.said.rest)
        return rest if calls else told.without_client(rest, self.case.client)

    def _outcome(self, possible: tuple[Outcome, ...]) -> Answer | Why:
        said = self.said
        if said.closes and self.role is Role.ASSOCIATE:
            return Why.UNCLEAR
        known = [outcome for outcome in possible if outcome in KINDS[self.case.kind].outcomes]
        if not known:
            return Why.OTHER_KIND
        outcome = known[0]
        reason = self._objection(outcome)
        if reason:
            return reason
        if said.folded in vocabulary.UNTIL_SENT and self.case.sent_at is None:
            return Why.BEFORE_SENT
        if outcome is Outcome.OTHER:
            text = self._whole_text()
            return Answer(Word.OUTCOME, outcome=outcome, text=text) if text else Why.FEW_WORDS
        report, client = self.reading.report, doubts.words_of_name(self.case.client)
        if report is not None and doubts.words_of_name(report.client) <= client:
            return Answer(Word.OUTCOME, outcome=outcome, text=report.note)
        text, makeup = self._text_beside_makeup()
        return Answer(Word.OUTCOME, outcome=outcome, text=text, makeup=makeup)

    def _text_beside_makeup(self) -> tuple[str, bool]:
        text, makeup = vocabulary.makeup_in(self.said.rest)
        if text == self.said.rest:
            text = self._text_behind()
        if self.said.outcomes == (Outcome.RESCHEDULED,):
            first, _, when = text.partition(" ")
            text = when if first.casefold() in {"to", "for", "on"} else text
        rest = self.reading.rest
        rows = rest.splitlines() if len(rest) <= vocabulary.LONGEST_LINE else [rest]
        below = [
            line
            for line in rows
            if (found := vocabulary.match(line)) is None or found.word is not Word.MAKEUP or not found.lone
        ]
        return "\n".join([text, *below]).strip(), makeup or len(below) < len(rows)

    def _client(self) -> Answer | Why:
        text = self.said.rest
        begins = _NOTE_BEGINS.search(text)
        name, note = (text[: begins.start()], text[begins.end() :]) if begins else (text, "")
        if not note and _INITIAL.search(name) and self.reading.line.rstrip().endswith("."):
            name += "."  # "Sam P.": no full stop of a sentence
        client = names.as_client(name.split())
        if "?" in text or doubts.second_outcome(text, None):
            return Why.UNCLEAR
        if client is None:
            return Why.WHICH_CLIENT if self.said.capitals or not text else Why.UNCLEAR
        sure = self.said.capitals or self._has_punctuation() or all(word[0].isupper() for word in name.split())
        return Answer(Word.CLIENT, client=client, text=note.strip()) if sure else Why.UNCLEAR

    def _tag(self) -> Answer | Why:
        said, report = self.said, self.reading.report
        if said.outcomes and self.case.kind is Kind.WAITING:
            return self._outcome(said.outcomes)
        if said.closes:
            return Why.OTHER_KIND
        if report is not None and report.kind is OF_TAG[said.word]:
            if doubts.second_outcome(said.rest, None):
                return Why.TWO_OUTCOMES
            return (self._taken_back(None) if said.word is not Word.LATE else None) or _reported(report)
        if said.word is Word.LATE:
            return self._late()
        if said.word is Word.WAITING and not (said.lone or self._has_punctuation()):
            return Why.UNCLEAR  # "WAITING for your answer"
        objection = self._objection(None)
        return objection or _reported(Report(OF_TAG[said.word], client=None, note=self._whole_text()))

    def _late(self) -> Answer | Why:
        minutes = None
        if self.said.rest:
            row = times.tokens(self.said.rest)
            found = times.minutes_at(row, 0)
            if found is None or found.end < len(row) or not found.in_range:
                return Why.UNCLEAR
            minutes = found.value
        return _reported(Report(Kind.LATE, client=None, minutes=minutes, note=self.reading.rest))

    # --- when a word counts -------------------------------------------------------------------------

    def _objection(self, outcome: Outcome | None) -> Why | None:
        """Why the word does not count as `outcome`, or as itself; None: it does ("When a word counts")."""
        said, rest = self.said, self.said.rest
        if "?" in rest:
            return Why.QUESTION
        below = self.reading.rest
        second = doubts.second_outcome(rest, outcome) or doubts.second_outcome_below(
            below, outcome, from_subject=self.reading.from_subject
        )
        if second:
            return self._second_outcome(second)
        if outcome not in {None, Outcome.OTHER} and doubts.of_another_kind(rest, self.case.kind):
            return Why.OTHER_KIND
        stands = outcome is Outcome.OTHER or said.word in _STANDS
        if doubts.denies(rest) or doubts.refuses(self.reading.line):
            return Why.NEGATION
        undone = said.word is not Word.MAKEUP and doubts.takes_back(rest)  # "MAKEUP offered"
        if not stands and (undone or doubts.denies_below(below)):
            return Why.NEGATION
        if outcome in _SESSION and doubts.says_nobody(rest):
            return Why.NEGATION
        client = self.case.client
        if client and outcome is not Outcome.OTHER and self._names_another(client):
            return Why.ANOTHER_CLIENT
        if not self._is_shaped():
            return Why.UNCLEAR
        return None if stands else self._taken_back(outcome)

    def _is_contacted(self) -> bool:
        """Whether admin says that they reached the client; then anything may follow about the client."""
        return self.role is not Role.ASSOCIATE and self.said.word in {Word.CONTACTED, Word.SENT} and not self._is_sent()

    def _is_sent(self) -> bool:
        """The word SENT itself: admin passes it on for the associate, whose tapped link left from a private account."""
        return self.said.folded == "sent"

    def _taken_back(self, outcome: Outcome | None) -> Why | None:
        """Why the word stands before what leaves it open, or the sentence right under it takes it back."""
        rest = self.said.rest
        if outcome in _NOT_MET and doubts.holds_for_now(rest):
            return Why.UNCLEAR
        if self.said.word not in _OF_DAYS_TO_COME and outcome is not Outcome.RESCHEDULED and self._is_to_come():
            return Why.UNCLEAR
        if doubts.leaves_open(rest) and not (self.said.word is Word.WAITS and rest.casefold().startswith("until ")):
            return Why.UNCLEAR
        if doubts.is_second_thought(lines.sentence_below(rest)):
            return Why.NEGATION
        sentence = lines.sentence_below(self.reading.rest)
        if self.said.word in {Word.SENT, Word.CONTACTED, *vocabulary.SAYS}:
            sentence = doubts.without_silence(sentence)
            if doubts.denies_delivery(told.without_client(sentence, self.case.client)):
                return Why.NEGATION
        if "?" in sentence:
            return Why.QUESTION
        second = doubts.second_outcome(sentence, outcome, prose=True)
        if second:
            return self._second_outcome(second)
        if outcome is not None and (doubts.is_still_open(rest) or doubts.is_still_open(sentence)):
            return Why.NEGATION
        if outcome is Outcome.UNREACHABLE and (doubts.answered(rest) or doubts.answered(sentence)):
            return Why.UNCLEAR
        taken = doubts.takes_back_below(sentence, self.case.client or "")
        return Why.NEGATION if taken else None

    def _is_to_come(self) -> bool:
        """Whether it says a day after today, and nothing else where punctuation parts that: "no show tomorrow"."""
        rest = self.said.rest
        return times.starts_to_come(rest) and (not self._has_punctuation() or times.is_when(rest))

    def _second_outcome(self, second: str) -> Why:
        first_try = self.said.word is Word.SENT and self.case.sent_at is None and second in vocabulary.UNTIL_SENT
        return Why.BEFORE_SENT if first_try else Why.TWO_OUTCOMES

    def _names_another(self, client: str) -> bool:
        absent = self.said.outcomes == (Outcome.ABSENT,)
        signed = (self.case.associate.name, self.writer) if absent else (self.case.associate.name,)
        parted = self._has_punctuation()
        return doubts.names_another(self.said.rest, client, signed, parted=parted, absent=absent)

    def _is_shaped(self) -> bool:
        """Whether what follows the word lets it count, as the contract lists it."""
        said, row = self.said, vocabulary.pieces(self.said.rest)
        first = row[0].folded if row else ""
        if first in _NEVER_FOLLOWS.get(said.folded, ()):
            return False
        if not row:
            return True
        if said.word in vocabulary.SAYS:
            loose = said.phrase or self._has_punctuation() or self._goes_on(first)
            return said.capitals or (loose and not doubts.holds(said.rest, doubts.BUSINESS))
        unparted = said.word in {Word.SENT, Word.CONTACTED} and not self._has_punctuation()
        if unparted and doubts.is_for_another(said, self.case.client):
            return False
        if said.word is Word.MISTAKE and doubts.holds(said.rest, doubts.BUSINESS):
            return False  # "MISTAKE in the invoice"
        # Capitals are a command, unless somebody writes everything in them and the word is an everyday one.
        everyday = said.folded == "done" or (said.rest.isupper() and said.folded not in vocabulary.HEADWORDS)
        soon = said.word is not Word.OUTCOME and said.outcomes == (Outcome.ABSENT,)  # "NOSHOW so far"
        if said.capitals and not everyday and not (soon and self._is_hedged(first)):
            return True
        if said.word is not Word.NOTE and self._is_hedged(first):
            return False
        if said.outcomes and self.reading.report is not None:
            return True
        if said.outcomes == (Outcome.ABSENT,) and said.phrase and doubts.gives_reason(said.rest):
            return not doubts.holds(said.rest, doubts.BUSINESS)
        if self._has_punctuation() or vocabulary.makeup_in(said.rest) == ("", True):
            return True
        if said.phrase:
            return self._may_follow_phrase([piece.folded for piece in row])
        if said.word is Word.SENT:
            twice = all(piece.folded in _AFTER_SENT or piece.meaning == vocabulary.SENT for piece in row)
            on = first in _AFTER_SENT and said.folded != "called"
            return (said.lone or twice or on) and said.folded != "done"
        if Outcome.RESCHEDULED in said.outcomes:
            if row[0].folded.endswith("'s"):
                return False  # "rescheduled tomorrow's session"
            return first in _AFTER_RESCHEDULED or times.starts_when(said.rest)
        return bool(_SESSION.intersection(said.outcomes)) and times.starts_time(said.rest)

    def _is_hedged(self, first: str) -> bool:
        """Whether it goes on as if it were not so: "no answer yet", "rescheduled to Tue if she can", "emailed bill"."""
        rest, outcomes = self.said.rest, self.said.outcomes
        if self.said.word is Word.CONTACTED:
            return False
        if self.said.word is Word.SENT:
            own = self._of_sending()
            hedges = doubts.HEDGES | {"wrong"} if "called" in self.said.folded else _UNSENT
            return doubts.holds(own, hedges | doubts.BUSINESS)
        hedges = doubts.HEDGES.union(*(_HEDGES.get(outcome, ()) for outcome in outcomes))
        if outcomes == (Outcome.ABSENT,):
            hedges -= _OF_ABSENCE if doubts.gives_reason(rest) else frozenset()
        return doubts.holds(rest, hedges) or (Outcome.RESCHEDULED in outcomes and first in _REQUESTS)

    def _may_follow_phrase(self, row: list[str]) -> bool:
        if doubts.holds(self.said.rest, doubts.BUSINESS):
            return False
        client = doubts.words_of_name(self.case.client)
        first = row[0]
        if first in client or self._goes_on(first):
            return True
        if self.said.word is Word.CONTACTED:
            return True
        if self.said.word is Word.SENT:
            return first in _AFTER_TOLD or not self._of_sending().strip()
        named = [word for word in row[:3] if word not in {"from", "to", "the"}]
        return bool(named) and named[0] in _AFTER_UNREACHED | client

    def _goes_on(self, first: str) -> bool:
        """Whether it goes on about the same, as after a longer phrase."""
        return first in _AFTER_PHRASE or times.starts_when(self.said.rest)

    def _has_punctuation(self) -> bool:
        """Whether punctuation parts the word from the rest; a bare hyphen joins ("here-ish"), a quote reports."""
        gap = self.said.gap
        return gap.strip(" \"'") not in {"", "-"} or gap.startswith(" -")

    def _whole_text(self) -> str:
        """What follows the word, as written, and the rest of the mail."""
        return f"{self._text_behind()}\n{self.reading.rest}".strip()

    def _text_behind(self) -> str:
        """What follows the word in its line, as written."""
        line = self.reading.line
        return lines.to_the_letter(line, vocabulary.plain(line), self.said.rest)
