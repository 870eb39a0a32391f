"""HTML of a mail as the lines that a reader sees, quotes marked with ``>``. Bounded; not a browser, and shows no link.

What its author hid or struck out says nothing (contract section 3); white on white is not looked for.

Used only when a mail has no text of its own.
"""

from __future__ import annotations

import re

from selectolax.lexbor import LexborHTMLParser

from workflow.mail.reading.charsets import clean

TAGS_MAX = 5000
"""Tags that are looked at: for each ``<div>`` the parser walks up the tree, so nesting costs its square."""

_ATTRIBUTES = re.compile(r"<([a-z][a-z0-9:-]*)[\s/][^>]*>", re.IGNORECASE)
"""They are not needed, and cost: the parser compares each with all others of its tag (30,000 take two seconds), and
opens formatting tags that differ in them anew in every paragraph."""
_UNSEEN = "script,style,head,title,template,noscript,svg,object,select,textarea,button,s,strike,del"
_BREAKS = "br,hr"
_BLOCKS = "p,div,tr,li,ul,ol,table,h1,h2,h3,h4,h5,h6,pre,section,article,header,footer,center,dl,dt,dd,address"
_CELLS = "td,th"
_STYLES_MAX = 32 * 1024
"""Characters of a style sheet that are looked at: Outlook's has 5 KB."""
_STYLE_MAX = 2000
"""Characters of an element's own style that are looked at."""
_STYLE_SHEET = re.compile(r"<style\b[^>]*>", re.IGNORECASE)
_END_OF_SHEET = re.compile(r"</style|\Z", re.IGNORECASE)
_BY_CLASS = re.compile(r"[a-z0-9]{0,20}\.([a-z0-9_-]{1,100})", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""([^\s=/>"']+)(?:\s*=\s*("[^"]*"|'[^']*'|[^\s>]+))?""")
_HIDES = re.compile(
    r"(?<![\w-])(?:display:none|visibility:(?:hidden|collapse)|opacity:0+(?:\.0*)?(?![\d.])|mso-hide:(?:all|screen)"
    r"|text-decoration(?:-line)?:[^;]*line-through)|^(?=.*overflow:hidden)(?:.*;)?(?:max-)?height:0(?:px)?(?:;|!|$)"
)
_NO_SIZE = re.compile(r"(?<![\w-])font-size:0+(?:\.0*)?(?:px|pt|r?em|%)?(?![\w.])")
_SIZE = re.compile(r"(?<![\w-])font-size:(?:[\d.]+(?:px|pt|rem)|(?:xx?-)?(?:small|large)|medium)(?!\w)")
"""One that does not depend on the size around it: mailers give the gaps between cells no size."""
_STRUCK = re.compile(r"<(?:s|strike|del)[\s>]|line-through", re.IGNORECASE)
_HIDDEN, _SIZELESS, _SIZED, _END = "\x0e", "\x0f", "\x10", "\x11"
"""Where such an element begins while the text is put together, and where it ends."""
_SPANS = re.compile(f"([{_HIDDEN}-{_END}])")
_OPEN, _CLOSE = "\x02", "\x03"
"""Where a quote begins and ends while the text is put together. Who writes ``&#2;`` hides only what he wrote."""


def read_html(html: str) -> str:
    """The visible text of a mail's HTML, one line a block, quoted blocks behind ``> ``. Never raises."""
    tree = LexborHTMLParser(_bound(clean(html)))
    tree.strip_tags(_UNSEEN.split(","))
    body = tree.body
    if body is None:
        return ""
    for sign in (_HIDDEN, _SIZELESS, _SIZED):
        for node in tree.css(f"[x{ord(sign)}]"):
            node.insert_before(sign)
            node.insert_after(_END)
    for node in tree.css(_BREAKS):
        node.insert_after("\n")
    for node in tree.css(_BLOCKS):
        node.insert_before("\n")
        node.insert_after("\n")
    for node in tree.css(_CELLS):
        node.insert_after(" ")
    for node in tree.css("blockquote"):
        node.insert_before(f"\n{_OPEN}\n")
        node.insert_after(f"\n{_CLOSE}\n")
    return _lines(_shown(body.text(deep=True, separator="", strip=False)))


def strikes_out(html: str) -> bool:
    """Whether something in it is struck out: the plain text that mail programs put beside it does not say so."""
    return bool(_STRUCK.search(html))


def _shown(text: str) -> str:
    """The text without what is hidden in it; a size brings back what had none."""
    out: list[str] = []
    around = [_SIZED]
    for piece in _SPANS.split(text):
        if piece == _END:
            around = around[:-1] or around
        elif _SPANS.fullmatch(piece):
            around.append(_HIDDEN if around[-1] == _HIDDEN else piece)
        elif around[-1] == _SIZED:
            out.append(piece)
    return "".join(out)


def _bound(html: str) -> str:
    last = html.rfind(">") + 1
    # Each "<" behind the last ">" would make the pattern search to the end.
    whole = html[:last] + html[last:].partition("<")[0]
    hidden = _hidden_classes(whole)
    plain = _ATTRIBUTES.sub(lambda tag: f"<{tag[1]}{_visibility(tag[0], hidden)}>", whole)
    if "<pre" not in plain.lower():
        plain = re.sub(r"[ \t\n]+", " ", plain)
    at = -1
    for _ in range(TAGS_MAX):
        at = plain.find("<", at + 1)
        if at < 0:
            return plain
    return plain[:at]


def _hidden_classes(html: str) -> frozenset[str]:
    """The classes that its style sheets hide on every screen; selectors of more than a class are passed over."""
    classes: set[str] = set()
    for opened in _STYLE_SHEET.split(html, maxsplit=10)[1:]:
        sheet = re.sub(r"/\*.{0,500}?\*/|<!--|-->", "", _END_OF_SHEET.split(opened[:_STYLES_MAX], maxsplit=1)[0])
        selector, depth = "", 0
        for piece in re.split("([{}])", sheet):
            if piece in ("{", "}"):
                depth = max(0, depth + (1 if piece == "{" else -1))
            elif not depth:
                selector = piece.rpartition(";")[2]
            elif depth == 1 and _HIDES.search(_declared(piece)):
                classes.update(found[1] for one in selector.split(",") if (found := _BY_CLASS.fullmatch(one.strip())))
    return frozenset(classes)


def _declared(style: str) -> str:
    return "".join(style[:_STYLE_MAX].lower().split())


def _visibility(tag: str, hidden: frozenset[str]) -> str:
    """The attribute that says how a tag is shown, in place of all that it has; "" when it is as what is around it."""
    said = {name.lower(): value.strip("\"'") for name, value in _ATTRIBUTE.findall(tag)}
    style = _declared(said.get("style", ""))
    if "hidden" in said or _HIDES.search(style) or not hidden.isdisjoint(said.get("class", "").split()):
        sign = _HIDDEN
    elif _NO_SIZE.search(style):
        sign = _SIZELESS
    elif _SIZE.search(style):
        sign = _SIZED
    else:
        return ""
    return f" x{ord(sign)}"


def _lines(text: str) -> str:
    depth = 0
    out: list[str] = []
    for line in text.split("\n"):
        depth = max(0, depth + line.count(_OPEN) - line.count(_CLOSE))
        words = " ".join(line.replace(_OPEN, "").replace(_CLOSE, "").split())
        quote = "> " * min(depth, 9)
        if words or (out and out[-1]):
            out.append(quote + words if words else "")
    # Entities bring control characters back: "&#7;".
    return clean("\n".join(out)).strip()
