"""What `check` says of one part of the set-up: how it is, what is wrong, what to do. Words for the terminal alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

SAID_MOST = 160
"""Characters of a server's own words that are shown: enough for its reason, too few for a page of links."""


class Level(StrEnum):
    """How a part is. Only FAIL makes `check` exit with 1."""

    OK = "ok"
    WARN = "warn"
    FAIL = "FAIL"
    SKIPPED = "--"
    """Not tried, because a part before it failed."""


@dataclass(frozen=True, slots=True)
class Finding:
    part: str
    level: Level
    text: str
    """How it is; begins in lower case or with a name, and ends without a full stop."""
    advice: str = ""
    """What to do, in whole sentences; empty where there is nothing to do."""

    def __str__(self) -> str:
        said = f"{self.level:<5} {self.part}: {self.text}"
        return f"{said}. {self.advice}" if self.advice else said


Tell = Callable[[Finding], None]
"""Where a part says what it found, as soon as it is found."""


def ok(part: str, text: str) -> Finding:
    return Finding(part, Level.OK, text)


def warn(part: str, text: str, advice: str) -> Finding:
    return Finding(part, Level.WARN, text, advice)


def fail(part: str, text: str, advice: str) -> Finding:
    return Finding(part, Level.FAIL, text, advice)


def skipped(part: str, text: str) -> Finding:
    return Finding(part, Level.SKIPPED, text)


def some(found: Sequence[str], between: str = ", ") -> str:
    more = f" and {len(found) - 5} more" if len(found) > 5 else ""
    return f"{between.join(found[:5])}{more}"


def said(words: object) -> str:
    """A server's own words, or an error's, made fit for one line; "" for none."""
    text = words.decode(errors="replace") if isinstance(words, bytes) else str(words)
    text = re.sub(r"\bb(['\"])(.*?)\1", r"\2", text)  # imaplib shows bytes as Python writes them
    text = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    text = re.sub(r" \([\d.]+ \+ [\d. +]+ secs\)", "", text).rstrip(".")  # Dovecot tells how long it took
    return text if len(text) <= SAID_MOST else f"{text[:SAID_MOST]}..."


def noted(words: object) -> str:
    """The same in brackets, for what no server said: `` (timed out)``; "" for none."""
    text = said(words)
    return f" ({text})" if text else ""


def quoted(words: object) -> str:
    """The same as an addition to a text: `` (the server says: …)``; "" for none."""
    text = said(words)
    return f" (the server says: {text})" if text else ""
