"""`callfloor sim freeswitch`: a simulated FreeSWITCH with mod_callcenter to point a box at."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys
from pathlib import Path

from appliance.core.errors import CallfloorError
from appliance.sim.floor_model_plan import SCENARIOS, plan_named
from appliance.sim.freeswitch import SimFreeswitch
from appliance.sim.pbx_control import controlled, write_truth
from appliance.sim.pbx_fault import FAULTS, faults_from_text

_HELP = f"""While it runs it takes one command a line, on --control or on standard input with --control -:
{" | ".join(FAULTS)} [SECONDS] [fin]    truth [FILE]    quit"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `callfloor sim freeswitch`."""
    parser.epilog = _HELP
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
    parser.add_argument("--port", type=int, default=8021, help="port to listen on, 0 for a free one (default %(default)s)")
    parser.add_argument("--scenario", default="morning", choices=sorted(SCENARIOS), help="the floor and its day (default %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same day")
    parser.add_argument("--speed", type=float, default=1.0, help="how many times faster than real the day passes")
    parser.add_argument("--rate", type=float, metavar="CALLS", help="calls per minute, instead of the scenario's")
    parser.add_argument("--agents", type=int, help="how many agents, instead of the scenario's")
    parser.add_argument("--password", default="ClueCon", help="the event socket's password; it guards nothing (default %(default)s)")
    parser.add_argument("--fault", default="", metavar="LIST", help="faults to come, such as drop@30,restart@60:8,drop@90:4:fin")
    parser.add_argument("--truth", type=Path, metavar="FILE", help="write the ground truth there at the end")
    parser.add_argument("--control", metavar="PATH", help="a unix socket to take commands on; - for standard input")
    parser.add_argument("--for", dest="for_s", type=float, metavar="SECONDS", help="end after so long (default: on Ctrl-C)")


def main(namespace: argparse.Namespace) -> int:
    """Run until told to end; 0, or 2 with one line on standard error when it cannot."""
    try:
        asyncio.run(_run(namespace))
    except CallfloorError as fault:
        print(f"callfloor sim freeswitch: {fault}", file=sys.stderr)  # noqa: T201
        return 2
    except KeyboardInterrupt:
        return 0
    return 0


async def _run(asked: argparse.Namespace) -> None:
    faults = faults_from_text(asked.fault)
    plan = plan_named(asked.scenario, calls_per_min=asked.rate, agents=asked.agents)
    done = asyncio.Event()
    pbx = SimFreeswitch(plan, password=asked.password, seed=asked.seed, speed=asked.speed, host=asked.host, port=asked.port)
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(pbx)
        pbx.faults.schedule(faults)
        await stack.enter_async_context(controlled(pbx, asked.control, done))
        print(f"listening on {pbx.host}:{pbx.port}", flush=True)  # noqa: T201
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, done.set)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(asked.for_s):
                await done.wait()
        if asked.truth is not None:
            write_truth(pbx, asked.truth)
