"""What templates may name: a letter's facts in the clinic's local time, cleaned, under the privacy setting.

The sentences stand in templates/; the mail around them is `render`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from urllib.parse import quote
from zoneinfo import ZoneInfo

from workflow.core.kinds import TAG
from workflow.core.language import times
from workflow.core.language.given_names import GIVEN_NAMES
from workflow.core.language.names import greeting, initials, short_person, shown
from workflow.core.language.plain import fold
from workflow.core.language.printed import clock_time, day, weekday, when
from workflow.core.marker import MARKER
from workflow.core.model import Choice, Datum, Facts, Letter, LetterKind, Outcome, Says, State
from workflow.core.people import Role
from workflow.core.rules import Kind, Rules
from workflow.mail.writing.mime import clean_line, clean_name

TEXT_MAX = 4000
"""Characters of one text that a letter quotes; the whole of it is in the case."""

LONG_AGO = timedelta(minutes=10)
"""An alert, escalation, update or notice this old says since when it has been due (contract section 5)."""

_NEVER_STALE = frozenset({LetterKind.ALERT, LetterKind.ESCALATION, LetterKind.UPDATE, LetterKind.NOTICE})
_WITH_MESSAGE = frozenset({LetterKind.DRAFT, LetterKind.STEPAWAY, LetterKind.REMINDER})

_DAYS_OF_WEEK = 7
"""Before so many days a day is told by its name alone: "on Monday"."""

COUNTS = (
    *("within", "later", "unrecorded", "by_five", "by_ten", "by_twenty", "by_thirty", "after"),
    *("makeups", "missed", "undated", "wait", "rebook"),
)
"""The numbers that the month's letter tells."""

DATA: Mapping[str, Datum] = {
    **dict.fromkeys(
        ("asked_admin", "by", "changed", "detail", "headline", "line", "minutes_taken", "month", "over_time")
    ),
    **dict.fromkeys(("text", "written_at")),
    **dict.fromkeys(("median", "median_before", "month_before", *COUNTS)),
    **dict.fromkeys(("asked", "both", "future_time", "morning", "over_session", "unread"), False),
    **{name: [] for name in ("closed", "faults", "lines", "open", "others", "told", "unmessaged")},
}
"""Everything that templates may ask `data` for; what a letter does not say is empty, a misspelt name is a fault."""

_NO_CASE: Mapping[str, object] = {
    **dict.fromkeys(("kind", "state", "outcome", "outcome_note", "note", "short", "client", "session_time"), ""),
    **dict.fromkeys(("session", "expected", "reported", "contacted", "minutes_words"), ""),
    **dict.fromkeys(("escalates", "unclear"), ""),
    **dict.fromkeys(("makeup", "sent", "reached", "no_time", "noted", "yesterday", "needs_name", "unnamed"), False),
    **dict.fromkeys(("apology", "can_wait", "past", "unread", "wants_time"), False),
    "who": "the associate",
    "initials": "the client",
    "whom": "the client",
    "hi": "Hi",
    "missed_day": "today",
    "minutes": None,
}
"""What the names of `Wording._case_values` say in a letter without a case."""


_LAST = frozenset({"UNDO", "MISTAKE", *TAG.values()})
"""What takes back, or says that it was something else: below all other choices."""


@dataclass(frozen=True, slots=True)
class Tap:
    label: str
    say: str
    """What one would type."""
    url: str


