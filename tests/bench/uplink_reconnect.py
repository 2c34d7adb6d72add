"""`uplink.reconnect`: from a broker that listens again to the first event there; `uplink.reconnect_cap`: the longest pause between two tries."""

from __future__ import annotations

import random
import time

from gateway.uplink.backoff import Backoff
from tests.bench.box import Box, Broker, Consumer, free_port
from tests.bench.room import Room
from tests.bench.table import Row, alone, no_more_than

_PAUSE_MAX_S = 60.0


def reconnect(room: Room) -> list[Row]:
    """Outages of differing length, the default pauses, one box; the cap over many boxes by arithmetic."""
    waits = []
    port = free_port()
    outages = [1.0, 3.0, 6.0, 10.0, 14.0]
    with room.passing() as folder:
        crm = f'[crm]\nurl = "mqtt://127.0.0.1:{port}"\n'
        with Box(folder, crm_port=None, more=crm) as box:
            box.start("uplink")
            for again in room.rounds(10, 3):
                outage_s = outages[again % len(outages)]
                room.say(f"outage {again + 1} of {outage_s:.0f} s")
                time.sleep(outage_s)
                with Broker(folder / "broker", ("persistence false",), port) as broker:
                    began = time.monotonic()
                    with Consumer(broker) as consumer:
                        box.wait_for("the first event", lambda consumer=consumer: consumer.count > 0, seconds=70)  # type: ignore[misc]
                        waits.append(time.monotonic() - began)
                        time.sleep(0.5)
    dice = random.Random(1)
    boxes = [Backoff(_PAUSE_MAX_S, dice.random) for _ in range(1000)]
    pauses = [max(box.next_s(answered=True) for _ in range(40)) for box in boxes]
    first = sorted(Backoff(_PAUSE_MAX_S, dice.random).next_s(answered=True, stood=True) for _ in range(1000))
    densest = max(sum(at <= other < at + 1 for other in first) for at in first)
    note = f"longest {max(waits):.1f} s; of 1000 boxes at most {densest} come in one second at the first try"
    return [
        alone("uplink.reconnect", "s", waits, no_more_than(5, "s in the median"), note),
        alone(
            "uplink.reconnect_cap", "s", pauses, no_more_than(60, "s"), "the longest of 40 pauses, 1000 boxes; begun anew by a PUBACK alone"
        ),
    ]
