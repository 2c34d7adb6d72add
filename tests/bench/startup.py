"""`startup.first_event`, `startup.first_event_10m`: from the start of the process to its first durable event."""

from __future__ import annotations

import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

from appliance.core.bell import Bell
from tests.bench.box import Box
from tests.bench.held import held, many
from tests.bench.room import ROOT, Room
from tests.bench.table import Row, at_most, compared

#: What the shortest program does: open, make the table where there is none, commit one row durably, say so.
_BARE = """
import os, sqlite3
db = sqlite3.connect({path!r}, isolation_level=None)
db.execute("PRAGMA journal_mode=WAL"); db.execute("PRAGMA synchronous=FULL")
db.execute("CREATE TABLE IF NOT EXISTS event(seq INTEGER PRIMARY KEY, n INTEGER NOT NULL, body BLOB NOT NULL)")
db.execute("INSERT INTO event(n, body) VALUES(0, zeroblob(270))")
os.write(1, b"durable")
"""


def first_event(room: Room) -> list[Row]:
    """Ours and the bare program start in turns; ours rings its bell after the commit."""
    empty, full = [], []
    journal = held(room, many(room))
    with room.passing() as folder:
        for again in room.rounds(11, 3):
            room.say(f"round {again + 1}: empty, 10 M held, bare")
            bare = _bare_s(folder / f"bare{again}.db") * 1000
            empty.append((_ours_s(folder / f"empty{again}", None) * 1000, bare))
            full.append((_ours_s(folder / f"full{again}", journal) * 1000, bare))
    against, goal = "bare python + sqlite3, one durable row", at_most(3, "× bare python + sqlite3")
    shutil.rmtree(journal.parent / "cursors", ignore_errors=True)
    return [
        compared("startup.first_event", "ms", empty, against, goal),
        compared("startup.first_event_10m", "ms", full, against, goal),
    ]


def _ours_s(folder: Path, journal: Path | None) -> float:
    with Box(folder, journal=journal) as box:
        bell = Bell(folder / "run" / "bells")
        start = time.monotonic()
        box.start("gateway")
        if not select.select([bell.socket], [], [], 30)[0]:
            raise RuntimeError(f"no event within 30 s: {box.log('gateway')}")
        took = time.monotonic() - start
        bell.close()
    return took


def _bare_s(path: Path) -> float:
    start = time.monotonic()
    with subprocess.Popen([sys.executable, "-c", _BARE.format(path=str(path))], stdout=subprocess.PIPE, cwd=ROOT) as process:
        assert process.stdout is not None
        process.stdout.read(7)
        return time.monotonic() - start
