"""How mail programs write a reply: each style makes a whole MIME message of an answer and the letter that it quotes.

Made after the programs' own replies, in four languages: what they put above a quote, how they mark it, what they make
of our page when they turn it into text, and what they sign with. It judges nothing; what is written is `replies`.
"""

from __future__ import annotations

import html as markup
import re
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

from tests.arrival.client_words import (
    ADDRESS,
    ATTRIBUTIONS,
    BLOCK,
    FROM,
    LANGUAGES,
    ORIGINAL,
    REPLY,
    SIGNED,
    WATCHES,
    WHO,
    WROTE,
)


@dataclass(frozen=True)
class Original:
    """A letter of ours as the mail program has it."""

    subject: str
    text: str
    html: str
    """What stands inside its body element."""
    id: str


Write = Callable[[str, Original], EmailMessage]


@dataclass(frozen=True)
class Style:
    """One way of writing a reply."""

    client: str
    name: str
    write: Write


# --- pieces -------------------------------------------------------------------------------------------


def _message(original: Original, language: str, **headers: str) -> EmailMessage:
    message = EmailMessage(policy=SMTP.clone(max_line_length=998))
    message["From"] = "Dana Lee <dana@clinic.test>"
    message["To"] = FROM.replace(WHO, f'"{WHO}"')
    message["Subject"] = f"{REPLY[language]} {original.subject}"
    message["Date"] = "Thu, 05 Nov 2026 14:04:00 -0500"
    message["Message-ID"] = "<answer@phone.test>"
    message["In-Reply-To"] = original.id
    message["References"] = original.id
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    return message


def _both(message: EmailMessage, text: str, html: str, cte: str = "quoted-printable") -> EmailMessage:
    message.set_content(text, cte=cte)
    message.add_alternative(f"<html><head></head>{html}</html>", subtype="html", cte=cte)
    return message


def _only_html(message: EmailMessage, html: str) -> EmailMessage:
    message.set_content(f"<html><head></head>{html}</html>", subtype="html", cte="base64")
    return message


def _as_text(html: str, link: str = "") -> str:
    """Our page as a mail program turns it into text; `link` is what it adds to a link's words, ``{}`` its address."""
    links = re.compile(r'<a href="([^"]*)"[^>]*>(.*?)</a>')
    flat = " ".join(links.sub(lambda at: at[2] + link.format(at[1]).replace("<", "\x01"), html).split())
    blocks = flat.replace("</p>", "\n\n")
    return markup.unescape(re.sub(r"<[a-z/!][^>]*>", "", blocks)).replace("\x01", "<").replace("\xa0", " ").strip()


def _lines(text: str, width: int = 0) -> list[str]:
    """The lines of a text, trimmed; wrapped, if the program wraps what it quotes."""
    rows = [line.strip() for line in text.split("\n")]
    return [part for row in rows for part in (textwrap.wrap(row, width) or [""])] if width else rows


def _marked(lines: list[str], mark: str = "> ") -> str:
    return "\n".join(f"{mark}{line}" for line in lines)


def _divs(text: str, tag: str = "div", style: str = "") -> str:
    """What was typed, a block a line."""
    rows = (markup.escape(line) or "<br>" for line in text.split("\n"))
    return "".join(f"<{tag}{style}>{row}</{tag}>" for row in rows)


def _hard_wrapped(text: str) -> str:
    """What was typed, as a program breaks it for the plain text."""
    return "\n".join(part for line in text.split("\n") for part in (textwrap.wrap(line, 76) or [line]))


def _wrapped_attribution(line: str) -> str:
    """As Gmail breaks it: the address on a line of its own."""
    return line.replace(f"<{ADDRESS}>", f"<\n{ADDRESS}>") if len(line) > 76 else line


# --- Apple --------------------------------------------------------------------------------------------


