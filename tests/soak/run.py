"""`make soak`: a simulated day at speed and two real hours; memory, handles, threads, log and latency must stay flat: build/soak.json.

python tests/soak/run.py [--minutes N] [--only day|hours] [--seed N] [--docs]    play
python tests/soak/run.py --write [FOLDER …]    docs/soak.md and its pictures from build/ alone; FOLDERs are other checkouts' build/
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import secrets
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "faults"))
sys.path.insert(0, str(Path(__file__).parent))

import msgspec
import soak_report as report
from soak_stage import Plan, Stage

ROOT = Path(__file__).parents[2]
BUILD = ROOT / "build"
_WORDS = {True: "flat", False: "NOT FLAT", None: "too short to be judged"}


def plans_of(asked: argparse.Namespace) -> list[Plan]:
    """A day in three quarters of an hour, and two hours; `--minutes` makes each that long."""
    share = None if asked.minutes is None else asked.minutes * 60.0
    day_s, hours_s = share or 2700.0, share or 7200.0
    seed = asked.seed
    plans = [
        Plan(name="day", shape="day", seconds=day_s, speed=86400.0 / 2700.0, rate=6.0, agents=30, seed=seed,
             cut_every_s=min(240.0, day_s / 5), pbx_every_s=min(420.0, day_s / 4)),
        Plan(name="hours", shape="hours", seconds=hours_s, speed=1.0, rate=20.0, agents=30, seed=seed,
             cut_every_s=min(420.0, hours_s / 5), pbx_every_s=min(900.0, hours_s / 4)),
    ]  # fmt: skip
    return [plan for plan in plans if asked.only in (None, plan.name)]


def machine() -> str:
    """In a few words."""
    model = next(
        (line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), ""
    )
    return f"{os.cpu_count()} cores of {model or platform.machine()}, Python {platform.python_version()}"


def played(plan: Plan, *, keep: bool) -> dict[str, Any]:
    """One run, judged."""

    def say(text: str) -> None:
        print(f"{time.strftime('%H:%M:%S')} {plan.name}: {text}", flush=True)

    folder = Path(tempfile.mkdtemp(prefix="cf-soak-"))
    say(f"{plan.seconds / 60:.0f} minutes, seed {plan.seed}, in {folder}")
    samples = BUILD / f"soak-{plan.name}.jsonl"
    when = time.strftime("%Y-%m-%d")
    end = asyncio.run(Stage(plan, folder, samples, say).play())
    run = report.told({"plan": msgspec.to_builtins(plan), "when": when, "machine": machine()} | end, report.samples_of(samples))
    say(f"{run['calls']} calls, {run['events']} events, {len(run['faults'])} faults, {_WORDS[run['is_flat']]}")
    for fault in run["faults"]:
        say(fault)
    print(report.table_of(report.lines_of(report.samples_of(samples), run["warm_s"], plan.speed)), flush=True)
    if run["faults"] or keep:
        say(f"logs and journal are in {folder}")
    else:
        shutil.rmtree(folder, ignore_errors=True)
    return run


def kept(run: dict[str, Any]) -> None:
    """Into build/soak.json, beside the other run's."""
    path = BUILD / "soak.json"
    known = json.loads(path.read_text())["runs"] if path.exists() else []
    runs = [one for one in known if one["plan"]["name"] != run["plan"]["name"]] + [run]
    path.write_text(json.dumps({"runs": sorted(runs, key=lambda one: str(one["plan"]["name"]), reverse=True)}, indent=1) + "\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, help="so long instead, each of the two")
    parser.add_argument("--only", choices=("day", "hours"))
    parser.add_argument("--seed", type=int, default=None, help="as printed by an earlier run; by default a new one")
    parser.add_argument("--docs", action="store_true", help="write docs/soak.md and its pictures too")
    parser.add_argument(
        "--write", nargs="*", type=Path, metavar="FOLDER", help="play nothing: write docs/soak.md and its pictures from build/"
    )
    parser.add_argument("--keep", action="store_true", help="leave the folder with logs and journal")
    asked = parser.parse_args()
    BUILD.mkdir(exist_ok=True)
    if asked.write is not None:
        for folder in asked.write:
            for run in json.loads((folder / "soak.json").read_text())["runs"]:
                name = f"soak-{run['plan']['name']}.jsonl"
                shutil.copy(folder / name, BUILD / name)
                kept(run)
        report.write(BUILD, ROOT / "docs")
        return 0
    asked.seed = secrets.randbelow(1_000_000) if asked.seed is None else asked.seed
    well = True
    for plan in plans_of(asked):
        run = played(plan, keep=asked.keep)
        kept(run)
        well = well and run["is_flat"] is not False and not run["faults"]
    report.write(BUILD, ROOT / "docs" if asked.docs else None)
    print(f"{BUILD / 'soak.json'}, pictures beside it")
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
