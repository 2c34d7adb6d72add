"""A manager client for the tests of the simulated PBX: a plain socket, every block kept as it came."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

Block = list[tuple[str, str]]


class Client:
    """Reads all the time; `blocks` are events and responses as lists of headers, `banner` the first line."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.banner = b""
        self.raw = b""
        self.blocks: list[Block] = []
        self.ended = asyncio.Event()
        self.how: str | None = None
        self._news = asyncio.Event()
        self._task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        try:
            self.banner = await self.reader.readline()
            rest = b""
            while data := await self.reader.read(65536):
                self.raw += data
                *blocks, rest = (rest + data).split(b"\r\n\r\n")
                for block in blocks:
                    lines = [line.split(": ", 1) for line in block.decode("utf-8", "replace").split("\r\n")]
                    self.blocks.append([(p[0], p[1] if len(p) > 1 else "") for p in lines])
                self._news.set()
            self.how = "eof"
        except ConnectionError:
            self.how = "reset"
        finally:
            self.ended.set()
            self._news.set()

    def send(self, **headers: str) -> None:
        self.writer.write("".join(f"{k}: {v}\r\n" for k, v in headers.items()).encode() + b"\r\n")

    async def until(self, found: Callable[[], Any], timeout_s: float = 10.0) -> Any:
        """Wait until `found()` is true; its value."""
        async with asyncio.timeout(timeout_s):
            while not (value := found()):
                if self.ended.is_set():
                    raise AssertionError(f"connection ended ({self.how}) while waiting")
                self._news.clear()
                await self._news.wait()
            return value

    async def ask(self, action: str, **headers: str) -> dict[str, str]:
        """Send an action and wait for its response."""
        tag = f"{action}-{len(self.blocks)}-{id(headers)}"
        self.send(Action=action, ActionID=tag, **headers)
        return await self.until(lambda: next((dict(b) for b in self.blocks if b[0][0] == "Response" and ("ActionID", tag) in b), None))

    async def rows(self, action: str, **headers: str) -> tuple[list[dict[str, str]], dict[str, str]]:
        """Send a list action; its rows and the row that ends it."""
        tag = f"{action}-{len(self.blocks)}-{id(headers)}"
        self.send(Action=action, ActionID=tag, **headers)

        def mine() -> list[dict[str, str]]:
            return [dict(b) for b in self.blocks if ("ActionID", tag) in b and b[0][0] == "Event"]

        await self.until(lambda: any(r.get("EventList") == "Complete" for r in mine()))
        *rows, end = mine()
        return rows, end

    async def login(self, user: str = "callfloor", secret: str = "callfloor", **headers: str) -> dict[str, str]:
        return await self.ask("Login", Username=user, Secret=secret, **headers)

    def events(self, *names: str) -> list[dict[str, str]]:
        return [dict(b) for b in self.blocks if b[0][0] == "Event" and (not names or b[0][1] in names)]

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()


@pytest.fixture
async def dial() -> AsyncIterator[Callable[[int], Any]]:
    """`await dial(port)` connects a Client; all are closed at the end."""
    clients: list[Client] = []

    async def connect(port: int) -> Client:
        client = Client(*await asyncio.open_connection("127.0.0.1", port))
        clients.append(client)
        return client

    yield connect
    for client in clients:
        await client.close()
