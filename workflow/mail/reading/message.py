"""Bytes to `Mail`, whatever the bytes: bounded in time and memory, and it never raises. Judges nobody, decides nothing.

What a person wrote is looked for in text/plain, else in HTML; attachments, and what is sealed (S/MIME, PGP, TNEF) or
is no writing (calendars), have no text: such a mail speaks by its subject.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime

from workflow.core.mail import Mail
from workflow.mail.reading import newtext, robots
from workflow.mail.reading.headers import (
    Headers,
    read_date,
    read_id,
    read_name,
    read_other_senders,
    read_recipients,
    read_references,
    read_sender,
    read_subject,
    split_block,
)
from workflow.mail.reading.hypertext import read_html, strikes_out
from workflow.mail.reading.parts import Part, is_encoded, read_parts, unwrap

TEXT_MAX = 64 * 1024
"""Characters of text that are kept: a long thread quoted whole has 50,000, and the newest stands on top."""
PAYLOAD_MAX = 512 * 1024
"""Encoded bytes of one part that are decoded: base64 and markup take room that text does not."""
LEAVES_MAX = 8
"""Text parts that are read: a body cut in two by a photograph, and two footers, are four."""

WRITTEN = frozenset({"text/plain", "text/html"})

REACTION = "text/vnd.google.email-reaction+json"
_SAY_NOTHING = frozenset(
    {
        "application/pkcs7-signature",
        "application/x-pkcs7-signature",
        "application/pgp-signature",
        "application/pgp-keys",
    }
    | {"text/vcard", "text/x-vcard", REACTION}
)
"""Seals, keys and cards that hang on every mail of some people."""
THUMB = "\U0001f44d"
"""What a reaction says, whichever sign it is: bare courtesy (contract section 3)."""
REACTED_MAX = 500
_REACTED = re.compile(
    r"\W{0,5}(?:\[[^\]]{0,80}\] ?)?(?:[\w.,'’-]+ ){1,6}(?:(?:reacted to your message|a réagi à votre message|"
    r"hat auf (?:ihre|deine) nachricht reagiert|ha reaccionado a (?:tu|su) mensaje|ha reagito al tuo messaggio|"
    r"reagiu à sua mensagem|heeft gereageerd op (?:uw|je) bericht) ?:|reacted via gmail(?: ?<[^<>]*>)?)",
    re.IGNORECASE,
)

_HASH_STEP = 1024 * 1024
_SIGNED = re.compile(r"^-----BEGIN PGP SIGNED MESSAGE-----\n(?:[^\n]+\n)*\n?", re.MULTILINE)
_ARMOUR = re.compile(r"^-----BEGIN PGP (?:SIGNATURE|MESSAGE)-----", re.MULTILINE)
_DASH_ESCAPE = re.compile(r"^- (?=-)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Incoming:
    """A mail as read, with what `mail.reading.trust` needs to judge it."""

    mail: Mail
    """Without its text: what is new in it is known when the letters that it answers are (`answering`)."""
    headers: Headers
    text: str = ""
    """All the text, quotes included."""
    reaction: bool = False
    """Whether somebody only tapped a sign below a letter; Outlook's has no other mark than its words."""
    fault: str | None = None
    """Why this mail cannot be answered for and should be set aside: fits behind "it", holds no name or address."""

    def answering(self, ours: Collection[str], name: str = "") -> Mail:
        """The mail with its new text, apart from what it quotes of these letters of ours and of others.

        Whatever a mail program makes of a quotation, our own words never count as an answer. ``name`` is the
        sender's on the roster.
        """
        new_text, quoted_text = newtext.split(self.text, ours, self.mail.name, name)
        if self.reaction or (len(new_text) <= REACTED_MAX and _REACTED.fullmatch(" ".join(new_text.split()))):
            new_text = THUMB
        return replace(self.mail, new_text=new_text, quoted_text=quoted_text)


def read(
    raw: bytes,
    arrived_at: datetime,
    *,
    size: int | None = None,
    max_size: int | None = None,
    dated_at: datetime | None = None,
    owns: Callable[[str], bool],
    instance: str,
) -> Incoming:
    """The mail that these bytes are; any bytes are one.

    ``arrived_at`` is aware, in UTC. ``size`` is what the server says (RFC 3501, RFC822.SIZE), in bytes, for when
    ``raw`` is only its beginning; over ``max_size`` bytes only the header block is read. ``dated_at`` is the arrival as
    the server has it and always will, if that is another. ``owns`` says whether an address is the mailbox's,
    ``instance`` is the value of our ``X-Promptly-Loop``. Contract section 3, promise 8.6.
    """
    headers, body = split_block(raw)
    oversize = max_size is not None and (len(raw) if size is None else size) > max_size
    subject, sender = read_subject(headers), read_sender(headers)
    text, whole, tree, plain, sealed = "", True, None, raw, False
    if not oversize:
        plain = unwrap(raw, headers, body, PAYLOAD_MAX)
        tree, whole = read_parts(plain, headers, body)
        reader = _Reader(plain, tree)
        text, sealed = reader.text, reader.sealed
    recipients = read_recipients(headers)
    elsewhere = recipients != ("",) and not any(map(owns, recipients))
    mail = Mail(
        key=_key(raw, headers, len(raw) if oversize else body, dated_at or arrived_at),
        sender=sender,
        subject=subject,
        new_text="",
        quoted_text="",
        message_id=read_id(headers),
        refers_to=read_references(headers),
        arrived_at=arrived_at,
        written_at=read_date(headers, arrived_at),
        robot=robots.spot(robots.Seen(headers, sender, subject, plain, tree, elsewhere, owns(sender or "")), instance),
        oversize=oversize,
        recipients=recipients,
        answers=_answers(headers, text),
        name=read_name(headers),
        other_senders=read_other_senders(headers),
        unread=oversize or (not newtext.is_read(text) and _holds_more(tree, sealed=sealed)),
    )
    reaction = tree is not None and any(leaf.kind == REACTION for leaf in tree.leaves())
    return Incoming(mail, headers, text, reaction, _fault(headers, text, whole=whole))


