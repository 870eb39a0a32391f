"""A mail that ends the process twice is set aside unread; what lies before and behind it is handled (contract 8.4).

The daemon is a process of its own on the tests' server, and dies by SIGKILL when it reads such a mail.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.configuration import configure
from tests.conversation import MAILBOX, PEOPLE, Clinic
from tests.daemon_process import POISONED, ROOT, Daemon
from tests.in_time import header, letters, raw
from tests.store.tiny_bench import kill
from tests.troubled_server import TroubledServer
from workflow.core.mail import Place
from workflow.store.tiny import atomic
from workflow.store.tiny.store import TinyStore

DANA, ALEX = PEOPLE["dana"], PEOPLE["alex"]


@asynccontextmanager
async def a_server(folder: Path) -> AsyncIterator[tuple[TroubledServer, Path]]:
    """An embedded server, and a configuration for it."""
    async with TroubledServer() as server:
        yield server, configure(folder, mailbox={"port": server.imap_port}, smtp={"port": server.smtp_port})


async def dies(config: Path) -> None:
    daemon = Daemon(config, program=POISONED)
    await daemon.start()
    assert await daemon.ends() == -9


async def kinds(server: TroubledServer, address: str) -> list[str]:
    """Each letter once: one whose acceptance a death left unrecorded goes again, under the same Message-ID."""
    mails = {header(mail, "Message-ID"): mail for mail in await server.messages(address)}
    return sorted(header(mail, "X-Promptly-Letter") for mail in mails.values())


@pytest.mark.slow
async def test_a_mail_that_ends_the_process_twice_is_set_aside_unread(tmp_path: Path) -> None:
    async with a_server(tmp_path) as (server, config):
        await server.deliver(MAILBOX, raw("someone@elsewhere.test", "Hello"))  # stays, and is looked at in each life
        await server.deliver(MAILBOX, raw(DANA, "NOSHOW Sam"))
        await server.deliver(MAILBOX, raw(DANA, "deadly"))
        await server.deliver(MAILBOX, raw(DANA, "NOSHOW Kim"))
        await dies(config)
        await dies(config)
        async with Daemon(config, program=POISONED), asyncio.timeout(20):
            (aside,) = await server.wait_for(MAILBOX, 1, "Promptly/Set aside")
            assert b"deadly" in aside.raw
            await letters(server, DANA, 2)
            await server.wait_for(MAILBOX, 2, "Promptly")
            while await kinds(server, ALEX) != ["alert", "alert", "notice"]:
                await asyncio.sleep(0.05)
        assert await kinds(server, DANA) == ["draft", "draft"]
        assert len(await server.messages(MAILBOX)) == 1


# --- what is remembered of a mail in hand -----------------------------------------------------------------

DEADLY, HARMLESS = Place(1, 7), Place(1, 3)


async def opened(folder: Path) -> TinyStore:
    store = TinyStore(folder)
    await store.open()
    return store


async def death_with(folder: Path, *taken: Place) -> None:
    """A life that dealt with each mail but the last, and died with that in hand."""
    store = await opened(folder)
    for place in taken[:-1]:
        await store.take_in_hand(place)
        await store.put_down()
    await store.take_in_hand(taken[-1])
    kill(store)


async def test_a_harmless_mail_read_before_it_in_each_life_does_not_hide_a_deadly_one(tmp_path: Path) -> None:
    for _ in (1, 2):
        await death_with(tmp_path, HARMLESS, DEADLY)
    store = await opened(tmp_path)
    assert (await store.hand_count(DEADLY), await store.hand_count(HARMLESS)) == (2, 0)
    await store.close()


async def test_what_the_disk_refused_and_an_orderly_stop_are_no_deaths(tmp_path: Path) -> None:
    store = await opened(tmp_path)
    for _ in range(5):
        await store.take_in_hand(HARMLESS)
    assert await store.hand_count(HARMLESS) == 0
    await store.close()
    store = await opened(tmp_path)
    assert await store.hand_count(HARMLESS) == 0
    await store.close()


async def test_two_deadly_mails_are_told_apart(tmp_path: Path) -> None:
    other = Place(1, 9)
    for victim in (DEADLY, other, DEADLY):
        await death_with(tmp_path, HARMLESS, victim)
    store = await opened(tmp_path)
    assert (await store.hand_count(DEADLY), await store.hand_count(other)) == (2, 1)
    await store.close()


async def test_a_mail_that_was_read_is_out_of_hand_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who is killed twice while the same decision goes to disk must not take its mail for the killer."""
    in_hand = []
    async with Clinic(tmp_path) as clinic:
        file = clinic.folder / "state" / "in-hand"
        monkeypatch.setattr(atomic, "boundary", lambda step: in_hand.append(file.read_text().strip()))
        await clinic.dana.writes("NOSHOW Sam")
        await clinic.dana.gets("draft")
        await clinic.alex.gets("alert")
    assert in_hand
    assert set(in_hand) == {""}


READERS = ["authres", "selectolax.lexbor"]

LOADED = "import sys, workflow.engine; print(*(name for name in sys.argv[1:] if name in sys.modules))"


@pytest.mark.slow
def test_what_reads_a_mail_is_loaded_before_the_first_is_in_hand() -> None:
    """Loading takes longer than reading: a kill would mostly hit that, and blame the mail."""
    command = [sys.executable, "-c", LOADED, *READERS]
    assert subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout.split() == READERS
