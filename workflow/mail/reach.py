"""A host that has several addresses, some of which may be dead: the first that answers is taken (after RFC 8305)."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from typing import Any

HEAD_START = 0.25
"""Seconds before the next address is tried beside one that has not answered (RFC 8305, 5)."""

Address = tuple[Any, ...]
"""As `socket.getaddrinfo` gives it."""


async def connected(addresses: Sequence[Address], patience: float) -> tuple[socket.socket, list[Address]]:
    """An open connection, and the addresses but its own, for the case that nobody is at home there after all.

    Raises OSError when none answers within `patience`, in seconds.
    """
    left, under_way = list(addresses), dict[asyncio.Task[socket.socket], Address]()
    fault: BaseException | None = None
    try:
        async with asyncio.timeout(patience):
            while left or under_way:
                if left:
                    address = left.pop(0)
                    under_way[asyncio.create_task(_connected(address))] = address
                done, _ = await asyncio.wait(
                    under_way, timeout=HEAD_START if left else None, return_when=asyncio.FIRST_COMPLETED
                )
                for task in done:
                    address = under_way.pop(task)
                    if (fault := task.exception()) is None:
                        return task.result(), [other for other in addresses if other != address]
    finally:
        for task in under_way:
            task.cancel()
            task.add_done_callback(_close)
    raise fault or OSError("the host has no address")


async def _connected(address: Address) -> socket.socket:
    family, kind, protocol, _, place = address
    opened = socket.socket(family, kind, protocol)
    try:
        opened.setblocking(False)
        await asyncio.get_running_loop().sock_connect(opened, place)
    except BaseException:
        opened.close()
        raise
    return opened


def _close(task: asyncio.Task[socket.socket]) -> None:
    """It answered too late."""
    if not task.cancelled() and task.exception() is None:
        task.result().close()
