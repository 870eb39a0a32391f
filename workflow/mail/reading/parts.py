"""The MIME tree of a mail as slices of its bytes: bounded before anything is parsed. Picks nothing, decodes on demand.

Not the standard library's parser: 78 KB of nested multiparts exhaust it, and 5 MB of tiny parts cost it half a
gigabyte. This one copies nothing until a part's text is asked for, stops at a number of parts and a depth, and calls
whatever it does not understand plain text (RFC 2045, 5.2).
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from workflow.mail.reading.charsets import clean, decode_as, unbase64
from workflow.mail.reading.headers import Headers, split_block

PARTS_MAX = 100
"""Parts that are looked at: a forwarded album has 40."""
DEPTH_MAX = 10
"""Multiparts inside each other: real mail has three, four when a list and a gateway each wrap it."""
DELIMITERS_MAX = 2000
"""Lines that may look like a delimiter: a mail made of them must not be walked one by one."""
VALUE_MAX = 2000
"""Characters of a Content-Type: a long file name in RFC 2231 pieces has 600. The parameters of all parts are kept."""

_TYPE = re.compile(r"\s*([a-z0-9!#$&^_.+-]+)/([a-z0-9!#$&^_.+-]+)\s*(?=[;\s(]|$)", re.IGNORECASE)
_PARAM = re.compile(r";\s*([a-z0-9_.-]+)(\*\d{0,3}\*?)?\s*=\s*(\"(?:[^\"\\]|\\.)*\"|[^\s;\"]+)", re.IGNORECASE)
_REST_OF_DELIMITER = re.compile(rb"(--)?[ \t]*(?:\r{0,2}\n|$)")
_COMMENT = re.compile(r"\([^()]*\)")
_KNOWN_ENCODING = re.compile(r"\b(?:[78]-?bits?|binary|base-?64|quoted.?printable)\b", re.IGNORECASE)
_ENCODED = re.compile(rb"\s*(?:begin(?:-base64)? \d{3}|=ybegin|[^\s]{40,}\s*(?:\n|$))")
"""A first line of uuencode or yEnc, or one that has no blank in it."""
_NOT_BASE64 = re.compile(rb"\s*[^\s]*[^\sA-Za-z0-9+/=]|\s*[A-Za-z0-9+/]+[ \t]+\S")
"""A first line that no encoder writes: it has blanks or other signs."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part: what it claims to be and where its body lies in the mail's bytes."""

    kind: str
    """Media type in lower case: ``text/plain``."""
    params: Mapping[str, str]
    """Of Content-Type; names in lower case."""
    headers: Headers
    start: int
    end: int
    children: tuple[Part, ...] = ()

    @property
    def is_attachment(self) -> bool:
        """Whether it is a file for people to save, not something they wrote."""
        disposition = (self.headers.first("content-disposition") or "").lower()
        return disposition.lstrip().startswith("attachment") or "filename" in disposition or "name" in self.params

    def leaves(self) -> Iterator[Part]:
        if not self.children:
            yield self
        for child in self.children:
            yield from child.leaves()

    def payload(self, raw: bytes, limit: int) -> bytes:
        """The body without its transfer encoding; at most ``limit`` encoded bytes of it are read."""
        data = raw[self.start : min(self.end, self.start + limit)]
        return undo(self.headers, data)

    def text(self, raw: bytes, limit: int) -> str:
        """The body as clean text, flowed lines joined (RFC 3676)."""
        text = clean(decode_as(self.payload(raw, limit), self.params.get("charset")))
        if self.kind == "text/plain" and self.params.get("format", "").lower() == "flowed":
            return unflow(text, delsp=self.params.get("delsp", "").lower() == "yes")
        return text


def undo(headers: Headers, data: bytes) -> bytes:
    """The data without the transfer encoding that these headers name, in whatever words; plain text that only says
    that it is base64 stays."""
    for value in headers.every("content-transfer-encoding")[:5]:
        word = re.sub("[^a-z0-9]", "", _COMMENT.sub("", value[:VALUE_MAX]).lower())
        if word == "base64" and not _NOT_BASE64.match(data, 0, VALUE_MAX):
            return unbase64(data)
        if word == "quotedprintable":
            return binascii.a2b_qp(data)
    return data


def is_encoded(headers: Headers, data: bytes) -> bool:
    """Whether data under a transfer encoding that nobody knows looks as if it were: in such words, too, people send
    plain text."""
    names = headers.every("content-transfer-encoding")[:5]
    known = all(_KNOWN_ENCODING.search(name[:VALUE_MAX]) for name in names)
    return not known and _ENCODED.match(data) is not None


