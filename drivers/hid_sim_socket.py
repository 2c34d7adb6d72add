"""Decides how the box speaks with a simulated headset in another process (`sim:PATH`): PATH is a unix stream socket, where it listens.

At each connection the simulator first says which headset it is, in one line of JSON (16 KiB at most) that ends with `\\n`:

    {"vid": "0b0e", "pid": "0307", "serial": "A1", "product": "Desk", "port": "1-1.2", "descriptor": "050b0905…"}

`vid`, `pid`: four hex digits; `descriptor`: the report descriptor in hex; `serial` and `product` may be missing or null; `port` is for
people, missing it is `sim`. From then on both sides send frames: two bytes of length, big-endian, 1 to 16 384, then a report as it is on
the wire, its id first where the descriptor numbers reports. From the simulator they are input reports, from the box output reports
(SET_REPORT). No frame is answered. A box that only watches sends nothing.

That the simulator accepts is plugging; that it closes is pulling. The box comes back by itself, every quarter of a second at first and
every five at last. A simulator may serve several connections (a box, `callfloor headset watch`) and sends each the same reports.
"""

from __future__ import annotations

import asyncio
import errno
import os
import re
import select
import socket
import stat
import time
from collections.abc import Callable
from typing import Final

import msgspec

from appliance.core.errors import CallfloorError, CorruptError, DeniedError, TransientError, UnpluggedError
from drivers.hid_device import Heard, HidInfo, Lost

#: For the hello to come.
_HELLO_S: Final = 2.0
_HELLO_BYTES: Final = 16_384
_LONGEST_BYTES: Final = 16_384
_WRITE_S: Final = 0.5
#: What is taken at one turn of the loop, so that one that floods leaves turns to the others.
_AT_ONCE_BYTES: Final = 4096
_HEX: Final = re.compile(r"[0-9a-fA-F]{4}")
_TEXT_CHARS: Final = 64


class Hello(msgspec.Struct, frozen=True):
    """Which headset the simulator is."""

    vid: str
    pid: str
    descriptor: str
    serial: str | None = None
    product: str | None = None
    port: str | None = None


def is_there(path: str) -> bool:
    """Whether a socket lies there, as far as we may look."""
    try:
        return stat.S_ISSOCK(os.stat(path).st_mode)  # noqa: PTH116 - the path is a url's text
    except OSError:
        return False


def open_sim(path: str, *, writes: bool = True, now_ns: Callable[[], int] = time.monotonic_ns) -> SimSocketHid:
    """Connect and hear which headset it is; blocks for 2 s at most. `writes`: own it; else it is only watched.

    Raises UnpluggedError when nobody listens at `path`, DeniedError without the right to it, TransientError when nothing is said in
    time, CorruptError when what is said is no hello.
    """
    line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        line.settimeout(_HELLO_S)
        line.connect(path)
        said, rest = _hello(line, path)
        info = _info(said, path)
        line.setblocking(False)
    except BaseException as error:
        line.close()
        if isinstance(error, OSError) and not isinstance(error, CallfloorError):
            raise _fault(path, error) from error
        raise
    return SimSocketHid(info, line, rest, now_ns, writes=writes)


