"""Letters that came back: which of ours, whether for good, and why. RFC 3464, and the forms that servers had before it.

A letter is known by its Message-ID in what was returned, or, where a relay replaced that, by our instance with its
case, kind and reader, and by nothing else: a bounce that returns nothing, or a stranger's mail, is about nobody's
letter. What follows from a bounce is decided elsewhere.
"""

from __future__ import annotations

import html
import logging
import re
from collections.abc import Sequence
from email import message_from_bytes

from workflow.core.mail import Robot
from workflow.core.model import LetterKind
from workflow.mail.reading.charsets import clean, decode
from workflow.mail.reading.headers import read_id, sole_address, split_block
from workflow.mail.reading.parts import Part

LOOP = "x-promptly-loop"
"""On every letter of every Promptly (contract section 4), so a returned letter says whose it is."""

STATUS = frozenset({"message/delivery-status", "message/global-delivery-status"})
RETURNED = frozenset(
    {"message/rfc822", "text/rfc822-headers", "message/rfc822-headers", "message/global", "message/global-headers"}
)

BOUNCE_MAX = 256 * 1024
"""Bytes of a bounce that are searched: it returns a letter of ours, which has 20 KB."""

FLUFL_MAX = 32 * 1024
"""Bytes of a bounce that flufl.bounce sees: the failed address stands near the top, and 256 KB cost it two seconds."""

BODY_PARTS_MAX = 50
"""Content-Types in a bounce that is shown to flufl.bounce, which uses the standard library's unbounded parser."""

_ACTION = re.compile(r"^action:[ \t]*([a-z]+)", re.IGNORECASE | re.MULTILINE)
_FAILED = frozenset({"failed", "failure", "error"})
"""What RFC 3464 calls "failed"; OpenSMTPD says "error"."""
_RETURNED_ID = re.compile(r"^(?:> ?)?message-id:\s{0,3}(<[^<>\s]{1,998}>)", re.IGNORECASE | re.MULTILINE)
_RETURNED_LOOP = re.compile(r"^(?:> ?)?x-promptly-loop:[ \t]*(\S{1,200})", re.IGNORECASE | re.MULTILINE)
_RETURNED_BEGINS = re.compile(
    r"^(?:> ?)?(?:received|return-path|message-id|dkim-signature|x-promptly-[a-z]+):", re.IGNORECASE | re.MULTILINE
)
"""Above it the server speaks; below it stand version numbers that look like codes."""

_CODE = re.compile(r"(?<![\d.])([245]\.[0-7]\.\d{1,3})(?!\.?\d)")
"""RFC 3463, section 2."""
_REPLY = re.compile(r"(?<![\d.:-])(4(?:21|5\d)|5(?:0[0-4]|[235]\d))(?=[ -]\D|[ -][245]\.)")
"""RFC 5321, section 4.2.3, in the sentences of a server."""
_DELAYED = re.compile(
    r"\bdelayed\b|warning message only|(?:will|is going to) (?:be )?(?:retr|continue|keep)|still trying"
    r"|not yet been delivered|(?:need not|do not need to|don't need to|no need to) (?:resend|send)",
    re.IGNORECASE,
)
_GIVEN_UP = re.compile(
    r"permanent (?:fatal )?error|undeliverable|not going to try again|giving up|address (?:was )?not found"
    r"|(?:could not|couldn't|can't|cannot|wasn't able to|unable to) (?:be )?deliver"
    r"|delivery (?:has |to .{0,80} )?failed|unknown (?:user|recipient)"
    r"|(?:user|mailbox|recipient|address)\W+(?:is )?(?:unknown|not found|does(?: not|n't) exist)"
    r"|no such (?:user|mailbox|recipient|address)",
    re.IGNORECASE,
)
_LINE_TAGS = re.compile(r"<(?:br|/?p|/?div|/?pre|/?tr|/?li|/?h\d)\b[^>]{0,500}>", re.IGNORECASE)
_TAGS = re.compile(r"</?[a-z!][^<>]{0,2000}>", re.IGNORECASE)


