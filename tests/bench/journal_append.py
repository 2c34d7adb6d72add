"""`journal.append_100`, `journal.append_1`, `journal.append_fair`: how fast events become durable, alone and beside a greedy neighbour."""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from typing import Any

from appliance.core.journal_sqlite import SqliteJournal
from tests.bench.bare_journal import BareJournal, Flush
from tests.bench.disk import slow_flush
from tests.bench.room import Room, child, line_from, result_of, stop
from tests.bench.table import Row, at_least, at_most, compared, percentile
from tests.bench.work import body, event
from tests.bench.worker import heard, tell

_BATCH = 100


def append_100(room: Room) -> list[Row]:
    """Events a second through the whole append path, 100 a commit, beside a bare sqlite3 loop."""
    commits = 30 if room.quick else 150
    pairs = []
    with room.passing() as folder:
        journal = SqliteJournal.open(folder / "ours" / "journal.db")
        bare = BareJournal(folder / "bare.db")
        events = [event(number) for number in range(_BATCH)]
        bodies = [body(number) for number in range(_BATCH)]
        for _ in range(60):
            journal.append(events)
        bare.warm(bodies)
        for again in room.rounds(9):
            room.say(f"round {again + 1}")
            ours = peer = 0.0
            for _ in range(commits):
                start = time.perf_counter()
                journal.append(events)
                middle = time.perf_counter()
                bare.append(bodies)
                peer += time.perf_counter() - middle
                ours += middle - start
            pairs.append((commits * _BATCH / ours, commits * _BATCH / peer))
        journal.close()
        bare.close()
    return [compared("journal.append_100", "events/s", pairs, "bare sqlite3, WAL, FULL, same batch", at_least(0.5, "× bare sqlite3"))]


def append_1(room: Room) -> list[Row]:
    """Commits a second, one event each, on a disk with 8 ms more in each flush, beside that disk's flush."""
    env = slow_flush(room)
    with room.passing() as folder:
        room.say("one event a commit, 8 ms a flush")
        pairs = result_of(
            "journal_append:one_by_one", env, folder=str(folder), rounds=len(room.rounds(7)), appends=40 if room.quick else 120
        )
    against = "1 ÷ (4 KiB written over, fdatasync, same disk)"
    return [compared("journal.append_1", "events/s", pairs, against, at_least(0.7, "÷ flush time"))]


def one_by_one(folder: str, rounds: int, appends: int) -> list[tuple[float, float]]:
    """Child: (our rate, the flush's rate), taken in turns."""
    journal = SqliteJournal.open(Path(folder) / "journal.db")
    flush = Flush(Path(folder))
    for number in range(20):
        journal.append([event(number)])
    pairs = []
    for _ in range(rounds):
        ours = peer = 0.0
        for number in range(appends):
            start = time.perf_counter()
            journal.append([event(number)])
            ours += time.perf_counter() - start
            peer += flush.seconds()
        pairs.append((appends / ours, appends / peer))
    journal.close()
    return pairs


def append_fair(room: Room) -> list[Row]:
    """Four processes on one journal, one flat out: how long the others wait for a commit, in flushes."""
    env = slow_flush(room)
    seconds = 4.0 if room.quick else 12.0
    pairs = []
    for again in room.rounds(3, 1):
        room.say(f"round {again + 1}: one writer flat out, three modest ones, 8 ms a flush")
        with room.passing() as folder:
            SqliteJournal.open(folder / "journal.db").close()
            writers = [child("journal_append:writer", env, folder=str(folder), greedy=at == 0, seconds=seconds) for at in range(4)]
            try:
                for process in writers:
                    line_from(process)
                for process in writers:
                    _go(process)
                told = [line_from(process) for process in writers]
            finally:
                for process in writers:
                    stop(process)
        waits = [wait for one in told[1:] for wait in one["waits"]]
        flush = statistics.median(one["flush"] for one in told)
        pairs.append((percentile(waits, 0.99) * 1000, flush * 1000))
    against = "one flush of the same disk"
    return [compared("journal.append_fair", "ms p99", pairs, against, at_most(6, "flushes"))]


def writer(folder: str, greedy: bool, seconds: float) -> dict[str, Any]:
    """Child: append for a while; the waits of each append, and this disk's flush with nobody else at it."""
    journal = SqliteJournal.open(Path(folder) / "journal.db")
    flush = Flush(Path(folder))
    idle = statistics.median(flush.seconds() for _ in range(15))
    journal.append([event(0)])
    tell("ready")
    heard()
    until = time.monotonic() + seconds
    batch = [event(number) for number in range(_BATCH if greedy else 1)]
    waits = []
    while (now := time.monotonic()) < until:
        journal.append(batch)
        waits.append(time.monotonic() - now)
        if not greedy:
            time.sleep(0.05)
    journal.close()
    return {"waits": [] if greedy else waits, "flush": idle}


def _go(process: Any) -> None:
    process.stdin.write("go\n")
    process.stdin.flush()
