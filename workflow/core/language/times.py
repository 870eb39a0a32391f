"""Minutes and times of the day as people type them: "15", "half an hour", "2:30 pm", "14h30". Contract section 3.

It also cuts a line into tokens, since a number means nothing without its neighbours; and it knows days.
Pure, linear, never raising.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, time, timedelta
from enum import Enum, auto
from functools import lru_cache

from workflow.core.language.plain import clean, fold

LEAST_MINUTES, MOST_MINUTES = 1, 180
"""What LATE takes (contract section 3, "Minutes")."""

MOST_READ = 100
"""So many words of an answer are looked through for a time."""


@dataclass(frozen=True, slots=True)
class Token:
    """A word, number, sign or address of a cleaned line, and where it stands."""

    kind: str
    """ "email", "number", "word", "sep", "join", "?", "!" or "other"."""
    text: str
    start: int
    end: int

    @property
    def said(self) -> str:
        """For comparing: casefolded, without full stops."""
        return self.text.casefold().replace(".", "")


_TOKEN = re.compile(
    r"""(?P<email>[^\s,;:()<>?!"@]{1,64}@[^\s,;:()<>?!"@]{1,255})
    | (?P<number>[~+]?\d(?:[^\s,;:()?!/&+@"-]|:(?=\d))*)
    | (?P<preposition>w/)
    | (?P<sep>[-,:;(])
    | (?P<join>[&+/])
    | (?P<question>\?)
    | (?P<shout>!+|\.+(?=\s|$))
    | (?P<word>[^\s,;:()?!/&+@"-](?:[^\s,;:()?!/&+@"-]|-(?=[^\s,;:()?!/&+@"-]))*)
    | (?P<other>\S)""",
    re.VERBOSE | re.IGNORECASE,
)
_KINDS = {"preposition": "word", "question": "?", "shout": "!"}


def tokens(plain: str) -> list[Token]:
    """The tokens of a cleaned line, in order; closing brackets and quotation marks are left out.

    A full stop that stands apart is a "!".
    """
    row = []
    for found in _TOKEN.finditer(plain):
        kind = found.lastgroup or "other"
        if found.group() not in {")", '"'}:
            row.append(Token(_KINDS.get(kind, kind), found.group(), found.start(), found.end()))
    return row


# --- minutes ----------------------------------------------------------------------------------------

_SMALL = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
_NUMBER_WORDS = {word: number for number, word in enumerate(_SMALL.split(), 1)}
_NUMBER_WORDS |= dict.fromkeys(["fifeteen", "fiffteen", "fiften", "fiftene", "fiteen", "fiveteen"], 15)
"""Typed in haste, as are "tweny" and "thrity"; none is a name."""
_TENS = {"twenty": 20, "thirty": 30, "forty": 40, "fourty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80}
_TENS |= {"ninety": 90, "tweny": 20, "twenny": 20, "thrity": 30}
_MINUTE_UNITS = frozenset({"m", "min", "mins", "minute", "minutes", "mn", "'"})
_MINUTE_UNITS |= {"minets", "minites", "minnutes", "mintes", "mintue", "mintues", "minues", "minuets", "minuites"}
_MINUTE_UNITS |= {"minut", "minuts", "miniutes", "miuntes", "miutes", "mnutes"}
"""From the second row on: what a thumb makes of them. None is a name."""
_HOUR_UNITS = frozenset({"h", "hr", "hrs", "hour", "hours"})

_SPOKEN = {
    90: "hour and a half",
    60: "an hour, a hour",
    45: "three quarters of an hour",
    30: "half of an hour, half an hour, half-an-hour, half a hour, half hour, half-hour",
    15: "quarter of an hour, a quarter of an hour, a quarter hour",
}
_PHRASES = [(tuple(phrase.split()), minutes) for minutes, said in _SPOKEN.items() for phrase in said.split(", ")]
_PHRASES_BEGIN = frozenset(phrase[0] for phrase, _ in _PHRASES)

_GLUED = re.compile(r"[~+]?(\d{1,4})(m|mins?|minutes?|mn|'|h|hrs?|hours?)?(?:ish)?\.*", re.IGNORECASE)
_MORE_OR_LESS = (("or", "so"), ("-", "ish"), ("ish",))
"""What may stand behind minutes and adds nothing."""
_AND_A_HALF = ("and", "a", "half")
_HOURS_AND_MINUTES = re.compile(r"[~+]?([1-3])h([0-5]\d)", re.IGNORECASE)
_PART_OF_HOURS = re.compile(r"[~+]?(\d?\.\d{1,2})(h|hrs?|hours?)?\.*", re.IGNORECASE)
_SURE_NUMBER = 5
"""A smaller number in words counts things as often as minutes: "two clients were late"."""


@dataclass(frozen=True, slots=True)
class Minutes:
    """Minutes that stand in a row of tokens."""

    value: int
    """As said, perhaps out of range."""
    end: int
    """The index after them."""
    sure: bool
    """They have a unit, or are a number no smaller than five: not a count of something."""
    bare: bool = False
    """A number, without a unit."""

    @property
    def in_range(self) -> bool:
        return LEAST_MINUTES <= self.value <= MOST_MINUTES


def minutes_at(row: Sequence[Token], at: int) -> Minutes | None:
    """The minutes that begin at this token: "15", "15m", "15 min", "fifteen", "half an hour"; None: none do.

    Hours with minutes are one length: "1 hour and 15 minutes", "an hour and a half".
    """
    hours = _length_at(row, at)
    if hours is None or not _ends_with(row, hours, _HOUR_UNITS):
        return hours
    if _said(row, hours.end, 3) == _AND_A_HALF:
        return Minutes(hours.value + 30, hours.end + 3, sure=True)
    joined = _said(row, hours.end, 1) == ("and",)
    minutes = _length_at(row, hours.end + joined)
    if minutes is None or not (joined or _ends_with(row, minutes, _MINUTE_UNITS)):
        return hours
    return Minutes(hours.value + minutes.value, minutes.end, sure=True)


def _ends_with(row: Sequence[Token], found: Minutes, units: frozenset[str]) -> bool:
    return row[found.end - 1].said.lstrip("0123456789~+") in units


def _said(row: Sequence[Token], at: int, count: int) -> tuple[str, ...]:
    return tuple(token.said for token in row[at : at + count])


def _length_at(row: Sequence[Token], at: int) -> Minutes | None:
    """Hours or minutes, not both."""
    if at >= len(row) or clock_at(row, at) is not None:
        return None
    for phrase, value in _PHRASES if row[at].said in _PHRASES_BEGIN else ():
        if _said(row, at, len(phrase)) == phrase:
            return Minutes(value, at + len(phrase), sure=True)
    if row[at].kind == "number":
        return _figures(row, at)
    return _number_words(row, at)


def _figures(row: Sequence[Token], at: int) -> Minutes | None:
    both = _HOURS_AND_MINUTES.fullmatch(row[at].text)
    if both:
        return Minutes(int(both[1]) * 60 + int(both[2]), at + 1, sure=True)
    part = _PART_OF_HOURS.fullmatch(row[at].text)
    if part and (part[2] or _HOUR_UNITS.issuperset(_said(row, at + 1, 1) or ("",))):
        return Minutes(round(60 * float(part[1])), at + (1 if part[2] else 2), sure=True)
    found = _GLUED.fullmatch(row[at].text)
    if found is None:
        return None
    value, unit = int(found[1]), (found[2] or "").casefold()
    if unit:
        return Minutes(value * 60 if unit in _HOUR_UNITS else value, at + 1, sure=True)
    return _with_unit(row, at + 1, value, sure=True)


def _number_words(row: Sequence[Token], at: int) -> Minutes | None:
    first, *later = row[at].said.removesuffix("ish").split("-")
    end = at + 1
    if _said(row, end, 1) == ("hundred",):
        return None  # not one minute: what it says instead is asked
    if first in _TENS:
        if not later and end < len(row) and _NUMBER_WORDS.get(row[end].said, 10) < 10:
            later, end = [row[end].said], end + 1
        ones = _NUMBER_WORDS.get(later[0], 10) if later else 0
        if ones >= 10 or len(later) > 1:
            return None
        value = _TENS[first] + ones
    elif first in _NUMBER_WORDS and not later:
        value = _NUMBER_WORDS[first]
    else:
        return None
    return _with_unit(row, end, value, sure=value >= _SURE_NUMBER)


def _with_unit(row: Sequence[Token], at: int, value: int, *, sure: bool) -> Minutes:
    at = _behind_more_or_less(row, at)
    if _said(row, at, 3) == _AND_A_HALF and _said(row, at + 3, 1) in {(unit,) for unit in _HOUR_UNITS}:
        return Minutes(value * 60 + 30, at + 4, sure=True)
    unit = row[at].said if at < len(row) else ""
    if unit in _MINUTE_UNITS:
        return Minutes(value, _behind_more_or_less(row, at + 1), sure=True)
    if unit in _HOUR_UNITS:
        return Minutes(value * 60, at + 1, sure=True)
    return Minutes(value, at, sure=sure, bare=True)


def _behind_more_or_less(row: Sequence[Token], at: int) -> int:
    return at + next((len(said) for said in _MORE_OR_LESS if _said(row, at, len(said)) == said), 0)


# --- times of the day -------------------------------------------------------------------------------

_CLOCK = re.compile(r"(\d{1,2})(?:([:.h])([0-5]\d))?\s?([ap])?\.?(?:m\.?)?", re.IGNORECASE)
_FULL_HOUR = re.compile(r"(\d{1,2})h", re.IGNORECASE)
_HALF_OF_DAY = {"am": "a", "pm": "p", "a": "a", "p": "p"}
_OFFICE_OPENS = 7
"""An hour below this without am or pm is in the afternoon: nobody reports a session at 2:30 in the night. Before an "h"
it is a length: "1h30"."""


def clock_at(row: Sequence[Token], at: int) -> tuple[time, int] | None:
    """The time of the day that begins at this token, with the index after it; None: none does.

    "2pm", "2:30 pm", "2.30pm", "14:30", "14h30", "14h". Without am or pm, "2:30" is in the afternoon, "02:30" is not.
    """
    if at >= len(row) or row[at].kind != "number":
        return None
    text, end, half = row[at].text, at + 1, ""
    if end < len(row) and row[end].said in {"am", "pm"}:
        half, end = _HALF_OF_DAY[row[end].said], end + 1
    full = _FULL_HOUR.fullmatch(text)
    if full and not half and _OFFICE_OPENS <= int(full[1]) <= 23:
        return time(int(full[1])), end
    found = _CLOCK.fullmatch(text)
    if found is None:
        return None
    hour, sign, minute = int(found[1]), (found[2] or "").casefold(), int(found[3] or 0)
    glued = text[found.end(3) if found[3] else found.end(1) :].casefold().strip(" .").replace(".", "")
    half = half or _HALF_OF_DAY.get(glued, "")
    if glued and glued not in _HALF_OF_DAY:
        return None
    if half:
        if not 1 <= hour <= 12 or sign == "h":
            return None
        return time(hour % 12 + (12 if half == "p" else 0), minute), end
    if sign not in {":", "h"} or hour > 23:
        return None
    if sign == "h":
        return (time(hour, minute), end) if hour >= _OFFICE_OPENS else None
    afternoon = 1 <= hour < _OFFICE_OPENS and not found[1].startswith("0")
    return time(hour + 12 if afternoon else hour, minute), end


_EARLIEST, _LATEST = time(6), time(22)
"""When sessions begin: a time that says neither am nor pm is within these (contract section 3, "Time")."""


def hour_at(row: Sequence[Token], at: int) -> tuple[time, int] | None:
    """The hour that stands behind "at" or before "o'clock", in "AT 3"; before noon where it may be either half."""
    said = row[at].text.rstrip(".") if at < len(row) and row[at].kind == "number" else ""
    found = minutes_at(row, at)
    if not said.isdecimal() or found is None or not found.bare or not 1 <= int(said) <= _LATEST.hour:
        return None
    hour = int(said)
    at += 2 if OCLOCK.issuperset(_said(row, at + 1, 1) or ("",)) else 1
    return time(hour + 12 if hour < _EARLIEST.hour else hour), at


def halves(at: time) -> tuple[time, ...]:
    """The times of the day that "9:30" may mean, within those at which sessions begin."""
    both = (at.replace(hour=at.hour % 12), at.replace(hour=at.hour % 12 + 12))
    return tuple(one for one in both if _EARLIEST <= one <= _LATEST) or (at,)


def is_either(row: Sequence[Token], at: int, end: int) -> bool:
    """Whether the time from this token on says neither am nor pm: "9:30", not "09:30", "9h30" or "14:30"."""
    said = "".join(token.text for token in row[at:end] if token.said not in OCLOCK)
    return _OF_TWELVE.fullmatch(said) is not None


_OF_TWELVE = re.compile(r"(?:[1-9]|1[0-2])(?::[0-5]\d)?\.*")

# --- days -------------------------------------------------------------------------------------------

_WEEKDAYS = "mon monday,tue tues tuesday,wed weds wednesday,thu thur thurs thursday,fri friday,sat saturday,sun sunday"
_DAY_OF_WEEK = {word: number for number, words in enumerate(_WEEKDAYS.split(",")) for word in words.split()}
_OF_YEAR = "jan january,feb february,mar march,apr april,may,jun june,jul july,aug august,sep sept september,"
_OF_YEAR += "oct october,nov november,dec december"
MONTHS = {word: number for number, words in enumerate(_OF_YEAR.split(","), 1) for word in words.split()}
_ARE_NAMES = frozenset({"mon", "thu", "sat", "sun"})
"""Days that people are called, too."""
_TO_COME = "to come"
_COMING = frozenset({"tomorrow", "tmrw", "tmr", "tmw", "tomorow", "tommorow", "tommorrow"})
_NUMBER_OF_DAY = re.compile(r"(\d{1,2})(st|nd|rd|th)?", re.IGNORECASE)
_YEAR_FIRST = re.compile(r"\d{4} ([-/]) (\d{1,2}) \1 (\d{1,2})(?!\S)")
_IN_FIGURES = re.compile(r"(\d{1,2}) / (\d{1,2})(?P<year> / \d{2,4})?(?!\S| (?:/|(?i:of|h|hrs?|hours?))(?!\S))")
"""The texts of tokens: a day and its month or the other way round, unless they are a part: "3/4 of an hour"."""
_LAST_YEAR = timedelta(days=60)
"""So far back a date of the year before may lie: in January December is meant, in November not January."""


def day_at(row: Sequence[Token], at: int) -> tuple[str, int] | None:
    """The day that begins at this token, for `date_of`, with the index after it: "tomorrow", "on Monday", "Nov 28"."""
    lead = _said(row, at, 1)
    led = lead in {("on",), ("last",), ("next",), ("this",), ("coming",)}
    begin = at + led + (_said(row, at + led, 1) == ("the",))
    word = row[begin].said if begin < len(row) else ""
    if word.removesuffix("'s") in _COMING or (lead == ("next",) and word in {*_DAY_OF_WEEK, "week", "month"}):
        return _TO_COME, begin + 1
    dated = _date_at(row, begin)
    if dated is not None:
        return dated
    if word not in _DAY_OF_WEEK:
        return None
    end = begin + 1
    timed = clock_at(row, end) is not None or _said(row, end, 1) in {("at",), ("@",)}
    if word in _ARE_NAMES and not (led or timed or _date_at(row, end)):
        return None
    comma = end < len(row) and row[end].text == ","
    return _date_at(row, end + comma) or (f"{_DAY_OF_WEEK[word]}", end)


def _date_at(row: Sequence[Token], at: int) -> tuple[str, int] | None:
    """ "Nov 28", "28 Nov", "28th of November", "the 28th", "2026-11-28", "11/28"; not "2nd time", nor "1/2 hour"."""
    texts = [token.text for token in row[at : at + 5]]
    shown = " ".join(texts)
    if dated := _YEAR_FIRST.match(shown):
        return f"{int(dated[2])}-{int(dated[3])}", at + 5
    if dated := _IN_FIGURES.match(shown):
        one, other = int(dated[1]), int(dated[2])
        either = [f"{month}-{day}" for month, day in ((one, other), (other, one)) if 0 < month <= 12 and 0 < day <= 31]
        return ("/".join(either), at + (5 if dated["year"] else 3)) if either else None
    first, second = [*texts[:2], "", ""][:2]
    number, of = _NUMBER_OF_DAY.fullmatch(first), at + 1 + (second.casefold() == "of")
    if number is not None:
        month = MONTHS.get(row[of].said) if of < len(row) else None
        if month is not None:
            return f"{month}-{int(number[1])}", of + 1
        counts = at + 1 < len(row) and row[at + 1].kind == "word" and row[at + 1].said not in _SPANS
        return (f"0-{int(number[1])}", at + 1) if number[2] and not counts else None
    number = _NUMBER_OF_DAY.fullmatch(second)
    if number is None or row[at].said not in MONTHS or clock_at(row, at + 1) is not None:
        return None
    return f"{MONTHS[row[at].said]}-{int(number[1])}", at + 2


def date_of(said: str, today: date) -> date | None:
    """The last such day up to `today`; None: it is still to come, or there is none."""
    if said == _TO_COME:
        return None
    if "/" in said:  # "11/12" is in November or in December
        read = (date_of(one, today) for one in said.split("/"))
        return max((day for day in read if day is not None and today - day <= _LAST_YEAR), default=None)
    month, parted, number = said.partition("-")
    if not parted:
        return today - timedelta(days=(today.weekday() - int(said)) % 7)
    if month == "0":
        before = (today - timedelta(days=back) for back in range(_LAST_YEAR.days // 2))
        return next((day for day in before if day.day == int(number)), None)
    for year in (today.year, today.year - 1):
        with suppress(ValueError):
            day = date(year, int(month), int(number))
            if day <= today and (day.year == today.year or today - day <= _LAST_YEAR):
                return day
    return None


# --- days, times and lengths in a row ---------------------------------------------------------------

LONGEST_WHEN = 200
"""Characters: whatever is longer says more than when."""


class Span(Enum):
    """What may stand in "to next Tuesday at 3pm"."""

    CLOCK = auto()
    DAY = auto()
    """A day, a date, or a length with its unit."""
    NUMBER = auto()
    NOW = auto()
    LEAD = auto()
    """What may stand between "rescheduled" and its day: "next Tue", "in two weeks"."""
    LINK = auto()
    OTHER = auto()


_WORDS = {
    Span.DAY: "mon monday tue tues tuesday wed weds wednesday thu thur thurs thursday fri friday sat saturday sun "
    "sunday today tonight tomorrow tmrw yesterday morning afternoon evening week weeks month weekend day days "
    "jan january feb february mar march apr april may jun june jul july aug august sep sept september oct october "
    "nov november dec december min mins minute minutes hour hours",
    Span.CLOCK: "noon midnight",
    Span.NUMBER: " ".join(("hundred half a an", *_NUMBER_WORDS, *_TENS)),
    Span.NOW: "now",
    Span.LEAD: "next this in coming around",
    Span.LINK: "to for on at the by until from same of and ago just already",
}
_SPANS = {word: span for span, words in _WORDS.items() for word in words.split()}
_DATE = re.compile(r"\d{1,4}[/-]\d{1,2}(?:[/-]\d{1,4})?\b|\d{1,2}(?:st|nd|rd|th)\b", re.IGNORECASE)
_SIGNS = frozenset({"sep", "?", "!"})
OCLOCK = frozenset({"o'clock", "oclock"})


@lru_cache(maxsize=64)  # the same few words are asked about again and again while a mail is read
def spans(text: str) -> tuple[Span, ...]:
    """What stands in the text, in order, up to the first that has nothing to do with days, times and lengths."""
    shown = clean(text[:LONGEST_WHEN])
    row = tokens(shown)
    found: list[Span] = []
    at = 0
    while at < len(row) and Span.OTHER not in found:
        if row[at].kind in _SIGNS or row[at].text in {"&", "@"}:
            at += 1
        elif (date := _DATE.match(shown, row[at].start)) is not None:
            found.append(Span.DAY)
            at = next((end for end in range(at, len(row)) if row[end].start >= date.end()), len(row))
        elif (end := _end_of_clock(row, at)) is not None:
            found.append(Span.CLOCK)
            at = end
        elif (minutes := minutes_at(row, at)) is not None:
            found.append(Span.NUMBER if minutes.bare else Span.DAY)
            at = minutes.end
        else:
            found += _spans_of(row[at])
            at += 1
    return tuple(found)


def _end_of_clock(row: Sequence[Token], at: int) -> int | None:
    """The index after a time of the day, or after the hour in "3 o'clock"; None: none begins here."""
    clock = clock_at(row, at)
    if clock is not None:
        return clock[1]
    return at + 2 if row[at].kind == "number" and OCLOCK.issuperset(_said(row, at + 1, 1) or ("",)) else None


def _spans_of(token: Token) -> list[Span]:
    """Of a word, or of words joined by hyphens: "Tue-Thu"; of somebody's, the rest is another matter: "today's"."""
    if token.kind == "number":
        return [Span.NUMBER if token.said.isdigit() else Span.OTHER]
    word, _, rest = fold(token.text).partition("'")
    return [*(_SPANS.get(piece, Span.OTHER) for piece in word.split("-")), *([Span.OTHER] if rest else [])]


def is_when(text: str, *, bare_number: bool = False) -> bool:
    """Whether the whole text is a day, a time or minutes ("Tue 3pm", "to next week", "15 min").

    `bare_number`: a number alone is one too, as after LATE.
    """
    found = spans(text)
    sure = {Span.CLOCK, Span.DAY, Span.NOW} | ({Span.NUMBER} if bare_number else set())
    return len(text) <= LONGEST_WHEN and Span.OTHER not in found and not sure.isdisjoint(found)


def says_when(text: str) -> bool:
    """Whether a day or a time stands anywhere in it: "she was kind, Tue 3pm"."""
    words = text.split()[:MOST_READ]
    here = (spans(" ".join(words[at : at + 4])) for at in range(len(words)))
    return any({Span.DAY, Span.CLOCK}.intersection(found) for found in here)


def starts_when(text: str) -> bool:
    """Whether the text starts with a day or a time: "Tue works for her", "next week", "3pm"."""
    first = next((span for span in spans(text) if span not in {Span.NUMBER, Span.LEAD}), Span.OTHER)
    return first in {Span.CLOCK, Span.DAY}


def starts_to_come(text: str) -> bool:
    """Whether the text starts with a day after today, whatever today is: "tomorrow", "next week"."""
    found = day_at(tokens(clean(text[:LONGEST_WHEN])), 0)
    return found is not None and found[0] == _TO_COME


def starts_time(text: str) -> bool:
    """Whether the text starts with a time of the clock, with "at" or "now" before it or not, or is "now".

    More may follow a time, and "now" where punctuation, "and" or "with" parts it.
    """
    row = tokens(clean(text[:LONGEST_WHEN]))
    at = 0
    if _said(row, 0, 1) == ("now",):
        following = row[1] if len(row) > 1 else None
        if following is None or following.kind in {"sep", "!"} or following.said in {"&", "and", "with"}:
            return True
        at = 1
    at += _said(row, at, 1) == ("at",)
    return at < len(row) and (row[at].said == "noon" or _end_of_clock(row, at) is not None)
