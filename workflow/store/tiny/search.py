"""The proof of an erasure: looks through every file of the state folder for what must not be there any more.

It knows nothing of what the files are for, so that a file which should not be there is looked at as well: copies, files
being written, what an editor left. It blocks.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import orjson

from workflow.core.privacy import name_pattern
from workflow.store import Found

_STAFF: Final = frozenset({"associate", "to", "by"})
"""Keys under which people of the clinic stand: a client may be called like one of them."""


def search(folder: Path, case_id: str, names: Iterable[str], texts: Iterable[str]) -> Found:
    """See `Store.search`; paths are relative to the folder. Raises OSError."""
    sought, pieces = name_pattern(names), tuple(texts)
    searched = 0
    of_case: list[str] = []
    of_others: list[str] = []
    for path in _files(folder):
        name = str(path.relative_to(folder))
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            continue
        searched += 1
        if case_id in path.name:
            of_case.append(name)
        elif any(
            (sought is not None and sought.search(said)) or any(piece in said for piece in pieces)
            for said in _said(data)
        ):
            is_case = path.parent.name == "open" or "closed" in path.parts
            (of_others if is_case and path.suffix == ".json" else of_case).append(name)
    return Found(searched, tuple(of_case), tuple(of_others))


def _files(folder: Path) -> Iterator[Path]:
    for place, _, names in os.walk(folder):
        for name in sorted(names):
            path = Path(place, name)
            if path != folder / "README.md" and path.is_file():  # the page of this folder in a checkout is not data
                yield path


def _said(data: bytes) -> Iterator[str]:
    """The texts of a JSON file, less those that name staff; any other file as it is."""
    try:
        yield from _texts(orjson.loads(data))
    except ValueError:
        yield data.decode("utf-8", "replace")


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for key, item in value.items():
                if key not in _STAFF:
                    yield from _texts(item)
        case list():
            for item in value:
                yield from _texts(item)
