"""`callfloor sim golden`: the CloudEvents of one simulated day as a file, one a line, numbered without a gap.

The same seed gives the same bytes. What is simulated says so: its source begins with /demo/simulated/.
"""

from __future__ import annotations

import argparse
import hashlib
import logging
import sys
import tempfile
from pathlib import Path

from appliance.core.errors import CallfloorError, MisconfiguredError
from appliance.sim.floor_cli import memory_folder
from appliance.sim.floor_scenario import seconds_of
from appliance.sim.floor_scenario_file import scenario_named


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `callfloor sim golden`."""
    parser.epilog = "example: callfloor sim golden --seed 1 --out day.jsonl.gz"
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="where to; packed where the name ends in .gz")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same bytes")
    parser.add_argument("--scenario", default="monday-peak", metavar="NAME|FILE", help="one of `callfloor sim floor --list` (%(default)s)")
    parser.add_argument("--until", metavar="HH:MM", help="end then (default: when the scenario ends)")


def main(asked: argparse.Namespace) -> int:
    """Write it; 0, or 2 with what is wrong on standard error."""
    from appliance.sim.golden import golden, write  # noqa: PLC0415 - --help needs none of it

    try:
        scenario = scenario_named(asked.scenario)
        if not scenario.queues:
            raise MisconfiguredError(f"{asked.scenario} has no queues; name one that has, such as monday-peak")
        if asked.until is not None and seconds_of(asked.until) <= seconds_of(scenario.begins):
            raise MisconfiguredError(f"--until {asked.until}: the scenario begins at {scenario.begins}")
        logging.basicConfig(level=logging.ERROR)
        with tempfile.TemporaryDirectory(prefix="cf-", dir=memory_folder()) as folder:
            lines = golden(scenario, seed=asked.seed, folder=Path(folder), until=asked.until, progress=_progress)
            count = write(lines, asked.out)
        digest = hashlib.sha256(asked.out.read_bytes()).hexdigest()
    except (CallfloorError, OSError, ValueError) as fault:
        print(f"callfloor sim golden: {fault}", file=sys.stderr)  # noqa: T201
        return 2
    print(f"{asked.out}: {count} events, seed {asked.seed}, sha256 {digest}")  # noqa: T201
    return 0


def _progress(at: str, count: int) -> None:
    print(f"{at}  {count} events", file=sys.stderr, flush=True)  # noqa: T201
