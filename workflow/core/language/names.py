"""Clients' and associates' names: what is one, and how it is greeted, shortened, printed and compared.

It knows words, not lines: what a line says about a client is `read`. Pure; no function raises, whatever the text.
A *joined* name is more than one person ("Sam & Kim", "Mr and Mrs Smith"); a *group* is a name for several people
("Smith family", "DBT group"). Neither is greeted by name: two strangers must not learn of each other.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from itertools import groupby, takewhile

from workflow.core.language.clinic_words import CLINIC_WORDS, GROUP_WORDS
from workflow.core.language.plain import fold

MOST_WORDS = 4
"""So many words has a client's name at most (contract section 3)."""

TITLES = frozenset(
    {"mr", "mrs", "ms", "miss", "mx", "dr", "doctor", "prof", "professor", "rev", "reverend", "sir", "madam"}
    | {"mme", "mlle", "frau", "herr"}
)

GROUPS = frozenset({"family", "group", "couple"})
"""What a name for several people ends with."""

_RELATIVES = frozenset({"mom", "mum", "mam", "mother", "dad", "father", "parent", "parents", "husband", "wife"})
_RELATIVES |= {"brother", "sister", "son", "daughter", "kid", "kids", "child", "children", "baby", "partner"}
"""Who may come along: "Eli + mom"."""
_WHOSE = frozenset({"his", "her"})

JOINERS = frozenset({"&", "and", "+", "/"})

_SUFFIXES = {"jr": "Jr", "sr": "Sr", "ii": "II", "iii": "III", "iv": "IV"}
"""What may follow a surname, as printed."""

_PARTICLES = frozenset({"de", "del", "della", "der", "den", "dos", "das", "du", "von", "af", "ter", "ten"})
"""Never a given name, so they stay in lower case wherever they stand."""

_INNER_PARTICLES = frozenset({"la", "las", "los", "le", "van", "da", "di", "do", "bin", "ibn", "al", "el"})
"""Particles in the middle of a name; at its start they are given names ("Van Tran", "Al Green")."""

_VOWELS = frozenset("aeiouy")

_INITIALS_MAX = 3
"""More letters than this in one word are no initials."""

_SHORT_SURNAMES = frozenset({"ng"})
"""Names without a vowel that would pass for initials."""

_KNOWN = 10_000
"""Names whose forms are remembered: each letter asks for them many times over, each report compares all of them."""


# --- what is a name ---------------------------------------------------------------------------------


def as_client(words: Sequence[str]) -> str | None:
    """These words as one client, in printed form; None when they are no name (contract section 3, "CLIENT").

    A name has 1 to 4 words, besides a title, of letters, accents, apostrophe, hyphen and full stop, none of them a
    clinic word; joined names and groups count as one. A title alone is no name.
    """
    listed = [word for word in words if word]
    if len(listed) > 2 and listed[0].casefold() == "the" and _bare(listed[-1]) in GROUPS:
        listed = listed[1:]
    listed = [word for at, word in enumerate(listed) if not at or word.casefold() not in _WHOSE]
    named = [word for word in listed if word.casefold() not in JOINERS and _bare(word) not in TITLES]
    if not 1 <= len(named) <= MOST_WORDS:
        return None
    parts = _parts(listed)
    if not all(parts) or _bare(parts[-1][-1]) in TITLES:
        return None
    named_first, *others = parts
    if not (_is_person(named_first) or _is_group(named_first)):
        return None
    fit = all(_is_person(part) or _is_group(part) or _is_relative(part) for part in others)
    return printed(" ".join(listed)) if fit else None


def is_name_word(word: str) -> bool:
    """Whether this can be a word of a name: its characters are a name's, and it is no clinic word."""
    return _has_name_letters(word) and not _is_clinic_word(word)


def _is_person(part: list[str]) -> bool:
    return all(is_name_word(word) and _bare(word) not in GROUPS for word in part)


def _is_group(part: list[str]) -> bool:
    *before, last = part
    if _bare(last) not in GROUPS or not before:
        return False
    return all(_has_name_letters(word) and (is_name_word(word) or _bare(word) in GROUP_WORDS) for word in before)


