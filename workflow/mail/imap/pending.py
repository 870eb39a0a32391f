"""Mails that did not come when they were asked for in company: each is asked for alone, again and again with pauses.

One that has been asked for in vain is delivered with a word for it. What the inbox does otherwise is `inbox`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from workflow.core.mail import Place
from workflow.mail.imap.mailbox import UNKNOWN_ARRIVAL, Fetched, Pace, Withheld
from workflow.mail.imap.session import Session

_TRIES = 3
"""Times that a mail is asked for alone before its header has to do, which is asked for once."""


@dataclass(slots=True)
class _Wanted:
    """Times are of the monotonic clock."""

    earliest: datetime
    """It does not count if it arrived before."""
    since: float
    again_at: float
    tries: int = 0
    why: Withheld | None = None


class Pending:
    """By UID. The thread that owns the session changes it, under `lock`; the properties are for who holds that.

    `deliver` is given each mail in the end, and then calls `remove`.
    """

    def __init__(self, max_size: int, lock: threading.Lock, deliver: Callable[[Fetched], None]) -> None:
        self._max_size = max_size
        self._lock = lock
        self._deliver = deliver
        self._wanted: dict[int, _Wanted] = {}

    def __contains__(self, uid: int) -> bool:
        return uid in self._wanted

    @property
    def uids(self) -> Iterable[int]:
        return self._wanted

    @property
    def again_at(self) -> Iterable[float]:
        """When each is asked for again, by the monotonic clock."""
        return (wanted.again_at for wanted in self._wanted.values())

    @property
    def put_off(self) -> bool:
        """Whether the server puts us off when it is asked for one."""
        return any(wanted.why is Withheld.PUT_OFF for wanted in self._wanted.values())

    def add(self, uids: Iterable[int], earliest: datetime) -> None:
        """These did not come; they count if they arrived from `earliest` on."""
        now = time.monotonic()
        with self._lock:
            self._wanted.update((uid, _Wanted(earliest, now, now)) for uid in uids)

    def remove(self, uid: int) -> None:
        """It came, or is gone. The caller holds the lock."""
        self._wanted.pop(uid, None)

    def clear(self) -> None:
        """They mean nothing any more. The caller holds the lock."""
        self._wanted.clear()

    def ask_again(self, session: Session, pace: Pace) -> None:
        """Ask for each alone whose pause is over, if it is still there."""
        now = time.monotonic()
        due = [uid for uid, wanted in self._wanted.items() if wanted.again_at <= now]
        if not due:
            return
        there = session.still_there(due)
        # The least suspect first: the others may break the connection again.
        for uid in sorted(due, key=lambda uid: (self._wanted[uid].tries, uid)):
            if uid in there:
                self._ask(session, uid, pace)
            else:
                self._drop(uid)

    def _ask(self, session: Session, uid: int, pace: Pace) -> None:
        wanted, place = self._wanted[uid], Place(session.uidvalidity, uid)
        whole, most = wanted.tries < _TRIES, self._max_size
        try:
            answer = session.alone(uid, whole=whole)
        except Exception:  # whatever it is, it must not befall us for ever
            self._note_vain(place, Withheld.BROKE_OFF, pace)
            raise
        if isinstance(answer, Withheld):
            self._note_vain(place, answer, pace)
        elif answer.arrived_at < wanted.earliest:
            self._drop(uid)
        elif not whole:
            self._deliver(Fetched(place, answer.arrived_at, 0, answer.raw, whole=False, withheld=wanted.why))
        else:
            size = len(answer.raw)
            raw = answer.raw if size <= most else b"".join(answer.raw.partition(b"\r\n\r\n")[:2])
            self._deliver(Fetched(place, answer.arrived_at, size, raw, whole=size <= most))

    def _note_vain(self, place: Place, why: Withheld, pace: Pace) -> None:
        """The mail did not come: pause, or give it up and deliver what is known."""
        wanted, now = self._wanted[place.uid], time.monotonic()
        wanted.why = why
        if why is Withheld.PUT_OFF and now - wanted.since < pace.put_off_most:
            wanted.again_at = now + pace.again_most
            return
        wanted.tries += 1
        if wanted.tries > _TRIES:
            self._deliver(Fetched(place, UNKNOWN_ARRIVAL, 0, b"", whole=False, withheld=why))
        else:
            wanted.again_at = now + min(pace.again_most, pace.again_first * 2.0 ** (wanted.tries - 1))

    def _drop(self, uid: int) -> None:
        with self._lock:
            self.remove(uid)
