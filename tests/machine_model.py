"""What must hold of a clinic's cases whatever happens: the small model that the machine is held against.

It knows what people wrote and when they were heard, and the promises of the contract (sections 5 and 8) as bounds. It
does not know how the code keeps them: no timer, no commit, no heap is imitated here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from workflow.core.model import Case, Letter, LetterKind, Post

ZONE = ZoneInfo("America/Toronto")
QUIET_FROM, QUIET_TO = time(21), time(8)
GRACE = timedelta(hours=1)
SESSION_AND_5 = timedelta(minutes=55)
FIVE = timedelta(minutes=5)
MOST_A_DAY = 6
JITTER = timedelta(minutes=1)
"""A clock that is a minute off is no clock that was set."""
LONGEST_WAIT = timedelta(minutes=30)
"""Between two attempts at a letter that is refused for now (contract section 5)."""

CLOSING = ("RESCHEDULED", "UNREACHABLE", "CONNECTED", "OTHER")
HELD = (LetterKind.REMINDER, LetterKind.ESCALATION)
ENDED = (LetterKind.REMINDER, LetterKind.DRAFT, LetterKind.STEPAWAY)
"""Letters that have no sense once there is an outcome."""


@dataclass(frozen=True)
class Milestones:
    """What UNDO takes back."""

    sent: bool = False
    state: str = "open"
    outcome: tuple[str, str] | None = None
    """The outcome and its text."""


@dataclass
class Expected:
    """One case as its people know it."""

    report: str
    """Message-ID of the mail that opened it."""
    kind: str
    minutes: int | None
    changed_at: datetime
    unsettled_at: datetime
    """Since when nothing has moved its due times but the plain passing of time."""
    asked_after: timedelta = timedelta(0)
    """So long after `changed_at` its outcome is asked for each morning, at the latest."""
    so_far: Milestones = field(default_factory=Milestones)
    before: tuple[Milestones, datetime] | None = None
    reached: bool = False
    changes: int = 1
    """Each brings one draft, and one alert for each admin."""
    asked_in_vain: int = 0
    """Reminders from before the clock was set back."""
    receipts: int = 0
    heard: set[str] = field(default_factory=set)
    """Message-IDs of the mails that it acted on."""

    @property
    def open(self) -> bool:
        return self.so_far.state == "open"

    def change(self, kind: str, minutes: int | None, now: datetime) -> None:
        """A report, or a new estimate or kind: times count from here."""
        self.reached = False
        if kind != self.kind:
            self.before = None
        self.kind, self.minutes = kind, minutes
        self.changed_at = self.unsettled_at = now
        self.so_far = replace(self.so_far, sent=False)
        self.asked_after = SESSION_AND_5 + timedelta(minutes=minutes or 0)

    def says(self, word: str, text: str, now: datetime) -> None:
        """The associate's word, one of the card in README; or admin's CONTACTED."""
        match word:
            case "LATE" | "NOSHOW":
                if self.open and (kind := word.lower()) in ("noshow", self.kind):
                    minutes = int(text) if text else None
                    if (kind, minutes) == (self.kind, self.minutes):
                        self.receipts += 1
                    else:
                        self.change(kind, minutes, now)
                        self.changes += 1
                return  # else it is asked back
            case "SENT" if not self.so_far.sent:
                self._become(replace(self.so_far, sent=True), now)
                self.asked_after = max(self.asked_after, now - self.changed_at + timedelta(hours=3))
            case "CONTACTED":
                self.reached = True
            case "MISTAKE" if self.so_far.state != "cancelled":
                self._become(replace(self.so_far, state="cancelled"), now)
            case "UNDO" if self.before is not None and now < morning_after(self.before[1]):
                self.so_far, self.before = self.before[0], None
                self.unsettled_at = now
                self.changed_at = min(self.changed_at, now)
            case _ if word in CLOSING and (self.so_far.state, self.so_far.outcome) != ("closed", (word, text)):
                self._become(replace(self.so_far, state="closed", outcome=(word, text)), now)
        self.receipts += 1

    def _become(self, milestones: Milestones, now: datetime) -> None:
        self.before = (self.so_far, now)
        self.so_far = milestones
        self.unsettled_at = now


class Model:
    """All cases, and everything that was ever handed to the server."""

    def __init__(self) -> None:
        self.cases: dict[str, Expected] = {}
        self.posted: dict[str, tuple[str, str, str]] = {}
        """Message-ID -> kind, case and recipient, as first accepted."""
        self.may_repeat: set[str] = set()
        """Message-IDs whose acceptance we did not hear of, or died before writing it down."""
        self.unrecorded: set[str] = set()
        """Those whose acceptance is not on disk yet."""

    # --- what happened --------------------------------------------------------------------------------

    def opened(self, case_id: str, report: str, kind: str, minutes: int | None, now: datetime) -> None:
        """A report was acted on for the first time."""
        assert all(known.report != report for known in self.cases.values()), "one report, two cases"
        expected = Expected(report, kind, minutes, now, now)
        expected.change(kind, minutes, now)
        expected.heard.add(report)
        self.cases[case_id] = expected

    def answered(self, case_id: str, mail: str, word: str, text: str, now: datetime) -> None:
        """An answer was acted on; hearing it again changes nothing."""
        expected = self.cases[case_id]
        if mail not in expected.heard:
            expected.heard.add(mail)
            expected.says(word, text, now)

    def clock_was_set_back(self, now: datetime, cases: Iterable[Case]) -> None:
        """What was asked in a time that is still to come counts for nothing."""
        for case in cases:
            expected = self.cases[case.id]
            expected.unsettled_at = now
            if expected.open:
                expected.changed_at = min(expected.changed_at, now)
            expected.asked_in_vain = len(reminders(case))

    def accepted(self, letter: Letter | None, message_id: str, recipient: str, now: datetime, *, heard: bool) -> None:
        """The server has taken a letter; `letter`: what the store said of it then; `heard`: we were told so."""
        assert letter is not None, "a letter that was never committed"
        assert letter.post is Post.OWED, f"sent although {letter.post}: {letter.reason}"
        assert recipient in ("dana@clinic.test", "ravi@clinic.test", "admin@clinic.test", "lead@clinic.test")
        known = (letter.kind.value, letter.case or "", recipient)
        if message_id in self.posted:
            assert message_id in self.may_repeat, f"{known} came twice, although its acceptance was recorded"
            assert self.posted[message_id] == known
        if letter.case is not None and letter.kind in ENDED:
            assert self.cases[letter.case].open, f"a {letter.kind} after the outcome"
        if letter.case is not None and letter.kind in HELD and is_quiet(now):
            by_day = now <= letter.created_at + JITTER
            assert by_day or now <= self.cases[letter.case].changed_at + GRACE + JITTER, f"a {letter.kind} in the night"
        self.posted[message_id] = known
        (self.unrecorded if heard else self.may_repeat).add(message_id)

    def recorded(self) -> None:
        self.may_repeat -= self.unrecorded
        self.unrecorded.clear()

    def died(self) -> None:
        self.may_repeat |= self.unrecorded
        self.unrecorded.clear()

    # --- what must hold -------------------------------------------------------------------------------

    def holds(self, cases: Iterable[Case]) -> None:
        """At any moment: each report has its one case, which says what its people said."""
        found = {case.id: case for case in cases}
        assert found.keys() == self.cases.keys(), "one case a report, none lost, none twice"
        for case_id, expected in self.cases.items():
            case = found[case_id]
            outcome = expected.so_far.outcome
            said = (case.kind.value, case.minutes, case.state.value, case.sent_at is not None)
            assert said == (expected.kind, expected.minutes, expected.so_far.state, expected.so_far.sent)
            assert (case.reached_at is not None) == expected.reached
            assert (case.outcome and case.outcome.value.upper()) == (outcome and outcome[0])
            mails = Counter(mail.message_id for mail in case.mails)
            assert mails == Counter(expected.heard), "each mail is acted on once"
            self._letters_hold(case, expected)
            assert bool(case.timers) == case.open, "a case never ends in silence, and is quiet when it has ended"

    def _letters_hold(self, case: Case, expected: Expected) -> None:
        kinds = Counter((letter.kind, letter.to.email) for letter in case.letters)
        assert kinds[LetterKind.DRAFT, case.associate.email] == expected.changes
        assert kinds[LetterKind.ALERT, "admin@clinic.test"] == expected.changes
        assert sum(count for (kind, _), count in kinds.items() if kind is LetterKind.RECEIPT) == expected.receipts
        ids = [letter.message_id for letter in case.letters]
        assert len(set(ids)) == len(ids)
        owed = Counter(letter.kind for letter in case.letters if letter.post is Post.OWED)
        assert owed[LetterKind.REMINDER] <= 1, "what was held goes as one letter"
        assert owed[LetterKind.DRAFT] <= 1
        for letter in case.letters:
            if letter.post is Post.SENT:
                assert letter.message_id in self.posted, f"{letter.kind} counts as sent, but nobody took it"
            if letter.post is Post.WITHDRAWN:
                assert letter.reason, "what was not sent says why"
            if letter.post is Post.OWED and not case.open:
                assert letter.kind not in ENDED

    def ticked(self, case: Case, before: Case, now: datetime) -> None:
        """After a tick: one letter of a kind at most, none at night, none missing, the daily maximum kept."""
        expected = self.cases[case.id]
        assert not case.timers or case.timers[0].at > now, "decided once"
        new = case.letters[len(before.letters) :]
        kinds = Counter((letter.kind, letter.to.email) for letter in new)
        assert all(count == 1 for count in kinds.values()), "a burst"
        if is_quiet(now) and any(letter.kind in HELD for letter in new):
            assert now <= expected.changed_at + GRACE + JITTER, "asked in the night"
        asked = reminders(case)[expected.asked_in_vain :]
        lately = [at for at in asked if at > expected.unsettled_at]
        assert max(Counter(at.astimezone(ZONE).date() for at in lately).values(), default=0) <= MOST_A_DAY
        assert all(late - early >= FIVE - JITTER for early, late in pairwise(lately)), "a burst"
        if case.open and not is_quiet(now):
            self._nothing_is_missing(case, expected, asked, now)

    def _nothing_is_missing(self, case: Case, expected: Expected, asked: list[datetime], now: datetime) -> None:
        morning = morning_before(now)
        if max(expected.unsettled_at, expected.changed_at + expected.asked_after) < morning:
            assert any(at >= morning for at in asked), "a morning without a reminder"
        untold = not expected.so_far.sent and expected.unsettled_at == expected.changed_at
        if untold and now >= expected.changed_at + FIVE:
            assert any(at >= expected.changed_at for at in asked), "never asked whether the client knows"
        waits = expected.kind == "noshow" or (expected.minutes or 0) > 10
        if untold and waits and not expected.reached and now >= expected.changed_at + 2 * FIVE:
            assert any(letter.kind is LetterKind.ESCALATION for letter in case.letters), "admin was never asked"

    def all_is_settled(self, cases: Iterable[Case]) -> None:
        """With every server up, and time enough: nothing that was owed is forgotten."""
        for case in cases:
            for letter in case.letters:
                assert letter.post in (Post.SENT, Post.WITHDRAWN), f"{letter.kind} is {letter.post}"
                if letter.kind is LetterKind.ALERT:
                    assert letter.post is Post.SENT, "an alert goes whatever its age"


def reminders(case: Case) -> list[datetime]:
    return [letter.created_at for letter in case.letters if letter.kind is LetterKind.REMINDER]


# --- local time, counted here anew -------------------------------------------------------------------


def is_quiet(at: datetime) -> bool:
    local = at.astimezone(ZONE).time()
    return local >= QUIET_FROM or local < QUIET_TO


def morning_before(at: datetime) -> datetime:
    """The last clinic morning at or before."""
    local = at.astimezone(ZONE)
    morning = datetime.combine(local.date(), QUIET_TO, tzinfo=ZONE)
    return morning if morning <= local else datetime.combine(local.date() - timedelta(days=1), QUIET_TO, tzinfo=ZONE)


def morning_after(at: datetime) -> datetime:
    """The first clinic morning after."""
    local = at.astimezone(ZONE)
    morning = datetime.combine(local.date(), QUIET_TO, tzinfo=ZONE)
    return morning if morning > local else datetime.combine(local.date() + timedelta(days=1), QUIET_TO, tzinfo=ZONE)
