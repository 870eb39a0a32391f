"""One mail's text -> what was asked: the line that speaks, and what it says. Contract section 3.

It reads, and decides nothing: which case is meant and who may speak is `routing`, whether a word counts is `reply`. Its
parts: `lines` finds the line, `prefixes` takes off what stands around it, `report` reads a report, `guess` what was
probably meant, `vocabulary` the table of answers. Pure, linear in the text, never raising, whatever the text.
"""

from __future__ import annotations

import re
from dataclasses import replace

from workflow.core.kinds import TAG
from workflow.core.language import doubts, told, vocabulary
from workflow.core.language.given_names import GIVEN_NAMES
from workflow.core.language.guess import (
    holds_figures,
    late_somewhere,
    likely_line,
    likely_reading,
    mistyped,
    named_behind,
    of_the_writer,
)
from workflow.core.language.lines import (
    first_line,
    greets,
    past_preface,
    plain_line,
    report_below,
    to_the_letter,
    undictated,
)
from workflow.core.language.names import as_client
from workflow.core.language.plain import clean, fold
from workflow.core.language.prefixes import case_ids, read_subject, strip_labels, take_ids
from workflow.core.language.report import LONGEST_HEAD, MOST_REPORTS, Draft, parted, read_tag
from workflow.core.language.times import tokens
from workflow.core.mail import Mark, Reading, Report, Unclear, Word

_MOST_LINES = 2000
"""Lines under a report that are looked at for others; a mail has no more."""

_ABOUT_CASES = frozenset({Word.SENT, Word.OUTCOME, Word.MAKEUP, Word.UNDO, Word.MISTAKE, Word.CANCEL, Word.CONTACTED})
"""Words that nobody writes above a report as a mere title."""

LONGEST_LINE = 20_000
LONGEST_TEXT = 200_000
"""So many characters of a line are read, and of a text for case ids; a person writes fewer."""


def read(subject: str, new_text: str, quoted_text: str) -> Reading:
    """What a mail says. `new_text` has no quotes, signature or text of ours; those are `quoted_text`.

    The subject speaks unless it is a reply's or forward's, or carries no word of section 3; then the first line of the
    text that is no bare greeting. A report in the text is heard above a subject such as "Note" or "Late". A reply's
    subject is the line only if it is a report, names no case, and there is no text: `routing` decides what it may.
    """
    title = read_subject(subject)
    text = past_preface(new_text.strip())
    first, others = first_line(text)
    in_subject = _say(title.text, title.ids, text)
    in_text = _say(*take_ids(strip_labels(first, typed=True)), others)
    from_subject = _subject_speaks(title.mark, in_subject, in_text, text)
    said = in_subject if from_subject else in_text
    own = title.mark is Mark.PLAIN
    if title.mark is Mark.RECALL and said.report is not None:
        said = replace(said, report=None, unclear=Unclear(likely_line(said.report), notice=True))
    below = report_below(text) if said.report is None else None
    if said.report is not None:
        said, lines = _several(said)
        further = () if title.mark is Mark.FORWARD else lines[: MOST_REPORTS - 1]
        said = replace(said, further=tuple(_say(line, (), "") for line in further))
        below = next((read_tag(plain_line(line)) for line in lines[len(further) :]), None)
    return replace(
        said,
        mark=title.mark,
        from_subject=from_subject,
        ids=said.ids or _distinct(title.ids if own else (), case_ids(text[:LONGEST_TEXT])),
        quoted_ids=_quoted(() if own else title.ids, case_ids(quoted_text[:LONGEST_TEXT])),
        empty=not text and not (own and title.text),
        courtesy=_is_courtesy(f"{said.line}\n{said.rest}"),
        below=likely_reading(below) if below is not None else None,
    )


def _subject_speaks(mark: Mark, in_subject: Reading, in_text: Reading, text: str) -> bool:
    if mark is Mark.RECALL:
        return True
    if mark is Mark.FORWARD or not in_subject.line:
        return False
    if mark is Mark.REPLY:
        return not text and in_subject.report is not None and not in_subject.ids
    if not text:
        return True
    if in_subject.ids or in_subject.report or not in_text.report:
        return bool(in_subject.report or in_subject.unclear or in_subject.word)
    found = vocabulary.match(in_subject.line)  # alone or in capitals it can mean nothing else
    return found is not None and found.word in _ABOUT_CASES and (found.lone or found.capitals)


