"""A line that starts with LATE, NOSHOW or WAITING, read from left to right. Contract section 3, "Reports".

It says what stands there and whether that is a whole report; what the line probably means otherwise is `guess`, which
line of a mail speaks is `read`. Pure, linear, never raising.
"""

from __future__ import annotations

import re
from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from datetime import time
from itertools import islice
from typing import Any

from workflow.core.language.names import TITLES, as_client, is_name_word, same_client
from workflow.core.language.times import (
    LEAST_MINUTES,
    MONTHS,
    MOST_MINUTES,
    OCLOCK,
    Token,
    clock_at,
    day_at,
    halves,
    hour_at,
    is_either,
    minutes_at,
    tokens,
)
from workflow.core.language.vocabulary import TAG_PHRASES
from workflow.core.rules import Kind

MOST_REPORTS = 8
"""In one mail (contract section 3)."""

LONGEST_HEAD = 1000
"""A report stands in so many characters; what follows is a note, however long."""

_BEFORE_MINUTES = r"(?:(?:about|around|approximately|approx\.?|roughly|by|~)\s)"
_LEAD = re.compile(
    r"(?:(?:(?:(?:i'm|im|i am) )?(?:going to be|gonna be)|i'm|im|i am|(?:i'll|ill|i will|will) be)\s)?"
    r"(?:(?:just|now|still|currently|also)\s)?(?:running\s)?" + _BEFORE_MINUTES + "?",
    re.IGNORECASE,
)
"""What may stand before minutes and LATE."""

_A_FEW = re.compile(
    r"(?:(?:a )?(?:few|couple(?: of)?) (?:minutes|mins|min)|a (?:little )?bit|a little|slightly|very|really)\b[\s,:-]*",
    re.IGNORECASE,
)
"""What says less than minutes: as good as none."""

_TAG = re.compile(
    "(?:"
    + "|".join(f"(?P<{kind}>{'|'.join(said)})" for kind, said in TAG_PHRASES.items()).replace(" ", r"(?:\s|-)")
    + r")(?![^\W\d]|')",
    re.IGNORECASE,
)
"""The tags; a digit may follow at once ("LATE15 Sam"), a letter never ("later", "no shows")."""

_TAGS = "|".join("|".join(said) for said in TAG_PHRASES.values()).replace(" ", r"(?:\s|-)")
_AND_TAG = re.compile(
    rf"\s*(?:[,;&+/.]|\b(?:and|also|plus)\b)[\s,]*(?={_TAGS})|\s(?=(?-i:LATE|NOSHOW|NO SHOW|NO-SHOW|WAITING|MISSED)\s)",
    re.IGNORECASE,
)
"""Where a second report may begin in the line of a first: "LATE 10 Ana and LATE 10 Ben"."""

_ABOUT = frozenset({"about", "around", "approx", "approximately", "roughly", "by", "~"})
_AT_HOUR = frozenset({"at", "@"})
"""Before these an hour needs no am or pm: "AT 3"."""
_AT = _AT_HOUR | {"for", "from"}
_MY = frozenset({"my", "our", "the"})
_SESSION = frozenset({"session", "appointment", "appt", "meeting", "client"})
_OF_SESSION = _MY | _SESSION | {"a"}
_NOON = frozenset({"noon", "midday"})
_PARTS_OF_DAY = {"morning": "a", "afternoon": "p", "evening": "p", "night": "p"}

_COUNTED = frozenset(
    {"arrivals", "cancels", "cancellations", "charges", "clients", "fees", "files", "forms", "invoices", "nights"}
    | {"notes", "notices", "patients", "payments", "replies", "reports", "sessions", "starts", "submissions"}
)
"""What a clinic counts that is late."""

_DROPPED = frozenset({"for", "with", "w/"})
"""Prepositions before the client (contract section 3)."""

SMALL_WORDS = frozenset({"an", "can", "do", "go", "he", "hope", "in", "may", "or", "see", "so", "to", "will"})
"""Names that are more often something else, where the word before has a capital and they have none."""

_OF = ("'s", "'S")
"""A session is somebody's: "Sam's 2pm" is about Sam, "Sam's car" is not."""

_ABBREVIATED = TITLES | {"jr", "sr", "st", "ste", "mc"}
"""After these a full stop ends no sentence."""

