"""Decides when the page painted last: it says so by itself, with a POST to a port of this machine that hears nothing else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

_LINE_S: Final = 2.0
_MOST: Final = 4096
_ANSWER: Final = b"HTTP/1.1 204 No Content\r\nAccess-Control-Allow-Origin: *\r\nConnection: close\r\n\r\n"


class Beat:
    """`painted_s`: when the page last said so, in monotonic seconds; None before it did."""

    def __init__(self) -> None:
        self.painted_s: float | None = None
        self.frames = 0

    @asynccontextmanager
    async def listening(self, port: int) -> AsyncIterator[int]:
        """Hear it on 127.0.0.1; gives the port. Raises OSError when the port is taken."""
        server = await asyncio.start_server(self._heard, "127.0.0.1", port, limit=_MOST)
        async with server:
            yield int(server.sockets[0].getsockname()[1])

    async def _heard(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(TimeoutError, OSError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            async with asyncio.timeout(_LINE_S):
                head = await reader.readuntil(b"\r\n")
                if head.startswith(b"POST /painted "):
                    self.painted_s = time.monotonic()
                    self.frames += 1
                writer.write(_ANSWER)
                await writer.drain()
        writer.close()
