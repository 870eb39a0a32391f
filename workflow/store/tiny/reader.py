"""The looking half of the TinyDB store, and where its files and their copies lie. Nothing here takes the lock or
writes a byte.

Beside a running daemon it is a snapshot: every file is replaced whole, so what is read is a version that was committed.
"""

from __future__ import annotations

import gc
import os
import re
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from workflow.core.cases import Cases
from workflow.core.model import Case, Letter
from workflow.core.privacy import names_case
from workflow.store import FOREVER, Desk, Fault, Unreadable, closed_at, codec
from workflow.store.codec import Broken, Filed, Newer
from workflow.store.memory import Index, names_in
from workflow.store.tiny.atomic import TEMPORARY
from workflow.store.tiny.closed_index import HINT, Archive, mark_of
from workflow.store.tiny.daemon_link import refusing

CASE: Final = "case"
"""The table of a case's file. It has one document, number `ONLY`; so has the desk's."""

DESK_TABLE: Final = "desk"

ONLY: Final = 1

BACKUPS: Final = "backups"

_CLOSED_AT: Final = re.compile(rb'"(?:closed|changed)_at":\s*"([^"]*)"')
"""The times that `closed_at` goes by, in a file."""


class TinyReader:
    """The files of one folder, read once. Made by `peek`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._index = Index(Desk(instance=""))
        self._closed: dict[str, str] = {}
        """Where each archived case lies: the name of the folder of its month. There may be a hundred thousand."""
        self._broken: dict[Path, str] = {}
        """Case files that cannot be read, where they should lie, and why."""
        self._aside: dict[str, str] = {}
        """The same, set aside: name and reason."""
        self._unhinted = 0
        """Archived cases of which the hint tells nothing."""

    @classmethod
    def peek(cls, folder: Path) -> TinyReader:
        """What the folder holds now; one that is not there yet holds nothing. Raises `Unreadable`."""
        reader = TinyReader(folder)
        with no_collection():
            reader._read()
        return reader

    @property
    def desk(self) -> Desk:
        return self._index.desk

    @property
    def faults(self) -> tuple[Fault, ...]:
        reasons = {**{path.stem: reason for path, reason in self._broken.items()}, **self._aside}
        return tuple(Fault(name, reason) for name, reason in sorted(reasons.items()))

    async def open_cases(self) -> Cases:
        return self._index.open.beside()

    async def case(self, case_id: str) -> Case | None:
        """See `Reader`. A closed case that cannot be read any more becomes a fault."""
        filed = self._stored(case_id)
        return filed.case if filed else None

    async def knows(self, case_id: str) -> bool:
        if case_id in self._index.files or case_id in self._closed:
            return True
        return any(fault.name.partition(".")[0] == case_id for fault in self.faults)

    async def closed_cases(self, since: datetime, until: datetime = FOREVER) -> AsyncGenerator[Case, None]:
        """See `Reader`. Holds one closing month at a time in memory."""
        lingering = [filed.case for filed in self._index.files.values() if not filed.case.open]
        months = set(self._closed.values()) | {closing_month(case) for case in lingering}
        for month in sorted(month for month in months if _month(since) <= month <= _month(until)):
            archived = [
                self._stored(case_id)
                for case_id, place in self._closed.items()
                if place == month and case_id not in self._index.files
                if may_be_closed_between(Path(self._closed_path(case_id)), since, until)
            ]
            cases = [filed.case for filed in archived if filed]
            cases += [case for case in lingering if closing_month(case) == month]
            for case in sorted(cases, key=lambda case: (closed_at(case), case.id)):
                if since <= closed_at(case) < until:
                    yield case

    async def letters_beside(self, case_id: str) -> list[Letter]:
        filed = self._stored(case_id)
        return [
            *(filed.beside if filed else ()),
            *(letter for letter in self.desk.letters if names_case(letter, case_id)),
        ]

    async def owed(self) -> list[Letter]:
        return self._index.owed()

    async def letter(self, letter_id: str) -> Letter | None:
        """See `Reader`. A letter beside an archived case is found by its Message-ID only."""
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
        with refusing():
            return [copy.name for copy in backups(self.folder)]

    async def places(self, case_id: str) -> list[str]:
        """See `Reader`: paths within the folder."""
        with refusing():
            held = [path for root in (self.folder, *backups(self.folder)) for path in files_of(root, case_id)]
        return [str(path.relative_to(self.folder)) for path in held]

    def _read(self) -> None:
        """Fill memory from disk, changing nothing there. Raises `Unreadable`."""
        self._closed, self._broken = {}, {}
        try:
            if self.folder.is_symlink() and not self.folder.exists():
                raise Unreadable(f"{self.folder} leads to {self.folder.readlink()}, where nothing is")
            self._index = Index(self._read_desk())
            # open/ before closed/: a case that a daemon archives meanwhile is then seen in one of them at least
            for path in json_files(self.folder / "open"):
                if (filed := self._try(path)) is not None:
                    self._index.adopt(filed)
            # Whatever else lies there is not ours.
            for month in sorted(filter(re.compile(r"\d{4}-\d{2}").fullmatch, listed(self.folder / "closed"))):
                for name in case_names(self.folder / "closed" / month):
                    self._closed[name.removesuffix(".json")] = month
            self._aside = {path.stem: "set aside earlier" for path in json_files(self.folder / "set-aside")}
        except OSError as error:
            raise Unreadable(f"{self.folder}: {error.strerror or type(error).__name__}") from None

    def _read_closed(self) -> None:
        """Learn by which names archived cases are found; only the store asks. Not validated: thousands of them must
        not delay a start, and of files that are as they were the hint tells.

        A copy in ``closed/`` of a case in ``open/`` is an older one that a crash left, and does not count.
        """
        archive, latest_at = Archive.load(self.folder / HINT)
        marks = {id_: mark_of(self._closed_path(id_)) for id_ in self._closed.keys() - self._index.files.keys()}
        known = archive.keep(marks)
        self._index.archive = archive
        if latest_at is not None:
            self._index.stamp(latest_at)
        for case_id in sorted(marks.keys() - known):
            path = Path(self._closed_path(case_id))
            try:
                names, committed_at = names_in(read_document(path, CASE))
            except (OSError, Broken) as error:
                self._judge(path, error)
                del self._closed[case_id]
            else:
                archive.put(case_id, names, marks[case_id])
                self._index.stamp(committed_at)
                self._unhinted += 1

    def _read_desk(self) -> Desk:
        path = self.folder / "desk.json"
        try:
            return codec.read(Desk, read_document(path, DESK_TABLE))
        except FileNotFoundError:
            return Desk(instance="")
        except Broken as error:
            raise Unreadable(f"{path} cannot be read, and was left untouched: {error}") from None

    def _try(self, path: Path) -> Filed | None:
        """A case's file; None when it is gone, or when it cannot be read, which is noted then."""
        try:
            filed = read_case(path)
        except FileNotFoundError:
            return None
        except (OSError, Broken) as error:
            self._judge(path, error)
            return None
        self._broken.pop(path, None)
        return filed

    def _judge(self, path: Path, error: OSError | Broken) -> None:
        """Note why a case's file cannot be read. A newer version is no fault of one file: raises `Unreadable`."""
        if isinstance(error, Newer):
            raise Unreadable(f"{path} was written by a newer Promptly, and was left untouched: {error}") from None
        self._broken[path] = str(error) if isinstance(error, Broken) else error.strerror or type(error).__name__

    def _stored(self, case_id: str) -> Filed | None:
        """The newest version of a case's file; None when there is none that can be read."""
        if (filed := self._index.files.get(case_id)) is not None:
            return filed
        return self._try(Path(self._closed_path(case_id))) if case_id in self._closed else None

    def _closed_path(self, case_id: str) -> str:
        return f"{self.folder}/closed/{self._closed[case_id]}/{case_id}.json"


