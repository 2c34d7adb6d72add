"""A floor in a journal for wallboards to show: callers of one queue come and go at a rate, each appended as the gateway does it."""

from __future__ import annotations

import random
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from msgspec import Struct

from appliance.core.alive import Alive
from appliance.core.catalogue import AgentStateChanged, CallAbandoned, CallQueued, Named, PbxResynced, PbxUp, kind_of
from appliance.core.clock import SystemClock
from appliance.core.event import Event
from appliance.core.journal_sqlite import SqliteJournal
from tests.bench.box import Box
from tests.bench.room import child, line_from, stop
from tests.bench.worker import tell

QUEUE = "ventas"
_QUEUES = (QUEUE, "soporte", "cobros")
_AGENTS = 40
#: So many come before as many go again: no two changes near each other show the same figure.
_TIDE = 20


class Told(NamedTuple):
    """One change: its journal position, how many wait after it, and the monotonic second at which its append returned."""

    seq: int
    waiting: int
    at_s: float


class Floor:
    """The process that appends, and holds the gateway's lock meanwhile, so that the boards believe it."""

    def __init__(self, box: Box) -> None:
        self._process = child("wallboard_floor:serve", journal=str(box.journal), run_dir=str(box.folder / "run"))
        line_from(self._process)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        stop(self._process)

    def begin(self, changes: int, rate: float) -> None:
        """Append so many changes at that rate."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{changes} {rate}\n")
        self._process.stdin.flush()

    def told(self) -> list[Told]:
        """Wait until all are appended."""
        return [Told(*row) for row in line_from(self._process)]


def serve(journal: str, run_dir: str) -> None:
    """Child: a quiet floor at first, then changes on command."""
    clock = SystemClock()
    alive = Alive.open(Path(run_dir), "gateway")
    store = SqliteJournal.open(Path(journal), run_dir=Path(run_dir))

    def append(*data: Struct) -> int:
        now = clock.wall_ns(), clock.mono_ns()
        return store.append([Event(kind_of(one), "gateway/central", *now, clock.boot, "synced", one) for one in data])

    queues = tuple(Named(key=key, title=key.title()) for key in _QUEUES)
    append(PbxUp(pbx="central"), PbxResynced(pbx="central", queues=queues))
    for agent in range(_AGENTS):
        append(
            AgentStateChanged(agent=f"agente-{100 + agent}", pbx="central", state="available", queues=dict.fromkeys(_QUEUES, "available"))
        )
    tell("ready")
    waiting: list[int] = []
    begun, rising, chance = 0, True, random.Random(7)
    for line in sys.stdin:
        count, rate = line.split()
        group = max(1, round(float(rate) / 500))
        out: list[Told] = []
        due = time.monotonic()
        while len(out) < int(count):
            time.sleep(max(0.0, due - time.monotonic()))
            due += group / float(rate) * chance.uniform(0.5, 1.5)  # so that no clock in the box beats in step with it
            batch: list[Struct] = []
            for _ in range(group):
                rising = len(waiting) < _TIDE if rising else not waiting
                if rising:
                    waiting.append(begun)
                    batch.append(CallQueued(**_of(begun), position=1))
                    begun += 1
                else:
                    batch.append(CallAbandoned(**_of(waiting.pop(0)), wait_s=5.0))
            seq = append(*batch)
            out += [Told(seq, len(waiting), time.monotonic())] * group
        tell(out)
    store.close()
    alive.close()


def _of(number: int) -> dict[str, Any]:
    call = f"central-1772438400.{number}"
    return {"call": call, "pbx": "central", "visit": f"{call}/1", "queue": QUEUE, "uniqueid": f"1772438400.{number}"}
