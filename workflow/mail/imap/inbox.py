"""The watch over the mailbox: one thread that owns the IMAP connection, fetches what is new and files what is done.

It delivers each mail at least once and remembers nothing on disk: the store does, and gives back `since`. It does not
read mail, and decides nothing about it. `mail.imap.session` speaks the protocol; here is when, what and how often.

The rule against every race: a push is only a hint. After it, after a wake-up and after each turn of IDLE the folder is
searched by UID, and what the search finds above the last UID delivered is new.

The rule for what the server will not hand over: the others go first. Mails are asked for in company; whatever does not
come that way (a NO, an answer without data, a connection that breaks) is asked for alone by `mail.imap.pending`, and is
delivered with a word for it when that has been in vain. `through` stays below it until then.
"""

from __future__ import annotations

import math
import os
import select
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from imapclient.exceptions import IMAPClientAbortError, IMAPClientError

from workflow.config.keys import ImapServer
from workflow.core.mail import Place
from workflow.core.model import Fate
from workflow.mail.backoff import Backoff
from workflow.mail.imap.mailbox import (
    PATIENCE,
    Contact,
    Fetched,
    Filing,
    Loss,
    MailboxError,
    News,
    Pace,
)
from workflow.mail.imap.pending import Pending
from workflow.mail.imap.session import Session, Weighed, why_lost
from workflow.mail.tokens import Tokens, tokens_of

__all__ = ["Contact", "Fetched", "Filing", "Inbox", "Loss", "News", "Pace"]

SET_ASIDE = "Set aside"
"""The folder below the handled folder (contract section 3)."""

_WEIGHED_AT_ONCE = 50
_FETCHED_AT_ONCE = 25
_FETCHED_BYTES = 1_000_000
"""Of mails in one FETCH: few round trips for a full mailbox, and never much in memory."""
_FILED_AT_ONCE = 200
"""UIDs in one command: keeps its line below the 8,192 bytes that RFC 7162, 4 advises servers to take."""
_VAIN_MOST = 3
"""Looks in a row that found nothing although the server spoke of mail: a talkative server must not make us spin."""
_STEADY = 30.0
"""Seconds after which a lost connection was a good one, and is tried again at once."""

_Told = TypeVar("_Told")


class _StoppingError(Exception):
    """Leaves whatever is going on, because `stop` was called."""


