"""How mail programs introduce what they quote, and how they sign: one predicate a habit. Cuts nothing itself.

Languages: English, French, German, Spanish in full; what is cheap to know of Italian, Portuguese, Dutch, the Nordic
and some Slavic ones. Every pattern is anchored and looks at `SEEN` characters of a line at most, so none can be slow.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

SEEN = 400
"""Characters of a line that the patterns see: an attribution with two addresses has 200."""

_QUOTED = re.compile(r"[ \t]{0,8}>")

_WROTE = (
    r"wrote|writes|said|a écrit|écrivait|schrieb|geschrieben|escribió|escribio|ha scritto|scrisse|escreveu|"
    r"schreef|heeft geschreven|geschreven|skrev|kirjoitti|napisał\(a\)|napisał|napisała|napsal\(a\)|napsal|"
    r"написал|от|写道"
)
_OPENS = re.compile(
    r"\W{0,6}(?:on|le|am|el|il|op|em|a|den|dnia|dne|w dniu|\d{1,4}[./年-]|(?:mon|tue|wed|thu|fri|sat|sun|lun|mar|"
    r"mer|jeu|ven|sam|dim|mo|di|mi|do|fr|sa|so|jue|vie|sáb|dom)[a-zéäöü]{0,8}[.,]?|"
    r"(?:понедельник|вторник|сред[ау]|четверг|пятниц[ау]|суббот[ау]|воскресенье|пн|вт|ср|чт|пт|сб|вс))[\s,]",
    re.IGNORECASE,
)
_ENDS = re.compile(rf"(?:\b(?:{_WROTE})\b|写道)[^:：\n]{{0,200}}(?:[:：]\s*\W{{0,3}}|-{{3,}}\s*)$", re.IGNORECASE)
_NOTES = re.compile(
    rf"-{{3,}}.{{1,120}}\b(?:{_WROTE})\s?:\s?-{{3,}}\s*$"
    r"|.{1,100}\s-{3}\d{1,4}[./-]\d{1,2}[./-]\d{1,4} \d{1,2}:\d\d.{0,12}?-{3}",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"[^\s<>@]{1,64}@[^\s<>@]{1,100}")
_DATE = re.compile(r"\b(?:19|20)\d\d(?:\b|[年г])|\b\d{1,2}[./]\d{1,2}[./]\d\d\b")
_CLOCK = re.compile(r"\b\d{1,2}[:.h]\d\d\b")

_LABELS = {
    "from": r"from|von|de|da|van|från|fra|lähettäjä|od|от|发件人|差出人",
    "date": (
        r"sent|date|gesendet|datum|envoyé(?: le)?|date d['’]envoi|fecha|enviado(?: el| em)?|data|inviato|verzonden|"
        r"skickat|dato|sendt|lähetetty|wysłano|отправлено|дата|发送时间|日期|送信日時"
    ),
    "to": r"to|an|à|a|para|per|aan|till|til|vastaanottaja|do|кому|收件人|宛先",
    "subject": (r"subject|betreff|objet|asunto|oggetto|assunto|onderwerp|ämne|emne|aihe|temat|předmět|тема|主题|件名"),
    "cc": r"cc|kopie|copie à|copia|kopia|kopi|kopio|抄送",
}
_LABEL = re.compile(
    r"(?:^|(?<=\s))[*_]{0,2}(?:" + "|".join(f"(?P<{name}>{words})" for name, words in _LABELS.items()) + r")"
    r"[ \u00a0]?[*_]{0,2}[:：]",
    re.IGNORECASE,
)

_DIVIDER = re.compile(
    r"[ \t]{0,8}(?:[-_=*]{2,}\s{0,3}(?:"
    r"original(?: message| appointment)|forwarded message|reply message|ursprüngliche nachricht|original-?nachricht|"
    r"weitergeleitete nachricht|message d['’]origine|message original|message transféré|message initial|"
    r"mensaje original|mensaje reenviado|forwarded by|messaggio originale|messaggio inoltrato|mensagem original|"
    r"mensagem encaminhada|oorspronkelijk bericht|doorgestuurd bericht|ursprungligt meddelande|"
    r"oprindelig meddelelse|opprinnelig melding|alkuperäinen viesti|wiadomość oryginalna"
    r")\b.{0,80}"
    r"|(?:begin forwarded message|début du (?:message transféré|courriel transféré|message réexpédié)|"
    r"anfang der weitergeleiteten (?:nachricht|e-mail)|inicio del mensaje reenviado|inizio messaggio inoltrato|"
    r"start doorgestuurd bericht)\s?:\s*)$",
    re.IGNORECASE,
)

_RULE = re.compile(r"[ \t]{0,8}(?:_{3,}|={10,}|(?:-=){5,}-?)\s*$")
_ANY_LABEL = re.compile(r"[^\s:：][^:：]{0,30}[:：]\s*\S")
_SIGNATURE = re.compile(r"--\s?$|—\s*$")
_TAGLINE = re.compile(
    r"[\W_]{0,3}(?:"
    r"sent (?:from|via|with|using) (?:my|the|mail|outlook|yahoo|gmail|samsung|proton|android|iphone|ipad|windows|"
    r"mobile|blackberry|spark|k-9|aol|a mobile|an? )[^,;!?]{0,60}"
    r"|get outlook for [\w ]{2,20}|get bluemail for [\w ]{2,20}|download (?:yahoo|the) .{0,50}"
    r"|sent from \w{2,12}phone"
    r"|(?:typed|written) on (?:my|a) (?:phone|mobile)[^,;!?]{0,60}"
    r"|please excuse (?:any |the )?(?:typos|brevity)[^,;!?]{0,40}"
    r"|envoyé (?:de|depuis|à partir de|avec|via) .{2,60}|(?:obtenir|obtenez|télécharge[rz]) outlook .{2,40}"
    r"|(?:von meinem|von meiner) .{2,50} (?:gesendet|aus gesendet)"
    r"|gesendet (?:von|mit|über|aus) .{2,60}|diese nachricht wurde von meinem .{2,60}"
    r"|outlook für \w{2,12} (?:beziehen|herunterladen)|holen sie sich outlook .{2,40}"
    r"|enviado (?:desde|con|a través de|do|pelo) .{2,60}|obt(?:ener|enga|én) outlook .{2,40}"
    r"|inviato da(?:l|lla)? .{2,60}|scarica outlook .{2,40}|(?:verzonden|verstuurd) (?:vanaf|met|via) .{2,60}"
    r"|skickat från .{2,60}|sendt fra .{2,60}|lähetetty .{2,40}|wysłan[eo] z .{2,40}|отправлено (?:с|из) .{2,40}"
    r"|(?:odesláno|odoslané|poslano) (?:z|s|iz) .{0,20}iphon.{0,20}|(?:надіслано|відправлено) з .{2,40}"
    r"|στάλθηκε από .{2,40}|trimis de pe .{2,40}|elküldve az? .{2,40}|enviat des d.{2,40}|đã gửi từ .{2,40}"
    r"|(?:dikirim|dihantar) dari(?:pada)? .{2,40}|נשלח מ.{2,40}|أُ?رسلت من .{2,40}|发自.{2,30}|從.{2,30}傳送"
    r"|[\w ]{0,10}(?:iphone|ipad|galaxy|android)\W?(?:\w{0,8} (?:gönderildi|küldve)|から送信|에서 보냄)"
    r"|yahoo mail ?: \w{2,20}, \w{2,20},? (?:\w{1,3} )?\w{2,20}"
    r"|\u1427"
    r")(?:\s*<[^<>\s]{1,200}>)?[\s.\])*_]{0,5}$",
    re.IGNORECASE,
)
_REGARDS = re.compile(
    r"\s{0,8}(?:(?:kind(?:est)?|best|warm(?:est)?|many)?\s?regards|best wishes|all the best|sincerely(?: yours)?|"
    r"yours (?:sincerely|truly|faithfully)|respectfully|cheers|best|warmly|take care|(?:bien )?cordialement|"
    r"bien à vous|cordiales saludos|salutations(?: distinguées)?|mit freundlichen gr(?:ü|ue)(?:ß|ss)en|"
    r"(?:viele|beste|liebe|freundliche|herzliche) gr(?:ü|ue)(?:ß|ss)e|mfg|lg|vg|un (?:cordial )?saludo|"
    r"saludos(?: cordiales)?|atentamente|cordiali saluti|met vriendelijke groet(?:en)?|med vänliga hälsningar)"
    r"\s?[,.!]?\s*$",
    re.IGNORECASE,
)
_DISCLAIMER = re.compile(
    r"\W{0,3}(?:(?:confidentiality|privacy|legal)(?: notice| statement| disclaimer)?\s?[:.]|disclaimer\b|"
    r"avis de confidentialité|"
    r"(?:this|the information (?:in|contained in) this) (?:e-?mail|message|communication|transmission)\b.{0,150}"
    r"\b(?:confidential|privileged|intended (?:only|solely))|"
    r"ce (?:courriel|message)\b.{0,150}\bconfidentiel|diese (?:e-?mail|nachricht)\b.{0,150}\bvertraulich|"
    r"este (?:correo|mensaje)\b.{0,150}\bconfidencial|"
    # What groups of Google, Microsoft and groups.io put below.
    r"you(?:['’]re receiving| are receiving| received) this (?:e-?mail|message) because you(?:['’]re| are)|"
    r"groups\.io links:)",
    re.IGNORECASE,
)
_POSTSCRIPT = re.compile(r"\s{0,8}p\.?\s?s\b", re.IGNORECASE)


def is_quoted(line: str) -> bool:
    return bool(_QUOTED.match(line))


def is_divider(line: str) -> bool:
    return bool(_DIVIDER.match(line[:SEEN]))


def is_attribution(text: str) -> bool:
    """Whether this is a whole attribution: ``On Mon, Nov 23, 2026 at 2:03 PM Clinic <clinic@clinic.test> wrote:``.

    "On the phone she wrote:" is a person's: without a date or an address there is none. Where a date, a time and an
    address stand before the colon, it is one in whatever language.
    """
    short = text[:SEEN].rstrip()
    if _NOTES.match(short):
        return True
    if _ENDS.search(short):
        return bool(_ADDRESS.search(short) or opens_attribution(short))
    return short.endswith((":", "：")) and all(sign.search(short) for sign in (_DATE, _CLOCK, _ADDRESS))


def opens_attribution(line: str) -> bool:
    """Whether the first line of an attribution that was wrapped stands here: "On Mon, Nov 23, 2026 at 2:03 PM"."""
    short = line[:SEEN]
    return bool(_OPENS.match(short) and (_DATE.search(short) or _CLOCK.search(short)))


def introduces_quote(text: str) -> bool:
    """Whether this, right above marked lines, names whom they quote, in whatever language."""
    short = text[:SEEN].rstrip()
    if is_attribution(short):
        return True
    known = _ADDRESS.search(short) or (_DATE.search(short) and _CLOCK.search(short))
    return bool(short.endswith((":", "：")) and known)


def opens_header_block(lines: Sequence[str]) -> bool:
    """Whether the first of these lines opens a copied header block, as Outlook puts it above what it quotes.

    It does when it is a label, and with it at least three kinds of label follow closely, one of them From.
    """
    found = _LABEL.match(lines[0][:SEEN].lstrip())
    if not found:
        return False
    kinds: set[str] = set()
    for line in [line for line in lines if line.strip()][:6]:
        kinds.update(match.lastgroup for match in _LABEL.finditer(line[:SEEN].lstrip()) if match.lastgroup)
    return "from" in kinds and len(kinds) >= 3


def is_rule(line: str) -> bool:
    """Whether this is a drawn line; what it parts, only the lines below it say."""
    return bool(_RULE.match(line[:SEEN]))


def is_any_block(lines: Sequence[str]) -> bool:
    """Whether a header block in whatever language begins with these lines: three labels, and an address behind one."""
    first = [line for line in lines if line.strip()][:3]
    labels = [line for line in first if _ANY_LABEL.match(line[:SEEN])]
    return len(labels) == 3 and bool(_ADDRESS.search(" ".join(labels)))


def is_list_footer(lines: Sequence[str]) -> bool:
    """Whether a mailing list names itself first in these lines."""
    return any(
        "mailing list" in line.lower() or is_disclaimer(line) for line in [line for line in lines if line.strip()][:1]
    )


def is_name(line: str, name: str) -> bool:
    """Whether this is that name and nothing else but initials, credentials or pronouns: "Dana M. Lee, RP (she/her)"."""
    bare = re.split(r"[,(|]", line[:SEEN].strip(" *_"))[0]
    words, wanted = bare.casefold().split(), name.replace(",", " ").casefold().split()
    return len(wanted) > 1 and set(wanted) <= set(words) and all(w in wanted or len(w.strip(".")) == 1 for w in words)


def is_signature_start(line: str) -> bool:
    """Whether a signature follows (RFC 3676, 4.3, and what mail programs made of it)."""
    return bool(_SIGNATURE.match(line))


def is_tagline(line: str) -> bool:
    """Whether a telephone signed for its owner: "Sent from my iPhone" is never the word SENT."""
    return len(line) <= SEEN and bool(_TAGLINE.match(line))


def is_regards(line: str) -> bool:
    """Whether this is nothing but a closing formula. Thanks are none: an answer may follow them."""
    return len(line) <= SEEN and bool(_REGARDS.match(line))


def is_disclaimer(line: str) -> bool:
    return bool(_DISCLAIMER.match(line[:SEEN]))


def is_postscript(line: str) -> bool:
    return bool(_POSTSCRIPT.match(line))
