"""Why a word of the table must not count: what else stands in the line, or under it. Contract section 3.

Each function finds one reason for doubt; which words they are asked about, and what follows from a doubt, is `reply`.
The lists are short and of everyday English: a doubt too many costs one tap, a doubt too few closes a case wrongly.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from workflow.core.kinds import OF_TAG
from workflow.core.language import names, times, vocabulary
from workflow.core.language.given_names import GIVEN_NAMES
from workflow.core.language.plain import fold
from workflow.core.language.reasons import REASONS
from workflow.core.language.vocabulary import Piece
from workflow.core.mail import Word
from workflow.core.model import Outcome
from workflow.core.rules import Kind

_NEGATIONS = vocabulary.listed(
    "not never cannot will nope wont dont didnt doesnt cant couldnt wouldnt shouldnt isnt wasnt arent werent hasnt "
    "havent hadnt"
)
"""Contract section 3: "not", "n't", "cannot", "will"; with the ways in which a thumb writes them."""

_UNDONE = vocabulary.listed(
    "asked attempted awaiting declined failed false impossible later needed offered pending proposed refused requested "
    "soon suggested tba tbc tbd wrong"
)
"""Right after the word these take it back: "RESCHEDULED pending"."""

_UNDONE_TO = vocabulary.listed("be confirm decide determine discuss do follow hold")
"""The same after "to" and "on": "rescheduled to be confirmed", "on hold"."""

_FAILED = vocabulary.listed("bounced undeliverable undelivered")
"""What never reached anybody, wherever these stand."""

_REFUSING = frozenset("\u274c\u274e\u2716\u26d4\U0001f44e\U0001f6ab\U0001f645")
"""Emoji do not matter (section 3), but for those that say no."""

HEDGES = vocabulary.listed(
    "almost awaiting believe busy but coming confirm could eventually except failed far finally first guess hope "
    "hopefully however if initially maybe mean meant might nearly needs otherwise perhaps possibly probably scratch "
    "should still suppose tentatively think though trying unless until would yet"
)
"""A sentence that goes on like this only sounds like an outcome: "no answer yet"."""

_UNSURE = vocabulary.listed(
    "almost apparently could hopefully if maybe might nearly perhaps possibly presumably probably should supposedly "
    "tentative tentatively unconfirmed unless until was were wont would yet"
)
"""Right after the word these leave it open, in any case of letters: "RESCHEDULED MAYBE", "NOSHOW yet"."""

_UNSURE_OF_TIME = vocabulary.listed(
    "hopefully if maybe penciled pencilled pending perhaps possibly probably proposed provisional provisionally "
    "subject tba tbc tentative tentatively unconfirmed unless"
)
"""The same behind a day or a time: "RESCHEDULED Tue 3pm maybe"."""

_LED_BY = _UNSURE_OF_TIME | {"wrong"}

_WITHDRAWS = (
    r"never ?mind|hold on|hang on|wrong|(?:my )?mistake|(?:please |pls |plz |kindly )?(?:scratch|ignore|disregard|"
    r"strike)|(?:please |pls |plz )?forget (?:it|that|this)|correction|"
    r"false alarm|cancel that|typo|incorrect|i was wrong|"
    r"i take (?:it|that|this) back|(?:i )?(?:spoke )?too soon"
)
_TAKES_BACK = re.compile(rf"(?:no|nope|nah|not|wait|{_WITHDRAWS})(?![\w-])")
"""How a sentence begins that takes the line above it back (contract section 3)."""
_SECOND_THOUGHT = re.compile(rf"(?:{_WITHDRAWS})(?![\w-])")
"""The same in the line itself, where "no" and "wait" may be about the client: "no make-up"."""

_UNSETTLED = re.compile(r"\bnot (?:yet|confirmed)\b")
_STILL_OPEN = re.compile(
    r"\b(?:not|\w+n'?t) (?:\w+ ){0,2}(?:yet|confirmed|sure|agreed|certain|final|definite|fixed)\b"
    r"|\b(?:unconfirmed|tbc|tba|tentative|tentatively|to be confirmed)\b"
    r"|^(?:(?:i'm|we're|i am|we are) )?(?:still )?"
    r"(?:(?:waiting (?:for|on)|awaiting) (?:her|him|his|their|them)|pending)\b"
    r"|^(?:just )?(?:let me|need to|have to|i need to|i have to) (?:double[ -]?)?(?:check|confirm|ask)\b"
    r"|^\W*(?:(?:but )?only )?(?:if|unless|provided|assuming) (?:it|that|this|she|he|they|the)\b"
    r"|^(?:maybe|perhaps|hopefully|probably)\b"
)
"""What else of an outcome is not settled: "she has not agreed yet", "waiting for her OK", "if that suits her"."""
_FOR_NOW = re.compile(
    r"(?:so far|thus far|up to now|until now|(?:as of|for|right|just) now|(?:for|at) (?:the|this) moment|currently)\b"
)
_ANSWERED = re.compile(
    r"\b(?:she|he|they|client)(?:'s| has| have)?(?: just| now| finally)* (?:answered|replied|picked up"
    r"|(?:called|phoned|rang|texted|wrote|messaged|e ?mailed|got) (?:(?:me|us) )?back)\b"
)
_OF_ANOTHER = re.compile(
    r"\b(?:that|this|it)(?:'s| is| was)(?: meant)?(?: about| for)? (?:the |a |an )?(?:wrong|other|another|different)\b"
    r"|\b(?:that|this|it)(?:'s| is| was)(?: not|n't) (?:right|correct|true|(?:her|him|them)(?! \w))"
    r"|\b(?:that|this|it)(?:'s| is| was) (?:incorrect|a mistake|a typo)\b"
    r"|^(?:the |an? )?(?:other|another|different) (?:client|case|person|one|thread|session)\b"
    r"|\b(?:i|we) meant\b|\bwrong (?:client|case|person|one|thread|session|mail|email)\b"
)
_WAS_FOR = re.compile(
    r"(?:\b(?:that|this|it) (?:was|went)(?: meant)?(?: (?:for|about|to))?|^for) (.{1,100})", re.IGNORECASE
)
"""What was said belongs to somebody else: "that was the other client", "that was for Kim", "oops, it went to Kim"."""

_WITHDRAWING = frozenset({Word.UNDO, Word.MISTAKE})

_NO_REPLY = re.compile(
    r"\bno (?:reply|replies|response|word|news)(?: (?:back|from \w+))?(?: (?:yet|so far))?\b", re.IGNORECASE
)
"""What may be said of a message that was sent all the same."""

_NOBODY = re.compile(r"\b(?:nobody|no[ -]?one|no client)\b", re.IGNORECASE)

BUSINESS = vocabulary.listed("bill fee fees form forms homework insurance intake invoice payment receipt statement")
"""Mail about these is not the message that the policy asks for: "emailed him the invoice"."""

_OTHER_OBJECT = vocabulary.listed("to you your yourself my")
"""Right after SENT, in capitals or not, they say that something went to somebody else, or something else went."""
_SOMEBODY_ELSE = re.compile(
    r"(?:at |in )?(?:the )?(?:front |reception )?(?:desk|reception|receptionist)\b"
    r"|(?:(?:\w+ )?\w+'s |(?:the|her|his|him|their|them|both|a|an|step) ){0,4}(?P<who>aunt|boss|boyfriend|brother|"
    r"caregiver|caseworker|clinic|dad|daughter|doctor|emergency|employer|family|father|fianc[e\u00e9]e?|friend|"
    r"girlfriend|gp|grand(?:father|mother|ma|pa)|guardian|husband|lawyer|mom|mother|mum|neighbou?r|nurse|office|parents?|"
    r"partner|psychiatrist|roommate|school|sister|son|spouse|teacher|uncle|wife|work)\b"
)
"""Who was reached instead: "her mom", "Sam's mother", "at the front desk"; "at work" it was the client."""

_PROSE = frozenset({"other", "unable", "started", "joined"})
"""Outcome words so common in a longer text that there they count only at the start of a line."""

_SENTENCE_STARTS = vocabulary.listed(
    "agreed apologised apologized explained gave he new offered promised rang she spoke talked tried"
)
"""After a word and a full stop these begin a sentence with a capital, not a name; clinic words are none anyway."""

_LEADS_TO_NAME = frozenset({"with", "for", "to", "from", "about"})
_LEADS_TO_TIME = frozenset({"to", "for", "on", "at"})
_ENDS = ",;:.!)"
_AILMENT = re.compile(r"\w{3}(?:itis|ache|osis|emia|rhea|rhoea|pox|sick|ness)$")
"""How the names of illnesses end: no client is called Bronchitis."""
_LETTERS = re.compile(r"[^\W\d_]+(?:['.-][^\W\d_]+)*\.?")


def second_outcome(text: str, outcome: Outcome | None, *, prose: bool = False) -> str | None:
    """The first phrase of an outcome that is not `outcome` (None: of any outcome), folded; None: there is none.

    "Other" counts in capitals only, "missed" never; in `prose`, more everyday words count only where the text starts
    with them.
    """
    for at, piece in enumerate(vocabulary.pieces(text)):
        if piece.meaning is None or piece.folded == "missed":
            continue
        if not piece.meaning.outcomes or outcome in piece.meaning.outcomes or _is_everyday(piece, prose and at > 0):
            continue
        return piece.folded
    return None


def second_outcome_below(rest: str, outcome: Outcome | None, *, from_subject: bool) -> str | None:
    """The same in the text under the speaking line, where a line says it, and nothing else or in capitals.

    Under a subject it may stand anywhere: "two outcomes in subject and text" close nothing.
    """
    for line in rest[: vocabulary.LONGEST_LINE].splitlines():
        found = vocabulary.match(line)
        differs = found and (found.word in _WITHDRAWING or (found.outcomes and outcome not in found.outcomes))
        if found and differs and (found.lone or found.capitals):
            return found.folded
        if from_subject and (second := second_outcome(line, outcome, prose=True)):
            return second
    return None


def denies(text: str) -> bool:
    """Whether "not", "n't", "cannot" or "will" stands in it outside the table's phrases, or a "no" that ends it."""
    shown, row = vocabulary.plain(text), vocabulary.pieces(text)
    for at, piece in enumerate(row):
        if piece.folded in _NEGATIONS or piece.folded.endswith(("n't", "'ll")):
            return True
        if piece.folded == "no":
            following = row[at + 1].folded if at + 1 < len(row) else ""
            if following in {"", "longer"} or shown[piece.end] in _ENDS:
                return True
    return False


