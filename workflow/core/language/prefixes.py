"""What stands around the words of a line: "Re:" in many languages, "[EXTERNAL]", case ids. Contract section 3.

It takes them off and says what they were. Pure, linear, never raising.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from workflow.core.kinds import ESCALATED, KINDS
from workflow.core.language.plain import clean, without_invisible
from workflow.core.language.vocabulary import TAG_PHRASES, match
from workflow.core.mail import Mark

LONGEST_SUBJECT = 2000
"""So many characters of a subject are read; longer ones are no person's."""

_REPLY = "re|aw|antw|antwort|sv|svar|vs|res|rif|r|odp|odg|ynt|vá|bls|ang|απ|σχετ|ответ|回复|答复|回覆|返信|회신|תגובה"
_FORWARD = "fw|fwd|wg|rv|tr|enc|i|vl|vb|doorst|pd|trs|ilt|i̇lt|továbbítás|πρθ|пересл|转发|轉寄|转寄|転送|전달|הועבר"
_RECALL = "recall|rückruf|rappel|recuperar|recuperación|richiamo|revocar|intrekken|återkalla|wycofanie|odwołanie"
"""What Outlook puts before the subject of a mail that it asks to take back."""
_COUNTER = r"(?:\[\d{1,3}\]|\(\d{1,3}\)|\^\d{1,3}|\d{1,3})"
_PREFIX = re.compile(
    rf"(?:(?P<reply>{_REPLY})|(?P<recall>{_RECALL})|(?:{_FORWARD}))\s?{_COUNTER}?\s?[:：]", re.IGNORECASE
)
"""What mail programs put before the subject of a reply or forward, in many languages; a counter, too: "Re[2]:"."""

_GATEWAY = r"(?:external|extern|externe|externo|ext|caution|spam|secure|encrypted)\b"
_LABEL = re.compile(
    r"\[[^\][]{1,40}\]|\{[^}{]{1,40}\}|\*{2,3}[^*]{1,40}\*{2,3}"
    rf"|\({_GATEWAY}[^()]{{0,30}}\)|{_GATEWAY}(?: (?:e-?mail|sender))?\s?:",
    re.IGNORECASE,
)
"""What gateways put before a subject: "[EXTERNAL]", "***SPAM***", "EXT:"."""
_OF_GATEWAY = re.compile(rf"[\[{{(* ]*(?:{_GATEWAY}|\w*(?:spam|phish|suspicious|virus|junk))", re.IGNORECASE)
"""What such a label begins with above a text, where people use brackets and stars as well: "**Please** call"."""
_MOST_LABELS_AT_END = 3
_TAGS = [phrase.replace(" ", r"\W") for phrases in TAG_PHRASES.values() for phrase in phrases]
_TYPED_IN_BRACKETS = re.compile(rf"\W*(?:{'|'.join(_TAGS)}|client)\b", re.IGNORECASE)
"""What a person put there: "[LATE] 15 Sam"."""
_BEFORE_ANY_WORD = " -:\u2013\u2014\u2022\ufe0f"
"""Dashes, the bullet of a list, and what shows a sign as an emoji."""
_LABEL_AT_END = re.compile(rf"[\[(]{_GATEWAY}[^\][()]{{0,30}}[\])]$", re.IGNORECASE)

_ID = "[23456789BCDFGHJKMNPQRSTVWXZ]{4}"
"""Contract section 1. Without vowels, so that no id is a word."""

_BARE_ID = rf"(?-i:(?=[A-Z]{{0,3}}\d)(?=\d{{0,3}}[A-Z]){_ID})"
"""In capitals, with a digit and a letter."""

_CASE_ID = re.compile(
    rf"""(?:\b(?:for|re|about|on)\s)? (?:\bcase\s?:?\s?)? \#?\[\s?(?P<bracketed>{_ID})\s?\]
    | (?<![\w'-]) (?:(?:for|re|about|on|in)\s)? case\s?:?\s?\#?(?P<named>{_ID}) (?![\w@/-]|[.:]\w)
    | (?<![^\s(,;:"]) (?:(?:for|re|about|on)\s)? \#?(?P<bare>{_BARE_ID}) (?![\w@/-]|\.\w|:\d)""",
    re.VERBOSE | re.IGNORECASE,
)
"""A case id with the words that only lead to it: "for case K7Q2"."""

