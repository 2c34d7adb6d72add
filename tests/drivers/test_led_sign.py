"""A sign's line on real ptys and sockets: what arrives, what blocks, what vanishes, what answers rubbish; and how fast it may be fed."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import threading
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest
import serial
import serial.rfc2217

from appliance.core.errors import MisconfiguredError, UnpluggedError
from drivers.alpha_command import Memory, ReadSpecial, Tone, soft_reset, text_file
from drivers.alpha_frame import Frame, Noise, checksum_of, frame_of
from drivers.alpha_pace import Pace, Timing, deaf_s, pieces_of
from drivers.led_sign import Port, open_port, sign_url

FAST = Timing(gap_s=0.0, after_stx_s=0.001, after_memory_s=0.0, after_reset_s=0.0, after_tone_s=0.0, answer_s=0.2)
STRING = frame_of(b"Ga05:12")


@contextlib.contextmanager
def pty() -> Iterator[tuple[int, str]]:
    """The sign's end, and the path of ours."""
    master, slave = os.openpty()
    tty.setraw(slave)
    path = os.ttyname(slave)
    os.close(slave)
    try:
        yield master, path
    finally:
        with contextlib.suppress(OSError):
            os.close(master)


def received(fd: int, count: int) -> bytes:
    out = b""
    while len(out) < count and select.select([fd], [], [], 5)[0]:
        out += os.read(fd, count - len(out))
    return out


@contextlib.contextmanager
def opened(url: str) -> Iterator[Port]:
    port = open_port(url, FAST)
    try:
        yield port
    finally:
        port.close(failed=True)


def test_urls() -> None:
    line = sign_url("serial:///dev/ttyUSB0?baud=4800&format=8n1")
    assert (line.scheme, line.place, line.baud, line.format) == ("serial", "/dev/ttyUSB0", 4800, "8N1")
    assert sign_url("tcp://10.0.0.7:10001").place == "10.0.0.7:10001"
    assert sign_url("rfc2217://[::1]:4001?baud=9600").place == "[::1]:4001"
    assert sign_url("loop://").scheme == "loop"


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("/dev/ttyUSB0", "serial:///dev"), ("serial:", "serial:///dev"), ("serial:ttyUSB0", "serial:///dev"), ("serial://dev/ttyS0", "serial:///dev"), ("usb:1", "tcp://"),
        ("tcp://10.0.0.7", "host and port"), ("tcp://:1", "host and port"), ("tcp://h:99999", "range"), ("tcp://u@h:1", "host and port"),
        ("tcp://h:1?baud=9600", "no option baud"), ("serial:///dev/x?speed=1", "no option speed"), ("serial:///dev/x?baud=1", "baud=1"),
        ("serial:///dev/x?format=9X9", "format=9X9"), ("loop://x", "loop"),
    ],
)  # fmt: skip
def test_urls_that_are_none(url: str, word: str) -> None:
    with pytest.raises(MisconfiguredError, match=word):
        sign_url(url)


def test_bytes_arrive_on_a_pty() -> None:
    with pty() as (sign, path), opened(f"serial://{path}") as port:
        nested = frame_of(b"Ga1", b"Gb2")
        assert port.send(STRING) == pytest.approx(len(STRING.raw) / 960)
        port.send(nested)
        port.send(STRING, slow=True)
        sent = STRING.raw + nested.raw + STRING.raw
        assert received(sign, len(sent)) == sent
        assert port.heard() == []


def test_a_pty_is_opened_again_and_again() -> None:
    with pty() as (sign, path):
        for _ in range(3):
            with opened(f"serial://{path}?format=7E1") as port:
                port.send(STRING)
                assert received(sign, len(STRING.raw)) == STRING.raw


def test_a_question_is_answered_in_pieces_after_rubbish() -> None:
    body = b'E"1036440105080912M006A97,69AB'
    reply = bytes(20) + b"\x01000\x02" + body + b"\x03" + checksum_of(body) + b"\x04"
    question = frame_of(ReadSpecial('"').body, address="01")
    with pty() as (sign, path), opened(f"serial://{path}") as port:

        def answer() -> None:
            assert received(sign, len(question.raw)) == question.raw
            os.write(sign, b"\xff\xfe?" + reply[:9])
            os.write(sign, reply[9:])

        thread = threading.Thread(target=answer)
        thread.start()
        noise, told = port.ask(question)
        thread.join()
        assert noise == Noise(b"\xff\xfe?")
        assert isinstance(told, Frame)
        assert told.packets[0].body == body


def test_a_sign_that_says_nothing_or_only_rubbish_is_no_fault() -> None:
    with pty() as (sign, path), opened(f"serial://{path}") as port:
        assert port.ask(STRING) == []
        os.write(sign, b"\xff" * 3000)
        assert port.heard() == []  # bounded, given out when a frame begins
        os.write(sign, b"\xff" * 3000)
        assert [type(each) for each in port.ask(STRING)] in ([], [Noise])


def test_a_sign_that_takes_no_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drivers.led_sign.WRITE_S", 0.2)
    with pty() as (_, path), opened(f"serial://{path}") as port, pytest.raises(UnpluggedError, match="takes no bytes"):
        for _ in range(100):
            port.send(frame_of(b"AA" + b"x" * 4000))


