"""A TCP proxy of the tests that swallows packets: a line that is dead, and nobody says so.

What a router does that forgot a connection, or a server that lost its power: no FIN, no RST, no answer. What was open
when silence fell stays dead for ever; what is opened afterwards lives, or hangs for as long as the silence lasts.
"""

from __future__ import annotations

import asyncio
from asyncio import StreamReader, StreamWriter
from contextlib import suppress
from types import TracebackType
from typing import Self


class SilentProxy:
    """Stands before a server on loopback while entered; `port` is its own."""

    def __init__(self, server_port: int) -> None:
        self.port = 0
        self.connections = 0
        """Ever made."""
        self._server_port = server_port
        self._silent = False
        self._lines: set[_Line] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for line in list(self._lines):
            line.cut()

    def fall_silent(self) -> None:
        """Swallow every byte from now on, both ways; connections are still accepted, as by a kernel whose daemon hangs.

        To the server it looks as if its clients had hung up.
        """
        self._silent = True
        for line in self._lines:
            line.die()

    def forget(self) -> None:
        """Swallow what is open now, as a router that was restarted; new connections live."""
        self.fall_silent()
        self._silent = False

    def speak(self) -> None:
        """New connections live again. The dead stay dead."""
        self._silent = False

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        self.connections += 1
        line = _Line(writer)
        self._lines.add(line)
        try:
            if self._silent:
                line.die()
                await _drain(reader)
            else:
                await line.join(reader, self._server_port)
        except OSError:
            pass  # either end hung up, or nobody listens behind us
        finally:
            self._lines.discard(line)
            line.cut()


class _Line:
    """One connection through the proxy."""

    def __init__(self, client: StreamWriter) -> None:
        self._client = client
        self._server: StreamWriter | None = None
        self._dead = asyncio.Event()

    async def join(self, from_client: StreamReader, port: int) -> None:
        from_server, self._server = await asyncio.open_connection("127.0.0.1", port)
        pumps = [
            asyncio.create_task(self._pump(from_client, self._server)),
            asyncio.create_task(self._pump(from_server, self._client)),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
        if self._dead.is_set():
            await _drain(from_client)

    def die(self) -> None:
        """Nothing passes any more; the client is not told."""
        self._dead.set()
        if self._server is not None:
            self._server.close()

    def cut(self) -> None:
        for writer in filter(None, (self._client, self._server)):
            with suppress(OSError):
                writer.close()

    async def _pump(self, reader: StreamReader, writer: StreamWriter) -> None:
        while (data := await reader.read(65536)) and not self._dead.is_set():
            writer.write(data)
            await writer.drain()


async def _drain(reader: StreamReader) -> None:
    """Take what the client says, and give no answer, until it gives up."""
    while await reader.read(65536):
        pass
