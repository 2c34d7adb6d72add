"""`journal.backlog_growth`: whether reading, acknowledging, appending and counting cost more with 10 million events held than with 10 000."""

from __future__ import annotations

import shutil
import statistics
import time
from collections.abc import Callable

from appliance.core.journal import Cursor
from appliance.core.journal_sqlite import SqliteJournal
from tests.bench.held import FEW, held, many
from tests.bench.room import Room
from tests.bench.table import Row, at_most, compared
from tests.bench.work import event

_SINK = "bench"


def backlog_growth(room: Room) -> list[Row]:
    """The worst of the four operations; each is done on both journals in turns."""
    large_path = held(room, many(room))
    small_path = held(room, FEW)
    journals = [SqliteJournal.open(path, max_bytes=1 << 40, keep_days=3650) for path in (large_path, small_path)]
    operations = ("read", "acknowledge", "append", "depth")
    pairs: dict[str, list[tuple[float, float]]] = {name: [] for name in operations}
    repeats = 20 if room.quick else 150
    steps = [_operations(journal) for journal in journals]
    for again in room.rounds(5, 2):
        room.say(f"round {again + 1}: 4 operations × {repeats}")
        for name in operations:
            times: list[list[float]] = [[], []]
            for _ in range(repeats):
                for at in (0, 1):
                    start = time.perf_counter()
                    steps[at][name]()
                    times[at].append(time.perf_counter() - start)
            pairs[name].append((statistics.median(times[0]) * 1000, statistics.median(times[1]) * 1000))
    for journal in journals:
        journal.close()
        shutil.rmtree(journal.path.parent / "cursors", ignore_errors=True)
    rows = [
        compared("journal.backlog_growth", "ms", pairs[name], f"{name} with {FEW} held", at_most(1.5, "× at 10 k held"))
        for name in operations
    ]
    worst = max(rows, key=lambda row: row.ratio or 0.0)
    worst.note = ", ".join(f"{name} {row.value:g} ms {row.ratio} ×" for name, row in zip(operations, rows, strict=True))
    return [worst]


def _operations(journal: SqliteJournal) -> dict[str, Callable[[], object]]:
    """A sink in the middle of its work: its cursor stands a third into what is held."""
    head = journal.head()
    place = [head.seq // 3]
    one = [event(1)]
    journal.save(_SINK, Cursor(journal.epoch, place[0], place[0]))

    def read() -> None:
        journal.read(place[0])
        place[0] += 7

    def acknowledge() -> None:
        place[0] += 1
        journal.save(_SINK, Cursor(journal.epoch, place[0], place[0]))

    return {"read": read, "acknowledge": acknowledge, "append": lambda: journal.append(one), "depth": lambda: journal.account(_SINK)}
