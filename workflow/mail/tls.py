"""Encryption as every connection of ours has it."""

from __future__ import annotations

import os
import ssl
from pathlib import Path
from typing import Final

Version = tuple[tuple[int, int], ...]
"""Of each file and folder that authorities are read from: when it was last changed, in ns, and its inode."""

_READ: Final[dict[Path | None, tuple[Version, ssl.SSLContext]]] = {}


def verified(ca_file: Path | None) -> ssl.SSLContext:
    """TLS 1.2 or newer, the certificate verified, against `ca_file` alone if there is one. Raises OSError.

    One for all connections, since loading the system's authorities takes 20 ms and 900 KB; read anew once they have
    been replaced on disk.
    """
    version = tuple(_version(place) for place in _places(ca_file))
    if ca_file not in _READ or _READ[ca_file][0] != version:
        context = ssl.create_default_context(cafile=ca_file)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        _READ[ca_file] = version, context
    return _READ[ca_file][1]


def _places(ca_file: Path | None) -> list[Path | str]:
    if ca_file is not None:
        return [ca_file]
    system = ssl.get_default_verify_paths()
    return [place for place in (system.cafile, system.capath) if place is not None]


def _version(place: Path | str) -> tuple[int, int]:
    try:
        found = os.stat(place)  # noqa: PTH116 - it may be text
    except OSError:  # reading it says what is wrong
        return (0, 0)
    return found.st_mtime_ns, found.st_ino
