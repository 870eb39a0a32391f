"""The table of contract section 3, "Replies", as data, and where a line holds one of its words.

It says which word stands where, not whether it counts: that depends on the case and on who writes, and is `reply`.
Pure, linear in the text, never raising.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from workflow.core.kinds import OF_TAG
from workflow.core.language import told
from workflow.core.language.plain import clean, fold
from workflow.core.language.times import is_when
from workflow.core.mail import Word
from workflow.core.model import Outcome, Says
from workflow.core.rules import Kind


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a phrase of the table stands for."""

    word: Word
    outcomes: tuple[Outcome, ...] = ()
    """The outcomes it can be: which one, the kind of the case says ("here": connected, or arrived)."""
    longer: bool = False
    """One of the table's longer phrases: it needs no punctuation after it."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A phrase of the table, or any other single word, and where it stands in the text."""

    said: str
    folded: str
    start: int
    end: int
    meaning: Meaning | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """The phrase of the table that a line starts with."""

    word: Word
    outcomes: tuple[Outcome, ...]
    said: str
    """As written, with the pronoun or the client's name that belongs to it."""
    gap: str
    """What parts it from the rest: spaces and punctuation."""
    rest: str
    """What follows, the punctuation after the word skipped."""
    capitals: bool
    """It stood in capitals: any text may follow."""
    phrase: bool
    """One of the longer phrases."""
    folded: str
    """The phrase of the table itself, folded: without CLOSE, pronoun or name."""
    closes: bool
    """Admin's CLOSE stands before it."""
    lone: bool
    """The whole line is that word, alone or with a day, a time or minutes; a "?" after it does not matter here."""


SENT = Meaning(Word.SENT)
_SENT_TO = Meaning(Word.SENT, longer=True)
_RESCHEDULED = Meaning(Word.OUTCOME, (Outcome.RESCHEDULED,))
_UNREACHABLE = Meaning(Word.OUTCOME, (Outcome.UNREACHABLE,))
_UNREACHED = Meaning(Word.OUTCOME, (Outcome.UNREACHABLE,), longer=True)
_CONNECTED = Meaning(Word.OUTCOME, (Outcome.CONNECTED,))
_ARRIVED = Meaning(Word.OUTCOME, (Outcome.ARRIVED,))
_HERE = Meaning(Word.OUTCOME, (Outcome.CONNECTED, Outcome.ARRIVED))
_STAYED_AWAY = Meaning(Word.OUTCOME, (Outcome.ABSENT,), longer=True)
_MISSED = Meaning(Word.NOSHOW, (Outcome.ABSENT,))
_NO_SHOW = Meaning(Word.NOSHOW, (Outcome.ABSENT,), longer=True)
_CLIENT_NO_SHOW = Meaning(Word.WAITING, (Outcome.ABSENT,), longer=True)
_CANCEL = Meaning(Word.CANCEL)

SAYS = {Word.WAITS: Says.WAITS, Word.REBOOK: Says.REBOOK}

HEADWORDS = {
    **{word.lower(): Meaning(word) for word in Word if word not in {Word.OUTCOME, Word.CANCEL}},
    **{outcome.value: Meaning(Word.OUTCOME, (outcome,)) for outcome in Outcome},
    "sent": SENT,
    "noshow": _MISSED,
}
"""The first column of the table, folded."""

ALSO = {
    "texted": SENT,
    "messaged": SENT,
    "called": SENT,
    "emailed": SENT,
    "e mailed": SENT,
    "told": SENT,
    "done": SENT,
    "rebooked": _RESCHEDULED,
    "resched": _RESCHEDULED,
    "re scheduled": _RESCHEDULED,
    "unable": _UNREACHABLE,
    "unable to reach": _UNREACHED,
    "couldn't reach": _UNREACHED,
    "couldnt reach": _UNREACHED,
    "no answer": _UNREACHED,
    "voicemail": _UNREACHABLE,
    "here": _HERE,
    "joined": _CONNECTED,
    "started": _CONNECTED,
    "came": _ARRIVED,
    "didn't come": _STAYED_AWAY,
    "didnt come": _STAYED_AWAY,
    "no show": _NO_SHOW,
    "missed": _MISSED,
    "client late": Meaning(Word.WAITING),
    "client noshow": _CLIENT_NO_SHOW,
    "client no show": _CLIENT_NO_SHOW,
    "make up": Meaning(Word.MAKEUP),
}
"""The second column and the tags' other forms, folded; a hyphen is written as a space ("no-show", "re-scheduled")."""

