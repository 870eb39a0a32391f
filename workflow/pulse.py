"""When each part of the daemon last showed that it moves, and which stand still. Knows the parts by name alone.

What comes of it is the auditor's: admin is told, and systemd's watchdog starves.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

FIRST_SWEEP_WAIT = 60.0
"""After a start, timers wait for the first full look, but not for ever: the IMAP server may be away."""

STILL: Mapping[str, float] = {"mailbox": 300.0, "mails": 60.0, "timers": 60.0, "letters": 300.0}
"""Seconds without a sign after which a part stands still, by `auditor.PARTS`. A watched mailbox is looked through once
a minute, and one answer of the server may take 30 s; a letter takes four such time-outs at most, and opening the
connection as many; a mail or a tick waits for no network."""

STILL_LOST = 1800.0
"""Seconds of silence while there is no connection. Each failed attempt is a sign, and may have to try 16 addresses that
do not answer: an outage must never look like a part that stands still, for a new start would not end it."""


class Pulse:
    """One daemon's parts, each by a name of `auditor.PARTS`. `beats` may be called from any thread."""

    def __init__(self) -> None:
        self._signs = dict.fromkeys(STILL, time.monotonic())
        self._resting = {"mails"}

    def beats(self, part: str, at: float | None = None) -> None:
        """The part moves now, or did `at` (seconds of the monotonic clock, which is the loop's)."""
        self._signs[part] = time.monotonic() if at is None else max(self._signs[part], at)

    def begins(self, part: str) -> None:
        """It has work in hand, and shows nothing until that is done."""
        self._resting.discard(part)
        self.beats(part)

    def rests(self, part: str) -> None:
        """Nothing is asked of it: it is well, however long that lasts."""
        self._resting.add(part)

    def missed(self, *, away: bool, beginning: bool) -> list[str]:
        """The parts that stand still. `away`: the mailbox has no connection; `beginning`: timers wait for its first
        look."""
        now = time.monotonic()
        limits = dict(STILL)
        if away:
            limits["mailbox"] = STILL_LOST
        if beginning:
            limits["timers"] += FIRST_SWEEP_WAIT
        moving = [(part, sign) for part, sign in self._signs.items() if part not in self._resting]
        return [part for part, sign in moving if now - sign > limits[part]]
