"""The header block of a mail: bounded, decoded, never trusted. Knows nothing of bodies or of who is on the roster.

The standard library's structured parsers are not used on purpose: 800 "(" in a From, 50 KB of quotes or a subject of
1 MB keep ``policy.default`` busy for minutes, and ``msg["message-id"]`` raises on ``<[x@microsoft.com]>``. Everything
here is linear in a capped input, and total: any bytes give a value.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import groupby
from operator import itemgetter
from urllib.parse import unquote_plus

from workflow.mail.reading.charsets import clean, decode, decode_as, unbase64

BLOCK_MAX = 256 * 1024
"""Bytes of header block that are looked at. Real ones stay under 64 KB, even after five relays with ARC sets."""
FIELDS_MAX = 1000
"""Fields that are looked at: a real mail has 20 to 100."""
SUBJECT_MAX = 1000
"""Characters of subject that are kept: no line of contract section 3 is a tenth as long."""
FROM_MAX = 2000
"""Characters: a display name and an address are never longer, and a longer From is nobody's."""
IDS_MAX = 100
"""Ids that a mail may refer to; a thread of a case has a dozen."""
ID_MAX = 998
"""RFC 5322, 2.1.1: no line is longer, so no id is."""

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
"""A clock that says less was never set."""

_OTHER_SENDERS = ("x-original-from", "x-original-sender", "reply-to")
_UNKNOWN_ZONE = re.compile(r"\s-0000\b")
_TAP = re.compile(r"(?:%5[Bb]|\[)\w{4}(?:%5[Dd]|\])(?:%20|\+)\S*|[A-Z]{4,20}(?:%20|\+)\S*$", re.ASCII)
"""A choice of ours as some programs put it into a subject: percent-encoded, or with "+" for blanks."""
_END_OF_LINE = re.compile(rb"\r{0,2}\n")
"""A gateway that rewrites line ends leaves CR CR LF."""
_END_OF_BLOCK = re.compile(rb"\r{0,2}\n\r{0,2}\n")
_FIELD_NAME = re.compile(rb"[!-9;-~]{1,200}")
_SPACE = re.compile(r"\s+")
_ENCODED_WORD = re.compile(r"=\?([^?\s]{1,60})\?([bBqQ])\?([^?]*)\?=")
_WHOLE_WORD = re.compile(r"=\?[^?\s]{1,60}\?[bBqQ]\?[^?\s]*\?=")
"""In a name, where it is nothing but text whatever it holds: mailers leave ":" and "@" in it as they are."""
_BETWEEN_WORDS = re.compile(r"(\?=)\s+(?==\?[^?\s]{1,60}\?[bBqQ]\?)")
_ID = re.compile(rf"<[^<>\s]{{1,{ID_MAX}}}>")
_BARE_ID = re.compile(rf"[^<>\s,]{{1,{ID_MAX}}}")
_BETWEEN_ADDRESSES = re.compile(r"[\s,;:<>]+")
_ADDRESS = re.compile(
    r"[^\s()<>\[\]:;@\\,\"\x00-\x1f\x7f]{1,64}@[^\s()<>\[\]:;@\\,\"\x00-\x1f\x7f._-]"
    r"[^\s()<>\[\]:;@\\,\"\x00-\x1f\x7f]{0,253}"
)


@dataclass(frozen=True, slots=True)
class Headers:
    """The fields of one header block: names in lower case, values unfolded, repeats in their order."""

    fields: Mapping[str, tuple[str, ...]]
    too_long: bool = False
    """The block was longer than `BLOCK_MAX` or had more than `FIELDS_MAX` fields: the rest was not looked at."""

    def every(self, name: str) -> tuple[str, ...]:
        """All values of this field, topmost first; ``name`` in lower case."""
        return self.fields.get(name, ())

    def first(self, name: str) -> str | None:
        values = self.fields.get(name)
        return values[0] if values else None

    @property
    def auth_results(self) -> tuple[str, ...]:
        """Every Authentication-Results, topmost first, unfolded (RFC 8601)."""
        return self.every("authentication-results")

    @property
    def auth_as(self) -> str | None:
        """``X-MS-Exchange-Organization-AuthAs`` when it stands there once; twice is as good as forged."""
        values = self.every("x-ms-exchange-organization-authas")
        return values[0] if len(values) == 1 else None


