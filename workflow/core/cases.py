"""Cases by id, and the open ones of an associate without a look at all of them: a busy clinic has thousands.

A collection and nothing else: it decides nothing, and what is put into it is never changed.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from itertools import count

from workflow.core.model import Case, Person

_Key = tuple[float, int, str]
"""When a case was opened (a number, for times that were read from files take long to compare), as the how many-eth it
was put in, and its id: chance has no say in the order."""


class _InOrder:
    """Open cases, oldest first. They are kept in this order, so that no mail has to sort or look up thousands."""

    def __init__(self, keys: Iterable[_Key] = (), cases: Iterable[Case] = ()) -> None:
        self.keys = list(keys)
        self.cases = list(cases)

    def copy(self) -> _InOrder:
        return _InOrder(self.keys, self.cases)

    def put(self, key: _Key, case: Case) -> None:
        place = bisect_left(self.keys, key)
        self.keys.insert(place, key)
        self.cases.insert(place, case)

    def drop(self, key: _Key) -> None:
        place = bisect_left(self.keys, key)
        del self.keys[place], self.cases[place]


class Cases(Mapping[str, Case]):
    """Open and perhaps closed cases by id. Whoever may `put` holds it, and hands out copies."""

    def __init__(self, cases: Iterable[Case] = ()) -> None:
        self._open: dict[str, Case] = {}
        self._closed: dict[str, Case] = {}
        self._numbers = count()
        self._keys: dict[str, _Key] = {}
        self._all = _InOrder()
        self._under: dict[str, _InOrder] = {}
        """Those that were opened under each address: few each, and replaced, not changed, for copies share them."""
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
        return list(self._all.cases)

    def of(self, associate: Person) -> list[Case]:
        """An associate's open cases, oldest first: those that were opened under any address of theirs."""
        known = [self._under[email] for email in associate.emails if email in self._under]
        if all(other.keys == known[0].keys for other in known[1:]):
            return list(known[0].cases) if known else []
        return [self._open[case_id] for _, _, case_id in sorted({key for some in known for key in some.keys})]

    def beside(self, closed: Iterable[Case] = ()) -> Cases:
        """The same cases, whatever becomes of these here, and these closed ones."""
        both = Cases()
        both._open, both._all, both._under = self._open.copy(), self._all.copy(), self._under.copy()
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
        key = self._keys[case.id] = (case.opened_at.timestamp(), number, case.id)
        self._all.put(key, case)
        for email in case.associate.emails:
            self._theirs_anew(email).put(key, case)

    def drop(self, case_id: str) -> None:
        """Take a case out, if it is in."""
        self._closed.pop(case_id, None)
        case = self._open.pop(case_id, None)
        if case is None:
            return
        key = self._keys.pop(case_id)
        self._all.drop(key)
        for email in case.associate.emails:
            self._theirs_anew(email).drop(key)
            if not self._under[email].keys:
                del self._under[email]

    def _theirs_anew(self, email: str) -> _InOrder:
        self._under[email] = theirs = self._under[email].copy() if email in self._under else _InOrder()
        return theirs
