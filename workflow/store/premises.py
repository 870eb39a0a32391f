"""Where many clinics are kept, and which of them are known: the other half of the port.

A clinic's state is a store by itself (`workflow.store`); premises say where each lies, what its file says, and which
nodes live. Whoever is outside asks `premises_at` for what lies at a URL. Not here: what a file means (`config.node`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Protocol

from workflow.store import Store


class Standing(Enum):
    WATCHED = "watched"
    HELD = "held"
    """Watched by nobody until it is released."""
    REMOVED = "removed"
    """Not watched any more; what it kept goes by its `[privacy]`."""


@dataclass(frozen=True, slots=True)
class Known:
    """A clinic that was made known, as it was last."""

    toml: str
    """Its file."""
    version: int
    """Rises with each change."""
    standing: Standing = Standing.WATCHED
    changed_at: datetime | None = None
    beside: str = ""
    """A sum over the files of its folder."""


@dataclass(frozen=True, slots=True)
class NodeNews:
    """What a node says of itself."""

    name: str
    pid: int
    since: datetime
    beat_at: datetime
    clinics: int
    """How many are at work there."""
    version: str
    unfit: Mapping[str, str] = field(default_factory=dict)
    """Clinics that it cannot serve, and why: keys of their files, no values."""


class Premises(Protocol):
    """One process's way to all clinics. Any call may raise `StoreError`.

    P1. **One holder.** What `claim` gives is held until it is closed, or this process dies; meanwhile a claim by
        another raises `Locked`.
    P2. **Whole.** What `configure` changes is known wholly or not at all, and nodes see it at their next beat.
    """

    def url_of(self, clinic: str) -> str:
        """Where the state of one lies, for `workflow.store`."""

    async def join(self) -> None:
        """Be a node here. Raises `Locked` where there may be no other, `Unreadable` for what cannot be used."""

    async def beat(self, news: NodeNews) -> int:
        """Say that this node lives. What is known has changed when the number is not that of the last beat."""

    async def leave(self) -> None:
        """Be a node no longer; what was claimed is closed by now."""

    async def claim(self, clinic: str) -> Store:
        """Its store, held. Raises `Locked` or `Unreadable`."""

    async def clinics(self) -> Mapping[str, Known]:
        """All that were made known, by name, in order."""

    async def configure(self, change: Callable[[dict[str, Known]], None]) -> None:
        """Let `change` edit what is known, in one transaction. Raises `NotCommitted`."""

    async def nodes(self) -> list[NodeNews]:
        """Those that live."""


def premises_at(url: str) -> Premises:
    from workflow.store.tiny.premises import TinyPremises

    return TinyPremises(url)
