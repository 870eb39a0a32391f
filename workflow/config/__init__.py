"""The configuration: one TOML file -> one `Config`, or every fault at once (contract section 6).

`keys` declares each key, `faults` words what can be wrong. Nothing here connects to anything.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

from pydantic import ValidationError

from workflow.config.faults import Faults, KeyFault, cross_faults, place, secret_faults, worded
from workflow.config.keys import Config

__all__ = ["Config", "Faults", "load"]


def load(path: Path, *, rehearsal: bool = False) -> Config:
    """Read and check a configuration file.

    ``rehearsal`` stands for --speed or --clock, which are for loopback hosts only (section 7). Relative paths in the
    file are relative to the file. Raises `Faults` with all that is wrong, in the order of the file's sections.
    """
    raw = _read(path)
    base = path.resolve().parent
    faults = [*cross_faults(raw, base, rehearsal=rehearsal), *secret_faults(raw, base)]
    try:
        config = Config.model_validate(raw, context={"path": path, "base": base, "rehearsal": rehearsal})
    except ValidationError as error:
        faults += [worded(detail) for detail in error.errors(include_url=False)]
    if faults:
        raise Faults(path, dict.fromkeys(sorted(faults, key=place)))
    return config


def _read(path: Path) -> dict[str, object]:
    try:
        # Windows editors begin a file with a byte order mark, which TOML does not know.
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        advice = "there is no such file: copy config.example.toml there and fill it in, or name yours with --config"
        raise Faults(path, [KeyFault(str(path), advice)]) from None
    except OSError as error:
        raise Faults(path, [KeyFault(str(path), f"can't be read: {error.strerror}")]) from None
    except UnicodeDecodeError as error:
        number = error.object.count(b"\n", 0, error.start) + 1
        raise Faults(path, [KeyFault(f"line {number}", "is not UTF-8 text: save the file as UTF-8")]) from None
    except tomllib.TOMLDecodeError as error:
        what, _, where = str(error).partition(" (at ")
        line = where.partition(",")[0] if where.startswith("line") else "last line"
        raise Faults(path, [KeyFault(line, f"is not TOML: {what}")]) from None
