"""Reading mail in tests: bytes, or a few fields and a body, become what `mail.reading.message` makes of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from workflow.core.mail import Mail
from workflow.mail.reading.message import Incoming, read

NOW = datetime(2026, 11, 23, 19, 3, tzinfo=UTC)


def reading(raw: bytes, *, size: int | None = None, max_size: int | None = None) -> Incoming:
    """These bytes as read when they arrive now, in no thread of ours."""
    incoming = read(raw, NOW, size=size, max_size=max_size, owns="clinic@clinic.test".__eq__, instance="i1")
    return replace(incoming, mail=incoming.answering(()))


def mail(*fields: str, body: str | bytes = "", sender: str = "Dana Lee <dana@clinic.test>") -> Mail:
    """A mail of Dana's with these header fields."""
    head = "".join(f"{field}\r\n" for field in (f"From: {sender}", *fields)).encode()
    return reading(head + b"\r\n" + (body.encode() if isinstance(body, str) else body)).mail


def parts(kind: str, *inner: str) -> str:
    """A multipart of these parts, each with its header block: an empty line is an empty one."""
    return f"Content-Type: multipart/{kind}; boundary=b\n\n" + "".join(f"--b\n{part}\n" for part in inner) + "--b--\n"


def text_of(raw: str | bytes) -> str:
    """What is new in Dana's mail with this header block and body."""
    data = raw.encode() if isinstance(raw, str) else raw
    return reading(b"From: dana@clinic.test\n" + data).mail.new_text
