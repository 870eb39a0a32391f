"""What a line probably means that tried to be a report: offered as a choice, never acted upon. Contract section 3.

"Otherwise doubt opens nothing": what counts as a report is `report`. Pure, linear, never raising.
"""

from __future__ import annotations

import re
from collections.abc import Sequence, Set
from datetime import time
from itertools import takewhile

from rapidfuzz.distance import OSA

from workflow.core.language.given_names import GIVEN_NAMES
from workflow.core.language.names import GROUPS, as_client, is_name_word
from workflow.core.language.plain import fold
from workflow.core.language.report import LONGEST_HEAD, SMALL_WORDS, Draft, read_tag
from workflow.core.language.times import (
    LEAST_MINUTES,
    MOST_MINUTES,
    Minutes,
    Token,
    clock_at,
    halves,
    hour_at,
    is_either,
    minutes_at,
    tokens,
)
from workflow.core.language.vocabulary import TAG_PHRASES
from workflow.core.mail import Report, Unclear
from workflow.core.rules import Kind

_TYPED_TAGS = [said for phrases in TAG_PHRASES.values() for said in phrases if " " not in said]

_SESSION = frozenset({"session", "sessions", "appointment", "appt", "meeting", "conversation", "my", "our", "the", "a"})
"""What may stand before "with Sam": "my session with Sam"."""


def likely_line(report: Report) -> str:
    """A report as the line that says it: ``LATE 15 Sam AT 14:30 FOR Dana Lee``."""
    parts = [report.kind.value.upper()]
    if report.minutes is not None:
        parts.append(str(report.minutes))
    if report.client is not None:
        parts.append(report.client)
    if report.yesterday:
        parts.append("YESTERDAY")
    if report.at is not None:
        parts.append(f"AT {report.at.hour}:{report.at:%M}" if report.either else f"AT {report.at:%H:%M}")
    if report.for_associate is not None:
        parts.append(f"FOR {report.for_associate}")
    return " ".join(parts)


def likely_reading(draft: Draft) -> str | None:
    """What a line that opens nothing probably means; None: no idea, or what could not be opened either."""
    fitting = [value for value in draft.minutes if LEAST_MINUTES <= value <= MOST_MINUTES]
    if draft.kind is Kind.LATE and not draft.minutes:
        row = tokens(draft.note[:LONGEST_HEAD])
        fitting = [one.value for one in _meant(row) if not (one.bare and row[one.end - 1].text.isdigit())]
    minutes = max(fitting, default=None)
    client = draft.client or _guess(draft.note)
    if client is None and (draft.kind is Kind.WAITING or draft.counting or (draft.leftover and minutes is None)):
        return None
    if client is None and draft.at is None and draft.half and not draft.capitals:
        return None  # "No show tonight"
    return likely_line(
        Report(
            draft.kind,
            client,
            minutes,
            at=draft.at,
            either=draft.either,
            yesterday=draft.yesterday,
            for_associate=draft.for_associate,
        )
    )


def _guess(text: str) -> str | None:
    """The client that the words of another shape may be about: "Sam's session", "session with Sam", "15 Sam"."""
    row = _without_minutes(tokens(text[:LONGEST_HEAD]))
    begin = next((at + 1 for at, token in enumerate(row[:4]) if token.said in {"for", "with"}), 0)
    if text.startswith(("to ", "on ")):
        return None
    if begin and not all(token.said in _SESSION for token in row[: begin - 1]):
        begin = 0
    named: list[str] = []
    for token in row[begin : begin + 4]:
        bare = token.text.removesuffix("'s").rstrip(".")
        if token.kind not in {"word", "join"} or not (token.kind == "join" or is_name_word(bare)):
            break
        if named and named[0][:1].isupper() and bare.islower():
            break  # "Sam to call"
        named.append(bare)
        if bare != token.text:
            break
    return as_client(named)


def mistyped(plain: str) -> Unclear | None:
    """A first word one letter away from a tag, followed by minutes: "Lathe 15 Sam"."""
    row = tokens(plain)
    if not row or row[0].kind != "word":
        return None
    first = row[0].said
    for tag in _TYPED_TAGS:
        if first == tag or OSA.distance(first, tag, score_cutoff=1) > 1 or minutes_at(row, 1) is None:
            continue
        draft = read_tag(f"{tag} {plain[row[0].end :]}")
        return Unclear(likely_reading(draft) if draft else None, notice=True)
    return None


