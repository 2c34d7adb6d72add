"""TVs as the box sees them: connections that follow the stream. One process reads them all, and notes when each position reached each."""

from __future__ import annotations

import selectors
import socket
import sys
import threading
import time
from types import TracebackType
from typing import Self

from tests.bench.room import child, line_from, stop
from tests.bench.worker import tell

_ASK = "GET {} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n"
Notes = list[tuple[int, float]]


class Tvs:
    """So many of them at a port, from another process; all are connected when the block begins. `joined_s`: how long that took."""

    def __init__(self, port: int, count: int, path: str = "/api/stream") -> None:
        self._process = child("wallboard_tvs:follow", port=port, count=count, path=path)
        self.joined_s: float = line_from(self._process)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        stop(self._process)

    def seen(self) -> list[Notes]:
        """For each TV since the last question: (position, monotonic second at which it was there), in order."""
        assert self._process.stdin is not None
        self._process.stdin.write("tell\n")
        self._process.stdin.flush()
        return [[(seq, at) for seq, at in notes] for notes in line_from(self._process)]


def follow(port: int, count: int, path: str) -> None:
    """Child: connect all at once, as after the box was switched on; then read until the parent is gone."""
    poll = selectors.DefaultSelector()
    notes: list[Notes] = [[] for _ in range(count)]
    first = threading.Event()
    waiting = set(range(count))
    began = time.monotonic()
    for number in range(count):
        connection = socket.create_connection(("127.0.0.1", port))
        connection.sendall(_ASK.format(path).encode())
        connection.setblocking(False)
        poll.register(connection, selectors.EVENT_READ, number)

    def read() -> None:
        while True:
            for key, _ in poll.select():
                assert isinstance(key.fileobj, socket.socket)
                chunk = key.fileobj.recv(1 << 20)
                at = time.monotonic()
                if not chunk:
                    poll.unregister(key.fileobj)
                    continue
                place = chunk.rfind(b"\nid: ")
                if place >= 0:
                    notes[key.data].append((int(chunk[place + 5 : chunk.index(b"\n", place + 5)]), at))
                    if waiting:
                        waiting.discard(key.data)
                        if not waiting:
                            first.set()

    threading.Thread(target=read, daemon=True).start()
    if not first.wait(60):
        raise SystemExit(f"{len(waiting)} of {count} TVs have heard nothing")
    tell(time.monotonic() - began)
    for _ in sys.stdin:
        told = [list(one) for one in notes]
        for one, taken in zip(notes, told, strict=True):
            del one[: len(taken)]
        tell(told)
