"""Encryption as every connection of ours has it."""

from __future__ import annotations

import ssl
from pathlib import Path


def verified(ca_file: Path | None) -> ssl.SSLContext:
    """TLS 1.2 or newer, the certificate verified, against `ca_file` alone if there is one. Raises OSError."""
    context = ssl.create_default_context(cafile=ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
