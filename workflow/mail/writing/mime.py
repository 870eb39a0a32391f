"""Text into the bytes of one mail: headers, parts, and a last gate. Knows nothing of cases, topics or templates.

Written out by hand, in the few forms that our letters have, since composing is the largest cost of a report:
`EmailMessage` with `policy.default` takes several times as long, and folds a long id into encoded words, which breaks
threads. Everything on the wire is 7-bit.
"""

from __future__ import annotations

import re
import unicodedata
from base64 import encodebytes
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.charset import QP, Charset
from email.header import Header, decode_header, make_header
from email.utils import getaddresses
from functools import lru_cache
from hashlib import sha256

LINE_MAX = 998
"""Characters of a line without its end (RFC 5322, 2.1.1)."""

_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\ue000-\uf8ff\ufffe\uffff\U000e0000-\U000e0fff]"
)
"""Controls, zero-width and direction marks, lone surrogates, private use: nothing of it is to be read."""

_LINE_END = re.compile("\\s*[\n\r\x0b\x0c\x85\u2028\u2029]\\s*")
_SPACE = re.compile(r"\s+")
_ID = re.compile(r"<[!-;=?-~]+>")
"""A Message-ID in visible ASCII."""

_TEXT = Charset("utf-8")
_TEXT.body_encoding = QP


class Unsafe(Exception):
    """A letter that cannot be written, or whose bytes do not say what was meant; it is never sent. Holds no name and no
    address."""


@dataclass(frozen=True, slots=True)
class Correspondent:
    name: str
    address: str


@dataclass(frozen=True, slots=True)
class Body:
    """What the reader sees, in two forms that say the same, and what a program reads."""

    text: str
    html: str
    attachment: tuple[str, bytes] | None = None
    """File name and JSON."""


def clean_line(text: str) -> str:
    """One line without anything unprintable; line ends become " / ", so that no word of theirs begins a line."""
    if text.isascii() and text.isprintable() and "  " not in text:
        return text.strip()
    kept = _LINE_END.sub(" / ", _UNPRINTABLE.sub("", text.strip()))
    return _SPACE.sub(" ", kept).strip()


def clean_header(text: str) -> str:
    """The same for a header: an encoded word could hide a CR LF in what looks like text, so ``=?`` is broken up."""
    return clean_line(text).replace("=?", "= ?").replace("?=", "? =")


@lru_cache(maxsize=512)
def clean_name(name: str) -> str:
    """A display name of letters, digits, space and .'- alone; what else it holds becomes a space."""
    normal = unicodedata.normalize("NFC", name)
    kept = "".join(sign if sign in " .'-" or unicodedata.category(sign)[0] in "LMN" else " " for sign in normal)
    return _SPACE.sub(" ", kept).strip()[:64].rstrip()  # as encoded words these still fit on one line


def plain_ids(ids: Sequence[str]) -> str:
    """A value of References or In-Reply-To: the first id and the newest, as many as one line takes.

    RFC 5322, 3.6.4 lets a long list lose its middle. An id that cannot stand on the wire as it is, is left out, and so
    is one that would be taken for an encoded word.
    """
    good = [one for one in dict.fromkeys(ids) if _ID.fullmatch(one) and "=?" not in one]
    while len("In-Reply-To: " + " ".join(good)) > LINE_MAX:
        del good[1 if len(good) > 2 else 0]
    return " ".join(good)


