"""The floor under the box's CPU: the shortest programs that bring an event through disk to three screens, and do nothing else.

A datagram comes in, is committed to SQLite (WAL, FULL), datagrams wake two reader processes: one sends the rows to three
TCP clients, one publishes them to a broker at QoS 1 and keeps how far it came. No parsing of a PBX, no figures, no snapshot.
"""

from __future__ import annotations

import os
import selectors
import socket
import sqlite3
import subprocess
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.bench.bare_journal import BareJournal
from tests.bench.box import cpu_s, free_port
from tests.bench.room import child, line_from, stop
from tests.bench.work import body
from tests.bench.worker import tell


class BarePipeline:
    """The three processes and the clients."""

    def __init__(self, folder: Path, broker_port: int, screens: int = 3) -> None:
        self._in, wakes = str(folder / "in.sock"), [str(folder / f"wake{at}.sock") for at in range(2)]
        path, port = str(folder / "bare.db"), free_port()
        BareJournal(folder / "bare.db").close()
        self._processes: list[subprocess.Popen[str]] = [
            child("bare_pipeline:record", path=path, inlet=self._in, wakes=wakes),
            child("bare_pipeline:show", path=path, wake=wakes[0], port=port),
            child("bare_pipeline:publish", path=path, wake=wakes[1], port=broker_port),
        ]
        for process in self._processes:
            line_from(process)
        self._clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(screens)]
        for client in self._clients:
            threading.Thread(target=_read, args=(client,), daemon=True).start()
        self._outlet = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        for process in self._processes:
            stop(process)
        for client in self._clients:
            client.close()
        self._outlet.close()

    def send(self, count: int, rate: float) -> None:
        """Bring so many events in at that rate."""
        due = time.monotonic()
        for number in range(count):
            self._outlet.sendto(body(number), self._in)
            due += 1 / rate
            time.sleep(max(0.0, due - time.monotonic()))

    def cpu_s(self) -> float:
        """CPU seconds of its processes so far."""
        return sum(cpu_s(process.pid) for process in self._processes)


def record(path: str, inlet: str, wakes: list[str]) -> None:
    """Child: datagram to disk; what queued during a commit goes with the next one."""
    journal = BareJournal(Path(path))
    source = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    source.bind(inlet)
    bell = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    tell("ready")
    while True:
        source.setblocking(True)
        rows = [source.recv(65536)]
        source.setblocking(False)
        try:
            while len(rows) < 500:
                rows.append(source.recv(65536))
        except BlockingIOError:
            pass
        journal.append(rows)
        for wake in wakes:
            bell.sendto(b"1", wake)


def show(path: str, wake: str, port: int) -> None:
    """Child: rows to whoever is connected."""
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)
    bell = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    bell.bind(wake)
    listener = socket.create_server(("127.0.0.1", port))
    waiting = selectors.DefaultSelector()
    waiting.register(bell, selectors.EVENT_READ)
    waiting.register(listener, selectors.EVENT_READ)
    clients: list[socket.socket] = []
    last = 0
    tell("ready")
    while True:
        for key, _ in waiting.select():
            if key.fileobj is listener:
                clients.append(listener.accept()[0])
                continue
            bell.recv(64)
            rows = db.execute("SELECT seq, body FROM event WHERE seq>? ORDER BY seq LIMIT 500", (last,)).fetchall()
            if rows:
                last = rows[-1][0]
                data = b"\n".join(row[1] for row in rows) + b"\n"
                for client in clients:
                    client.sendall(data)


def publish(path: str, wake: str, port: int) -> None:
    """Child: rows to a broker, MQTT 3.1.1 written by hand; how far it came is saved every second."""
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)
    bell = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    bell.bind(wake)
    broker = socket.create_connection(("127.0.0.1", port))
    broker.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    broker.sendall(b"\x10\x10\x00\x04MQTT\x04\x02\x00\x00\x00\x04bare")
    broker.recv(4)
    topic = b"bare/event"
    head = len(topic).to_bytes(2, "big") + topic
    cursor = os.open(f"{path}.cursor", os.O_RDWR | os.O_CREAT, 0o600)
    last, saved_at = 0, 0.0
    tell("ready")
    while True:
        bell.recv(64)
        rows = db.execute("SELECT seq, body FROM event WHERE seq>? ORDER BY seq LIMIT 500", (last,)).fetchall()
        for seq, payload in rows:
            length = len(head) + 2 + len(payload)
            size = bytes((length & 127 | 128, length >> 7)) if length > 127 else bytes((length,))
            broker.sendall(b"\x32" + size + head + (seq % 65535 + 1).to_bytes(2, "big") + payload)
        owed = 4 * len(rows)
        while owed:
            owed -= len(broker.recv(owed))
        last = rows[-1][0] if rows else last
        if time.monotonic() - saved_at > 1:
            saved_at = time.monotonic()
            os.pwrite(cursor, last.to_bytes(8, "big"), 0)
            os.fdatasync(cursor)


def _read(client: socket.socket) -> None:
    try:
        while client.recv(65536):
            pass
    except OSError:
        return
