"""A journal with millions of events held for a CRM that has taken none of them: made once a run, straight into the file."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

from appliance.core.catalogue import CallDigits, kind_of
from appliance.core.clock import NS, SystemClock
from appliance.core.event import Event, body_from_event
from appliance.core.journal import new_epoch
from appliance.core.store import Store
from tests.bench.room import Room

MANY = 10_000_000
FEW = 10_000
_MARK = "@@@@@@@@"


def held(room: Room, rows: int) -> Path:
    """The path of a journal with that many rows, all due. Raises SkippedError when the disk has no room for it."""
    return room.shared(f"held {rows}", lambda: _made(room, rows))  # type: ignore[no-any-return]


def many(room: Room) -> int:
    """How many rows "10 M" has in this run."""
    return 200_000 if room.quick else MANY


def _made(room: Room, rows: int) -> Path:
    room.need_disk(rows * 330 / 1e9)
    path = room.folder() / "journal.db"
    Store.create(path, new_epoch()).close()
    template = _template().decode()
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA synchronous=OFF")
    db.execute("PRAGMA journal_mode=OFF")
    db.execute("PRAGMA cache_size=-65536")
    chunk = 500_000
    for first in range(1, rows + 1, chunk):
        room.say(f"making a journal of {rows} events: {first - 1}")
        db.execute(
            "WITH RECURSIVE n(seq) AS (SELECT ? UNION ALL SELECT seq+1 FROM n WHERE seq<?)"
            " INSERT INTO event SELECT seq, seq, CAST(replace(?, ?, printf('%08d', seq)) AS BLOB) FROM n",
            (first, min(rows, first + chunk - 1), template, _MARK),
        )
    db.execute("PRAGMA journal_mode=WAL")
    db.close()
    return path


def _template() -> bytes:
    """One body of the usual size, of a kind that boards pass over: what is measured is what is held, not what is folded."""
    data = CallDigits(
        call=f"central-{_MARK}.1",
        pbx="central",
        visit=f"central-{_MARK}.1/1",
        queue="ventas",
        caller=f"09{_MARK}",
        dialled="1800555",
        uniqueid=f"{_MARK}.1",
        pbx_time=1_772_438_400.25,
        menu="principal",
        digits="2",
    )
    wall_ns = time.time_ns() - 3600 * NS
    clock = SystemClock()
    return body_from_event(Event(kind_of(data), "gateway/central", wall_ns, clock.mono_ns(), clock.boot, "synced", data))