def _holds_more(tree: Part | None, *, sealed: bool) -> bool:
    """Whether something lies in a mail without text that may be what somebody wrote."""
    leaves = tree.leaves() if tree is not None else ()
    files = (leaf for leaf in leaves if leaf.is_attachment or leaf.kind not in WRITTEN)
    return sealed or any(leaf.kind not in _SAY_NOTHING and leaf.end > leaf.start for leaf in files)


def read_key(raw: bytes, dated_at: datetime, *, size: int, max_size: int) -> str:
    """The `Mail.key` of these bytes, as `read` gives it, and nothing else: no part of the mail is parsed."""
    headers, body = split_block(raw)
    return _key(raw, headers, len(raw) if size > max_size else body, dated_at)


def _answers(headers: Headers, text: str) -> bool:
    return any(headers.first(name) for name in ("in-reply-to", "references")) or newtext.quotes(text)


def _fault(headers: Headers, text: str, *, whole: bool) -> str | None:
    if headers.too_long:
        return "has too long a header block"
    if not any(headers.first(name) for name in ("from", "subject", "date", "message-id")):
        return "has no header block"
    if not whole and not text:
        return "has too many parts"
    return None


def _key(raw: bytes, headers: Headers, body: int, dated_at: datetime) -> str:
    """SHA-256 of the fields of contract section 3 and of the body without its CRs (servers differ on line ends).

    The body of an oversize mail does not count: how much of it was fetched must make no difference. Where nothing else
    tells one mail from the same words of another day, its arrival does.
    """
    digest = hashlib.sha256()
    for name in ("from", "to", "date", "subject", "message-id"):
        for value in headers.every(name):
            digest.update(" ".join(value.split()).encode("utf-8", "replace"))
            digest.update(b"\x00")
        digest.update(b"\x01")
    if not any(headers.first(name) for name in ("date", "message-id")):
        digest.update(dated_at.isoformat().encode())
    # In steps, so that a mail of any size costs two megabytes more, not twice its size.
    for start in range(body, len(raw), _HASH_STEP):
        digest.update(raw[start : start + _HASH_STEP].translate(None, b"\r"))
    return digest.hexdigest()


class _Reader:
    """Picks the text of one mail; `left` bounds what it decodes."""

    def __init__(self, raw: bytes, tree: Part) -> None:
        self.raw = raw
        self.left = LEAVES_MAX
        self.named_only = all(leaf.is_attachment for leaf in tree.leaves() if leaf.kind in WRITTEN)
        """No text is without a file name: then those with one are what was written."""
        self.sealed = False
        """There is text, and nothing of it can be understood."""
        written = self._text(tree)
        text = _without_armour(written)[:TEXT_MAX].strip("\n")
        if newtext.is_written(written) and not newtext.is_read(text):
            self.sealed, text = True, ""
        self.text = text
        """What people wrote, at most `TEXT_MAX` characters."""

    def _text(self, part: Part) -> str:
        match part.kind:
            case "multipart/encrypted":
                return ""
            case "multipart/signed" | "multipart/report":
                # The rest is for machines.
                return self._text(part.children[0]) if part.children else ""
            case "multipart/alternative":
                first = "text/html" if self._strikes_out(part) else "text/plain"
                by_taste = sorted(part.children, key=lambda child: child.kind != first)
                return next((text for child in by_taste if newtext.is_written(text := self._text(child))), "")
            case _ if part.children:
                texts = (self._text(child).strip("\n") for child in part.children)
                return "\n\n".join(text for text in texts if text.strip())
            case _:
                return self._leaf(part)

    def _strikes_out(self, part: Part) -> bool:
        html = [child for child in part.children if child.kind == "text/html"]
        return any(strikes_out(child.text(self.raw, PAYLOAD_MAX)) for child in html[: self.left])

    def _leaf(self, part: Part) -> str:
        if part.kind not in WRITTEN or (part.is_attachment and not self.named_only) or not self.left:
            return ""
        self.left -= 1
        if is_encoded(part.headers, self.raw[part.start : min(part.end, part.start + PAYLOAD_MAX)]):
            self.sealed = True
            return ""
        text = part.text(self.raw, PAYLOAD_MAX)
        return read_html(text) if part.kind == "text/html" else text


def _without_armour(text: str) -> str:
    """The text without PGP's wrapping (RFC 4880, 7); of an encrypted one nothing is left."""
    if "-----BEGIN PGP " not in text:
        return text
    opened = _SIGNED.sub("", text, count=1)
    sealed = _ARMOUR.search(opened)
    return _DASH_ESCAPE.sub("", opened[: sealed.start()] if sealed else opened)
