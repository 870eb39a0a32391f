"""The default store: one small TinyDB file a case, so that one decision is one file and one atomic replace.

    state/open/K7Q2.json             a case that is open, or closed with a letter still owed: held in memory
    state/closed/2026-11/K7Q2.json   a closed case, by closing month (UTC): read when asked for
    state/archive                    by which names closed cases are found, where they are many: a hint (`closed_index`)
    state/set-aside/K7Q2.json        a case that could not be read
    state/desk.json                  what belongs to no case
    state/in-hand                    the mail being parsed
    state/backups/2026-11-23/        the same again, as it was that day (`backup`)
    state/lock                       held by the daemon; means nothing when nobody holds it

Crash safety is an order of steps. A new version of a case always goes to ``open/``; then an older copy in ``closed/``
is removed; then, if nothing is owed any more, the file is renamed there. So a copy in ``open/`` is the newest there is,
and `TinyStore.open` finishes what a crash left half done.

Not here: the bytes of a file (`codec`), how it is replaced (`atomic`), what is found in memory (`memory`), looking
(`reader`).
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout
from tinydb import TinyDB
from tinydb.table import Document

from workflow.core.mail import Place
from workflow.core.model import Case, Decision, Letter
from workflow.core.privacy import names_case
from workflow.store import DESK, EVER, Desk, Found, Locked, Lost, NotCommitted, StoreError, Unreadable, codec
from workflow.store.codec import Filed
from workflow.store.memory import forgotten, merged, names_of, owes, settled
from workflow.store.tiny import atomic, backup, migrate, reader
from workflow.store.tiny.atomic import TEMPORARY, Unsynced, WholeFile
from workflow.store.tiny.backup import holds, with_letters, without_names
from workflow.store.tiny.closed_index import HINT, WORTH_A_HINT, mark_of
from workflow.store.tiny.daemon_link import TinyDaemonLink, refused, refusing
from workflow.store.tiny.in_hand import Hand
from workflow.store.tiny.reader import TinyReader
from workflow.store.tiny.search import search


class TinyStore(TinyReader):
    """The `Store` in a folder. See the protocol for every promise."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        # No soft fallback: a lock file that means something by lying there would mislead after kill -9.
        self._lock = FileLock(
            folder / "lock", timeout=0, mode=atomic.PRIVATE_FILE, thread_local=False, fallback_to_soft=False
        )
        self._hints_unwritten = False
        self._hand = Hand(folder / "in-hand")
        self.daemon_link = TinyDaemonLink(folder)

    async def open(self) -> None:
        # In a thread: a hundred thousand files are no reason for the other clinics of this process to wait.
        opening = asyncio.get_running_loop().run_in_executor(None, self._open)
        try:
            await asyncio.shield(opening)
        except asyncio.CancelledError:
            opening.add_done_callback(lambda _: self._lock.release())  # the thread goes on, and nobody waits for it
            raise

    def _open(self) -> None:
        try:
            atomic.make_folder(self.folder)
            self._lock.acquire()
            with reader.no_collection():
                self._read()
                self._read_closed()
                migrate.bring_up(self.folder, self._index.latest_at)
                self._sweep()
                self._keep_hint()
        except Timeout:
            raise Locked(f"another daemon holds {self.folder}") from None
        except StoreError:
            self._lock.release()
            raise
        except OSError as error:
            self._lock.release()
            raise Unreadable(f"{self.folder}: {error.strerror or type(error).__name__}") from None

    async def close(self) -> None:
        self._hand.let_go()
        try:
            self._keep_hint()
            await self.flush()
        finally:
            self._lock.release()

    async def consumed(self, key: str) -> frozenset[str]:
        homes = self._index.homes(key)
        for case_id in self._index.archive.perhaps(key) - homes:
            filed = self._stored(case_id)
            if filed is None or key in names_of(filed):  # one that cannot be read any more had it, as good as surely
                homes |= {case_id}
        return homes

    async def case_of_message(self, message_id: str) -> str | None:
        cases = {letter.case for letter in self.desk.letters if letter.message_id == message_id}
        for filed in self._files_of(message_id):
            case = filed.case
            if message_id in {letter.message_id for letter in case.letters} | {mail.message_id for mail in case.mails}:
                cases.add(case.id)
            # a notice that only lies in the file of a case points to the case that it names, mostly none
            cases |= {letter.case for letter in filed.beside if letter.message_id == message_id}
        cases.discard(None)
        return cases.pop() if len(cases) == 1 else None

    async def letter_of_message(self, message_id: str) -> Letter | None:
        letters = [letter for filed in self._files_of(message_id) for letter in filed.letters]
        return next((letter for letter in (*self.desk.letters, *letters) if letter.message_id == message_id), None)

    async def commit(
        self,
        decision: Decision,
        now: datetime,
        *,
        marks: Mapping[str, str] | None = None,
        counts: Mapping[str, tuple[datetime, ...]] | None = None,
    ) -> None:
        hinted = replace(
            self.desk,
            marks={**self.desk.marks, **(marks or {})},
            counts={**self.desk.counts, **(counts or {})},
        )
        if decision.case is not None:
            self._write_cases([self._filed(decision, decision.case, now)])
            self._hint(hinted)
        elif decision.letters or decision.key or marks:
            keys = {**self.desk.keys, **({decision.key: now} if decision.key else {})}
            self._write_desk(replace(hinted, keys=keys, letters=self.desk.letters + decision.letters))
        else:
            self._hint(hinted)

    async def settle_letters(self, updates: Iterable[Letter]) -> None:
        by_home: dict[str, dict[str, Letter]] = {}
        for letter in updates:
            home = self._index.home(letter.id) or letter.id.partition(".")[0]  # an archived case's may have bounced
            by_home.setdefault(home, {})[letter.id] = letter
        refusal: NotCommitted | None = None
        if offered := by_home.pop(DESK, None):
            try:
                self._write_desk(replace(self.desk, letters=settled(self.desk.letters, offered)))
            except NotCommitted as error:
                refusal = error
        self._write_cases([filed for home in by_home if (filed := self._settle(home, by_home[home]))])
        if refusal:
            raise refusal

    def remember_place(self, place: Place) -> None:
        self._hint(replace(self.desk, place=place))

    async def flush(self) -> None:
        if self._hints_unwritten:
            self._write_desk(self.desk)

    async def take_in_hand(self, place: Place) -> None:
        self._hand.take(place)

    async def hand_count(self, place: Place) -> int:
        return self._hand.deaths(place)

    async def put_down(self) -> None:
        self._hand.put_down()

    async def erase(self, case_id: str) -> bool:
        """See `Store`. The desk comes first: a crash in between must not leave the mails unknown."""
        if not await self.knows(case_id):
            return False
        filed = self._stored(case_id)
        keys = {**filed.keys, **{mail.key: mail.at for mail in filed.case.mails}} if filed else {}
        letters = tuple(letter for letter in self.desk.letters if not names_case(letter, case_id))
        counts = {name: times for name, times in self.desk.counts.items() if case_id not in name}
        self._write_desk(replace(self.desk, keys={**keys, **self.desk.keys}, letters=letters, counts=counts))
        part = self.folder / "open" / f"{case_id}.json{TEMPORARY}"
        with refusing():
            for path in (*reader.files_of(self.folder, case_id), part, self.folder / HINT):
                atomic.remove_file(path)
                self._broken.pop(path, None)
        self._aside = {name: why for name, why in self._aside.items() if name.partition(".")[0] != case_id}
        self._closed.pop(case_id, None)
        self._index.drop(case_id)
        self._unhinted = len(self._index.archive)
        return True

    async def wipe(self, case_id: str, now: datetime) -> None:
        filed = self._stored(case_id)
        if filed is not None and not filed.case.open:
            self._write_cases([without_names(filed, now)])

    async def amend_letters(self, change: Callable[[Letter], Letter], holding: Sequence[str]) -> None:
        letters = tuple(map(change, self.desk.letters))
        if letters != self.desk.letters:
            self._write_desk(replace(self.desk, letters=letters))
        with refusing():
            archived = [id_ for id_ in self._closed if holding and holds(Path(self._closed_path(id_)), holding)]
        found = [filed for filed in map(self._stored, dict.fromkeys([*self._index.files, *archived])) if filed]
        self._write_cases([new for filed in found if (new := with_letters(filed, change)) != filed])

    async def purge(self, before: datetime) -> tuple[str, ...]:
        """See `Store`. What was set aside has no time that can be read: its file's time counts."""
        expired = []
        async with aclosing(self.closed_cases(EVER, before)) as cases:
            async for case in cases:
                if case.id not in self._index.files:
                    expired.append(case.id)
        with refusing():
            for name in list(self._aside):
                if self._aside_path(name).stat().st_mtime < before.timestamp():
                    atomic.remove_file(self._aside_path(name))
                    del self._aside[name]
        for case_id in expired:
            await self.erase(case_id)
        self._keep_hint()
        for month in reader.listed(self.folder / "closed"):
            with suppress(OSError):  # not empty: most are not
                (self.folder / "closed" / month).rmdir()
        return tuple(expired)

    async def forget(self, now: datetime) -> None:
        if (left := forgotten(self.desk, now)) is not self.desk:
            self._write_desk(left)

    async def back_up(self, name: str, *, keep_all: bool = False) -> None:
        with refusing():
            await asyncio.to_thread(backup.back_up, self.folder, name, keep_all=keep_all)

    async def retain_in_copies(self, nameless: datetime, caseless: datetime, now: datetime) -> set[str]:
        with refusing():
            return await asyncio.to_thread(backup.retain, self.folder, nameless, caseless, now)

    async def newest_copy(self, case_id: str) -> Case | None:
        with refusing():
            return await asyncio.to_thread(backup.newest_copy, self.folder, case_id)

    async def erase_in_copies(
        self, case_id: str, keys: Mapping[str, datetime], change: Callable[[Letter], Letter], holding: Sequence[str]
    ) -> bool:
        with refusing():
            return await asyncio.to_thread(backup.erase_in_backups, self.folder, case_id, keys, change, holding)

    async def search(self, case_id: str, names: Iterable[str], texts: Iterable[str]) -> Found:
        with refusing():
            return await asyncio.to_thread(search, self.folder, case_id, names, texts)

    # --- opening ------------------------------------------------------------------------------------

    def _keep_hint(self) -> None:
        """Spare the next start what this one had to read. Without it nothing is lost but time."""
        if self._unhinted >= WORTH_A_HINT:
            with suppress(OSError):
                self._index.archive.save(self.folder / HINT, self._index.latest_at)
                self._unhinted = 0

    def _sweep(self) -> None:
        """The first writes, after everything was read: finish what a crash left, set aside what is broken."""
        with suppress(PermissionError):  # another user's folder: who owns it has decided
            atomic.close_to_others(self.folder)
        atomic.make_folder(self.folder / "open")
        for folder in (self.folder / "open", self.folder):
            for name in reader.listed(folder):
                if name.endswith((f".json{TEMPORARY}", f"{HINT}{TEMPORARY}")):
                    atomic.remove_file(folder / name)
        for path, reason in list(self._broken.items()):
            with suppress(OSError):  # then it stays where it is, unread, and a fault as well
                self._set_aside(path, reason)
        for case_id in list(self._index.files):
            self._tidy(case_id)
        self._hand.read()
        present = {fault.mark for fault in self.faults}
        marks = {name: at for name, at in self.desk.marks.items() if name in present or not name.startswith("fault ")}
        self._hint(replace(self.desk, marks=marks))
        if not self.desk.instance:
            try:
                self._write_desk(replace(self.desk, instance=secrets.token_hex(8)))
            except NotCommitted as error:
                raise Unreadable(f"{self.folder} cannot be written: {error}") from error

    def _set_aside(self, path: Path, reason: str) -> None:
        name, number = path.stem, 1
        while name in self._aside:
            number += 1
            name = f"{path.stem}.{number}"
        atomic.move_file(path, self._aside_path(name))
        del self._broken[path]
        self._aside[name] = reason

    # --- writing ------------------------------------------------------------------------------------

    def _filed(self, decision: Decision, case: Case, now: datetime) -> Filed:
        """The file that keeps a decision with a case. Raises ValueError for a new case under a taken id."""
        kept = self._stored(case.id)
        if kept is None:
            if case.id in self._closed or any(fault.name.partition(".")[0] == case.id for fault in self.faults):
                raise ValueError(f"{case.id} lies there and cannot be read")
            kept = Filed(case, now)
        if kept.case.opened_at != case.opened_at:
            raise ValueError(f"{case.id} is the id of another case")
        keys = dict(kept.keys)
        if decision.key and all(mail.key != decision.key for mail in case.mails):
            keys[decision.key] = now
        return Filed(
            case=replace(case, letters=merged(kept.case.letters, case.letters)),
            committed_at=now,
            beside=kept.beside + decision.letters,
            keys=keys,
        )

    def _settle(self, home: str, offered: Mapping[str, Letter]) -> Filed | None:
        """The file of a case with these versions of its letters; None when there is no such case any more."""
        if (filed := self._stored(home)) is None:
            return None
        case = replace(filed.case, letters=settled(filed.case.letters, offered))
        return replace(filed, case=case, beside=settled(filed.beside, offered))

    def _write_cases(self, several: Sequence[Filed]) -> None:
        """Disk, then memory, then the case's place among open and closed ones. Each for itself, but with their folder
        forced to disk once; raises `NotCommitted` after having tried every one.
        """
        self._check_held()
        refusal: OSError | None = None
        published = []
        for filed in several:
            path = self._open_path(filed.case.id)
            try:
                _write(path, reader.CASE, filed, staged=True)
                atomic.publish_file(path)
            except OSError as error:
                refusal = error
            else:
                published.append(filed)
        if published:
            try:
                atomic.sync_published(self.folder / "open")
            except Unsynced as error:
                refusal = error  # but they are what the disk shows now
        for filed in published:
            self._index.adopt(filed)
        if not isinstance(refusal, Unsynced):
            for filed in published:
                self._tidy(filed.case.id)
        if refusal is not None:
            raise refused(refusal) from refusal

    def _tidy(self, case_id: str) -> None:
        """Put a case's file where it belongs. The commit is done: what fails here is done again by the next one, or by
        `open`.
        """
        filed = self._index.files.get(case_id)
        if filed is None:
            return
        with suppress(OSError):
            if case_id in self._closed:
                atomic.remove_file(Path(self._closed_path(case_id)))
                del self._closed[case_id]
                self._index.archive.drop(case_id)
            if not filed.case.open and not owes(filed):
                month = reader.closing_month(filed.case)
                target = self.folder / "closed" / month / f"{case_id}.json"
                atomic.move_file(self._open_path(case_id), target)
                self._closed[case_id] = month
                self._index.archived(case_id, mark_of(target))
                self._unhinted += 1

    def _write_desk(self, desk: Desk) -> None:
        self._check_held()
        try:
            _write(self.folder / "desk.json", reader.DESK_TABLE, desk)
        except Unsynced as error:
            self._index.adopt_desk(desk)
            raise refused(error) from error
        except OSError as error:
            raise refused(error) from error
        self._index.adopt_desk(desk)
        self._hints_unwritten = False

    def _hint(self, desk: Desk) -> None:
        if desk != self.desk:
            self._index.adopt_desk(desk)
            self._hints_unwritten = True

    # --- small things -------------------------------------------------------------------------------

    def _check_held(self) -> None:
        if not self._lock.is_locked:
            raise Lost("the state is not held any more")

    def _files_of(self, message_id: str) -> list[Filed]:
        homes = self._index.homes(message_id) | self._index.archive.perhaps(message_id)
        return [filed for filed in map(self._stored, homes) if filed]

    def _open_path(self, case_id: str) -> Path:
        return self.folder / "open" / f"{case_id}.json"

    def _aside_path(self, name: str) -> Path:
        return self.folder / "set-aside" / f"{name}.json"


def _write(path: Path, table: str, value: Filed | Desk, *, staged: bool = False) -> None:
    with TinyDB(path, storage=WholeFile, staged=staged) as database:
        database.table(table).insert(Document(codec.document(value), doc_id=reader.ONLY))
