"""Which mails machines wrote, or handed on: our own, bounces, out-of-office answers, receipts, lists (contract 8.6).

Says only what a mail is; what follows from it is decided elsewhere: what a list hands on may be a person's. When in
doubt a mail is a person's: a report that is taken for a robot's is lost, a robot that is taken for a person gets a few
answers at most (`core.limits`).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from workflow.core.kinds import ESCALATED, KINDS
from workflow.core.mail import Robot
from workflow.mail.reading.bounces import LOOP, STATUS, read_bounce
from workflow.mail.reading.charsets import decode
from workflow.mail.reading.headers import Headers
from workflow.mail.reading.parts import Part, read_type

FIELD_MAX = 1000
"""Characters of a structured field that are looked at; the keyword stands at its beginning."""

CALENDAR_MAX = 4096
"""Bytes of a calendar in which its METHOD is looked for: it stands above the first event (RFC 5545, 3.4)."""

_COMMENT = re.compile(r"\((?:[^()\\]|\\.)*\)")
_MAILER_DAEMON = re.compile(r"(?:mailer-?daemon|mail-?daemon|mdaemon|postmaster|mailerdaemon)(?:[+.-][^@]*)?@")
_LIST_FIELDS = (
    *("list-id", "list-help", "list-unsubscribe", "list-unsubscribe-post", "list-subscribe", "list-post"),
    *("list-owner", "list-archive", "mailing-list", "x-mailing-list", "x-beenthere", "x-google-group-id"),
    *("x-original-from", "x-original-sender"),
)
"""RFC 2369, 2919 and 8058, Yahoo's, Mailman's and Google's, and where a group keeps whose mail it was."""
_AUTOMATIC_FIELD = re.compile(
    r"x-(?:mail-)?auto-?(?:reply|respon[ds]|generated)(?!.*suppress)|x-vacation|x-fc-machinegenerated"
)
"""Fields by which autoresponders tell themselves, however their names go on; X-Auto-Response-Suppress is none."""
_ANSWERS_AN_INVITATION = frozenset({"REPLY", "COUNTER", "DECLINECOUNTER", "REFRESH"})
_METHOD = re.compile(r"^METHOD:([A-Z]+)", re.MULTILINE | re.IGNORECASE)
_LABELS = re.compile(r"(?:\[[^\]]{1,40}\]\s*)*")
"""What gateways put in front: ``[EXTERNAL]``."""
_OURS = [re.escape(form.partition("{")[0]) for form in (ESCALATED, *(kind.subject for kind in KINDS.values()))]
_OUT_OF_OFFICE = re.compile(
    r"\s*(?:"
    # Exchange and Outlook put these before the colon, in the language of the mailbox.
    r"(?:auto(?:mat(?:ic|ed))?[- ]?(?:reply|response|answer)|auto-?responder|ooo|oof|"
    r"vacation (?:auto-?)?(?:reply|response|message|notice)|on (?:vacation|holiday|leave)|"
    r"out[- ]of[- ](?:the[- ])?office(?: (?:auto-?reply|automatic reply|reply|response|notification|message))?|"
    r"automatische (?:antwort|abwesenheitsnotiz)|abwesenheit(?:s(?:notiz|nachricht|meldung|assistent))?|abwesend|"
    r"réponse automatique|absence du bureau|absente? du bureau|message d'absence|"
    r"respuesta autom[áa]tica|erantzun automatikoa|fuera de (?:la )?oficina|resposta automàtica|"
    r"risposta automatica|fuori (?:sede|ufficio)|resposta autom[áa]tica|fora do escritório|ausência temporária|"
    r"automatisch antwoord|afwezigheidsbericht|afwezig|"
    r"autosvar|automatiskt svar|automatisk svar|frånvaro(?:meddelande)?|fraværsmelding|automaattinen vastaus|"
    r"poissaoloviesti|sjálfvirkt svar|automaatne vastus|automaatvastus|automātisk[āa] atbilde|automatinis atsakymas|"
    r"odpowiedź automatyczna|automatyczna odpowiedź|automatická odpov[ěe]ď|automatikus válasz|răspuns automat|"
    r"automatski odgovor|аутоматски одговор|samodejni odgovor|автоматический ответ|автоответ|автоматична відповідь|"
    r"автовідповідь|автоматичен отговор|"
    r"автоматты жауап|αυτόματη απάντηση|otomatik (?:yanıt|cevap)|balasan (?:otomatis|automatik)|"
    r"(?:câu )?trả lời tự động|स्वचालित उत्तर|پاسخ خودکار|(?:การ)?ตอบกลับอัตโนมัติ|"
    r"תשובה אוטומטית|מענה אוטומטי|رد تلقائي|"
    r"自动(?:回复|答复)|自動(?:回覆|回復|返信|応答)|不在通知|자동 (?:회신|응답))"
    r"(?:\s*(?:[:：]|$)|\s+(?:re|aw|antw|sv|vs|odp)\s?[:：])"
    # Lotus Notes, in whatever language.
    r"|auto\s?:.{1,100}\([^()\d]{2,40}\d{1,4}[./-]\d[^()]{0,20}\)"
    r"|.{1,80} is out of the office \(returning\b"
    # What people also answer in a word is a machine's where the subject of our letter follows.
    r"|(?:i am |i'm |currently )?(?:un(?:reach|avail)able|not (?:reach|avail)able|away|absent|on (?:\w+ )?leave|"
    rf"(?:on )?(?:vacation|holiday))\b[^:\[]{{0,40}}:\s*(?:re:\s*)?\[\w{{4}}\] (?:{'|'.join(_OURS)})"
    r")",
    re.IGNORECASE,
)
"""Only before a colon or a "Re:", or as the whole subject: "Out of office today, LATE 15 Sam" is a person's."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What `message` knows of a mail when it asks; ``tree`` is None when only the header block is there."""

    headers: Headers
    sender: str | None
    subject: str
    raw: bytes
    tree: Part | None
    elsewhere: bool = False
    """To and Cc name somebody, and not the mailbox."""
    own: bool = False
    """From is the mailbox's."""

    def leaves(self) -> Iterator[Part]:
        return self.tree.leaves() if self.tree else iter(())

    def holds(self, *kinds: str) -> bool:
        return any(leaf.kind in kinds for leaf in self.leaves())


