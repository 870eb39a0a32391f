"""SENT as people write it, and what they say that the client answered: grammar, where `vocabulary` has phrases.

"I have just texted her", "sent a text to both", "she'll wait", "Sam would rather rebook". Whether it counts is `reply`.
Contract section 3, "Replies". Pure, linear in the text, never raising.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from workflow.core.language.plain import clean, fold
from workflow.core.model import Says

MOST_READ = 400
"""So many characters of a line are looked at for such a form: nobody takes more to say it."""

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_CONTRACTED = {"ll": "will", "d": "would", "s": "is", "re": "are", "ve": "have"}
_NEVER_NAMES = frozenset({"a", "i", "and", "will"})
"""Written small they are themselves, even where the client is called Will, or A."""

_NAME = "@(?: (?:and )?@)*"
_WHO = rf"(?:(?:them both|both of them|both|her|him|them|(?:the |my )?clients?)(?: {_NAME})?|{_NAME})"
_MESSAGE = "(?:text messages?|texts?|messages?|msgs?|sms|e ?mails?|draft|apology)"
_LEAD = "(?:(?:i|ive|have|just|already|also|now) )*"
_VERB = "(?:sent|texted|messaged|called|e ?mailed|told)"
_OBJECT = (
    rf"(?: it)?(?: {_WHO})?(?: (?:(?:a|an|the|my) )?(?:(?:quick|short|brief) )?{_MESSAGE})?(?: to {_WHO})?(?: both)?"
)
_SENT = re.compile(rf"(?P<lead>{_LEAD})(?P<verb>{_VERB}(?: (?:and|n) {_VERB})*)(?P<object>{_OBJECT})(?= |$)")
_WAS_SENT = re.compile(
    rf"(?:(?:the|a|my) )?{_MESSAGE}(?: was| were| is| are| has been| have been)?(?: just)? sent(?: to {_WHO})?(?= |$)"
)
_REACHED = re.compile(rf"{_LEAD}(?:contacted|reached|spoken? (?:to|with)) {_WHO}(?= |$)")

_CLIENT = rf"(?:she|he|they|both|(?:the |my )?clients?(?: {_NAME})?|{_NAME})"
_AND = "(?:(?:,|and|but|so|because|as|since|although|though|that(?! (?:can|will|is|was) )|while|who) )*"
_SAYS = f"(?:{_CLIENT} (?:says?|said|replied|answered|wrote|told me)(?: that)? )?"
_VERY = "(?:(?:quite|very|totally|perfectly|absolutely|really|also|still|more than|gladly|happily) )?"
_WAITS = (
    f"(?:(?:can|will) {_VERY}wait"
    f"|(?:(?:is|are|was|were|will be|would be) )?{_VERY}(?:fine|ok|okay|happy|glad|good|willing|content)"
    " (?:to wait|with waiting|waiting)"
    "|(?:does not|doesn't|doesnt|do not|don't|dont) mind (?:waiting|to wait)"
    "|agreed to wait)"
)
_WANTS = "(?:wants?|wanted|would (?:like|love|rather|prefer)|prefers?|preferred|ask(?:s|ed)(?: us| me)?|needs?)"
_NEW_TIME = "(?:a new|a different|another) (?:time|date|day|slot|appointment|session)"
_REBOOKS = (
    "(?:(?:can't|cant|cannot|can not|won't|will not) wait (?:(?:,|and|so|but|she|he|they) )*)?"
    f"(?:{_WANTS} (?:to )?(?:be )?(?:re ?scheduled?|re ?book(?:ed)?)"
    f"|(?:{_WANTS}|would rather have|ask(?:s|ed) for) {_NEW_TIME})"
)
_ANSWER = re.compile(rf"{_AND}{_SAYS}(?P<whose>{_CLIENT} )?(?:(?P<waits>{_WAITS})|(?P<rebooks>{_REBOOKS}))(?= |$)")
_ABOUT_CLIENT = re.compile(f"{_AND}{_CLIENT} ")
_NOT_GOT = re.compile(r"\b(?:not|never|\w+n'?t) (?:\w+ )?(?:get|got|gotten|receive[ds]?|see|seen)\b")
"""What is said of the client, and denies the sending all the same: "she didn't get it"."""

_CLAUSE = re.compile(r"(?:[,.;:!()\n]|\s-+\s|\b(?:and|but|so|because|since|although|though)\b)\s*")


@dataclass(frozen=True, slots=True)
class Form:
    """One of these forms at the start of a text."""

    end: int
    """Where it ends in the text."""
    object: bool
    """It says whom it reached, or what was sent."""
    reached: bool = False
    """"spoke to her": what admin says for CONTACTED."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What the client answered, at the start of a text."""

    says: Says
    end: int
    """Where it ends in the text."""
    whose: bool
    """It says whose answer it is: "can wait" alone does not."""


