"""What somebody wrote now, apart from what they quote, sign with, or got from us. Understands no word of it."""

from __future__ import annotations

import re
from collections.abc import Collection

from workflow.core.language.banners import banner_ends
from workflow.core.language.plain import without_invisible
from workflow.core.marker import holds_marker
from workflow.mail.reading import quoting
from workflow.mail.reading.charsets import clean

TEXT_MAX = 64 * 1024
"""Characters that are looked at; what follows is dropped. `mail.reading.message` has cut there, too."""
LINES_MAX = 2000
"""Lines that are looked at one by one; the rest is quoted text."""
LINE_MAX = 4000
"""Characters of one line that are kept: a paragraph that nobody wrapped."""
OURS_MAX = 64 * 1024
"""Characters of our own letters that are compared: a thread of thirty letters."""
COMPARED_MAX = 400
"""Lines that are compared with our letters: each costs a search through all of them."""

_WIDE_SPACE = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_ORNAMENT = " \t>|*_"
_SENTENCE = re.compile(r"\w{4,}[.!?]\s*$")
_WRITTEN = re.compile(r"[^\s*_|]")
"""What a line must hold to say anything: HTML turned to text leaves stars where empty bold lines were."""


def split(text: str, ours: Collection[str], *names: str) -> tuple[str, str]:
    """The new text, and all the rest (quotes, signatures, footers), each without outer or repeated blank lines.

    ``ours``: texts or lines of our own letters in this thread, in their order; empty when unknown. ``names`` are
    the sender's: where one stands alone near the end, a signature begins. Top, bottom and
    inline answers are kept; of our own letter sent back unchanged nothing is. Never raises, in bounded time.
    Contract section 3, "new text".
    """
    lines = _lines(text)
    old = [False] * len(lines)
    _mark_banner(lines, old)
    _mark_quoted(lines, old)
    _mark_below_cut(lines, old)
    if ours:
        _mark_ours(lines, old, ours)
    _mark_signatures(lines, old, names)
    return _put_together(lines, old, wanted=False), _put_together(lines, old, wanted=True)


def quotes(text: str) -> bool:
    """Whether another mail is quoted in it; a signature, a footer or a gateway's banner is none."""
    lines = _lines(text)
    old = [False] * len(lines)
    _mark_banner(lines, old)
    banner = sum(old)
    _mark_quoted(lines, old)
    _mark_below_cut(lines, old)
    return sum(old) > banner


def is_written(text: str) -> bool:
    """Whether anything in it can be seen: not in blanks, and not in what has no width."""
    return bool(_WRITTEN.search(without_invisible(text)))


def is_read(text: str) -> bool:
    """Whether there is anything to understand in it: not only what has no width or could not be decoded."""
    return is_written(text.replace("\ufffd", ""))


def _lines(text: str) -> list[str]:
    plain = _WIDE_SPACE.sub(" ", without_invisible(clean(text[:TEXT_MAX])))
    return [line[:LINE_MAX].rstrip() for line in plain.split("\n")]


def _put_together(lines: list[str], old: list[bool], *, wanted: bool) -> str:
    """The lines that are old as wanted, a blank one where others stood between; none in which nothing is written.

    A drawn line is written.
    """
    out: list[str] = []
    gap = False
    for line, is_old in zip(lines, old, strict=True):
        if is_old is not wanted or not (_WRITTEN.search(line) or quoting.is_rule(line)):
            gap = True
            continue
        if gap and out:
            out.append("")
        out.append(line)
        gap = False
    return "\n".join(out)


def _mark_banner(lines: list[str], old: list[bool]) -> None:
    """Gateways' warnings above what was written."""
    end = banner_ends(lines)
    old[:end] = [bool(line.strip()) for line in lines[:end]]


def _mark_quoted(lines: list[str], old: list[bool]) -> None:
    """Lines behind ``>``, and the attribution above each block of them."""
    for at in range(len(lines)):
        if at >= LINES_MAX:
            old[at] = True
        elif quoting.is_quoted(lines[at]):
            if at == 0 or not old[at - 1]:
                _mark_attribution_above(lines, old, at)
            old[at] = True


def _mark_attribution_above(lines: list[str], old: list[bool], at: int) -> None:
    end = at
    while end > max(0, at - 2) and not lines[end - 1].strip():
        end -= 1
    found: int | None = None
    # Wrapped at 72 columns an attribution takes up to three lines, with a long address four.
    for start in range(end - 1, max(-1, end - 5), -1):
        if old[start] or not lines[start].strip():
            break
        if quoting.introduces_quote(" ".join(lines[start:end])):
            whole = quoting.opens_attribution(lines[start])
            found = start if found is None or whole else found
            if whole:
                break
    if found is not None:
        old[found:end] = [True] * (end - found)


