"""The Maildirs of the real servers, from behind: what was delivered when, and reports that lie waiting."""

from __future__ import annotations

import asyncio
import os
import pwd
import time
from collections.abc import Iterator
from email.utils import formatdate
from itertools import islice, product
from pathlib import Path

from tests.bench.pipe import CLINIC
from tests.real_servers import RealServers

TEAMS = 50
"""Associates who share the waiting reports: a clinic has no therapist with a thousand open cases."""


class BenchServers(RealServers):
    """The tests' servers, where ``dana+07@clinic.test`` is delivered to Dana, too: associates without end."""

    def main_cf(self) -> str:
        return super().main_cf() + "recipient_delimiter = +\n"


def maildir(servers: RealServers, user: str) -> Path:
    """Where a user's mail lies."""
    return servers.folder / "mail" / user


def delivered(servers: RealServers, user: str) -> list[float]:
    """When each letter came into the inbox, on the wall clock, the last one last.

    The time of the rename into ``new/``, which is the delivery; nobody logs in and moves it on. Good to the kernel's
    tick, 4 ms.
    """
    try:
        with os.scandir(maildir(servers, user) / "new") as found:
            return sorted(entry.stat().st_ctime for entry in found)
    except FileNotFoundError:
        return []


async def all_delivered(servers: RealServers, counts: dict[str, int], within: float) -> float:
    """When the last of so many letters came in, on the wall clock. TimeoutError."""
    async with asyncio.timeout(within):
        while any(len(_names(servers, user)) < count for user, count in counts.items()):
            await asyncio.sleep(0.02)
    return max(delivered(servers, user)[count - 1] for user, count in counts.items())


def _names(servers: RealServers, user: str) -> list[str]:
    try:
        return os.listdir(maildir(servers, user) / "new")  # noqa: PTH208 - counted 50 times a second
    except FileNotFoundError:
        return []


def message_ids(servers: RealServers, user: str, kind: str) -> set[str]:
    """The Message-IDs of all letters of a kind in an inbox."""
    return {str(mail["Message-ID"]) for mail in servers.messages(user) if mail["X-Promptly-Letter"] == kind}


def names() -> Iterator[str]:
    """Clients that exist nowhere, all different: "Bodri Tomel". None is a word that a clinic uses."""
    firsts = ["".join(parts) for parts in product("BDGKLMNPRT", "aou", ("dr", "lm", "nd", "rl"), "aiu")]
    lasts = ["".join(parts) for parts in product("BDKLMPT", "eio", "lmnr", ("ef", "ol"))]
    return (f"{first} {last}" for last in lasts for first in firsts)


def associate(number: int) -> str:
    """The address of one of `TEAMS` associates."""
    return f"dana+{number % TEAMS:02}@clinic.test"


def associates() -> dict[str, tuple[str, ...]]:
    """Those associates, by name."""
    spoken = ["Ada", "Ben", "Cleo", "Dora", "Emil", "Fred", "Gus", "Hal", "Ina", "Jon"]
    last = ["Archer", "Baker", "Cooper", "Draper", "Fletcher"]
    people = [f"{first} {second}" for second in last for first in spoken]
    return {name: (associate(number),) for number, name in enumerate(islice(people, TEAMS))}


def fill(servers: RealServers, count: int) -> None:
    """Put so many reports into the clinic's inbox, as a delivery would. With nobody logged in."""
    nobody = pwd.getpwnam("nobody")
    place = maildir(servers, CLINIC)
    for folder in (place, *(place / part for part in ("new", "cur", "tmp"))):
        folder.mkdir(exist_ok=True)
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    began = int(time.time())
    for number, name in enumerate(islice(names(), count)):
        sender = associate(number)
        file = place / "new" / f"{began}.M{number:06}P1.bench"
        file.write_text(
            f"From: {sender}\r\nTo: {CLINIC}\r\nSubject: NOSHOW {name}\r\nDate: {formatdate(began)}\r\n"
            f"Message-ID: <waiting-{number}@clinic.test>\r\n\r\n\r\n"
        )
        os.chown(file, nobody.pw_uid, nobody.pw_gid)