def sent_form(shown: str, start: int, client: str | None) -> Form | None:
    """The form of SENT, or of reaching the client, at `start`: the verb with what leads to it and with its object.

    `shown`: cleaned. None: there is none; nor is one that leads on to something else ("I told Alex", "I called in
    sick"), while the bare verb may go on.
    """
    said, ends = _spoken(shown, start, client)
    if found := _SENT.match(said):
        whole = bool(found["object"])
        joined = len(found["verb"].split()) > 2  # "texted and called", which says no more than its first word
        if not whole and (joined or (found["lead"] and not _is_parted(said, found.end()))):
            return None
        return Form(_end(ends, found), whole)
    if (found := _WAS_SENT.match(said)) and _is_parted(said, found.end()):
        return Form(_end(ends, found), object=True)
    if found := _REACHED.match(said):
        return Form(_end(ends, found), object=True, reached=True)
    return None


def answer_in(shown: str, start: int, client: str | None) -> Answered | None:
    """The client's answer at `start` of a cleaned text, as whoever wrote passes it on."""
    said, ends = _spoken(shown, start, client)
    found = _ANSWER.match(said)
    if found is None:
        return None
    return Answered(Says.WAITS if found["waits"] else Says.REBOOK, _end(ends, found), bool(found["whose"]))


def tells_other(text: str, says: Says) -> bool:
    """Whether a text goes on to the other answer: "she can wait, or rebook"."""
    said, _ = _spoken(clean(text), 0, None)
    other = r"\b(?:or|re ?schedul\w*|re ?book\w*)\b" if says is Says.WAITS else rf"\b(?:or|{_WAITS})\b"
    return re.search(other, said) is not None


def without_client(text: str, client: str | None) -> str:
    """The text without what it says of the client: "but she can't come today" denies nothing that was sent."""
    kept, at = [], 0
    for end in [*(found.end() for found in _CLAUSE.finditer(text)), len(text)]:
        clause = text[at:end]
        said, _ = _spoken(clean(clause), 0, client)
        if not _ABOUT_CLIENT.match(f"{said} ") or _NOT_GOT.search(said):
            kept.append(clause)
        at = end
    return "".join(kept)


def _spoken(shown: str, start: int, client: str | None) -> tuple[str, list[int]]:
    """The words, folded, contractions in full, ``@`` for one of the client's name and a comma where something parts
    them; and where each ends.
    """
    names = {found.group() for found in _WORD.finditer(fold(client or ""))} - {"and"}
    words: list[str] = []
    ends: list[int] = []
    at = start
    for found in _WORD.finditer(shown, start, start + MOST_READ):
        gap = shown[at : found.start()].strip(" .&" if words[-1:] == ["@"] else " ")
        if words and gap not in {"", "-"}:
            words.append(",")
            ends.append(at)
        at = found.end()
        word, mark, short = fold(found.group()).rpartition("'")
        more = [_CONTRACTED[short]] if mark and short in _CONTRACTED else []
        word = word if more else fold(found.group())
        named = word in names and found.group() not in _NEVER_NAMES
        words += ["@" if named else word, *more]
        ends += [at] * (1 + len(more))
    return " ".join(words), ends


def _is_parted(said: str, end: int) -> bool:
    return said[end:] == "" or said.startswith(" ,", end)


def _end(ends: list[int], found: re.Match[str]) -> int:
    return ends[len(found.group().split()) - 1]
