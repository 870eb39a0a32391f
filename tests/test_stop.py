"""SIGTERM in whatever phase: exit code 0 within 5 s, and what was not done is done at the next start (section 7).

The daemon is a process of its own on the embedded server, behind proxies that can fall silent.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pytest

from daemon import main
from tests.bench.mailboxes import names
from tests.configuration import configure
from tests.conversation import MAILBOX, PEOPLE
from tests.daemon_process import Daemon, status
from tests.in_time import header, letters, raw
from tests.scripted_imap import ScriptedImap
from tests.silent_proxy import SilentProxy
from tests.test_disk import mount, unmount
from tests.troubled_server import TroubledServer
from workflow.clock import SystemClock

pytestmark = pytest.mark.slow

DANA, ALEX = PEOPLE["dana"], PEOPLE["alex"]
WITHIN = 5.0


@dataclass
class Place:
    """Servers, the proxies before them, and a configuration that leads there."""

    server: TroubledServer
    imap: SilentProxy
    smtp: SilentProxy
    config: Path

    async def reports(self, *clients: str) -> None:
        for client in clients:
            await self.server.deliver(MAILBOX, raw(DANA, f"NOSHOW {client}"))

    async def letters(self, address: str, count: int) -> Counter[str]:
        """The kinds of somebody's letters, once so many have come; under one id each counts once."""
        return Counter(header(mail, "X-Promptly-Letter") for mail in await letters(self.server, address, count))


@asynccontextmanager
async def a_place(folder: Path, more: str = "") -> AsyncIterator[Place]:
    async with (
        TroubledServer() as server,
        SilentProxy(server.imap_port) as imap,
        SilentProxy(server.smtp_port) as smtp,
    ):
        config = configure(folder, more, mailbox={"port": imap.port}, smtp={"port": smtp.port}, digest={"at": ""})
        yield Place(server, imap, smtp, config)


Phase = Callable[[Place, Daemon], Awaitable[None]]


async def imap_never_greets(place: Place, daemon: Daemon) -> None:
    place.imap.fall_silent()
    async with asyncio.timeout(20):
        while not place.imap.connections:
            await asyncio.sleep(0.01)


async def watching(place: Place, daemon: Daemon) -> None:
    await daemon.has_logged("letter sent", 2)


async def imap_hangs_in_idle(place: Place, daemon: Daemon) -> None:
    await daemon.has_logged("ready")
    place.imap.fall_silent()


async def smtp_hangs_at_the_greeting(place: Place, daemon: Daemon) -> None:
    place.smtp.fall_silent()
    await daemon.has_logged("opened noshow")


async def smtp_hangs_at_mail(place: Place, daemon: Daemon) -> None:
    place.server.hang_smtp()
    await daemon.has_logged("opened noshow")


async def smtp_hangs_in_the_middle(place: Place, daemon: Daemon) -> None:
    await daemon.has_logged("letter sent")
    place.smtp.fall_silent()
    await place.reports("Kim")
    await daemon.has_logged("opened noshow", 2)


async def both_hang(place: Place, daemon: Daemon) -> None:
    place.server.hang_smtp()
    await daemon.has_logged("opened noshow")
    place.imap.fall_silent()
    place.smtp.fall_silent()


async def both_are_down(place: Place, daemon: Daemon) -> None:
    await daemon.has_logged("ready")
    await place.server.down_imap()
    await place.server.down_smtp()
    await daemon.has_logged("mailbox lost")


async def in_a_burst(place: Place, daemon: Daemon) -> None:
    await place.reports(*BURST)
    await daemon.has_logged("opened noshow", 20)


BURST = tuple(islice(names(), 60))


@pytest.mark.parametrize(
    "phase",
    [
        imap_never_greets,
        watching,
        imap_hangs_in_idle,
        smtp_hangs_at_the_greeting,
        smtp_hangs_at_mail,
        smtp_hangs_in_the_middle,
        both_hang,
        both_are_down,
        in_a_burst,
    ],
    ids=lambda phase: phase.__name__,
)
async def test_stopped_in_this_phase_it_loses_nothing(tmp_path: Path, phase: Phase) -> None:
    async with a_place(tmp_path) as place:
        if phase is imap_never_greets:
            place.imap.fall_silent()
        await place.reports("Sam")
        daemon = Daemon(place.config)
        await daemon.start()
        await phase(place, daemon)
        assert await daemon.stop() < WITHIN
        place.imap.speak()
        place.smtp.speak()
        place.server.resume_smtp()
        if phase is both_are_down:
            await place.server.up_imap()
            await place.server.up_smtp()
        await place.reports("Robin")
        again = Daemon(place.config)
        await again.start()
        cases = 2 + (phase is smtp_hangs_in_the_middle) + len(BURST) * (phase is in_a_burst)
        assert (await place.letters(DANA, cases))["draft"] == cases
        assert (await place.letters(ALEX, cases))["alert"] == cases
        async with asyncio.timeout(20):
            await place.server.wait_until_empty(MAILBOX)
        assert await again.stop() < WITHIN
        assert sum((await place.letters(DANA, 0)).values()) == cases, "each under one id"


