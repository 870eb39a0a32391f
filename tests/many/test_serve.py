"""``serve`` as an operator runs it, a process of its own, with the verbs that look at its clinics."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.conversation import MAILBOX
from tests.daemon_process import PLAIN, Program, promptly
from tests.in_time import header, letters, raw
from tests.many.house import write_clinic, write_node
from tests.troubled_server import TroubledServer

pytestmark = pytest.mark.slow

DANA, ALEX = "dana@clinic.test", "admin@clinic.test"
IN_ORDER = 3.0
"""Seconds in which a node gives its clinics (contract-many, 2)."""


@dataclass
class Place:
    folder: Path
    file: Path
    riverside: TroubledServer
    hilltop: TroubledServer

    nodes: list[Program] = field(default_factory=list)

    async def node(self) -> Program:
        """One more, which does not outlive the test."""
        self.nodes.append(Program([*PLAIN, "serve", "--config", str(self.file)], self.folder))
        await self.nodes[-1].start()
        return self.nodes[-1]

    async def promptly(self, verb: str, *options: str, code: int = 0) -> str:
        found, out, err = await promptly(self.file, verb, *options)
        assert found == code, err
        return out

    async def clinics(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(await self.promptly("clinics", "--json"))
        return found


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    file = write_node(tmp_path)
    async with TroubledServer() as riverside, TroubledServer() as hilltop:
        for name, server in (("riverside", riverside), ("hilltop", hilltop)):
            write_clinic(tmp_path, name, server.imap_port, server.smtp_port)
        place = Place(tmp_path, file, riverside, hilltop)
        yield place
        for node in place.nodes:
            if node.process.returncode is None:
                await node.kill()


async def test_a_node_serves_what_is_applied_until_sigterm(place: Place) -> None:
    node = await place.node()
    await node.logs("ready")
    await place.promptly("apply", str(place.folder / "clinics.d"))
    await node.has_logged("mailbox connected", 2)
    await place.riverside.deliver(MAILBOX, raw(DANA, "NOSHOW Sam"))
    await place.hilltop.deliver(MAILBOX, raw(DANA, "LATE 15 Kim"))
    for server in (place.riverside, place.hilltop):
        assert [header(mail, "X-Promptly-Letter") for mail in await letters(server, DANA, 1)] == ["draft"]
        assert [header(mail, "X-Promptly-Letter") for mail in await letters(server, ALEX, 1)] == ["alert"]
    opened = {line["clinic"]: line["event"] for line in node.log if line["event"].startswith("opened")}
    assert opened == {"riverside": "opened noshow", "hilltop": "opened late"}
    assert all("Sam" not in str(line) and "clinic.test" not in str(line) for line in node.log)

    found = await place.clinics()
    assert {one["name"]: (one["holder"], one["open"], one["connected"]) for one in found["clinics"]} == {
        "riverside": ("north", 1, True),
        "hilltop": ("north", 1, True),
    }
    async with asyncio.timeout(10):  # a node says each second how many it has
        while [(one["name"], one["clinics"]) for one in (await place.clinics())["nodes"]] != [("north", 2)]:
            await asyncio.sleep(0.1)
    shown = json.loads(await place.promptly("status", "--json", "--clinic", "riverside"))
    (case,) = shown["open"]
    assert (case["kind"], shown["mailbox"]["connected"]) == ("noshow", True)
    counted = json.loads(await place.promptly("status", "--json", "--all"))["clinics"]
    assert {one["name"]: one["open"] for one in counted} == {"riverside": 1, "hilltop": 1}
    assert "Sam" in await place.promptly("show", case["case"], "--clinic", "riverside")
    await place.promptly("show", case["case"], "--clinic", "hilltop", code=2)
    assert await place.promptly("check", "--quick", "--all")
    checked = json.loads(await place.promptly("check", "--all", "--json"))
    assert {one["name"]: one["failing"] for one in checked["clinics"]} == {"riverside": [], "hilltop": []}
    assert "Sam" in await place.promptly("export", case["case"], "--clinic", "riverside")
    assert json.loads(await place.promptly("report", "--json", "--clinic", "hilltop"))["all"]["cases"] == 1
    assert "is erased" in await place.promptly("erase", case["case"], "--yes", "--clinic", "riverside")
    await place.promptly("status", "--clinic", "elsewhere", code=2)

    second = await place.node()
    assert await second.ends() == 3
    assert await node.stop() < IN_ORDER
    found = await place.clinics()
    assert found["nodes"] == []
    assert found["orphans"] == ["hilltop", "riverside"]
    await place.promptly("check", "--quick", "--all", code=1)


async def test_a_node_that_is_killed_loses_nothing(place: Place) -> None:
    await place.promptly("apply")
    node = await place.node()
    await node.has_logged("mailbox connected", 2)
    await place.riverside.deliver(MAILBOX, raw(DANA, "NOSHOW Sam"))
    await letters(place.riverside, DANA, 1)
    await node.kill()
    await place.riverside.deliver(MAILBOX, raw(DANA, "NOSHOW Kim"))
    again = await place.node()
    await letters(place.riverside, DANA, 2)
    async with asyncio.timeout(20):
        await place.riverside.wait_until_empty(MAILBOX)
    shown = json.loads(await place.promptly("status", "--json", "--clinic", "riverside"))
    assert len(shown["open"]) == 2
    assert await again.stop() < IN_ORDER


async def test_a_file_of_a_node_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    code, _, err = await promptly(tmp_path / "promptly.toml", "serve")
    assert code == 2
    assert "node.example.toml" in err
