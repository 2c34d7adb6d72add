"""A simulated headset at a socket, in a test's hand: it says which it is, sends what it is told to, and remembers what was written."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from appliance.sim.headset_layout import JABRA_LIKE

#: Reports of `JABRA_LIKE`: hook is bit 0, mute is bit 2 of report 2.
ON_HOOK, OFF_HOOK, MUTE_PRESS, MUTE_UP = (bytes((2, low, 0)) for low in (0, 1, 5, 1))
#: For what happens at once on any machine that is not dead.
LONG_S = 20.0


class Desk:
    """The headset at one socket."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.written: list[bytes] = []
        self.connections = 0
        self._writers: list[asyncio.StreamWriter] = []

    def report(self, *reports: bytes) -> None:
        """Send these to whoever listens."""
        for writer in self._writers:
            writer.write(b"".join(len(report).to_bytes(2) + report for report in reports))

    def raw(self, data: bytes) -> None:
        """Send what is no frame, perhaps."""
        for writer in self._writers:
            writer.write(data)

    async def _serve(self, hello: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.append(writer)
        try:
            writer.write(hello)
            while True:
                length = int.from_bytes(await reader.readexactly(2))
                self.written.append(await reader.readexactly(length))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._writers.remove(writer)
            writer.close()

    def hang_up(self) -> None:
        """Its simulator ends."""
        for writer in self._writers:
            writer.close()


@asynccontextmanager
async def open_desk(path: Path, *, vid: str = "1209", pid: str = "0001", descriptor: bytes = JABRA_LIKE) -> AsyncIterator[Desk]:
    """A headset that listens at `path` until the block ends: then it is pulled."""
    desk = Desk(path)
    said = {"vid": vid, "pid": pid, "product": "Desk", "serial": None, "descriptor": descriptor.hex()}
    hello = json.dumps(said).encode() + b"\n"
    server = await asyncio.start_unix_server(lambda reader, writer: desk._serve(hello, reader, writer), path)
    try:
        yield desk
    finally:
        server.close()
        desk.hang_up()
        path.unlink(missing_ok=True)


async def until(true: Callable[[], object], what: str = "") -> None:
    """Wait till it is so."""
    async with asyncio.timeout(LONG_S):
        while not true():
            await asyncio.sleep(0.005)