def test_a_sign_that_vanishes() -> None:
    with pty() as (sign, path), opened(f"serial://{path}") as port:
        port.send(STRING)
        os.close(sign)
        with pytest.raises(UnpluggedError, match=path):
            port.send(STRING)


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UnpluggedError, match="plug it in"):
        open_port(f"serial://{tmp_path}/ttyUSB9")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(UnpluggedError, match="does not answer"):
        open_port(f"tcp://127.0.0.1:{port}")


def test_a_port_that_another_program_holds() -> None:
    with pty() as (_, path), opened(f"serial://{path}"), pytest.raises(UnpluggedError, match="another program"):
        open_port(f"serial://{path}")


def wait_for(heard: list[Frame | Noise], port: Port) -> None:
    """Listen until a frame came."""
    for _ in range(500):
        heard += port.heard()
        if any(isinstance(each, Frame) for each in heard):
            return
        select.select([], [], [], 0.01)


def test_bytes_arrive_over_tcp_and_a_hang_up_shows() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, opened(f"tcp://127.0.0.1:{server.getsockname()[1]}") as port:
        peer, _ = server.accept()
        assert port.send(STRING) == 0.0
        assert received(peer.fileno(), len(STRING.raw)) == STRING.raw
        peer.sendall(b"\x06@" + STRING.raw)
        wait_for(peer_has_sent := [], port)
        assert peer_has_sent == [Noise(b"\x06@"), STRING]
        peer.close()
        with pytest.raises(UnpluggedError, match=r"is gone|takes no"):
            for _ in range(100):
                port.heard()
                port.send(STRING)


@pytest.mark.filterwarnings("ignore:set(Daemon|Name):DeprecationWarning")  # pyserial's own
def test_rfc2217_sets_the_line_and_carries_the_bytes() -> None:
    """The far end is pyserial's own server over a loop."""
    far = serial.serial_for_url("loop://", timeout=0.05)
    with socket.create_server(("127.0.0.1", 0)) as server:
        stop = threading.Event()

        def serve() -> None:
            peer, _ = server.accept()
            peer.settimeout(0.05)
            with peer:
                manager = serial.rfc2217.PortManager(far, Connection(peer))
                while not stop.is_set():
                    with contextlib.suppress(TimeoutError):
                        data = peer.recv(1024)
                        if not data:
                            return
                        far.write(b"".join(manager.filter(data)))

        thread = threading.Thread(target=serve)
        thread.start()
        with opened(f"rfc2217://127.0.0.1:{server.getsockname()[1]}?baud=4800&format=7E1") as port:
            port.send(STRING)
            assert far.read(len(STRING.raw)) == STRING.raw
            assert (far.baudrate, far.bytesize, far.parity) == (4800, 7, "E")
        stop.set()
        thread.join()
    far.close()


class Connection:
    """What pyserial's server writes to."""

    def __init__(self, peer: socket.socket) -> None:
        self._peer = peer

    def write(self, data: bytes) -> None:
        self._peer.sendall(data)


def test_loop() -> None:
    with opened("loop://") as port:
        port.send(STRING)
        assert port.heard() == [STRING]


# Pace.


def test_pieces_and_pauses() -> None:
    timing = Timing()
    assert [(piece.data, piece.pause_s) for piece in pieces_of(STRING, timing)] == [(STRING.raw, 0.0)]
    nested = frame_of(b"Ga1", b"Gb2")
    pieces = [(piece.data, piece.pause_s) for piece in pieces_of(nested, timing)]
    assert pieces == [(bytes(5) + b"\x01Z00\x02", 0.1), (b"Ga1\x03\x02", 0.1), (b"Gb2\x03\x04", 0.0)]
    picture = [(piece.data, piece.pause_s) for piece in pieces_of(frame_of(b"Ip0201\r1"), timing)]
    assert picture == [(bytes(5) + b"\x01Z00\x02Ip0201", 0.1), (b"\r1\x04", 0.0)]
    for frame in (STRING, nested, frame_of(b"Ip0201\r1", b"Kq0101\r"), frame_of(b"E$", checksum=True)):
        for slow in (False, True):
            parts = pieces_of(frame, timing, slow=slow)
            assert b"".join(piece.data for piece in parts) == frame.raw
            assert not slow or [piece.pause_s for piece in parts].count(0.1) >= len(frame.packets)


def test_deaf_windows() -> None:
    memory, tone = frame_of(Memory((text_file("A", 256),)).body, address="02"), frame_of(Tone("1").body)
    assert [deaf_s(frame, Timing()) for frame in (STRING, memory, tone, frame_of(soft_reset().body))] == [0.0, 2.0, 3.0, 10.0]
    pace = Pace(Timing())
    pace.sent(memory, 0.05, 100.0)
    assert pace.wait_s("02", 100.0) == pytest.approx(2.05)
    assert pace.wait_s("03", 100.0) == pytest.approx(0.3)  # another sign of the line hears, after the gap
    assert pace.wait_s("0?", 100.0) == pace.wait_s("00", 100.0) == pytest.approx(2.05)
    assert pace.wait_s("03", 101.0) == 0.0
    pace.sent(tone, 0.0, 110.0)
    assert pace.wait_s("03", 110.0) == pytest.approx(3.0)  # all were spoken to
