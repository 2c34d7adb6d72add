"""`path.pbx_to_board`: from the PBX's byte to the board's stream, through every process that lies between, at 50 events a second."""

from __future__ import annotations

import threading
import time
from bisect import bisect_left

from tests.bench.bare_journal import Flush
from tests.bench.board import Boards
from tests.bench.box import Box
from tests.bench.manager import Manager
from tests.bench.room import Room
from tests.bench.table import Row, at_most, compared, percentile

_RATE = 50


def pbx_to_board(room: Room) -> list[Row]:
    """The 99th percentile beside what this disk's flush allows, measured in the same seconds."""
    seconds = 5 if room.quick else 15
    pairs, medians, flushes_ms = [], [], []
    with room.passing() as folder, Manager() as manager, Box(folder, pbx_port=manager.port) as box:
        room.say("starting gateway and wallboard")
        box.start("gateway")
        box.start("wallboard")
        box.wait_for("the board knows the queues", lambda: (floor := box.floor()) and len(floor["queues"]) == 3)
        with Boards(box.board_port) as boards:
            manager.begin(2 * _RATE, _RATE)
            manager.sent()
            boards.seen()
            for again in room.rounds(3, 1):
                room.say(f"round {again + 1}: {seconds} s at {_RATE} events a second")
                flushes = _Flushes(Flush(folder))
                manager.begin(seconds * _RATE, _RATE)
                sent = manager.sent()
                flush_ms = percentile(flushes.stop(), 0.99) * 1000
                time.sleep(1.0)  # for the last one to be on the board
                waits = latencies_ms(sent, boards.seen())
                pairs.append((percentile(waits, 0.99), 2 * flush_ms + 10))
                medians.append(percentile(waits, 0.5))
                flushes_ms.append(flush_ms)
    note = f"p50 {percentile(medians, 0.5):.1f} ms, flush p99 {percentile(flushes_ms, 0.5):.1f} ms"
    return [compared("path.pbx_to_board", "ms p99", pairs, "2 × flush p99 + 10 ms", at_most(1, "× (2 flushes p99 + 10 ms)"), note)]


def latencies_ms(sent: list[tuple[str, int, float]], seen: dict[str, list[tuple[int, float]]]) -> list[float]:
    """Each event's way: until the first word of the board that counts it. Raises RuntimeError when one never came."""
    out = []
    for kind, count, at in sent:
        notes = seen[kind]
        place = bisect_left(notes, count, key=lambda note: note[0])
        if place == len(notes):
            raise RuntimeError(f"the board never showed {kind} number {count}; its last was {notes[-1:]}")
        out.append((notes[place][1] - at) * 1000)
    return out


class _Flushes:
    """This disk's flush, taken twenty times a second in the background."""

    def __init__(self, flush: Flush) -> None:
        self._flush, self._ended, self._seconds = flush, threading.Event(), list[float]()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._ended.wait(0.05):
            self._seconds.append(self._flush.seconds())

    def stop(self) -> list[float]:
        self._ended.set()
        self._thread.join()
        return self._seconds
