"""A PBX's call-record port on real wires: a pty, a socket that we call, a socket that calls us."""

from __future__ import annotations

import asyncio
import os
import tty
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import datetime
from typing import Any

from appliance.core.clock import SystemClock
from appliance.core.smdr_config import SmdrConfig
from gateway.smdr.record import CallRecord
from gateway.smdr.source import SmdrSource

WAIT_S = 20.0


def line(n: int) -> bytes:
    """One incoming call, answered."""
    return f"11/21/26 10:{n % 60:02d}AM  {100 + n % 7} 01 <I>099{n:07d}            0'05 00:01'{n % 60:02d}\r\n".encode()


def local() -> datetime:
    return datetime(2026, 11, 21, 11, 0)  # noqa: DTZ001 - a PBX's time has no zone


async def until(condition: Callable[[], Any]) -> None:
    """Wait for it, generously."""
    async with asyncio.timeout(WAIT_S):
        while not condition():
            await asyncio.sleep(0.01)


class Living:
    """A source that runs, and what it told."""

    def __init__(self, config: SmdrConfig) -> None:
        self.records: list[CallRecord] = []
        self.levels: list[str] = []
        self.bytes: list[tuple[str, bytes]] = []
        self.source = SmdrSource(
            "norte", config, SystemClock(), local, self._take, tap=lambda way, data: self.bytes.append((way, data)),
            told=lambda health: self.levels.append(health.level),
        )  # fmt: skip

    async def _take(self, records: list[CallRecord]) -> None:
        self.records += records

    @property
    def numbers(self) -> list[int]:
        return [int(record.number or "-1") - 990_000_000 for record in self.records]


@asynccontextmanager
async def living(**config: Any) -> AsyncIterator[Living]:
    made = Living(SmdrConfig(**{"reconnect_max_s": 0.2, "profile": "panasonic", **config}))
    task = asyncio.create_task(made.source.run())
    try:
        yield made
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class Pbx:
    """A PBX that is called; `greeting` is what it asks, line by line, before it prints."""

    def __init__(self, *asks: bytes) -> None:
        self._asks = asks
        self.peers: list[asyncio.StreamWriter] = []
        self._writers: list[asyncio.StreamWriter] = []
        self.heard: list[bytes] = []
        self.port = 0
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._called, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _called(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        for ask in self._asks:
            writer.write(ask)
            self.heard.append(await reader.readline())
        self.peers.append(writer)

    async def write(self, data: bytes) -> None:
        self.peers[-1].write(data)
        await self.peers[-1].drain()

    def hang_up(self) -> None:
        self.peers[-1].transport.abort()

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        await gone(*self._writers)


async def gone(*writers: asyncio.StreamWriter) -> None:
    """Cut connections, and wait until they are closed here."""
    for writer in writers:
        writer.transport.abort()
    for writer in writers:
        with suppress(OSError):
            await writer.wait_closed()


@asynccontextmanager
async def pbx(*asks: bytes) -> AsyncIterator[Pbx]:
    made = Pbx(*asks)
    await made.start()
    try:
        yield made
    finally:
        await made.stop()


@contextmanager
def pty() -> Iterator[tuple[int, str]]:
    """The PBX's end, and the path of ours."""
    master, slave = os.openpty()
    tty.setraw(slave)
    path = os.ttyname(slave)
    try:
        yield master, path
    finally:
        os.close(master)
        os.close(slave)