def _ios(answer: str, original: Original, language: str = "en", *, html_only: bool = False) -> EmailMessage:
    message = _message(original, language, X_Mailer="iPhone Mail (22B91)", Mime_Version="1.0 (1.0)")
    signed, wrote = SIGNED["iphone"][language], WROTE["apple"][language]
    quoted = _lines(f"{wrote}\n\n\ufeff{_as_text(original.html)}")
    text = f"{answer}\n\n{signed}\n\n{_marked(quoted)}\n" if answer else f"\n\n{signed}\n\n{_marked(quoted)}\n"
    html = (
        f'<body dir="auto">{_divs(answer)}<div><br id="lineBreakAtBeginningOfSignature"><div dir="ltr">{signed}</div>'
        f'<div dir="ltr"><br><blockquote type="cite">{markup.escape(wrote)}<br><br></blockquote></div>'
        f'<blockquote type="cite"><div dir="ltr">\ufeff{original.html}</div></blockquote></div></body>'
    )
    return _only_html(message, html) if html_only else _both(message, text, html)


def _ios_photograph(answer: str, original: Original) -> EmailMessage:
    """Apple's text, image, text: each a part of its own, none an alternative."""
    message = _message(original, "en", X_Mailer="iPhone Mail (22B91)")
    quoted = _lines(f"{WROTE['apple']['en']}\n\n{original.text}")
    message.set_content(f"{answer}\n\n")
    message.make_mixed()
    message.add_attachment(
        b"\xff\xd8\xff\xe0", maintype="image", subtype="jpeg", disposition="inline", filename="a.jpg"
    )
    last = EmailMessage(policy=message.policy)
    last.set_content(f"\n\nSent from my iPhone\n\n{_marked(quoted)}\n")
    message.attach(last)
    return message


def _apple_mail(answer: str, original: Original, language: str = "en", *, bottom: bool = False) -> EmailMessage:
    message = _message(original, language, X_Mailer="Apple Mail (2.3826.200.121)")
    wrote = WROTE["apple"][language]
    quoted = _marked(_lines(f"{wrote}\n\n{_as_text(original.html)}"))
    text = f"{quoted}\n\n{answer}\n" if bottom else f"{answer}\n\n{quoted}\n"
    cited = (
        f'<blockquote type="cite" class=""><div class="">{markup.escape(wrote)}</div>'
        f'<br class="Apple-interchange-newline"><div class="">{original.html}</div></blockquote>'
    )
    typed = _divs(answer, style=' class=""')
    order = f"{cited}{typed}" if bottom else f'{typed}<div class=""><br class="">{cited}</div>'
    return _both(message, text, f'<body style="overflow-wrap: break-word;" class="">{order}</body>')


# --- Gmail --------------------------------------------------------------------------------------------


def _gmail(
    answer: str, original: Original, language: str = "en", *, app: bool = False, html_only: bool = False
) -> EmailMessage:
    message = _message(original, language, MIME_Version="1.0")
    wrote = WROTE["gmail"][language]
    quoted = _marked(_lines(_as_text(original.html, " <{}>").replace("<mailto:", "<"), 76))
    text = f"{_hard_wrapped(answer)}\n\n{_wrapped_attribution(wrote)}\n\n{quoted}\n"
    typed = _divs(answer, style=' dir="auto"') if app else f'<div dir="ltr">{_divs(answer)}</div>'
    attribution = markup.escape(wrote).replace(ADDRESS, f'<a href="mailto:{ADDRESS}">{ADDRESS}</a>')
    html = (
        f'{typed}<br><div class="gmail_quote gmail_quote_container"><div dir="ltr" class="gmail_attr">{attribution}<br>'
        '</div><blockquote class="gmail_quote" style="margin:0px 0px 0px 0.8ex;border-left:1px solid rgb(204,204,204);'
        f'padding-left:1ex"><u></u>{original.html}</blockquote></div>'
    )
    return _only_html(message, html) if html_only else _both(message, text, html)


