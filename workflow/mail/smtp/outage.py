"""What the server's answers mean beside one another: whether one address is refused alone, or nothing can be sent.

What one answer means by itself is `session`'s, what follows for the letter the sender's (contract section 5).
"""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from workflow.core.model import Letter
from workflow.mail.backoff import Backoff
from workflow.mail.smtp.session import Attempt, Result

FIRST_WAIT, LONGEST_WAIT = 0.25, 4.5
"""Seconds before an unreachable server is tried again: at least every 5 s (section 5)."""

FIRST_LOGIN_WAIT, LONGEST_LOGIN_WAIT = 5.0, 300.0
"""Seconds after a refused login: more would lock the account (section 5)."""


LASTING = timedelta(days=1)
"""The same answer about one reader alone for so long is for good (section 5)."""

LASTING_TRIES = 24
"""Half of the attempts of such a day: a clock that was set forward proves nothing."""


JUST_NOW = 1.0
"""Seconds for which an acceptance speaks for the server that then refuses one address. One that refuses two has stopped
taking letters in between."""


class Verdict(NamedTuple):
    result: Result
    """PERMANENT also where the answers to others make it so."""
    refused_since: datetime | None
    """For the letter, if it waits."""


@dataclass(slots=True)
class _Refused:
    """An address for which nothing was accepted since a refusal that need not concern it. By the loop's clock."""

    since: float
    """When the first attempt began that was refused, or, if later, when one was accepted."""
    letters: set[str] = field(default_factory=set)
    """Those that are tried again: without any, it proves nothing."""


class Outage:
    """Whether letters can go at all, as far as tried; of one server. Times are the clinic's where not said otherwise.

    An address is refused alone once a letter to another was accepted after a refusal. While every address is refused,
    none of them is at fault.
    """

    def __init__(self) -> None:
        self.since: datetime | None = None
        """Since when no letter could go; None: the last one could."""
        self.why = Result.UNREACHABLE
        """The server is not reached, refuses our login, or refuses whatever we send."""
        self.held_up = True
        """Letters may wait because none was accepted; nobody knows before the first acceptance."""
        self._accepted: dict[str, float] = {}
        """When a letter to each address was accepted last, by the loop's clock."""
        self._refused: dict[str, _Refused] = {}
        self._away, self._login = Backoff(), Backoff()
        self._until = 0.0

    @property
    def wait(self) -> float:
        """Seconds for which the server is to be left alone."""
        return self._until - asyncio.get_running_loop().time()

    def judge(self, letter: Letter, attempt: Attempt, began: float, now: datetime) -> Verdict:
        """What the answer to this letter means beside those to others; `began` is by the loop's clock."""
        real, result = asyncio.get_running_loop().time(), attempt.result
        if result in (Result.UNREACHABLE, Result.REFUSED_LOGIN):
            self.since, self.why = self.since or now, result
            if result is Result.REFUSED_LOGIN:
                self._until = real + self._login.wait(FIRST_LOGIN_WAIT, LONGEST_LOGIN_WAIT)
            else:
                self._until = real + self._away.wait(FIRST_WAIT, LONGEST_WAIT, spent=real - began)
            return Verdict(result, letter.refused_since)
        self._away.end()
        self._login.end()
        if result is Result.ACCEPTED or self.why is not Result.REFUSED:
            self.since = None
        if result in (Result.UNCLEAR, Result.REFUSED):
            return self._judge_refusal(letter, attempt, began, now)
        if result is Result.ACCEPTED:
            self._accepted[letter.to.email] = real
            if (refused := self._refused.get(letter.to.email)) is not None:
                refused.since = real
        if result in (Result.ACCEPTED, Result.PERMANENT):
            self.forget(letter)
        return Verdict(result, None)

    def _judge_refusal(self, letter: Letter, attempt: Attempt, began: float, now: datetime) -> Verdict:
        """Alone is an address to which nothing was accepted since, while something was to others: what was under way
        at that time may have been answered before it."""
        address, before = letter.to.email, letter.refused_since
        refused = self._refused.setdefault(address, _Refused(began))
        refused.letters.add(letter.id)
        accepted_at = max(self._accepted.values(), default=-math.inf)
        silent = sum(accepted_at < other.since for other in self._refused.values())
        if accepted_at < refused.since - (JUST_NOW if silent == 1 else 0):
            self.since, self.why, self.held_up = self.since or now, Result.REFUSED, True
        others = max((at for other, at in self._accepted.items() if other != address), default=-math.inf)
        alone = self.since is None and refused.since < others <= began
        same = alone and before is not None and letter.reason == attempt.reason
        same_since = min(before, now) if same and before is not None else now
        lasts = now - same_since >= LASTING and letter.attempts >= LASTING_TRIES
        if alone and before is not None and (lasts or attempt.result is Result.UNCLEAR):
            self.forget(letter)
            return Verdict(Result.PERMANENT, None)
        return Verdict(attempt.result, same_since)

    def forget(self, letter: Letter) -> None:
        """It is not tried again."""
        if (refused := self._refused.get(letter.to.email)) is not None:
            refused.letters.discard(letter.id)
            if not refused.letters:
                del self._refused[letter.to.email]