def _is_relative(part: list[str]) -> bool:
    return (
        len(part) <= 2 and _bare(part[-1]) in _RELATIVES and part[0].casefold() in {part[-1].casefold(), "his", "her"}
    )


def _has_name_letters(word: str) -> bool:
    if not any(char.isalpha() for char in word) or word[0] in "-.":
        return False
    return all(char in "'-." or unicodedata.category(char)[0] in "LM" for char in word)


def _is_clinic_word(word: str) -> bool:
    bare = _bare(word)
    if bare in CLINIC_WORDS or bare.removesuffix("'s") in CLINIC_WORDS:
        return True
    return any(piece in CLINIC_WORDS for piece in bare.split("-") if len(piece) > 1) if "-" in bare else False


def _bare(word: str) -> str:
    return word.casefold().rstrip(".")


def _parts(words: Sequence[str]) -> list[list[str]]:
    """The words of each of the joined names."""
    parts: list[list[str]] = [[]]
    for word in words:
        if word.casefold() in JOINERS:
            parts.append([])
        else:
            parts[-1].append(word)
    return parts


def _is_several(words: Sequence[str]) -> bool:
    return any(word.casefold() in JOINERS for word in words) or bool(words and _bare(words[-1]) in GROUPS)


def _are_initials(word: str) -> bool:
    """Whether one word is initials: "S", "S.P.", "SP", "sp"; not "Ng", not a name of a script without letter case."""
    letters = [char for char in word if char.isalpha()]
    if not 1 <= len(letters) <= _INITIALS_MAX or any(char.lower() == char.upper() for char in letters):
        return False
    if len(letters) == 1 or "." in word.rstrip("."):
        return True
    if "".join(letters).casefold() in _SHORT_SURNAMES:
        return word.isupper()
    if len(letters) == 2 and word.isupper():
        return True
    return letters[0].isascii() and not any(fold(char) in _VOWELS for char in letters)


# --- how it is written ------------------------------------------------------------------------------


def printed(name: str) -> str:
    """The name with every lower-case word capitalised as names are: "o'neil" is O'Neil, "de la cruz" de la Cruz.

    A word with a capital of its own is kept as written.
    """
    words = name.split()
    last = len(words) - 1
    return " ".join(_printed_word(word, index, last) for index, word in enumerate(words))


def _printed_word(word: str, index: int, last: int) -> str:
    bare = _bare(word)
    if word != word.lower() or bare in JOINERS or (index == last > 0 and bare in GROUPS):
        return word
    if index < last and (bare in _PARTICLES or (index > 0 and bare in _INNER_PARTICLES)):
        return word
    if index > 0 and bare in _SUFFIXES:
        return word.replace(bare, _SUFFIXES[bare])
    if _are_initials(word) and bare not in TITLES:
        return word.upper()
    return "-".join(_capitalised(piece) for piece in word.split("-"))


def _capitalised(piece: str) -> str:
    """One piece between hyphens: "o'neil" is O'Neil, "mcdonald" McDonald, "sam's" Sam's."""
    before, apostrophe, after = piece.partition("'")
    if apostrophe and len(before) <= 2 and len(after) > 2:
        return f"{_upper_first(before)}'{_upper_first(after)}"
    if re.match(r"mc\w{3}", piece):
        return f"Mc{_upper_first(piece[2:])}"
    return _upper_first(piece)


def _upper_first(text: str) -> str:
    return text[:1].title() + text[1:]


# --- how it is used ---------------------------------------------------------------------------------


def greeting(client: str | None) -> str:
    """How a draft greets: "Hi Sam", "Hi Mrs Smith"; "Hi" for joined names, groups, initials or none (section 3)."""
    name = _called(client)
    return f"Hi {name}" if name else "Hi"


def _called(client: str | None) -> str:
    words = (client or "").split()
    if not words or _is_several(words):
        return ""
    if _bare(words[0]) in TITLES:
        surname = _surname(words[1:])
        return "" if not surname or _are_initials(surname[-1]) else f"{words[0]} {' '.join(surname)}"
    first = words[0]
    if _are_initials(first) or first in _PARTICLES:
        return ""
    # A whole line in capitals is a key left on, not a way to write a name.
    return _upper_first(first.lower()) if first.isupper() and first.isalpha() else first


