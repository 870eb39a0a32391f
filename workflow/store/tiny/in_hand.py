"""The mail that is being read just now, noted in case it kills the process (contract 8.4).

News, not state: never forced to disk, for it is about the death of the process, not of the machine. And a full disk
must not keep a mail from being read.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from workflow.core.mail import Place
from workflow.store.tiny import atomic

_KEPT: Final = 4
"""Mails that were in hand at a death and not dealt with since. A second one is rare, and must not hide the first."""

_LINE: Final = 40
"""Two numbers of up to 10 digits (RFC 3501, 2.3.1.1: 32 bits), a count, and blanks."""


class Hand:
    """What `Store` promises of a mail in hand, kept in one small file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._held: Place | None = None
        self._deaths: dict[Place, int] = {}

    def read(self) -> None:
        """Learn what earlier deaths left. A file that was never written, or is torn, says nothing."""
        try:
            lines = self._path.read_text("ascii").splitlines()
            counted = [tuple(map(int, line.split())) for line in lines if line.strip()]
            self._deaths = {Place(uidvalidity, uid): count for uidvalidity, uid, count in counted}
        except (OSError, ValueError):
            self._deaths = {}

    def deaths(self, place: Place) -> int:
        return self._deaths.get(place, 0)

    def take(self, place: Place) -> None:
        self._held = place
        self._write()

    def put_down(self) -> None:
        """It was read; so it is not what earlier deaths came from."""
        if self._held is not None:
            self._deaths.pop(self._held, None)
            self._held = None
            self._write()

    def let_go(self) -> None:
        """An orderly stop: whatever is in hand has killed nobody."""
        if self._held is not None:
            self._held = None
            self._write()

    def _write(self) -> None:
        hands = dict(self._deaths)
        if self._held is not None:
            hands[self._held] = hands.pop(self._held, 0) + 1
        kept = list(hands.items())[-_KEPT:]
        lines = [f"{place.uidvalidity} {place.uid} {count}".ljust(_LINE - 1) + "\n" for place, count in kept]
        with suppress(OSError):
            # overwritten at a fixed length: truncating makes ext4 start writing at once, twice a mail
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, atomic.PRIVATE_FILE)
            try:
                os.pwrite(descriptor, "".join(lines).ljust(_LINE * _KEPT).encode("ascii"), 0)
            finally:
                os.close(descriptor)
