"""Which mails machines wrote: our own, bounces, out-of-office answers, receipts, lists (contract 8.6).

Says only what a mail is; what follows from it is decided elsewhere. When in doubt a mail is a person's: a report that
is taken for a robot's is lost, a robot that is taken for a person gets one `help` at most.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes

from workflow.core.model import Robot
from workflow.mail.charsets import decode
from workflow.mail.headers import Headers
from workflow.mail.parts import Part, read_type

LOOP = "x-promptly-loop"
"""On every letter of every Promptly (contract section 4): whatever its value, no person wrote it."""

BOUNCE_MAX = 256 * 1024
"""Bytes of a bounce that are searched: it returns a letter of ours, which has 20 KB."""

FLUFL_MAX = 32 * 1024
"""Bytes of a bounce that flufl.bounce sees: the failed address stands near the top, and 256 KB cost it two seconds."""

_COMMENT = re.compile(r"\([^()]*\)")
_MAILER_DAEMON = re.compile(r"(?:mailer-?daemon|mail-?daemon|mdaemon|postmaster|mailerdaemon)(?:[+.-][^@]*)?@")
_LIST_FIELDS = ("list-id", "list-unsubscribe", "list-post", "list-help", "mailing-list")
_AUTOMATIC_FIELDS = ("x-autoreply", "x-autorespond", "x-autoresponder", "x-autoreply-from", "x-mail-autoreply")
_OUT_OF_OFFICE = re.compile(
    r"\s*(?:"
    # Exchange and Outlook put these before the colon, in the language of the mailbox.
    r"(?:automatic reply|auto(?:matic)?[- ]?reply|auto(?:matic)?[- ]?response|"
    r"out of (?:the )?office(?: (?:auto-?reply|automatic reply|reply|response|notification|message))?|"
    r"automatische antwort|abwesenheits(?:notiz|nachricht|meldung|assistent)|abwesend|"
    r"réponse automatique|absence du bureau|absente? du bureau|message d'absence|"
    r"respuesta automática|fuera de (?:la )?oficina|"
    r"risposta automatica|fuori (?:sede|ufficio)|resposta automática|ausência temporária|"
    r"automatisch antwoord|afwezigheidsbericht|afwezig|"
    r"autosvar|automatiskt svar|automatisk svar|frånvaro(?:meddelande)?|automaattinen vastaus|"
    r"odpowiedź automatyczna|automatická odpověď|automatikus válasz|автоматический ответ|"
    r"自动回复|自動回覆|自動返信|自動応答|不在通知|자동 회신)"
    r"\s*(?:[:：]|$)"
    r")",
    re.IGNORECASE,
)
"""Only before a colon, or as the whole subject: "Out of office today, LATE 15 Sam" is a person's."""

_STATUS = "message/delivery-status"
_GLOBAL_STATUS = "message/global-delivery-status"
_RETURNED = (
    "message/rfc822",
    "text/rfc822-headers",
    "message/rfc822-headers",
    "message/global",
    "message/global-headers",
)
_ACTION = re.compile(r"^action:[ \t]*([a-z]+)", re.IGNORECASE | re.MULTILINE)
_RETURNED_ID = re.compile(r"^(?:> ?)?message-id:\s{0,3}(<[^<>\s]{1,998}>)", re.IGNORECASE | re.MULTILINE)
_RETURNED_LOOP = re.compile(r"^(?:> ?)?x-promptly-loop:[ \t]*(\S{1,200})", re.IGNORECASE | re.MULTILINE)
_BODY_PARTS_MAX = 50
"""Content-Types in a bounce that is shown to flufl.bounce, which uses the standard library's unbounded parser."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What `mail.read` knows of a mail when it asks; ``tree`` is None when only the header block is there."""

    headers: Headers
    sender: str | None
    subject: str
    raw: bytes
    tree: Part | None

    def leaves(self) -> Iterator[Part]:
        """All parts that hold no others."""
        return self.tree.leaves() if self.tree else iter(())


