"""The lines of a text: which one speaks, what stands right under it, and what a gateway put above it. Section 3.

What a line says is `read`. Pure, linear in the text, never raising.
"""

from __future__ import annotations

import re
import unicodedata

from workflow.core.language import vocabulary
from workflow.core.language.doubts import denies
from workflow.core.language.names import as_client
from workflow.core.language.plain import clean, fold
from workflow.core.language.report import LONGEST_HEAD, Draft, read_tag

_BOLD = str.maketrans("*_\uff0a\uff3f", "    ")
"""What is left of bold and italics, full-width as well."""
_QUOTED_WHOLE = re.compile(r"(['\"])(?!\1)[^'\"]+\1")
"""A report copied with the quotation marks around it."""


def plain_line(line: str) -> str:
    """The cleaned line, without the signs of bold and quotation marks around it.

    The full stop of a last initial is kept: "Sam P.".
    """
    plain = clean(line.translate(_BOLD)).lstrip(" -:\u2022")
    if _QUOTED_WHOLE.fullmatch(plain):
        plain = clean(plain[1:-1])
    dotted = line.rstrip(" *_").endswith(".") and re.search(r"(?:^|[\s.])[^\W\d_]$", plain) is not None
    return f"{plain}." if dotted else plain


_AROUND = "*_\"'\u201c\u201d\u2018\u2019\u00ab\u00bb\uff0a\uff3f"
"""Bold and quotation marks around a whole line."""
_DASHES = "-\u2010\u2011\u2012\u2013\u2014\u2015\u2212"
_LEADS_TO_NOTE = f" \t,:;(\uff0c\uff1a\uff1b\uff08\uff0d{_DASHES}"
"""What parts a note from what stands before it; where it begins with a word, so do "." and "!"."""


def to_the_letter(line: str, plain: str, note: str) -> str:
    """The note as it stands in the line: "dial *67" is not "dial 67". `plain` is the line as read, the note part of it.

    Found by counting letters and digits, of which reading drops none.
    """
    begin, length = _letters(plain[: plain.rfind(note)]), _letters(note)
    if not length or _letters(line) != _letters(plain):
        return note
    at = [here for here, char in enumerate(line) if char.isalnum()]
    start = at[begin - 1] + 1 if begin else 0
    end = at[begin + length] if begin + length < len(at) else len(line)
    said = line[start:end].lstrip(f"{_LEADS_TO_NOTE}.!/" if note[0].isalnum() else _LEADS_TO_NOTE)
    said = said.rstrip()
    if line.lstrip()[:1] in _AROUND:
        said = said.strip(_AROUND)
    for opening, closing in ("()", "\uff08\uff09"):
        before, _, behind = said.rpartition(closing)
        said = f"{before}{behind}" if said.count(closing) > said.count(opening) else said
    return said


def _letters(text: str) -> int:
    return sum(map(str.isalnum, text))


_SPOKEN = (
    (re.compile(r"\s+question mark\b", re.IGNORECASE), "?"),
    (re.compile(r"\s+comma\b", re.IGNORECASE), ","),
    (re.compile(r"\s+(?i:period|full stop|exclamation (?:mark|point))(?=\W*$|\s+[A-Z])"), "."),
)
"""Signs that a telephone wrote out when they were dictated."""


def undictated(line: str) -> str:
    """The line with its dictated signs, where it says something with them: "Sent period", "LATE 15 Sam comma traffic".

    A word that may be meant is kept: "OTHER she is in her trial period".
    """
    signed = whole = unicodedata.normalize("NFKC", line)
    for spoken, sign in _SPOKEN:
        signed = spoken.sub(sign, signed)
    if signed == whole:
        return line
    found, draft = vocabulary.match(signed), a_report(signed)
    comma = signed.count(",") > whole.count(",")
    told = found is not None and (found.lone or comma)
    reported = draft is not None and draft.client is not None and (comma or not draft.note)
    return signed if told or reported or "?" in signed else line


# --- which line speaks

_GREETING = re.compile(r"(?:hi|hiya|hello|hey|dear|greetings|good (?:morning|afternoon|evening|day)|morning)\b(.*)")
_GREETED = frozenset({"there", "all", "team", "everyone", "everybody", "folks", "the", "and", "front", "desk", "again"})
_GREETED |= {"admin", "office", "reception", "clinic", "you", "both", "to"}
_NARROWEST, _WIDEST = 64, 80
"""Columns at which mail programs break lines: 66 in flowed text, 72, 76 or 78 elsewhere."""
_MOST_GREETED = 4
"""Words after "Hi": "Hi Alex and the team"."""


def first_line(text: str) -> tuple[str, str]:
    """The first line that is no bare greeting, and the rest of the text; the first line if there is no other."""
    lines = text.splitlines()
    kept: list[str] = []
    for at, line in enumerate(lines):
        plain = clean(line)
        if not plain or greets(fold(plain)):
            continue
        if _calls(line.strip(), plain):
            kept.append(line)
            continue
        end = _end_of_wrapped(lines, at)
        return " ".join(part.strip() for part in lines[at:end]), "\n".join((*kept, *lines[end:])).strip()
    line, _, others = text.strip().partition("\n")
    return line.strip(), others.strip()


