"""`board.cpu_*`, `board.memory_*`, `board.idle`: what the wallboard's process takes with one TV at 1, 50, 500 changes a second, and at rest."""

from __future__ import annotations

import time

from tests.bench.box import Box, memory_mb
from tests.bench.room import Room
from tests.bench.table import Row, alone, no_more_than
from tests.bench.wallboard_floor import QUEUE, Floor
from tests.bench.wallboard_tvs import Tvs

#: Changes a second, and what of a core and of memory they may take.
_RATES = {1: (3, 60), 50: (15, 60), 500: (40, 60)}
_LED = '[wallboard.led.entrada]\nurl = "sim:"\nwidth = 64\nheight = 8\n'


def load(room: Room) -> list[Row]:
    """One box, one TV, one rate after the other, in turns."""
    seconds = 3 if room.quick else 6
    cpu: dict[int, list[float]] = {rate: [] for rate in _RATES}
    memory: dict[int, list[float]] = {rate: [] for rate in _RATES}
    patches: dict[int, float] = {}
    with room.passing() as folder:
        box = Box(folder / "box", crm_port=None)
        with box, Floor(box) as floor:
            process = box.start("wallboard")
            box.wait_for("the board", lambda: (seen := box.floor()) and QUEUE in seen["queues"])
            with Tvs(box.board_port, 1) as tvs:
                time.sleep(1)
                for again in room.rounds(3, 1):
                    for rate in _RATES:
                        room.say(f"round {again + 1}: {seconds} s at {rate} changes a second")
                        tvs.seen()
                        before = box.cpu_s()["wallboard"]
                        floor.begin(seconds * rate, rate)
                        floor.told()
                        cpu[rate].append((box.cpu_s()["wallboard"] - before) / seconds * 100)
                        memory[rate].append(memory_mb(process.pid)["rss"])
                        patches[rate] = len(tvs.seen()[0]) / seconds
    rows = []
    for rate, (share, _) in _RATES.items():
        note = f"one TV; {patches[rate]:.0f} patches a second to it"
        rows.append(alone(f"board.cpu_{rate}", "% of a core", cpu[rate], no_more_than(share, "% of a core"), note))
    for rate, (_, megabytes) in _RATES.items():
        rows.append(alone(f"board.memory_{rate}", "MB RSS", memory[rate], no_more_than(megabytes, "MB"), "the wallboard's process"))
    return rows


def idle(room: Room) -> list[Row]:
    """One TV and one LED chain, nothing happening: clocks tick, a pixel beats."""
    seconds = 4 if room.quick else 12
    shares = []
    with room.passing() as folder:
        box = Box(folder / "box", crm_port=None, more=_LED)
        with box, Floor(box):
            box.start("wallboard")
            box.wait_for("the board", lambda: (seen := box.floor()) and QUEUE in seen["queues"])
            with Tvs(box.board_port, 1):
                time.sleep(3)
                for again in room.rounds(2, 1):
                    room.say(f"round {again + 1}: {seconds} s at rest")
                    before = box.cpu_s()["wallboard"]
                    time.sleep(seconds)
                    shares.append((box.cpu_s()["wallboard"] - before) / seconds * 100)
    return [
        alone(
            "board.idle",
            "% of a core",
            shares,
            no_more_than(2, "% of a core"),
            "one TV's stream, one LED chain of 64 × 8 (frames without a wire)",
        )
    ]
