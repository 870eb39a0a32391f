"""Cases by id, and the open ones of an associate without a look at all of them: a busy clinic has thousands.

A collection and nothing else: it decides nothing, and what is put into it is never changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from workflow.core.model import Case
from workflow.core.people import Person


class Cases(Mapping[str, Case]):
    """Open and perhaps closed cases by id. Whoever may `put` holds it, and hands out copies."""

    def __init__(self, cases: Iterable[Case] = ()) -> None:
        self._open: dict[str, Case] = {}
        self._closed: dict[str, Case] = {}
        self._under: dict[str, dict[str, Case]] = {}
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
        return _oldest_first(self._open)

    def of(self, associate: Person) -> list[Case]:
        """An associate's open cases, oldest first: those that were opened under any address of theirs."""
        known = [self._under[email] for email in associate.emails if email in self._under]
        return _oldest_first({case_id: case for some in known for case_id, case in some.items()})

    def beside(self, closed: Iterable[Case] = ()) -> Cases:
        """The same cases, whatever becomes of these here, and these closed ones."""
        both = Cases()
        both._open, both._under = self._open.copy(), self._under.copy()
        both._closed = {**self._closed, **{case.id: case for case in closed}}
        return both

    def put(self, case: Case) -> None:
        """Take a case in, in place of an older version of it."""
        if not case.open:
            self.drop(case.id)
            self._closed[case.id] = case
            return
        self._closed.pop(case.id, None)
        old = self._open.get(case.id)
        if old is not None and old.associate != case.associate:  # it was under other addresses
            self.drop(case.id)
        self._open[case.id] = case
        for email in case.associate.emails:
            self._under[email] = {**self._under.get(email, {}), case.id: case}

    def drop(self, case_id: str) -> None:
        """Take a case out, if it is in."""
        self._closed.pop(case_id, None)
        case = self._open.pop(case_id, None)
        for email in case.associate.emails if case is not None else ():
            self._under[email] = {known: other for known, other in self._under[email].items() if known != case_id}
            if not self._under[email]:
                del self._under[email]


def _oldest_first(cases: Mapping[str, Case]) -> list[Case]:
    """By when they were opened, as numbers, for times that were read from files take long to compare; those of one
    moment as they were put in: chance has no say in the order."""
    return sorted(cases.values(), key=lambda case: case.opened_at.timestamp())
