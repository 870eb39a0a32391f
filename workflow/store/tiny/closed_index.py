"""By which names archived cases are found, in 8 bytes a name: the keys of their mails, the Message-IDs in their files.

There may be a hundred thousand of them, with ten names each. Of a name 32 bits of a sum are kept, so all that is said
here is "perhaps": whoever is sent to a case looks into its file. A name too many costs that look, and no more.

To read all those files at each start would take long, so what is known of them can be kept as a hint, with the mark of
each file as it was then. Losing it costs time. Not here: the files themselves (`tiny`).
"""

from __future__ import annotations

import os
import zlib
from array import array
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

import orjson

from workflow.store.tiny import atomic

HINT: Final = "archive"
"""The hint's file, beside ``desk.json``."""

WORTH_A_HINT: Final = 1000
"""Files that are read in a tenth of a second: with fewer, a start has nothing to be spared."""

_FORMAT: Final = 1

_NUMBER: Final = (1 << 32) - 1
"""The lower half of a word is the number of the case, the upper half the sum of the name. Among a million names, one
look in some thousands finds a case that has not that name."""

_UNKNOWN: Final = 0
"""The mark of a file that could not be looked at: it is read at the next start."""


def mark_of(path: str | Path) -> int:
    """What changes whenever a file is replaced, edited or restored: made of its inode, size and time of change."""
    try:
        found = os.stat(path)  # noqa: PTH116 - a path for each of a hundred thousand of them is half a start
    except OSError:
        return _UNKNOWN
    return (found.st_ino << 40 ^ found.st_size << 8 ^ found.st_mtime_ns) % (1 << 64)


class Archive:
    """Names of archived cases. A case that was taken in twice is known by all the names it ever had."""

    def __init__(self) -> None:
        self._ids: list[str] = []
        """By number; "" once the case was dropped."""
        self._marks = array("Q")
        """Of the cases' files, likewise."""
        self._words = array("Q")
        """Sorted: the sum of a name, and the number of a case that has it."""
        self._new = array("Q")
        """The same, to be put among them at the next look: a start puts in a million names and looks for none."""

    def __len__(self) -> int:
        return len(self._ids) - self._ids.count("")

    def put(self, case_id: str, names: Iterable[str], mark: int) -> None:
        number = len(self._ids)
        self._ids.append(case_id)
        self._marks.append(mark)
        self._new.extend(_sum(name) | number for name in names)

    def drop(self, case_id: str) -> None:
        self._ids = ["" if known == case_id else known for known in self._ids]

    def keep(self, marks: Mapping[str, int]) -> set[str]:
        """Drop every case but those whose files have the same mark as here; the cases that stay."""
        for number, (case_id, mark) in enumerate(zip(self._ids, self._marks, strict=True)):
            if mark == _UNKNOWN or marks.get(case_id) != mark:
                self._ids[number] = ""
        return set(self._ids) - {""}

    def perhaps(self, name: str) -> set[str]:
        """The cases that may have this name: all that do, and hardly ever another."""
        first, words = _sum(name), self._sorted()
        found = words[bisect_left(words, first) : bisect_right(words, first | _NUMBER)]
        return {self._ids[word & _NUMBER] for word in found} - {""}

    def _sorted(self) -> array[int]:
        if len(self._new) > 1000:
            self._words = array("Q", sorted(self._words + self._new))
        else:  # one by one: each moves the words behind it, a few megabytes at most
            for word in self._new:
                insort(self._words, word)
        self._new = array("Q")
        return self._words

    # --- the hint ---------------------------------------------------------------------------------------

    def save(self, path: Path, latest_at: datetime | None) -> None:
        """Keep all of it, and the time of the latest decision. Raises OSError."""
        words = self._sorted().tobytes() + self._marks.tobytes()
        head = {"format": _FORMAT, "sum": _sum_of(self._ids, words), "latest_at": latest_at, "ids": self._ids}
        atomic.replace_file(path, orjson.dumps(head, option=orjson.OPT_APPEND_NEWLINE) + words)

    @classmethod
    def load(cls, path: Path) -> tuple[Archive, datetime | None]:
        """What was kept, and the time; an empty one when that is lost, damaged, or mostly about cases that are gone."""
        archive = cls()
        try:
            line, _, words = path.read_bytes().partition(b"\n")
            head = orjson.loads(line)
            ids, stored = head["ids"], array("Q")
            if head["format"] != _FORMAT or head["sum"] != _sum_of(ids, words):
                return archive, None
            latest_at = datetime.fromisoformat(head["latest_at"]) if head["latest_at"] else None
            stored.frombytes(words)
        except (OSError, ValueError, KeyError, TypeError):
            return archive, None
        if ids.count("") > len(ids) // 2:
            return archive, None
        names = len(stored) - len(ids)
        archive._ids, archive._words, archive._marks = ids, stored[:names], stored[names:]
        return archive, latest_at


def _sum_of(ids: list[str], words: bytes) -> int:
    return zlib.crc32(words, zlib.crc32(orjson.dumps(ids)))


def _sum(name: str) -> int:
    """In the upper half of a word. Names are tokens and digests: whoever made two of one sum has gained a look."""
    return zlib.crc32(name.encode("utf-8", "surrogatepass")) << 32