class Wording:
    def __init__(self, rules: Rules, *, sms_link: bool) -> None:
        self._rules = rules
        self._clinic = clean_name(rules.clinic)
        self._zone = ZoneInfo(rules.cadence.zone)
        self._sms_link = sms_link

    def values(self, letter: Letter, now: datetime) -> dict[str, object]:
        """Everything that templates may name; all text in it is cleaned."""
        data = {**DATA, **{name: _clean(value) for name, value in letter.data.items()}}
        if letter.facts is not None:
            freely = ("detail", "line", "text")  # written, so that the client may be named there
            data.update({name: self.discreet(str(data[name]), letter.facts) for name in freely if data[name]})
        data["asked_admin"] = called(str(data["asked_admin"] or ""))
        written_at = data["written_at"]
        past = letter.facts is not None and _is_past(letter.facts, letter.created_at)
        taps, filled = _taps(letter, self._rules.address, past=past), _is_due(letter)
        values: dict[str, object] = {
            "letter": letter.kind.value,
            "topic": letter.topic,
            "role": letter.role.value,
            "to": clean_name(letter.to.name),
            "clinic": self._clinic,
            "marker": MARKER,
            "phone": f" ({phone})" if (phone := clean_line(self._rules.phone)) else "",
            "case": letter.case or "",
            "data": data,
            "choices": taps,
            "filled": filled,
            "now": taps[:1] if filled else taps,
            "later": taps[1:] if filled else [],
            "reply_with": _reply_with(letter),
            "written": self._when(datetime.fromisoformat(written_at), now) if isinstance(written_at, str) else "",
            "delayed": self._when(letter.created_at, now)
            if letter.kind in _NEVER_STALE and now - letter.created_at > LONG_AGO
            else "",
            "at": _at,
            "sms_link": self._sms_link and letter.kind in _WITH_MESSAGE,
            "facts": [],
            "about": "",
            **_NO_CASE,
        }
        if letter.facts is not None:
            values.update(self._case_values(letter.facts, now))
            values["missed_day"] = self._missed_day(letter.facts, letter.created_at)
            values["past"] = past
            lines = self._fact_lines(letter.facts, now)
            if carries_facts(letter):
                values["facts"] = lines
            else:
                values["about"] = _about(lines)
        return values

    def _case_values(self, facts: Facts, now: datetime) -> dict[str, object]:
        client = client_of(facts)
        who = associate_of(facts)
        minutes = "a few minutes" if facts.minutes is None else f"about {facts.minutes} minutes"
        short = (initials(client) if client else "") or _NO_CASE["initials"]
        session, note = self._when(facts.session_at, now), facts.outcome_note or ""
        return {
            "kind": facts.kind.value,
            "state": facts.state.value,
            "outcome": facts.outcome.value if facts.outcome is not None else "",
            "outcome_note": _clean_text(self.discreet(facts.outcome_note, facts)),
            "note": _clean_text(self.discreet(facts.note, facts)),
            "makeup": facts.makeup,
            "sent": facts.sent,
            "reached": facts.reached,
            "unread": facts.unread,
            "yesterday": facts.yesterday,
            "who": who,
            "short": short_person(who),
            "hi": greeting(client),
            "needs_name": greeting(client) == "Hi",
            "unnamed": client is None,
            "initials": short,
            "whom": f"{short} ({session})" if session else short,
            "no_time": facts.outcome is Outcome.RESCHEDULED and not times.says_when(note),
            "noted": bool(note) and not times.is_when(note),
            "wants_time": facts.client_says is Says.REBOOK and facts.state is State.OPEN,
            "can_wait": facts.client_says is Says.WAITS and facts.state is State.OPEN,
            "apology": facts.apology,
            "unclear": _clean_text(self.discreet(facts.unclear, facts)),
            "escalates": self._when(facts.escalates_at, now),
            "client": self.client(facts),
            "minutes": facts.minutes,
            "minutes_words": "about 1 minute" if facts.minutes == 1 else minutes,
            "session_time": clock_time(facts.session_at.astimezone(self._zone)) if facts.session_at else "",
            "session": session,
            "expected": self._when(facts.expected_at, now),
            "reported": self._when(facts.reported_at, now),
            "contacted": self._when(facts.contacted_at, now),
        }

    def _fact_lines(self, facts: Facts, now: datetime) -> list[tuple[str, str]]:
        """The facts that are known, in the contract's order and under its names (section 4, "Facts")."""
        session = self._when(facts.session_at, now)
        if not session and (facts.yesterday or facts.missed_on):
            session = day(self._missed_at(facts))
        outcome = facts.outcome.value if facts.outcome is not None else ""
        if outcome and facts.outcome_note:
            outcome += f" - {_clean_text(self.discreet(facts.outcome_note, facts))}"
        if facts.makeup:
            outcome = ", ".join(part for part in (outcome, "make-up session offered") if part)
        lines = [
            ("Case", facts.case),
            ("Kind", facts.kind.value),
            ("Associate", associate_of(facts)),
            ("Client", self.client(facts)),
            ("Minutes", "" if facts.minutes is None else str(facts.minutes)),
            ("Session", session),
            ("Expected", self._when(facts.expected_at, now)),
            ("Reported", self._when(facts.reported_at, now)),
            ("Contacted", self._when(facts.contacted_at, now)),
            ("Answer", facts.client_says.value if facts.client_says is not None else ""),
            ("Outcome", outcome),
            ("Note", _clean_text(self.discreet(facts.note, facts))),
        ]
        return [(name, value) for name, value in lines if value]

    def _missed_day(self, facts: Facts, written_at: datetime) -> str:
        """The session's day as the client hears it: a reminder of the next morning must not say "today"."""
        local = self._missed_at(facts)
        ago, reported = (
            (at.astimezone(self._zone).date() - local.date()).days for at in (written_at, facts.reported_at)
        )
        named = reported > 1 and ago < _DAYS_OF_WEEK  # the report itself may have said "Monday"
        return {0: "today", 1: "yesterday"}.get(ago, f"on {weekday(local) if named else day(local)}")

    def _missed_at(self, facts: Facts) -> datetime:
        """A moment of the session's local day."""
        local = (facts.session_at or facts.reported_at).astimezone(self._zone)
        if facts.session_at is None and facts.missed_on is not None:
            return datetime.combine(facts.missed_on, local.timetz())
        return local - timedelta(days=1) if facts.session_at is None and facts.yesterday else local

    def names(self, facts: Facts | None) -> tuple[str, ...]:
        """As bodies print them."""
        if facts is None:
            return ()
        who = associate_of(facts)
        return tuple(name for name in (who, short_person(who), self.client(facts)) if name)

    def client(self, facts: Facts) -> str:
        """The client as ``[privacy] client_name`` lets bodies and attachments say it; empty when not known."""
        return shown(client_of(facts), self._rules.client_name) or ""

    def discreet(self, text: str | None, facts: Facts) -> str:
        """What somebody wrote about this case, with the client named as ``[privacy] client_name`` has it.

        Whole words alone are replaced: in "Peterson called" by "P.".
        """
        name, setting = client_of(facts), self._rules.client_name
        if not text or name is None or setting == "as_written":
            return text or ""
        hidden = _hidden_names(name, setting)
        return text if hidden is None else hidden.sub(lambda found: f"{found[0][0].upper()}.", text)

    def iso(self, at: datetime | None) -> str | None:
        return None if at is None else at.astimezone(self._zone).isoformat(timespec="seconds")

    def _when(self, at: datetime | None, now: datetime) -> str:
        """The clinic's local time, with the day unless it is today's; empty when not known."""
        return "" if at is None else when(at, now, self._zone)


