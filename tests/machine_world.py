"""What is around the machine's daemon: a configuration, mails, a mail server with a vocabulary, chance, power."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from tests.configuration import configure
from workflow.config import Config, load
from workflow.core.mail import Place
from workflow.mail.imap.mailbox import Fetched
from workflow.mail.smtp.outbox import Attempt, Result

MAILBOX, DANA, RAVI, ALEX = "clinic@clinic.test", "dana@clinic.test", "ravi@clinic.test", "admin@clinic.test"

Found = TypeVar("Found")


class KnownChance:
    """An instance, from which all ids follow, that is the same in each repetition of a game."""

    def __init__(self) -> None:
        self._chance = random.Random(7)

    def token_hex(self, length: int) -> str:
        return self._chance.randbytes(length).hex()


def lying(place: Place, arrived_at: datetime, raw: bytes) -> Fetched:
    """A mail in the clinic's folder."""
    return Fetched(place, arrived_at, len(raw), raw, whole=True)


@dataclass(frozen=True)
class Written:
    """What somebody wrote, for the model."""

    message_id: str
    words: str
    case: str | None = None
    """None: a report."""

    @property
    def word(self) -> str:
        return self.words.partition(" ")[0]

    @property
    def text(self) -> str:
        return self.words.partition(" ")[2]


@dataclass
class MailServer:
    """An outbox with a vocabulary: up or down, refusing for now, taking a letter and hanging up, and being slow."""

    taken: Callable[[bytes, str], Awaitable[None]]
    boundary: Callable[[str], None]
    is_up: bool = True
    refuses: dict[str, int] = field(default_factory=dict)
    answers_lost: int = 0
    before_a_reminder: Callable[[bytes], Awaitable[None]] | None = None
    """What happens while the next reminder waits for its turn at the server."""

    async def send(self, raw: bytes, *, sender: str, recipient: str, still_wanted: Callable[[], bool]) -> Attempt:
        assert sender == MAILBOX
        self.boundary("before-send")
        if not self.is_up:
            return Attempt(Result.UNREACHABLE, None, "connection refused")
        if (happens := self.before_a_reminder) is not None and header(raw, "X-Promptly-Letter") == "reminder":
            self.before_a_reminder = None
            await happens(raw)
        if not still_wanted():
            return Attempt(Result.WITHDRAWN)
        if self.refuses.get(recipient, 0) > 0:
            self.refuses[recipient] -= 1
            return Attempt(Result.TEMPORARY, 451, "RCPT 451")
        await self.taken(raw, recipient)
        self.boundary("after-send")
        if self.answers_lost > 0:
            self.answers_lost -= 1
            return Attempt(Result.UNREACHABLE, None, "DATA: connection lost")
        return Attempt(Result.ACCEPTED, 250, "accepted")


@cache
def configuration() -> Config:
    with tempfile.TemporaryDirectory() as folder:
        return load(configure(Path(folder), clinic={"lead": "lead@clinic.test"}))


def header(raw: bytes, name: str) -> str:
    """A header of a letter of ours; "" without it."""
    lines = raw.decode("ascii").partition("\r\n\r\n")[0].split("\r\n")
    return next((line.partition(": ")[2] for line in lines if line.startswith(f"{name}: ")), "")


def at_once(work: Coroutine[Any, Any, Found]) -> Found:
    """The result of what never waits: a store in a folder does not."""
    try:
        work.send(None)
    except StopIteration as done:
        found: Found = done.value
        return found
    raise AssertionError("it waited")