_MEANINGS = HEADWORDS | ALSO

TAG_PHRASES: Mapping[Kind, tuple[str, ...]] = {
    kind: tuple(sorted((said for said, meaning in _MEANINGS.items() if meaning.word is word), key=len, reverse=True))
    for word, kind in OF_TAG.items()
}
"""How each tag may be written, the longest first: no form hides one that goes on behind it."""

UNTIL_SENT = frozenset({"no answer", "voicemail"})
"""Before SENT they may tell of the first attempt alone: they are asked back (contract section 3)."""

_POINTED = frozenset({Word.CANCEL, Word.WAITS, Word.REBOOK})
"""No word of the table, and the client's answer: never taken for the only open case."""

LONGEST_LINE = 10_000
"""So many characters of a text are read for words. Nobody writes more to say one; `reply` doubts a longer line."""

_TO_REACH = frozenset({"unable to reach", "couldn't reach", "couldnt reach"})

PRONOUNS = frozenset({"her", "him", "them"})

_PHRASES = {tuple(phrase.split()): meaning for phrase, meaning in _MEANINGS.items()}
_LONGEST = max(map(len, _PHRASES))

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_SIGNATURE = re.compile(
    r"sent (?:from|with|via|using|by) (?:my|outlook|gmail|yahoo|proton|mail|samsung|iphone|ipad|android|galaxy|pixel"
    r"|blackberry|mobile|spark|superhuman|front|apple|aol|hey|webmail)\b"
    r"|sent ?: ?(?:mon|tue|wed|thu|fri|sat|sun|\d)",
    re.IGNORECASE,
)
"""What mail programs write, in any case of letters: "Sent from my iPhone", and "Sent: Monday, ..." above a quote."""
_SIGNED = re.compile(r"[Ss]ent (?:from|with|via|using)\b")
"""The same with whatever product's name, when SENT is not in capitals."""


def listed(text: str) -> frozenset[str]:
    """These words as a set: how this module and `doubts` write their lists."""
    return frozenset(text.split())


# --- phrases ----------------------------------------------------------------------------------------


@lru_cache(maxsize=64)  # the same few lines are asked about again and again while a mail is read
def pieces(text: str) -> tuple[Piece, ...]:
    """The text as a row of the table's phrases, longest first, and of the single words between them."""
    shown = plain(text)
    words = [(found.group(), fold(found.group()), found.start(), found.end()) for found in _WORD.finditer(shown)]
    row: list[Piece] = []
    at = 0
    while at < len(words):
        count, meaning = _phrase([folded for _, folded, _, _ in words[at : at + _LONGEST + 1]])
        start, end = words[at][2], words[at + count - 1][3]
        folded = " ".join(word for _, word, _, _ in words[at : at + count])
        row.append(Piece(shown[start:end], folded, start, end, meaning))
        at += count
    return tuple(row)


def match(line: str, client: str | None = None) -> Match | None:
    """The word of the table that the line starts with, whatever follows; None: it starts with none.

    With the case's `client`, that name belongs to the word as a pronoun does: "texted Sam"; forms that are no phrases
    are `told`'s. A mail program's signature ("Sent from my iPhone") is never SENT. Contract section 3, "Replies".
    """
    shown = plain(line)
    row = pieces(line)
    # Nothing but a bullet stands before a word; after a quotation mark, somebody else is speaking.
    if not row or shown[: row[0].start].strip(" -.,:;!"):
        return None
    if (answered := told.answer_in(shown, row[0].start, client)) is not None:
        said = Meaning(Word[answered.says.name], longer=answered.whose)
        return _matched(shown, row[0].start, answered.end, said)
    ends = row[1].meaning if len(row) > 1 and row[0].folded == "close" else None
    closes = ends is not None and bool(ends.outcomes)
    first = row[1] if closes else row[0]
    meaning = first.meaning
    if meaning is None:
        form = told.sent_form(shown, row[0].start, client)
        if form is None:
            return None
        said = Meaning(Word.CONTACTED if form.reached else Word.SENT, longer=form.object)
        return _matched(shown, row[0].start, form.end, said)
    if meaning.word is Word.SENT and (_SIGNATURE.match(shown) or _SIGNED.match(shown)):
        return None
    end = first.end
    told_in_prose = meaning.word is Word.CONTACTED and not first.said.isupper()
    if (meaning.word is Word.SENT and first.folded != "done") or told_in_prose:
        form = told.sent_form(shown, first.start, client)
        end = max(end, form.end if form is not None else end)
    elif first.folded in _TO_REACH:
        end = _end_of_name(shown, end, client)
    found = _matched(shown, row[0].start, end, replace(meaning, longer=meaning.longer or end > first.end))
    return replace(found, capitals=first.said.isupper(), folded=first.folded, closes=closes)


