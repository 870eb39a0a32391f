"""The rows of a table as one test: a test for each row would cost many times what it asks."""

from __future__ import annotations

import functools
import inspect
import reprlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import pytest

Check = Callable[..., Any]

_SHOWN = reprlib.Repr()
_SHOWN.maxstring = _SHOWN.maxother = 120


def each(names: str | Sequence[str], rows: Iterable[Any]) -> Callable[[Check], Check]:
    """As ``pytest.mark.parametrize``, in one test, which checks every row and lists all that fail.

    Fixtures are the same ones for all rows.
    """
    keys: list[str] = [names] if isinstance(names, str) else list(names)
    given = [(row,) if isinstance(names, str) else tuple(row) for row in rows]
    assert given, "a table without rows proves nothing"

    def one_test(check: Check) -> Check:
        def values_of(row: tuple[Any, ...]) -> dict[str, Any]:
            return dict(zip(keys, row, strict=True))

        @functools.wraps(check)
        def every_row(*instance: Any, **fixtures: Any) -> None:
            failed = _Failed()
            for row in given:
                with failed.kept(values_of(row)):
                    check(*instance, **values_of(row), **fixtures)
            failed.tell(len(given))

        @functools.wraps(check)
        async def every_row_awaited(*instance: Any, **fixtures: Any) -> None:
            failed = _Failed()
            for row in given:
                with failed.kept(values_of(row)):
                    await check(*instance, **values_of(row), **fixtures)
            failed.tell(len(given))

        made: Any = every_row_awaited if inspect.iscoroutinefunction(check) else every_row
        asked = inspect.signature(check)
        left = [parameter for name, parameter in asked.parameters.items() if name not in keys]
        made.__signature__ = asked.replace(parameters=left)  # pytest asks for these
        return cast(Check, made)

    return one_test


class _Failed:
    """The rows that failed."""

    def __init__(self) -> None:
        self._rows: list[tuple[str, BaseException]] = []

    @contextmanager
    def kept(self, values: dict[str, Any]) -> Iterator[None]:
        try:
            yield
        except (Exception, pytest.fail.Exception) as error:
            shown = ", ".join(f"{key}={_SHOWN.repr(value)}" for key, value in values.items())
            self._rows.append((f"{shown}\n{type(error).__name__}: {error}", error))

    def tell(self, of: int) -> None:
        if self._rows:
            listed = "\n\n".join(said for said, _ in self._rows)
            raise AssertionError(f"{len(self._rows)} of {of} rows:\n\n{listed}") from self._rows[0][1]
