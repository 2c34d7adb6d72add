"""The wire of a simulated call-record port: a pty, a TCP port, or a call to the box; what nobody hears is kept, as PBXs do."""

from __future__ import annotations

import asyncio
import contextlib
import os
import tty
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

#: Calls that a small PBX keeps while nobody listens.
KEPT: Final = 100
_RETRY_S: Final = 1.0


class Port:
    """Where lines go. `again`: how many of the lines already heard are printed once more to whoever comes."""

    def __init__(self, again: int = 0) -> None:
        self._heard: deque[bytes] = deque(maxlen=max(1, again))
        self._again = again
        self._kept: deque[bytes] = deque(maxlen=KEPT)
        self._writer: asyncio.StreamWriter | None = None
        self._master: int | None = None
        self.lost = 0

    def print(self, line: bytes) -> None:
        """A call's lines: written now, or kept until somebody listens."""
        if len(self._kept) == KEPT:
            self.lost += 1
        self._kept.append(line)
        self._flush()

    def _flush(self) -> None:
        while self._kept and self._write(self._kept[0]):
            self._heard.append(self._kept.popleft())

    def _write(self, data: bytes) -> bool:
        if self._master is not None:
            try:
                return os.write(self._master, data) == len(data)
            except BlockingIOError:
                return False
        if self._writer is None or self._writer.is_closing():
            return False
        self._writer.write(data)
        return True

    async def _session(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._writer is not None:
            self._writer.transport.abort()
        self._writer = writer
        for line in list(self._heard) if self._again else ():
            writer.write(line)
        self._flush()
        try:
            with contextlib.suppress(OSError):
                while await reader.read(1024):
                    pass
        finally:
            if self._writer is writer:
                self._writer = None
            writer.transport.abort()

    @asynccontextmanager
    async def on_pty(self) -> AsyncIterator[str]:
        """The path that the box opens."""
        self._master, slave = os.openpty()
        tty.setraw(slave)
        os.set_blocking(self._master, False)
        try:
            yield os.ttyname(slave)
        finally:
            os.close(self._master)
            os.close(slave)
            self._master = None

    @asynccontextmanager
    async def on_tcp(self, host: str, port: int) -> AsyncIterator[int]:
        """The port that the box calls."""
        sessions: set[asyncio.Task[None]] = set()

        def called(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.create_task(self._session(reader, writer))
            sessions.add(task)
            task.add_done_callback(sessions.discard)

        server = await asyncio.start_server(called, host, port)
        try:
            async with server:
                yield server.sockets[0].getsockname()[1]
        finally:
            open_still = list(sessions)
            for task in open_still:
                task.cancel()
            await asyncio.gather(*open_still, return_exceptions=True)

    async def call(self, host: str, port: int) -> None:
        """Call the box, again and again, until cancelled."""
        while True:
            with contextlib.suppress(OSError):
                reader, writer = await asyncio.open_connection(host, port)
                await self._session(reader, writer)
            await asyncio.sleep(_RETRY_S)