_UNDELIVERED = (
    r"\b(?:not|cannot|can'?t|\w+n't) (?:\w+ )?"
    r"(?:send|sent|go(?:ne)?|deliver\w*|(?:get|got|receive[ds]?) (?:it|the|my))\b"
    r"|\b(?:failed|bounced|undeliver\w+|(?:not in|out of) service)\b|\bnumber (?:is |was |has been )?disconnected\b"
)
_NOT_DELIVERED = re.compile(_UNDELIVERED)
_NOT_SENT = re.compile(
    r"\b(?:not yet|did(?: not|n'?t)|could(?: not|n'?t)|failed|wrong|nobody|no ?one|never)\b"
    r"|^(?:no(?! (?:problems?|worries|rush|trouble))|not|nope|won'?t|cannot|can'?t)\b"
    r"|^(?:i|we)(?: can'?t| cannot| have not| haven'?t)\b"
    r"|^(?:(?:i|we)(?: will|'ll)|will)(?: (?:do|send|text|message|e ?mail|get|it|later|soon|when|as)\b|$)"
    r"|\btry(?:ing)?\b|\b(?:no luck|in vain|without success)\b"
    r"|\b(?:not|cannot|can'?t|\w+n't) (?:\w+ )?(?:get|through|work\w*|reach\w*|connect\w*)\b"
    rf"|{_UNDELIVERED}"
)
"""What denies that the client was messaged or reached: "CONTACTED not yet"; that she "can't come today" does not."""


