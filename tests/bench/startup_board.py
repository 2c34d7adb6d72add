"""`startup.board_100k`: from the start of the wallboard's process to its first right board, with 100 000 calls in the day."""

from __future__ import annotations

import shutil
import sqlite3
import time
from pathlib import Path

from appliance.core.catalogue import PbxResynced, PbxUp, QueueNamed, kind_of
from appliance.core.clock import NS, SystemClock
from appliance.core.event import Event, body_from_event
from appliance.core.journal import new_epoch
from appliance.core.store import Store
from tests.bench.box import Box
from tests.bench.room import Room
from tests.bench.table import Row, alone, no_more_than
from tests.bench.work import event

_CALLS = 100_000


def board_100k(room: Room) -> list[Row]:
    """Without any cache, and started again after an orderly stop."""
    calls = 2_000 if room.quick else _CALLS
    rows = []
    with room.passing() as folder:
        journal = folder / "day" / "journal.db"
        _make_day(room, journal, calls)
        cold, warm = [], []
        for again in room.rounds(3, 1):
            room.say(f"round {again + 1}: the board of a day of {calls} calls, twice")
            for kept in journal.parent.iterdir():
                if kept.name not in {"journal.db", "journal.db-wal", "journal.db-shm"}:
                    shutil.rmtree(kept) if kept.is_dir() else kept.unlink()
            run = folder / f"run{again}"
            cold.append(_start_s(run, journal, calls))
            warm.append(_start_s(run, journal, calls))
        goal = no_more_than(5, "s")
        rows.append(alone("startup.board_100k", "s", cold, goal, f"{calls} calls, {3 * calls} events, folded from the first one"))
        rows.append(alone("startup.board_100k_cached", "s", warm, goal, "started again: with the fold's cache, where there is one"))
    return rows


def _start_s(folder: Path, journal: Path, calls: int) -> float:
    with Box(folder, journal=journal) as box:
        start = time.monotonic()
        box.start("wallboard")
        floor = box.wait_for("the board", box.floor, 120, 0.05)
        took = time.monotonic() - start
        offered = floor["floor"]["today"]["offered"]
        if offered != calls:
            raise RuntimeError(f"the first board shows {offered} calls offered today instead of {calls}")
        return took


def _make_day(room: Room, path: Path, calls: int) -> None:
    """A day so far: as many calls as told, spread evenly from midnight UTC until now."""
    path.parent.mkdir(parents=True)
    Store.create(path, new_epoch()).close()
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA synchronous=OFF")
    db.execute("BEGIN IMMEDIATE")
    clock = SystemClock()
    now, mono = clock.wall_ns(), clock.mono_ns()
    midnight = now - now % (86_400 * NS)
    step = (now - midnight) // (3 * calls + 1)
    queues = tuple(QueueNamed(key=key, title=key.title()) for key in ("ventas", "soporte", "cobros"))
    first: list[Event] = [
        Event(kind_of(data), "gateway/central", midnight, mono - (now - midnight), clock.boot, "synced", data)
        for data in (PbxUp(pbx="central"), PbxResynced(pbx="central", queues=queues))
    ]
    rows = [(seq, seq, body_from_event(one)) for seq, one in enumerate(first, 1)]
    for number in range(3 * calls):
        at = midnight + number * step
        rows.append((number + 3, number + 3, body_from_event(_of_boot(event(number, at, mono - (now - at)), clock.boot))))
        if number % 100_000 == 0:
            room.say(f"making a day of {calls} calls: {number // 3}")
    db.executemany("INSERT INTO event VALUES(?,?,?)", rows)
    db.execute("COMMIT")
    db.close()


def _of_boot(one: Event, boot: str) -> Event:
    return Event(one.kind, one.source, one.wall_ns, one.mono_ns, boot, one.clock, one.data)