def _gmail_below(answer: str, original: Original, *, inside: bool = False) -> EmailMessage:
    """Posted at the bottom, or under the choice that is answered; plain text mode."""
    message = _message(original, "en", MIME_Version="1.0")
    quoted = _lines(original.text, 76)
    at = next((at for at, line in enumerate(quoted) if "mailto:" in line), 0) + 1 if inside else len(quoted)
    text = f"{_marked(quoted[:at])}\n\n{answer}\n\n{_marked(quoted[at:])}".rstrip(" >\n")
    message.set_content(f"{_wrapped_attribution(WROTE['gmail']['en'])}\n\n{text}\n", cte="quoted-printable")
    return message


# --- Outlook ------------------------------------------------------------------------------------------


def _block_of(original: Original, language: str, *, bold: bool = False, samsung: bool = False) -> list[str]:
    sender, sent, when, to, subject = BLOCK[language]
    sent = {"en": "Date", "fr": "Date", "de": "Datum", "es": "Fecha"}[language] if samsung else sent
    when = "2026-11-05 2:00 p.m. (GMT-05:00)" if samsung else when
    colon = " :" if language == "fr" else ":"
    rows = [(sender, FROM), (sent, when), (to, "Dana Lee <dana@clinic.test>"), (subject, original.subject)]
    return [f"*{name}{colon}* {value}" if bold else f"{name}{colon} {value}" for name, value in rows]


def _block_as_html(original: Original, language: str) -> str:
    rows = [row.partition(":") for row in _block_of(original, language)]
    return "<br>".join(f"<b>{name}:</b>{markup.escape(value)}" for name, _, value in rows)


def _outlook_text(original: Original) -> str:
    return "\n".join(_lines(_as_text(original.html, "<{}>")))


def _outlook_mobile(answer: str, original: Original, language: str = "en", *, html_only: bool = False) -> EmailMessage:
    message = _message(original, language, X_MS_Has_Attach="", Thread_Topic=original.subject)
    signed = SIGNED["outlook"][language]
    block = "\n".join(_block_of(original, language))
    text = f"{answer}\n\n{signed}<https://aka.ms/o0ukef>\n{'_' * 32}\n{block}\n\n{_outlook_text(original)}\n"
    html = (
        f'<body><div dir="auto">{_divs(answer)}</div><div id="ms-outlook-mobile-signature"><div><br></div>'
        f'<a href="https://aka.ms/o0ukef">{signed}</a></div>'
        '<div id="mail-editor-reference-message-container" class="ms-outlook-mobile-reference-message skipProofing">'
        '<hr style="display: inline-block; width: 98%;"><div id="divRplyFwdMsg" dir="ltr"><font face="Calibri, '
        f'sans-serif">{_block_as_html(original, language)}</font><div>&nbsp;</div></div>{original.html}</div></body>'
    )
    return _only_html(message, html) if html_only else _both(message, text, html, cte="base64")


def _outlook_desktop(
    answer: str, original: Original, language: str = "en", *, signature: bool = False, html_only: bool = False
) -> EmailMessage:
    message = _message(original, language, X_Mailer="Microsoft Outlook 16.0", Thread_Index="Adq1")
    signed = f"\n\n{SIGNATURE}\n\n{DISCLAIMER}" if signature else ""
    block = "\n".join(_block_of(original, language))
    text = f"{answer}{signed}\n\n \n\n{block}\n\n{_outlook_text(original)}\n"
    normal = ' class="MsoNormal"'
    typed = _divs(answer + signed, "p", normal).replace("</p>", "<o:p></o:p></p>")
    html = (
        f'<body lang="EN-CA" link="#467886"><div class="WordSection1">{typed}<p{normal}><o:p>&nbsp;</o:p></p>'
        '<div style="border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0in 0in 0in">'
        f"<p{normal}>{_block_as_html(original, language)}<o:p></o:p></p></div>"
        f"{original.html.replace('<p style', f'<p{normal} style')}</div></body>"
    )
    return _only_html(message, html) if html_only else _both(message, text, html)


