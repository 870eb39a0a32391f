"""Steps that the tests of time share: a missed session, mail that nobody waits for, and events to await."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

from tests.conversation import MAILBOX, TORONTO, Clinic
from tests.troubled_server import TroubledServer


def on(day: str, clock: str) -> datetime:
    """A local time: ``on("2026-11-05", "14:00")``."""
    return datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=TORONTO)


async def missed(clinic: Clinic) -> str:
    """Dana has missed Sam's session and said so; the case's id."""
    await clinic.dana.writes("NOSHOW Sam")
    await clinic.alex.gets("alert")
    return (await clinic.dana.gets("draft")).case or ""


def raw(sender: str, subject: str) -> bytes:
    """A mail as the clinic's server would store it."""
    return (
        f"From: {sender}\r\nTo: {MAILBOX}\r\nSubject: {subject}\r\n"
        f"Authentication-Results: mx.clinic.test; dmarc=pass header.from=clinic.test\r\n\r\n"
    ).encode()


def header(mail: bytes, name: str) -> str:
    """A header of a letter of ours."""
    line = next(line for line in mail.decode().split("\r\n") if line.startswith(f"{name}: "))
    return line.partition(": ")[2]


async def letters(server: TroubledServer, address: str, count: int) -> list[bytes]:
    """Somebody's letters, once so many have come. One that rightly came twice, under one Message-ID, counts once.

    TimeoutError after 20 s.
    """
    arrived = count
    async with asyncio.timeout(20):
        while True:
            mails = [mail.raw for mail in await server.wait_for(address, arrived)]
            different = {header(mail, "Message-ID"): mail for mail in mails}
            if len(different) >= count:
                return list(different.values())
            arrived = len(mails) + 1


async def answers(clinic: Clinic, name: str, words: str) -> None:
    """Somebody writes; unlike `Person.writes`, nobody waits for what follows."""
    address = clinic.people[name].address
    await clinic.server.deliver(MAILBOX, raw(address, words), arrived_at=clinic.clock.now())


async def happens(holds: Callable[[], bool]) -> None:
    """Until it holds; TimeoutError after 10 s."""
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0.005)


async def is_owed(clinic: Clinic, kind: str) -> None:
    """Until a letter of this kind is committed and owed."""
    async with asyncio.timeout(10):
        while kind not in [letter.kind.value for letter in await clinic.store.owed()]:
            await asyncio.sleep(0.005)