def late_somewhere(plain: str) -> Unclear | None:
    """A line that holds "late" and minutes anywhere: "Sorry, Sam, 15 late"."""
    row = tokens(plain)
    late = next((at for at, token in enumerate(row) if token.said == "late"), None)
    meant = _meant(row)
    if late is None or not meant:
        return None
    starts = range(max(0, late - 4), late)
    begin = next((at for at in starts if (found := minutes_at(row, at)) and found.end == late), late)
    draft = read_tag(plain[row[begin].start :])
    if draft is None:
        return Unclear(None, notice=True)
    other = None
    if draft.client is None and not draft.note:
        theirs, draft.client = _named_before(row[:begin])
        if draft.client is not None and _begins_with_name(row, draft.client):
            other = Draft(draft.kind if theirs else Kind.WAITING, capitals=False, plain="", start=0)
            other.client, other.minutes = draft.client, draft.minutes if theirs else []
        draft.kind = Kind.WAITING if theirs else draft.kind
    draft.minutes = [] if draft.kind is Kind.WAITING else draft.minutes or [meant[0].value]
    return Unclear(likely_reading(draft), notice=True, other=likely_reading(other) if other is not None else None)


def _begins_with_name(row: Sequence[Token], client: str) -> bool:
    """Whether the line begins with the client: is it they who are late, or who writes? "Eli 10 min late"."""
    return fold(row[0].text.removesuffix("'s")) == fold(client.split(maxsplit=1)[0])


_ABOUT_DELAY = frozenset({"is", "was", "will", "be", "running", "about", "around", "by", "at", "least"})
_DELAYED = frozenset({"behind", "delayed", "held", "up"})


def named_behind(plain: str) -> Unclear | None:
    """A line that begins with a name, and whose delay has another word than "late": "Eli 10 min behind"."""
    row = tokens(plain)
    said = _ABOUT_DELAY | _DELAYED
    named = [one.text for one in takewhile(lambda one: one.kind in {"word", "join"} and one.said not in said, row)]
    client, row = as_client(named), row[len(named) :]
    if client is None or not (named[0][:1].isupper() or fold(named[0]) in GIVEN_NAMES):
        return None
    meant, theirs, at = list[int](), False, 0
    while at < len(row):
        if (found := minutes_at(row, at)) is not None and found.in_range:
            meant.append(found.value)
            at = found.end
        elif row[at].said in said or row[at].kind == "sep":
            theirs |= row[at].said in _ABOUT_DELAY
            at += 1
        else:
            return None
    if len(meant) != 1 or not _search(_DELAY, plain):
        return None
    late, waiting = likely_line(Report(Kind.LATE, client, meant[0])), likely_line(Report(Kind.WAITING, client))
    first, other = (waiting, late) if theirs else (late, waiting)
    return Unclear(first, notice=True, other=other)


_OPENS = re.compile(
    r"(?:(?:hi|hey|hello|oh|ugh|argh|oops|well|ok)\b[,! ]*)?"
    r"(?:i|we|so sorry|very sorry|sorry|apologies|late|running|stuck|en retard|je|j'|d[e\u00e9]sol[e\u00e9]e?|im|ive|"
    r"(?:my|our|the) (?:train|bus|car|tram|subway|metro|streetcar|ferry|flight|plane|taxi|cab|uber|ride|bike)|"
    r"behind|delayed|held up|forgot|overslept|slept in)(?!\w)",
    re.IGNORECASE,
)
"""How a line begins whose writer is the one who is late, or has missed a session (contract section 3)."""
_DELAY = re.compile(r"(?:late|behind|delayed|held up|en retard|retard)(?!\w)", re.IGNORECASE)
_MISS = re.compile(r"(?:missed|forgot|forgotten|overslept|slept in)(?!\w)", re.IGNORECASE)
_ON_SESSION = re.compile(r"(?:sessions?|appointments?|appts?)(?!\w)", re.IGNORECASE)
_LEADS_TO_CLIENT = frozenset({"for", "with", "w/", "pour", "avec", "about"})
_MISSING = frozenset({"missed", "forgot", "forgotten", "overslept", "in"})


