"""Why a file is no TOML, in the words of somebody who has never heard of TOML: what to write instead, and where.

The reader of the standard library says what it met, which is seldom what is wrong. Here the line is looked at, too.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from typing import Final

_CURLY: Final = re.compile(r"[“”„‟«»]|(?<!\w)[‘’‚]|[‘’](?!\w)")
"""Quotation marks of word processors; an apostrophe within a word is none."""

_PAIR: Final = re.compile(r"\s*([\w.-]+)\s*=\s*(.*?)\s*(?:#.*)?")
_LITERAL: Final = re.compile(r"(?:[\[{]\s*)*(true|false|yes|no|on|off)\b", re.IGNORECASE)
_OPEN_LIST: Final = "is not closed with ], or a comma is missing between two of its items"
_TWICE: Final = re.compile(r"Cannot declare \((.*)\) twice")


def place_of(error: str, text: str) -> str:
    """``line 7`` of what `tomllib` said."""
    found = re.search(r"\(at line (\d+)", error)
    return f"line {found[1]}" if found else f"line {len(text.rstrip().splitlines()) or 1}"


def why_no_toml(error: str, text: str) -> str:
    """What is wrong in the line that `tomllib` names in `error`, and what to write."""
    number = int(place_of(error, text).removeprefix("line "))
    lines = text.splitlines()
    line = lines[number - 1] if number <= len(lines) else ""
    advice = next((said for look in _LOOKS if (said := look(error, line))), "")
    what = error.partition(" (at ")[0]
    return f"is not TOML: {advice or what}"


def _stands_twice(error: str, line: str) -> str:
    if found := _TWICE.match(error):
        table = ".".join(re.findall(r"'([^']*)'", found[1]))
        if table == "associates":
            return "write [[associates]], in two brackets, above each associate"
        return f"[{table}] stands twice: put the keys of both below the first"
    if error.startswith("Cannot overwrite a value"):
        if "associates" in line:
            return "write [[associates]], in two brackets, above each associate, the first as well"
        return "this key stands twice in its table. If it is another associate's: write [[associates]] above it"
    return ""


def _quoted_wrongly(error: str, line: str) -> str:
    if _CURLY.search(line.partition("#")[0]):
        return 'these are curly quotes, as word processors make them: write straight ones ("), in a plain-text editor'
    if "Unescaped" in error or "Invalid hex" in error:
        return (
            "a backslash has a meaning of its own between double quotes: write the text in single ones, 'CLINIC\\dana'"
        )
    if "Unterminated string" in error or "Illegal character '\\n'" in error or error.startswith('Expected "\'"'):
        return "the quotation mark at the end of the text is missing"
    return ""


def _no_value(error: str, line: str) -> str:
    if (found := _PAIR.fullmatch(line)) is None:
        return ""
    if _is_toml(line):
        return f"a list above this line {_OPEN_LIST}"
    key, value = found.groups()
    if not value:
        return f'there is nothing behind {key} =: write a value, such as "", or remove the line'
    if "array" in error or value.count("[") > value.count("]"):
        return f"a list {_OPEN_LIST}"
    if said := _LITERAL.match(value):
        true = said[1].casefold() in {"true", "yes", "on"}
        return f"write {key} = {'true' if true else 'false'}, in small letters and without quotes"
    if value.startswith("["):
        return f'each item of a list stands in quotes, with a comma between: {key} = ["one", "two"]'
    if value.startswith(('"', "'")):
        return "something stands behind the text's closing quotation mark, or the mark stands too early"
    if re.fullmatch(r"[\d.]+\W*", value):
        return f"write {key} with the number alone, without anything behind it"
    return f'text stands in quotes: write {key} = "{value}"'


def _is_toml(line: str) -> bool:
    try:
        tomllib.loads(line)
    except tomllib.TOMLDecodeError:
        return False
    return True


def _no_pair(error: str, line: str) -> str:
    if "Unclosed array" in error:
        return f"a list above this line {_OPEN_LIST}"
    if line.lstrip().startswith("["):
        return "the name of a table stands in brackets, [clinic]; [[associates]] alone has two on either side"
    if "Expected '='" in error or "Invalid statement" in error:
        return 'each line is KEY = VALUE, with an equals sign, such as name = "Dana Lee"; a comment begins with #'
    return ""


_LOOKS: Final[tuple[Callable[[str, str], str], ...]] = (_stands_twice, _quoted_wrongly, _no_value, _no_pair)
