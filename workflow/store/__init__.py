"""What Promptly asks of a store: the protocol, its promises, and the values it speaks.

This is the port: whoever is outside asks `open`, `peek` or `daemon_link` what lies at a URL, and knows neither files
nor tables. Not here: how a store keeps its promises (`tiny` does, with one small file a case), and what a decision
says (`core.law`). The promises, run against every store by ``tests/store/conformance.py``:

1. **Whole.** `Store.commit` keeps everything of one decision or nothing: the case, its letters, its due times, the mail
   it consumed. When it has returned, `kill -9` and loss of power lose none of it (contract 8.1-8.3).
2. **Never ahead.** Whatever the store answers was on disk first. A commit that fails raises `NotCommitted` and leaves
   memory as it was. Hints are the one exception: place, marks and counts that came without a desk letter or key.
3. **Once.** `Store.consumed` knows a content key for 7 days, or for as long as the case that acted on the mail is kept.
4. **Forward only.** A letter that was sent stays sent, one that was settled is never owed again, whatever older version
   a later commit brings along.
5. **Nothing owed is forgotten.** Every letter with `Post.OWED` is in `owed` after any restart, also of closed cases.
6. **One fault, one victim.** A case that cannot be read is set aside and listed in `faults`; the others go on. When the
   store as a whole cannot be read, `Unreadable` is raised and nothing has been touched.
7. **One holder.** A second store opened on the same data raises `Locked`; death releases the lock, and `close`. A write
   by who is no holder any more raises `Lost`.
8. **Values.** What is handed out is frozen, or a copy: a caller cannot change the store but by its methods.

Methods are async because another store may need the network; nothing here promises that they yield. Any of them, also
one that reads, may raise `StoreError` when the store is not reached: the same may be asked again. Callers hold one lock
a clinic around gather, decide, commit, and around whatever else changes the state.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Protocol

from workflow.core.cases import Cases
from workflow.core.mail import Place
from workflow.core.model import Case, Decision, Letter

DESK: Final = "desk"
"""Where a mail was consumed that belongs to no case. No case id looks like it: those have 4 capitals and digits."""

KEYS_KEPT: Final = timedelta(days=7)
"""How long the desk remembers a mail, and a settled letter, without a case (contract section 3)."""

COUNTS_KEPT: Final = timedelta(days=7)
"""As far back as `status` counts mails set aside (contract section 7), and longer than any digest looks."""

EVER: Final = datetime.min.replace(tzinfo=UTC)
FOREVER: Final = datetime.max.replace(tzinfo=UTC)
"""Before, and after, every closing time."""


class StoreError(Exception):
    """What a store raises when it cannot keep a promise, or is not reached; no name or address is in its text."""


class Unreadable(StoreError):
    """The store as a whole cannot be read, or was written by a newer Promptly; nothing was touched (exit code 4)."""


class Locked(StoreError):
    """Another daemon holds this state (exit code 3)."""


class Lost(Exception):
    """This process does not hold the clinic any more: nothing was kept. No `StoreError`, for trying again is wrong: it
    ends the clinic's work here."""


class NoCopy(Exception):
    """What was named to be restored is no copy of a state."""


class NotCommitted(StoreError):
    """A change was refused: memory shows what is kept, and the same may be tried again.

    In the rare case that only the last step failed, the decision may be there after all: ask `Store.consumed` anew
    before repeating it.
    """


@dataclass(frozen=True, slots=True)
class Fault:
    """A case that could not be read and was set aside."""

    name: str
    """The name under which it lies there: the case id, perhaps with a number."""
    reason: str
    """For the log and for admin; without the file's content."""

    @property
    def mark(self) -> str:
        return f"fault {self.name}"


@dataclass(frozen=True, slots=True)
class Desk:
    """The small rest that has no case."""

    instance: str
    """A random token, made once: ``X-Promptly-Loop`` (contract section 4)."""
    place: Place | None = None
    """UIDVALIDITY and the highest UID that was dealt with. A hint: an older one only means looking again."""
    keys: Mapping[str, datetime] = field(default_factory=dict)
    """Content keys of mails that no case keeps, and when they were consumed."""
    letters: tuple[Letter, ...] = ()
    """Letters that were decided without a case."""
    marks: Mapping[str, str] = field(default_factory=dict)
    """What happened last, by name: ``digest`` -> ``2026-11-05``."""
    counts: Mapping[str, tuple[datetime, ...]] = field(default_factory=dict)
    """When something capped happened, by the cap's name."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a search came to; places are named as an operator finds them."""

    searched: int
    """Files, or what a store has in their place."""
    of_case: tuple[str, ...]
    """Places that bear the case's id, and places of no case, in which something was found."""
    of_others: tuple[str, ...]
    """Places of other cases that hold the same name, or the same words."""