def split_block(raw: bytes, start: int = 0, end: int | None = None) -> tuple[Headers, int]:
    """The headers that begin at ``start``, and where the body begins (``end`` when there is none).

    Lines that are no field are skipped rather than taken for the body: a field hidden behind one must count.
    """
    stop = len(raw) if end is None else end
    limit = min(stop, start + BLOCK_MAX)
    if empty := _END_OF_LINE.match(raw, start):
        return Headers({}), empty.end()
    found = _END_OF_BLOCK.search(raw, start, limit)
    block_end, body = (found.start(), found.end()) if found else (limit, stop)
    # Also when nothing follows: of an oversize mail no more than this is fetched.
    too_long = found is None and limit - start >= BLOCK_MAX
    fields: dict[str, list[str]] = {}
    count = 0
    name, value = b"", [b""]
    for ended in [*raw[start:block_end].split(b"\n"), b"\0"]:
        line = ended.removesuffix(b"\r")
        if line[:1] in (b" ", b"\t"):
            value.append(line)
            continue
        if name:
            count += 1
            # Unfolding (RFC 5322, 2.2.3) takes the line ends away and leaves the white space.
            text = decode(b"".join(value)).replace("\r", " ").strip()
            fields.setdefault(name.decode("ascii").lower(), []).append(text)
        before, colon, after = line.partition(b":")
        # "From :" is obsolete syntax (RFC 5322, 4.5) and still a From.
        before = before.rstrip(b" \t")
        name = before if colon and _FIELD_NAME.fullmatch(before) else b""
        value = [after]
        if count >= FIELDS_MAX:
            too_long = True
            break
    return Headers({key: tuple(values) for key, values in fields.items()}, too_long), body


def decode_words(value: str) -> str:
    """The value with its encoded words read (RFC 2047), whatever is wrong with them; control characters gone.

    An encoded word can hold CR and LF (``=?utf-8?q?=0d=0aBcc:...?=``): they become spaces.
    """
    if "=?" not in value:
        return clean(value).replace("\n", " ")
    words: list[tuple[str, str, str]] = []
    out: list[str] = []

    def flush() -> None:
        # Neighbours of one charset are joined before decoding: some mailers cut a character in two, or its letters.
        for charset, alike in groupby(words, itemgetter(0)):
            texts = ((way, "".join(word[2] for word in run)) for way, run in groupby(alike, itemgetter(1)))
            out.append(decode_as(b"".join(_word_bytes(way, text) for way, text in texts), charset))
        words.clear()

    at = 0
    joined = _BETWEEN_WORDS.sub(r"\1", value)
    for word in _ENCODED_WORD.finditer(joined):
        if word.start() > at:
            flush()
            out.append(joined[at : word.start()])
        # RFC 2231, section 5: a language may follow the charset.
        words.append((word[1].partition("*")[0].lower(), word[2].lower(), word[3]))
        at = word.end()
    flush()
    out.append(joined[at:])
    return clean("".join(out)).replace("\n", " ")


def _word_bytes(encoding: str, text: str) -> bytes:
    data = text.encode("utf-8", "replace")
    if encoding == "q":
        return binascii.a2b_qp(data, header=True)
    # Padding ends a text, not its neighbour's.
    return b"".join(unbase64(piece) for piece in re.split(rb"=+", data))


def read_subject(headers: Headers) -> str:
    """The topmost Subject as one line of at most `SUBJECT_MAX` characters; "" without one."""
    text = decode_words(headers.first("subject") or "").strip()
    if tap := _TAP.match(text):
        text = clean(unquote_plus(tap[0])) + text[tap.end() :]
    return _SPACE.sub(" ", text).strip()[:SUBJECT_MAX].rstrip()


def read_sender(headers: Headers) -> str | None:
    """The one address of the one From, casefolded; None when nobody, or more than one, is speaking."""
    values = headers.every("from")
    return sole_address(values[0]) if len(values) == 1 else None


def read_name(headers: Headers) -> str:
    """The name that stands before the address of From; "" without one."""
    before, angle, _ = (headers.first("from") or "")[:FROM_MAX].partition("<")
    return " ".join(decode_words(before).replace('"', " ").split()) if angle else ""