def read_document(path: Path, table: str) -> Mapping[str, Any]:
    """The one document of a file, in the layout of this version. Raises FileNotFoundError, OSError or `Broken`."""
    return codec.current(table, read_as_written(path, table))


def read_as_written(path: Path, table: str) -> Mapping[str, Any]:
    """The same in the layout it was written in. Past TinyDB, which takes longer than the file."""
    try:
        found = codec.decode(path.read_bytes()).get(table, {}).get(str(ONLY))
    except ValueError as error:
        raise error if isinstance(error, Broken) else Broken("no JSON") from None
    if not isinstance(found, Mapping):
        raise Broken("holds nothing")
    return found


@contextmanager
def no_collection() -> Iterator[None]:
    """Of thousands of cases that are being read none is garbage: looking for it would double the time of a start."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def read_case(path: Path) -> Filed:
    filed = codec.read(Filed, read_document(path, CASE))
    if filed.case.id != path.stem:
        raise Broken("its name is not the id of the case in it")
    return filed


def listed(folder: Path) -> list[str]:
    """The names in a folder; none when it is not there. Raises OSError: `Path.glob` would take a locked folder for an
    empty one, and the daemon would run without its cases.
    """
    try:
        return os.listdir(folder)  # noqa: PTH208 - a path for each of a hundred thousand names is half a start
    except FileNotFoundError:
        return []


def case_names(folder: Path) -> list[str]:
    """The names of the case files in a folder, sorted; whatever else lies there is not ours."""
    return [name for name in sorted(listed(folder)) if name.endswith(".json") and not name.startswith(".")]


def json_files(folder: Path) -> list[Path]:
    return [folder / name for name in case_names(folder)]


def may_be_closed_between(path: Path, since: datetime, until: datetime) -> bool:
    """Whether the file does not show at first sight that it was not: ten times faster than reading its case."""
    try:
        times = [datetime.fromisoformat(at.decode()) for at in _CLOSED_AT.findall(path.read_bytes())]
        return not times or (max(times) >= since and min(times) < until)
    except (OSError, ValueError, TypeError):
        return True  # whoever reads it says what is wrong


def backups(folder: Path) -> list[Path]:
    """The whole copies of this state, the oldest first: their names begin with their day."""
    names = [name for name in listed(folder / BACKUPS) if not name.endswith(TEMPORARY)]
    return [folder / BACKUPS / name for name in sorted(names)]


def places_of(folder: Path) -> Iterator[str]:
    """Where the files of all cases lie in a state, or in a copy of one, readable or not: no paths, for there may be a
    hundred thousand.
    """
    months = [f"closed/{month}" for month in sorted(listed(folder / "closed")) if (folder / "closed" / month).is_dir()]
    for room in ("open", *months, "set-aside"):
        yield from (f"{room}/{name}" for name in case_names(folder / room))


def case_files(folder: Path) -> Iterator[Path]:
    return (folder / place for place in places_of(folder))


def files_of(folder: Path, case_id: str) -> list[Path]:
    """The files of one case there; set aside, it may have a number behind its id."""
    name = f"{case_id}.json"
    lying = [folder / "open" / name, *(folder / "closed" / month / name for month in sorted(listed(folder / "closed")))]
    aside = [path for path in json_files(folder / "set-aside") if path.name.partition(".")[0] == case_id]
    return [*(path for path in lying if path.is_file()), *aside]


def closing_month(case: Case) -> str:
    """The folder under ``closed/``: the closing month in UTC, because the store knows no zone."""
    return _month(closed_at(case))


def _month(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m}" if at.year > 1 else ""