_NO_ID = re.compile(r"\d+(?:ST|ND|RD|TH|HRS?|MN|MS|[AP]M|K?M|GB|FT)|\d{1,2}H\d{1,2}")
"""What is written like a bare id: "23RD", "48HR", "45MN", "2H45"."""

_FORMS = [re.escape(form.partition("{who}")[0]) for form in [ESCALATED, *(kind.subject for kind in KINDS.values())]]
_OURS = re.compile(rf"(?:{'|'.join(_FORMS)})(?=[^\W\d])".replace(re.escape("{client}"), ".{0,40}"))
"""How our own subjects go on behind the id (contract section 4): some telephones reply without a "Re:"."""

_LONELY_STOP = re.compile(r"(?:^|\s)[.!]+$")


@dataclass(frozen=True, slots=True)
class Subject:
    """A subject without what mail programs put around it."""

    text: str
    """As written, without prefixes, labels and ids."""
    mark: Mark
    ids: tuple[str, ...]


def read_subject(subject: str) -> Subject:
    """A subject's own words, its case ids, and what its outermost prefix says."""
    text, ids = take_ids(subject[:LONGEST_SUBJECT])
    mark = Mark.PLAIN
    text = strip_labels(text)
    while prefix := _PREFIX.match(bare := _from_first_word(text)):
        if mark is Mark.PLAIN:
            mark = Mark.REPLY if prefix["reply"] else Mark.RECALL if prefix["recall"] else Mark.FORWARD
        text = strip_labels(bare[prefix.end() :])
    if mark is Mark.PLAIN and ids and _OURS.match(_from_first_word(text)):
        mark = Mark.REPLY
    return Subject(text, mark, ids)


def strip_labels(line: str, *, typed: bool = False) -> str:
    """The line without what gateways put before or behind it: "[EXTERNAL] LATE 15 Sam".

    `typed`: it stands in a text, where only a label that sounds like a gateway's is one.
    """
    text = without_invisible(line).lstrip(_BEFORE_ANY_WORD)
    while label := _LABEL.match(bare := _from_first_word(text)):
        if _CASE_ID.fullmatch(label.group()) or _TYPED_IN_BRACKETS.match(clean(label.group())):
            break
        if typed and not _OF_GATEWAY.match(label.group()):
            break
        if label.group().startswith("*") and match(label.group()):  # bold, not a gateway's: "**RESCHEDULED**"
            break
        text = bare[label.end() :].lstrip(_BEFORE_ANY_WORD)
    for _ in range(_MOST_LABELS_AT_END):
        text = _LABEL_AT_END.sub("", text).strip()
    return text


def _from_first_word(text: str) -> str:
    """The text without the dashes, bullets and emoji in front of it; they stay where no label or prefix follows."""
    at = 0
    while at < len(text) and (text[at] in _BEFORE_ANY_WORD or unicodedata.category(text[at]) == "So"):
        at += 1
    return text[at:]


def take_ids(line: str) -> tuple[str, tuple[str, ...]]:
    """The line as written but for its case ids and what nobody sees, and the ids in capitals, without repeats."""
    text = " ".join(without_invisible(line).split())
    ids = case_ids(line)
    if not ids:
        return text, ids
    bare = _CASE_ID.sub(_space_for_id, text)
    if bare == text:  # typed in other digits or letters than ASCII
        bare = _CASE_ID.sub(_space_for_id, clean(line))
    return _LONELY_STOP.sub("", " ".join(bare.split())).strip(" -:,;"), ids


def case_ids(text: str) -> tuple[str, ...]:
    """The case ids in a text, in order and without repeats: in brackets, after "case", or bare in capitals."""
    found = (_id_in(match) for line in text.splitlines() for match in _CASE_ID.finditer(clean(line)))
    return tuple(dict.fromkeys(one for one in found if one))


def _id_in(match: re.Match[str]) -> str:
    """The id of a match in capitals; empty when it only looks like one: "23RD", "case mgmt"."""
    bare, named = match["bare"], match["named"]
    if bare is not None:
        return "" if _NO_ID.fullmatch(bare) else bare
    if named is not None:
        return named.upper() if named.isupper() or any(char.isdigit() for char in named) else ""
    return match["bracketed"].upper()


def _space_for_id(match: re.Match[str]) -> str:
    return " " if _id_in(match) else match.group()