def read_type(value: str, default: str = "text/plain") -> tuple[str, dict[str, str]]:
    """A Content-Type as media type and parameters, pieces of RFC 2231 joined; ``default`` when it is none."""
    short = value[:VALUE_MAX]
    found = _TYPE.match(short)
    params: dict[str, str] = {}
    for name, piece, raw in _PARAM.findall(short):
        text = re.sub(r"\\(.)", r"\1", raw[1:-1]) if raw.startswith('"') else raw
        if piece == "*":
            text = text.rpartition("'")[2]
        key = name.lower()
        if not piece:
            params.setdefault(key, text)
        else:
            params[key] = params.get(key, "") + text
    return (f"{found[1]}/{found[2]}".lower() if found else default), params


class _Budget:
    """What one mail may still cost; `spent` once something was left out."""

    def __init__(self) -> None:
        self.parts = PARTS_MAX
        self.delimiters = DELIMITERS_MAX
        self.spent = False


def read_parts(raw: bytes, headers: Headers, body: int) -> tuple[Part, bool]:
    """The tree of a mail whose body begins at ``body``, and whether all of it was walked. Never raises."""
    budget = _Budget()
    return _read_part(raw, headers, body, len(raw), "text/plain", DEPTH_MAX, budget), not budget.spent


def unwrap(raw: bytes, headers: Headers, body: int, limit: int) -> bytes:
    """The mail with a transfer encoding undone that was laid over all its parts, which RFC 2045, 6.4 forbids; of such a
    body at most ``limit`` bytes are kept."""
    kind, params = read_type(headers.first("content-type") or "")
    if not kind.startswith("multipart/") or raw.find(b"--" + params.get("boundary", "").encode(), body) >= 0:
        return raw
    data = raw[body : body + limit]
    plain = undo(headers, data)
    return raw if plain == data else raw[:body] + plain


def _read_part(raw: bytes, headers: Headers, start: int, end: int, default: str, depth: int, budget: _Budget) -> Part:
    kind, params = read_type(headers.first("content-type") or "", default)
    children: list[Part] = []
    boundary = params.get("boundary", "")
    if kind.startswith("multipart/") and boundary:
        inner = "message/rfc822" if kind == "multipart/digest" else "text/plain"
        if not depth:
            budget.spent = True
        else:
            for child_start, child_end in _split(raw, start, end, boundary, budget):
                if not budget.parts:
                    budget.spent = True
                    break
                budget.parts -= 1
                child_headers, child_body = split_block(raw, child_start, child_end)
                budget.spent |= child_headers.too_long
                children.append(_read_part(raw, child_headers, child_body, child_end, inner, depth - 1, budget))
    if kind.startswith("multipart/") and not children and depth:
        # Without a usable boundary nothing separates parts: what a person wrote lies there as it is.
        kind = "text/plain"
    return Part(kind, params, headers, start, end, tuple(children))


def _split(raw: bytes, start: int, end: int, boundary: str, budget: _Budget) -> Iterator[tuple[int, int]]:
    """Where each part between the delimiters of ``boundary`` begins and ends (RFC 2046, 5.1.1)."""
    mark = b"--" + boundary.encode("utf-8", "replace")
    part_start: int | None = None
    at = start
    while (found := raw.find(mark, at, end)) >= 0:
        if not budget.delimiters:
            budget.spent = True
            break
        budget.delimiters -= 1
        at = found + len(mark)
        rest = _REST_OF_DELIMITER.match(raw, at, end)
        if rest is None or (found > start and raw[found - 1 : found] != b"\n"):
            continue
        if part_start is not None:
            # The line end before a delimiter belongs to the delimiter.
            before = found - (2 if raw[found - 2 : found] == b"\r\n" else 1)
            yield part_start, max(part_start, before)
        if rest[1]:
            return
        part_start = at = rest.end()
    if part_start is not None:
        yield part_start, end


def unflow(text: str, *, delsp: bool) -> str:
    """Paragraphs of format=flowed, each on one line; quoted lines stay quoted (RFC 3676, 4.1 to 4.5)."""
    out: list[tuple[int, list[str]]] = []
    flowing = False
    for line in text.split("\n"):
        content = line.lstrip(">")
        depth = len(line) - len(content)
        content = content.removeprefix(" ")
        is_signature = content in ("-- ", "--")
        goes_on = flowing and not is_signature and out[-1][0] == depth
        flowing = content.endswith(" ") and not is_signature
        if flowing and delsp:
            content = content[:-1]
        if goes_on:
            out[-1][1].append(content)
        else:
            out.append((depth, [content]))
    joined = ((depth, "".join(pieces)) for depth, pieces in out)
    return "\n".join(f"{'>' * depth} {content}" if depth else content for depth, content in joined)
