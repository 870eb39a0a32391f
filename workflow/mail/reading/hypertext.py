"""HTML of a mail as the lines that a reader sees, quotes marked with ``>``. Bounded; not a browser, and shows no link.

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
_UNSEEN = "script,style,head,title,template,noscript,svg,object,select,textarea,button"
_BREAKS = "br,hr"
_BLOCKS = "p,div,tr,li,ul,ol,table,h1,h2,h3,h4,h5,h6,pre,section,article,header,footer,center,dl,dt,dd,address"
_CELLS = "td,th"
_OPEN, _CLOSE = "\x02", "\x03"
"""Where a quote begins and ends while the text is put together. Who writes ``&#2;`` hides only what he wrote."""


def read_html(html: str) -> str:
    """The visible text of a mail's HTML, one line a block, quoted blocks behind ``> ``. Never raises."""
    tree = LexborHTMLParser(_bound(clean(html)))
    tree.strip_tags(_UNSEEN.split(","))
    body = tree.body
    if body is None:
        return ""
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
    return _lines(body.text(deep=True, separator="", strip=False))


def _bound(html: str) -> str:
    last = html.rfind(">") + 1
    # Each "<" behind the last ">" would make the pattern search to the end.
    plain = _ATTRIBUTES.sub(r"<\1>", html[:last] + html[last:].partition("<")[0])
    if "<pre" not in plain.lower():
        plain = re.sub(r"[ \t\n]+", " ", plain)
    at = -1
    for _ in range(TAGS_MAX):
        at = plain.find("<", at + 1)
        if at < 0:
            return plain
    return plain[:at]


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
