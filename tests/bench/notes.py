"""What a measured program tells the bench: a word and an instant a line, on standard output."""

from __future__ import annotations

import os
import time


def note(word: str) -> None:
    """Say that this happens now. One unbuffered write of a few bytes: measuring costs about 5 µs."""
    os.write(1, f"{word} {time.monotonic()}\n".encode("ascii"))