def denies_sending(rest: str) -> bool:
    return _NOT_SENT.search(fold(rest)) is not None


def denies_delivery(sentence: str) -> bool:
    """Whether the sentence under a word for SENT says that the message never arrived: "it says not delivered"."""
    return _NOT_DELIVERED.search(fold(sentence)) is not None


def is_for_another(said: vocabulary.Match, client: str | None) -> bool:
    """Whether somebody or something else is the object: "SENT to her mother", "called in sick", "SENT the bill"."""
    rest, row = fold(said.rest), vocabulary.pieces(said.rest)
    other = _SOMEBODY_ELSE.match(rest)
    if other is not None and other["who"] not in words_of_name(client):
        return True
    if rest.startswith("in sick") or (row and row[0].folded in _OTHER_OBJECT):
        return True
    return holds(" ".join(said.rest.split()[:2]), BUSINESS)


def takes_back(rest: str) -> bool:
    """Whether what follows a word takes it back: "RESCHEDULED pending", "SENT by mistake"."""
    row = vocabulary.pieces(rest)
    withdrawn = any(piece.meaning is not None and piece.meaning.word in _WITHDRAWING for piece in row)
    first, second = [*(piece.folded for piece in row[:2]), "", ""][:2]
    undone = first in _UNDONE or (first in {"to", "on", "may"} and second in _UNDONE_TO | _UNDONE)
    return undone or withdrawn or holds(rest, _FAILED)


