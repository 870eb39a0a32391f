"""What a gateway puts above a mail that came from outside: known by its words, in eight languages and a few more.

A banner that is not known here is passed over by `lines.past_preface`, or told of. Pure, linear, never raising.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from workflow.core.language.lines import says_something

_WARNS = (
    "caution|warning|external|security|be cautious|beware|"
    "(?:important|notice|attention|note|alert|be careful)\\W{1,5}(?:this|the|external|e-?mail|you|sender)|"
    "avertissement|mise en garde|avis|alerte|prudence|attention ?:|courriel externe|message externe|expéditeur externe|"
    "precaución|advertencia|atención|cuidado|aviso|correo externo|mensaje externo|remitente externo|"
    "achtung|warnung|vorsicht|hinweis|externe|externer|"
    "attenzione|avviso|avvertenza|mittente esterno|messaggio esterno|e-?mail esterna|"
    "atenção|alerta|remetente externo|mensagem externa|e-?mail externo|"
    "let op|waarschuwing|pas op|externe afzender|"
    "uwaga|ostrzeżenie|ostrożnie|wiadomość zewnętrzna|nadawca zewnętrzny|"
    "varning|advarsel|obs|varoitus|upozornění|внимание|предупреждение|figyelem|dikkat"
)
_MAIL = (
    "e-?mails?|mails?|messages?|senders?|courriels?|expéditeurs?|correos?|mensajes?|remitentes?|nachrichten|nachricht|"
    "absenders?|messaggi|messaggio|mittenti|mittente|mensagem|mensagens|remetentes?|bericht|berichten|afzenders?|"
    "wiadomości|wiadomość|nadawc[aęyą]|links?|attachments?|meddelande|avsändare|besked|afsender|viesti|lähettäjä|"
    "zpráva|odesílatel|письм[оа]|сообщение|отправител[ья]"
)
_OUTSIDE = (
    "external(?:ly)?|originat\\w+|untrusted|unverified|(?:unknown|unfamiliar) sender|previously correspond\\w*|"
    "(?:from|of) outside|outside (?:of )*(?:the|your|our|this|my|[a-z]+'s) (?:\\w+ )?(?:organi[sz]|compan|clinic|"
    "network|domain|business|institut|tenant|firm|group|universit|hospital|agency|corporat|enterprise|system|office|practice)\\w*|"
    "extern\\w{0,2}|extérieure?|hors de|inconnue?|externos?|externas?|fuera d\\w+|desconocid[oa]|exterior|"
    "außerhalb|unbekannt\\w*|estern[oaie]|al di fuori|sconosciut[oa]|fora d\\w+|desconhecid[oa]|"
    "buiten|onbekende?|zewnętrzn\\w+|zewnątrz|spoza|nieznan\\w+|utanför|udenfor|utenfor|ulkopuol\\w+|mimo|внешн\\w+|извне"
)
_OPENS = re.compile(
    rf"[\W_]{{0,90}}(?:[\w ]{{1,30}}: ?)?(?:(?:{_WARNS})(?!\w)|zjqcmqryfpfptbanner"
    rf"|(?:this|the following|ce|cet|cette|este|esta|diese|dieser|questa|questo|dit|deze|ta|tato|den här|denne|это) "
    rf"(?:{_MAIL})\b)",
    re.IGNORECASE,
)
_FRAMED = re.compile(r"[\s>|]{0,8}(?:[*=#~+-]{3,}|\[)")
_GREY_NAME = re.compile(
    r"\W{0,5}(?:you don['’]t often get email from\b|some people who received this message don['’]t often|"
    r"you (?:have not|haven['’]t) (?:previously|recently) (?:corresponded|received|emailed)|"
    r"(?:vous n['’]obtenez|vous ne recevez) pas souvent|no (?:suele|suele usted) recibir|"
    r"sie erhalten nicht (?:oft|häufig)|non ricevi spesso|você não costuma receber|não costuma receber|"
    r"u ontvangt niet vaak|nie często otrzymujesz)",
    re.IGNORECASE,
)
_GOES_ON = re.compile(
    rf"\b(?:{_MAIL}|{_OUTSIDE}|click\w*|cli(?:quez|que|cken|ccare|car)|klik\w*|phish\w*|spam|suspicious|verif\w+|trust\w*|"
    r"organi[sz]a\w+|content|safe|pièces jointes|liens|adjuntos|enlaces|anhänge\w*|allegati|collegamenti|anexos|"
    r"bijlagen?|załącznik\w*|zjqcm\w+|learn more|report|it (?:department|support)|help ?desk|service ?desk)\b"
    r"|https?://|aka\.ms",
    re.IGNORECASE,
)
_MAILED = re.compile(rf"\b(?:{_MAIL})\b", re.IGNORECASE)
_FROM_OUTSIDE = re.compile(rf"\b(?:{_OUTSIDE})\b", re.IGNORECASE)

_SEEN = 400
"""Characters in which a banner shows that it is one."""
_MOST_LINES = 20
_WRAPPED = 45
"""A longer line goes on in the next one; a shorter one may be the end, with somebody's text below."""


def banner_ends(lines: Sequence[str]) -> int:
    """The line after the banners at the top of a text; 0: there is none.

    A banner ends at an empty line, at a line of ours, and where nothing of it goes on: a person may begin right below.
    """
    ends = 0
    while (begin := _next_written(lines, ends)) is not None and begin < _MOST_LINES and _is_banner(lines, begin):
        ends = begin + 1
        while ends < min(len(lines), begin + _MOST_LINES) and _goes_on(lines[ends - 1], lines[ends]):
            ends += 1
    return ends


def _next_written(lines: Sequence[str], at: int) -> int | None:
    return next((here for here in range(at, min(len(lines), at + _MOST_LINES)) if lines[here].strip()), None)


def _is_banner(lines: Sequence[str], at: int) -> bool:
    row: list[str] = []
    for line in lines[at : at + 5]:
        if not line.strip() or says_something(line):
            break
        row.append(line)
    shown = " ".join(row)[:_SEEN]
    if _GREY_NAME.match(shown):
        return True
    outside = _MAILED.search(shown) is not None and _FROM_OUTSIDE.search(shown) is not None
    opens = _OPENS.match("\n".join(row)[:_SEEN])  # line by line: above "CAUTION:" somebody may have written
    return outside and (opens is not None or _FRAMED.match(shown) is not None)


def _goes_on(before: str, line: str) -> bool:
    if not line.strip() or says_something(line):
        return False
    return len(before) > _WRAPPED or _FRAMED.match(line) is not None or _GOES_ON.search(line[:_SEEN]) is not None
