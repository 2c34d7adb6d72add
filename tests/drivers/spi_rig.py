"""Starts the mocked SPI bus and processes that use it, and reads what they sent."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from max7219_model import Cascade

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
#: The system's Python has Debian's python3-gi; the one that runs the tests need not.
SYSTEM_PYTHON = "/usr/bin/python3"


class Sent(NamedTuple):
    """One thing that arrived at the bus: when, at which node, what kind (`transfer`, `speed`, `mode` …) and its bytes."""

    mono_ns: int
    node: str
    what: str
    data: bytes


class Rig:
    """A mocked bus."""

    def __init__(self, process: subprocess.Popen[str], root: str, log: Path) -> None:
        self._process, self.root, self._log = process, root, log

    def env(self) -> dict[str, str]:
        """The environment of a process that shall see the mocked bus."""
        return os.environ | {"LD_PRELOAD": "libumockdev-preload.so.0", "UMOCKDEV_DIR": self.root, "PYTHONPATH": str(ROOT)}

    def tell(self, order: str) -> None:
        """`fail ERRNO`, `heal`, `pull`, `plug`."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(order + "\n")
        self._process.stdin.flush()
        assert self._process.stdout.readline() == "{}\n"

    def sent(self) -> list[Sent]:
        """All that arrived until now."""
        lines = (line.split(" ") for line in self._log.read_text().splitlines())
        return [Sent(int(at), node, what, bytes.fromhex(data)) for at, node, what, data in lines]

    def transfers(self, node: str = "spidev0.0") -> list[bytes]:
        """The transfers at one chip select, in order."""
        return [sent.data for sent in self.sent() if sent.what == "transfer" and sent.node == node]


def seen(rig: Rig, width: int, height: int, **wired: Any) -> list[str]:
    """What a MAX7219 cascade behind spidev0.0 shows after all that it was sent; `wired` as in `Cascade.picture`."""
    cascade = Cascade(width * height // 64)
    cascade.feed(rig.transfers())
    return cascade.picture(width, height, **wired)


@contextlib.contextmanager
def open_rig(folder: Path, *nodes: str) -> Iterator[Rig]:
    """A mocked bus with these nodes (spidev0.0 when none is named)."""
    log = folder / "spi.log"
    command = ["umockdev-wrapper", SYSTEM_PYTHON, str(HERE / "spi_bus.py"), str(log), *nodes]
    # The system's Python must not be told where the test's Python lives.
    env = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield Rig(process, json.loads(process.stdout.readline())["root"], log)
        finally:
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write("bye\n")
                process.stdin.flush()
            process.stdin.close()
            process.wait(10)


class Client:
    """The driver in a process of its own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(self, *order: Any) -> dict[str, Any]:
        """One order to `led_client`: `open URL WIDTH HEIGHT`, `show ROWS`, `brightness PERCENT`, `again`, `close`."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the client died"
        answer: dict[str, Any] = json.loads(line)
        return answer

    def do(self, *order: Any) -> None:
        """An order that must succeed."""
        answer = self.ask(*order)
        assert answer == {"ok": True}, answer


@contextlib.contextmanager
def open_client(rig: Rig, *before: str, **extra: str) -> Iterator[Client]:
    """The driver in a child; `before` goes before its command line, `extra` into its environment."""
    command = [*before, sys.executable, "-W", "ignore::DeprecationWarning", str(HERE / "led_client.py")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=rig.env() | extra) as process:
        try:
            yield Client(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(10)
