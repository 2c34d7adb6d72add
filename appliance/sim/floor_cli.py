"""`callfloor sim floor`: a whole floor by a scenario, outside of any box: PBX or lines, headsets, sign, broker and CRM.

It writes callfloor.toml for a box to run on (callfloor run -c DIR/callfloor.toml) and, at the end, truth.json: what truly happened.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import signal
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from appliance.core.errors import CallfloorError, MisconfiguredError
from appliance.sim.floor_scenario import Happening, seconds_of
from appliance.sim.floor_scenario_file import names, scenario_named

_EXAMPLES = """
  callfloor sim floor --list
  callfloor sim floor --scenario monday-peak --speed 10 --dir floor/
  callfloor run -c floor/callfloor.toml
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
        folder: Path = asked.dir.absolute()
        folder.mkdir(parents=True, exist_ok=True)
        asyncio.run(_run(asked, folder))
    except CallfloorError as fault:
        print(f"callfloor sim floor: {fault}", file=sys.stderr)  # noqa: T201
        return 2
    except KeyboardInterrupt:
        return 0
    return 0


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
        around = await build(stack, scenario=asked.scenario, seed=asked.seed, speed=asked.speed, crm_url=asked.crm, folder=folder)
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
