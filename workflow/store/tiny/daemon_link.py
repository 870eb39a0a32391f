"""The link in a folder: ``alive.json``, which the daemon replaces each 10 s, and ``requests/``, where a verb leaves
``<token>.json`` and waits for ``<token>.answer``. News, not state: never forced to disk.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, Final

import orjson
from pydantic import TypeAdapter

from workflow.store import Alive, Carried, NotCommitted, Request
from workflow.store.tiny import atomic

STALE: Final = 60.0
"""Seconds after which the file is what a dead daemon left, even if its pid lives: after a reboot, or in a container, it
is soon somebody else's. A living daemon replaces it every 10 s."""

SETTLED: Final = 3_000_000_000
"""Nanoseconds after which a folder's time of change tells of every change."""

_ASKED, _ANSWERED, _PART = ".json", ".answer", ".part"


class TinyDaemonLink:
    def __init__(self, folder: Path) -> None:
        self._alive = folder / "alive.json"
        self._requests = folder / "requests"
        self._looked_at = 0
        """When the folder had last changed before it was looked through, in ns."""

    def say(self, alive: Alive) -> None:
        with refusing():
            put_file(self._alive, alive, orjson.OPT_INDENT_2)

    async def alive(self, *, living: bool = True) -> Alive | None:
        try:
            alive: Alive = _reader(Alive).validate_json(self._alive.read_bytes())
        except (OSError, ValueError):
            return None
        return alive if not living or (lives(self._alive, alive.pid) and not alive.over) else None

    async def ask(self, verb: str, case: str = "") -> Request:
        request = Request(secrets.token_hex(8), verb, case)
        with refusing():
            with suppress(FileExistsError):
                self._requests.mkdir(atomic.PRIVATE_FOLDER)
            put_file(self._file(request, _ASKED), {"verb": verb, "case": case})
        return request

    async def take_back(self, request: Request) -> None:
        with refusing():
            self._file(request, _ASKED).unlink(missing_ok=True)

    async def answer_to(self, request: Request) -> Carried | None:
        path = self._file(request, _ANSWERED)
        with refusing():
            try:
                answer: Carried = _reader(Carried).validate_json(path.read_bytes())
            except FileNotFoundError:
                return None
            path.unlink()
        return answer

    @property
    def was_asked(self) -> bool:
        try:
            changed_at = os.stat(self._requests).st_mtime_ns  # noqa: PTH116 - each second, of each clinic
        except OSError:
            return False
        # What changed within a tick of the file system's clock shows at its next one only.
        return changed_at != self._looked_at or time.time_ns() - changed_at < SETTLED

    async def asked(self) -> list[Request]:
        """See `DaemonLink`. Files that are no request are removed."""
        with suppress(OSError):
            self._looked_at = self._requests.stat().st_mtime_ns
        with refusing():
            try:
                paths = sorted(self._requests.iterdir(), key=lambda path: path.stat().st_mtime)
            except FileNotFoundError:  # nobody ever asked; or somebody took a request back just now
                return []
            return [request for path in paths if (request := _request(path)) is not None]

    async def answer(self, request: Request, answer: Carried) -> None:
        with refusing():
            put_file(self._file(request, _ANSWERED), answer)
        await self.take_back(request)

    def _file(self, request: Request, kind: str) -> Path:
        return self._requests / f"{request.token}{kind}"


@contextmanager
def refusing() -> Iterator[None]:
    """What a disk says, as a store says it."""
    try:
        yield
    except OSError as error:
        raise refused(error) from error


def refused(error: OSError) -> NotCommitted:
    """The same of one error. Its text names no file: that would name a case."""
    return NotCommitted(f"the disk refused: {error.strerror or type(error).__name__}")


def _request(path: Path) -> Request | None:
    if path.suffix != _ASKED:
        if time.time() - path.stat().st_mtime > 3600:  # an answer that nobody took: who asked was ended
            path.unlink(missing_ok=True)
        return None
    try:
        said = orjson.loads(path.read_bytes())
        return Request(path.stem, str(said["verb"]), str(said["case"]))
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        path.unlink(missing_ok=True)
        return None


@cache
def _reader(kind: type) -> TypeAdapter[Any]:
    # Making one takes a hundred times as long as reading by it.
    return TypeAdapter(kind)


def put_file(path: Path, value: Any, option: int = 0) -> None:
    """A file that is there whole or not at all; not forced to disk, for it is about living processes."""
    part = path.with_suffix(_PART)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, atomic.PRIVATE_FILE)
    with os.fdopen(descriptor, "wb") as written:
        written.write(orjson.dumps(value, option=option))
    part.replace(path)


def lives(said: Path, pid: int) -> bool:
    """Whether the process that replaces this file again and again still does."""
    try:
        if time.time() - said.stat().st_mtime > STALE:
            return False
        os.kill(pid, 0)  # signal 0 asks whether the process lives
    except PermissionError:  # it does, under another user
        return True
    except (OSError, OverflowError):
        return False
    return True
