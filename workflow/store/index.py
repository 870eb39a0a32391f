"""What a store holds in memory, and what it finds quickly there. Not here: any I/O. It learns of a version only after
the disk has it, and hands out nothing but frozen values and copies.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from workflow.core.cases import Cases
from workflow.core.model import URGENCY, Case, Letter, Post
from workflow.store import COUNTS_KEPT, DESK, KEYS_KEPT, Desk
from workflow.store.codec import Broken, Filed

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
    """Whether a letter of this file has still to be sent."""
    return any(letter.post is Post.OWED for letter in filed.letters)


def pruned(letters: Iterable[Letter], now: datetime) -> tuple[Letter, ...]:
    """Letters without a case, but for those that were settled `KEYS_KEPT` ago."""
    return tuple(
        letter
        for letter in letters
        if letter.post is Post.OWED or now - (letter.settled_at or letter.created_at) < KEYS_KEPT
    )


def pruned_keys(keys: Mapping[str, datetime], now: datetime) -> dict[str, datetime]:
    """Content keys without a case, but for those of `KEYS_KEPT` ago."""
    return {key: at for key, at in keys.items() if now - at < KEYS_KEPT}


def pruned_counts(counts: Mapping[str, Iterable[datetime]], now: datetime) -> dict[str, tuple[datetime, ...]]:
    """Counts, but for times of `COUNTS_KEPT` ago and names that have none left."""
    recent = {name: tuple(at for at in times if now - at < COUNTS_KEPT) for name, times in counts.items()}
    return {name: times for name, times in recent.items() if times}


_Homes = dict[str, str | frozenset[str]]
"""The file in which each key or Message-ID stands. A bare name, as it nearly always is: they are many."""


def _homes(names: _Homes, name: str) -> frozenset[str]:
    found = names.get(name, frozenset())
    return frozenset((found,)) if isinstance(found, str) else found


def _earliest(case: Case) -> datetime | None:
    return min((timer.at for timer in case.timers), default=None) if case.open else None


class Index:
    """All files of ``open/`` and the desk, whole; of archived cases only which keys and Message-IDs are theirs."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._files: dict[str, Filed] = {}
        self.open = Cases()
        """Of those files."""
        self._timers: list[tuple[datetime, str]] = []
        """A heap of the earliest timer of each open case, and of some that no longer hold."""
        self._letters: dict[str, tuple[str, Letter]] = {}
        self._keys: _Homes = {}
        self._messages: _Homes = {}
        self._latest_at: datetime | None = None
        self.adopt_desk(desk)

    def adopt(self, filed: Filed) -> None:
        """A new version of a case is on disk, in ``open/``."""
        case = filed.case
        known = self.open.get(case.id)
        self._forget_letters(case.id)
        self._files[case.id] = filed
        if case.open:
            self.open.put(case)
        else:
            self.open.drop(case.id)
        if (at := _earliest(case)) is not None and (known is None or at != _earliest(known)):
            heapq.heappush(self._timers, (at, case.id))
        self._letters.update({letter.id: (case.id, letter) for letter in filed.letters})
        self._note(case.id, [mail.key for mail in case.mails], [mail.message_id for mail in case.mails])
        self._note(case.id, filed.keys, [letter.message_id for letter in filed.letters])
        self._stamp(filed.committed_at)

    def adopt_desk(self, desk: Desk) -> None:
        """A new version of the desk is on disk, or a new hint is in memory."""
        for letter in self.desk.letters:
            self._letters.pop(letter.id, None)
        for key in self.desk.keys.keys() - desk.keys.keys():
            self._unnote(self._keys, key, DESK)
        self.desk = desk
        self._letters.update({letter.id: (DESK, letter) for letter in desk.letters})
        self._note(DESK, desk.keys, ())
        for at in (*desk.keys.values(), *(letter.created_at for letter in desk.letters)):
            self._stamp(at)

    def note_archived(self, case_id: str, found: Mapping[str, Any]) -> None:
        """Take from an archived case's document, not validated, what `consumed` and the Message-IDs need.

        Raises `Broken` when the document does not hold them.
        """
        try:
            mails, letters = found["case"]["mails"], found["case"]["letters"] + found["beside"]
            self._note(case_id, [mail["key"] for mail in mails], [mail["message_id"] for mail in mails])
            self._note(case_id, found["keys"], [letter["message_id"] for letter in letters])
            self._stamp(datetime.fromisoformat(found["committed_at"]))
        except (KeyError, TypeError, ValueError) as error:
            raise Broken(f"no case: {type(error).__name__}") from None

    def archive(self, case_id: str) -> None:
        """The case left ``open/``: what it consumed stays known."""
        self._forget_letters(case_id)
        self._files.pop(case_id, None)
        self.open.drop(case_id)

    def drop(self, case_id: str) -> None:
        """The case was erased: nothing of it stays known."""
        self.archive(case_id)
        for names in (self._keys, self._messages):
            for name in [name for name in names if case_id in _homes(names, name)]:
                self._unnote(names, name, case_id)

    @property
    def files(self) -> Mapping[str, Filed]:
        """The files of ``open/``, by case id: a copy."""
        return dict(self._files)

    @property
    def latest_at(self) -> datetime | None:
        """See `Reader.latest_at`."""
        return self._latest_at

    def file(self, case_id: str) -> Filed | None:
        """The file of a case in ``open/``."""
        return self._files.get(case_id)

    def home(self, letter_id: str) -> str | None:
        """Which file of ``open/`` a letter lies in, or `DESK`."""
        return self._letters[letter_id][0] if letter_id in self._letters else None

    def letter(self, letter_id: str) -> Letter | None:
        """A letter of ``open/`` or the desk."""
        return self._letters[letter_id][1] if letter_id in self._letters else None

    def owed(self) -> list[Letter]:
        """See `Reader.owed`."""
        owed = [letter for _, letter in self._letters.values() if letter.post is Post.OWED]
        return sorted(owed, key=lambda letter: (URGENCY[letter.kind], letter.created_at, letter.id))

    def next_due(self) -> datetime | None:
        """See `Reader.next_due`."""
        while self._timers and not self._holds(*self._timers[0]):
            heapq.heappop(self._timers)
        return self._timers[0][0] if self._timers else None

    def due(self, now: datetime) -> list[Case]:
        """See `Reader.due`."""
        ripe: list[tuple[datetime, str]] = []
        while (at := self.next_due()) is not None and at <= now:
            timer = heapq.heappop(self._timers)
            if timer not in ripe[-1:]:  # a version with the same timer as the one before
                ripe.append(timer)
        for timer in ripe:  # until a later version says otherwise
            heapq.heappush(self._timers, timer)
        return [self.open[case_id] for _, case_id in ripe]

    def _holds(self, at: datetime, case_id: str) -> bool:
        case = self.open.get(case_id)
        return case is not None and _earliest(case) == at

    def consumers(self, key: str) -> frozenset[str]:
        """See `Store.consumed`."""
        return _homes(self._keys, key)

    def homes_of_message(self, message_id: str) -> frozenset[str]:
        """The cases in whose files a Message-ID stands."""
        return _homes(self._messages, message_id)

    def _stamp(self, at: datetime) -> None:
        if self._latest_at is None or at > self._latest_at:
            self._latest_at = at

    def _note(self, home: str, keys: Iterable[str], message_ids: Iterable[str | None]) -> None:
        for names, noted in ((self._keys, keys), (self._messages, message_ids)):
            for name in noted:
                if name is not None and names.setdefault(name, home) != home:
                    names[name] = _homes(names, name) | {home}

    def _forget_letters(self, case_id: str) -> None:
        if (filed := self._files.get(case_id)) is not None:
            for letter in filed.letters:
                self._letters.pop(letter.id, None)

    @staticmethod
    def _unnote(names: _Homes, name: str, home: str) -> None:
        left = _homes(names, name) - {home}
        if left:
            names[name] = left
        else:
            names.pop(name, None)
