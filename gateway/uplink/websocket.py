"""MQTT over websockets (MQTT 5.0 section 6, RFC 6455): the handshake, and frames around a socket's bytes.

paho has one of its own; it reads and masks byte by byte, which a drain cannot afford.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import socket
import ssl
from typing import Final

from appliance.core.errors import CorruptError, TransientError

_MAGIC: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_HEAD_MOST: Final = 16384
_READ: Final = 1 << 16
_FRAME_MOST: Final = 1 << 21
_CLOSE, _PING, _PONG = 0x8, 0x9, 0xA


def request(host: str, port: int, path: str, key: bytes, *, tls: bool) -> bytes:
    """The client's opening handshake (section 4.1), with the subprotocol `mqtt` that the standard of MQTT asks for."""
    name = f"[{host}]" if ":" in host else host
    place = name if port == (443 if tls else 80) else f"{name}:{port}"
    return (
        f"GET {path} HTTP/1.1\r\nHost: {place}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key.decode()}\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n"
    ).encode()


def check_answer(head: bytes, key: bytes) -> None:
    """The server's opening handshake (section 4.2.2). Raises TransientError in words that say what a person may have got wrong."""
    status, *lines = head.decode("latin-1").split("\r\n")
    if not re.match(r"HTTP/1\.1 101\b", status):
        raise TransientError(f"no websocket there: {status[:80]!r}. Is the path right?")
    fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    expected = base64.b64encode(hashlib.sha1(key + _MAGIC, usedforsecurity=False).digest()).decode()
    if fields.get("sec-websocket-accept") != expected or fields.get("upgrade", "").lower() != "websocket":
        raise TransientError("the answer to the websocket's handshake is not that of a websocket server")
    if fields.get("sec-websocket-protocol", "mqtt") != "mqtt":
        raise TransientError(f"the websocket speaks {fields['sec-websocket-protocol'][:40]!r}, not mqtt")


def frame(data: bytes, key: bytes, opcode: int = 0x2) -> bytes:
    """One masked frame (section 5.2).

    >>> frame(b"Hello", bytes.fromhex("37fa213d"), 1).hex()
    '818537fa213d7f9f4d5158'
    """
    size = len(data)
    head = bytes((0x80 | opcode,))
    if size < 126:
        head += bytes((0x80 | size,))
    elif size < 1 << 16:
        head += b"\xfe" + size.to_bytes(2, "big")
    else:
        head += b"\xff" + size.to_bytes(8, "big")
    return head + key + masked(data, key)


def masked(data: bytes, key: bytes) -> bytes:
    """Mask or unmask (section 5.3): one exclusive-or of two long numbers, a thousand times as fast as a loop over bytes."""
    size = len(data)
    pad = (key * (size // 4 + 1))[:size]
    return (int.from_bytes(data, "little") ^ int.from_bytes(pad, "little")).to_bytes(size, "little")


class Frames:
    """Takes frames apart as their bytes come: the payload of data frames is one stream, whatever frames it came in."""

    def __init__(self) -> None:
        self._raw = bytearray()
        #: Control frames to be answered: opcode and payload.
        self.control: list[tuple[int, bytes]] = []

    def feed(self, data: bytes) -> bytes:
        """Payload that is whole now. Raises CorruptError for what no server may send."""
        raw, at, out = self._raw, 0, bytearray()
        raw += data
        while True:
            start, size = _extent(raw, at)
            if start < 0 or start + size > len(raw):
                break
            opcode = raw[at] & 0x0F
            if opcode >= _CLOSE:
                self.control.append((opcode, bytes(raw[start : start + size])))
            elif opcode <= 2:
                out += raw[start : start + size]
            else:
                raise CorruptError(f"a websocket frame of kind {opcode:#x}, which there is not")
            at = start + size
        del raw[:at]
        return bytes(out)


def _extent(raw: bytearray, at: int) -> tuple[int, int]:
    """Where the payload of the frame at `at` begins, and its size; -1 while the head is incomplete."""
    if len(raw) - at < 2:
        return -1, 0
    if raw[at] & 0x70 or raw[at + 1] & 0x80:
        raise CorruptError("a websocket frame that a server may not send (masked, or of an extension that nobody asked for)")
    size, start = raw[at + 1] & 0x7F, at + 2
    if size >= 126:
        wide = 2 if size == 126 else 8
        if len(raw) - start < wide:
            return -1, 0
        size, start = int.from_bytes(raw[start : start + wide], "big"), start + wide
    if size > _FRAME_MOST or (raw[at] & 0x08 and size > 125):
        raise CorruptError(f"a websocket frame of {size} bytes")
    return start, size


class WebSocket:
    """A socket that speaks frames; to its user it is a socket of bytes. Blocking until `setblocking(False)`."""

    def __init__(self, under: socket.socket | ssl.SSLSocket, host: str, port: int, path: str, *, tls: bool) -> None:
        """Shake hands. Raises TransientError, OSError."""
        self._under, self._frames = under, Frames()
        self._out = bytearray()
        self._ready = bytearray()
        self._ended = False
        key = base64.b64encode(os.urandom(16))
        under.sendall(request(host, port, path, key, tls=tls))
        got = bytearray()
        while b"\r\n\r\n" not in got:
            try:
                more = under.recv(4096)
            except ConnectionError:
                more = b""
            if not more or len(got) > _HEAD_MOST:
                raise TransientError("no websocket there: closed in the handshake. Is the path right?")
            got += more
        head, _, rest = bytes(got).partition(b"\r\n\r\n")
        check_answer(head, key)
        self._ready += self._frames.feed(rest)

    def recv(self, size: int) -> bytes:
        """Bytes that came; b"" at the end. Raises BlockingIOError or ssl.SSLWantReadError when there are none now."""
        while not self._ready and not self._ended:
            data = self._under.recv(_READ)
            if not data:
                self._ended = True
                break
            try:
                self._ready += self._frames.feed(data)
            except CorruptError as fault:
                raise ConnectionAbortedError(str(fault)) from fault
            self._answer()
        out = bytes(self._ready[:size])
        del self._ready[:size]
        return out

    def send(self, data: bytes | bytearray | memoryview) -> int:
        """Take data as one frame, unless an earlier one is not out yet. Raises as a socket does."""
        if not self.push():
            raise BlockingIOError
        self._out += frame(bytes(data), os.urandom(4))
        self.push()
        return len(data)

    def push(self) -> bool:
        """Send what waits; False when the socket takes no more for now."""
        try:
            self._push()
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return False
        return not self._out

    def _push(self) -> None:
        while self._out:
            with memoryview(self._out) as all_:
                sent = self._under.send(all_)
            del self._out[:sent]

    def _answer(self) -> None:
        for opcode, payload in self._frames.control:
            if opcode == _PING:
                self._out += frame(payload, os.urandom(4), _PONG)
            elif opcode == _CLOSE:
                self._out += frame(payload[:2], os.urandom(4), _CLOSE)
                self._ended = True
        if self._frames.control:
            self._frames.control.clear()
            self.push()

    def close(self) -> None:
        self._under.close()

    def fileno(self) -> int:
        return self._under.fileno()

    def setblocking(self, flag: bool, /) -> None:
        self._under.setblocking(flag)
