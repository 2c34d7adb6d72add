"""A board as a screen is one: it follows the stream; one of them notes when each caller's coming and going was on it."""

from __future__ import annotations

import json
import socket
import subprocess
import threading
import time
from types import TracebackType
from typing import Any, Self

from tests.bench.room import child, line_from, stop
from tests.bench.worker import heard, tell


class Boards:
    """Screens in a process of their own; the first one takes notes."""

    def __init__(self, port: int, screens: int = 1) -> None:
        self._process: subprocess.Popen[str] = child("board:follow", port=port, screens=screens)
        line_from(self._process)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        stop(self._process)

    def seen(self) -> dict[str, list[tuple[int, float]]]:
        """`joined`, `abandoned`: (how many of today stood on the board, monotonic seconds), in order."""
        assert self._process.stdin is not None
        self._process.stdin.write("tell\n")
        self._process.stdin.flush()
        told: dict[str, list[tuple[int, float]]] = line_from(self._process)
        return told


def follow(port: int, screens: int) -> None:
    """Child: follow with every screen, note with the first."""
    seen: dict[str, list[tuple[int, float]]] = {"joined": [], "abandoned": []}
    ready = threading.Event()
    for screen in range(screens):
        threading.Thread(target=_screen, args=(port, seen if screen == 0 else None, ready), daemon=True).start()
    ready.wait(30)
    tell("ready")
    while heard():
        tell(seen)
        for notes in seen.values():
            notes.clear()


def _screen(port: int, seen: dict[str, list[tuple[int, float]]] | None, ready: threading.Event) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection, connection.makefile("rb") as lines:
        connection.sendall(b"GET /api/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n")
        for line in lines:
            at = time.monotonic()
            if seen is None or not line.startswith(b"data: "):
                continue
            ready.set()
            today: dict[str, Any] = (json.loads(line[6:]).get("floor") or {}).get("today") or {}
            if "offered" in today:
                seen["joined"].append((today["offered"], at))
            if "abandoned" in today:
                seen["abandoned"].append((today["abandoned"], at))