def _quoted(in_subject: tuple[str, ...], in_text: tuple[str, ...]) -> tuple[str, ...]:
    """The ids of the letter that is answered: its subject says which case it is about, its text may list others."""
    return in_subject if in_subject and set(in_subject) <= set(in_text) else _distinct(in_subject, in_text)


def _distinct(*ids: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one for some in ids for one in some))


# --- one line ---------------------------------------------------------------------------------------


def _say(line: str, ids: tuple[str, ...], rest: str) -> Reading:
    """What a line without its ids says; `rest`, the other new text, ends up in a report's note."""
    line = undictated(line[:LONGEST_LINE]) + line[LONGEST_LINE:]
    plain = plain_line(line[:LONGEST_LINE])
    found = vocabulary.match(line)
    report, unclear, draft = _reported(line[:LONGEST_LINE], plain, rest)
    word, lone = (found.word, found.lone) if found is not None else (None, False)
    if report is not None and report.client is not None:
        lone = False  # May, To and An are clients here, not a day or a number
    if word is None and draft is not None and report is not None:
        word = TAG[draft.kind]
        lone = report.client is None and not draft.note and report.for_associate is None
    return Reading(line, rest, ids=ids, report=report, unclear=unclear, word=word, lone=lone)


def _reported(line: str, plain: str, rest: str) -> tuple[Report | None, Unclear | None, Draft | None]:
    """A whole report, or what tried to be one, or neither; with the draft of a line that starts with a tag."""
    head = plain[:LONGEST_HEAD]
    first, others = parted(plain)
    draft = read_tag(first)
    if draft is None:
        guessed = mistyped(head) or late_somewhere(head) or of_the_writer(head) or named_behind(head)
        return None, _in_brackets(head) or guessed, None
    if draft.opens:
        repeated = len(rest) < LONGEST_HEAD and fold(rest) == fold(plain)
        report = _report(draft, to_the_letter(line, plain, draft.note), "" if repeated else rest.strip(), others)
        return report, None, draft
    unclear = Unclear(likely_reading(draft), draft.capitals or holds_figures(tokens(head)))
    if unclear.reading is None:
        unclear = _in_brackets(head) or unclear
    return None, (_with_text(head, rest) or unclear) if draft.bare else unclear, draft


_BRACKETS = str.maketrans("[](){}<>", "        ")


def _in_brackets(head: str) -> Unclear | None:
    """What would be a report without its brackets, as on a card: "[LATE] 15 Sam", "LATE <15> <Sam>"."""
    bare = clean(head.translate(_BRACKETS))
    draft = read_tag(bare) if bare != head else None
    if draft is None or not draft.opens:
        return None
    return Unclear(likely_reading(draft), draft.capitals or holds_figures(tokens(bare)))


def _with_text(tag: str, rest: str) -> Unclear | None:
    """A tag alone in lower case, and what the text under it makes of it: "Late" above "15 min, Sam"."""
    first = clean(first_line(rest)[0][:LONGEST_HEAD])
    sentence = late_somewhere(first)
    if sentence is not None and sentence.reading is not None:
        return sentence
    both = read_tag(f"{tag} {first}")
    return Unclear(likely_reading(both), bool(both.minutes)) if first and both is not None and both.opens else None


def _report(draft: Draft, note: str, rest: str, others: tuple[str, ...] = ()) -> Report:
    report = Report(
        kind=draft.kind,
        client=draft.client,
        minutes=draft.minutes[0] if draft.minutes else None,
        at=draft.at,
        either=draft.either,
        yesterday=draft.yesterday,
        day=draft.day,
        for_associate=draft.for_associate,
        note="\n".join(part for part in (note, rest) if part),
        sent=_tells_sent(draft.note or first_line(rest)[0], draft.client),
        capitals=draft.capitals,
    )
    named = _named(draft.note) if draft.client is not None else ()
    beside = (likely_line(replace(report, client=one.client, at=one.at, either=one.either)) for one in named)
    drafts = (read_tag(other) for other in others)
    return replace(report, beside=(*beside, *(line for one in drafts if one and (line := likely_reading(one)))))


