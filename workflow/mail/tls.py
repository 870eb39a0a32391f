"""Encryption as every connection of ours has it."""

from __future__ import annotations

import ssl
from functools import cache
from pathlib import Path


@cache
def verified(ca_file: Path | None) -> ssl.SSLContext:
    """TLS 1.2 or newer, the certificate verified, against `ca_file` alone if there is one. Raises OSError.

    Read once, since loading the system's authorities takes 20 ms, and again after `forget`.
    """
    context = ssl.create_default_context(cafile=ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def forget() -> None:
    """A handshake failed: the authorities may have been replaced on disk since they were read."""
    verified.cache_clear()
