"""One clinic: its configuration, store and clock in one object, and the adapters made from them. There are no globals.

A second clinic in the same process is a second `Clinic`. Decides nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import NamedTuple

import structlog

from workflow.clock import Clock
from workflow.config import Config
from workflow.core.owed import Scene
from workflow.core.rules import Rules
from workflow.counters import Counters
from workflow.ids import token
from workflow.logs import Repeated
from workflow.mail.writing.render import Letters
from workflow.store import Store

log = structlog.get_logger()


class Host(NamedTuple):
    """The node that serves a clinic, where that is one of many."""

    name: str
    tell: Callable[[str, str], None]
    """Tells the operator of a fault in a few words, and a text."""


@dataclass
class Clinic:
    """Everything that one clinic's daemon shares."""

    config: Config
    store: Store
    clock: Clock
    counters: Counters = field(default_factory=Counters)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held around gather, decide and commit, with no other await inside: one change of the state at a time."""
    refusal: Repeated = field(default_factory=Repeated)
    """Of the store, for the log."""
    host: Host | None = None
    """None: it is alone in its process, and its admins hear of everything."""

    def __post_init__(self) -> None:
        self.take(self.config)

    def take(self, config: Config) -> None:
        """Go by this configuration from now on. The store must be open: it knows the instance."""
        self.config = config
        self.rules: Rules = config.rules()
        own = config.letters
        self.letters = Letters(
            self.rules, instance=self.store.desk.instance, templates=own.templates, sms_link=own.sms_link
        )

    def scene(self, now: datetime, cause: str = "") -> Scene:
        """What is decided from; see `Scene` for `cause`."""
        desk = self.store.desk
        return Scene(self.rules, now, partial(token, desk.instance), cause=cause, marks=desk.marks)

    async def breathe(self, since: float) -> None:
        """Let the other clinics of this node have the loop for as long as this one had it since then, by its time."""
        if self.host is not None:
            await asyncio.sleep(asyncio.get_running_loop().time() - since)

    def tell_operator(self, fault: str, text: str) -> bool:
        """Whether there is one, who hears of it in place of the admins; text without anybody's name."""
        if self.host is not None:
            self.host.tell(fault, text)
        return self.host is not None

    def note_refusal(self) -> None:
        """The store failed, and is to be asked again: for the log, and for the auditor."""
        self.counters.refusals += 1
        if self.refusal.is_news("store"):
            log.error("the store refuses writes")