@dataclass(frozen=True, slots=True)
class Alive:
    """What the daemon said of itself last."""

    pid: int
    connected: bool
    last_seen_at: datetime | None
    """Clinic time at which the mailbox was last looked through."""
    now: datetime
    """Clinic time when this was written: real, or rehearsed."""
    speed: float = 1.0
    rehearsed: bool = False
    unsent_since: datetime | None = None
    """Clinic time since when no letter can go."""
    loss: str = ""
    """Why the mailbox is not connected; "" while it is, or before the first try."""
    version: str = ""
    config: str = ""
    """Which configuration it goes by: `Config.mark`."""
    node: str = ""
    """Which node serves it; "" where it is alone in its process."""
    since: datetime | None = None
    """Since when it is at work, in clinic time."""
    over: bool = False
    """It ended in order: the process may live on, with other clinics."""

    @property
    def silent_for(self) -> timedelta | None:
        """Real time from the last look through the mailbox to this writing; None: there was none yet."""
        return None if self.last_seen_at is None else (self.now - self.last_seen_at) / self.speed

    @property
    def unsent_for(self) -> timedelta:
        """Clinic time for which no letter could go at this writing."""
        return timedelta(0) if self.unsent_since is None else self.now - self.unsent_since


@dataclass(frozen=True, slots=True)
class Request:
    """Something to be done with the state by whoever holds it."""

    token: str
    verb: str
    """``erase`` or ``purge``."""
    case: str


@dataclass(frozen=True, slots=True)
class Carried:
    code: int
    """The verb's exit code."""
    lines: tuple[str, ...]
    """What it prints; no client's name."""


class DaemonLink(Protocol):
    """What passes between the daemon and whoever looks or asks: news, not state, and read without reading any case.

    A request that nobody carried out, because the daemon ended, is carried out by the next one, so each must be safe to
    repeat.
    """

    def say(self, alive: Alive) -> None:
        """How the daemon is now, in place of what it said before. Raises `NotCommitted`."""

    async def alive(self, *, living: bool = True) -> Alive | None:
        """What the daemon said last; None when it said nothing, or has died. With `living` false, the dead count."""

    async def ask(self, verb: str, case: str = "") -> Request:
        """Ask the daemon that holds the state, which looks once a second. Raises `NotCommitted`."""

    async def take_back(self, request: Request) -> None:
        """It is not asked for any more. Raises `NotCommitted`."""

    async def answer_to(self, request: Request) -> Carried | None:
        """The answer, once: it is removed; None while there is none. Raises `NotCommitted`."""

    @property
    def was_asked(self) -> bool:
        """Whether somebody may have asked since `asked` was looked through. Costs next to nothing."""

    async def asked(self) -> list[Request]:
        """What is asked of the daemon, the oldest first. Raises `NotCommitted`."""

    async def answer(self, request: Request, answer: Carried) -> None:
        """Answer, and forget the request. Raises `NotCommitted`."""


class Reader(Protocol):
    """The half that only looks: what `status` and `show` use beside a running daemon."""

    @property
    def desk(self) -> Desk:
        """The desk as it is now."""

    @property
    def faults(self) -> tuple[Fault, ...]:
        """Every case that lies set aside, announced or not: compare `Fault.mark` with the desk's marks."""

    async def open_cases(self) -> Cases:
        """All open cases, as they are now: a copy, which is cheap to ask for, though there may be thousands."""

    async def case(self, case_id: str) -> Case | None:
        """The newest version of a case, open or closed; None when there is none that can be read."""

    async def knows(self, case_id: str) -> bool:
        """Whether the id is taken: by an open case, a closed one, or one set aside."""

    def closed_cases(self, since: datetime, until: datetime = FOREVER) -> AsyncIterator[Case]:
        """The closed and cancelled cases that were closed at `since` or later, and before `until`, the oldest first."""

    async def letters_beside(self, case_id: str) -> list[Letter]:
        """The letters without a case that were decided together with this one, or that name it."""

    async def owed(self) -> list[Letter]:
        """Every letter still owed, the most urgent first, then the oldest (contract 8.8), whatever their `next_at`."""

    async def letter(self, letter_id: str) -> Letter | None:
        """The newest version of a letter of an open case, of a closed one, or of the desk."""

    async def next_due(self) -> datetime | None:
        """The earliest timer of all cases, open or closed."""

    async def due(self, now: datetime) -> list[Case]:
        """The cases with a timer at `now` or before, open or closed, the longest due first."""

    async def latest_at(self) -> datetime | None:
        """The `now` of the latest commit of any case that is kept: where a rehearsed clock must not start before."""

    async def copies(self) -> list[str]:
        """The names of the copies that `Store.back_up` made, the oldest first."""

    async def places(self, case_id: str) -> list[str]:
        """Where everything of a case lies, in the state and in its copies, as an operator finds it."""