def spot(seen: Seen, own_address: str, instance: str) -> Robot | None:
    """Why this mail is a machine's, or None for a person's. Never raises.

    ``instance`` is ours: a returned letter of another Promptly has a ``bounced`` of None. X-Auto-Response-Suppress
    alone says nothing: it asks for silence, and Exchange puts it on what people write.
    """
    headers = seen.headers
    if headers.every(LOOP) or (seen.sender is not None and seen.sender == own_address.casefold()):
        return Robot("own")
    report = _report_type(seen)
    if report == "delivery-status" or (report is None and _is_from_mailer_daemon(seen)):
        return _read_bounce(seen, instance)
    if report is not None or _answers_an_invitation(seen):
        return Robot("receipt")
    words = [word for value in headers.every("auto-submitted") if (word := _first_word(value)) not in ("", "no")]
    precedence = {_first_word(value) for value in headers.every("precedence")}
    if (
        "auto-replied" in words
        or "auto_reply" in precedence
        or any(headers.every(name) for name in _AUTOMATIC_FIELDS)
        or _OUT_OF_OFFICE.match(seen.subject)
    ):
        return Robot("out-of-office")
    if "list" in precedence or any(headers.every(name) for name in _LIST_FIELDS):
        return Robot("list")
    if words or precedence & {"bulk", "junk"} or _has_null_sender(headers):
        return Robot("automatic")
    return None


def _first_word(value: str) -> str:
    """The keyword of a structured field, without comments and parameters (RFC 3834, 5)."""
    return _COMMENT.sub(" ", value[:200]).partition(";")[0].strip().lower()


def _has_null_sender(headers: Headers) -> bool:
    return any(value.replace(" ", "") == "<>" for value in headers.every("return-path"))


def _is_from_mailer_daemon(seen: Seen) -> bool:
    if seen.sender is not None:
        return bool(_MAILER_DAEMON.match(seen.sender))
    # "MAILER-DAEMON (Mail Delivery System)" without a domain is no address, and still no person.
    return any(re.search(r"\bmailer-daemon\b", value[:200], re.IGNORECASE) for value in seen.headers.every("from"))


def _report_type(seen: Seen) -> str | None:
    """The report-type of a multipart/report (RFC 6522), "" when it names none; None when it is no report."""
    kind, params = read_type(seen.headers.first("content-type") or "")
    if kind != "multipart/report":
        return None
    named = params.get("report-type", "").lower()
    return named or ("delivery-status" if any(leaf.kind == _STATUS for leaf in seen.leaves()) else "")


def _answers_an_invitation(seen: Seen) -> bool:
    """Whether a calendar program accepted or declined (RFC 5546, 3.2.3); an invitation is a person's."""
    return any(
        leaf.kind == "text/calendar" and leaf.params.get("method", "").upper() in ("REPLY", "COUNTER", "REFRESH")
        for leaf in seen.leaves()
    )


def _read_bounce(seen: Seen, instance: str) -> Robot:
    """A delivery report: what came back, and whether for good (RFC 3464; else whatever flufl.bounce knows)."""
    status = [leaf for leaf in seen.leaves() if leaf.kind in (_STATUS, _GLOBAL_STATUS)]
    if status:
        actions = {
            action.lower() for leaf in status for action in _ACTION.findall(decode(leaf.payload(seen.raw, BOUNCE_MAX)))
        }
        # OpenSMTPD says "error". "delivered", "relayed" and "expanded" are good news (RFC 3464, 2.3.3).
        if actions and not actions & {"failed", "error", "delayed"}:
            return Robot("receipt")
        return Robot("bounce", _returned_id(seen, instance), permanent=bool(actions & {"failed", "error"}))
    bounced = _returned_id(seen, instance)
    temporary, permanent = _ask_flufl(seen.raw)
    if not (temporary or permanent or bounced):
        return Robot("automatic")
    return Robot("bounce", bounced, permanent=permanent)


def _returned_id(seen: Seen, instance: str) -> str | None:
    """The Message-ID in the returned part; in a bounce of no standard form the first one in its text."""
    returned = [leaf for leaf in seen.leaves() if leaf.kind in _RETURNED]
    for leaf in returned or list(seen.leaves()):
        text = decode(leaf.payload(seen.raw, BOUNCE_MAX)).replace("\r\n", "\n")
        found = _RETURNED_ID.search(text)
        if found:
            loop = _RETURNED_LOOP.search(text)
            return found[1] if loop is None or loop[1] == instance else None
    return None


def _ask_flufl(raw: bytes) -> tuple[bool, bool]:
    """Whether somebody failed for now, and for good, by the rules that flufl.bounce knows for old mail servers."""
    short = raw[:FLUFL_MAX]
    if short.lower().count(b"content-type") > _BODY_PARTS_MAX:
        return False, False
    # 13 ms to import, and hardly ever needed: nearly every bounce is RFC 3464's.
    from flufl.bounce import all_failures

    logging.getLogger("flufl.bounce").setLevel(logging.CRITICAL)
    try:
        temporary, permanent = all_failures(message_from_bytes(short))
    except Exception:  # its detectors index and decode what strangers wrote; any failure means "not known"
        return False, False
    return bool(temporary), bool(permanent)