async def test_stopped_on_a_full_disk_it_exits_in_good_order(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mount("-t", "tmpfs", "-o", "size=256k,mode=700", "tmpfs", str(small))
    try:
        async with a_place(tmp_path, more=f'[store]\nurl = "tinydb:{small}"\n') as place:
            daemon = Daemon(place.config)
            await daemon.start()
            await daemon.has_logged("ready")
            with (small / "ballast").open("wb", buffering=0) as ballast:
                while os.statvfs(small).f_bavail:
                    ballast.write(bytes(4096))
            await place.reports("Sam")
            await daemon.has_logged("the store refuses writes")
            assert await daemon.stop() < WITHIN
            again = Daemon(place.config)
            await again.start()
            await again.has_logged("ready")  # there is no room yet: it waits for it
            await again.has_logged("the store refuses writes")
            (small / "ballast").unlink()
            await place.letters(DANA, 1)
            await again.stop()
    finally:
        unmount(small)


@pytest.mark.parametrize(
    "command", ["AUTHENTICATE", "SELECT", "UID SEARCH", "UID FETCH 1 (INTER", "UID FETCH 1 (BODY", "UID MOVE", "DONE"]
)
async def test_stopped_while_imap_hangs_in_this_command(tmp_path: Path, command: str) -> None:
    async with a_place(tmp_path) as place, ScriptedImap() as imap:
        place.config.write_text(place.config.read_text().replace(str(place.imap.port), str(imap.port)))
        imap.put(raw(DANA, "NOSHOW Sam"), SystemClock().now())
        imap.refuse(command, "silence")
        if command == "DONE":
            imap.upon_idle = [lambda: imap.put(raw(DANA, "NOSHOW Kim"), SystemClock().now())]
            imap.with_plus = "* 2 EXISTS\r\n"
        daemon = Daemon(place.config)
        await daemon.start()
        async with asyncio.timeout(20):
            await imap.heard(command)
        assert await daemon.stop() < WITHIN
        cases = 2 if command == "DONE" else 1
        again = Daemon(place.config)
        await again.start()
        assert await place.letters(DANA, cases) == {"draft": cases}
        assert await place.letters(ALEX, cases) == {"alert": cases}
        async with asyncio.timeout(20):
            while len(imap.folders.get("Promptly", ())) < cases:
                await asyncio.sleep(0.01)
        assert await again.stop() < WITHIN


@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA", "after DATA"])
async def test_stopped_while_smtp_hangs_at_this_stage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    async with a_place(tmp_path) as place:
        name = f"handle_{stage.rsplit(maxsplit=1)[-1]}"
        goes_on = getattr(place.server, name)
        reached, freed = asyncio.Event(), asyncio.Event()

        async def hangs(*arguments: object) -> object:
            if stage != "after DATA":
                reached.set()
                await freed.wait()
            said = await goes_on(*arguments)
            reached.set()
            await freed.wait()
            return said

        monkeypatch.setattr(place.server, name, hangs)
        await place.reports("Sam")
        daemon = Daemon(place.config)
        await daemon.start()
        async with asyncio.timeout(20):
            await reached.wait()
        assert await daemon.stop() < WITHIN
        freed.set()
        again = Daemon(place.config)
        await again.start()
        assert await place.letters(DANA, 1) == {"draft": 1}
        assert await place.letters(ALEX, 1) == {"alert": 1}
        async with asyncio.timeout(20):
            await place.server.wait_until_empty(MAILBOX)
        assert await again.stop() < WITHIN


async def test_the_lock_never_misleads(tmp_path: Path) -> None:
    """Two at once, `status` in between, `kill -9` and an immediate start."""
    async with a_place(tmp_path) as place:
        daemon = Daemon(place.config)
        await daemon.start()
        await daemon.has_logged("ready")
        for _ in range(3):
            second = Daemon(place.config)
            await second.start()
            async with asyncio.TaskGroup() as both:
                ended = both.create_task(second.ends())
                shown = both.create_task(status(place.config))
            assert ended.result() == 3
            assert shown.result()["mailbox"]["connected"]
        for number in range(3):
            daemon.process.kill()
            shown_while_dead = asyncio.create_task(status(place.config))
            daemon = Daemon(place.config)
            await daemon.start()
            await place.reports(BURST[number])
            await place.letters(DANA, number + 1)
            await shown_while_dead
        assert await daemon.stop() < WITHIN
        assert not (await status(place.config))["mailbox"]["connected"]


def test_asked_to_stop_while_its_libraries_load(monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr("workflow.verbs.import_module", lambda name: signal.raise_signal(signal.SIGTERM))
    try:
        with pytest.raises(SystemExit) as ended:
            main(["run"])
    finally:
        signal.signal(signal.SIGTERM, before)
    assert ended.value.code == 0


async def test_asked_to_stop_while_it_starts(tmp_path: Path) -> None:
    async with a_place(tmp_path) as place:
        await place.reports("Sam")
        daemon = Daemon(place.config)
        await daemon.start()
        while not (tmp_path / "state" / "lock").exists():
            await asyncio.sleep(0.001)
        assert await daemon.stop() < WITHIN
        again = Daemon(place.config)
        await again.start()
        assert await place.letters(DANA, 1) == {"draft": 1}
        await again.stop()