def _mark_below_cut(lines: list[str], old: list[bool]) -> None:
    """Everything from the first unmarked sign that an older mail follows: our marker, a divider, a header block, an
    attribution whose quote carries no ``>``."""
    for at, line in enumerate(lines[:LINES_MAX]):
        if old[at] or not line.strip():
            continue
        if (
            holds_marker(line[: quoting.SEEN])
            or quoting.is_divider(line)
            or quoting.opens_header_block(lines[at : at + 12])
            or (quoting.is_rule(line) and quoting.is_any_block(lines[at + 1 : at + 12]))
            or any(quoting.is_attribution(" ".join(lines[at:end])) for end in _ends(lines, at))
        ):
            old[at:] = [True] * (len(lines) - at)
            return


def _ends(lines: list[str], at: int) -> range:
    """Where an attribution that begins here may end: after one to four lines, none of them blank."""
    end = at + 1
    while end < min(at + 4, len(lines)) and lines[end].strip():
        end += 1
    return range(at + 1, end + 1)


def _mark_ours(lines: list[str], old: list[bool], ours: Collection[str]) -> None:
    """Lines of our own letters, wrapped differently or not.

    A line of four words or more that we sent is ours, and five that stand in a row in our text. Shorter ones are ours
    only beside one that is, in our order: "SENT" stands in our choices, and is what people answer.
    """
    own_lines = [norm for item in ours for line in item.split("\n") if (norm := _norm(line))]
    whole = set(own_lines)
    stream = f" {' '.join(own_lines)[:OURS_MAX]} "
    seen = [(at, norm) for at, line in enumerate(lines) if not old[at] and (norm := _norm(line))][:COMPARED_MAX]
    mine = [(norm in whole and _words(norm) >= 4) or (_words(norm) >= 5 and f" {norm} " in stream) for _, norm in seen]
    for order in (range(1, len(seen)), range(len(seen) - 2, -1, -1)):
        step = order.step
        for at in order:
            beside = at - step
            pair = (beside, at) if step > 0 else (at, beside)
            if mine[beside] and not mine[at]:
                mine[at] = f" {seen[pair[0]][1]} {seen[pair[1]][1]} " in stream
    for (at, _), is_mine in zip(seen, mine, strict=True):
        old[at] |= is_mine


def _norm(line: str) -> str:
    return " ".join(line.strip(_ORNAMENT).casefold().split())


def _words(norm: str) -> int:
    return norm.count(" ") + 1


def _mark_signatures(lines: list[str], old: list[bool], names: Collection[str]) -> None:
    """Signatures, legal footers and what telephones add; each at most to where a quote begins."""
    written = False
    at = 0
    while at < len(lines):
        line = lines[at]
        if old[at] or not line.strip():
            at += 1
            continue
        if quoting.is_tagline(line):
            old[at] = True
        elif (
            quoting.is_signature_start(line)
            or quoting.is_disclaimer(line)
            or (quoting.is_rule(line) and _signs(lines, at, names))
            or (written and (_is_closing(lines, at) or _is_name_block(lines, old, at, names)))
        ):
            while at < len(lines) and not old[at] and not quoting.is_postscript(lines[at]):
                old[at] = True
                at += 1
            continue
        written = True
        at += 1


def _signs(lines: list[str], at: int, names: Collection[str]) -> bool:
    """Whether the drawn line here stands above a signature or a list's footer."""
    below = [line for line in lines[at + 1 : at + 4] if line.strip()][:1]
    return quoting.is_list_footer(below) or any(_is_name(line, names) for line in below)


def _is_name_block(lines: list[str], old: list[bool], at: int, names: Collection[str]) -> bool:
    """Whether the sender's name opens a last paragraph here, with no sentence below it."""
    if (at and lines[at - 1].strip()) or not _is_name(lines[at], names):
        return False
    ends = next((end for end in range(at + 1, len(lines)) if old[end] and lines[end].strip()), len(lines))
    below = [line for line in lines[at + 1 : ends] if line.strip()]
    return len(below) <= 15 and not any(len(line) > 80 or _SENTENCE.search(line) for line in below)


def _is_name(line: str, names: Collection[str]) -> bool:
    return any(quoting.is_name(line, name) for name in names)


def _is_closing(lines: list[str], at: int) -> bool:
    """Whether a closing formula stands here, with no more below it than a name and an address take."""
    below = [line for line in lines[at + 1 : at + 60] if line.strip() and not quoting.is_quoted(line)]
    return quoting.is_regards(lines[at]) and len(below) <= 15
