"""The socket as paho sees it: whole buffers in and out, so that a drain costs one system call per hundred messages.

paho reads single bytes and sends packet by packet; here its bytes are gathered, our own frames go between its packets, and
acknowledgements of the event lane are taken out of the stream before paho reads it.
"""

from __future__ import annotations

import contextlib
import ssl
from typing import Final, Protocol

from appliance.core.errors import CorruptError
from gateway.uplink.packet import Inbound, split
from gateway.uplink.websocket import WebSocket

_READ: Final = 1 << 16
_WRITE: Final = 1 << 17
#: One turn of the loop reads at most this much, so that the other services of the process get their turn.
_READS_PER_TURN: Final = 8


class Socket(Protocol):
    """What we need of a TCP, TLS or websocket socket in non-blocking mode."""

    def recv(self, size: int, /) -> bytes: ...
    def send(self, data: bytes | bytearray | memoryview, /) -> int: ...
    def close(self) -> None: ...
    def fileno(self) -> int: ...
    def setblocking(self, flag: bool, /) -> None: ...


class Wire:
    """Stands between paho and its socket."""

    def __init__(self, socket: Socket) -> None:
        self._socket = socket
        self._raw = bytearray()
        self._for_paho = bytearray()
        self._out = bytearray()
        self._ended = self._broken = False
        self.closed = False
        #: What broke the stream off, where it did not merely end.
        self.fault: OSError | None = None
        #: Something came since this was last set to false.
        self.heard = False
        #: Does a poll of the descriptor show all that there is? A socket that decrypts or unframes may hold bytes of its own.
        self._shows_all = not isinstance(socket, ssl.SSLSocket | WebSocket)
        #: Reading stopped for the others' sake: call `take` again soon, a TLS socket may hold bytes that no poll shows.
        self.more = False

    # What paho calls.

    def recv(self, size: int) -> bytes:
        if self._for_paho:
            data = bytes(self._for_paho[:size])
            del self._for_paho[:size]
            return data
        if self._ended:
            return b""
        raise BlockingIOError

    def send(self, data: bytes | bytearray) -> int:
        self._out += data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            with contextlib.suppress(OSError):
                self.flush()
            self.closed = True
            self._socket.close()

    def fileno(self) -> int:
        return self._socket.fileno()

    def setblocking(self, flag: bool) -> None:
        self._socket.setblocking(flag)

    def pending(self) -> int:
        return len(self._for_paho)

    # What we call.

    @property
    def waiting_out(self) -> int:
        """Bytes that the socket did not take yet."""
        return len(self._out)

    @property
    def for_paho(self) -> bool:
        """Is there anything for paho to read: bytes, or the end of the stream?"""
        return bool(self._for_paho) or self._ended

    def break_off(self, fault: OSError) -> None:
        """Nothing can be sent any more."""
        self._out.clear()
        self._broken, self.fault = True, fault

    def end(self) -> None:
        """Let paho see the end of the stream."""
        self._ended = True

    def put(self, frames: list[bytes]) -> None:
        """Queue frames of our own behind what paho queued."""
        self._out += b"".join(frames)

    def take(self, limit: int) -> Inbound:
        """Read what has come; hand the event lane its answers and keep the rest for paho.

        Raises CorruptError when the stream is not MQTT. The end of the stream, or a fault of it, is told to paho.
        """
        self.more = False
        for _ in range(_READS_PER_TURN):
            try:
                data = self._socket.recv(_READ)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                break
            except OSError as fault:
                self._ended = True
                if self.fault is None or isinstance(fault, ssl.SSLError):
                    self.fault = fault
                break
            if not data:
                self._ended = True
                break
            self._raw += data
            self.heard = True
            if len(data) < _READ and self._shows_all:
                break
        else:
            self.more = True
        try:
            inbound = split(self._raw, limit)
        except CorruptError:
            self._ended = True
            raise
        del self._raw[: inbound.used]
        self._for_paho += inbound.rest
        return inbound

    def flush(self) -> bool:
        """Send what the socket takes; False when it takes no more for now. Raises OSError when the connection is gone."""
        while self._out and not self._broken:
            try:
                with memoryview(self._out) as all_, all_[:_WRITE] as part:
                    sent = self._socket.send(part)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return False
            del self._out[:sent]
        return self._broken or not isinstance(self._socket, WebSocket) or self._socket.push()
