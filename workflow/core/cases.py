"""Cases by id, and the open ones of an associate without a look at all of them: a busy clinic has thousands.

A collection and nothing else: it decides nothing, and what is put into it is never changed.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import count

from workflow.core.model import Case, Person

_Key = tuple[datetime, int, str]
"""When a case was opened, as the how many-eth it was put in, and its id: chance has no say in the order."""


class Cases(Mapping[str, Case]):
    """Open and perhaps closed cases by id. Whoever may `put` holds it; everybody else only reads."""

    def __init__(self, cases: Iterable[Case] = ()) -> None:
        self._open: dict[str, Case] = {}
        self._closed: dict[str, Case] = {}
        self._numbers = count()
        self._keys: dict[str, _Key] = {}
        self._order: list[_Key] = []
        self._order_of: dict[str, list[_Key]] = {}
        """Of the open ones all, and those under each address: sorted, so that no mail has to sort thousands."""
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
        return [self._open[case_id] for _, _, case_id in self._order]

    def of(self, associate: Person) -> list[Case]:
        """An associate's open cases, oldest first: those that were opened under any address of theirs."""
        known = [self._order_of.get(email, []) for email in associate.emails]
        if any(other != known[0] for other in known[1:]):
            known = [sorted({key for keys in known for key in keys})]
        return [self._open[case_id] for keys in known[:1] for _, _, case_id in keys]

    def beside(self, closed: Iterable[Case]) -> Cases:
        """The same open cases, whatever becomes of them, and these closed ones."""
        both = Cases()
        both._open, both._order, both._order_of = self._open, self._order, self._order_of
        both._closed = {**self._closed, **{case.id: case for case in closed}}
        return both

    def put(self, case: Case) -> None:
        """Take a case in, in place of an older version of it."""
        number = self._keys[case.id][1] if case.id in self._keys else next(self._numbers)
        self.drop(case.id)
        if not case.open:
            self._closed[case.id] = case
            return
        self._open[case.id] = case
        key = self._keys[case.id] = (case.opened_at, number, case.id)
        insort(self._order, key)
        for email in case.associate.emails:
            insort(self._order_of.setdefault(email, []), key)

    def drop(self, case_id: str) -> None:
        """Take a case out, if it is in."""
        self._closed.pop(case_id, None)
        case = self._open.pop(case_id, None)
        if case is None:
            return
        key = self._keys.pop(case_id)
        del self._order[bisect_left(self._order, key)]
        for email in case.associate.emails:
            keys = self._order_of[email]
            del keys[bisect_left(keys, key)]
            if not keys:
                del self._order_of[email]