class Store(Reader, Protocol):
    """The whole store: one daemon's, or one verb's while it holds the lock."""

    @property
    def daemon_link(self) -> DaemonLink:
        """What passes between it and whoever looks or asks."""

    async def open(self) -> None:
        """Take the lock, read what there is, finish what a crash left half done.

        Raises `Locked` or `Unreadable`, and has changed nothing then.
        """

    async def close(self) -> None:
        """Write the hints and release the lock. Raises `NotCommitted` for the hints, but releases the lock anyway."""

    async def consumed(self, key: str) -> frozenset[str]:
        """Who acted on the mail with this content key: case ids, or `DESK`; empty when it is new (promise 3)."""

    async def case_of_message(self, message_id: str) -> str | None:
        """The one case that a Message-ID (with angle brackets) points to: of a letter of ours or a consumed mail.

        None when there is none, or more than one.
        """

    async def letter_of_message(self, message_id: str) -> Letter | None:
        """Our letter with this Message-ID, with or without a case: which one bounced."""

    async def commit(
        self,
        decision: Decision,
        now: datetime,
        *,
        marks: Mapping[str, str] | None = None,
        counts: Mapping[str, tuple[datetime, ...]] | None = None,
    ) -> None:
        """Keep a decision, whole (promises 1 and 2).

        With a case, all of it, its letters without a case and its key included, is one replacement of the case's file;
        `marks` and `counts` are hints then. Without a case it goes to the desk, with marks and counts. A decision with
        neither case, letters, key nor marks writes nothing.

        `marks` and `counts` replace those of the same name. Raises `NotCommitted`, and ValueError for a new case under
        an id that is taken.
        """

    async def settle_letters(self, updates: Iterable[Letter]) -> None:
        """Keep new versions of letters: attempts, sent, failed, withdrawn; one write for each case concerned.

        A letter that is no longer kept (its case was erased) is passed over. Raises `NotCommitted` after having tried
        every case.
        """

    def remember_place(self, place: Place) -> None:
        """Everything up to this UID was dealt with. A hint, in memory until the next desk write or `flush`.

        It may lie below what was said before: some servers lose their numbers and keep their UIDVALIDITY.
        """

    async def flush(self) -> None:
        """Write the hints, if there are new ones. Raises `NotCommitted`."""

    async def take_in_hand(self, place: Place) -> None:
        """Note, before a mail is first parsed, that it is being parsed: it may kill the process (contract 8.4).

        Taking it again without putting it down changes nothing.
        """

    async def hand_count(self, place: Place) -> int:
        """At how many deaths of the process this mail was in hand, whatever other mails were put down since.

        A `close` is no death.
        """

    async def put_down(self) -> None:
        """The mail in hand was read, and has killed nobody; with none in hand, nothing changes."""

    async def erase(self, case_id: str) -> bool:
        """Remove every trace of a case, open, closed or set aside; False when there was none.

        What stays: the content keys of its mails (hashes), on the desk for `KEYS_KEPT`, so that it does not come back.
        Raises `NotCommitted`; may be repeated.
        """

    async def wipe(self, case_id: str, now: datetime) -> None:
        """Take the client's name and all free text out of a closed case (`core.privacy.wiped`), letters included.

        One that is not there, or open, is passed over. Raises `NotCommitted`; may be repeated.
        """

    async def amend_letters(self, change: Callable[[Letter], Letter], holding: Sequence[str]) -> None:
        """Put what `change` makes of them in place of the letters that it does not return as they are.

        All letters without a case, those of open cases, and those of closed cases whose data holds one of the strings
        `holding`. Raises `NotCommitted`; may be repeated.
        """

    async def purge(self, before: datetime) -> tuple[str, ...]:
        """Remove the cases that were closed, and what was set aside, before this time; their ids."""

    async def forget(self, now: datetime) -> None:
        """Drop from the desk counts older than `COUNTS_KEPT`, and keys and settled letters older than `KEYS_KEPT`; seen
        from `now`, and what is as far ahead, too. Raises `NotCommitted`.
        """

    # --- upkeep: what stands below touches no case of the state, and needs no lock of the callers' ------------

    async def back_up(self, name: str, *, keep_all: bool = False) -> None:
        """Copy the state under this name, whole or not at all. Of the copies with earlier names, which are older, all
        but the newest few are removed, unless `keep_all`.

        Raises `NotCommitted`.
        """

    async def retain_in_copies(self, nameless: datetime, caseless: datetime, now: datetime) -> set[str]:
        """Wipe, in every copy, the cases closed and the letters written before `nameless`, and remove the cases that
        were closed, or set aside, before `caseless`, so that a crash in between leaves the state to say what is due.

        The cases of the state that are due for `wipe`. Raises `NotCommitted`; may be repeated.
        """

    async def newest_copy(self, case_id: str) -> Case | None:
        """The case as the newest copy has it that holds it readably."""

    async def erase_in_copies(
        self, case_id: str, keys: Mapping[str, datetime], change: Callable[[Letter], Letter], holding: Sequence[str]
    ) -> bool:
        """Remove a case from every copy, and change there the letters that hold one of these strings. The keys of its
        mails, with when they were consumed, go to the desk of each: a copy that is restored must not open it again.

        Whether it was in one of them. Raises `NotCommitted`; may be repeated.
        """

    async def search(self, case_id: str, names: Iterable[str], texts: Iterable[str]) -> Found:
        """The proof of an erasure: look through everything that is kept, copies included, for what bears this case's
        id, and for these names (whole words, as written) and texts.
        """


