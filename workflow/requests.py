"""``state/requests/``: what a verb asks of the running daemon, which holds the state, and what it answers.

A verb leaves ``<token>.json`` and waits for ``<token>.answer``; the daemon looks once a second. A request that nobody
carried out, because the daemon ended, is carried out by the next one, so each must be safe to repeat. Not here: what is
asked for (`upkeep`).
"""

from __future__ import annotations

import os
import secrets
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import orjson

FOLDER: Final = "requests"

_ASKED, _ANSWERED, _PART = ".json", ".answer", ".part"

_KEPT: Final = 3600.0
"""Seconds after which an answer that nobody took is removed: who asked was ended."""


@dataclass(frozen=True, slots=True)
class Request:
    """Something to be done with the state."""

    token: str
    verb: str
    """``erase`` or ``purge``."""
    case: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of it."""

    code: int
    """The verb's exit code."""
    lines: tuple[str, ...]
    """What it prints; no client's name."""


def leave(folder: Path, verb: str, case: str = "") -> Request:
    """Ask the daemon that holds this state folder. Raises OSError."""
    request = Request(secrets.token_hex(8), verb, case)
    with suppress(FileExistsError):
        (folder / FOLDER).mkdir(0o700)
    _put(folder / FOLDER / f"{request.token}{_ASKED}", orjson.dumps({"verb": verb, "case": case}))
    return request


def take_back(folder: Path, request: Request) -> None:
    """It is not asked for any more. Raises OSError."""
    (folder / FOLDER / f"{request.token}{_ASKED}").unlink(missing_ok=True)


def answer_to(folder: Path, request: Request) -> Answer | None:
    """The answer, once: it is removed; None while there is none. Raises OSError."""
    path = folder / FOLDER / f"{request.token}{_ANSWERED}"
    try:
        said = orjson.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    path.unlink()
    return Answer(int(said["code"]), tuple(map(str, said["lines"])))


def waiting(folder: Path) -> list[Request]:
    """What is asked of the daemon, the oldest first; files that are no request are removed. Raises OSError."""
    try:
        paths = sorted((folder / FOLDER).iterdir(), key=lambda path: path.stat().st_mtime)
    except FileNotFoundError:  # nobody ever asked; or somebody took a request back just now
        return []
    found = []
    for path in paths:
        if path.suffix == _ASKED:
            try:
                said = orjson.loads(path.read_bytes())
                found.append(Request(path.stem, str(said["verb"]), str(said["case"])))
            except FileNotFoundError:
                continue
            except (ValueError, KeyError, TypeError):
                path.unlink(missing_ok=True)
        elif time.time() - path.stat().st_mtime > _KEPT:
            path.unlink(missing_ok=True)
    return found


def give_answer(folder: Path, request: Request, answer: Answer) -> None:
    """Answer, then forget the request. Raises OSError."""
    _put(folder / FOLDER / f"{request.token}{_ANSWERED}", orjson.dumps(answer))
    take_back(folder, request)


def _put(path: Path, data: bytes) -> None:
    """A file that is there whole or not at all; not forced to disk, for whoever asked is still there to ask again."""
    part = path.with_suffix(_PART)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as written:
        written.write(data)
    part.replace(path)