def read_bounce(leaves: Sequence[Part], raw: bytes, subject: str, instance: str) -> Robot:
    """What a mail server's report says; a "receipt" when it is good news, "automatic" when it says nothing known.

    ``leaves`` are the mail's parts without children; ``instance`` is ours: a returned letter of another Promptly has a
    ``bounced`` of None. "Action: failed" is for good whatever the code (RFC 3464, 2.3.3): nobody tries again.
    """
    spoken = _spoken(leaves, raw)
    bounced = _returned_id(leaves, raw, spoken, instance)
    case, letter, to = _returned_fields(leaves, raw, spoken, instance)
    status = "\n".join(decode(leaf.payload(raw, BOUNCE_MAX)) for leaf in leaves if leaf.kind in STATUS)
    actions = {action.lower() for action in _ACTION.findall(status)}
    if actions:
        # "delivered", "relayed" and "expanded" are good news (RFC 3464, 2.3.3).
        if not actions & (_FAILED | {"delayed"}):
            return Robot("receipt")
        return Robot("bounce", bounced, bool(actions & _FAILED), _code(status), case, letter, to)
    said = "\n".join((subject, status, *(_RETURNED_BEGINS.split(text, maxsplit=1)[0] for text in spoken)))
    judged = _judge(said, raw)
    if judged is None and bounced is None and not letter and not status:
        return Robot("automatic")
    return Robot("bounce", bounced, bool(judged), _code(said), case, letter, to)


def _returned_id(leaves: Sequence[Part], raw: bytes, spoken: Sequence[str], instance: str) -> str | None:
    """The Message-ID of the returned letter: of its part, else the first that stands as a header line in the text."""
    for leaf in leaves:
        if leaf.kind in RETURNED:
            headers, _ = split_block(leaf.payload(raw, BOUNCE_MAX).lstrip())
            if (found := read_id(headers)) is not None:
                return found if set(headers.every(LOOP)) <= {instance} else None
    for text in spoken:
        line = _RETURNED_ID.search(text)
        if line:
            loop = _RETURNED_LOOP.search(text)
            return line[1] if loop is None or loop[1] == instance else None
    return None


def _returned_fields(leaves: Sequence[Part], raw: bytes, spoken: Sequence[str], instance: str) -> tuple[str, str, str]:
    """Case, kind and recipient of the returned letter, if it is this instance's; "" for what is not there."""
    returned = (leaf.payload(raw, BOUNCE_MAX).lstrip() for leaf in leaves if leaf.kind in RETURNED)
    quoted = (text[found.start() :].encode() for text in spoken if (found := _RETURNED_BEGINS.search(text)))
    for block in (*returned, *quoted):
        headers, _ = split_block(re.sub(rb"(?m)^> ?", b"", block))
        case, letter = headers.first("x-promptly-case") or "", headers.first("x-promptly-letter") or ""
        # An id that looks like ours was not replaced: if nobody knows it, somebody guessed it; but a test letter's is
        # kept nowhere.
        guessed = (read_id(headers) or "").startswith(f"<{case or 'desk'}.") and letter != LetterKind.TEST
        if letter and set(headers.every(LOOP)) == {instance} and not guessed:
            return case, letter, sole_address(headers.first("to") or "") or ""
    return "", "", ""


def _spoken(leaves: Sequence[Part], raw: bytes) -> list[str]:
    """What the server wrote for people, part by part, with the line ends of the page."""
    texts = []
    for leaf in leaves:
        if leaf.kind.startswith("text/") and leaf.kind not in RETURNED:
            text = clean(leaf.text(raw, BOUNCE_MAX)).replace("\r\n", "\n")
            if leaf.kind == "text/html":
                text = html.unescape(_TAGS.sub("", _LINE_TAGS.sub("\n", text)))
                text = "\n".join(line.strip() for line in text.split("\n"))
            texts.append(text)
    return texts


def _code(said: str) -> str:
    """The code that says why, "" without one; what failed for good before what failed for now."""
    codes = [code for code in _CODE.findall(said) if code[0] != "2"]
    return max(codes, key=lambda code: code[0], default="")


def _judge(said: str, raw: bytes) -> bool | None:
    """Whether it failed for good (True) or for now (False), by a report of no standard form; None: it does not say."""
    if _DELAYED.search(said):
        return False
    temporary, permanent = _ask_flufl(raw)
    if permanent:
        return True
    if temporary:
        return False
    codes = {code[0] for code in (*_CODE.findall(said), *_REPLY.findall(said))}
    if "5" in codes or _GIVEN_UP.search(said):
        return True
    return False if "4" in codes else None


def _ask_flufl(raw: bytes) -> tuple[bool, bool]:
    """Whether somebody failed for now, and for good, by the rules that flufl.bounce knows for old mail servers."""
    short = raw[:FLUFL_MAX]
    if short.lower().count(b"content-type") > BODY_PARTS_MAX:
        return False, False
    # 13 ms to import, and hardly ever needed: nearly every bounce is RFC 3464's.
    from flufl.bounce import all_failures

    logging.getLogger("flufl.bounce").setLevel(logging.CRITICAL)
    try:
        temporary, permanent = all_failures(message_from_bytes(short))
    except Exception:  # its detectors index and decode what strangers wrote; any failure means "not known"
        return False, False
    return bool(temporary), bool(permanent)
