"""Files that are whole at every instant: each is replaced, never edited. And TinyDB's storage made of that.

Not here: what is in the files (`codec`) and which there are (`tiny`). All of it blocks; a replacement was measured at
0.6 ms on ext4 with an SSD, which is less than handing it to a thread and back would cost under load, and keeps a
commit one uninterrupted step of the event loop.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from tinydb import Storage

from workflow.store import codec

PRIVATE_FILE: Final = 0o600
PRIVATE_FOLDER: Final = 0o700
"""Cases hold what therapists wrote about clients: nobody but the daemon's own user reads them."""

_OF_OTHERS: Final = 0o077
"""What group and others may do."""

TEMPORARY: Final = ".new"
"""Appended to a name while the file is written. One writer a folder (the lock), so the name needs no chance in it."""


def _uninterrupted(step: str) -> None:
    """What stands at each boundary outside of tests: nothing."""


boundary: Callable[[str], None] = _uninterrupted
"""Called between the steps of all I/O with the name of the step. Only tests replace it: raising an OSError from it is a
disk that refuses, raising anything else is a crash at that point."""


class Unsynced(OSError):
    """The file was replaced, but the folder could not be forced to disk: it is there, unless power fails now."""


class WholeFile(Storage):
    """TinyDB storage for one small file that is only ever replaced as a whole.

    It never reads: a new version is written without looking at the old one, which spares parsing it and heals a file
    that was damaged meanwhile. With `staged`, a write changes nothing until `publish_file`.
    """

    def __init__(self, path: Path, *, staged: bool = False) -> None:
        self._path = path
        self._replace = stage_file if staged else replace_file

    def read(self) -> None: ...

    def write(self, data: dict[str, dict[str, Any]]) -> None:
        self._replace(self._path, codec.encode(data))


def replace_file(path: Path, data: bytes) -> None:
    """Put `data` in place of what `path` holds: afterwards, and after any crash, it is wholly the old or the new.

    Raises OSError when the old is still there, `Unsynced` when the new is there but may not survive loss of power.
    """
    stage_file(path, data)
    publish_file(path)
    sync_published(path.parent)


def stage_file(path: Path, data: bytes) -> None:
    """Write what is to replace `path`, and force it to disk, beside it. Nothing has changed yet. Raises OSError."""
    temporary = _temporary(path)
    try:
        boundary("before-write")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, PRIVATE_FILE)
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
            boundary("after-write")
            os.fsync(descriptor)  # before the rename, or a power cut could leave the new name with no content
            boundary("after-fsync")
        finally:
            os.close(descriptor)
    except OSError:
        with suppress(OSError):
            temporary.unlink()
        raise


def publish_file(path: Path) -> None:
    """Put the staged file in its place, in one step. Raises OSError when the old one is still there."""
    temporary = _temporary(path)
    try:
        temporary.replace(path)
    except OSError:
        with suppress(OSError):
            temporary.unlink()
        raise


def sync_published(folder: Path) -> None:
    """Force what was published in a folder to disk. Raises `Unsynced`."""
    try:
        boundary("after-replace")
        sync_folder(folder)
        boundary("after-folder-fsync")
    except OSError as error:
        raise Unsynced(error.errno, error.strerror) from error


def _temporary(path: Path) -> Path:
    return path.with_name(path.name + TEMPORARY)


def move_file(source: Path, target: Path) -> None:
    """Rename a file into another folder, which is made if missing. Atomic; what had the target's name is replaced."""
    make_folder(target.parent)
    boundary("before-rename")
    source.replace(target)
    boundary("after-rename")
    sync_folder(target.parent)
    sync_folder(source.parent)


def remove_file(path: Path) -> None:
    """Remove a file for good; one that is gone already is no error."""
    boundary("before-unlink")
    path.unlink(missing_ok=True)
    boundary("after-unlink")
    sync_folder(path.parent)


def make_folder(folder: Path) -> None:
    """Make a private folder, and those above it; one that exists is left as it is."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    with suppress(FileExistsError):
        folder.mkdir(PRIVATE_FOLDER)
    sync_folder(folder.parent)


def close_to_others(folder: Path) -> None:
    """Take from a folder, and from all JSON files and folders in it, what others may do with them: they may have been
    put back by hand. Raises OSError.
    """
    folder.chmod(PRIVATE_FOLDER)
    for place, _, names in os.walk(folder):
        here = Path(place)
        for path in (here, *(here / name for name in names if name.endswith(".json"))):
            mode = path.stat().st_mode
            if mode & _OF_OTHERS:
                path.chmod(mode & ~_OF_OTHERS)


def sync_folder(folder: Path) -> None:
    """Force the names in a folder to disk: without it a rename may be lost with the power."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
