"""`headsets.start`, `headsets.idle_*`, `headsets.memory`, `headsets.pull_p99`, `headsets.plug_p99`: forty headsets that come, stay and go."""

from __future__ import annotations

import time
from pathlib import Path

from tests.bench.box import Box, memory_mb
from tests.bench.headsets_desks import DESKS, Desks, desks, seats
from tests.bench.headsets_path import Follower, waits_ms
from tests.bench.memory import bare_mb
from tests.bench.room import Room
from tests.bench.table import Row, alone, no_more_than, percentile

#: So long no read of the readers ends by itself: each does after a minute, and is begun again. That is one wake-up, and counted as such; in
#: the mock it is a score of them, for each of its ioctls is a conversation.
_CALM_S, _READ_S = 40, 60
_PACKAGES = ["asyncio", "sqlite3", "msgspec", "usb.core", "pyudev"]


class _Found:
    """What the rounds gave."""

    def __init__(self) -> None:
        self.start_s: list[float] = []
        self.wakes: list[float] = []
        self.cpu: list[float] = []
        self.memory_mb: list[float] = []
        self.pull_ms: list[float] = []
        self.plug_ms: list[float] = []


def idle(room: Room) -> list[Row]:
    """The service starts before forty headsets, is left alone for a minute, loses them all, and gets them back."""
    found = _Found()
    for again in room.rounds(2, 1):
        with room.passing() as folder, desks() as floor, Box(folder / "box", crm_port=None, more=seats("own")) as box:
            _round(room, f"round {again + 1}", floor, box, found)
    bare = f"a process that imports {' '.join(_PACKAGES)}: {bare_mb(_PACKAGES):.1f} MB"
    return [
        alone("headsets.start", "s", found.start_s, no_more_than(5, "s"), f"start of the process → {DESKS} headsets told and owned"),
        alone(
            "headsets.idle_wakes",
            "wake-ups/s",
            found.wakes,
            no_more_than(5, "a second"),
            "all threads; for the reads that end by themselves, one a minute and headset, one each",
        ),
        alone("headsets.idle_cpu", "% of a core", found.cpu, no_more_than(0.5, "% of a core")),
        alone("headsets.memory", "MB RSS", found.memory_mb, no_more_than(60, "MB"), against=bare),
        alone("headsets.pull_p99", "ms p99", found.pull_ms, no_more_than(50, "ms"), "all dead at once; out of sysfs → event"),
        alone("headsets.plug_p99", "ms p99", found.plug_ms, no_more_than(50, "ms"), "whole in sysfs → event"),
    ]


def _round(room: Room, name: str, floor: Desks, box: Box, found: _Found) -> None:
    seconds = 10 if room.quick else _CALM_S
    with Follower(box) as follower:

        def is_told(count: int) -> bool:
            return follower.attached() == count

        room.say(f"{name}: start before {DESKS} headsets")
        began = time.monotonic()
        process = floor.serve(box)
        box.wait_for("all are owned", lambda: floor.open() == DESKS and is_told(DESKS))
        found.start_s.append(time.monotonic() - began)
        floor.lift_and_hang_up()
        time.sleep(8.0)  # whatever a press leaves to be done is done
        room.say(f"{name}: {seconds} s of nothing")
        before, cpu_before = _switches(process.pid), box.cpu_s()["headsets"]
        time.sleep(seconds)
        found.wakes.append((_switches(process.pid) - before) / seconds + DESKS / _READ_S)
        found.cpu.append((box.cpu_s()["headsets"] - cpu_before) / seconds * 100)
        found.memory_mb.append(memory_mb(process.pid)["rss"])
        room.say(f"{name}: the hub loses its power, and has it again")
        for act, count, waits in ((floor.pull, 0, found.pull_ms), (floor.plug, DESKS, found.plug_ms)):
            follower.seen()
            acts = act()
            box.wait_for("all are told", lambda count=count: is_told(count))
            waits.append(percentile(waits_ms(acts, follower.seen(), "own")[0][acts[0].kind], 0.99))


def _switches(pid: int) -> int:
    """How often its threads have woken up so far: voluntary context switches of all of them."""
    total = 0
    for status in Path(f"/proc/{pid}/task").glob("*/status"):
        for line in status.read_text().splitlines():
            if line.startswith("voluntary_ctxt_switches"):
                total += int(line.split()[1])
    return total
