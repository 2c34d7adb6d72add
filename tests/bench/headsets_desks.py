"""Forty desks: a mocked USB bus with a headset at each (umockdev), the people who use them, and who follows the journal beside it."""

from __future__ import annotations

import importlib.util
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tests.bench.box import Box
from tests.bench.room import ROOT, SkippedError

DESKS = 40
#: Changes of one headset a second: four times the hook, once mute.
RATE = 5
_HUBS, _PORTS = 6, 7
#: Hubs upon hubs: a root port, a hub of six more, seven headsets at each.
PORTS = tuple(f"1-1.{1 + desk // _PORTS % _HUBS}.{1 + desk % _PORTS}" for desk in range(DESKS))
ON, OFF, MUTE = "0200", "0201", 0x04
#: When in each second: lifted, hung up, lifted, hung up, mute. What is lifted for 150 ms only is taken for a button (headsets/hook.py).
_BEATS_S = (0.0, 0.26, 0.40, 0.66, 0.80)


class Act(NamedTuple):
    """One change at a desk: what it is, and when the wire had it, in monotonic ns."""

    port: str
    kind: str
    at_ns: int


class Desks:
    """The headsets and their people. `env` is what a process needs to see the bus."""

    def __init__(self, rig: Any, bus: Any) -> None:
        self._rig, self.bus = rig, bus
        self.env = {"LD_PRELOAD": "libumockdev-preload.so.0", "UMOCKDEV_DIR": str(bus.root)}
        self._off: dict[str, bool] = dict.fromkeys(PORTS, False)

    def plug(self) -> list[Act]:
        """All of them, one after the other."""
        self._off = dict.fromkeys(PORTS, False)
        return [Act(port, "attached", self.bus.plug(port, serial=f"S{number}")) for number, port in enumerate(PORTS)]

    def pull(self) -> list[Act]:
        """A hub loses its power: all are dead at once, and leave one after the other."""
        return [Act(port, "detached", at_ns) for port, at_ns in zip(PORTS, self.bus.do("cut", "clean", *PORTS)["at"], strict=True)]

    def serve(self, box: Box) -> subprocess.Popen[Any]:
        """The service before this bus. The nodes of the mock are terminals: one that leads a session is hung up with the first it opened."""
        return box.start("headsets", self.env, session=False)

    def open(self) -> int:
        """How many are taken from the kernel."""
        return len(self.bus.do("claimed")["claimed"])

    def lift_and_hang_up(self) -> None:
        """Everybody once, so that hook and mute are known from here."""
        for report in (OFF, ON):
            for port in PORTS:
                self.bus.do("report", port, report)
            time.sleep(1.0)

    def play(self, seconds: float) -> list[Act]:
        """Everybody presses five times a second, each in a rhythm of their own."""
        chance = random.Random(7)
        acts = [
            (desk / DESKS + turn // RATE + _BEATS_S[turn % RATE] + chance.uniform(0, 0.02), PORTS[desk], turn % RATE)
            for desk in range(DESKS)
            for turn in range(round(seconds * RATE))
        ]
        began, out = time.monotonic(), list[Act]()
        for due_s, port, what in sorted(acts):
            time.sleep(max(0.0, began + due_s - time.monotonic()))
            out.append(self._press(port) if what == RATE - 1 else self._move(port))
        return out

    def _move(self, port: str) -> Act:
        self._off[port] = not self._off[port]
        return Act(port, "hook", self.bus.do("report", port, OFF if self._off[port] else ON)["at"][0])

    def _press(self, port: str) -> Act:
        rest = OFF if self._off[port] else ON
        pressed = f"02{int(rest[2:], 16) | MUTE:02x}"
        return Act(port, "mute", self.bus.do("report", port, pressed, rest)["at"][0])


@contextmanager
def desks() -> Iterator[Desks]:
    """The tests' own mocked bus, with all headsets plugged. Raises SkippedError where it cannot stand."""
    rig = _rig()
    with rig.open_bus() as bus:
        made = Desks(rig, bus)
        made.plug()
        yield made


def seats(hold: str) -> str:
    """`[headsets]` for the configuration: each desk a seat, by its port."""
    named = "".join(f'[headsets.seat.{seat_of(port)}]\nurl = "usb:{port}"\n' for port in PORTS)
    return f'[headsets]\nhold = "{hold}"\n{named}'


def seat_of(port: str) -> str:
    return "desk" + port.replace("1-1.", "-").replace(".", "-")


def _rig() -> Any:
    if shutil.which("umockdev-wrapper") is None:
        raise SkippedError("no umockdev here: make setup installs it")
    if importlib.util.find_spec("usb") is None or importlib.util.find_spec("pyudev") is None:
        raise SkippedError("no pyusb or pyudev here: pip install callfloor[headsets]")
    sys.path.insert(0, str(Path(ROOT) / "tests" / "drivers"))
    import hid_rig  # noqa: PLC0415 - needs the path above

    probe = [hid_rig.SYSTEM_PYTHON, "-c", "import gi; gi.require_version('UMockdev', '1.0')"]
    if subprocess.run(probe, check=False, capture_output=True).returncode:
        raise SkippedError("no gir1.2-umockdev-1.0 and python3-gi here: make setup installs them")
    return hid_rig
