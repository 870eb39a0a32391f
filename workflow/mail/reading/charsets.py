"""Bytes to clean text: no charset is believed blindly, and no character survives that could do harm. No MIME here."""

from __future__ import annotations

import binascii
import codecs
import re

_HARMFUL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff]")
_RETURNS = re.compile("\r\r\n|\r\n?|[\x85\u2028\u2029]")
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]+")
_FAMILIES = re.compile(
    r"(?:utf|us-?ascii|ascii|iso|latin|windows|cp\d|x-?mac|mac|koi8|gb|big5|hz|euc|shift|sjis|ms\d|ks|tis|"
    r"kz|viscii|l\d|ibm)[a-z0-9._:-]{0,30}"
)
"""Names of real charsets. Python would also accept ``idna`` and ``punycode`` (quadratic), ``unicode_escape`` …"""
_DIRECTION = re.compile(r"(?<=8859-[68])-[ie]$")
"""How Hebrew and Arabic run (RFC 1556): no other letters."""
_NAMELESS = frozenset({"", "unknown-8bit", "x-unknown", "unknown", "default", "8bit", "binary"})
_WORD = re.compile(r"\w+")
_SUPERSETS = {
    "ascii": "utf-8",
    "us-ascii": "utf-8",
    "iso8859-1": "cp1252",
    "latin-1": "cp1252",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "iso8859-9": "cp1254",
}
"""What mailers mean when they say the key (WHATWG Encoding): Outlook's "iso-8859-1" holds cp1252's quotes."""


def clean(text: str) -> str:
    """The text without NUL, other controls (but newline and tab) and surrogates; line ends are ``\\n``.

    Harmful characters become a space, so that no two words grow together.
    """
    return _HARMFUL.sub(" ", _RETURNS.sub("\n", text))


def unbase64(data: bytes) -> bytes:
    """What base64 says, up to its first "=", whatever is wrong with it. Never raises.

    Gateways append their footer as plain text below the padding, and mailers forget the padding itself.
    """
    letters = _NOT_BASE64.sub(b"", data.partition(b"=")[0])
    # One letter too many carries no byte.
    letters = letters[: len(letters) - (len(letters) % 4 == 1)]
    return binascii.a2b_base64(letters + b"=" * (-len(letters) % 4))


def decode(data: bytes) -> str:
    """Text of an unknown charset: UTF-8 when it is that, else Windows-1252, else Latin-1. Never raises."""
    for charset in ("utf-8", "cp1252"):
        try:
            return data.decode(charset)
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1")


def decode_as(data: bytes, charset: str | None) -> str:
    """Text that claims a charset: that one if it is real and fits, else as `decode`. Never raises.

    Of a charset that nobody knows no letter is guessed, or a client would be greeted by it: a word that holds others
    than ASCII's is U+FFFD.
    """
    name = _DIRECTION.sub("", (charset or "").strip().strip("\"'").lower().replace("_", "-"))
    for known in (name, name.removeprefix("x-")):
        if _FAMILIES.fullmatch(known):
            try:
                codec = codecs.lookup(known).name
                return data.decode(_SUPERSETS.get(codec, codec))
            except UnicodeError:
                return decode(data)
            except LookupError:
                continue
    text = decode(data)
    if name in _NAMELESS or text.isascii() or text.encode() == data:
        return text
    return _WORD.sub(lambda word: word[0] if word[0].isascii() else "\ufffd", text)
