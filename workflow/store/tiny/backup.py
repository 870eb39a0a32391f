"""The daily copies of the state, ``state/backups/2026-11-23/``: made whole, kept seven, and forgetting what the state
forgets. Nothing here decides when, and nothing restores: that is `put_back`, when a person asks for it.

A copy is a folder like the state itself: ``desk.json``, ``open/``, ``closed/`` and ``set-aside/``. Every file of the
state is replaced whole and none is ever written into, so a second name for it (a hard link) is a copy, and costs
neither time nor room. Cases do not depend on each other, so files need not be of the same instant. The desk is copied
first: an older place in the mailbox only means looking again.

All of it blocks, and is meant for a thread.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final

from workflow.core.model import Case, Letter
from workflow.core.privacy import unlisted, wiped, wiped_letter
from workflow.store import Desk, closed_at, codec
from workflow.store.codec import Broken, Filed
from workflow.store.tiny import atomic, reader

KEPT: Final = 7
"""A week: long enough to notice, short enough that nothing that was wiped is waited for."""

_NO_KEYS: Final[Mapping[str, datetime]] = {}

_WIPED: Final = b'"wiped_at": "'
"""What stands in the file of a case whose names were wiped: looking for it is fifty times faster than parsing."""


def back_up(folder: Path, name: str, *, keep_all: bool = False) -> None:
    """See `Store.back_up`. One with a later name is of a clock that was wrong: it goes when its day has come.

    Beside a running daemon. Raises OSError.
    """
    copies = folder / reader.BACKUPS
    atomic.make_folder(copies)
    for left in reader.listed(copies):
        if left.endswith(atomic.TEMPORARY):
            shutil.rmtree(copies / left)
    part = copies / f"{name}{atomic.TEMPORARY}"
    part.mkdir(atomic.PRIVATE_FOLDER)
    if (folder / "desk.json").exists():
        _link(folder, part, "desk.json")
    copied: set[str] = set()
    kept: dict[str, str] = {}  # where in the copy the file of this name lies; of one set aside there may be another
    # Again until there is nothing new: a case that is closed or opened again meanwhile is in neither place for whoever
    # looks at each of them once.
    while missing := [place for place in reader.places_of(folder) if place not in copied]:
        for place in missing:
            copied.add(place)
            try:
                _link(folder, part, place)
            except FileNotFoundError:
                continue  # it was moved: the next look finds it
            if not place.startswith("set-aside"):
                file = place.rpartition("/")[2]
                kept[file] = _keep_newer(folder, part, place, kept[file]) if file in kept else place
    for found in (part, *(path for path in part.rglob("*") if path.is_dir())):
        atomic.sync_folder(found)
    if (copies / name).exists():
        shutil.rmtree(copies / name)
    part.rename(copies / name)
    atomic.sync_folder(copies)
    if not keep_all:
        for old in [copy for copy in reader.backups(folder) if copy.name <= name][:-KEPT]:
            shutil.rmtree(old)


def retain(folder: Path, nameless: datetime, caseless: datetime, now: datetime) -> set[str]:
    """See `Store.retain_in_copies`. Letters without a case are judged by their age alone. Raises OSError."""
    gone = set(_closed_before(folder, caseless))
    named = (case for path in reader.case_files(folder) if (case := _named(path)) is not None)
    due = {case.id for case in named if _is_closed(case, nameless)} - gone
    for copy in reader.backups(folder):
        gone_there = {*gone, *_closed_before(copy, caseless)}
        for path in reader.case_files(copy):
            old = path.parent.name == "set-aside" and path.stat().st_mtime < caseless.timestamp()
            if old or path.name.partition(".")[0] in gone_there:
                atomic.remove_file(path)
            elif (case := _named(path)) and (case.id in due or _is_closed(case, nameless)):
                _amend_case(path, partial(without_names, now=now))
        _amend_desk(
            copy, lambda letter: wiped_letter(letter) if letter.created_at < nameless else unlisted(letter, due)
        )
    return due


def _closed_before(folder: Path, before: datetime) -> list[str]:
    """The cases there that were closed before this time, by the month of their folder first; broken files pass."""
    months = [month for month in reader.listed(folder / "closed") if month <= f"{before:%Y-%m}"]
    paths = [path for month in months for path in reader.json_files(folder / "closed" / month)]
    return [case.id for path in paths if (case := _case(path)) and _is_closed(case, before)]


def erase_in_backups(
    folder: Path,
    case_id: str,
    keys: Mapping[str, datetime],
    change: Callable[[Letter], Letter],
    holding: Sequence[str],
) -> bool:
    """See `Store.erase_in_copies`. Raises OSError."""
    was_there = False
    for copy in reader.backups(folder):
        for path in reader.files_of(copy, case_id):
            atomic.remove_file(path)
            was_there = True
        for path in reader.case_files(copy):
            if holds(path, holding):
                _amend_case(path, partial(with_letters, change=change))
        _amend_desk(copy, change, keys)
    return was_there


def newest_copy(folder: Path, case_id: str) -> Case | None:
    paths = [path for copy in reversed(reader.backups(folder)) for path in reader.files_of(copy, case_id)]
    return next((case for path in paths if (case := _case(path)) is not None), None)


def with_letters(filed: Filed, change: Callable[[Letter], Letter]) -> Filed:
    case = replace(filed.case, letters=tuple(map(change, filed.case.letters)))
    return replace(filed, case=case, beside=tuple(map(change, filed.beside)))


def without_names(filed: Filed, now: datetime) -> Filed:
    return replace(filed, case=wiped(filed.case, now), beside=tuple(map(wiped_letter, filed.beside)))


def holds(path: Path, strings: Sequence[str]) -> bool:
    """Whether one of these strings stands in a JSON file of ours, as JSON writes it."""
    written = path.read_bytes()
    return any(codec.as_written(string) in written for string in strings)


def _named(path: Path) -> Case | None:
    return None if _WIPED in path.read_bytes() else _case(path)


def _case(path: Path) -> Case | None:
    return filed.case if (filed := _filed(path)) is not None else None


def _filed(path: Path) -> Filed | None:
    try:
        return reader.read_case(path)
    except Broken:
        return None


def _is_closed(case: Case, before: datetime) -> bool:
    return not case.open and closed_at(case) < before


def _amend_case(path: Path, change: Callable[[Filed], Filed]) -> None:
    if (filed := _filed(path)) is not None and (amended := change(filed)) != filed:
        _write(path, reader.CASE, amended)


def _amend_desk(copy: Path, change: Callable[[Letter], Letter], keys: Mapping[str, datetime] = _NO_KEYS) -> None:
    path = copy / "desk.json"
    try:
        desk = codec.read(Desk, reader.read_document(path, reader.DESK_TABLE))
    except (FileNotFoundError, Broken):
        return
    amended = replace(desk, letters=tuple(map(change, desk.letters)), keys={**keys, **desk.keys})
    if amended != desk:
        _write(path, reader.DESK_TABLE, amended)


def _write(path: Path, table: str, value: Filed | Desk) -> None:
    atomic.replace_file(path, codec.encode({table: {str(reader.ONLY): codec.document(value)}}))


def _keep_newer(folder: Path, part: Path, one: str, other: str) -> str:
    """A case that moved while the copy was made was copied twice, first from `other`: the older version goes.

    A case is closed by a rename, and opened again by a new file in ``open/``: there, it is always the newest.
    """
    opened, archived = sorted((one, other), reverse=True)
    newer, older = (opened, archived) if one == opened or (folder / opened).exists() else (archived, opened)
    (part / older).unlink()
    return newer


def _link(folder: Path, part: Path, place: str) -> None:
    """A second name for what lies there now. Raises FileNotFoundError and OSError."""
    atomic.boundary("before-link")
    source, target = f"{folder}/{place}", f"{part}/{place}"
    try:
        os.link(source, target)
    except FileNotFoundError:
        atomic.make_folder(Path(target).parent)
        os.link(source, target)