def carries_facts(letter: Letter) -> bool:
    """Whether the letter has the lines ``Name: value`` and ``alert.json`` (contract section 4, "Facts")."""
    tells = letter.kind in {LetterKind.ALERT, LetterKind.UPDATE, LetterKind.ESCALATION}
    return letter.facts is not None and tells and letter.role is not Role.ASSOCIATE


def called(name: str) -> str:
    """How one speaks of somebody of the clinic: "Alex", but "Front Desk"."""
    first = name.split(" ", maxsplit=1)[0]
    return first if fold(first) in GIVEN_NAMES else name


def _at(time: str) -> str:
    """A time of `Wording._when` in a sentence: "at 2:30 pm", but "on Thu 5 Nov, 2:30 pm"."""
    return f"on {time}" if "," in time else f"at {time}"


def _is_past(facts: Facts, now: datetime) -> bool:
    """Whether the session of a delay is over, by what was reported; of a session reported later no time is known."""
    lasts = timedelta(minutes=facts.minutes or 0) + facts.session
    ends = (at + lasts for at in (facts.session_at, facts.reported_at) if at is not None)
    return facts.kind is Kind.LATE and now >= next(end for end in ends if end > facts.reported_at)


def client_of(facts: Facts) -> str | None:
    return clean_line(facts.client or "") or None


