"""`startup.board_100k`: from the start of the wallboard's process to its first right board, with 100 000 calls in the day."""

from __future__ import annotations

import shutil
import sqlite3
import time
from pathlib import Path
from typing import Any

from msgspec import Struct

from appliance.core.catalogue import (
    AgentState,
    AgentStateChanged,
    CallAbandoned,
    CallAnswered,
    CallEnded,
    CallQueued,
    CallRinging,
    Named,
    PbxResynced,
    PbxUp,
    kind_of,
)
from appliance.core.clock import NS, SystemClock
from appliance.core.event import Event, body_from_event
from appliance.core.journal import new_epoch
from appliance.core.store import Store
from tests.bench.box import Box
from tests.bench.room import Room
from tests.bench.table import Row, alone, no_more_than

_CALLS = 100_000
_AGENTS = 200
_QUEUES = ("ventas", "soporte", "cobros")
_INSERT = "INSERT INTO event VALUES(?,?,?)"


def board_100k(room: Room) -> list[Row]:
    """Started again after an orderly stop; and with the fold's cache deleted."""
    calls = 2_000 if room.quick else _CALLS
    with room.passing() as folder:
        journal = folder / "day" / "journal.db"
        events = make_day(room, journal, calls)
        cold, again_s = [], []
        for again in room.rounds(3, 1):
            room.say(f"round {again + 1}: the board of a day of {calls} calls, twice")
            shutil.rmtree(journal.parent / "cache", ignore_errors=True)
            run = folder / f"run{again}"
            cold.append(_start_s(run, journal, calls))
            again_s.append(_start_s(run, journal, calls))
        goal = no_more_than(5, "s")
        cached = (journal.parent / "cache").exists()
    return [
        alone(
            "startup.board_100k",
            "s",
            again_s,
            goal,
            f"{calls} calls, {events} events; {'with' if cached else 'there is no'} cache of the fold",
        ),
        alone("startup.board_100k_cold", "s", cold, goal, "the same, every event folded anew"),
    ]


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


def make_day(room: Room, path: Path, calls: int) -> int:
    """A day so far: as many calls as told, spread evenly from midnight UTC until now. Returns the number of events."""
    path.parent.mkdir(parents=True)
    Store.create(path, new_epoch()).close()
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA synchronous=OFF")
    db.execute("BEGIN IMMEDIATE")
    clock = SystemClock()
    now, mono = clock.wall_ns(), clock.mono_ns()
    midnight = now - now % (86_400 * NS)
    step = (now - midnight) // (calls + 1)
    queues = tuple(Named(key=key, title=key.title()) for key in _QUEUES)
    seq = 0

    def row(data: Struct, at_ns: int) -> tuple[int, int, bytes]:
        nonlocal seq
        seq += 1
        event = Event(kind_of(data), "gateway/central", at_ns, mono - (now - at_ns), clock.boot, "synced", data)
        return seq, seq, body_from_event(event)

    for first in (PbxUp(pbx="central"), PbxResynced(pbx="central", queues=queues)):
        db.execute(_INSERT, row(first, midnight))
    for call in range(calls):
        if call % 20_000 == 0:
            room.say(f"making a day of {calls} calls: {call}")
        at_ns = midnight + call * step
        db.executemany(_INSERT, [row(data, at_ns + number * step // 10) for number, data in enumerate(_call(call))])
    db.execute("COMMIT")
    db.close()
    return seq


def _call(number: int) -> list[Struct]:
    """One call as the gateway records it: eight events when it is answered, two when it is not."""
    name, agent = f"central-{1_772_438_400 + number}.{number % 1000}", f"agente-{100 + number % _AGENTS}"
    wait_s = number * 7919 % 40_000 / 1000
    of: dict[str, Any] = {
        "call": name,
        "pbx": "central",
        "visit": f"{name}/1",
        "queue": _QUEUES[number % 3],
        "uniqueid": f"{1_772_438_400 + number}.{number % 1000}",
        "caller": f"0999{number * 31 % 70_000:06d}",
    }

    def state(word: AgentState) -> AgentStateChanged:
        return AgentStateChanged(agent=agent, pbx="central", state=word, call=name, queues=dict.fromkeys(_QUEUES, word))

    joined = CallQueued(**of, dialled="1800555", position=1, pbx_time=1_772_438_400.25 + number)
    if number % 10 == 9:
        return [joined, CallAbandoned(**of, wait_s=wait_s)]
    return [
        joined,
        CallRinging(**of, agent=agent),
        state("ringing"),
        CallAnswered(**of, agent=agent, wait_s=wait_s, ring_s=3.0),
        state("talking"),
        CallEnded(**of, agent=agent, talk_s=181.5, ended_by="caller"),
        state("wrap_up"),
        state("available"),
    ]
