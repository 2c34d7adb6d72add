"""The box's end of a simulated headset's socket: what is no simulated headset there, and one that floods, stalls or talks nonsense."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hid_rig import DESCRIPTOR

from appliance.core.errors import CallfloorError, CorruptError, DeniedError, TransientError, UnpluggedError
from drivers.hid_sim_socket import open_sim

HELLO = {"vid": "0b0e", "pid": "0307", "serial": "A\x1b[31m1", "product": "Desk", "port": "1-2", "descriptor": DESCRIPTOR}
LONG_S = 20.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sim"


@pytest.fixture
def server(path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))
        made.listen()
        made.settimeout(LONG_S)
        yield made


def says(server: socket.socket, *parts: bytes) -> list[socket.socket]:
    """Accept one and say this; its line, once it is there."""
    lines: list[socket.socket] = []
    stays = any(b"\n" in part for part in parts)

    def serve() -> None:
        line, _ = server.accept()
        if stays:
            lines.append(line)
        for part in parts:
            line.sendall(part)
        if not stays:
            line.close()

    threading.Thread(target=serve).start()
    return lines


def hello(**more: object) -> bytes:
    return json.dumps(HELLO | more).encode() + b"\n"


def test_which_headset_it_is_comes_in_any_pieces(server: socket.socket, path: Path) -> None:
    said = hello() + (2).to_bytes(2) + bytes((2, 1)) + b"\x00"
    lines = says(server, *(bytes((byte,)) for byte in said))
    with open_sim(str(path)) as device:
        info = device.info
        assert (info.identity, info.port, info.product) == ("0b0e:0307:A[31m1", "1-2", "Desk")
        assert device.report_descriptor().hex() == DESCRIPTOR
        assert device.read(LONG_S) == bytes((2, 1))
        lines[0].sendall(b"\x01\x07")
        assert device.read(LONG_S) == b"\x07"
        assert device.dropped == 0
    lines[0].close()


@pytest.mark.parametrize(
    ("said", "fault", "why"),
    [
        ((b"",), UnpluggedError, "ended before it said"),
        ((b'{"vid": "0b0e"',), UnpluggedError, "ended before it said"),
        ((b"HTTP/1.1 400 Bad Request\r\n",), CorruptError, "no hello"),
        ((b'{"vid": "0b0e"}\n',), CorruptError, "no hello"),
        ((hello(descriptor="05zz"),), CorruptError, "not hex"),
        ((hello(vid="0x0b0e"),), CorruptError, "four hex digits"),
        ((b"x" * 40_000 + b"\n",), CorruptError, "no simulated headset"),
    ],
)
def test_what_listens_there_is_no_headset(
    server: socket.socket, path: Path, said: tuple[bytes, ...], fault: type[CallfloorError], why: str
) -> None:
    lines = says(server, *said)
    with pytest.raises(fault, match=why) as caught:
        open_sim(str(path))
    assert str(path) in str(caught.value)
    for line in lines:
        line.close()


def test_nobody_listens(path: Path) -> None:
    with pytest.raises(UnpluggedError, match="start `callfloor sim headset`"):
        open_sim(str(path))
    path.write_text("a file")
    with pytest.raises(UnpluggedError):
        open_sim(str(path))
    with pytest.raises(UnpluggedError, match="too long"):
        open_sim("/" + "x" * 200)


def test_whoever_listens_says_nothing(server: socket.socket, path: Path) -> None:
    with pytest.raises(TransientError, match="says nothing"):
        open_sim(str(path))


def test_a_watched_one_is_not_written(server: socket.socket, path: Path) -> None:
    lines = says(server, hello())
    with open_sim(str(path), writes=False) as device, pytest.raises(DeniedError, match="never written"):
        device.write(b"\x02\x01\x00")
    lines[0].close()


def test_one_that_reads_nothing_is_given_up_and_its_half_frame_ends_it(server: socket.socket, path: Path) -> None:
    lines = says(server, hello())
    with open_sim(str(path)) as device:
        with pytest.raises(TransientError, match="does not read"):
            for _ in range(10_000):
                device.write(bytes(10_000))
        with pytest.raises(UnpluggedError):
            device.read(LONG_S)
    lines[0].close()


@pytest.mark.parametrize("nonsense", [b"\x00\x00", b"\xff\xffabc"])
async def test_a_length_that_no_report_has_ends_it(server: socket.socket, path: Path, nonsense: bytes) -> None:
    lines = says(server, hello() + b"\x00\x01\x05" + nonsense)
    loop = asyncio.get_running_loop()
    heard: list[bytes] = []
    lost: asyncio.Future[CallfloorError] = loop.create_future()
    with await asyncio.to_thread(open_sim, str(path)) as device:
        device.listen(loop, lambda report, _at_ns: heard.append(report), lost.set_result)
        async with asyncio.timeout(LONG_S):
            fault = await lost
    assert heard == [b"\x05"]
    assert isinstance(fault, CorruptError)
    assert "a report has 1 to 16384" in str(fault)
    lines[0].close()


async def test_a_flood_is_heard_whole_and_leaves_turns_to_others(server: socket.socket, path: Path) -> None:
    count = 20_000
    lines = says(server, hello())
    loop = asyncio.get_running_loop()
    heard: list[int] = []
    turns = 0
    with await asyncio.to_thread(open_sim, str(path)) as device:
        done = loop.create_future()
        device.listen(loop, lambda report, _at_ns: heard.append(int.from_bytes(report)), done.set_result)

        def flood() -> None:
            lines[0].sendall(b"".join(b"\x00\x04" + number.to_bytes(4) for number in range(count)))
            lines[0].close()

        sending = loop.run_in_executor(None, flood)
        async with asyncio.timeout(LONG_S):
            while not done.done():
                turns += 1
                await asyncio.sleep(0)
            await sending
    assert heard == list(range(count))
    assert turns > 10
    assert isinstance(done.result(), UnpluggedError)


async def test_closed_by_whoever_hears_it(server: socket.socket, path: Path) -> None:
    lines = says(server, hello() + b"\x00\x01\x05" * 50)
    loop = asyncio.get_running_loop()
    heard: list[bytes] = []
    device = await asyncio.to_thread(open_sim, str(path))

    def hear(report: bytes, _at_ns: int) -> None:
        heard.append(report)
        device.close()

    device.listen(loop, hear, lambda _fault: heard.append(b"lost"))
    async with asyncio.timeout(LONG_S):
        while not heard:
            await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert heard == [b"\x05"]
    device.close()
    lines[0].close()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may connect to any socket")
def test_no_right_to_it(server: socket.socket, path: Path) -> None:
    path.chmod(0)
    with pytest.raises(DeniedError, match="same user"):
        open_sim(str(path))