_FOR_AT_END = re.compile(r"(?:^|[\s,;:-])FOR (?P<who>[^\n?]{2,80})$")
"""In capitals, behind a note as well: so our own choices are written ("LATE 15 Sam, texted FOR Dana Lee")."""


@dataclass
class Draft:
    """A report, and its line from the tag on while it is read token by token, up to where a note begins."""

    kind: Kind
    capitals: bool
    plain: str
    start: int
    """Where the tag ends."""
    minutes: list[int] = field(default_factory=list)
    at: time | None = None
    either: bool = False
    """The time says neither am nor pm."""
    half: str = ""
    """ "a" or "p", from "this morning" or "tonight"."""
    yesterday: bool = False
    day: str | None = None
    """For `times.date_of`."""
    client: str | None = None
    for_associate: str | None = None
    note: str = ""
    questioned: bool = False
    """A "?" stands before a note."""
    twice: bool = False
    """Minutes stand there twice."""
    counting: bool = False
    """A bare number counts what follows: "2 late cancellations" tells no minutes."""
    leftover: bool = False
    """Words stand there that are no client, and that can't be a note: another shape."""
    row: Sequence[Token] = ()
    here: int = 0
    """The token of the row that is to be read next."""

    @property
    def opens(self) -> bool:
        """Whether this is a whole report (contract section 3: "… always opens", "Otherwise doubt opens nothing")."""
        fitting = all(LEAST_MINUTES <= value <= MOST_MINUTES for value in self.minutes)
        if self.questioned or self.twice or self.leftover or not fitting:
            return False
        if self.client is not None or (self.kind is Kind.LATE and self.minutes):
            return True
        return self.capitals and self.kind is not Kind.WAITING

    @property
    def is_plain(self) -> bool:
        """Whether it is a whole report wherever it stands: of somebody or some time, in capitals or with figures."""
        about = self.client is not None or self.at is not None
        return self.opens and about and (self.capitals or bool(self.minutes) or self.at is not None)

    def is_same(self, other: Draft) -> bool:
        """Whether both are of one client and time, as far as they say."""
        if self.client is None or other.client is None:
            if self.kind is not other.kind:
                return False  # whom the one has missed, the other is not late for
            return self.at in {None, other.at} if self.client is None else other.at in {None, self.at}
        return same_client(self.client, other.client) and (None in {self.at, other.at} or self.at == other.at)

    def complete(self, other: Draft) -> None:
        """Adds what this one lacks and another line about the same says."""
        self.client = self.client or other.client
        self.minutes = self.minutes or (other.minutes if self.kind is other.kind else [])
        self.for_associate = self.for_associate or other.for_associate
        if self.at is None:
            self.at, self.either = other.at, other.either
        if self.day is None and not self.yesterday:
            self.day, self.yesterday = other.day, other.yesterday

    @property
    def bare(self) -> bool:
        """Whether nothing stands there but the tag."""
        facts = (
            self.minutes,
            self.at,
            self.half,
            self.yesterday,
            self.day,
            self.client,
            self.for_associate,
            self.note,
            self.questioned,
        )
        return not any(facts)

    def read(self) -> None:
        """Fills the draft: separator, minutes, client, then time, day and FOR, then the note."""
        self._read()
        if self.at is not None and self.either and self.half:
            fitting = [one for one in halves(self.at) if (one.hour >= 12) is (self.half == "p")]
            self.at, self.either = (*fitting, self.at)[0], not fitting
        elif self.at is not None and self.either:
            self.either = len(halves(self.at)) > 1
            self.at = halves(self.at)[0]

    def _read(self) -> None:
        self.row = tokens(self.plain[self.start : LONGEST_HEAD])
        parted = self._skip("sep", "!")
        self._few()
        counted = self.here < len(self.row) and self.row[self.here].said in _COUNTED
        self.counting = self.counting and counted and not parted
        while self._clock() or self._minutes(leading=True) or self._day() or self._preposition():
            pass
        client, end = self._client_at(self.here)
        if client is None:
            self._leave(self.here)
            return
        self.client, self.here = client, end
        while self._clock() or self._minutes() or self._day() or self._for():
            pass
        self._end()

    def _few(self) -> None:
        """Passes over "a few minutes" behind LATE."""
        if self.kind is Kind.LATE and self.here < len(self.row):
            few = _A_FEW.match(self.plain, self.start + self.row[self.here].start)
            while few and self.here < len(self.row) and self.start + self.row[self.here].start < few.end():
                self.here += 1

    def _end(self) -> None:
        """After client and facts: a note, a question, or nothing."""
        if self.here >= len(self.row):
            return
        token = self.row[self.here]
        ended = self.row[self.here - 1]
        if token.kind in {"sep", "!"}:
            if self._facts_behind():
                self._end()
            else:
                self._note_from(token.end)
        elif _ends_sentence(ended):
            self._note_from(token.start)
        else:
            self._leave(self.here)

    def _facts_behind(self) -> bool:
        """Whether nothing but facts stands up to the next sign: ``LATE Sam, 15 min``. They are read, then."""
        kept = (*self._when, self.for_associate, list(self.minutes))
        self.here += 1
        read = False
        while self._clock() or (not self.minutes and self._minutes()) or self._day() or self._for():
            read = True
        if read and (self.here >= len(self.row) or self.row[self.here].kind in {"sep", "!"}):
            return True
        *self._when, self.for_associate, self.minutes = kept
        return False

    @property
    def _when(self) -> tuple[int, time | None, bool, str, bool, str | None]:
        """How far the line is read, and what was read of when it is."""
        return self.here, self.at, self.either, self.half, self.yesterday, self.day

    @_when.setter
    def _when(self, kept: Sequence[Any]) -> None:
        self.here, self.at, self.either, self.half, self.yesterday, self.day = kept

    def _is_when(self, at: int) -> bool:
        """Whether a time or a day begins here."""
        kept, self.here = self._when, at
        found = self._clock() or self._day()
        self._when = kept
        return found

    def _leave(self, begin: int) -> None:
        """What stands here is no client: a note where LATE has minutes, else another shape; a "?" asks."""
        left = self.row[begin:]
        until = next((index for index, token in enumerate(left) if token.kind == "sep"), len(left))
        self.questioned = any(token.kind == "?" for token in left[:until])
        if not left or all(token.kind == "?" for token in left):
            return
        self.leftover = self.counting or not (self.kind is Kind.LATE and self.minutes)
        self._note_from(left[0].start)

    def _note_from(self, start: int) -> None:
        text = self.plain[self.start + start :].strip(" -,:;")
        text = text.removesuffix(")") if text.count(")") > text.count("(") else text
        self.note = text if text.strip("()") else ""

    def _skip(self, *kinds: str) -> bool:
        """Passes over one sign, but for a bracket; says whether there was one."""
        if self.here >= len(self.row) or self.row[self.here].kind not in kinds or self.row[self.here].text == "(":
            return False
        self.here += 1
        return True

    def _minutes(self, *, leading: bool = False) -> bool:
        begin = self._after(_ABOUT)
        found = minutes_at(self.row, begin)
        if self.kind is not Kind.LATE or found is None:
            return False
        if self.minutes:
            bare = found.end == begin + 1 and self.row[begin].text.isdigit()
            if bare and found.end < len(self.row) and self._client_at(found.end)[0] is None:
                return False  # a number in a note: "2 kids are sick"
            self.twice = True
        self.minutes.append(found.value)
        self.here = found.end
        self._range()
        self.here = self._after({"late"})
        if leading:
            self._skip("sep")
        return True

    def _range(self) -> None:
        """ "15-20", "15 to 20", "10 or 15": minutes twice."""
        if self.here + 1 >= len(self.row):
            return
        sign = self.row[self.here]
        glued = sign.text in {"-", "/"} and sign.start == self.row[self.here - 1].end
        second = minutes_at(self.row, self.here + 1) if glued or sign.said in {"to", "or"} else None
        if second is not None:
            self.minutes.append(second.value)
            self.twice = True
            self.here = second.end

    def _clock(self) -> bool:
        """ "at 2pm", "my 2:30", "AT 3", "noon", "my 2pm session"."""
        begin = self._after(_AT)
        at = begin > self.here and self.row[begin - 1].said in _AT_HOUR
        begin = self._after(_MY, begin)
        found = clock_at(self.row, begin)
        if found is None and begin < len(self.row):
            if self.row[begin].said in _NOON:
                found = time(12), begin + 1
            elif at or self._is_oclock(begin):
                found = hour_at(self.row, begin)
        if found is None or self.at is not None:
            return False
        self.at, self.here = found
        self.either = is_either(self.row, begin, self.here)
        if self.row[begin - 1].said in _MY:
            self.here = self._after(_SESSION)
        return True

    def _is_oclock(self, at: int) -> bool:
        return at + 1 < len(self.row) and self.row[at + 1].said in OCLOCK

    def _day(self) -> bool:
        """ "today", "this afternoon", "yesterday evening"; behind client or minutes "on Monday", "Nov 28", too."""
        said, following = [*(token.said for token in self.row[self.here : self.here + 2]), "", ""][:2]
        if said == "tonight":
            self.half, self.here = "p", self.here + 1
        elif said in {"this", "last"} and following in (_PARTS_OF_DAY if said == "this" else {"night"}):
            self.half, self.here = _PARTS_OF_DAY[following], self.here + 2
            self.yesterday = self.yesterday or said == "last"
        elif said in {"yesterday", "today"}:
            self.half, self.here = _PARTS_OF_DAY.get(following, self.half), self.here + 1 + (following in _PARTS_OF_DAY)
            self.yesterday = self.yesterday or said == "yesterday"
        elif (
            self.day is None
            and (found := day_at(self.row, self.here)) is not None
            and (self.client is not None or (self.minutes and self._is_no_name(*found)))
        ):
            self.day, self.here = found
            self.here = self._after(_SESSION - {"client"})
            part = self.row[self.here].said if self.here < len(self.row) else ""
            self.half, self.here = _PARTS_OF_DAY.get(part, self.half), self.here + (part in _PARTS_OF_DAY)
        else:
            return False
        return True

    def _is_no_name(self, day: str, end: int) -> bool:
        """Whether no client begins with the day that stands here: "Tuesday group" is one, and so is May."""
        if day.startswith("0-") or is_name_word(self.row[self.here].text):
            return False
        following = self.row[end] if end < len(self.row) else None
        return not day.isdecimal() or following is None or following.kind != "word" or following.said in _SESSION

    def _preposition(self) -> bool:
        if self.here + 1 >= len(self.row):
            return False
        token, following = self.row[self.here], self.row[self.here + 1]
        if token.said == "for" and following.kind == "email":
            return self._for()  # no client is an address
        waited = self.kind is Kind.WAITING and token.said == "on"
        towards = token.text == "to" and following.text[:1].isupper()  # To is a name as well
        if token.said not in _DROPPED and not waited and not towards:
            return False
        self.here += 1
        if token.said == "for" and self.kind is Kind.LATE:
            self._session()
        return True

    def _session(self) -> None:
        """ "for my 2pm session with Sam": passed over up to the client, whose words begin after "with"."""
        kept = self._when
        while self._clock() or self._day() or self._after(_OF_SESSION) > self.here:
            self.here = self._after(_OF_SESSION)
        if self._after({"with"}) > self.here > kept[0] and self._client_at(self.here + 1)[0] is not None:
            self.here += 1
        else:
            self._when = kept

    def _for(self) -> bool:
        """FOR and one associate: a name or an address."""
        if self.here + 1 >= len(self.row) or self.row[self.here].said != "for" or self.for_associate is not None:
            return False
        begin = self.here + 1
        end = begin + 1 if self.row[begin].kind == "email" else self._end_of_name(begin)
        said = self.plain[self.start + self.row[begin].start : self.start + self.row[end - 1].end]
        if not _is_associate(said):
            return False
        self.for_associate, self.here = said, end
        return True

    def _client_at(self, begin: int) -> tuple[str | None, int]:
        """The client that begins here, if one does, and where the words end."""
        end = self._end_of_name(begin)
        named = [token.text.rstrip(".") if _ends_sentence(token) else token.text for token in self.row[begin:end]]
        whose = named[:-1] if self.minutes and named and named[-1].casefold() in _SESSION else named
        timed = self._is_when(end) if self.minutes else clock_at(self.row, end) is not None
        if timed and whose and whose[-1].endswith(_OF):
            named = [*whose[:-1], whose[-1][:-2]]  # "Sam's session tomorrow"
        # A word in lower case behind one with a capital is a verb or the like, not a name: "Sam may go".
        sentence = named[:1] != [word.lower() for word in named[:1]] and not SMALL_WORDS.isdisjoint(named[1:])
        if sentence or (named and named[-1].endswith(_OF)):
            return None, end
        return as_client(named), end

    def _end_of_name(self, begin: int) -> int:
        """Where the words of a name end that begin here: before a sign, a time, a day, FOR or minutes."""
        end = begin
        while end < len(self.row):
            token = self.row[end]
            if token.kind not in {"word", "join"} or token.said in {"at", "@", "for", "yesterday", "today"}:
                break
            if end > begin and self._ends_name(end):
                break
            end += 1
            if _ends_sentence(token):
                break
        return end

    def _ends_name(self, at: int) -> bool:
        """Whether minutes, a time or a day begin here; to LATE without minutes "May 15" is a name with minutes."""
        if self.kind is Kind.LATE and minutes_at(self.row, at) is not None:
            return not self._is_oclock(at) or self._is_when(at)
        word = self.row[at]
        dated = (
            self.kind is not Kind.LATE or bool(self.minutes) or word.said not in MONTHS or not is_name_word(word.text)
        )
        return self._is_when(at) or word.said in _NOON or (dated and day_at(self.row, at) is not None)

    def _after(self, said: Set[str], at: int | None = None) -> int:
        """The index after one of these words, if it stands here; else this one."""
        at = self.here if at is None else at
        return at + 1 if at < len(self.row) and self.row[at].said in said else at


