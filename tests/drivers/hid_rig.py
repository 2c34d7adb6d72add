"""Starts the mocked USB bus with its headsets, and processes that use them through the drivers."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SYSTEM_PYTHON = "/usr/bin/python3"

#: A headset's descriptor, made by hand from the HID usage tables: report 2 in: hook (absolute), line busy, mute (relative), 5 bits of padding;
#: report 2 out: off-hook, mute, ring, hold, microphone, 3 bits of padding, 1 byte more of it.
DESCRIPTOR = (
    "050b0905a1018502"  # Telephony, Headset, application, report 2
    "150025017501"  # logical 0 to 1, one bit
    "0920950181020997950181020" + "92f95018106750595018101"  # hook, line busy: data variable absolute; mute: relative; padding
    "0508091709090918092009217501950591027503950191017508950191" + "01c0"  # LEDs; padding
)
#: The same without a report id.
UNNUMBERED = DESCRIPTOR.replace("8502", "", 1)
#: A keyboard: not telephony.
KEYBOARD = "05010906a101050719e029e715002501750195088102c0"
ON_HOOK, OFF_HOOK, MUTE_PRESS = "0200", "0201", "0205"


class Talk:
    """A process that answers a JSON line with a JSON line."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def begin(self, *order: Any) -> None:
        """Send an order, and do not wait for its answer."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()

    def answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "the process died"
        answer: dict[str, Any] = json.loads(line)
        return answer

    def ask(self, *order: Any) -> dict[str, Any]:
        self.begin(*order)
        return self.answer()

    def do(self, *order: Any) -> dict[str, Any]:
        """An order that must succeed."""
        answer = self.ask(*order)
        assert "fault" not in answer, answer
        return answer


class Bus(Talk):
    """The mocked bus: see `hid_bus.Bus` for its orders."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        super().__init__(process)
        self.root = str(self.answer()["root"])

    def plug(
        self,
        port: str = "1-2",
        *,
        vid: int = 0x1209,
        pid: int = 1,
        serial: str = "S1",
        product: str = "Desk",
        descriptor: str = DESCRIPTOR,
        **habits: Any,
    ) -> int:
        """Its name is its port. When it was whole, in monotonic ns."""
        return int(self.do("plug", port, port, vid, pid, serial, product, descriptor, habits)["at"][0])

    def log(self, port: str = "1-2") -> list[tuple[str, str]]:
        """What happened at a headset, and its bytes in hexadecimal."""
        return [(what, data) for _, what, data in self.do("log", port)["log"]]


@contextlib.contextmanager
def open_bus() -> Iterator[Bus]:
    """A mocked bus without devices."""
    command = ["umockdev-wrapper", SYSTEM_PYTHON, str(HERE / "hid_bus.py")]
    # The system's Python must not be told where the test's Python lives.
    env = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env) as process:
        bus = Bus(process)
        try:
            yield bus
        finally:
            with contextlib.suppress(BrokenPipeError):
                bus.begin("bye")
            process.wait(10)


@contextlib.contextmanager
def open_box(bus: Bus, *before: str, **extra: str) -> Iterator[Talk]:
    """The drivers in a process that sees the mocked bus; `before` goes before its command line, `extra` into its environment."""
    command = [*before, sys.executable, "-W", "error", str(HERE / "hid_client.py")]
    env = (
        os.environ
        | {"LD_PRELOAD": "libumockdev-preload.so.0", "UMOCKDEV_DIR": bus.root, "PYTHONPATH": str(ROOT), "PYTHONFAULTHANDLER": "1"}
        | extra
    )
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env) as process:
        assert process.stdin is not None
        try:
            yield Talk(process)
        finally:
            process.stdin.close()
            process.wait(10)
    assert process.returncode in (0, -9), f"the box ended with {process.returncode}"
