"""The rows of a table as one test: a test for each row would cost many times what it asks."""

from __future__ import annotations

import functools
import inspect
import reprlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pytest

Check = Callable[..., None]

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
        @functools.wraps(check)
        def every_row(**fixtures: Any) -> None:
            failed = []
            for row in given:
                values = dict(zip(keys, row, strict=True))
                try:
                    check(**values, **fixtures)
                except (Exception, pytest.fail.Exception) as error:
                    shown = ", ".join(f"{key}={_SHOWN.repr(value)}" for key, value in values.items())
                    failed.append((f"{shown}\n{type(error).__name__}: {error}", error))
            if failed:
                listed = "\n\n".join(said for said, _ in failed)
                raise AssertionError(f"{len(failed)} of {len(given)} rows:\n\n{listed}") from failed[0][1]

        asked = inspect.signature(check)
        left = [parameter for name, parameter in asked.parameters.items() if name not in keys]
        every_row.__signature__ = asked.replace(parameters=left)  # type: ignore[attr-defined]  # pytest asks for these
        return every_row

    return one_test