# --- the line from left to right --------------------------------------------------------------------


def read_tag(plain: str) -> Draft | None:
    """The line read as tag and what follows; None when it starts with no tag."""
    lead = _LEAD.match(plain)
    start = lead.end() if lead else 0
    head = plain[:LONGEST_HEAD]
    before = tokens(head[start:])
    early = minutes_at(before, 0)
    few = _A_FEW.match(head, start)
    if early is not None:
        start += before[early.end].start if early.end < len(before) else len(head)
    elif few:
        start = few.end()
    tag = _TAG.match(head, start)
    if tag is None or (start and not tag[Kind.LATE]):
        return None
    kind = next(kind for kind in TAG_PHRASES if tag[kind])
    draft = Draft(kind, tag.group().isupper(), plain, tag.end(), [early.value] if early else [])
    draft.counting = early is not None and early.end == 1 and not (lead and lead.group())
    draft.read()
    if not draft.questioned and draft.for_associate is None:
        _for_behind_note(draft)
    return draft


def parted(plain: str) -> tuple[str, tuple[str, ...]]:
    """The line up to a second whole report in it, and each that follows: "LATE 10 Ana and LATE 10 Ben"."""
    for found in islice(_AND_TAG.finditer(plain, 1, LONGEST_HEAD), MOST_REPORTS):
        second = read_tag(plain[found.end() :])
        if second is None or not second.is_plain or second.client is None:
            continue
        first = read_tag(plain[: found.start()])
        if first is not None and first.opens and (first.client or first.minutes or first.at):
            head, others = parted(plain[found.end() :])
            return plain[: found.start()], (head, *others)
    return plain, ()


def _ends_sentence(token: Token) -> bool:
    """Whether a full stop behind this word ends a sentence: "Sam. Traffic."; not behind a title or an initial."""
    if token.kind != "word" or not token.text.endswith(".") or len(token.said) < 3:
        return False
    return token.said not in _ABBREVIATED and "." not in token.text[:-1]


def _for_behind_note(draft: Draft) -> None:
    found = _FOR_AT_END.search(draft.note)
    if found and _is_associate(found["who"]):
        draft.for_associate = found["who"]
        draft.note = draft.note[: found.start()].rstrip(" -,:;")
        draft.leftover = draft.leftover and bool(draft.note)


def _is_associate(said: str) -> bool:
    """Whether this can name an associate: an address, or words of a name."""
    parts = said.split()
    if len(parts) == 1 and "@" in said:
        return True
    return bool(parts) and all(is_name_word(part) for part in parts)