def associate_of(facts: Facts) -> str:
    return clean_name(facts.associate.name) or "the associate"


@lru_cache(maxsize=64)
def _hidden_names(client: str, setting: str) -> re.Pattern[str] | None:
    """The words of the client's name that this setting does not show, in the forms that people write them."""
    kept = (shown(client, setting) or "").split()
    forms: set[str] = set()
    for word in client.split():
        for name in {word.strip(".,"), *word.strip(".,").split("-")}:
            if word in kept or len(name) < 2 or name.islower():  # "de la" names nobody
                continue
            forms |= {name, name.upper()}
            if len(name) >= 5:  # "will", "may" and "hope" stay words
                forms.add(name.lower())
    if not forms:
        return None
    listed = "|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True)).replace("'", "['\u2019]")
    return re.compile(rf"(?<![\w@])(?:{listed})(?!\w)\.?")


def _about(lines: list[tuple[str, str]]) -> str:
    """The case in one line, for letters that carry no facts."""
    known = dict(lines)
    parts = [known.get("Client", "client not named")]
    parts += [f"{name.lower()} {known[name]}" for name in ("Session", "Reported") if name in known]
    return f"This is case {known['Case']}: {', '.join(parts)}."


def _clean(value: Datum) -> Datum:
    if isinstance(value, str):
        return _clean_text(value)
    if isinstance(value, list):
        return [_clean_text(line) for line in value]
    return value


def _clean_text(text: str | None) -> str:
    line = clean_line(text or "")
    return line if len(line) <= TEXT_MAX else line[:TEXT_MAX] + " ..."


# --- choices ----------------------------------------------------------------------------------------


def _taps(letter: Letter, address: str, *, past: bool) -> list[Tap]:
    """The choices as links; on a missed session also the way out for who meant the client (contract section 2).

    Of a delay that is `past` it is asked how it ended, before whether the client was messaged.
    """
    offered = list(letter.choices)
    facts = letter.facts
    if facts is not None and facts.kind is Kind.NOSHOW and all(choice.line != "WAITING" for choice in offered):
        offered.append(Choice("WAITING", "no: the client did not come", facts.case))
    offered.sort(key=lambda one: 2 if one.case is not None and one.line in _LAST else past and one.line == "SENT")
    return [Tap(clean_line(choice.label), _say(choice, letter), _mailto(choice, address)) for choice in offered]


def _is_due(letter: Letter) -> bool:
    """Whether the first choice is due now: not in a question, nor to who waits for a client and knows no more."""
    facts = letter.facts
    if facts is None or not letter.choices or letter.kind is LetterKind.ASK:
        return False
    waits = facts.kind is Kind.WAITING and letter.kind is not LetterKind.ESCALATION
    return facts.apology or (facts.state is State.OPEN and not waits)


def _reply_with(letter: Letter) -> str:
    """The sentence before the links: first that one can reply, then that one can tap (contract section 4)."""
    if not letter.choices:
        return "Only if this is wrong, reply with one word, or tap:"
    one_word = not any(" " in _say(choice, letter) for choice in letter.choices)
    return "Reply with one word, or tap:" if one_word else "Reply with one of these lines, or tap:"


def _say(choice: Choice, letter: Letter) -> str:
    """What one types in an answer: the id goes with it when the letter is not about that case."""
    line = clean_line(choice.line)
    return line if choice.case in (None, letter.case) else f"{choice.case} {line}"


def _mailto(choice: Choice, address: str) -> str:
    """RFC 6068: a space is ``%20``, never ``+``; a tap makes a new mail, so the id stands in its subject."""
    tag = "" if choice.case is None else f"[{choice.case}] "
    return f"mailto:{_quoted(address, '@')}?subject={_quoted(tag)}{_quoted(clean_line(choice.line))}"


@lru_cache(maxsize=512)  # the same few words are offered in all letters, and each with its case in several
def _quoted(text: str, safe: str = "") -> str:
    return quote(text, safe=safe)
