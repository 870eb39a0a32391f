"""A host with two addresses: ::1, where somebody or nobody is, and 127.0.0.1, where the server is."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, Literal

import pytest

HOST = "localhost"

Dead = Literal["nobody", "mute", "hangs up", "another protocol", "no answer"]
"""What is at the first address: nothing listens; it takes connections and says nothing, hangs up, or talks nonsense; or
not even the connection is answered."""

DEAD: tuple[Dead, ...] = ("nobody", "mute", "hangs up", "another protocol", "no answer")


@asynccontextmanager
async def dead_first(port: int, how: Dead, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """`HOST` has both addresses, as a name server would say it; the first is dead in this way."""
    resolve: Callable[..., list[Any]] = socket.getaddrinfo

    def both(host: str | None, *more: Any, **options: Any) -> list[Any]:
        if host != HOST:
            return resolve(host, *more, **options)
        return [*resolve("::1", *more, **options), *resolve("127.0.0.1", *more, **options)]

    monkeypatch.setattr(socket, "getaddrinfo", both)
    held: list[socket.socket] = []
    server = None
    if how == "nobody":
        yield
        return
    if how == "no answer":
        held += _full(port)
    else:
        server = await asyncio.start_server(_speaking(how), "::1", port)
    try:
        yield
    finally:
        for one in held:
            one.close()
        if server is not None:
            server.close()


def _speaking(how: Dead) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Any]:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            if how == "another protocol":
                writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            if how == "mute":
                await reader.read()
            writer.close()

    return speak


def _full(port: int) -> list[socket.socket]:
    """A listener whose queue is full: the system answers nobody who wants to connect."""
    listener = socket.socket(socket.AF_INET6)
    listener.bind(("::1", port))
    listener.listen(0)
    held = [listener]
    for _ in range(4):
        waits = socket.socket(socket.AF_INET6)
        waits.setblocking(False)
        with suppress(BlockingIOError):
            waits.connect(("::1", port))
        held.append(waits)
    return held
