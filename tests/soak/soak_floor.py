"""A simulated floor in a process of its own, for hours: a PBX with a day's profile, headsets that come and go, a sign on a pty.

    python soak_floor.py --seed 7 --speed 1 --rate 20 --last-call 7200 --folder FOLDER

Prints a line of JSON when it stands: the PBX's port, and what the box's configuration needs for the headsets and the sign. Takes the
control lines of `callfloor sim pbx --control` on FOLDER/pbx.sock.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import signal
from pathlib import Path

import msgspec

from appliance.core.clock import SystemClock
from appliance.demo_desk import DemoDesks
from appliance.sim.floor_model_plan import Plan, plan_named
from appliance.sim.pbx import SimPbx
from appliance.sim.pbx_control import controlled
from appliance.sim.sign import SimSign
from appliance.sim.sign_line import Wire, on_pty

DAY_S = 86400.0
#: How busy each half-hour of a day is, of its busiest; midnight first.
PROFILE = (
    *(0.02,) * 12, 0.05, 0.1, 0.2, 0.4, 0.7, 0.9, 1.0, 1.0, 0.95, 0.9, 0.85, 0.8,
    0.7, 0.6, 0.6, 0.7, 0.8, 0.9, 0.9, 0.85, 0.8, 0.7, 0.6, 0.5, 0.35, 0.25, 0.2, 0.15, 0.1, 0.08, 0.06, 0.05, 0.04, 0.03, 0.02, 0.02,
)  # fmt: skip


def surges_of(shape: str, span_s: float) -> tuple[tuple[float, float], ...]:
    """The factors on the arrival rate over so many model seconds, then nobody calls: a `day`'s profile, or `hours` whose rate swings by a third."""
    if shape == "day":
        steps = [(at * DAY_S / len(PROFILE), share) for at, share in enumerate(PROFILE)]
    else:
        steps = [(at * 300.0, 1.0 + math.sin(at / 3) / 3) for at in range(math.ceil(span_s / 300.0))]
    return (*(step for step in steps if step[0] < span_s), (span_s, 0.0))


def plan_of(shape: str, rate: float, agents: int, span_s: float) -> Plan:
    """The floor: people who talk for a minute and a half, take breaks, and callers who do not wait for ever."""
    plan = plan_named("morning", calls_per_min=rate, agents=agents)
    return msgspec.structs.replace(plan, talk_mean_s=60.0, patience_mean_s=60.0, surges=surges_of(shape, span_s))


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--speed", type=float, required=True)
    parser.add_argument("--rate", type=float, required=True, help="calls per model minute, at the busiest")
    parser.add_argument("--agents", type=int, default=30)
    parser.add_argument("--shape", choices=("day", "hours"), default="hours")
    parser.add_argument("--last-call", type=float, required=True, help="real seconds after which nobody calls")
    parser.add_argument("--folder", type=Path, required=True)
    asked = parser.parse_args()
    plan = plan_of(asked.shape, asked.rate, asked.agents, asked.last_call * asked.speed)
    done = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, done.set)
    sign = SimSign()
    async with (
        SimPbx(plan.at_speed(asked.speed), seed=asked.seed, speed=asked.speed) as pbx,
        DemoDesks(pbx, asked.folder, asked.seed) as desks,
        on_pty(Wire([sign], SystemClock())) as tty,
        controlled(pbx, str(asked.folder / "pbx.sock"), done),
    ):
        print(json.dumps({"port": pbx.port, "desks": desks.configuration(), "sign": tty}), flush=True)
        await done.wait()


if __name__ == "__main__":
    asyncio.run(main())
