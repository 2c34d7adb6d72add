"""`tail.latency`: how soon another process has an event whose append has returned, beside one that polls the file every 10 ms."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import time
from pathlib import Path

from appliance.core.journal_sqlite import SqliteJournal
from tests.bench.room import Room, child, line_from, stop
from tests.bench.table import Row, at_most, compared, percentile
from tests.bench.work import event
from tests.bench.worker import tell


def latency(room: Room) -> list[Row]:
    """Both readers follow the same appends of one writer, 50 a second."""
    pairs, medians = [], []
    count = 100 if room.quick else 250
    for again in room.rounds(5, 1):
        room.say(f"round {again + 1}: {count} events, two readers")
        with room.passing() as folder:
            path = folder / "journal.db"
            journal = SqliteJournal.open(path)
            journal.append([event(0)])
            first = journal.head().seq
            readers = [child(f"tail:{name}", path=str(path), after=first, count=count) for name in ("follow", "poll")]
            for reader in readers:
                line_from(reader)
            time.sleep(0.3)
            returned, pause = {}, random.Random(7)
            for number in range(count):
                time.sleep(pause.uniform(0.01, 0.03))
                seq = journal.append([event(number)])
                returned[str(seq)] = time.monotonic()
            seen = [line_from(reader) for reader in readers]
            for reader in readers:
                stop(reader)
            journal.close()
        ours, peer = ([(one[seq] - returned[seq]) * 1000 for seq in returned] for one in seen)
        pairs.append((percentile(ours, 0.99), percentile(peer, 0.99)))
        medians.append(percentile(ours, 0.5))
    note = f"ours p50 {sorted(medians)[len(medians) // 2]:.2f} ms"
    return [compared("tail.latency", "ms p99", pairs, "polling PRAGMA data_version every 10 ms", at_most(0.7, "× the poller"), note)]


def follow(path: str, after: int, count: int) -> dict[int, float]:
    """Child: when each row was in hand, by the bell."""

    async def run() -> dict[int, float]:
        journal = SqliteJournal.open(Path(path))
        seen: dict[int, float] = {}
        at = after
        await journal.wait(at, 0.0)
        tell("ready")
        while len(seen) < count:
            await journal.wait(at, 5.0)
            for row in journal.read(at):
                at = row.seq
                seen[at] = time.monotonic()
        journal.close()
        return seen

    return asyncio.run(run())


def poll(path: str, after: int, count: int) -> dict[int, float]:
    """Child: the same by looking every 10 ms whether the file changed."""
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)
    seen: dict[int, float] = {}
    at, version = after, db.execute("PRAGMA data_version").fetchone()[0]
    tell("ready")
    while len(seen) < count:
        time.sleep(0.01)
        now = db.execute("PRAGMA data_version").fetchone()[0]
        if now != version:
            version = now
            for seq, _ in db.execute("SELECT seq, body FROM event WHERE seq>? ORDER BY seq", (at,)).fetchall():
                at = seq
                seen[at] = time.monotonic()
    db.close()
    return seen
