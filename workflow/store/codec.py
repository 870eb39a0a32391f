"""Cases and the desk as JSON, and back. Not here: files (`atomic`), and what the files are for (`tiny`).

Writing is orjson's own treatment of dataclasses, reading is a pydantic validator over the very dataclasses of
`core.model`: one definition of a case, no second schema to keep in step. Measured for a case of 6 letters (16 KB): 0.06
ms to write, 0.1 ms to read. Times are ISO 8601 with their offset, durations ISO 8601 (``PT5M``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import datetime, timedelta
from functools import cache, lru_cache
from typing import Any, Final, TypeVar, cast

import orjson
from pydantic import TypeAdapter, ValidationError
from pydantic_core import SchemaValidator, to_jsonable_python

from workflow.core.model import Case, Letter
from workflow.store import Desk

FORMAT: Final = 1
"""The version written into each file. A file of a later one is refused: half understood is worse than not read."""

STEPS: Final[dict[int, Callable[[str, dict[str, Any]], dict[str, Any]]]] = {}
"""From each earlier version to the next: what makes of a table's name (`case` or `desk`) and its document the document
of the version after. Whoever raises `FORMAT` adds the step here; `migrate` rewrites the files with it."""

T = TypeVar("T")

_LAYOUT: Final = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE | orjson.OPT_NAIVE_UTC
"""Indented, for people. NAIVE_UTC: a time without a zone would make its file unreadable later; ours mean UTC."""


class Broken(ValueError):
    """What was read is no case, or no desk. The text says where, without any of the content."""


class Newer(Broken):
    """Written by a later version of Promptly."""


@dataclass(frozen=True, slots=True)
class Filed:
    """What one case's file holds: the case, and what was decided together with it without being of it."""

    case: Case
    committed_at: datetime
    """The `now` of the last commit."""
    beside: tuple[Letter, ...] = ()
    """Letters without a case from decisions about this case, so that such a decision is one replacement of one file."""
    keys: Mapping[str, datetime] = field(default_factory=dict)
    """Likewise, content keys that the case itself does not list."""

    @property
    def letters(self) -> tuple[Letter, ...]:
        return self.case.letters + self.beside


def document(value: Filed | Desk) -> dict[str, Any]:
    """The one TinyDB document of a file: the format, then the fields. Shares its values; only to be written."""
    return {"format": FORMAT, **{part.name: getattr(value, part.name) for part in fields(value)}}


def check_format(found: Mapping[str, Any]) -> None:
    """Raise `Newer` or `Broken` unless the document has a format that this version reads."""
    version = found.get("format")
    if not isinstance(version, int) or version < 1:
        raise Broken("no format version")
    if version > FORMAT:
        raise Newer(f"format {version}, this version reads up to {FORMAT}")


def current(table: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
    """The document as this version has it, brought up through `STEPS` where it is older. Raises `Newer` or `Broken`."""
    check_format(found)
    while (version := found["format"]) < FORMAT:
        try:
            found = {**STEPS[version](table, dict(found)), "format": version + 1}
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Broken(f"format {version} could not be brought up: {type(error).__name__}") from None
    return found


def encode(tables: Mapping[str, Any]) -> bytes:
    """Tables as indented JSON. Never fails over text: lone surrogates, which no UTF-8 can hold, become ``?``."""
    try:
        return orjson.dumps(tables, _plain, _LAYOUT)
    except TypeError:  # what orjson raises for them; rare, so the slow way is taken only then
        return orjson.dumps(_cleaned(tables), _plain, _LAYOUT)


def as_written(text: str) -> bytes:
    """A piece of text as it stands within a file: what to look for there."""
    return orjson.dumps(text.encode("utf-8", "replace").decode())[1:-1]


def decode(data: bytes) -> dict[str, dict[str, Any]]:
    """Tables from JSON. Raises ValueError when it is none, or does not hold tables."""
    tables = orjson.loads(data)
    if not isinstance(tables, dict) or not all(isinstance(table, dict) for table in tables.values()):
        raise Broken("not a TinyDB file")
    return tables


def _plain(value: object) -> object:
    """What orjson does not know by itself."""
    match value:
        case timedelta():
            return _duration(value)
        case Mapping():
            return dict(value)
        case _:
            raise TypeError(f"{type(value).__name__} cannot be stored")


@lru_cache(maxsize=64)  # each case holds the schedule that it was opened with
def _duration(value: timedelta) -> object:
    return to_jsonable_python(value)


def _cleaned(value: object) -> object:
    match value:
        case str():
            return value.encode("utf-8", "replace").decode("utf-8")
        case Mapping():
            return {_cleaned(key): _cleaned(item) for key, item in value.items()}
        case tuple() | list():
            return [_cleaned(item) for item in value]
        case _ if is_dataclass(value):
            return {part.name: _cleaned(getattr(value, part.name)) for part in fields(value)}
        case _:
            return value


def read(kind: type[T], found: Mapping[str, Any]) -> T:
    """The case or the desk of a document. Raises `Broken`."""
    check_format(found)
    try:
        value: T = _validator(cast("type", kind)).validate_python(found)  # mypy takes not every type for hashable
        return value
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        # never the message or the input: both may quote what somebody wrote
        raise Broken(f"{'.'.join(str(step) for step in first['loc'])}: {first['type']}") from None


@cache
def _validator(kind: type) -> SchemaValidator:
    """Pydantic's, but refusing times without a zone: each comparison with `now` would raise."""
    schema = TypeAdapter(kind).core_schema
    _demand_zones(schema)
    return SchemaValidator(schema)


def _demand_zones(schema: Any) -> None:
    match schema:
        case {"type": "datetime"}:
            schema["tz_constraint"] = "aware"
        case dict():
            for part in schema.values():
                _demand_zones(part)
        case list() | tuple():
            for part in schema:
                _demand_zones(part)