def of_the_writer(plain: str) -> Unclear | None:
    """A line in which the writer is late, or has missed a session: "Running behind 15 min for Eli".

    What others missed is the desk's.
    """
    if _OPENS.match(plain) is None:
        return None
    row = tokens(plain)
    meant = [one for one in _meant(row) if not one.bare or _tells_delay(row, one.end)]
    if meant and _search(_DELAY, plain):
        return Unclear(likely_line(Report(Kind.LATE, _named_in(row, _LEADS_TO_CLIENT), meant[0].value)), notice=True)
    if not _search(_MISS, plain):
        return None
    client = _named_in(row, _LEADS_TO_CLIENT) or _named_in(row, _MISSING)
    times = (clock_at(row, at) or _hour_behind_at(row, at) for at in range(len(row)))
    begin, at = next(((at, found[0]) for at, found in enumerate(times) if found is not None), (0, None))
    if client is None and at is None and not _search(_ON_SESSION, plain):
        return None
    either = at is not None and len(halves(at)) > 1 and is_either(row, begin, begin + 1)
    yesterday = any(token.said == "yesterday" for token in row)
    report = Report(Kind.NOSHOW, client, at=at, either=either, yesterday=yesterday)
    return Unclear(likely_line(report), notice=holds_figures(row) or at is not None)


def _tells_delay(row: Sequence[Token], end: int) -> bool:
    """Whether a number without a unit counts minutes, by what follows: not "2 weeks behind", "behind on 5 notes"."""
    return end >= len(row) or row[end].kind in {"sep", "!", "?"} or row[end].said in _BEHIND_MINUTES


_BEHIND_MINUTES = _LEADS_TO_CLIENT | {"late", "behind", "delayed", "held", "here", "today"}


def _hour_behind_at(row: Sequence[Token], at: int) -> tuple[time, int] | None:
    return hour_at(row, at) if at and row[at - 1].said in {"at", "@"} else None


def _search(words: re.Pattern[str], plain: str) -> bool:
    return any(found.start() == 0 or not plain[found.start() - 1].isalnum() for found in words.finditer(plain))


def _named_in(row: Sequence[Token], behind: Set[str]) -> str | None:
    """The client named right behind one of these words: with a capital, or a given name in lower case."""
    for at, token in enumerate(row):
        if token.said not in behind:
            continue
        named: list[str] = []
        begin = at + 1 + (at + 1 < len(row) and row[at + 1].said == "the")
        for word in row[begin : begin + _MOST_NAMED]:
            bare = word.text.removesuffix("'s").rstrip(".")
            called = fold(bare) in GIVEN_NAMES | GROUPS and bare not in SMALL_WORDS
            known = bare[:1].isupper() or called or word.kind == "join"
            if word.kind not in {"word", "join"} or not known or not (word.kind == "join" or is_name_word(bare)):
                break
            named.append(bare)
            if bare != word.text.rstrip("."):
                behind_it = row[begin + len(named) : begin + len(named) + 1]
                held = [one.said in _SESSION or one.kind == "number" for one in behind_it]
                named = named if all(held) else []  # "I forgot Sam's invoice"
                break
        while named and (client := as_client(named)) is None:
            named.pop()
        if named:
            return client
    return None


_MOST_NAMED = 4


def _named_before(row: Sequence[Token]) -> tuple[bool, str | None]:
    """The client named before "15 late", and whether it is they who are late: "Sam is"."""
    said = [token for token in row if token.kind in {"word", "join"}]
    verbs = 0
    while said and said[-1].said in {"is", "was", "will", "be", "running", "about", "around"}:
        said.pop()
        verbs += 1
    count = 2
    while count < len(said) and "join" in {said[-count].kind, said[-count - 1].kind}:
        count += 1  # "Eli + mom"
    named = [token.text for token in said[-count:]]
    if named and named[-1].endswith("'s"):
        named[-1] = named[-1].removesuffix("'s")
        verbs += 1
    if len(said) > len(named) or len(row) > len(said) + verbs:  # in the middle of a sentence a name has its capital
        named = [word for word in named if word[:1].isupper()]
    if "i" in {word.casefold() for word in named}:
        return False, None
    client = as_client(named) or as_client(named[-1:])
    return verbs > 0 and client is not None, client


def _without_minutes(row: Sequence[Token]) -> list[Token]:
    """The words of a row, but for minutes and other numbers."""
    kept: list[Token] = []
    at = 0
    while at < len(row):
        found = minutes_at(row, at)
        if found is None and row[at].kind != "number":
            kept.append(row[at])
        at = at + 1 if found is None else found.end
    return kept


def _meant(row: Sequence[Token]) -> list[Minutes]:
    found = (minutes_at(row, at) for at in range(len(row)))
    return [one for one in found if one is not None and one.sure and one.in_range]


def holds_figures(row: Sequence[Token]) -> bool:
    """Whether minutes or a time stand anywhere in the line."""
    return any(clock_at(row, at) or ((found := minutes_at(row, at)) and found.sure) for at in range(len(row)))