class Inbox:
    """The mailbox, watched. Every method may be called from any thread.

    `since` is the last place fully dealt with, as `through` gave it to an earlier run; None at the first start. At a
    first start, and when the server numbered the folder anew, only mail that arrived from `first_since()` on counts.

    `deliver` and `report` are called on the inbox's own thread, in order. `deliver` may block: nothing more is fetched
    then. If it raises, the mail is delivered again on the next connection. Each delivered mail must be settled.

    `tokens` are those of the server's `oauth2` unless given; one answer may take `timeout` seconds.
    """

    def __init__(
        self,
        server: ImapServer,
        *,
        since: Place | None,
        first_since: Callable[[], datetime],
        deliver: Callable[[Fetched], None],
        report: Callable[[Contact], None],
        pace: Pace | None = None,
        tokens: Tokens | None = None,
        timeout: float = PATIENCE,
    ) -> None:
        self._server = server
        self._tokens = tokens or tokens_of(server)
        self._timeout = timeout
        self._first_since = first_since
        self._deliver = deliver
        self._report = report
        self._pace = pace or Pace()
        self._thread = threading.Thread(target=self._run, name="inbox", daemon=True)
        self._lock = threading.Lock()
        # Guarded by the lock:
        self._mark = since  # the last mail looked at
        self._earliest: datetime | None = None  # set while a search by date is not yet done
        self._through = since  # what `through` says until it is
        self._pending = Pending(server.max_size, self._lock, self._hand_over)
        self._open: set[Place] = set()  # delivered, not settled
        self._done: dict[Place, Fate] = {}  # settled, not filed
        self._sweeps: list[Future[None]] = []
        self._again: int | None = None  # above this UID everything is to be looked at once more
        self._session: Session | None = None
        self._stopping = False
        self._ended = False
        self._ear, self._bell = os.pipe()
        os.set_blocking(self._ear, False)
        os.set_blocking(self._bell, False)

    # --- for everybody --------------------------------------------------------------------------------

    def start(self) -> None:
        """Connect and watch, until `stop`. Faults are reported, never raised."""
        self._thread.start()

    def settle(self, place: Place, fate: Fate) -> None:
        """Say what becomes of a delivered mail; it is filed soon, together with others.

        HANDLED goes to the handled folder (or gets the keyword in place), SET_ASIDE to its subfolder, LEFT stays as it
        was. A mail that is gone is no error, nor one of a numbering that is gone. What could not be filed before a
        crash is delivered again after it.
        """
        with self._lock:
            if fate is Fate.LEFT:
                self._open.discard(place)
            elif place in self._open:
                self._done[place] = fate
                self._ring()

    def sweep(self) -> Future[None]:
        """Look into the folder now. Done when everything that lay there has been handed to `deliver`; waits through an
        outage; cancelled by `stop`. For asyncio: ``await wait_for(wrap_future(inbox.sweep()), 1)``."""
        future: Future[None] = Future()
        with self._lock:
            if self._stopping:
                future.cancel()
            else:
                self._sweeps.append(future)
                self._ring()
        return future

    def look_again(self, above: int) -> Future[None]:
        """As `sweep`, but for everything above this UID: what was passed over there has lost its keyword."""
        with self._lock:
            self._again = above
        return self.sweep()

    @property
    def through(self) -> Place | None:
        """Up to here every mail is settled and filed: `since` for the next start."""
        with self._lock:
            if self._mark is None or self._earliest is not None:
                return self._through
            lowest = min([self._mark.uid + 1, *self._pending.uids, *(place.uid for place in self._open)])
            return Place(self._mark.uidvalidity, lowest - 1)

    def stop(self) -> None:
        """Break the connection and end the thread, at once. What is settled but not filed waits for the next start."""
        with self._lock:
            self._stopping = True
            sweeps, self._sweeps = self._sweeps, []
            if self._session is not None:
                self._session.sever()
            self._ring()
        for sweep in sweeps:
            sweep.cancel()
        if self._thread.ident is None:
            self._end()

    def join(self, seconds: float) -> bool:
        """Wait for the thread to end, after `stop`. False if it still runs: it hangs in DNS or in `deliver`."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _ring(self) -> None:
        if not self._ended:
            with suppress(BlockingIOError):  # a full pipe wakes as well
                os.write(self._bell, b"!")

    # --- the thread -----------------------------------------------------------------------------------

    def _run(self) -> None:
        away, refused = Backoff(), Backoff()
        try:
            while not self._stopping:
                began = time.monotonic()
                try:
                    self._attend()
                except _StoppingError:
                    return
                except Exception as error:  # a thread that ended here would leave the clinic unheard
                    why, detail = why_lost(error), error.detail if isinstance(error, MailboxError) else ""
                if self._stopping:
                    return
                self._report(Contact(News.LOST, why, detail))
                lasted = time.monotonic() - began
                if lasted > _STEADY:
                    away.end()
                    refused.end()
                if why is Loss.REFUSED_LOGIN:
                    self._pause(refused.wait(self._pace.refused_first, self._pace.refused_most))
                else:
                    spent = lasted if why is Loss.UNREACHABLE else 0.0
                    self._pause(away.wait(self._pace.retry_first, self._pace.retry_most, spent=spent))
        finally:
            self._end()

    def _end(self) -> None:
        with self._lock:
            if not self._ended:
                self._ended = True
                os.close(self._ear)
                os.close(self._bell)

    def _pause(self, seconds: float) -> None:
        """Wait, whatever is asked meanwhile but `stop`."""
        poller = select.poll()
        poller.register(self._ear, select.POLLIN)
        until = time.monotonic() + seconds
        while not self._stopping and (left := until - time.monotonic()) > 0:
            if poller.poll(math.ceil(left * 1000)):
                self._hush()

    def _hush(self) -> None:
        with suppress(BlockingIOError):
            os.read(self._ear, 65536)

    def _attend(self) -> None:
        """One connection, from login to its end; always ends by raising."""
        session = Session(self._server, tokens=self._tokens, timeout=self._timeout)
        with self._lock:
            self._session = session
        try:
            self._heed_stop()
            session.log_in()
            self._open_folder(session)
            self._report(Contact(News.CONNECTED, "idle" if session.can_idle else "polling"))
            if session.filing is Filing.NONE or (session.filing is Filing.MARK and self._server.handled_folder):
                self._report(Contact(News.NOT_FILED, session.filing))
            vain, selected_at = 0, time.monotonic()
            while True:
                if time.monotonic() - selected_at > self._pace.reselect:
                    self._open_folder(session)
                    selected_at = time.monotonic()
                vain = 0 if self._look(session) else vain + 1
                self._file(session)
                if not session.was_told() or vain > _VAIN_MOST:
                    self._rest(session)
                    vain = 0
                    if session.was_told():
                        self._report(Contact(News.PUSHED))
                self._heed_stop()
        finally:
            with self._lock:
                self._session = None
            session.close()

    def _heed_stop(self) -> None:
        if self._stopping:
            raise _StoppingError

    # --- new mail -------------------------------------------------------------------------------------

    def _look(self, session: Session) -> int:
        """Find and deliver everything new, then answer those who asked for it. Gives the number of mails found."""
        with self._lock:
            sweeps, self._sweeps = self._sweeps, []
        try:
            if sweeps or not session.can_idle:
                session.noop()
            found = self._find(session)
        except Exception:
            with self._lock:
                self._sweeps = sweeps + self._sweeps
            raise
        for sweep in sweeps:
            if sweep.set_running_or_notify_cancel():
                sweep.set_result(None)
        self._report(Contact(News.LOST, Loss.BUSY) if self._pending.put_off else Contact(News.SEEN))
        return found

    def _find(self, session: Session) -> int:
        assert self._mark is not None, "`_open_folder` sees to it"
        with self._lock:
            if self._again is not None:
                self._mark, self._again = Place(self._mark.uidvalidity, min(self._mark.uid, self._again)), None
        # SINCE goes by the day, and by the day of the server's zone: one day more, then INTERNALDATE to the second.
        day = (self._earliest - timedelta(days=1)).date() if self._earliest else None
        uids = [uid for uid in session.search(self._mark.uid, day) if uid not in self._pending]
        for start in range(0, len(uids), _WEIGHED_AT_ONCE):
            self._fetch(session, uids[start : start + _WEIGHED_AT_ONCE])
        with self._lock:
            # After a search by date the older mails below are done with, too, though nobody listed them.
            below = session.uidnext - 1 if self._earliest else 0
            last = max([self._mark.uid, below, *uids[-1:]])
            self._mark, self._earliest = Place(session.uidvalidity, last), None
        self._pending.ask_again(session, self._pace)
        return len(uids)

    def _open_folder(self, session: Session) -> None:
        """Open it, and begin by date if the UIDs known so far mean nothing there.

        That may be so with the same UIDVALIDITY: some servers lose their numbers and tell nobody.
        """
        session.open_folder()
        mark = self._mark
        if mark is not None and mark.uidvalidity == session.uidvalidity and not 0 < session.uidnext_told <= mark.uid:
            return
        if self._mark is not None:
            self._report(Contact(News.RENUMBERED))
        earliest, through = self._first_since(), self.through
        with self._lock:
            self._through = through
            self._pending.clear()
            self._open.clear()
            self._done.clear()
            self._mark, self._earliest = Place(session.uidvalidity, 0), earliest

    def _fetch(self, session: Session, uids: Sequence[int]) -> None:
        """Weigh, fetch and deliver these, in company. What does not come is pending."""
        weighed = self._together(session.weigh, uids).values()
        wanted = [mail for mail in weighed if self._earliest is None or mail.arrived_at >= self._earliest]
        for batch in _batches(wanted, self._server.max_size):
            whole = _is_whole(batch[0], self._server.max_size)
            found = self._together(session.bodies if whole else session.headers, [mail.uid for mail in batch])
            for mail in batch:
                if mail.uid in found:
                    place = Place(session.uidvalidity, mail.uid)
                    self._hand_over(Fetched(place, mail.arrived_at, mail.size, found[mail.uid], whole))

    def _together(
        self, ask: Callable[[Sequence[int]], Mapping[int, _Told]], uids: Sequence[int]
    ) -> Mapping[int, _Told]:
        """What `ask` is told of all of these at once. The others are pending from here on, also when the connection
        breaks: one of them may have broken it."""
        found: Mapping[int, _Told] = {}
        try:
            found = ask(uids)
        except IMAPClientAbortError:
            raise
        except IMAPClientError:
            pass
        finally:
            self._pending.add(set(uids) - found.keys(), self._earliest or datetime.min.replace(tzinfo=UTC))
        return found

    def _hand_over(self, mail: Fetched) -> None:
        self._heed_stop()
        with self._lock:
            self._open.add(mail.place)
        self._deliver(mail)
        with self._lock:
            self._pending.remove(mail.place.uid)
            if self._mark is None or mail.place.uid > self._mark.uid:
                self._mark = mail.place

    # --- handled mail ---------------------------------------------------------------------------------

    def _file(self, session: Session) -> None:
        """Put away what has been settled. A refusal is reported and not tried again: the mail stays where it is."""
        with self._lock:
            done = dict(self._done)
        for fate, below in ((Fate.HANDLED, ""), (Fate.SET_ASIDE, SET_ASIDE)):
            uids = sorted(p.uid for p, is_to in done.items() if is_to is fate and p.uidvalidity == session.uidvalidity)
            for start in range(0, len(uids), _FILED_AT_ONCE):
                batch = uids[start : start + _FILED_AT_ONCE]
                try:
                    match session.filing:
                        case Filing.MOVE | Filing.COPY:
                            session.file_away(batch, below)
                        case Filing.MARK:
                            session.mark(batch)
                        case Filing.NONE:
                            pass  # reported when the connection was made
                except IMAPClientAbortError:
                    raise
                except IMAPClientError:
                    self._report(Contact(News.NOT_FILED, "refused"))
        with self._lock:
            for place in done:
                self._done.pop(place, None)
                self._open.discard(place)

    # --- waiting --------------------------------------------------------------------------------------

    def _rest(self, session: Session) -> None:
        """Wait for a reason to look again: a push, a sweep, mail to file, or time."""
        if not session.can_idle:
            self._listen(session, self._pace.poll)
        elif session.begin_idle():
            self._listen(session, self._pace.reidle)
            session.end_idle()
        else:
            session.can_idle = False  # polled from now on, and now

    def _listen(self, session: Session, seconds: float) -> None:
        poller = select.poll()
        poller.register(self._ear, select.POLLIN)
        poller.register(session.fileno(), select.POLLIN)
        until = time.monotonic() + seconds
        if session.holds_unread():
            return
        while not self._stopping:
            with self._lock:
                if self._sweeps:
                    return
                if self._done:
                    until = min(until, time.monotonic() + self._pace.file)
                until = min([until, *self._pending.again_at])
            left = until - time.monotonic()
            if left <= 0:
                return
            ready = {fd for fd, _ in poller.poll(math.ceil(left * 1000))}
            if ready - {self._ear}:
                return
            if ready:
                self._hush()


def _is_whole(mail: Weighed, max_size: int) -> bool:
    return mail.size <= max_size


def _batches(mails: Sequence[Weighed], max_size: int) -> Iterator[list[Weighed]]:
    """Runs of mails to be fetched alike, in order, within the limits of one FETCH."""
    batch: list[Weighed] = []
    for mail in mails:
        same = batch and _is_whole(batch[0], max_size) == _is_whole(mail, max_size)
        fits = sum(other.size for other in batch) + mail.size <= _FETCHED_BYTES or not _is_whole(mail, max_size)
        if batch and not (same and fits and len(batch) < _FETCHED_AT_ONCE):
            yield batch
            batch = []
        batch.append(mail)
    if batch:
        yield batch