def _several(said: Reading) -> tuple[Reading, tuple[str, ...]]:
    """The report with what lines below add to it and without those that are others, and these: one each of a client.

    Contract section 3: what stands between is a note of the first.
    """
    first = read_tag(parted(plain_line(said.line[:LONGEST_LINE]))[0])
    if first is None or said.report is None:
        return said, ()
    between: list[str] = []
    found, lines = [first], [""]
    for line in said.rest.splitlines()[:_MOST_LINES]:
        other = read_tag(plain_line(line[:LONGEST_HEAD]))
        same = [one for one in found if other is not None and one.is_same(other)]
        if other is None or not other.is_plain:
            between.append(line)
        elif same:
            same[0].complete(other)
            between += [other.note] if other.note and same[0] is first else []
        else:
            found.append(other)
            lines.append(line)
    if not lines[1:] and first.client == said.report.client and len(between) == len(said.rest.splitlines()):
        return said, ()
    rest = "\n".join(between).strip()
    note = said.report.note.removesuffix(said.rest.strip()).rstrip("\n")
    report = _report(first, note, rest)
    report = replace(report, beside=said.report.beside, sent=said.report.sent or report.sent)
    return replace(said, rest=rest, report=report), tuple(lines[1:])


# --- notes ------------------------------------------------------------------------------------------


def _tells_sent(note: str, client: str | None) -> bool:
    """Whether the note begins with a word for SENT that counts: "texted", "texted him, he waits", "told Sam".

    Not "called, no answer", nor "told reception": in doubt the reminders stay (contract section 3, "When a word
    counts").
    """
    found = vocabulary.match(note, client)
    if found is None or found.word is not Word.SENT or "?" in note:
        return False
    rest, own = found.rest, told.without_client(found.rest, client)
    if doubts.second_outcome(rest, None) or doubts.denies_sending(own) or doubts.takes_back(own):
        return False
    if doubts.holds(rest, doubts.BUSINESS) or (not found.gap.strip() and doubts.is_for_another(found, client)):
        return False
    return found.capitals or found.phrase or not rest or bool(found.gap.strip())


def _named(note: str) -> tuple[Draft, ...]:
    """The clients of a note that is nothing but names: "Kim", "Kim, Lee and Jo", "Kim AT 3"; none of any other.

    In lower case a word is one only where people are called so; a reason never is.
    """
    parts = [_without_and(part.split()) for half in re.split(r"[,;]", note) for part in _AND.split(half)]
    drafts = [read_tag(f"LATE 1 {' '.join(part)}") for part in parts if part]
    if doubts.gives_reason(note):
        return ()
    found = [one for one in drafts if one and one.client and one.opens and not one.note]
    called = all(part[0][:1].isupper() or fold(part[0]) in GIVEN_NAMES for part in parts if part)
    return tuple(found) if called and len(found) == len(drafts) else ()


_AND = re.compile(r"\s(?:and|&|also)\s", re.IGNORECASE)


def _without_and(part: list[str]) -> list[str]:
    return part[1:] if part and part[0].casefold() in {"and", "&", "also"} else part


# --- courtesy ---------------------------------------------------------------------------------------

_THANKS = (
    "thanks a lot|thanks so much|thanks very much|many thanks|thanks|thank you so much|thank you very much|thank you|"
    "thankyou|thx|tx|ty|cheers|much appreciated|appreciated|appreciate it|ok|okay|kk|k|got it|understood|noted|roger|"
    "copy that|great|perfect|lovely|good|very good|all good|sounds good|will do|no problem|no worries|np|right|"
    "all right|alright|fine|that's fine|cool|super|wonderful|received|well received|for letting me know|for the update|"
    "for your help|for this|again|everyone|you too|bye|have a good day"
)
_COURTESY = re.compile(rf"(?:(?:{'|'.join(sorted(_THANKS.split('|'), key=len, reverse=True))})(?!\w)\W*)+")
_MOST_COURTEOUS = 200
"""Characters: whatever is longer says more than thanks."""
_SIGNED_WORDS = 2
"""Words of a name behind the thanks: "Thanks Alex", "ok. Dana Lee"."""


def _is_courtesy(text: str) -> bool:
    """Whether a text is nothing but thanks or acknowledgement: "ok, thanks", "Got it. Dana", a thumb up."""
    said = text.strip()
    if not said or len(said) > _MOST_COURTEOUS or "?" in clean(said):
        return False
    if any(piece.meaning is not None for piece in vocabulary.pieces(said)):
        return False
    clauses = [fold(clause) for line in said.splitlines() for clause in re.split(r"[,.;:!]|\s-\s", clean(line))]
    thanked = False
    for clause in filter(None, clauses):
        found = _COURTESY.match(clause)
        thanked = thanked or found is not None
        left = clause[found.end() :].split() if found else clause.split()
        named = thanked and len(left) <= _SIGNED_WORDS and as_client(left) is not None
        if left and not named and not greets(clause):
            return False
    return thanked or not any(clauses)
