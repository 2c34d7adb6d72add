"""`cpu.idle`, `cpu.50`: what all services take of a core when nothing happens, and at 50 events a second with three boards open."""

from __future__ import annotations

import time

from tests.bench.bare_pipeline import BarePipeline
from tests.bench.board import Boards
from tests.bench.box import SERVICES, Box, Broker, Consumer
from tests.bench.manager import Manager
from tests.bench.room import Room
from tests.bench.table import Row, alone, at_most, compared, no_more_than

_RATE = 50


def cpu(room: Room) -> list[Row]:
    """Both rows, from one run of the box."""
    seconds = 5 if room.quick else 15
    idle, pairs, shares = [], [], []
    with (
        room.passing() as folder,
        Broker(folder / "broker") as broker,
        Consumer(broker),
        Manager() as manager,
        Box(folder / "box", pbx_port=manager.port, crm_port=broker.port) as box,
        BarePipeline(folder, broker.port) as bare,
    ):
        for service in SERVICES:
            box.start(service)
        box.wait_for("the board knows the queues", lambda: (floor := box.floor()) and len(floor["queues"]) == 3)
        box.wait_for("the CRM's link is up", lambda: (floor := box.floor()) and floor["crm"]["state"] == "up")
        with Boards(box.board_port, screens=3):
            time.sleep(2)
            for again in room.rounds(3, 1):
                room.say(f"round {again + 1}: {seconds} s idle")
                before = box.cpu_s()
                time.sleep(seconds)
                spent = {name: now - before[name] for name, now in box.cpu_s().items()}
                idle.append(sum(spent.values()) / seconds * 100)
                room.say(f"round {again + 1}: {seconds} s at {_RATE} events a second, then the bare pipeline")
                before = box.cpu_s()
                manager.begin(seconds * _RATE, _RATE)
                manager.sent()
                time.sleep(0.5)
                busy = {name: (now - before[name]) / seconds * 100 for name, now in box.cpu_s().items()}
                floor_before = bare.cpu_s()
                bare.send(seconds * _RATE, _RATE)
                time.sleep(0.5)
                pairs.append((sum(busy.values()), (bare.cpu_s() - floor_before) / seconds * 100))
                shares.append(busy)
    note = ", ".join(f"{name} {sorted(share[name] for share in shares)[len(shares) // 2]:.1f}" for name in SERVICES)
    quiet = ", ".join(f"{name} {spent[name] / seconds * 100:.2f}" for name in SERVICES)
    return [
        alone("cpu.idle", "% of a core", idle, no_more_than(1, "% of a core"), f"last round: {quiet}"),
        compared("cpu.50", "% of a core", pairs, "bare pipeline: SQLite FULL, 3 TCP clients, MQTT", at_most(2, "× bare pipeline"), note),
    ]
