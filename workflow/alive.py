"""``alive.json``: what `status` can know of a running daemon without disturbing it. News, not state: never synced."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import orjson

FILE = "alive.json"

STALE = 60.0
"""Seconds after which the file is what a dead daemon left, even if its pid lives: after a reboot, or in a container, it
is soon somebody else's. A living daemon replaces it every 10 s."""


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


def write_alive(folder: Path, alive: Alive) -> None:
    """Replace the file whole. OSError: the disk refuses."""
    part = folder / f"{FILE}.part"
    part.write_bytes(orjson.dumps(alive, option=orjson.OPT_INDENT_2))
    part.chmod(0o600)
    part.replace(folder / FILE)


def read_alive(folder: Path, *, living: bool = True) -> Alive | None:
    """What the daemon said last; None when its file is not there or says nothing we know, or the daemon has died.

    With `living` false, what a dead one said counts, too.
    """
    try:
        said = orjson.loads((folder / FILE).read_bytes())
        alive = Alive(
            pid=int(said["pid"]),
            connected=bool(said["connected"]),
            last_seen_at=datetime.fromisoformat(said["last_seen_at"]) if said["last_seen_at"] else None,
            now=datetime.fromisoformat(said["now"]),
            speed=float(said["speed"]),
        )
        if living and time.time() - (folder / FILE).stat().st_mtime > STALE:
            return None
        if living:
            os.kill(alive.pid, 0)  # signal 0 asks whether the process lives
    except PermissionError:  # it lives, under another user
        return alive
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return alive
