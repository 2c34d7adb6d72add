"""`callfloor sim floor`: a whole floor by a scenario: PBX or lines, headsets, sign, broker and CRM.

With --check a box is on it, in this process and in the model's time: its figures are held against the truth, one by one.
Without, it writes callfloor.toml for a box to run on (callfloor run -c DIR/callfloor.toml), and what truly happened at the end: truth.json.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from appliance.cli.demo import abroad_of, add_crm
from appliance.core.errors import CallfloorError, MisconfiguredError
from appliance.sim.floor_scenario import Happening, seconds_of
from appliance.sim.floor_scenario_file import names, scenario_named

_SHOWN = 40
_EXAMPLES = """
  callfloor sim floor --list
  callfloor sim floor --scenario monday-peak --speed 10 --dir floor/
  callfloor run -c floor/callfloor.toml
  callfloor sim floor --scenario monday-peak --check --until 10:00
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `callfloor sim floor`."""
    parser.epilog = "examples:" + _EXAMPLES
    parser.add_argument("--list", action="store_true", help="the scenarios of the package, and what each is")
    parser.add_argument("--scenario", default="quiet-morning", metavar="NAME|FILE", help="one of --list, or your own: ./mine.toml")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same floor")
    parser.add_argument("--speed", type=float, default=1.0, help="how many times faster than real it passes (default %(default)g)")
    parser.add_argument(
        "--dir", type=Path, default=Path("floor"), metavar="DIR", help="for the box's configuration and truth.json (%(default)s)"
    )
    parser.add_argument("--listen", default="127.0.0.1:8080", metavar="HOST:PORT", help="where the box shall show its boards (%(default)s)")
    parser.add_argument("--crm", metavar="URL", help="the broker the box shall send to, instead of an embedded one")
    add_crm(parser)
    parser.add_argument("--check", action="store_true", help="with a box on it, as fast as it follows; every figure against the truth")
    parser.add_argument("--until", metavar="HH:MM", help="with --check: end then (default: when the scenario ends)")
    parser.add_argument("--every", type=float, default=5.0, metavar="MINUTES", help="with --check: look so often (default %(default)g)")
    parser.add_argument("--truth", type=Path, metavar="FILE", help="with --check: write the truth there, and every visit behind it")
    parser.add_argument("--json", action="store_true", help="with --check: the result as JSON")
    parser.add_argument("--for", dest="for_s", type=float, metavar="SECONDS", help="end after so long (default: when the scenario ends)")


def main(asked: argparse.Namespace) -> int:
    """Run to the scenario's end; 0, or 2 with what is wrong on standard error."""
    try:
        if asked.list:
            for name in names():
                scenario = scenario_named(name)
                _say(f"{name:<16}{scenario.begins}-{scenario.ends}  {scenario.text or scenario.title}")
            return 0
        if asked.speed <= 0:
            raise MisconfiguredError(f"--speed {asked.speed:g}; give a number above 0")
        if asked.check:
            return _check(asked)
        folder: Path = asked.dir.absolute()
        folder.mkdir(parents=True, exist_ok=True)
        asyncio.run(_run(asked, folder))
    except CallfloorError as fault:
        print(f"callfloor sim floor: {fault}", file=sys.stderr)  # noqa: T201
        return 2
    except KeyboardInterrupt:
        return 0
    return 0


def _check(asked: argparse.Namespace) -> int:
    from appliance.sim.floor_play import Asked, play, write_truth  # noqa: PLC0415

    scenario = scenario_named(asked.scenario)
    if asked.until is not None:
        try:
            length_s = seconds_of(asked.until) - seconds_of(scenario.begins)
        except ValueError as fault:
            raise MisconfiguredError(f"--until: {fault}; write a time of day as 10:00") from fault
        if length_s <= 0:
            raise MisconfiguredError(f"--until {asked.until}: the scenario begins at {scenario.begins}")
    if asked.every <= 0:
        raise MisconfiguredError(f"--every {asked.every:g}; give a number of minutes above 0")

    def progress(at: str, count: int, differ: int) -> None:
        print(f"{at}  {count} figures, {differ} differ", file=sys.stderr, flush=True)  # noqa: T201

    logging.basicConfig(level=logging.ERROR)
    with tempfile.TemporaryDirectory(prefix="cf-", dir=memory_folder()) as folder:
        wanted = Asked(scenario=scenario, seed=asked.seed, until=asked.until, every_s=asked.every * 60)
        done = play(wanted, Path(folder), progress)
    if asked.truth is not None:
        write_truth(done, asked.truth)
    checked = done.checked
    if asked.json:
        told = {"compared": checked.counted.total(), "by": checked.counted, "differ": [str(one) for one in checked.differ]}
        _say(json.dumps({"scenario": asked.scenario, "seed": asked.seed, **told, "hurried": done.hurried}, ensure_ascii=False))
    else:
        for one in checked.differ[:_SHOWN]:
            _say(str(one))
        _say(f"{scenario.title}, seed {asked.seed}: {checked.counted.total()} figures compared, {len(checked.differ)} differ")
    if done.hurried:
        print("this machine was too slow to be exact: try when it has less to do", file=sys.stderr)  # noqa: T201
    return 1 if checked.differ else 0


def memory_folder() -> str | None:
    """Where a journal of a play lies best: in memory, where that is a folder. A card's flushes would be waited for at every step."""
    place = Path("/dev/shm")  # noqa: S108 - only a folder of one's own in it
    return str(place) if os.access(place, os.W_OK) else None


async def _run(asked: argparse.Namespace, folder: Path) -> None:
    from appliance.demo_floor import build, configuration, desk, free_listener, local_language  # noqa: PLC0415 - --list needs none of it
    from appliance.demo_happen import happening  # noqa: PLC0415

    done = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, done.set)
    scenario = scenario_named(asked.scenario)
    for_s = asked.for_s or (seconds_of(scenario.ends) - seconds_of(scenario.begins)) / asked.speed
    async with AsyncExitStack() as stack:
        around = await build(
            stack, scenario=asked.scenario, seed=asked.seed, speed=asked.speed, crm_url=None, folder=folder, abroad=abroad_of(asked)
        )
        listen, _ = free_listener(asked.listen)
        write_box(folder, configuration(around, listen, local_language()), desk(around))
        await stack.enter_async_context(happening(around, asked.speed, _told))
        _say(f"{scenario.title} ({scenario.begins}-{scenario.ends}), {asked.speed:g} times as fast, for {for_s:.0f} s, seed {asked.seed}")
        _say(f"the box:  callfloor run -c {folder}/callfloor.toml")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(for_s):
                await done.wait()
        truth = folder / "truth.json"
        truth.write_text(json.dumps(around.truth(calls=True), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        _say(f"the truth: {truth}")


def write_box(folder: Path, configuration: str, desk: str) -> None:
    """A box's files in a folder."""
    (folder / "pbx.secret").write_text("callfloor\n", encoding="utf-8")
    (folder / "boards").mkdir(exist_ok=True)
    (folder / "boards" / "desk.toml").write_text(desk, encoding="utf-8")
    (folder / "callfloor.toml").write_text(configuration, encoding="utf-8")


def _told(when: str, one: Happening) -> Any:
    _say(f"{one.at} {one.what} {when}")


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201
