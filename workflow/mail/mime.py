"""Text into the bytes of one mail: headers, parts, and a last gate. Knows nothing of cases, topics or templates.

Built with MIMEText and the compat32 policy: `EmailMessage` and `policy.default` cost four times as much, and fold a
long id into encoded words, which breaks threads. Everything on the wire is 7-bit.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.charset import QP, Charset
from email.encoders import encode_base64
from email.header import Header, decode_header, make_header
from email.mime.base import MIMEBase
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.parser import BytesParser
from email.policy import Compat32, compat32
from email.utils import getaddresses
from functools import lru_cache
from hashlib import sha256

LINE_MAX = 998
"""Characters of a line without its end (RFC 5322, 2.1.1)."""

_BODY_LINE_MAX = 900
"""A longer line of a body goes as quoted-printable; the room to 998 is for relays that rewrite."""

NAME_MAX = 64
"""Characters of a display name: as encoded words it still fits on one line."""

_ENCODED_WORD_MAX = 75
"""RFC 2047, 2."""


_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\ue000-\uf8ff\ufffe\uffff\U000e0000-\U000e0fff]"
)
"""Controls, zero-width and direction marks, lone surrogates, private use: nothing of it is to be read."""

_LINE_END = re.compile("\\s*[\n\r\x0b\x0c\x85\u2028\u2029]\\s*")
_SPACE = re.compile(r"\s+")
_ID_MAX = LINE_MAX - len("In-Reply-To: ")
_ID = re.compile(r"<[!-;=?-~]+>")
"""A Message-ID in visible ASCII."""

_TEXT = Charset("utf-8")
_TEXT.body_encoding = QP


class _Wire(Compat32):
    """Headers go out as they are given, each on one line.

    The stock policies fold at 78 characters, and turn an id of that length into encoded words, which breaks threads.
    Ours are encoded and bounded before (`_encoded`, `plain_ids`); leaving folding out also saves a fifth of the cost.
    """

    def fold_binary(self, name: str, value: str) -> bytes:
        return f"{name}: {value}{self.linesep}".encode("ascii")


_WIRE = _Wire(linesep="\r\n")


class Unsafe(Exception):
    """The bytes just built do not say what was meant; such a letter is never sent. Holds no name and no address."""


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A name and an address, as they are meant to be read."""

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
    return _SPACE.sub(" ", kept).strip()[:NAME_MAX].rstrip()


def plain_ids(ids: Sequence[str]) -> str:
    """A value of References or In-Reply-To: the first id and the newest, as many as one line takes.

    RFC 5322, 3.6.4 lets a long list lose its middle. An id that cannot stand on the wire as it is, is left out.
    """
    good = [one for one in dict.fromkeys(ids) if _ID.fullmatch(one)]
    while len(" ".join(good)) > _ID_MAX:
        del good[1 if len(good) > 2 else 0]
    return " ".join(good)


def compose(headers: Mapping[str, str], sender: Mailbox, recipient: Mailbox, body: Body, *, seed: str) -> bytes:
    """The whole mail, lines ended by CR LF. Raises Unsafe.

    `seed`, the Message-ID, fixes the boundaries: every attempt is the same mail, and no text can have them guessed.
    """
    mark = sha256(seed.encode()).hexdigest()[:24]
    boundaries = [f"=_a_{mark}", f"=_m_{mark}"]
    root = MIMEMultipart("alternative", boundary=boundaries[0])
    root.attach(_text_part(body.text, "plain"))
    root.attach(_text_part(body.html, "html"))
    if body.attachment is not None:
        alternative, root = root, MIMEMultipart("mixed", boundary=boundaries[1])
        root.attach(alternative)
        root.attach(_json_part(*body.attachment))
    root["From"] = _address(sender.name, sender.address)
    root["To"] = _address(recipient.name, recipient.address)
    for name, value in headers.items():
        root[name] = _encoded(value)
    try:
        raw = root.as_bytes(policy=_WIRE)
    except UnicodeEncodeError as fault:
        raise Unsafe("an address that is not ASCII") from fault
    _gate(raw, {"From": sender.name, "To": recipient.name, **headers}, sender.address, recipient.address)
    # a container of two parts opens its boundary twice and closes it once
    expected = (3, 0 if body.attachment is None else 3)
    if tuple(raw.count(f"\r\n--{boundary}".encode()) for boundary in boundaries) != expected:
        raise Unsafe("not the parts that were meant")
    return raw


def _text_part(text: str, subtype: str) -> MIMEText:
    plain = text.isascii() and all(len(line) <= _BODY_LINE_MAX for line in text.split("\n"))
    return MIMEText(text, subtype, "us-ascii") if plain else MIMEText(text, subtype, _TEXT)  # type: ignore[arg-type]  # typeshed: str; takes a Charset since 3.5


def _json_part(name: str, content: bytes) -> MIMEBase:
    part = MIMEBase("application", "json")
    part.set_payload(content)
    encode_base64(part)
    part["Content-Disposition"] = f'attachment; filename="{name}"'
    return part


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
    return " ".join(Header(value, "utf-8", maxlinelen=_ENCODED_WORD_MAX).encode().split())


def _gate(raw: bytes, shown: Mapping[str, str], sender: str, recipient: str) -> None:
    """Read the header block as a stranger would, and compare with what was meant. Raises Unsafe."""
    if not raw.isascii() or max(map(len, raw.split(b"\r\n"))) > LINE_MAX:
        raise Unsafe("not on the wire as plain lines")
    block = raw[: raw.index(b"\r\n\r\n") + 4]  # parsing the parts, too, would cost as much again as building them
    seen = BytesParser(policy=compat32).parsebytes(block)
    if sorted(seen.keys()) != sorted([*shown, "Content-Type", "MIME-Version"]):
        raise Unsafe("not the headers that were meant")
    for name, meant in shown.items():
        value = str(seen[name])
        if name in ("From", "To"):
            (said, address), *more = getaddresses([value])
            if more or address != (sender if name == "From" else recipient):
                raise Unsafe(f"{name} is not who was meant")
            value = said
        if str(make_header(decode_header(value))) != meant:
            raise Unsafe(f"{name} does not read as it was meant")