def _outlook_plain(answer: str, original: Original, language: str = "en", *, prefixed: bool = False) -> EmailMessage:
    """Plain text mode: the divider, and lines with a mark if the option is set."""
    message = _message(original, language, X_Mailer="Microsoft Outlook 16.0")
    block = [f"-----{ORIGINAL[language]}-----", *_block_of(original, language), "", *_lines(original.text)]
    message.set_content(f"{answer}\n\n{_marked(block) if prefixed else chr(10).join(block)}\n", cte="quoted-printable")
    return message


def _outlook_web(answer: str, original: Original, language: str = "en", *, html_only: bool = False) -> EmailMessage:
    message = _message(original, language, X_MS_Exchange_MessageSentRepresentingType="1")
    block = "\n".join(_block_of(original, language))
    text = f"{answer}\n{'_' * 32}\n{block}\n\n{_outlook_text(original)}\n"
    html = (
        f'<body dir="ltr">{_divs(answer, style=" class=elementToProof")}<div id="appendonsend"></div>'
        '<hr style="display:inline-block;width:98%" tabindex="-1"><div id="divRplyFwdMsg" dir="ltr">'
        f'<font face="Calibri" style="font-size:11pt">{_block_as_html(original, language)}</font>'
        f"<div>&nbsp;</div></div><div>{original.html}</div></body>"
    )
    return _only_html(message, html) if html_only else _both(message, text, html, cte="base64")


# --- Samsung, Yahoo, Thunderbird ----------------------------------------------------------------------


def _samsung(answer: str, original: Original, language: str = "en", *, html_only: bool = False) -> EmailMessage:
    message = _message(original, language)
    signed = SIGNED["galaxy"][language]
    block = [f"-------- {ORIGINAL[language]} --------", *_block_of(original, language, samsung=True)]
    text = f"{answer}\n\n\n{signed}\n\n\n" + "\n".join([*block, "", *_lines(_as_text(original.html))])
    html = (
        f'<body><div dir="auto">{_divs(answer)}</div><div id="composer_signature" dir="auto">'
        f'<div style="font-size:12px;color:#575757" dir="auto">{signed}</div></div><div dir="auto"><br></div>'
        '<div align="left" dir="auto" '
        f'style="font-size:100%;color:#000000">{"".join(f"<div>{markup.escape(row)}</div>" for row in block)}'
        f"<div><br></div></div>{original.html}</body>"
    )
    return _only_html(message, html) if html_only else _both(message, f"{text}\n", html, cte="base64")


def _yahoo(answer: str, original: Original, language: str = "en", *, app: bool = False) -> EmailMessage:
    """Neither marks in the text what it quotes."""
    message = _message(original, language, X_Mailer="WebService/1.1.22876 YMailNorrin")
    wrote = WROTE["yahoo"][language]
    signed = f"{SIGNED['yahoo'][language]} \n \n" if app else ""
    shown = "\n".join(f"  {line}" for line in _lines(_as_text(original.html)))
    text = f" {answer}\n\n{signed}  {wrote}  \n \n {shown}  "
    body = f"<div>{markup.escape(wrote)}</div><div><br></div><div><br></div><div>{original.html}</div>"
    if app:
        html = (
            f'{_divs(answer)}<br><div id="ymail_android_signature"><a id="ymail_android_signature_link" '
            f'href="https://mail.onelink.me/107872968">{signed.strip()}</a></div> <br> '
            '<blockquote style="margin: 0 0 20px 0;"> <div style="font-family:Roboto, sans-serif; color:#6D00F6;"> '
            f"{body} </div> </blockquote>"
        )
    else:
        html = (
            f'<div class="ydp1yahoo-style-wrap" style="font-size:13px;">{_divs(answer, style=" dir=ltr")}'
            f'<div><br></div></div><div id="yahoo_quoted_4711" class="yahoo_quoted"><div>{body}</div></div>'
        )
    return _both(message, text, f"<body>{html}</body>")