def _surname(words: Sequence[str]) -> list[str]:
    """The surname after a title: the last word with the particles before it ("Anna de la Cruz" is de la Cruz)."""
    kept = [word for word in words if _bare(word) not in _SUFFIXES]
    begin = next((at for at, word in enumerate(kept) if word in _PARTICLES | _INNER_PARTICLES), len(kept) - 1)
    return kept[max(begin, 0) :]


@lru_cache(maxsize=_KNOWN)
def initials(client: str | None) -> str:
    """The client in initials, for subjects and lock screens: "S.P." for Sam P., "S. & K.", "S. family"; "" for None."""
    words = (client or "").split()
    if words and _bare(words[-1]) in GROUPS:
        return " ".join([*(_group_word(word) for word in words[:-1]), words[-1]])
    parts = [part for part in _parts(words) if any(_bare(word) not in TITLES for word in part)]
    return " & ".join(map(_letters, parts))


def _group_word(word: str) -> str:
    """A word before "group" or "family": what names the group stays ("DBT", "Tuesday"). Any other may be a surname, in
    capitals, too."""
    return word if _bare(word) in GROUP_WORDS else _initial(word)


def _letters(words: Sequence[str]) -> str:
    """One person's initials; titles, suffixes and the particles between names have none."""
    passed = {*TITLES, *_SUFFIXES}
    kept = [word for word in words if _bare(word) not in passed] or words
    kept = [word for word in kept if word not in _PARTICLES | _INNER_PARTICLES] or kept
    firsts: list[str] = []
    for word in kept:
        letters = [char for char in word if char.isalpha()]
        firsts += letters if _are_initials(word) else letters[:1]
    return "".join(f"{letter.upper()}." for letter in firsts)


@lru_cache(maxsize=_KNOWN)
def shown(client: str | None, setting: str) -> str | None:
    """The client as ``[privacy] client_name`` has it: "first_initial", "initials" or "as_written"; None for None.

    By "first_initial" Sam Peters is "Sam P.", Mrs Smith "Mrs S.", the Smith family "S. family".
    """
    if client is None or setting == "as_written":
        return client
    return initials(client) if setting == "initials" else _first_initials(client)


def _first_initials(client: str) -> str:
    words = client.split()
    if words and _bare(words[-1]) in GROUPS:
        return initials(client)
    said: list[str] = []
    for joins, some in groupby(words, lambda word: word.casefold() in JOINERS):
        part = list(some)
        said += part if joins else [_first_initial(part)]
    return " ".join(said)


def _first_initial(words: Sequence[str]) -> str:
    """One person's first name and initial; a surname that stands alone or after a title is an initial, too."""
    begin = list(takewhile(lambda word: _bare(word) in TITLES or word in _PARTICLES | _INNER_PARTICLES, words))
    rest = [word for word in words[len(begin) :] if _bare(word) not in _SUFFIXES]
    if not rest:
        return " ".join(words)
    if begin:
        titles = [word for word in begin if _bare(word) in TITLES] or begin
        return f"{' '.join(titles)} {_initial(rest[-1])}"
    return rest[0] if len(rest) == 1 else f"{rest[0]} {_initial(rest[-1])}"


def _initial(word: str) -> str:
    return next((f"{char.upper()}." for char in word if char.isalpha()), word)


def same_client(a: str, b: str) -> bool:
    """Whether two reports name the same client: as typed, but for case, accents, full stops (contract section 3)."""
    return _folded(a) == _folded(b)


_folded = lru_cache(maxsize=_KNOWN)(fold)


@lru_cache(maxsize=_KNOWN)
def short_person(name: str) -> str:
    """An associate as subjects and lists have them: "Dana Lee" is Dana L.; titles and what follows a comma go."""
    words = re.split(r"[,(]", name, maxsplit=1)[0].split()
    if len(words) > 2 and _bare(words[0]) in TITLES:
        words = words[1:]
    if len(words) > 1 and _bare(words[0]) in TITLES:
        return " ".join(words)
    return _first_initial(words) if words else name.strip()
