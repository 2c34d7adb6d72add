"""A simulated PBX in a process of its own whose day ends: after `--last-call` real seconds nobody calls any more and the floor empties.

    python pbx_process.py --seed 7 --speed 6 --rate 12 --last-call 60 --control SOCKET

Prints its port; takes the lines of `callfloor sim pbx --control`.
"""

from __future__ import annotations

import argparse
import asyncio
import signal

import msgspec

from appliance.sim.floor_model_plan import plan_named
from appliance.sim.pbx import SimPbx
from appliance.sim.pbx_control import controlled


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
        print(pbx.port, flush=True)
        await done.wait()


asyncio.run(main())
