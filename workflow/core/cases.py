"""Cases by id, and the open ones of an associate without a look at all of them: a busy clinic has thousands.

A collection and nothing else: it decides nothing, and what is put into it is never changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from workflow.core.model import Case, Person


class Cases(Mapping[str, Case]):
    """Open and perhaps closed cases by id. Whoever may `put` holds it; everybody else only reads."""

    def __init__(self, cases: Iterable[Case] = ()) -> None:
        self._open: dict[str, Case] = {}
        self._closed: dict[str, Case] = {}
        self._ids_of: dict[str, dict[str, None]] = {}
        for case in cases:
            self.put(case)

    def __getitem__(self, case_id: str) -> Case:
        return self._open[case_id] if case_id in self._open else self._closed[case_id]

    def __iter__(self) -> Iterator[str]:
        yield from self._open
        yield from self._closed

    def __len__(self) -> int:
        return len(self._open) + len(self._closed)

    @property
    def open(self) -> list[Case]:
        """The open ones, oldest first."""
        return _oldest_first(self._open.values())

    def of(self, associate: Person) -> list[Case]:
        """An associate's open cases, oldest first: those that were opened under any address of theirs."""
        known = dict.fromkeys(case_id for email in associate.emails for case_id in self._ids_of.get(email, ()))
        return _oldest_first(self._open[case_id] for case_id in known)

    def beside(self, closed: Iterable[Case]) -> Cases:
        """The same open cases, whatever becomes of them, and these closed ones."""
        both = Cases()
        both._open, both._ids_of = self._open, self._ids_of
        both._closed = {**self._closed, **{case.id: case for case in closed}}
        return both

    def put(self, case: Case) -> None:
        """Take a case in, in place of an older version of it."""
        self.drop(case.id)
        if not case.open:
            self._closed[case.id] = case
            return
        self._open[case.id] = case
        for email in case.associate.emails:
            self._ids_of.setdefault(email, {})[case.id] = None

    def drop(self, case_id: str) -> None:
        """Take a case out, if it is in."""
        self._closed.pop(case_id, None)
        case = self._open.pop(case_id, None)
        for email in case.associate.emails if case is not None else ():
            self._ids_of[email].pop(case_id, None)
            if not self._ids_of[email]:
                del self._ids_of[email]


def _oldest_first(cases: Iterable[Case]) -> list[Case]:
    return sorted(cases, key=lambda case: case.opened_at)