def sole_address(value: str) -> str | None:
    """The address of a From that holds exactly one (RFC 5322, 3.4), casefolded, else None.

    Stricter than the RFC where leniency lets one person speak as another: ``alice@clinic.com)<evil@x.com>`` is
    nobody, as is whatever holds an unbalanced bracket, a second address, a route or a group. A name may hold a comma
    (``Lee, Dana <dana@clinic.test>``): that is still one address.
    """
    if len(value) > FROM_MAX:
        return None
    bare = _without_comments(value)
    if bare is None:
        return None
    name, angle, rest = bare.partition("<")
    if not angle:
        candidate = bare.strip()
    else:
        candidate, closing, after = rest.partition(">")
        if not closing or after.strip() or re.search(r"[@>:;()\\]", _WHOLE_WORD.sub("", name)):
            return None
        candidate = candidate.strip()
    if not _ADDRESS.fullmatch(candidate):
        return None
    # Folding must not turn a foreign letter into an ASCII one: the Kelvin sign folds to "k", the sharp s to "ss".
    if any(ord(letter) > 127 and letter.casefold().isascii() for letter in candidate):
        return None
    return candidate.casefold()


def _without_comments(value: str) -> str | None:
    """The value without comments, and with a quoted string as one quote; None when brackets or quotes do not close."""
    out: list[str] = []
    depth, quoted, escaped = 0, False, False
    for letter in value:
        if escaped:
            escaped = False
        elif letter == "\\" and (quoted or depth):
            escaped = True
        elif quoted:
            quoted = letter != '"'
        elif letter == '"' and not depth:
            quoted = True
            out.append('"')
        elif letter == "(":
            depth += 1
        elif letter == ")":
            depth -= 1
            if depth < 0:
                return None
            out.append(" ")
        elif not depth:
            out.append(letter)
    return None if depth or quoted else "".join(out)


def read_id(headers: Headers) -> str | None:
    """The Message-ID with angle brackets, else None. Not unique, and not always there."""
    raw = (headers.first("message-id") or "")[: 2 * ID_MAX]
    found = _ID.search(raw)
    if found:
        return found[0]
    bare = raw.strip()
    return f"<{bare}>" if _BARE_ID.fullmatch(bare) else None


def read_references(headers: Headers) -> tuple[str, ...]:
    """The ids of In-Reply-To, then those of References from the newest to the oldest, without repeats.

    Some mailers fold a long id into encoded words; they are read, too.
    """
    ids: list[str] = []
    for name in ("in-reply-to", "references"):
        for value in headers.every(name)[:5]:
            text = re.sub(r"\s", "", decode_words(value)) if "=?" in value else value
            found = _ID.findall(text)
            ids.extend(reversed(found) if name == "references" else found)
    return tuple(dict.fromkeys(ids))[:IDS_MAX]


def read_recipients(headers: Headers) -> tuple[str, ...]:
    """Whatever stands in To and Cc and may be an address, casefolded; one of "" when nothing does.

    No address is missed; a name that holds an "@" is taken for one, too.
    """
    return _addresses((*headers.every("to"), *headers.every("cc"))) or ("",)


def _addresses(values: Iterable[str]) -> tuple[str, ...]:
    found: list[str] = []
    for value in values:
        bare = _without_comments(value)
        named = _WHOLE_WORD.sub(" ", value if bare is None else bare)
        found += [word.casefold() for word in _BETWEEN_ADDRESSES.split(named) if "@" in word]
    return tuple(dict.fromkeys(found))


def read_other_senders(headers: Headers) -> tuple[str, ...]:
    """Who else than From is named as who wrote it, casefolded: a list or group that puts its own address there keeps
    the other in one of these fields."""
    return _addresses(value for name in _OTHER_SENDERS for value in headers.every(name))


def read_date(headers: Headers, arrived_at: datetime) -> datetime | None:
    """The Date header, aware, in UTC; None when it is no date, or one that claims nothing (contract section 3): without
    a zone, before 2000, after the arrival. A zone of "-0000" is UTC (RFC 5322, 3.3)."""
    value = headers.first("date")
    if not value:
        return None
    try:
        date = parsedate_to_datetime(clean(value))
        if date.tzinfo is None:
            if not _UNKNOWN_ZONE.search(value):
                return None
            date = date.replace(tzinfo=UTC)
        date = date.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return date if EARLIEST <= date <= arrived_at else None
