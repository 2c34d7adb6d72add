"""Simulated lines on the wire: a modem each on a pty, or a line monitor that sends its records over UDP."""

from __future__ import annotations

import asyncio
import fcntl
import os
import random
import socket
import struct
import termios
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

from appliance.sim.line_plan import Step
from appliance.sim.model_time import ModelLoop
from appliance.sim.modem import SimModem

_UNIT: Final = b"^^<U>\x00\x00\x00\x00\x00\x01<S>\x00\x00\x00\x00\x00\x01$"
#: What a unit says of itself when it is asked: its version, and how its switches stand.
_SETTINGS: Final = b"V 5.0 E c X d A o u b k"
#: The records of a monitor stand at the same moment of a day that never passes.
_STAMP: Final = "11/21 14:03:22"


class ModemWire:
    """One modem on a pty. `noise`: the share of its bytes that arrive as others. `slave`: the far end, held open here too."""

    def __init__(self, master: int, url: str, noise: float, seed: int, slave: int = -1) -> None:
        self.url, self._master, self._noise, self._slave = url, master, noise, slave
        self._modem = SimModem()
        self._dice = random.Random(seed)  # noqa: S311 - a simulation

    @property
    def is_asked(self) -> bool:
        """Whether somebody has told it to tell callers."""
        return self._modem.caller_mode != 0

    def do(self, step: Step) -> None:
        """Tell what happens."""
        match step.what:
            case "ring":
                self._write(self._modem.ring())
            case "caller":
                self._write(self._modem.caller(step.number or "O", step.name))
            case "off_hook" | "on_hook":
                self._write(self._modem.hook(step.what == "off_hook"))

    def heard(self) -> None:
        """The box says something."""
        with suppress(OSError):  # nobody has it open
            self._write(self._modem.feed(os.read(self._master, 4096)))

    def _write(self, data: bytes) -> None:
        if self._noise:
            data = bytes(self._dice.randrange(256) if self._dice.random() < self._noise else byte for byte in data)
        loop = asyncio.get_running_loop()
        before = _held(self._slave) if isinstance(loop, ModelLoop) else 0
        with suppress(OSError):  # nobody reads: a wire keeps nothing
            sent = os.write(self._master, data)
            if isinstance(loop, ModelLoop):
                # A thread of the kernel's hands them on: the model's time must not begin to run before.
                loop.arrived(lambda: _held(self._slave) >= before + sent)


@contextmanager
def on_pty(noise: float, seed: int) -> Iterator[ModemWire]:
    """A modem on a pty of its own."""
    master, slave = os.openpty()  # the slave stays open here, so that whoever closes it does not hang the line up
    tty.setraw(slave)
    os.set_blocking(master, False)
    wire = ModemWire(master, f"serial://{os.ttyname(slave)}", noise, seed, slave)
    loop = asyncio.get_running_loop()
    loop.add_reader(master, wire.heard)
    try:
        yield wire
    finally:
        loop.remove_reader(master)
        os.close(master)
        os.close(slave)


@contextmanager
def to_udp(host: str, port: int) -> Iterator[Callable[[int, Step], None]]:
    """A line monitor's packets to a port: a function of line number and step."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as box:
        box.connect((host, port))
        box.setblocking(False)
        loop = asyncio.get_running_loop()

        def asked() -> None:
            with suppress(OSError):  # nobody listens there yet
                if box.recv(4096) == b"^^Id-V":
                    box.send(_UNIT + _SETTINGS)

        loop.add_reader(box, asked)
        with suppress(OSError):
            box.send(_UNIT + _SETTINGS)  # as a unit does that was just switched on

        def tell(line: int, step: Step) -> None:
            for record in monitor_records(line, step):
                with suppress(OSError):  # nobody listens yet
                    box.send(_UNIT + record.encode("latin-1"))

        try:
            yield tell
        finally:
            loop.remove_reader(box)


def _held(slave: int) -> int:
    """Bytes that lie at the far end and were not read (FIONREAD, ioctl_tty(2))."""
    if slave < 0:
        return 0
    told: bytes = fcntl.ioctl(slave, termios.FIONREAD, b"\0\0\0\0")
    return int(struct.unpack("i", told)[0])


def monitor_records(line: int, step: Step) -> list[str]:
    """What a line monitor tells of a step.

    >>> monitor_records(1, Step(0.0, "off_hook"))
    ['01 F             11/21 14:03:22']
    """

    def detail(letter: str) -> str:
        return f"{line:02d} {letter}             {_STAMP}"

    def call(phase: str) -> str:
        number = "Private" if step.number == "P" else step.number or ""
        return f"{line:02d} I {phase} {step.talk_s:04d} G A{min(step.rings, 9)} 11/21 02:03 PM {number:<14} {step.name or '':<15}"

    match step.what:
        case "ring":
            return [detail("R")] if step.rings == 1 else []
        case "caller":
            return [call("S")]
        case "off_hook":
            return [detail("F")]
        case "on_hook":
            return [detail("N"), call("E")]
        case "gone":
            return [call("E")]
