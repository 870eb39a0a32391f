"""The configuration: one TOML file -> one `Config`, or every fault at once (contract section 6).

`keys` declares each key, `faults` words what can be wrong. Nothing here connects to anything.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError

from workflow.config.faults import Faults, KeyFault, cross_faults, place, secret_faults, worded
from workflow.config.grammar import place_of, why_no_toml
from workflow.config.keys import Config, Privacy, StoreKeys, handed_over, read_zone

__all__ = ["Config", "Faults", "Seen", "load", "look"]


@dataclass(frozen=True, slots=True)
class Seen:
    """What a verb goes by that only looks at the state, and that a fault elsewhere in the file must not silence."""

    url: str
    zone: str
    client_name: str
    faults: Faults | None


def load(path: Path, *, rehearsal: bool = False, secrets: bool = True) -> Config:
    """Read and check a configuration file.

    ``rehearsal`` stands for --speed or --clock, which are for loopback hosts only (section 7). Without ``secrets`` none
    is read or asked for: erasing a case needs no password. Relative paths in the file are relative to the file. Raises
    `Faults` with all that is wrong, in the order of the file's sections.
    """
    base = path.resolve().parent
    return validated(read_file(path), path, base, rehearsal=rehearsal, secrets=secrets)


def validated(
    raw: dict[str, object],
    path: Path,
    base: Path,
    *,
    rehearsal: bool = False,
    secrets: bool = True,
    more: Iterable[KeyFault] = (),
    credential: Callable[[Path], Path] = handed_over,
) -> Config:
    """What a file says, checked; `path` is the file's name for whoever mends it, `more` are faults found before.

    ``credential``: where the secret lies that is written as this path. Raises `Faults`.
    """
    faults = [*more, *cross_faults(raw, base, rehearsal=rehearsal)]
    faults += secret_faults(raw, base, credential) if secrets else ()
    context = {"path": path, "base": base, "rehearsal": rehearsal, "raw": raw, "credential": credential}
    try:
        config = Config.model_validate(raw, context=context)
    except ValidationError as error:
        faults += [worded(detail) for detail in error.errors(include_url=False)]
    if faults:
        raise Faults(path, dict.fromkeys(sorted(faults, key=place)))
    return config


def look(path: Path) -> Seen:
    """The three keys that looking takes, out of a file that may have faults elsewhere; no secret is read.

    What is faulty among them is as if left out: times in UTC, first names alone. Raises `Faults` where it can't be
    told which state is meant.
    """
    try:
        config = load(path, secrets=False)
        return Seen(config.store.url, config.clinic.timezone, config.privacy.client_name, None)
    except Faults as found:
        faults = found
    try:
        text = path.read_text(encoding="utf-8-sig")
        raw = _tables_that_can_be_read(text)
        if "store" not in raw and re.search(r"^\W*(store|url)\b", text, re.MULTILINE):
            raise faults  # it is there, and can't be read: another folder than the daemon's would be looked at
        url = StoreKeys.model_validate(raw.get("store", {}), context={"base": path.resolve().parent}).url
    except (OSError, ValueError):  # UnicodeDecodeError and ValidationError are ValueErrors
        raise faults from None
    zone, client_name = _key(raw, "clinic", "timezone"), _key(raw, "privacy", "client_name")
    try:
        zone = read_zone(zone)
    except ValueError:
        zone = "UTC"
    ways = get_args(Privacy.model_fields["client_name"].annotation)
    return Seen(url, zone, str(client_name) if client_name in ways else ways[0], faults)


def _tables_that_can_be_read(text: str) -> dict[str, Any]:
    """The file's tables, each by itself, so that one that is no TOML hides no other."""
    found: dict[str, Any] = {}
    for part in re.split(r"^(?=[ \t]*\[)", text, flags=re.MULTILINE):
        with suppress(tomllib.TOMLDecodeError):
            found = {**tomllib.loads(part), **found}
    return found


def _key(raw: dict[str, Any], table: str, key: str) -> object:
    found = raw.get(table)
    return found.get(key) if isinstance(found, dict) else None


def read_file(path: Path, example: str = "config.example.toml") -> dict[str, object]:
    """What a file says, not checked. Raises `Faults` where it is no TOML, or not there."""
    return parse(read_text(path, example), path)


def read_text(path: Path, example: str = "config.example.toml") -> str:
    try:
        # Windows editors begin a file with a byte order mark, which TOML does not know.
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        advice = f"there is no such file: copy {example} there and fill it in, or name yours with --config"
        raise Faults(path, [KeyFault(str(path), advice)]) from None
    except OSError as error:
        raise Faults(path, [KeyFault(str(path), f"can't be read: {error.strerror}")]) from None
    except UnicodeDecodeError as error:
        number = error.object.count(b"\n", 0, error.start) + 1
        raise Faults(path, [KeyFault(f"line {number}", "is not UTF-8 text: save the file as UTF-8")]) from None


def parse(text: str, path: Path) -> dict[str, object]:
    """The same of its text."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        fault = KeyFault(place_of(str(error), text), why_no_toml(str(error), text))
        raise Faults(path, [fault]) from None
