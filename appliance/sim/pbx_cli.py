"""`callfloor sim pbx`: a simulated Asterisk to point a box at, with its truth and its faults at hand."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys
from pathlib import Path

from appliance.core.errors import CallfloorError, MisconfiguredError
from appliance.sim.floor_model_plan import SCENARIOS, plan_named
from appliance.sim.pbx import SimPbx
from appliance.sim.pbx_agi import Agi
from appliance.sim.pbx_control import controlled, write_truth
from appliance.sim.pbx_fault import FAULTS, faults_from_text
from appliance.sim.pbx_session import User, read_only

_HELP = f"""While it runs it takes one command a line, on --control or on standard input with --control -:
{" | ".join(FAULTS)} [SECONDS] [fin]    truth [FILE]    quit
It does what managers order: originate, hangup, redirect, transfer, pause, queues. A number that is dialled ends by its last two digits,
where they are a cause of Q.850: 17 busy, 19 no answer, 21 rejected, 34 congested, 01 unallocated; all others are answered."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `callfloor sim pbx`."""
    parser.epilog = _HELP
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
    parser.add_argument("--port", type=int, default=5038, help="port to listen on, 0 for a free one (default %(default)s)")
    parser.add_argument("--scenario", default="morning", choices=sorted(SCENARIOS), help="the floor and its day (default %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same day")
    parser.add_argument("--speed", type=float, default=1.0, help="how many times faster than real the day passes")
    parser.add_argument("--rate", type=float, metavar="CALLS", help="calls per minute, instead of the scenario's")
    parser.add_argument("--agents", type=int, help="how many agents, instead of the scenario's")
    parser.add_argument("--user", default="callfloor", help="the manager user that may log in (default %(default)s)")
    parser.add_argument("--secret-file", type=Path, metavar="FILE", help="his secret, first line of FILE (default: callfloor)")
    parser.add_argument("--read-only", action="store_true", help="a user without write classes: no commands, no CoreShowChannels")
    parser.add_argument("--no-timestamps", action="store_true", help="as timestampevents=no")
    parser.add_argument("--flat-out", action="store_true", help="no clock: as fast as the client reads")
    parser.add_argument("--fault", default="", metavar="LIST", help="faults to come, such as drop@30,restart@60:8,drop@90:4:fin")
    parser.add_argument("--agi", metavar="URL", help="the dialplan asks there before it queues a call, such as agi://127.0.0.1/route")
    parser.add_argument(
        "--classify", action="store_true", help="agents classify their calls: CallClassified with OK, INCOMPLETA, IMPROPIA, EXTRA"
    )
    parser.add_argument("--truth", type=Path, metavar="FILE", help="write the ground truth there at the end")
    parser.add_argument("--control", metavar="PATH", help="a unix socket to take commands on; - for standard input")
    parser.add_argument("--for", dest="for_s", type=float, metavar="SECONDS", help="end after so long (default: on Ctrl-C)")


def main(namespace: argparse.Namespace) -> int:
    """Run until told to end; 0, or 2 with one line on standard error when it cannot."""
    try:
        asyncio.run(_run(namespace))
    except CallfloorError as fault:
        print(f"callfloor sim pbx: {fault}", file=sys.stderr)  # noqa: T201
        return 2
    except KeyboardInterrupt:
        return 0
    return 0


async def _run(asked: argparse.Namespace) -> None:
    faults = faults_from_text(asked.fault)
    user = User(name=asked.user, secret=_secret(asked.secret_file))
    plan = plan_named(asked.scenario, calls_per_min=asked.rate, agents=asked.agents)
    done = asyncio.Event()
    loop = asyncio.get_running_loop()
    pbx = SimPbx(
        plan,
        seed=asked.seed,
        speed=asked.speed,
        host=asked.host,
        port=asked.port,
        users=[read_only(user) if asked.read_only else user],
        timestamps=not asked.no_timestamps,
        flat_out=asked.flat_out,
        agi=Agi(asked.agi) if asked.agi is not None else None,
        classifies=asked.classify,
    )
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(pbx)
        pbx.faults.schedule(faults)
        await stack.enter_async_context(controlled(pbx, asked.control, done))
        print(f"listening on {pbx.host}:{pbx.port}, user {user.name}", flush=True)  # noqa: T201
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, done.set)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(asked.for_s):
                await done.wait()
        if asked.truth is not None:
            write_truth(pbx, asked.truth)


def _secret(path: Path | None) -> str:
    if path is None:
        return User().secret
    try:
        return path.read_text(encoding="utf-8").splitlines()[0].strip()
    except (OSError, IndexError) as fault:
        raise MisconfiguredError(f"secret file {path}: {fault}; write the secret in its first line") from fault
