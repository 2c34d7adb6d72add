"""A serial line that is listened to, on real ptys and sockets: pieces, floods, hang-ups, peers that take nothing, ports that are not there."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.core.errors import MisconfiguredError, UnpluggedError
from drivers import serial_line
from drivers.serial_line import MAX_HELD, SerialLine, open_line
from drivers.serial_url import serial_url


@contextlib.contextmanager
def pty() -> Iterator[tuple[int, str]]:
    """The device's end, and the path of ours."""
    master, slave = os.openpty()
    tty.setraw(slave)
    path = os.ttyname(slave)
    os.close(slave)
    try:
        yield master, path
    finally:
        with contextlib.suppress(OSError):
            os.close(master)


async def exactly(wire: SerialLine, count: int) -> bytes:
    out = b""
    async with asyncio.timeout(30):
        while len(out) < count:
            out += await wire.read()
    return out


def test_urls() -> None:
    line = serial_url("serial:///dev/ttyACM0?baud=19200", "modem", baud=115_200)
    assert (line.scheme, line.place, line.baud, line.format) == ("serial", "/dev/ttyACM0", 19_200, "8N1")
    assert serial_url("serial:///dev/ttyACM0", "modem", baud=115_200).baud == 115_200
    assert serial_url("serial:///dev/ttyS0?format=7e1", "line").frame == (7, "E", 1)
    for url, word in {
        "ttyS0": "modem url",
        "serial:///dev/x?speed=1": "no option speed",
        "tcp://h": "host and port",
        "loop://x": "loop",
        "serial:///dev/x?baud=7": "baud=7",
    }.items():
        with pytest.raises(MisconfiguredError, match=word):
            serial_url(url, "modem")


async def test_bytes_come_and_go_on_a_pty() -> None:
    with pty() as (device, path):
        async with open_line(serial_url(f"serial://{path}", "modem"), "modem") as wire:
            os.write(device, b"RI")
            assert await exactly(wire, 2) == b"RI"
            os.write(device, b"NG\r\n")
            assert await exactly(wire, 4) == b"NG\r\n"
            await wire.write(b"ATZ\r")
            assert os.read(device, 100) == b"ATZ\r"
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await wire.read()
            os.write(device, b"OK")  # a reader that stopped waiting lost nothing
            assert await exactly(wire, 2) == b"OK"
        async with open_line(serial_url(f"serial://{path}", "modem"), "modem") as wire:
            os.write(device, b"again")
            assert await exactly(wire, 5) == b"again"


async def test_what_came_before_a_hang_up_is_read_first() -> None:
    with pty() as (device, path):
        async with open_line(serial_url(f"serial://{path}", "modem"), "modem") as wire:
            os.write(device, b"last words")
            assert await exactly(wire, 10) == b"last words"
            os.close(device)
            with pytest.raises(UnpluggedError, match="is gone"):
                await exactly(wire, 1)
            with pytest.raises(UnpluggedError):
                await wire.write(b"AT\r")


async def test_a_flood_that_nobody_reads_is_bounded() -> None:
    with pty() as (device, path):
        os.set_blocking(device, False)
        async with open_line(serial_url(f"serial://{path}", "modem"), "modem") as wire:
            written = 0
            for _ in range(2_000):
                with contextlib.suppress(BlockingIOError):
                    written += os.write(device, b"x" * 4096)
                await asyncio.sleep(0)
            first = await wire.read()
            assert MAX_HELD <= len(first) < MAX_HELD + 4096
            assert len(first) + len(await exactly(wire, written - len(first))) == written


async def test_a_device_that_takes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serial_line, "WRITE_S", 0.1)
    with pty() as (_, path):
        async with open_line(serial_url(f"serial://{path}", "modem"), "modem") as wire:
            with pytest.raises(UnpluggedError, match="takes no bytes"):
                await wire.write(b"x" * 1_000_000)


async def test_what_is_not_there_or_held_by_another(tmp_path: Path) -> None:
    with pytest.raises(UnpluggedError, match="plug it in"):
        async with open_line(serial_url(f"serial://{tmp_path}/none", "modem"), "modem"):
            pass
    with pty() as (_, path):
        line = serial_url(f"serial://{path}", "modem")
        async with open_line(line, "modem"):
            with pytest.raises(UnpluggedError, match="another program"):
                async with open_line(line, "modem"):
                    pass


async def test_over_tcp() -> None:
    peers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peers.append(writer)
        writer.write(await reader.readexactly(4))

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with open_line(serial_url(f"tcp://127.0.0.1:{port}", "smdr"), "smdr") as wire:
            await wire.write(b"ping")
            assert await exactly(wire, 4) == b"ping"
            peers[0].close()
            with pytest.raises(UnpluggedError, match="hung up"):
                await exactly(wire, 1)
    with pytest.raises(UnpluggedError, match="does not answer"):
        async with open_line(serial_url(f"tcp://127.0.0.1:{port}", "smdr"), "smdr"):
            pass


async def test_what_only_pyserial_reads() -> None:
    async with open_line(serial_url("loop://", "modem"), "modem") as wire:
        await wire.write(b"echo")
        assert await exactly(wire, 4) == b"echo"
        await wire.write(b"x" * 100)
        assert len(await exactly(wire, 100)) == 100


async def test_a_stop_while_it_is_opened_is_obeyed() -> None:
    with pty() as (_, path):
        line = serial_url(f"serial://{path}", "modem")

        async def opens() -> None:
            async with open_line(line, "modem") as wire:
                await wire.read()

        task = asyncio.create_task(opens())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with asyncio.timeout(30):  # the port that was open too late has been closed
            while True:
                try:
                    async with open_line(line, "modem"):
                        return
                except UnpluggedError:
                    await asyncio.sleep(0.01)


async def test_a_server_that_is_slow_to_let_go_holds_up_nobody() -> None:
    """A serial server that does not answer is closed for seconds; the port was opened for somebody who has left."""
    from drivers.serial_line import _close_late  # noqa: PLC0415

    closing, may = threading.Event(), threading.Event()

    class Slow:
        def reset_output_buffer(self) -> None:
            closing.set()
            may.wait(20)

        def close(self) -> None: ...

    async def opened() -> Slow:
        return Slow()

    task = asyncio.create_task(opened())
    await task
    _close_late(task)
    async with asyncio.timeout(10):
        while not closing.is_set():
            await asyncio.sleep(0.01)
    assert not may.is_set()  # the loop turns, and the close still stands
    may.set()
