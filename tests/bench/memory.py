"""`memory.service.*`, `memory.all`, `memory.growth`: what the services hold in memory at work, and with 10 million events held."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time

from tests.bench.board import Boards
from tests.bench.box import SERVICES, Box, Broker, Consumer, memory_mb
from tests.bench.held import held, many
from tests.bench.manager import Manager
from tests.bench.room import ROOT, Room
from tests.bench.table import Row, alone, at_most, compared, no_more_than, percentile

_RATE = 50
#: What every process of the box imports whichever service it runs; then the service itself.
_OURS = "import appliance.cli.run, appliance.runner_house, appliance.runner_supervise, appliance.registry as r; r.service({service!r})"
_THIRD = """
import sys; {ours}
import site; roots = tuple(site.getsitepackages())
print(*sorted(name for name, module in sys.modules.items() if (getattr(module, "__file__", None) or "").startswith(roots)))
"""
_BARE = "import sys, time, asyncio, sqlite3\nfor name in {names!r}:\n    __import__(name)\nprint('ready', flush=True)\ntime.sleep(60)"


def memory(room: Room) -> list[Row]:
    """All rows: the box at work with nothing held, then with 10 million."""
    rows: list[Row] = []
    with room.passing() as folder, Broker(folder / "broker") as broker, Consumer(broker), Manager() as manager:
        room.say("the box at work, nothing held")
        empty = [_at_work(room, Box(folder / f"box{again}", pbx_port=manager.port, crm_port=broker.port), manager) for again in room.rounds(3, 1)]
        for service in SERVICES:
            room.say(f"a bare process that imports what {service} imports")
            names = third_party(service)
            pairs = [(one[service]["rss"], bare_mb(names)) for one in empty]
            packages = " ".join(sorted({name.partition(".")[0] for name in names if not name.startswith(("_", "callfloor"))}))
            rows.append(compared(f"memory.service.{service}", "MB RSS", pairs, f"bare asyncio, sqlite3, {packages}", at_most(1.25, "× bare process")))
        pss = [sum(one[service]["pss"] for service in SERVICES) for one in empty]
        rows.append(alone("memory.all", "MB PSS", pss, no_more_than(120, "MB"), f"{len(SERVICES)} processes; no LED chain, no OPC UA"))
        room.say("the same with millions held")
        path = held(room, many(room))
        full = _at_work(room, Box(folder / "full", pbx_port=manager.port, crm_port=9, journal=path), manager, patience_s=240)
        shutil.rmtree(path.parent / "cursors", ignore_errors=True)
        growth = {service: full[service]["pss"] - percentile([one[service]["pss"] for one in empty], 0.5) for service in SERVICES}
        note = ", ".join(f"{service} {mb:+.1f}" for service, mb in growth.items())
        rows.append(alone("memory.growth", "MB PSS", [sum(growth.values())], no_more_than(5, "MB from 0 to 10 M held"), note))
    return rows


def _at_work(room: Room, box: Box, manager: Manager, patience_s: float = 60.0) -> dict[str, dict[str, float]]:
    """Memory of each service after some seconds at 50 events a second with three boards open."""
    with box:
        for service in SERVICES:
            box.start(service)
        box.wait_for("the board knows the queues", lambda: (floor := box.floor()) and len(floor["queues"]) == 3, patience_s, 0.1)
        with Boards(box.board_port, screens=3):
            manager.begin((2 if room.quick else 8) * _RATE, _RATE)
            manager.sent()
            time.sleep(1)
            return {service: memory_mb(process.pid) for service, process in box.processes.items()}


def third_party(service: str) -> list[str]:
    """The modules from outside that a service's process has loaded."""
    command = [sys.executable, "-c", _THIRD.format(ours=_OURS.format(service=service))]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.split()


def bare_mb(names: list[str]) -> float:
    """Resident size of a process that has imported them and sleeps."""
    process = subprocess.Popen([sys.executable, "-c", _BARE.format(names=names)], stdout=subprocess.PIPE, cwd=ROOT)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        return memory_mb(process.pid)["rss"]
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