def _matched(shown: str, start: int, end: int, meaning: Meaning) -> Match:
    after = shown[end:]
    rest = after.lstrip(" .,;:!-+&()/\"'")
    return Match(
        word=meaning.word,
        outcomes=meaning.outcomes,
        said=shown[start:end],
        gap=after[: len(after) - len(rest)],
        rest=rest.rstrip(")") if "(" not in rest else rest,
        capitals=shown[start:end].isupper(),
        phrase=meaning.longer,
        folded=fold(shown[start:end]),
        closes=False,
        lone=_is_lone(meaning, rest),
    )


def answer_in(text: str, client: str | None) -> Match | None:
    """What the client answered, at the start of what follows a word: "she'll wait, but not long"."""
    found = match(text, client)
    return found if found is not None and found.word in SAYS else None


def makeup_in(text: str) -> tuple[str, bool]:
    """Whether MAKEUP stands in what follows an outcome, and the text without it where it stands at an end."""
    shown = plain(text)
    row = pieces(text)
    for at, piece in enumerate(row):
        if piece.meaning is None or piece.meaning.word is not Word.MAKEUP:
            continue
        if at and row[at - 1].folded in {"no", "without", "to"}:
            continue  # "no make-up", and the verb: "to make up for it"
        before, after = shown[: piece.start].rstrip(" ,;:.+-(/"), shown[piece.end :].lstrip(" ,;:.)!/")
        if not after and (not before or is_when(before)):
            return before, True
        if not before and is_when(after):
            return after, True
        return text, True
    return text, False


def plain(text: str) -> str:
    """The text in which a Piece's positions count: cleaned, cut, and without the signs that mean bold and italics."""
    return clean(text[:LONGEST_LINE].replace("*", " ").replace("_", " "))


def _phrase(ahead: list[str]) -> tuple[int, Meaning | None]:
    """How many of these folded words are one phrase of the table, longest first; one, when they are none."""
    if ahead[0].startswith("cancel"):
        return 1, _CANCEL
    if ahead[0] == "client" and len(ahead) > 1 and ahead[1].startswith("cancel"):
        return 2, _CANCEL
    for count in range(min(_LONGEST, len(ahead)), 0, -1):
        meaning = _PHRASES.get(tuple(ahead[:count]))
        if meaning is None:
            continue
        if meaning is SENT and len(ahead) > count and ahead[count] in PRONOUNS and ahead[0] != "done":
            return count + 1, _SENT_TO
        return count, meaning
    return 1, None


def _end_of_name(shown: str, at: int, client: str | None) -> int:
    """Where the object of the word ends: a pronoun, or words of the client's name; `at` when there is none."""
    names = {found.group() for found in _WORD.finditer(fold(client or ""))}
    end = at
    for found in _WORD.finditer(shown, at):
        if shown[end : found.start()].strip(" .&"):
            break
        name = fold(found.group())
        if name in PRONOUNS and end == at:
            return found.end()
        if name == "will" and found.group() == "will":
            break  # the verb, even where the client is called Will
        if name not in names:
            break
        end = found.end()
    return end


def _is_lone(meaning: Meaning, rest: str) -> bool:
    if meaning.word in _POINTED:
        return False
    said, _ = makeup_in(rest)
    said = said.strip(" ?")
    return not said or is_when(said, bare_number=meaning.word is Word.LATE)