def to_bytes(
    headers: Mapping[str, str], sender: Correspondent, recipient: Correspondent, body: Body, *, seed: str
) -> bytes:
    """The whole mail, lines ended by CR LF. Raises Unsafe.

    `seed`, the Message-ID, fixes the boundaries: every attempt is the same mail, and no text can have them guessed.
    """
    mark = sha256(seed.encode()).hexdigest()[:24]
    boundaries = [f"=_a_{mark}", f"=_m_{mark}"]
    kind, content = _container("alternative", boundaries[0], [_text(body.text, "plain"), _text(body.html, "html")])
    if body.attachment is not None:
        parts = [f"{kind}\nMIME-Version: 1.0\n\n{content}", _json(*body.attachment)]
        kind, content = _container("mixed", boundaries[1], parts)
    try:
        shown = {
            "From": _address(sender.name, sender.address),
            "To": _address(recipient.name, recipient.address),
            **{name: _encoded(value) for name, value in headers.items()},
        }
        head = "".join(f"{name}: {value}\n" for name, value in shown.items())
        mail = f"{kind}\nMIME-Version: 1.0\n{head}\n{content}"
        raw = re.sub("\r\n?", "\n", mail).replace("\n", "\r\n").encode("ascii")
    except UnicodeEncodeError as fault:
        raise Unsafe("an address that is not ASCII, or half a character") from fault
    _gate(raw, {"From": sender.name, "To": recipient.name, **headers}, sender.address, recipient.address)
    # a container of two parts opens its boundary twice and closes it once
    expected = (3, 0 if body.attachment is None else 3)
    if tuple(raw.count(f"\r\n--{boundary}".encode()) for boundary in boundaries) != expected:
        raise Unsafe("not the parts that were meant")
    return raw


def _container(subtype: str, boundary: str, parts: Sequence[str]) -> tuple[str, str]:
    """The Content-Type header of a multipart, and what stands below its headers (RFC 2046, 5.1)."""
    opened = "".join(f"--{boundary}\n{part}\n" for part in parts)
    return f'Content-Type: multipart/{subtype}; boundary="{boundary}"', f"{opened}--{boundary}--\n"


def _text(text: str, subtype: str) -> str:
    # The room to 998 is for relays that rewrite.
    plain = text.isascii() and max(map(len, text.split("\n"))) <= 900
    charset, encoding = ("us-ascii", "7bit") if plain else ("utf-8", "quoted-printable")
    kind = (
        f'Content-Type: text/{subtype}; charset="{charset}"\nMIME-Version: 1.0\nContent-Transfer-Encoding: {encoding}'
    )
    return f"{kind}\n\n{text if plain else _TEXT.body_encode(text)}"


def _json(name: str, content: bytes) -> str:
    kind = "Content-Type: application/json\nMIME-Version: 1.0\nContent-Transfer-Encoding: base64"
    return f'{kind}\nContent-Disposition: attachment; filename="{name}"\n\n{encodebytes(content).decode("ascii")}'


def _address(name: str, address: str) -> str:
    if not name:
        return address
    shown = _encoded(name)
    if shown == name:  # a quoted string; clean_name and the gate leave nothing in it that needs a backslash
        shown = f'"{name}"'
    return f"{shown} <{address}>"


def _encoded(value: str) -> str:
    """As it is when it is ASCII, else as encoded words of at most 75 characters, on one line."""
    if value.isascii():
        return value
    return " ".join(Header(value, "utf-8", maxlinelen=75).encode().split())  # RFC 2047, 2


@lru_cache(maxsize=512)
def _people(value: str) -> list[tuple[str, str]]:
    """The names and addresses in a header; there are as many headers as people in the configuration."""
    return getaddresses([value])


def _gate(raw: bytes, shown: Mapping[str, str], sender: str, recipient: str) -> None:
    """Read the header block as a stranger would, and compare with what was meant. Raises Unsafe.

    Read by hand, line by line: the library's parser costs ten times as much, and forgives more.
    """
    ends = raw.count(b"\r\n")
    if not raw.isascii() or raw.count(b"\r") != ends or raw.count(b"\n") != ends:
        raise Unsafe("not on the wire as plain lines")
    if max(map(len, raw.split(b"\r\n"))) > LINE_MAX:
        raise Unsafe("not on the wire as plain lines")
    lines = raw[: raw.index(b"\r\n\r\n")].decode("ascii").split("\r\n")
    seen = {name: value.lstrip(" \t") for name, _, value in (line.partition(": ") for line in lines)}
    if len(seen) != len(lines) or seen.keys() != {*shown, "Content-Type", "MIME-Version"}:
        raise Unsafe("not the headers that were meant")
    for name, meant in shown.items():
        value = seen[name]
        if name in ("From", "To"):
            (said, address), *more = _people(value)
            if more or address != (sender if name == "From" else recipient):
                raise Unsafe(f"{name} is not who was meant")
            value = said
        if (str(make_header(decode_header(value))) if "=?" in value else value) != meant:
            raise Unsafe(f"{name} does not read as it was meant")
