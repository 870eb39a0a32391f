"""What a store holds in memory, and what it finds quickly there. Not here: any I/O. It learns of a version only after
the disk has it, and hands out nothing but frozen values and copies.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from workflow.core.cases import Cases
from workflow.core.model import Case, Letter, Post
from workflow.store import COUNTS_KEPT, DESK, KEYS_KEPT, Desk
from workflow.store.codec import Broken, Filed
from workflow.store.tiny.closed_index import Archive

_FINALITY: Final = {Post.OWED: 0, Post.WITHDRAWN: 1, Post.SENT: 2, Post.FAILED: 3}
"""A letter's fate never goes down this scale. What the server said stands above WITHDRAWN because it is a fact: a
letter that was withdrawn while it was in DATA did go. FAILED stands above SENT: it bounced, perhaps before its
acceptance was written down."""


def later(kept: Letter, offered: Letter) -> Letter:
    """Which of two versions of a letter stands (promise 4).

    A decision may have been made from a case that was read before one of its letters was sent; it must not make the
    letter owed again, nor forget attempts.
    """
    if _FINALITY[offered.post] < _FINALITY[kept.post]:
        return kept
    if offered.post is kept.post is Post.OWED and offered.attempts < kept.attempts:
        return kept
    return offered


def merged(kept: Iterable[Letter], offered: Iterable[Letter]) -> tuple[Letter, ...]:
    """The offered letters, each in the version that stands."""
    known = {letter.id: letter for letter in kept}
    return tuple(later(known[letter.id], letter) if letter.id in known else letter for letter in offered)


def settled(letters: Iterable[Letter], offered: Mapping[str, Letter]) -> tuple[Letter, ...]:
    """The letters, each in the version that stands."""
    return tuple(later(letter, offered.get(letter.id, letter)) for letter in letters)


def owes(filed: Filed) -> bool:
    """Whether something of a case is still to come: a due time, or a letter."""
    return bool(filed.case.timers) or any(letter.post is Post.OWED for letter in filed.letters)


def forgotten(desk: Desk, now: datetime) -> Desk:
    """The desk after `Store.forget`; the same object when there is nothing to forget. What a wrong clock noted far
    ahead goes, too, or it would lie there until then."""

    def young(at: datetime, kept: timedelta) -> bool:
        return abs(now - at) < kept

    keys = {key: at for key, at in desk.keys.items() if young(at, KEYS_KEPT)}
    letters = tuple(
        letter
        for letter in desk.letters
        if letter.post is Post.OWED or young(letter.settled_at or letter.created_at, KEYS_KEPT)
    )
    recent = {name: tuple(at for at in times if young(at, COUNTS_KEPT)) for name, times in desk.counts.items()}
    left = replace(desk, keys=keys, letters=letters, counts={name: times for name, times in recent.items() if times})
    return desk if left == desk else left


def names_of(filed: Filed) -> set[str]:
    """By what a case is found: the keys of the mails it consumed, and every Message-ID in its file."""
    mails = filed.case.mails
    ids = {mail.message_id for mail in mails if mail.message_id is not None}
    return {*filed.keys, *(mail.key for mail in mails), *ids, *(letter.message_id for letter in filed.letters)}


def names_in(found: Mapping[str, Any]) -> tuple[set[str], datetime]:
    """The same of a case's document, not validated, and when it was committed. Raises `Broken`."""
    try:
        mails, letters = found["case"]["mails"], found["case"]["letters"] + found["beside"]
        ids = {one["message_id"] for one in mails + letters} - {None}
        return {*found["keys"], *(mail["key"] for mail in mails), *ids}, datetime.fromisoformat(found["committed_at"])
    except (KeyError, TypeError, ValueError) as error:
        raise Broken(f"no case: {type(error).__name__}") from None


_NOWHERE: Final[frozenset[str]] = frozenset()
_DESK_ALONE: Final = frozenset((DESK,))


def _earliest(case: Case) -> datetime | None:
    return min((timer.at for timer in case.timers), default=None)


