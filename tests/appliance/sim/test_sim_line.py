"""`callfloor sim line`: modems on ptys and a monitor over UDP, as the real listeners hear them; every call of the plan has its fate."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import re
import socket
from collections import Counter
from itertools import takewhile

import pytest

from appliance.cli.main import main
from appliance.core.clock import SystemClock
from appliance.sim.line_cli import _run, add_arguments
from appliance.sim.line_plan import Manner, steps
from gateway.fxo.line import Line
from gateway.fxo.line_call import NS, Told
from gateway.fxo.line_settings import LineSettings
from gateway.fxo.modem_run import ModemLine
from gateway.fxo.monitor_run import MonitorLines


def asked(*args: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(args)


def test_a_day_of_the_plan_is_judged_right() -> None:
    """The pure line, fed with the plan's steps, tells the plan's own outcomes."""
    manner = Manner(every_s=60, taken=0.7, talk_s=30)
    line, told, truth = Line(LineSettings(line="l", country="es", hook_sense=True)), list[Told](), Counter[str]()
    line.found(0, tells_hook=True)
    line.hook(False, 0, edge=False)
    for step in takewhile(lambda step: step.at_s < 86_400, steps(7, manner)):
        now_ns = int(step.at_s * NS)
        told += line.tick(now_ns)
        truth["answered"] += step.what == "off_hook"
        truth["abandoned"] += step.what == "gone"
        if step.what == "ring":
            told += line.ring(now_ns)
        elif step.what in ("off_hook", "on_hook"):
            told += line.hook(step.what == "off_hook", now_ns, steady=True)
    told += line.tick(200_000 * NS)
    found = Counter(each.event.outcome for each in told if type(each.event).__name__ == "LineReleased")
    assert truth["answered"] > 200
    assert truth["abandoned"] > 100
    assert found["answered"] + (line.state == "in_use") == truth["answered"]
    assert abs(found["abandoned"] - truth["abandoned"]) <= 1  # the day ends in a call
    assert set(found) <= {"answered", "abandoned"}


async def test_a_modem_of_the_simulation_is_heard(capsys: pytest.CaptureFixture[str]) -> None:
    sim = asyncio.create_task(_run(asked("--every", "0.3", "--talk", "1")))
    url = None
    async with asyncio.timeout(30):
        while url is None:
            await asyncio.sleep(0.01)
            found = re.search(r'url = "(serial:[^"]+)"', capsys.readouterr().out)
            url = found[1] if found else None
        await heard(ModemLine(url, LineSettings(line="l", hook_sense=True), SystemClock()))
    await ended(sim)


async def test_a_monitor_of_the_simulation_is_heard() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    sim = asyncio.create_task(_run(asked("--every", "0.3", "--lines", "2", "--monitor", f"127.0.0.1:{port}")))
    async with asyncio.timeout(60):
        await heard(MonitorLines(f"udp://127.0.0.1:{port}", "m", {1: LineSettings(line="1"), 2: LineSettings(line="2")}, SystemClock()))
    await ended(sim)


async def heard(source: ModemLine | MonitorLines) -> None:
    """Listen until somebody calls."""
    told: list[Told] = []
    task = asyncio.create_task(source.run(told.extend))
    while "LineRinging" not in {type(each.event).__name__ for each in told}:
        await asyncio.sleep(0.01)
    await ended(task)


async def ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def test_the_verb(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sim", "line", "--lines", "2", "--for", "0.6", "--every", "0.01", "--json"]) == 0
    out = capsys.readouterr()
    assert out.err.count('url = "serial:///dev/pts/') == 2
    assert "ring" in {json.loads(line)["what"] for line in out.out.splitlines()} <= {"ring", "caller"}
    for wrong in (["--lines", "0"], ["--every", "0"], ["--monitor", "there"]):
        assert main(["sim", "line", *wrong]) == 2
