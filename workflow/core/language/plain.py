"""One line of text as a person meant it: what phones and mail programs put in between, taken out again.

It knows characters, not words: what a line says is `vocabulary` and `read`. Pure, linear in the line, and never
raising, whatever the text (lone surrogates and control characters included).
"""

from __future__ import annotations

import re
import unicodedata

_SAID_BY_SIGN = {
    **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u2035\u02bb\u02bc\u2039\u203a\uff07\u00b4`", "'"),
    **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u2036\u00ab\u00bb\uff02", '"'),
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2212\ufe58\ufe63\uff0d", "-"),
    # An em dash parts two thoughts ("Sam—texted"); a hyphen would join them into one name.
    **dict.fromkeys("\u2014\u2015", " - "),
    # Whatever looks like a question is one: no case may close upon it. U+037E is the Greek question mark.
    **dict.fromkeys("\u00bf\u037e\u055e\u061f\u203d\u2753\u2754\ufe56\uff1f", "?"),
    **dict.fromkeys("\u00a1\ufe57\uff01\u2755\u2757", "!"),
    "\u2026": "...",
    "\u203c": "!!",
    "\u2047": "??",
    "\u2048": "?!",
    "\u2049": "!?",
    **dict.fromkeys("\u2034\u2037\u2057", '"'),
    "\u3001": ",",
    "\u3002": ".",
    "\uff0b": "+",
    "\uff5e": "~",
}
_SIGNS = str.maketrans(_SAID_BY_SIGN)

_HARMLESS = ("<wide>", "<narrow>", "<font>", "<compat>", "<noBreak>", "<initial>", "<medial>", "<final>", "<isolated>")
"""The compatibility forms that are another shape of the same letter. The rest changes what is said: by NFKC a
superscript or a fraction becomes digits ("15²" would read 152, "1½" 11/2)."""

_DROPPED = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Me", "Sk", "So"})
"""Zero-width and bidi characters, controls, surrogates, emoji with their skin tones and keycaps."""

_SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")
"""Variation selectors: "show this as an emoji" says nothing."""

_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\x00-\x08\x0e-\x1f\x7f]"
)
"""What no reader sees, and no search should stumble over."""

_ACCENTS = re.compile("[\u0300-\u036f]")
"""Accents of the European scripts; the marks of others are vowels, and tell two names apart."""

_TYPED_DASH = re.compile(r"-{2,}")
_TRAILING = " .!,;:"


def clean(line: str) -> str:
    """The line in plain characters: smart dashes and quotes and all digits in ASCII, no emoji, one space at a time.

    Accents stay, the letters' case too. Trailing ``. ! , ; :`` are cut, a ``?`` stays: it decides (contract section 3).
    """
    return _plain(line).rstrip(_TRAILING)


def without_invisible(text: str) -> str:
    return _INVISIBLE.sub("", text)


def fold(text: str) -> str:
    """The text for comparing: as `clean`, without letter case, accents and full stops ("Zoë P." equals "zoe p")."""
    apart = unicodedata.normalize("NFD", _plain(text).casefold())
    bare = _ACCENTS.sub("", apart).replace(".", "").casefold()
    return " ".join(unicodedata.normalize("NFC", bare).split())


def _plain(line: str) -> str:
    if not line.isascii():
        signed = _SELECTORS.sub("", line).translate(_SIGNS)
        line = unicodedata.normalize("NFC", "".join(map(_letter, signed))).translate(_SIGNS)
    elif "`" in line:
        line = line.replace("`", "'")
    if not line.isprintable():
        line = "".join(char if char.isprintable() else " " * char.isspace() for char in line)
    return " ".join(_TYPED_DASH.sub(" - ", line).split())


def _letter(char: str) -> str:
    """One character in its usual shape; nothing for what no reader sees as text."""
    if char.isascii():
        return char
    if char.isspace():
        return " "
    category = unicodedata.category(char)
    if category in _DROPPED:
        return ""
    if category == "Nd":
        return str(unicodedata.decimal(char))
    # Signs such as "№" would become a word ("No"); only letters and plain punctuation have a usual shape.
    if category[0] in "LP" and unicodedata.decomposition(char).startswith(_HARMLESS):
        usual = unicodedata.normalize("NFKC", char)
        return usual if " " not in usual else char
    return char