def _thunderbird(
    answer: str, original: Original, language: str = "en", *, top: bool = False, html: bool = False
) -> EmailMessage:
    """As it comes: flowed text, the answer below what is quoted."""
    message = _message(original, language, User_Agent="Mozilla Thunderbird", Content_Language="en-CA")
    wrote, quoted = WROTE["thunderbird"][language], _marked([line.rstrip() for line in original.text.split("\n")])
    text = f"{_flowed(answer)}\n\n{wrote}\n{quoted}\n" if top else f"{wrote}\n{quoted}\n\n{_flowed(answer)}\n"
    message.set_content(text, cte="8bit")
    message.set_param("format", "flowed")
    if html:
        prefix = f'<div class="moz-cite-prefix">{wrote}<br></div>'
        cite = f'<blockquote type="cite" cite="mid:{original.id.strip("<>")}">{original.html}</blockquote>'
        typed = _divs(answer, "p")
        body = f"{typed}{prefix}{cite}" if top else f"{prefix}{cite}{typed}"
        return _only_html(message, f"<body>{body}</body>")
    return message


def _flowed(text: str) -> str:
    """RFC 3676: a line that goes on ends with a space."""
    return "\n".join(" \n".join(textwrap.wrap(line, 66)) for line in text.split("\n"))


# --- what people have below their name ----------------------------------------------------------------

SIGNATURE = """Dana Lee, MSW, RSW (she/her)
Registered Social Worker | Riverside Counselling
416-555-0100 | Sent messages are read Monday to Thursday
Appointments missed or rescheduled with less than 24 hours notice are charged."""

DISCLAIMER = """CONFIDENTIALITY NOTICE: This email and any attachments are confidential and intended only for the
addressee. If it has reached you by mistake, please help us and delete it; no answer is needed."""


def _signed(answer: str, original: Original) -> EmailMessage:
    return _gmail(f"{answer}\n\n-- \n{SIGNATURE}\n\n{DISCLAIMER}", original)


def _signed_flowed(answer: str, original: Original) -> EmailMessage:
    return _thunderbird(f"{answer}\n\n-- \n{SIGNATURE}", original, top=True)


def _regards(answer: str, original: Original) -> EmailMessage:
    return _apple_mail(f"{answer}\n\nKind regards,\n{SIGNATURE}\n\n{DISCLAIMER}", original)


def _whole(answer: str, original: Original) -> EmailMessage:
    """A program that quotes nothing, only puts our letter under the answer."""
    message = _message(original, "en")
    message.set_content(f"{answer}\n\n{original.text}\n")
    return message


# --- watches, languages, gateways ----------------------------------------------------------------------


def _watch(answer: str, original: Original, made: str) -> EmailMessage:
    """A watch quotes nothing."""
    message = _message(original, "en")
    message.set_content(made.format(answer=answer).replace("/", "\n") + "\n")
    return message


def _attributed(answer: str, original: Original, line: str, *, marked: bool = True) -> EmailMessage:
    message = _message(original, "en")
    said = line.partition(": ")[2].format(who=WHO, address=ADDRESS)
    quoted = _lines(original.text)
    message.set_content(f"{answer}\n\n{said}\n{_marked(quoted) if marked else chr(10).join(quoted)}\n")
    return message


def _below_banner(answer: str, original: Original, banner: str) -> EmailMessage:
    """A gateway stands between the telephone and the clinic."""
    message = _message(original, "en")
    quoted = _marked(_lines(f"{WROTE['apple']['en']}\n\n{original.text}"))
    message.set_content(f"{banner}\n\n{answer}\n\n{quoted}\n")
    return message


def banners() -> list[str]:
    """What gateways put above a text, of `banners.txt`."""
    text = Path(__file__).with_name("banners.txt").read_text("utf-8")
    bare = re.sub(r"(?m)^# .*\n", "", text)
    return [part.strip("\n") for part in re.split(r"\n\s*\n", bare) if part.strip()]