def leaves_open(rest: str) -> bool:
    """Whether the word stands before what leaves it open: "RESCHEDULED MAYBE", "SENT to the wrong Sam", "NOSHOW yet".

    Between them stands nothing, or what says when. In capitals, too.
    """
    row = vocabulary.pieces(rest)
    if row and row[0].folded in _UNSURE:
        return True
    shown = vocabulary.plain(rest)
    for piece in row[:_MOST_LEADING]:
        if piece.folded in _LED_BY:
            return True
        if times.Span.OTHER in times.spans(shown[: piece.end]):
            break
    return False


_MOST_LEADING = 8
"""Words of a day and a time: "to the wrong", "Tue the 14th at 3 pm"."""


def is_still_open(text: str) -> bool:
    """Whether it says of an outcome that it is not settled."""
    return _STILL_OPEN.search(fold(text)) is not None


def holds_for_now(rest: str) -> bool:
    """Whether somebody is absent or out of reach for the moment only: "UNREACHABLE so far"."""
    return _FOR_NOW.match(fold(rest)) is not None


def answered(text: str) -> bool:
    """Whether the client answered after all: "UNREACHABLE", and "she just called back"."""
    return _ANSWERED.search(fold(text)) is not None


def is_second_thought(sentence: str) -> bool:
    """Whether what follows the word in its line takes it back: "CONNECTED, scratch that"."""
    return _SECOND_THOUGHT.match(fold(sentence)) is not None


def takes_back_below(sentence: str, client: str) -> bool:
    """Whether the sentence right under a word takes it back: "no wait, that was the other client"."""
    folded, whom = fold(sentence), _WAS_FOR.search(sentence)
    if _TAKES_BACK.match(folded) or _UNSETTLED.search(folded) or _OF_ANOTHER.search(folded):
        return True
    return client != "" and whom is not None and names_another(whom[1], client, (), parted=False)


def refuses(line: str) -> bool:
    """Whether an emoji in it says no: "RESCHEDULED" and a cross."""
    return not _REFUSING.isdisjoint(line)


def of_another_kind(rest: str, kind: Kind) -> bool:
    """Whether a tag of another kind of case stands in it: "RESCHEDULED, waiting to hear"; "late" in capitals only."""
    for piece in vocabulary.pieces(rest):
        tag = OF_TAG.get(piece.meaning.word) if piece.meaning is not None else None
        if tag not in {None, kind} and (tag is Kind.WAITING or (piece.said.isupper() and not rest.isupper())):
            return True
    return False


