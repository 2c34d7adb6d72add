"""`pop.ring_to_broker`: from the PBX's byte that tells a ring to the screen pop at whoever listens at the broker.

Once a second, fifty times a second, and fifty times a second while a backlog drains; the day so far has 100 000 calls, the directory a
million customers. `python -m tests.bench.pop_ring` (make pop-load): a minute at fifty a second, each ring with exactly one pop and one end.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from appliance.core.directory_card import Filed, Held
from appliance.core.directory_store import Cards
from appliance.core.journal_sqlite import SqliteJournal
from tests.bench.box import CALLFLOOR, Box, Broker, Consumer
from tests.bench.ringing import Pops, Ringing
from tests.bench.room import Room
from tests.bench.startup_board import make_day
from tests.bench.table import Row, alone, no_more_than, percentile
from tests.bench.work import event

_RATE = 50
_GOAL_MS = 50
_SETTINGS = ("max_inflight_messages 1000", "persistence false")
_MORE = '[directory]\ncountry = "EC"\n'


def ring_to_broker(room: Room) -> list[Row]:
    """The 99th percentile of each, over all rounds."""
    calls, customers = (2_000, 20_000) if room.quick else (100_000, 1_000_000)
    with room.passing() as folder:
        journal = folder / "day" / "journal.db"
        make_day(room, journal, calls)
        fill(journal.with_name("directory.db"), customers, room.say)
        with (
            Ringing() as pbx,
            Broker(folder / "broker", _SETTINGS) as broker,
            Box(folder / "box", pbx_port=pbx.port, crm_port=broker.port, journal=journal, more=_MORE) as box,
            Pops(broker) as pops,
        ):
            with Consumer(broker):
                _start(box, room.say)
                slow = _measure(room, pbx, pops, 10 if room.quick else 60, 1)
                fast = _measure(room, pbx, pops, _RATE * (5 if room.quick else 30), _RATE)
            drain = _drain(room, box, broker, pbx, pops, 20_000 if room.quick else 200_000)
    note = f"day of {calls} calls, {customers} customers"
    goal = no_more_than(_GOAL_MS, "ms")
    return [
        alone(
            "pop.ring_to_broker_1", "ms p99", [percentile(slow, 0.99)], goal, f"{_median(slow)}, {len(slow)} rings, one a second; {note}"
        ),
        alone("pop.ring_to_broker_50", "ms p99", [percentile(fast, 0.99)], goal, f"{_median(fast)}, {len(fast)} rings, fifty a second"),
        alone("pop.ring_to_broker_drain", "ms p99", [percentile(drain, 0.99)], goal, f"{_median(drain)}, {len(drain)} rings in a drain"),
    ]


def fill(path: Path, customers: int, say: Callable[[str], None]) -> None:
    """A directory in which every number that `Ringing` tells has a card, and others."""
    store, began = Cards(path), time.monotonic()
    with store.turn():
        with store.writing():
            store.begin_load(1)
        for first in range(0, customers, 10_000):
            cards = [
                Filed(
                    f"c-{number}",
                    Held((593_999_000_000 + number,), f"Customer {number}", "vip" if number % 50 == 0 else "plata", "es", "F-1"),
                )
                for number in range(first, first + 10_000)
            ]
            with store.writing():
                store.load(cards, 1)
        with store.writing():
            store.end_load(1, time.time_ns())
        with store.writing():
            store.drop_old()
    store.close()
    say(f"a directory of {customers} customers, {path.stat().st_size >> 20} MB, in {time.monotonic() - began:.0f} s")


def _start(box: Box, say: Callable[[str], None]) -> None:
    say("starting gateway and uplink")
    box.start("gateway")
    box.start("uplink")
    box.settled("uplink")
    time.sleep(2.0)


def _measure(room: Room, pbx: Ringing, pops: Pops, rings: int, rate: float) -> list[float]:
    room.say(f"{rings} rings, {rate:g} a second")
    pbx.begin(rings, rate)
    return [wait_s * 1000 for wait_s in pops.waits_s(pbx.sent())]


def _drain(room: Room, box: Box, broker: Broker, pbx: Ringing, pops: Pops, backlog: int) -> list[float]:
    """Nobody takes the events until the backlog stands and is read, which was written faster than any floor speaks; then somebody does,
    while phones ring.
    """
    room.say(f"writing {backlog} events")
    journal = SqliteJournal.open(box.journal, run_dir=box.folder / "run")
    try:
        for first in range(0, backlog, 500):
            journal.append([event(number) for number in range(first, first + 500)])
    finally:
        journal.close()
    box.settled("uplink")
    out: list[float] = []
    with Consumer(broker) as consumer:
        box.wait_for("the drain begins", lambda: consumer.count > 200, pause_s=0.005)
        while consumer.count < 0.8 * backlog and len(out) < 1500:
            out += _measure(room, pbx, pops, _RATE, _RATE)
    return out


def _median(waits_ms: list[float]) -> str:
    return f"p50 {percentile(waits_ms, 0.5):.1f} ms, max {max(waits_ms):.1f} ms"


def load() -> int:
    """`make pop-load`: a minute at fifty a second; 0 when every ring had exactly one pop with a card and one end, in time."""
    parser = argparse.ArgumentParser(prog="make pop-load ARGS=…")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--calls", type=int, default=20_000, help="in the day so far")
    parser.add_argument("--customers", type=int, default=100_000)
    args = parser.parse_args()
    with Room(quick=False) as room, room.passing() as folder:
        room.name = "pop-load"
        journal = folder / "day" / "journal.db"
        make_day(room, journal, args.calls)
        fill(journal.with_name("directory.db"), args.customers, room.say)
        with (
            Ringing() as pbx,
            Broker(folder / "broker", _SETTINGS) as broker,
            Consumer(broker),
            Box(folder / "box", pbx_port=pbx.port, crm_port=broker.port, journal=journal, more=_MORE) as box,
            Pops(broker) as pops,
        ):
            _start(box, room.say)
            rings, before = _RATE * args.seconds, _stats(box)  # the newest calls of the day that was made rang just now
            watch = _Peaks(box)
            waits = _measure(room, pbx, pops, rings, _RATE)
            cpu = watch.stop()
            time.sleep(1.0)
            stats = _stats(box)
    took = {name: round(percentile(waits, share), 1) for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))}
    print(
        f"{rings} rings, {len(waits)} pops, {pops.cards} with a card; ms from the PBX's byte to the broker's listener: {took}, max {max(waits):.1f}"
    )
    print(f"the box's own account: {json.dumps(stats)}")
    print(f"processor: {', '.join(f'{name} {share:.0%}' for name, share in cpu.items())}")
    told = [stats[what].get(how, 0) - before[what].get(how, 0) for what, how in (("outcomes", "delivered"), ("cards", "found"))]
    whole = told == [rings, rings] and stats["pops"] - before["pops"] == rings
    in_time = took["p99"] <= _GOAL_MS
    print("whole" if whole else "NOT whole", "in time" if in_time else f"NOT in time (goal: p99 {_GOAL_MS} ms)", sep=", ")
    return 0 if whole and in_time else 1


class _Peaks:
    """What the services used meanwhile."""

    def __init__(self, box: Box) -> None:
        self._box, self._began, self._before = box, time.monotonic(), box.cpu_s()

    def stop(self) -> dict[str, float]:
        took = time.monotonic() - self._began
        return {name: (used - self._before[name]) / took for name, used in self._box.cpu_s().items()}


def _stats(box: Box) -> dict[str, Any]:
    command = [str(CALLFLOOR), "pop", "stats", "--since", "1h", "--json", "-c", str(box.config)]
    told: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return told


if __name__ == "__main__":
    sys.exit(load())