class Index:
    """All files of ``open/`` and the desk, whole; of archived cases only by which names they are found."""

    def __init__(self, desk: Desk) -> None:
        self.desk = Desk(instance="")
        self.files: dict[str, Filed] = {}
        """Those of ``open/``, by case id."""
        self.open = Cases()
        """Of those files."""
        self._timers: list[tuple[datetime, str]] = []
        """A heap of the earliest timer of each case, and of some that no longer hold."""
        self._letters: dict[str, tuple[str, Letter]] = {}
        self._owed: dict[str, Letter] = {}
        """Those of them that are owed: asked for every second."""
        self._names: dict[str, frozenset[str]] = {}
        """In which files of ``open/`` each key and Message-ID stands; the desk's keys, too."""
        self.archive = Archive()
        self.latest_at: datetime | None = None
        self.adopt_desk(desk)

    def adopt(self, filed: Filed) -> None:
        """A new version of a case is on disk, in ``open/``."""
        case = filed.case
        before = self.files.get(case.id)
        self._forget_letters(before.letters if before is not None else ())
        self.files[case.id] = filed
        if case.open:
            self.open.put(case)
        else:
            self.open.drop(case.id)
        if (at := _earliest(case)) is not None and (before is None or at != _earliest(before.case)):
            heapq.heappush(self._timers, (at, case.id))
        self._keep_letters(case.id, filed.letters)
        new = names_of(filed)
        for name in (names_of(before) - new) if before is not None else ():
            self._unnote(name, case.id)
        alone = frozenset((case.id,))  # one for all of its names: they are many
        for name in new:
            self._note(name, alone)
        self.stamp(filed.committed_at)

    def adopt_desk(self, desk: Desk) -> None:
        """A new version of the desk is on disk, or a new hint is in memory.

        What is the same as before is not looked at: a hint comes with nearly each mail.
        """
        before, self.desk = self.desk, desk
        if desk.letters is not before.letters:
            self._forget_letters(before.letters)
            self._keep_letters(DESK, desk.letters)
            for letter in desk.letters:
                self.stamp(letter.created_at)
        if desk.keys is not before.keys:
            for key in before.keys.keys() - desk.keys.keys():
                self._unnote(key, DESK)
            for key in desk.keys.keys() - before.keys.keys():
                self._note(key, _DESK_ALONE)
                self.stamp(desk.keys[key])

    def archived(self, case_id: str, mark: int) -> None:
        """The case left ``open/``: what it consumed stays known. `mark`: its file's."""
        filed = self.files.get(case_id)
        self._forget(case_id)
        if filed is not None:
            self.archive.put(case_id, names_of(filed), mark)

    def drop(self, case_id: str) -> None:
        self._forget(case_id)
        self.archive.drop(case_id)

    def _forget(self, case_id: str) -> None:
        filed = self.files.pop(case_id, None)
        self.open.drop(case_id)
        if filed is not None:
            self._forget_letters(filed.letters)
            for name in names_of(filed):
                self._unnote(name, case_id)

    def home(self, letter_id: str) -> str | None:
        """Which file of ``open/`` a letter lies in, or `DESK`."""
        return self._letters[letter_id][0] if letter_id in self._letters else None

    def letter(self, letter_id: str) -> Letter | None:
        return self._letters[letter_id][1] if letter_id in self._letters else None

    def owed(self) -> list[Letter]:
        return sorted(self._owed.values(), key=lambda letter: (letter.kind.course.rank, letter.created_at, letter.id))

    def next_due(self) -> datetime | None:
        while self._timers and not self._holds(*self._timers[0]):
            heapq.heappop(self._timers)
        return self._timers[0][0] if self._timers else None

    def due(self, now: datetime) -> list[Case]:
        ripe: list[tuple[datetime, str]] = []
        while (at := self.next_due()) is not None and at <= now:
            timer = heapq.heappop(self._timers)
            if timer not in ripe[-1:]:  # a version with the same timer as the one before
                ripe.append(timer)
        for timer in ripe:  # until a later version says otherwise
            heapq.heappush(self._timers, timer)
        return [self.files[case_id].case for _, case_id in ripe]

    def _holds(self, at: datetime, case_id: str) -> bool:
        filed = self.files.get(case_id)
        return filed is not None and _earliest(filed.case) == at

    def homes(self, name: str) -> frozenset[str]:
        """Where a key or a Message-ID stands: cases of ``open/``, or `DESK` for a key."""
        return self._names.get(name, _NOWHERE)

    def stamp(self, at: datetime) -> None:
        if self.latest_at is None or at > self.latest_at:
            self.latest_at = at

    def _note(self, name: str, home: frozenset[str]) -> None:
        known = self._names.get(name)
        if known is None or not home <= known:
            self._names[name] = home if known is None else known | home

    def _unnote(self, name: str, home: str) -> None:
        if left := self._names.get(name, _NOWHERE) - {home}:
            self._names[name] = left
        else:
            self._names.pop(name, None)

    def _keep_letters(self, home: str, letters: Iterable[Letter]) -> None:
        for letter in letters:
            self._letters[letter.id] = (home, letter)
            if letter.post is Post.OWED:
                self._owed[letter.id] = letter

    def _forget_letters(self, letters: Iterable[Letter]) -> None:
        for letter in letters:
            self._letters.pop(letter.id, None)
            self._owed.pop(letter.id, None)