def spot(seen: Seen, instance: str) -> Robot | None:
    """Why this mail is a machine's, or None for a person's. Never raises.

    ``instance`` is ours: a returned letter of another Promptly has a ``bounced`` of None. X-Auto-Response-Suppress
    alone says nothing: it asks for silence, and Exchange puts it on what people write.
    """
    headers = seen.headers
    if loops := headers.every(LOOP):
        return Robot("own", foreign=seen.own and instance not in loops and not _is_test(headers))
    words = [word for value in headers.every("auto-submitted") if (word := _first_word(value)) not in ("", "no")]
    precedence = {_first_word(value) for value in headers.every("precedence")}
    nobody = _has_null_sender(headers)
    report = _report_type(seen)
    if report == "delivery-status" or (report is None and _is_from_mailer_daemon(seen)):
        return read_bounce(tuple(seen.leaves()), seen.raw, seen.subject, instance)
    if report is None and (nobody or words or headers.every("x-failed-recipients")):
        # A gateway may have wrapped the report, and some servers bounce under a name of their own: then only a letter
        # that came back for good tells a bounce from an out-of-office answer.
        bounce = read_bounce(tuple(seen.leaves()), seen.raw, seen.subject, instance)
        if seen.holds(*STATUS) or ((bounce.bounced is not None or bounce.letter) and bounce.permanent):
            return bounce
    if report is not None or seen.holds("message/disposition-notification") or _answers_an_invitation(seen):
        return Robot("receipt")
    bulk = bool(precedence & {"bulk", "junk"})
    listed = "list" in precedence or any(headers.every(name) for name in _LIST_FIELDS)
    if (
        "auto-replied" in words
        or precedence & {"auto_reply", "auto-reply"}
        or _tells_itself(headers)
        or _is_out_of_office(seen.subject)
        # An old vacation program says no more than that it answers, and that nobody should answer it.
        or ((nobody or (bulk and not listed)) and headers.every("in-reply-to"))
    ):
        return Robot("out-of-office")
    if words:
        return Robot("automatic")
    # A distribution list of Exchange leaves no other trace than that nobody is to be told of its failures.
    if listed or (nobody and seen.elsewhere):
        return Robot("list")
    return Robot("automatic") if bulk or nobody else None


def _first_word(value: str) -> str:
    """The keyword of a structured field, without comments and parameters (RFC 3834, 5)."""
    text = value[:FIELD_MAX]
    while (bare := _COMMENT.sub(" ", text)) != text:  # comments nest
        text = bare
    words = text.partition(";")[0].replace('"', " ").split()
    return words[0].lower() if words else ""


def _tells_itself(headers: Headers) -> bool:
    fields = [name for name in headers.fields if _AUTOMATIC_FIELD.match(name)]
    return any(_first_word(value) != "no" for name in fields for value in headers.every(name))


def _is_test(headers: Headers) -> bool:
    """Whether it is the letter of ``check --send``, which may have no state to take an instance from."""
    return headers.first("x-promptly-letter") == "test"


def _has_null_sender(headers: Headers) -> bool:
    return any(value.replace(" ", "") == "<>" for value in headers.every("return-path"))


def _is_out_of_office(subject: str) -> bool:
    composed = unicodedata.normalize("NFC", subject)
    labels = _LABELS.match(composed)
    return bool(_OUT_OF_OFFICE.match(composed, labels.end() if labels else 0))


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
    return named or ("delivery-status" if seen.holds(*STATUS) else "")


def _answers_an_invitation(seen: Seen) -> bool:
    """Whether a calendar program accepted or declined (RFC 5546, 3.2.3); an invitation is a person's."""
    for leaf in seen.leaves():
        if leaf.kind == "text/calendar":
            written = _METHOD.search(decode(leaf.payload(seen.raw, CALENDAR_MAX)))
            method = leaf.params.get("method") or (written[1] if written else "")
            if method.upper() in _ANSWERS_AN_INVITATION:
                return True
    return False
