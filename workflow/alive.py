"""``alive.json``: what `status` can know of a running daemon without disturbing it. News, not state: never synced."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
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
    rehearsed: bool = False
    unsent_since: datetime | None = None
    """Clinic time since when the SMTP server has not been reached."""

    @property
    def silent_for(self) -> timedelta | None:
        """Real time from the last look through the mailbox to this writing; None: there was none yet."""
        return None if self.last_seen_at is None else (self.now - self.last_seen_at) / self.speed

    @property
    def unsent_for(self) -> timedelta:
        """Real time for which the SMTP server had not been reached at this writing."""
        return timedelta(0) if self.unsent_since is None else (self.now - self.unsent_since) / self.speed


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
            last_seen_at=_time(said["last_seen_at"]),
            now=datetime.fromisoformat(said["now"]),
            speed=float(said["speed"]),
            rehearsed=bool(said.get("rehearsed")),
            unsent_since=_time(said.get("unsent_since")),
        )
        if living and time.time() - (folder / FILE).stat().st_mtime > STALE:
            return None
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return alive if not living or _lives(alive.pid) else None


def _time(said: str | None) -> datetime | None:
    return datetime.fromisoformat(said) if said else None


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)  # signal 0 asks whether the process lives
    except PermissionError:  # it does, under another user
        return True
    except (OSError, OverflowError):
        return False
    return True
