"""The demo's cable to the CRM: a relay in front of the broker that can be pulled and plugged in again.

Pulled, its port refuses connections and those that stood are reset, as when a line goes down; the broker and the
CRM behind it go on.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Self

from appliance.core.errors import TransientError


class Cable:
    """A TCP relay from a loopback port of its own to one broker. Use as an async context manager."""

    def __init__(self, host: str, port: int) -> None:
        self._far = (host, port)
        self.port = 0
        self._server: asyncio.Server | None = None
        self._pairs: set[asyncio.Task[None]] = set()

    @property
    def plugged(self) -> bool:
        """Whether the box can reach the broker."""
        return self._server is not None

    async def __aenter__(self) -> Self:
        await self.plug()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.pull()

    async def plug(self) -> None:
        """Let the box through (again, on the same port). Raises TransientError when the port was taken meanwhile."""
        if self._server is not None:
            return
        try:
            self._server = await asyncio.start_server(self._near, "127.0.0.1", self.port)
        except OSError as fault:
            raise TransientError(f"port {self.port} was taken meanwhile: {fault.strerror}; try again") from fault
        self.port = self._server.sockets[0].getsockname()[1]

    async def pull(self) -> None:
        """Cut every connection and take no more."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        for pair in list(self._pairs):
            pair.cancel()
        await asyncio.gather(*self._pairs, return_exceptions=True)

    async def _near(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._pairs.add(task)
        far: asyncio.StreamWriter | None = None
        try:
            far_reader, far = await asyncio.open_connection(*self._far)
            ways = [asyncio.create_task(_copy(reader, far)), asyncio.create_task(_copy(far_reader, writer))]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
        except (OSError, asyncio.CancelledError):
            pass  # The broker is away, or the cable was pulled: either way this connection ends here.
        finally:
            self._pairs.discard(task)
            for end in (writer, far):
                if end is not None:
                    end.transport.abort()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
