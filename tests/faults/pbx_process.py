"""A simulated PBX in a process of its own whose day ends: after `--last-call` real seconds nobody calls any more and the floor empties.

    python pbx_process.py --seed 7 --speed 6 --rate 12 --last-call 60 --control SOCKET

Prints its port; takes the lines of `callfloor sim pbx --control`. On SOCKET.look every connection is answered with one JSON line:
the least and the most callers who waited since the last look, and the longest wait likewise, in real seconds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal

import msgspec

from appliance.sim.floor_model_plan import plan_named
from appliance.sim.pbx import SimPbx
from appliance.sim.pbx_control import controlled


class Watch:
    """The least and the most that was so since the last time somebody asked: a floor changes between two questions."""

    def __init__(self, pbx: SimPbx) -> None:
        self._pbx = pbx
        self._waiting, self._longest = list[float](), list[float]()
        self._ended, self._there = 0, set[int]()

    async def run(self) -> None:
        while True:
            self._see()
            await asyncio.sleep(0.01)

    def _see(self) -> None:
        since = [visit.joined_s for queue in self._pbx.model.queues.values() for visit in queue.waiting]
        longest_s = (self._pbx.model.now_s - min(since)) / self._pbx.speed if since else 0.0
        there = {id(visit) for queue in self._pbx.model.queues.values() for visit in queue.waiting}
        self._ended += len(self._there - there)
        self._there = there
        for extremes, value in ((self._waiting, len(since)), (self._longest, longest_s)):
            extremes[:] = [min([*extremes, value]), max([*extremes, value])]

    def taken(self) -> dict[str, list[float]]:
        self._see()
        told = {"waiting": list(self._waiting), "longest": list(self._longest), "ended": [self._ended]}
        self._ended = 0
        self._waiting, self._longest = [], []
        self._see()
        return told


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--speed", type=float, default=1.0)
    parser.add_argument("--rate", type=float, default=12.0, help="calls per model minute")
    parser.add_argument("--agents", type=int, default=14)
    parser.add_argument("--talk", type=float, default=30.0, help="mean conversation, model seconds")
    parser.add_argument("--patience", type=float, default=40.0, help="mean patience, model seconds")
    parser.add_argument("--last-call", type=float, required=True, help="real seconds after which nobody calls")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--control", required=True)
    asked = parser.parse_args()
    plan = msgspec.structs.replace(
        plan_named("morning", calls_per_min=asked.rate, agents=asked.agents),
        talk_mean_s=asked.talk,
        patience_mean_s=asked.patience,
        surges=((0.0, 1.0), (asked.last_call * asked.speed, 0.0)),
    )
    done = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, done.set)
    async with SimPbx(plan, seed=asked.seed, speed=asked.speed, port=asked.port) as pbx, controlled(pbx, asked.control, done):
        watch = Watch(pbx)
        watching = asyncio.create_task(watch.run())

        async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(json.dumps(watch.taken()).encode() + b"\n")
            writer.close()

        looks = await asyncio.start_unix_server(answer, f"{asked.control}.look")
        print(pbx.port, flush=True)
        await done.wait()
        looks.close()
        watching.cancel()


asyncio.run(main())
