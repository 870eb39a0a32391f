"""What the server's answers mean beside one another: whether one address is refused alone, or nothing can be sent.

What one answer means by itself is `session`'s, what follows for the letter the sender's (contract section 5).
"""

from __future__ import annotations

import asyncio
import math
from datetime import datetime

from workflow.core.model import Letter
from workflow.mail.backoff import Backoff
from workflow.mail.smtp.session import Attempt, Result

FIRST_WAIT, LONGEST_WAIT = 0.25, 4.5
"""Seconds before an unreachable server is tried again: at least every 5 s (section 5)."""

FIRST_LOGIN_WAIT, LONGEST_LOGIN_WAIT = 5.0, 300.0
"""Seconds after a refused login: more would lock the account (section 5)."""


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
        self._refused: dict[str, float] = {}
        """Addresses for which nothing was accepted since a refusal that need not concern them: when another's letter
        was, by the loop's clock; infinity: none yet."""
        self._away, self._login = Backoff(), Backoff()
        self._until = 0.0

    @property
    def wait(self) -> float:
        """Seconds for which the server is to be left alone."""
        return self._until - asyncio.get_running_loop().time()

    def judge(self, letter: Letter, attempt: Attempt, began: float, now: datetime) -> Result:
        """What the answer to this letter means beside those to others; `began` is by the loop's clock.

        PERMANENT also for an address that alone is refused, again, without a code of its own.
        """
        real, result, address = asyncio.get_running_loop().time(), attempt.result, letter.to.email
        if result in (Result.UNREACHABLE, Result.REFUSED_LOGIN):
            self.since, self.why = self.since or now, result
            if result is Result.REFUSED_LOGIN:
                self._until = real + self._login.wait(FIRST_LOGIN_WAIT, LONGEST_LOGIN_WAIT)
            else:
                self._until = real + self._away.wait(FIRST_WAIT, LONGEST_WAIT, spent=real - began)
            return result
        self._away.end()
        self._login.end()
        if result is Result.ACCEPTED:
            self.since = None
            others = self._refused.keys() - {address}
            self._refused = {other: min(self._refused[other], real) for other in others}
        refused = result in (Result.UNCLEAR, Result.REFUSED)
        # What was under way when another's letter was accepted may have been answered before.
        if refused and began <= self._refused.setdefault(address, math.inf):
            self.since, self.why, self.held_up = self.since or now, Result.REFUSED, True
        elif self.why is not Result.REFUSED:
            self.since = None
        if result is Result.UNCLEAR and letter.attempts and self.since is None:
            return Result.PERMANENT
        return result

    def forget(self, address: str) -> None:
        """Nothing more is tried there, which proves nothing."""
        self._refused.pop(address, None)