# --- all of them --------------------------------------------------------------------------------------

_IN_EVERY_LANGUAGE: dict[str, Callable[[str, Original, str], EmailMessage]] = {
    "iOS Mail": _ios,
    "iOS Mail: HTML only": lambda answer, original, language: _ios(answer, original, language, html_only=True),
    "Gmail web": _gmail,
    "Gmail app": lambda answer, original, language: _gmail(answer, original, language, app=True),
    "Gmail web: HTML only": lambda answer, original, language: _gmail(answer, original, language, html_only=True),
    "Outlook mobile": _outlook_mobile,
    "Outlook mobile: HTML only": lambda answer, original, language: _outlook_mobile(
        answer, original, language, html_only=True
    ),
    "Outlook desktop": _outlook_desktop,
    "Outlook desktop: HTML only": lambda answer, original, language: _outlook_desktop(
        answer, original, language, html_only=True
    ),
    "Outlook desktop: plain text": _outlook_plain,
    "Outlook web": _outlook_web,
    "Outlook web: HTML only": lambda answer, original, language: _outlook_web(
        answer, original, language, html_only=True
    ),
    "Apple Mail": _apple_mail,
    "Samsung": _samsung,
    "Samsung: HTML only": lambda answer, original, language: _samsung(answer, original, language, html_only=True),
    "Yahoo web": _yahoo,
    "Yahoo app": lambda answer, original, language: _yahoo(answer, original, language, app=True),
    "Thunderbird: flowed, at the bottom": _thunderbird,
    "Thunderbird: HTML only": lambda answer, original, language: _thunderbird(answer, original, language, html=True),
}

_IN_ENGLISH: dict[str, Write] = {
    "iOS Mail: text, image, text": _ios_photograph,
    "Apple Mail: at the bottom": lambda answer, original: _apple_mail(answer, original, bottom=True),
    "Apple Mail: regards, signature, disclaimer": _regards,
    "Gmail web: at the bottom": _gmail_below,
    "Gmail web: inline": lambda answer, original: _gmail_below(answer, original, inside=True),
    "Gmail web: signature, disclaimer": _signed,
    "Outlook desktop: signature, disclaimer": lambda answer, original: _outlook_desktop(
        answer, original, signature=True
    ),
    "Outlook desktop: plain text, marked": lambda answer, original: _outlook_plain(answer, original, prefixed=True),
    "Thunderbird: flowed, on top": lambda answer, original: _thunderbird(answer, original, top=True),
    "Thunderbird: signature": _signed_flowed,
    "Others: our letter under the answer, unmarked": _whole,
}


def styles() -> Iterator[Style]:
    """Every way of writing, grouped by mail program."""
    for name, write in _IN_EVERY_LANGUAGE.items():
        for language in LANGUAGES:
            yield Style(name.partition(":")[0], f"{name} ({language})", _in(write, language))
    for name, in_english in _IN_ENGLISH.items():
        yield Style(name.partition(":")[0], name, in_english)


def new_styles() -> Iterator[Style]:
    """Watches and dictation, attributions of many languages, and gateways."""
    for made in WATCHES:
        yield Style("watches, dictation", f"watch: {made}", _in(_watch, made))
    for line in ATTRIBUTIONS:
        yield Style("attributions", f"attribution: {line[:2]}", _in(_attributed, line))
        yield Style("attributions", f"attribution, unmarked: {line[:2]}", _in(_unmarked, line))
    for banner in banners():
        yield Style("below a banner", f"banner: {banner[:30]}", _in(_below_banner, banner))


def _unmarked(answer: str, original: Original, line: str) -> EmailMessage:
    return _attributed(answer, original, line, marked=False)


def _in(write: Callable[[str, Original, str], EmailMessage], language: str) -> Write:
    return lambda answer, original: write(answer, original, language)