# --- what lies at a URL -----------------------------------------------------------------------------------------


async def open(url: str) -> Store:
    """The store there, held. Raises `Locked` or `Unreadable`."""
    from workflow.store.tiny.store import TinyStore

    store = TinyStore(folder_of(url))
    await store.open()
    return store


async def peek(url: str) -> Reader:
    """What is there now, whoever holds it; nothing when there is nothing yet. Raises `Unreadable`."""
    from workflow.store.tiny.reader import TinyReader

    return TinyReader.peek(folder_of(url))


def daemon_link(url: str) -> DaemonLink:
    from workflow.store.tiny.daemon_link import TinyDaemonLink

    return TinyDaemonLink(folder_of(url))


def restore(url: str, named: str, kept: str) -> list[Path]:
    """Put a copy in place of the state, which is kept beside it: `tiny.put_back`. Blocks."""
    from workflow.store.tiny.put_back import put_back

    return put_back(folder_of(url), named, kept)


def act_as_owner(url: str) -> None:
    """Root, who may be asked to erase, becomes the user whose state it is: the daemon must be able to read what is
    written here. It still reads what root may, for the way there may be closed to that user, as systemd's
    ``/var/lib/private`` is.
    """
    folder = folder_of(url)
    if os.geteuid() == 0 and folder.exists() and (owner := folder.stat()).st_uid:
        os.setegid(owner.st_gid)
        os.seteuid(owner.st_uid)
        _read_as_root()


def _read_as_root() -> None:
    """Take CAP_DAC_READ_SEARCH up again, which went with the effective user (capabilities(7)); Python has no words for
    it. Where it can't be had, the way to the state must be open.
    """
    libc = ctypes.CDLL(None)
    header = (ctypes.c_uint32 * 2)(0x2008_0522, 0)  # the kernel's version 3; this process
    sets = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable: the first half of each, then the second
    if libc.capget(header, sets) == 0:
        sets[0] = sets[1] & 1 << 2
        libc.capset(header, sets)


def folder_of(url: str) -> Path:
    """Where the files of a store lie that is made of files: what follows ``tinydb:``."""
    return Path(url.removeprefix("tinydb:"))


# --- what stores and their readers share ------------------------------------------------------------------------


def closed_at(case: Case) -> datetime:
    """When a case was closed; one without the time (mended by hand) counts from its last change."""
    return case.closed_at or case.changed_at


def encode(value: Mapping[str, Any]) -> bytes:
    """Cases and letters, with what else is around them, as stores write them: indented JSON."""
    from workflow.store import codec

    return codec.encode(value)
