"""Several clinics on one node, in one process: each a conversation of its own, on mail servers of its own.

async with House(tmp_path) as house:
    async with house.clinic("riverside") as riverside, house.clinic("hilltop") as hilltop:
        await house.applies()
        await riverside.dana.writes("LATE 15 Sam")
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import daemon
from tests import configuration
from tests.conversation import TWO_O_CLOCK, Clinic
from tests.in_time import happens
from tests.movable_clock import MovableClock
from tests.troubled_server import TroubledServer
from workflow.config.node import load_node
from workflow.node import Node
from workflow.practice import Practice
from workflow.share import Share
from workflow.store.premises import premises_at

OPERATOR = "operator@provider.test"


def write_node(folder: Path, more: str = "") -> Path:
    """A node's file, with the folders that it names."""
    for name in ("clinics.d", "secrets"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    file = folder / "promptly.toml"
    file.write_text(f'[store]\nurl = "tinydb:clinics/"\n[node]\nname = "north"\n{more}')
    return file


def write_clinic(folder: Path, name: str, imap_port: int, smtp_port: int, more: str = "", **tables: Any) -> Path:
    """A clinic's file, and the secret that it names."""
    secrets = folder / "secrets" / name
    secrets.mkdir(exist_ok=True)
    configuration.write_password(secrets / "password")
    keys: dict[str, Mapping[str, object]] = {
        "mailbox": {"port": imap_port, "password_file": f"../secrets/{name}/password"},
        "smtp": {"port": smtp_port},
        "digest": {"at": "", "month": False},
    }
    merged = {table: {**keys.get(table, {}), **tables.get(table, {})} for table in {**keys, **tables}}
    file = folder / "clinics.d" / f"{name}.toml"
    file.write_text(configuration.text(more, **merged))
    return file


class Served(Clinic):
    """A clinic of the house. It is written down when it is entered, and served once it was applied."""

    def __init__(self, house: House, name: str, **tables: Any) -> None:
        super().__init__(house.folder)
        self.house = house
        self.name = name
        self.clock = house.clock
        self._tables = tables

    async def __aenter__(self) -> Self:
        self._stack = AsyncExitStack()
        self.server = await self._stack.enter_async_context(TroubledServer())
        self.running = self.house.running
        self.writes_file()
        return self

    def writes_file(self, more: str = "", **tables: Any) -> None:
        imap, smtp = self.server.imap_port, self.server.smtp_port
        self.config_file = write_clinic(self.house.folder, self.name, imap, smtp, more, **{**self._tables, **tables})

    async def stops(self) -> None:
        """The house does that."""

    @property
    def practice(self) -> Practice:
        return self.house.node.practices[self.name]

    async def is_served(self) -> None:
        """Until its mailbox is watched."""
        await happens(lambda: self.name in self.house.node.practices and self.practice.ready.is_set())
        self.service, self.store = self.practice, self.practice.clinic.store
        await self.settled()


class House:
    """A node in this process, on a movable clock."""

    def __init__(self, folder: Path, more: str = "") -> None:
        self.folder = folder
        self.clock = MovableClock(TWO_O_CLOCK)
        self.file = write_node(folder, more)

    async def __aenter__(self) -> Self:
        await self.starts()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stops()

    async def starts(self) -> None:
        config = load_node(self.file)
        self.premises = premises_at(config.store.url)
        await self.premises.join()
        self.node = Node(listen=config.health.listen)
        self.share = Share(self.node, self.premises, config, self.clock)
        self.running = asyncio.create_task(self.node.run(self.share.run()))
        await self.node.ready.wait()

    async def stops(self) -> None:
        self.node.stop()
        await self.running
        await self.premises.leave()

    def clinic(self, name: str, **tables: Any) -> Served:
        return Served(self, name, **tables)

    async def applies(self, *options: str) -> int:
        """``apply``, as an operator runs it beside the node; its exit code."""
        return await self.promptly("apply", *options)

    async def promptly(self, verb: str, *options: str) -> int:
        return await asyncio.to_thread(daemon.main, [verb, "--config", str(self.file), *options])

    async def serves(self, *clinics: Served) -> None:
        """Until these, and no others, are served."""
        names = {clinic.name for clinic in clinics}
        await happens(lambda: self.node.practices.keys() == names)
        for clinic in clinics:
            await clinic.is_served()

    async def does(self, holds: Callable[[], bool]) -> None:
        await happens(holds)

    def loses_secrets_of(self, name: str) -> None:
        shutil.rmtree(self.folder / "secrets" / name)
