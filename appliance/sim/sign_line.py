"""Decides how simulated signs hang on a line: on a pty or a TCP port, several of them by address, each hearing every byte."""

from __future__ import annotations

import asyncio
import os
import tty
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress

from appliance.core.clock import NS, Clock
from appliance.core.errors import MisconfiguredError
from appliance.sim.sign import SimSign

_CHUNK: int = 4096


class Wire:
    """What all signs of a line hear. `changed` is called after each piece of bytes."""

    def __init__(self, signs: Sequence[SimSign], clock: Clock, changed: Callable[[], None] | None = None) -> None:
        self.signs, self._clock, self._changed = signs, clock, changed
        self.received = 0
        self.writers: set[asyncio.StreamWriter] = set()

    async def hang_up(self) -> None:
        """Whoever is connected over TCP is cut off."""
        for writer in list(self.writers):
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    def hear(self, data: bytes) -> bytes:
        """What the signs answer."""
        self.received += len(data)
        now_s = self._clock.mono_ns() / NS
        out = b"".join(sign.feed(data, now_s) for sign in self.signs)
        if self._changed is not None:
            self._changed()
        return out


@asynccontextmanager
async def on_pty(wire: Wire) -> AsyncIterator[str]:
    """The path of the pty on which the signs listen."""
    master, slave = os.openpty()  # the slave stays open here, so that whoever closes it does not hang the line up
    tty.setraw(slave)
    os.set_blocking(master, False)
    loop = asyncio.get_running_loop()

    def read() -> None:
        with suppress(BlockingIOError, OSError):
            answer = wire.hear(os.read(master, _CHUNK))
            if answer:
                os.write(master, answer)

    loop.add_reader(master, read)
    try:
        yield os.ttyname(slave)
    finally:
        loop.remove_reader(master)
        os.close(master)
        os.close(slave)


@asynccontextmanager
async def on_tcp(wire: Wire, host: str, port: int) -> AsyncIterator[tuple[str, int]]:
    """The address at which the signs listen, as behind a transparent serial server. Raises MisconfiguredError for one that is taken."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        wire.writers.add(writer)
        with suppress(OSError, asyncio.CancelledError):
            while data := await reader.read(_CHUNK):
                writer.write(wire.hear(data))
                await writer.drain()
        wire.writers.discard(writer)
        writer.close()

    try:
        server = await asyncio.start_server(serve, host, port)
    except OSError as fault:
        raise MisconfiguredError(f"{host}:{port} cannot be listened on ({fault.strerror}); name another with --tcp") from fault
    async with server:
        yield server.sockets[0].getsockname()[:2]
