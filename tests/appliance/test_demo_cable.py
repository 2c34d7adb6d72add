"""The cable carries bytes both ways, refuses and resets while it is pulled, and is the same cable afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from appliance.demo_cable import Cable


@pytest.fixture
async def echo() -> AsyncIterator[int]:
    """A far end that answers everything with itself."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1024):
            writer.write(data)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


async def test_pulled_and_plugged_in_again(echo: int) -> None:
    async with Cable("127.0.0.1", echo) as cable:
        port = cable.port
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"x" * 500_000)
        assert await reader.readexactly(500_000) == b"x" * 500_000

        await cable.pull()
        assert not cable.plugged
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readexactly(1)
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
        writer.close()

        await cable.plug()
        assert cable.port == port
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"again")
        assert await reader.readexactly(5) == b"again"
        writer.close()


async def test_a_far_end_that_is_away_ends_the_connection() -> None:
    async with Cable("127.0.0.1", 1) as cable:
        reader, writer = await asyncio.open_connection("127.0.0.1", cable.port)
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readexactly(1)
        writer.close()