class SimSocketHid:
    """A simulated headset at the other end of a socket (`HidDevice`)."""

    #: The stream holds what is not taken yet; nothing of it is lost.
    dropped = 0

    def __init__(self, info: HidInfo, line: socket.socket, rest: bytes, now_ns: Callable[[], int], *, writes: bool) -> None:
        self.info = info
        self._line: socket.socket | None = line
        self._received = bytearray(rest)
        self._now_ns, self._writes = now_ns, writes
        self._loop: asyncio.AbstractEventLoop | None = None

    def __enter__(self) -> SimSocketHid:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def report_descriptor(self) -> bytes:
        return self.info.descriptor or b""

    def read(self, timeout_s: float) -> bytes | None:
        line = self._opened()
        end_s = time.monotonic() + timeout_s
        while (report := self._next()) is None:
            if not select.select([line], [], [], max(0.0, end_s - time.monotonic()))[0]:
                return None
            self._receive(line)
        return report

    def write(self, report: bytes) -> None:
        line = self._opened()
        if not self._writes:
            raise DeniedError(f"{self.info}: it is watched, and a watched headset is never written; own it to set its lamps")
        frame = len(report).to_bytes(2) + report
        end_s = time.monotonic() + _WRITE_S
        try:
            while frame:
                if not select.select([], [line], [], max(0.0, end_s - time.monotonic()))[1]:
                    line.shutdown(socket.SHUT_RDWR)  # half a frame is on the way: nothing after it could be understood
                    raise TransientError(f"{self.info}: the simulator does not read what it is sent; start it anew")
                frame = frame[line.send(frame) :]
        except CallfloorError:
            raise
        except (OSError, ValueError) as error:  # closed by the simulator; closed by us in another thread
            raise self._gone() from error

    def listen(self, loop: asyncio.AbstractEventLoop, heard: Heard, lost: Lost) -> None:
        line = self._opened()
        self._loop = loop
        loop.add_reader(line, self._readable, line, heard, lost)
        loop.call_soon(self._deliver, heard, lost)  # what came together with the hello

    def _readable(self, line: socket.socket, heard: Heard, lost: Lost) -> None:
        if self._loop is not None:
            self._deliver(heard, lost, line)

    def _deliver(self, heard: Heard, lost: Lost, line: socket.socket | None = None) -> None:
        try:
            if line is not None:
                self._receive(line)
            while self._loop is not None and (report := self._next()) is not None:
                heard(report, self._now_ns())
        except CallfloorError as fault:
            self._silence()
            lost(fault)

    def _receive(self, line: socket.socket) -> None:
        """Take what is there. Raises UnpluggedError at the end of the stream."""
        try:
            some = line.recv(_AT_ONCE_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            raise self._gone() from error
        if not some:
            raise self._gone()
        self._received += some

    def _next(self) -> bytes | None:
        """The next whole report of what was received. Raises CorruptError for a length that no report has."""
        if len(self._received) < 2:
            return None
        length = int.from_bytes(self._received[:2])
        if not 1 <= length <= _LONGEST_BYTES:
            raise CorruptError(f"{self.info}: the simulator sends a frame of {length} bytes; a report has 1 to {_LONGEST_BYTES}")
        if len(self._received) < 2 + length:
            return None
        report = bytes(self._received[2 : 2 + length])
        del self._received[: 2 + length]
        return report

    def _silence(self) -> None:
        if self._loop is not None and self._line is not None:
            self._loop.remove_reader(self._line)
        self._loop = None

    def close(self) -> None:
        self._silence()
        if self._line is not None:
            self._line.close()
            self._line = None

    def _opened(self) -> socket.socket:
        if self._line is None:
            raise TransientError(f"{self.info}: it is closed; open it again")
        return self._line

    def _gone(self) -> UnpluggedError:
        return UnpluggedError(f"{self.info}: its simulator has ended or pulled it; plug it in again")


def _hello(line: socket.socket, path: str) -> tuple[Hello, bytes]:
    """The first line, and what came behind it."""
    received = b""
    end_s = time.monotonic() + _HELLO_S
    while b"\n" not in received:
        if len(received) > _HELLO_BYTES or time.monotonic() > end_s:
            raise CorruptError(f"sim:{path}: what listens there does not say which headset it is; it is no simulated headset")
        some = line.recv(_AT_ONCE_BYTES)
        if not some:
            raise UnpluggedError(f"sim:{path}: the simulator has ended before it said which headset it is; start it again")
        received += some
    said, _, rest = received.partition(b"\n")
    try:
        return msgspec.json.decode(said, type=Hello), rest
    except msgspec.MsgspecError as error:
        raise CorruptError(f"sim:{path}: no hello of a simulated headset ({error})") from error


def _info(said: Hello, path: str) -> HidInfo:
    try:
        descriptor = bytes.fromhex(said.descriptor)
    except ValueError as error:
        raise CorruptError(f"sim:{path}: its descriptor is not hex ({error})") from error
    if not (_HEX.fullmatch(said.vid) and _HEX.fullmatch(said.pid)):
        raise CorruptError(f"sim:{path}: vid {said.vid!r} and pid {said.pid!r} must be four hex digits each")
    return HidInfo(
        port=_text(said.port) or "sim",
        interface=0,
        folder=path,
        bus=0,
        address=0,
        vid=int(said.vid, 16),
        pid=int(said.pid, 16),
        serial=_text(said.serial),
        product=_text(said.product),
        descriptor=descriptor,
    )


def _text(said: str | None) -> str | None:
    return "".join(each for each in said or "" if each.isprintable()).strip()[:_TEXT_CHARS] or None


def _fault(path: str, error: OSError) -> CallfloorError:
    if isinstance(error, TimeoutError):
        return TransientError(f"sim:{path}: what listens there says nothing; is it a simulated headset?")
    if error.errno in (errno.EACCES, errno.EPERM):
        return DeniedError(f"sim:{path}: no right to the socket; run the simulator as the same user")
    return UnpluggedError(f"sim:{path}: no simulated headset listens there ({error.strerror or error}); start `callfloor sim headset`")
