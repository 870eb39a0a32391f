"""What somebody wrote now, apart from what they quote, sign with, or got from us. Understands no word of it.

Our own rules come first, and the two libraries see only what those leave, since each errs alone:

- email-reply-extractor joins all lines from an "On" to a later "wrote:" and drops them ("On my way, CONNECTED … she
  wrote:"), keeps everything of nothing when the text holds a backslash, and takes minutes for 2,000 times "On".
- mail-parser-reply takes "- Sam" and "Thanks, RESCHEDULED" for signatures, and returns the quote itself as the newest
  reply when nothing stands above it.

So a library may only cut off the end, only where the cut shows a sign of a quote, and only within bounds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

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
LIBRARY_MAX = 4 * 1024
"""Characters that a library sees: their patterns are square, and worse, in the length of the text."""
ON_MAX = 10
"""Times that "On" may stand in a text that email-reply-extractor sees: its pattern is cubic in them."""

_INVISIBLE = re.compile("[\u00ad\u034f\u061c\u115f\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")
_WIDE_SPACE = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_SUSPICIOUS = re.compile(r"[:：]\s*$|@|[-_*]{5,}", re.MULTILINE)
_ORNAMENT = " \t>|*_"
_WRITTEN = re.compile(r"[^\s*_|]")
"""What a line must hold to say anything: HTML turned to text leaves stars where empty bold lines were."""
_LANGUAGES = ["en", "fr", "de", "es", "it", "nl", "pl", "sv", "da", "cs", "ja", "ko", "zh"]


def split(text: str, ours: Collection[str]) -> tuple[str, str]:
    """The new text, and all the rest (quotes, signatures, footers), each without outer or repeated blank lines.

    ``ours``: texts or lines of our own letters in this thread, in their order; empty when unknown. Top, bottom and
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
    _mark_signatures(lines, old)
    _mark_by_libraries(lines, old)
    return _put_together(lines, old, wanted=False), _put_together(lines, old, wanted=True)


def quotes(text: str) -> bool:
    """Whether another mail is quoted in it; a signature, a footer or a gateway's banner is none."""
    lines = _lines(text)
    old = [False] * len(lines)
    _mark_banner(lines, old)
    banner = sum(old)
    _mark_quoted(lines, old)
    _mark_below_cut(lines, old)
    if sum(old) > banner:
        return True
    _mark_signatures(lines, old)
    signed = sum(old)
    _mark_by_libraries(lines, old)
    return sum(old) > signed


def _lines(text: str) -> list[str]:
    plain = _WIDE_SPACE.sub(" ", _INVISIBLE.sub("", clean(text[:TEXT_MAX])))
    return [line[:LINE_MAX].rstrip() for line in plain.split("\n")]


def _put_together(lines: list[str], old: list[bool], *, wanted: bool) -> str:
    """The lines that are old as wanted, a blank one where others stood between; none in which nothing is written."""
    out: list[str] = []
    gap = False
    for line, is_old in zip(lines, old, strict=True):
        if is_old is not wanted or not _WRITTEN.search(line):
            gap = True
            continue
        if gap and out:
            out.append("")
        out.append(line)
        gap = False
    return "\n".join(out)


def _mark_banner(lines: list[str], old: list[bool]) -> None:
    """A gateway's warning above what was written: its paragraph, or its line when no blank line ends it."""
    start = next((at for at, line in enumerate(lines[:20]) if line.strip()), None)
    if start is None or not quoting.is_banner(" ".join(lines[start : start + 3])):
        return
    end = next((at for at in range(start, min(start + 6, len(lines))) if not lines[at].strip()), start + 1)
    old[start:end] = [True] * (end - start)


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
            quoting.holds_marker(line)
            or quoting.is_divider(line)
            or quoting.opens_header_block(lines[at : at + 12])
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


def _mark_signatures(lines: list[str], old: list[bool]) -> None:
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
        elif quoting.is_signature_start(line) or quoting.is_disclaimer(line) or (written and _is_closing(lines, at)):
            while at < len(lines) and not old[at] and not quoting.is_postscript(lines[at]):
                old[at] = True
                at += 1
            continue
        written = True
        at += 1


def _is_closing(lines: list[str], at: int) -> bool:
    """Whether a closing formula stands here, with no more below it than a name and an address take."""
    below = [line for line in lines[at + 1 : at + 60] if line.strip() and not quoting.is_quoted(line)]
    return quoting.is_regards(lines[at]) and len(below) <= 15


def _mark_by_libraries(lines: list[str], old: list[bool]) -> None:
    """What the two reply strippers find at the end of what is left: attributions of other languages, above all."""
    for cut in (_cut_by_extractor, _cut_by_parser):
        left = [at for at in range(min(len(lines), LINES_MAX)) if not old[at]]
        text = "\n".join(lines[at][: quoting.SEEN] for at in left)[:LIBRARY_MAX]
        if not _SUSPICIOUS.search(text):
            return
        keeps = _kept_lines(cut, text)
        if keeps is not None:
            for at in left[keeps:]:
                old[at] = True


def _kept_lines(cut: Callable[[str], str | None], text: str) -> int | None:
    """How many lines of the text a library keeps; None when it is not to be believed."""
    kept = cut(text)
    if kept is None:
        return None
    lines = [line.strip() for line in text.split("\n")]
    wanted = iter([line.strip() for line in kept.split("\n") if line.strip()])
    awaited = next(wanted, None)
    first_dropped: int | None = None
    for at, line in enumerate(lines):
        if line and line == awaited:
            awaited = next(wanted, None)
        elif line and first_dropped is None:
            first_dropped = at
    if awaited is not None or first_dropped is None:
        # It joined lines, or dropped none.
        return None
    head = [line for line in lines[first_dropped:] if line][:3]
    return first_dropped if quoting.looks_quoted(" ".join(head)) else None


def _cut_by_extractor(text: str) -> str | None:
    if text.count("On") > ON_MAX:
        return None
    # 20 ms to import, and most mails hold nothing to ask it about.
    from email_reply_extractor import STATUS_FAILED, extract_new_text

    result = extract_new_text(text)
    return None if result.status == STATUS_FAILED else result.text


def _cut_by_parser(text: str) -> str | None:
    from mailparser_reply import EmailReplyParser

    try:
        newest = EmailReplyParser(languages=_LANGUAGES).read(text).replies[0]
    except Exception:  # its patterns run over what strangers wrote; any failure means "no opinion"
        return None
    return "" if newest.headers else newest.content
