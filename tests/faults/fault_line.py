"""What lies between the uplink and its broker: a TCP proxy that cuts, stalls, trickles, swallows, and that reads and mangles MQTT packets."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator

#: What a filter makes of one packet: the packets that go on, and those that go back to where it came from.
Passed = tuple[list[bytes], list[bytes]]
Filter = Callable[[bytes], Passed]


def packets(buffer: bytearray) -> Iterator[bytes]:
    """Take the whole MQTT packets off the front."""
    while len(buffer) >= 2:
        length = at = 0
        while True:
            at += 1
            if at >= len(buffer):
                return
            length |= (buffer[at] & 127) << (7 * (at - 1))
            if buffer[at] < 128:
                break
        end = at + 1 + length
        if len(buffer) < end:
            return
        yield bytes(buffer[:end])
        del buffer[:end]


class Line:
    """Listens on `port` and connects every caller to `target`. All may be changed while connections stand."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._lock = threading.Lock()
        self.connections = 0
        self.clear()
        threading.Thread(target=self._accept, daemon=True).start()

    def clear(self) -> None:
        """An honest line again; connections that stand are left as they are."""
        self.refuses = self.swallows = False
        self.delay_s = 0.0
        #: At most so many bytes at a time, each piece so much later than the one before.
        self.piece, self.piece_s = 0, 0.0
        self.up: Filter | None = None
        self.down: Filter | None = None

    def close(self) -> None:
        self._listener.close()
        self.cut()

    def cut(self, *, reset: bool = False) -> None:
        """End all connections, with FIN or RST to both sides."""
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for pair in pairs:
            for end in pair:
                # Closed by the threads that pass: a descriptor closed here could be another connection's before they know.
                with contextlib.suppress(OSError):
                    if reset:
                        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    end.shutdown(socket.SHUT_RD if reset else socket.SHUT_RDWR)

    def half_close(self, *, towards_box: bool) -> None:
        """One direction ends, the other stays open."""
        with self._lock:
            pairs = list(self._pairs)
        for box, broker in pairs:
            with contextlib.suppress(OSError):
                (box if towards_box else broker).shutdown(socket.SHUT_WR)

    def say(self, data: bytes) -> None:
        """Put bytes into what the broker says to the box."""
        with self._lock:
            pairs = list(self._pairs)
        for box, _ in pairs:
            with contextlib.suppress(OSError):
                box.sendall(data)

    def _accept(self) -> None:
        while True:
            try:
                box, _ = self._listener.accept()
            except OSError:
                return
            if self.refuses:
                box.close()
                continue
            self.connections += 1
            try:
                broker = socket.create_connection(("127.0.0.1", self._target), 2.0)
            except OSError:
                box.close()
                continue
            broker.settimeout(None)
            with self._lock:
                self._pairs.append((box, broker))
            up = threading.Thread(target=self._pass, args=(box, broker, "up"), daemon=True)
            up.start()
            threading.Thread(target=self._both, args=(box, broker, up), daemon=True).start()

    def _both(self, box: socket.socket, broker: socket.socket, up: threading.Thread) -> None:
        """Pass what comes down, and close both ends when neither way is used any more."""
        self._pass(broker, box, "down")
        up.join()
        with self._lock, contextlib.suppress(ValueError):
            self._pairs.remove((box, broker))
        for end in (box, broker):
            end.close()

    def _pass(self, from_: socket.socket, to: socket.socket, way: str) -> None:
        buffer = bytearray()
        with contextlib.suppress(OSError):
            while data := from_.recv(65536):
                if self.delay_s:
                    time.sleep(self.delay_s)
                if self.swallows:
                    continue
                buffer += data
                filter_: Filter | None = getattr(self, way)
                for packet in packets(buffer):
                    on, back = filter_(packet) if filter_ else ([packet], [])
                    if on:
                        self._send(to, b"".join(on))
                    if back:
                        from_.sendall(b"".join(back))
        with contextlib.suppress(OSError):
            reset = struct.unpack("ii", from_.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8))[0]
            for end in (from_, to):
                end.shutdown(socket.SHUT_RD if reset else socket.SHUT_RDWR)

    def _send(self, to: socket.socket, data: bytes) -> None:
        while self.piece and data:
            to.sendall(data[: self.piece])
            data = data[self.piece :]
            time.sleep(self.piece_s)
        to.sendall(data)