def denies_below(rest: str) -> bool:
    """Whether the first line under the word is nothing but a denial: "not yet", "no", "?"."""
    first = next((line for line in rest.splitlines() if line.strip()), "")
    return len(vocabulary.pieces(first)) <= 3 and ("?" in vocabulary.plain(first) or denies(first))


def holds(text: str, words: frozenset[str]) -> bool:
    return any(piece.folded in words for piece in vocabulary.pieces(text))


def says_nobody(text: str) -> bool:
    """Whether nobody was there: "joined, nobody here"."""
    return _NOBODY.search(vocabulary.plain(text)) is not None


def without_silence(text: str) -> str:
    """The text without "no reply yet": after a message that says nothing against it."""
    return _NO_REPLY.sub(" ", vocabulary.plain(text))


def gives_reason(rest: str) -> bool:
    """Whether why somebody stayed away stands in it, or how that feels: "car trouble", "again, argh"."""
    return holds(rest, REASONS)


def names_another(rest: str, client: str, signed: Sequence[str], *, parted: bool, absent: bool = False) -> bool:
    """Whether a name that is not the client's stands right after the word: "RESCHEDULED Kim to Thu" about Sam.

    One of those who may have `signed` it is a signature. In lower case a word is a name only before a day or a time
    ("kim to thu"), and so is one that may begin a sentence: when all is in capitals, or when punctuation `parted` it
    from the word. Of who is `absent` a reason may stand there, with a capital or not, and a given name is one always.
    """
    after = rest.split()
    if after and after[0].casefold() in _LEADS_TO_NAME:
        after = after[1:]
    named: list[str] = []
    while after and _may_be_name(after[0]) and len(named) < names.MOST_WORDS and not (named and named[-1][-1] in _ENDS):
        named.append(after.pop(0))
    said = frozenset(_folded(" ".join(named)))
    given = GIVEN_NAMES.intersection(_folded(named[0])) if named else frozenset()
    theirs = said & words_of_name(" ".join(signed))
    if not named or said & words_of_name(client) or (theirs and given <= theirs):
        return False
    if fold(named[0].strip(_ENDS)) in map(_initials, (client, *signed)):
        return False
    if absent and (not REASONS.isdisjoint(said) or _AILMENT.search(fold(named[-1].strip(_ENDS)))):
        return False
    following = fold(after[0]) if after else ""
    if following in _LEADS_TO_TIME or times.starts_when(" ".join(after)):
        return True
    ends = named[-1][-1] in _ENDS or following in {"", "and", "when"} or following[0] in "-,;:(&"
    if absent and ends and fold(named[0].strip(_ENDS)) in GIVEN_NAMES:
        return True
    return named[0][0].isupper() and (ends or not (parted or rest.isupper()))


def words_of_name(name: str | None) -> frozenset[str]:
    return frozenset(_folded(name or ""))


def _initials(name: str) -> str:
    """The first letters of its words, folded: "sp" for "Sam P."."""
    return "".join(word[0] for word in _folded(name))


def _folded(name: str) -> list[str]:
    return [word.removesuffix("'s") for piece in vocabulary.pieces(fold(name)) for word in piece.folded.split()]


def _is_everyday(piece: Piece, inside_prose: bool) -> bool:
    return not piece.said.isupper() and (piece.folded == "other" or (inside_prose and piece.folded in _PROSE))


def _may_be_name(word: str) -> bool:
    bare = word.strip(f"{_ENDS}(").removesuffix("'s")
    row = vocabulary.pieces(bare)
    if len(bare) < 2 or not row or any(piece.meaning is not None for piece in row):
        return False
    if row[0].folded in vocabulary.PRONOUNS | _SENTENCE_STARTS:
        return False
    return _LETTERS.fullmatch(bare) is not None and names.is_name_word(bare) and not times.starts_when(bare)
