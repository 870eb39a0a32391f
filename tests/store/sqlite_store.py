"""A second store behind the port, to hold the port to its word: SQLite, one row a case, one transaction a decision.

For tests alone. What an open clinic finds without asking is `store.memory`'s, as in the default store; nothing else is.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import orjson

from workflow.core.cases import Cases
from workflow.core.mail import Place
from workflow.core.model import Case, Decision, Letter
from workflow.core.privacy import name_pattern, names_case, unlisted, wiped_letter
from workflow.store import (
    DESK,
    FOREVER,
    Alive,
    Carried,
    DaemonLink,
    Desk,
    Fault,
    Found,
    Locked,
    Lost,
    NotCommitted,
    Request,
    Unreadable,
    closed_at,
    codec,
)
from workflow.store.codec import Broken, Filed
from workflow.store.memory import Index, forgotten, merged, names_of, owes, settled
from workflow.store.tiny.backup import KEPT, with_letters, without_names

SCHEMA = """
create table if not exists filed (copy text, id text, closed_at text, body text, primary key (copy, id));
create table if not exists name (name text, id text);
create index if not exists names on name (name);
create table if not exists hand (uidvalidity integer, uid integer, deaths integer, held integer);
create table if not exists news (alive text);
create table if not exists request (token text primary key, verb text, "case" text, answer text);
"""
"""`copy` is '' for the state itself, and the name of the copy else; the desk is the row `DESK`."""

NOW = ""


class SqliteStore:
    """The `Store` in one database file. See the protocol for every promise."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._index = Index(Desk(instance=""))
        self._unwritten = False
        self._faults: dict[str, str] = {}

    @property
    def daemon_link(self) -> DaemonLink:
        return SqliteBoard(self._db)

    @property
    def desk(self) -> Desk:
        return self._index.desk

    @property
    def faults(self) -> tuple[Fault, ...]:
        return tuple(Fault(name, reason) for name, reason in sorted(self._faults.items()))

    async def open(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = sqlite3.connect(self._path.with_suffix(".lock"), timeout=0, isolation_level=None)
        try:
            self._lock.execute("begin exclusive")
        except sqlite3.OperationalError:
            self._lock.close()
            raise Locked(f"another daemon holds {self._path}") from None
        self._held = True
        self._db = sqlite3.connect(self._path, isolation_level=None)
        self._db.executescript(SCHEMA)
        self._index = Index(self._desk(NOW) or Desk(instance=""))
        for case_id, filed in self._each(NOW):
            if filed is None:
                self._faults[case_id] = "cannot be read"
            elif filed.case.open or owes(filed):
                self._index.adopt(filed)
            else:
                self._index.stamp(filed.committed_at)
        self._db.execute("update hand set deaths = deaths + 1, held = 0 where held")
        if not self.desk.instance:
            self._write(desk=replace(self.desk, instance=secrets.token_hex(8)))

    async def close(self) -> None:
        self._db.execute("update hand set held = 0")
        try:
            await self.flush()
        finally:
            self.die()

    def die(self) -> None:
        """What the kernel does at a death."""
        self._held = False
        self._db.close()
        self._lock.close()

    # --- reading

    async def open_cases(self) -> Cases:
        return self._index.open.beside()

    async def case(self, case_id: str) -> Case | None:
        filed = self._stored(case_id)
        return filed.case if filed else None

    async def knows(self, case_id: str) -> bool:
        return self._one("select 1 from filed where copy = ? and id = ?", NOW, case_id) is not None

    async def closed_cases(self, since: datetime, until: datetime = FOREVER) -> AsyncIterator[Case]:
        query = "select id from filed where copy = ? and closed_at >= ? and closed_at < ? order by closed_at, id"
        for (case_id,) in self._db.execute(query, (NOW, _sorted(since), _sorted(until))).fetchall():
            if (filed := self._stored(case_id)) is not None:
                yield filed.case

    async def letters_beside(self, case_id: str) -> list[Letter]:
        filed = self._stored(case_id)
        named = [letter for letter in self.desk.letters if names_case(letter, case_id)]
        return [*(filed.beside if filed else ()), *named]

    async def owed(self) -> list[Letter]:
        return self._index.owed()

    async def letter(self, letter_id: str) -> Letter | None:
        if (letter := self._index.letter(letter_id)) is not None:
            return letter
        filed = self._stored(letter_id.partition(".")[0])
        return next((letter for letter in filed.letters if letter.id == letter_id), None) if filed else None

    async def next_due(self) -> datetime | None:
        return self._index.next_due()

    async def due(self, now: datetime) -> list[Case]:
        return self._index.due(now)

    async def latest_at(self) -> datetime | None:
        return self._index.latest_at

    async def copies(self) -> list[str]:
        return [name for (name,) in self._db.execute("select distinct copy from filed where copy <> '' order by copy")]

    async def places(self, case_id: str) -> list[str]:
        query = "select copy || '/' || id from filed where id = ? order by copy"
        return [place for (place,) in self._db.execute(query, (case_id,))]

    async def consumed(self, key: str) -> frozenset[str]:
        return self._index.homes(key) | self._named(key)

    async def case_of_message(self, message_id: str) -> str | None:
        cases = {letter.case for letter in self.desk.letters if letter.message_id == message_id}
        for filed in filter(None, map(self._stored, self._named(message_id))):
            case = filed.case
            if message_id in {letter.message_id for letter in case.letters} | {mail.message_id for mail in case.mails}:
                cases.add(case.id)
            cases |= {letter.case for letter in filed.beside if letter.message_id == message_id}
        cases.discard(None)
        return cases.pop() if len(cases) == 1 else None

    async def letter_of_message(self, message_id: str) -> Letter | None:
        files = filter(None, map(self._stored, self._named(message_id)))
        letters = [*self.desk.letters, *(letter for filed in files for letter in filed.letters)]
        return next((letter for letter in letters if letter.message_id == message_id), None)

    # --- changing

    async def commit(
        self,
        decision: Decision,
        now: datetime,
        *,
        marks: Mapping[str, str] | None = None,
        counts: Mapping[str, tuple[datetime, ...]] | None = None,
    ) -> None:
        desk = replace(
            self.desk,
            marks={**self.desk.marks, **(marks or {})},
            counts={**self.desk.counts, **(counts or {})},
        )
        if decision.case is not None:
            self._write([self._filed(decision, decision.case, now)], desk=desk)
        elif decision.letters or decision.key:
            keys = {**desk.keys, **({decision.key: now} if decision.key else {})}
            self._write(desk=replace(desk, keys=keys, letters=desk.letters + decision.letters))
        else:
            self._write(desk=desk)

    async def settle_letters(self, updates: Iterable[Letter]) -> None:
        offered = {letter.id: letter for letter in updates}
        homes = {self._index.home(id_) or id_.partition(".")[0] for id_ in offered} - {DESK}
        files = [
            replace(
                filed,
                case=replace(filed.case, letters=settled(filed.case.letters, offered)),
                beside=settled(filed.beside, offered),
            )
            for filed in map(self._stored, homes)
            if filed is not None
        ]
        self._write(files, desk=replace(self.desk, letters=settled(self.desk.letters, offered)))

    def remember_place(self, place: Place) -> None:
        if place != self.desk.place:
            self._index.adopt_desk(replace(self.desk, place=place))
            self._unwritten = True

    async def flush(self) -> None:
        if self._unwritten:
            self._write(desk=self.desk)

    async def take_in_hand(self, place: Place) -> None:
        with self._changing():
            where = (place.uidvalidity, place.uid)
            self._db.execute("update hand set held = 0")
            if not self._db.execute("update hand set held = 1 where uidvalidity = ? and uid = ?", where).rowcount:
                self._db.execute("insert into hand values (?, ?, 0, 1)", where)

    async def hand_count(self, place: Place) -> int:
        query = "select sum(deaths) from hand where uidvalidity = ? and uid = ?"
        (deaths,) = self._db.execute(query, (place.uidvalidity, place.uid)).fetchone()
        return deaths or 0

    async def put_down(self) -> None:
        with self._changing():
            self._db.execute("delete from hand where held")

    async def erase(self, case_id: str) -> bool:
        if not await self.knows(case_id):
            return False
        filed, desk = self._stored(case_id), self.desk
        keys = {**filed.keys, **{mail.key: mail.at for mail in filed.case.mails}} if filed else {}
        letters = tuple(letter for letter in desk.letters if not names_case(letter, case_id))
        counts = {name: times for name, times in desk.counts.items() if case_id not in name}
        desk = replace(desk, keys={**keys, **desk.keys}, letters=letters, counts=counts)
        with self._changing():
            self._db.execute("delete from filed where copy = ? and id = ?", (NOW, case_id))
            self._db.execute("delete from name where id = ?", (case_id,))
            self._put_desk(NOW, desk)
        self._index.drop(case_id)
        self._index.adopt_desk(desk)
        self._faults.pop(case_id, None)
        return True

    async def wipe(self, case_id: str, now: datetime) -> None:
        filed = self._stored(case_id)
        if filed is not None and not filed.case.open:
            self._write([without_names(filed, now)])

    async def amend_letters(self, change: Callable[[Letter], Letter], holding: Sequence[str]) -> None:
        files = [
            amended
            for _, filed in self._each(NOW)
            if filed is not None and (filed.case.open or owes(filed) or _holds(filed, holding))
            if (amended := with_letters(filed, change)) != filed
        ]
        self._write(files, desk=replace(self.desk, letters=tuple(map(change, self.desk.letters))))

    async def purge(self, before: datetime) -> tuple[str, ...]:
        query = "select id from filed where copy = ? and closed_at < ? order by closed_at, id"
        old = [id_ for (id_,) in self._db.execute(query, (NOW, _sorted(before))) if id_ not in self._index.files]
        for case_id in old:
            await self.erase(case_id)
        return tuple(old)

    # --- upkeep

    async def forget(self, now: datetime) -> None:
        self._write(desk=forgotten(self.desk, now))

    async def back_up(self, name: str, *, keep_all: bool = False) -> None:
        with self._changing():
            self._db.execute("delete from filed where copy = ?", (name,))
            self._db.execute("insert into filed select ?, id, closed_at, body from filed where copy = ''", (name,))
            older = [] if keep_all else [copy for copy in await self.copies() if copy <= name]
            for old in older[:-KEPT]:
                self._db.execute("delete from filed where copy = ?", (old,))

    async def retain_in_copies(self, nameless: datetime, caseless: datetime, now: datetime) -> set[str]:
        gone, due = self._due(NOW, caseless), self._due(NOW, nameless, named=True) - self._due(NOW, caseless)
        with self._changing():
            for copy in await self.copies():
                for case_id in gone | self._due(copy, caseless):
                    self._db.execute("delete from filed where copy = ? and id = ?", (copy, case_id))
                for case_id, filed in self._each(copy):
                    if filed is not None and (case_id in due or case_id in self._due(copy, nameless, named=True)):
                        self._put(copy, without_names(filed, now))
                if (desk := self._desk(copy)) is not None:
                    letters = tuple(
                        wiped_letter(letter) if letter.created_at < nameless else unlisted(letter, due)
                        for letter in desk.letters
                    )
                    self._put_desk(copy, replace(desk, letters=letters))
        return due

    async def newest_copy(self, case_id: str) -> Case | None:
        files = (self._row(copy, case_id) for copy in reversed(await self.copies()))
        return next((filed.case for filed in files if filed is not None), None)

    async def erase_in_copies(
        self, case_id: str, keys: Mapping[str, datetime], change: Callable[[Letter], Letter], holding: Sequence[str]
    ) -> bool:
        with self._changing():
            gone = self._db.execute("delete from filed where copy <> '' and id = ?", (case_id,)).rowcount
            for copy in await self.copies():
                for _, filed in self._each(copy):
                    if filed is not None and _holds(filed, holding):
                        self._put(copy, with_letters(filed, change))
                if (desk := self._desk(copy)) is not None:
                    kept = {**keys, **desk.keys}
                    self._put_desk(copy, replace(desk, letters=tuple(map(change, desk.letters)), keys=kept))
        return bool(gone)

    async def search(self, case_id: str, names: Iterable[str], texts: Iterable[str]) -> Found:
        sought, pieces = name_pattern(names), [codec.as_written(text).decode() for text in texts]
        rows = self._db.execute("select copy, id, body from filed").fetchall()
        of_case = [f"{copy}/{id_}" for copy, id_, _ in rows if id_ == case_id]
        of_others = [
            f"{copy}/{id_}"
            for copy, id_, body in rows
            if id_ != case_id
            and (
                (sought is not None and sought.search(body))
                or any(codec.as_written(p).decode() in body for p in pieces)
            )
        ]
        return Found(len(rows), tuple(of_case), tuple(of_others))

    # --- rows

    def _check_held(self) -> None:
        if not self._held:
            raise Lost("the database is not held any more")

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """One transaction: all of it or nothing."""
        self._check_held()
        try:
            self._db.execute("begin immediate")
            yield
            self._db.execute("commit")
        except sqlite3.Error as error:
            self._db.rollback()
            raise NotCommitted(f"the database refused: {error}") from error

    def _write(self, files: Sequence[Filed] = (), *, desk: Desk | None = None) -> None:
        """Keep these, whole; then memory learns of them."""
        with self._changing():
            for filed in files:
                self._put(NOW, filed)
                self._db.execute("delete from name where id = ?", (filed.case.id,))
                self._db.executemany(
                    "insert into name values (?, ?)", [(name, filed.case.id) for name in names_of(filed)]
                )
            if desk is not None and (desk != self.desk or self._unwritten):
                self._put_desk(NOW, desk)
        for filed in files:
            self._index.adopt(filed)
            if not filed.case.open and not owes(filed):
                self._index.drop(filed.case.id)
        if desk is not None:
            self._index.adopt_desk(desk)
            self._unwritten = False

    def _filed(self, decision: Decision, case: Case, now: datetime) -> Filed:
        if case.id in self._faults:
            raise ValueError(f"{case.id} cannot be read")
        kept = self._stored(case.id) or Filed(case, now)
        if kept.case.opened_at != case.opened_at:
            raise ValueError(f"{case.id} is the id of another case")
        keys = dict(kept.keys)
        if decision.key and all(mail.key != decision.key for mail in case.mails):
            keys[decision.key] = now
        letters = merged(kept.case.letters, case.letters)
        return Filed(replace(case, letters=letters), now, kept.beside + decision.letters, keys)

    def _stored(self, case_id: str) -> Filed | None:
        self._check_held()
        return self._index.files.get(case_id) or self._row(NOW, case_id)

    def _row(self, copy: str, case_id: str) -> Filed | None:
        return _read(self._one("select body from filed where copy = ? and id = ?", copy, case_id))

    def _each(self, copy: str) -> list[tuple[str, Filed | None]]:
        rows = self._db.execute("select id, body from filed where copy = ? and id <> ?", (copy, DESK))
        return [(case_id, _read(body)) for case_id, body in rows]

    def _due(self, copy: str, before: datetime, *, named: bool = False) -> set[str]:
        files = [filed for _, filed in self._each(copy) if filed is not None and not filed.case.open]
        old = [filed.case for filed in files if closed_at(filed.case) < before]
        return {case.id for case in old if not named or case.wiped_at is None}

    def _named(self, name: str) -> frozenset[str]:
        return frozenset(id_ for (id_,) in self._db.execute("select id from name where name = ?", (name,)))

    def _put(self, copy: str, filed: Filed) -> None:
        at = None if filed.case.open else _sorted(closed_at(filed.case))
        body = codec.encode(codec.document(filed)).decode()
        self._db.execute("insert or replace into filed values (?, ?, ?, ?)", (copy, filed.case.id, at, body))

    def _put_desk(self, copy: str, desk: Desk) -> None:
        body = codec.encode(codec.document(desk)).decode()
        self._db.execute("insert or replace into filed values (?, ?, null, ?)", (copy, DESK, body))

    def _desk(self, copy: str) -> Desk | None:
        body = self._one("select body from filed where copy = ? and id = ?", copy, DESK)
        try:
            return None if body is None else codec.read(Desk, orjson.loads(str(body)))
        except Broken as error:
            raise Unreadable(f"{self._path}: {error}") from None

    def _one(self, query: str, *values: object) -> object:
        row = self._db.execute(query, values).fetchone()
        return None if row is None else row[0]


class SqliteBoard:
    """The `DaemonLink` in two tables."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def say(self, alive: Alive) -> None:
        self._db.execute("delete from news")
        self._db.execute("insert into news values (?)", (orjson.dumps(alive).decode(),))

    async def alive(self, *, living: bool = True) -> Alive | None:
        row = self._db.execute("select alive from news").fetchone()
        if row is None:
            return None
        said = json.loads(row[0])
        for name in ("last_seen_at", "now", "unsent_since", "since"):
            said[name] = said[name] and datetime.fromisoformat(said[name])
        alive = Alive(**said)
        return None if living and alive.over else alive

    @property
    def was_asked(self) -> bool:
        return True

    async def ask(self, verb: str, case: str = "") -> Request:
        request = Request(secrets.token_hex(8), verb, case)
        self._db.execute("insert into request values (?, ?, ?, null)", (request.token, verb, case))
        return request

    async def take_back(self, request: Request) -> None:
        self._db.execute("delete from request where token = ?", (request.token,))

    async def answer_to(self, request: Request) -> Carried | None:
        where = (request.token,)
        row = self._db.execute("select answer from request where token = ? and answer is not null", where).fetchone()
        if row is None:
            return None
        await self.take_back(request)
        code, lines = json.loads(row[0])
        return Carried(code, tuple(lines))

    async def asked(self) -> list[Request]:
        rows = self._db.execute('select token, verb, "case" from request where answer is null order by rowid')
        return [Request(*row) for row in rows]

    async def answer(self, request: Request, answer: Carried) -> None:
        told = json.dumps([answer.code, answer.lines])
        self._db.execute("update request set answer = ? where token = ?", (told, request.token))


def _read(body: object) -> Filed | None:
    try:
        return None if body is None else codec.read(Filed, codec.current("case", orjson.loads(str(body))))
    except (Broken, ValueError):
        return None


def _holds(filed: Filed, holding: Sequence[str]) -> bool:
    written = codec.encode(codec.document(filed))
    return any(codec.as_written(string) in written for string in holding)


def _sorted(at: datetime) -> str:
    """A time as text that sorts as times do."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")
