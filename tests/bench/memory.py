"""`memory.service.*`, `memory.all`, `memory.growth`: what the services hold in memory at work, and with 10 million events held."""

from __future__ import annotations

import importlib.util
import shutil
import site
import subprocess
import sys
import time
from pathlib import Path

from tests.bench.board import Boards
from tests.bench.box import SERVICES, Box, Broker, Consumer, memory_mb
from tests.bench.held import held, many
from tests.bench.manager import Manager
from tests.bench.room import ROOT, Room
from tests.bench.table import Row, alone, at_most, compared, no_more_than, percentile

_RATE = 50
_BARE = "import sys, time, asyncio, sqlite3\nfor name in {names!r}:\n    __import__(name)\nprint('ready', flush=True)\ntime.sleep(60)"


def memory(room: Room) -> list[Row]:
    """All rows: the box at work with nothing held, then with 10 million."""
    rows: list[Row] = []
    with room.passing() as folder, Broker(folder / "broker") as broker, Consumer(broker), Manager() as manager:
        room.say("the box at work, nothing held")
        empty = [
            _at_work(room, Box(folder / f"box{again}", pbx_port=manager.port, crm_port=broker.port), manager) for again in room.rounds(3, 1)
        ]
        imported = _imported(Box(folder / "names", pbx_port=manager.port, crm_port=broker.port))
        for service in SERVICES:
            names = imported[service]
            room.say(f"a bare process that imports what {service} imports")
            pairs = [(one[service]["rss"], bare_mb(names)) for one in empty]
            packages = " ".join(sorted({name.partition(".")[0] for name in names if not name.startswith(("_", "callfloor"))}))
            rows.append(
                compared(
                    f"memory.service.{service}", "MB RSS", pairs, f"bare asyncio, sqlite3, {packages}", at_most(1.25, "× bare process")
                )
            )
        pss = [sum(one[service]["pss"] for service in SERVICES) for one in empty]
        rows.append(alone("memory.all", "MB PSS", pss, no_more_than(120, "MB"), f"{len(SERVICES)} processes; no LED chain, no OPC UA"))
        room.say("the same with millions held")
        path = held(room, many(room))
        full = [
            _at_work(room, Box(folder / f"full{again}", pbx_port=manager.port, crm_port=9, journal=path), manager, patience_s=240)
            for again in room.rounds(2, 1)
        ]
        shutil.rmtree(path.parent / "cursors", ignore_errors=True)
        grown = [
            {service: one[service]["rss"] - percentile([each[service]["rss"] for each in empty], 0.5) for service in SERVICES}
            for one in full
        ]
        note = ", ".join(f"{service} {mb:+.1f}" for service, mb in grown[-1].items())
        rows.append(
            alone("memory.growth", "MB RSS", [sum(each.values()) for each in grown], no_more_than(5, "MB from 0 to 10 M held"), note)
        )
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


def _imported(box: Box) -> dict[str, list[str]]:
    """What each service imports of others' packages, seen in a run of its own whose log holds the record."""
    with box:
        for service in SERVICES:
            box.start(service, {"PYTHONPROFILEIMPORTTIME": "1"})
        box.wait_for("the board knows the queues", lambda: (floor := box.floor()) and len(floor["queues"]) == 3)
        box.wait_for("the CRM's link is up", lambda: (floor := box.floor()) and floor["crm"]["state"] == "up")
        with Boards(box.board_port):
            time.sleep(1)
    return {service: third_party(box, service) for service in SERVICES}


def third_party(box: Box, service: str) -> list[str]:
    """The modules from outside that a service's process imported, by the interpreter's own record of a run."""
    roots = tuple(Path(place).resolve() for place in site.getsitepackages())
    imported = [
        line.rpartition("|")[2].strip()
        for line in (box.folder / f"{service}.log").read_text(errors="replace").splitlines()
        if line.startswith("import time:")
    ]
    names = []
    for name in dict.fromkeys(imported):
        try:
            spec = importlib.util.find_spec(name)
        except (ImportError, ValueError):
            continue
        if spec is not None and spec.origin and Path(spec.origin).resolve().is_relative_to(roots[0]):
            names.append(name)
    return names


def bare_mb(names: list[str]) -> float:
    """Resident size of a process that has imported them and sleeps."""
    with subprocess.Popen([sys.executable, "-c", _BARE.format(names=names)], stdout=subprocess.PIPE, cwd=ROOT) as process:
        assert process.stdout is not None
        process.stdout.readline()
        size = memory_mb(process.pid)["rss"]
        process.kill()
    return size