def _end_of_wrapped(lines: list[str], at: int) -> int:
    """Where a line ends that a mail program broke: the next one's first word would not have fitted on it.

    "Rescheduled to Tuesday … as well," is not yet all that was said.
    """
    end = at + 1
    while end < len(lines) and lines[end].strip():
        before, word = lines[end - 1].rstrip(), lines[end].split()[0]
        if len(before) > _WIDEST or len(before) + 1 + len(word) <= _NARROWEST:
            break
        end += 1
    return end


def greets(folded: str) -> bool:
    """Whether a line is a bare greeting: "Hi,", "Hello Alex", "Good morning all"."""
    found = _GREETING.fullmatch(folded[:100])
    if found is None:
        return False
    whom = [word for word in re.split(r"[\s,!&]+", found[1]) if word]
    if len(whom) > _MOST_GREETED:
        return False
    named = [word for word in whom if word not in _GREETED]
    return not named or as_client(named) is not None


def _calls(line: str, plain: str) -> bool:
    """Whether a line only calls somebody by name: "Alex,"."""
    return (
        line.endswith(",")
        and len(plain) < 60
        and vocabulary.match(plain) is None
        and as_client(plain.split()) is not None
    )


# --- right under it -----------------------------------------------------------------------------------

_FILLERS = re.compile(
    r"(?:(?:(?:so|very|really|i'm|im) )*(?:sorry|sry)(?: (?:about (?:that|this)|all|everyone|again))?|apologies|my bad|"
    r"h?mm+|hm+|o+ps|w?hoops|ooops|oh|ah|ugh|argh|err?|umm?|uh|actually|well|ok|okay|but|edit|ps)\b[^\w?]*",
    re.IGNORECASE,
)
"""What stands before second thoughts: "Sorry, not confirmed yet"."""
_ENDS_SENTENCE = re.compile(r"\?|[.!](?=\s|$)")


def sentence_below(rest: str) -> str:
    """The first sentence under the speaking line, cleaned, without what only leads to it: "hmm, no" is "no"."""
    shown = vocabulary.plain(first_line(rest)[0])
    at = 0
    while filler := _FILLERS.match(shown, at):
        at = filler.end()
    end = _ENDS_SENTENCE.search(shown, at)
    return shown[at : end.end() if end else None]


# --- what stands above it -----------------------------------------------------------------------------

_MOST_LINES = 2000
"""Lines of a text that are looked at for a report; a mail has no more."""


def a_report(line: str) -> Draft | None:
    """The report that a line is, in capitals or with minutes: what may not be passed over in silence."""
    head = plain_line(line[:LONGEST_HEAD])
    draft = read_tag(head)
    return draft if draft is not None and draft.opens and (draft.capitals or draft.minutes) else None


def report_below(text: str) -> Draft | None:
    """The first line of a text that is `a_report`."""
    found = (a_report(line) for line in text.splitlines()[:_MOST_LINES])
    return next((draft for draft in found if draft is not None), None)


def says_something(line: str) -> bool:
    """Whether a line is a report, or a word that stands alone or in capitals: no gateway writes these.

    Where all of a line is in capitals, so may a gateway's be: "SENT FROM OUTSIDE OF THE COMPANY".
    """
    if a_report(line) is not None:
        return True
    found = vocabulary.match(line)
    return found is not None and (found.lone or (found.capitals and not line.isupper()))


_BLANK = re.compile(r"\n[^\S\n]*\n\s*")
_LEADS_ON = (":", ",", ";", "-")
_MOST_GREETINGS = 3


def past_preface(text: str) -> str:
    """The text with its first paragraph last, where that holds no word of ours and a report or a word follows it.

    So a gateway's banner that nobody knows is passed over, and what people write above their report stays its note.
    What asks or leads to what follows is no such paragraph. Contract section 3.
    """
    greeted, top, below = "", *_paragraph(text)
    for _ in range(_MOST_GREETINGS):
        if not all(_opens_letter(line) for line in top.splitlines()):
            break
        greeted, (top, below) = f"{greeted}{top}\n\n", _paragraph(below)
    following, shown = first_line(below)[0], clean(top)
    if not top or "?" in shown or top.rstrip(" *_").endswith(_LEADS_ON) or any(map(_starts, top.splitlines())):
        return text
    if a_report(following) is None and (vocabulary.match(following) is None or _may_matter(top)):
        return text
    return f"{greeted}{below}\n\n{top}"


def _paragraph(text: str) -> tuple[str, str]:
    """The first paragraph, and what follows the empty line below it."""
    gap = _BLANK.search(text)
    return (text[: gap.start()], text[gap.end() :]) if gap else (text, "")


def _opens_letter(line: str) -> bool:
    return greets(fold(line)) or _calls(line.strip(), clean(line))


def _starts(line: str) -> bool:
    """Whether a line begins with a word of ours."""
    return vocabulary.match(line) is not None or read_tag(plain_line(line[:LONGEST_HEAD])) is not None


def _may_matter(top: str) -> bool:
    """Whether a word of ours, or a denial, stands anywhere in it: no case may close below that."""
    return denies(top) or any(piece.meaning is not None for piece in vocabulary.pieces(top))
