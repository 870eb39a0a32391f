"""What a store holds in memory, and what it finds quickly there. Not here: any I/O. It learns of a version only after
the disk has it, and hands out nothing but frozen values and copies.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from workflow.core.model import URGENCY, Case, Letter, Post
from workflow.store import COUNTS_KEPT, DESK, KEYS_KEPT, Desk
from workflow.store.codec import Broken, Filed

_FINALITY: Final = {Post.OWED: 0, Post.WITHDRAWN: 1, Post.SENT: 2, Post.FAILED: 2}
"""A letter's fate never goes down this scale. What the server said stands above WITHDRAWN because it is a fact: a
letter that was withdrawn while it was in DATA did go. FAILED may follow SENT: it bounced."""


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


class Index:
    """All files of ``open/`` and the desk, whole; of archived cases only which keys and Message-IDs are theirs."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._files: dict[str, Filed] = {}
        self._open: dict[str, Case] = {}  # of those files; asked for with each mail, and in a crisis they are many
        self._letters: dict[str, tuple[str, Letter]] = {}
        self._keys: dict[str, set[str]] = {}
        self._messages: dict[str, set[str]] = {}
        self._latest_at: datetime | None = None
        self.adopt_desk(desk)

    def adopt(self, filed: Filed) -> None:
        """A new version of a case is on disk, in ``open/``."""
        case = filed.case
        self._forget_letters(case.id)
        self._files[case.id] = filed
        if case.open:
            self._open[case.id] = case
        else:
            self._open.pop(case.id, None)
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
        self._open.pop(case_id, None)

    def drop(self, case_id: str) -> None:
        """The case was erased: nothing of it stays known."""
        self.archive(case_id)
        for names in (self._keys, self._messages):
            for name in [name for name, homes in names.items() if case_id in homes]:
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

    def open_cases(self) -> dict[str, Case]:
        """The open cases: a copy."""
        return dict(self._open)

    def timers(self) -> list[tuple[datetime, Case]]:
        """The earliest timer of each open case that has one."""
        return [(min(timer.at for timer in case.timers), case) for case in self._open.values() if case.timers]

    def consumers(self, key: str) -> frozenset[str]:
        """See `Store.consumed`."""
        return frozenset(self._keys.get(key, ()))

    def homes_of_message(self, message_id: str) -> frozenset[str]:
        """The cases in whose files a Message-ID stands."""
        return frozenset(self._messages.get(message_id, ()))

    def _stamp(self, at: datetime) -> None:
        if self._latest_at is None or at > self._latest_at:
            self._latest_at = at

    def _note(self, home: str, keys: Iterable[str], message_ids: Iterable[str | None]) -> None:
        for key in keys:
            self._keys.setdefault(key, set()).add(home)
        for message_id in message_ids:
            if message_id is not None:
                self._messages.setdefault(message_id, set()).add(home)

    def _forget_letters(self, case_id: str) -> None:
        if (filed := self._files.get(case_id)) is not None:
            for letter in filed.letters:
                self._letters.pop(letter.id, None)

    @staticmethod
    def _unnote(names: dict[str, set[str]], name: str, home: str) -> None:
        homes = names.get(name)
        if homes is not None:
            homes.discard(home)
            if not homes:
                del names[name]
