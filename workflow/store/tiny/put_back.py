"""A copy of the state put in place of the state, which is kept beside it. Only with no daemon, under the lock.

The copy is first made whole beside the state, then two renames put it there. What belonged to a living daemon (the
lock, ``alive.json``, requests) does not come back, and the nightly backups stay those of the state: they go on
forgetting what it forgets.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from workflow.store import Locked, NoCopy, Unreadable
from workflow.store.tiny import atomic, reader

SYSTEMDS: Final = Path("/var/lib")
"""Where ``StateDirectory=`` lies. With ``DynamicUser=`` it is a link there, to the folder of that name in ``private``;
a folder in its place keeps the service from starting (status 238)."""


def put_back(folder: Path, named: str, kept: str) -> list[Path]:
    """Put the backup of this name, or the copy at this path, in place of the state.

    Where the state, and what else stood in its place, lies now: beside it, `kept` behind its name. The new files are of
    the user that the old ones were of. Raises `NoCopy`, `Locked`, `Unreadable`, OSError, and has changed nothing then.
    """
    try:
        home = _home(folder)
        standing = [place for place in dict.fromkeys((home, folder)) if place.is_dir() and not place.is_symlink()]
        copy = _found(home, named)
    except OSError as error:
        raise Unreadable(f"{error.filename or folder}: {error.strerror or type(error).__name__}") from None
    with ExitStack() as locks:
        for place in standing:
            locks.enter_context(_held(place))
        part = home.with_name(f"{home.name}{atomic.TEMPORARY}")
        if part.exists():  # left by a crash
            shutil.rmtree(part)
        moved: dict[Path, Path] = {}
        try:
            _copy(copy, part, home)
            for place in standing:
                there = place.with_name(f"{place.name}{kept}")
                place.rename(there)
                moved[place] = there
            part.rename(home)
        except OSError:
            for place, there in moved.items():
                there.rename(place)
            shutil.rmtree(part, ignore_errors=True)
            raise
        if home != folder and not folder.is_symlink():
            folder.symlink_to(os.path.relpath(home, folder.parent))
        for place in {home.parent, folder.parent}:
            atomic.sync_folder(place)
    return list(moved.values())


def _home(folder: Path) -> Path:
    """Where the files lie, or are to lie."""
    private = SYSTEMDS / "private" / folder.name
    if folder.parent == SYSTEMDS and private.is_dir():
        return private
    return folder.resolve()


def _found(home: Path, named: str) -> Path:
    """The copy's folder, looked through once. Raises `NoCopy` or `Unreadable`."""
    copy = next((path for path in (home / reader.BACKUPS / named, Path(named)) if path.is_dir()), None)
    if copy is None:
        leads = f": it is a link to {Path(named).readlink()}, which is not there" if Path(named).is_symlink() else ""
        there = ", ".join(path.name for path in reader.backups(home)) if home.is_dir() else ""
        raise NoCopy(f"there is no copy {named}{leads}; the nightly backups are: {there or 'none'}")
    if home.exists() and home.resolve().is_relative_to(copy.resolve()):
        raise NoCopy(f"{copy} is the state itself, or holds it: name a copy")
    reader.TinyReader.peek(copy)
    if not (copy / "desk.json").exists() and next(reader.places_of(copy), None) is None:
        raise NoCopy(f"{copy} is no copy of a state: no case lies there")
    return copy


@contextmanager
def _held(state: Path) -> Iterator[None]:
    lock = FileLock(state / "lock", timeout=0, mode=atomic.PRIVATE_FILE, thread_local=False, fallback_to_soft=False)
    try:
        lock.acquire()
    except Timeout:
        raise Locked(f"a daemon runs on {state}") from None
    except OSError as error:
        raise Unreadable(f"{state}: {error.strerror or type(error).__name__}") from None
    try:
        yield
    finally:
        lock.release()


def _copy(copy: Path, part: Path, home: Path) -> None:
    part.mkdir(atomic.PRIVATE_FOLDER)
    for place in ("desk.json", *reader.places_of(copy)):
        if (copy / place).exists():
            atomic.make_folder((part / place).parent)
            shutil.copy2(copy / place, part / place)
    # Of the state, whose files are never written into: second names do. A state on a new machine has none yet.
    for source, take in ((home, os.link), (copy, shutil.copy2)):
        if reader.backups(source):
            shutil.copytree(source / reader.BACKUPS, part / reader.BACKUPS, copy_function=take)
            break
    owner = (home if home.exists() else part).stat()
    for path in (part, *part.rglob("*")):
        if path.stat().st_uid != owner.st_uid:
            os.chown(path, owner.st_uid, owner.st_gid)
        path.chmod(atomic.PRIVATE_FOLDER if path.is_dir() else atomic.PRIVATE_FILE)
        if path.is_dir():
            atomic.sync_folder(path)
        else:
            _sync_file(path)


def _sync_file(path: Path) -> None:
    with path.open("rb") as written:
        os.fsync(written.fileno())
