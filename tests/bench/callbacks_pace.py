"""`callbacks.pace`: how many callers who give up a second the keeper of callbacks takes, each of them told durably.

A wave of callers gives up at once while the uplink runs, two in five for the second time; timed until the last was told.
"""

from __future__ import annotations

import time
from typing import Final

from appliance.core.catalogue import CallAbandoned, kind_of
from appliance.core.clock import SystemClock
from appliance.core.event import Event
from appliance.core.journal import BATCH
from appliance.core.journal_sqlite import SqliteJournal
from tests.bench.box import Box
from tests.bench.room import Room
from tests.bench.table import Row, alone, at_least

_GOAL: Final = 500.0
_OPENED: Final = b'{"k":"callback.opened"'


def pace(room: Room) -> list[Row]:
    """Callers a second, each wave on a journal of its own."""
    wave, rates = 2_000 if room.quick else 20_000, []
    for again in room.rounds(3, 1):
        with room.passing() as folder, Box(folder, crm_port=None, more="[callbacks]\nmax_open = 10000\n") as box:
            box.start("uplink")
            box.settled("uplink")
            room.say(f"wave {again + 1}: {wave} callers give up")
            journal = SqliteJournal.open(box.journal, run_dir=folder / "run", max_bytes=1 << 40)
            try:
                rates.append(wave / _told(journal, wave))
            finally:
                journal.close()
    note = f"{wave} at once"
    return [alone("callbacks.pace", "callers/s", rates, at_least(_GOAL, "callers/s"), note)]


def _told(journal: SqliteJournal, wave: int) -> float:
    """Seconds from the first row of the wave until the last callback was told. Raises RuntimeError when one is missing after a minute."""
    clock, began, told, at = SystemClock(), time.perf_counter(), 0, journal.head().seq
    for first in range(0, wave, BATCH):
        rows = [
            CallAbandoned(
                call=f"c{number}", visit=f"c{number}.1", pbx="central", queue="ventas", caller=f"+1202{number * 3 // 5:07d}", wait_s=40.0
            )
            for number in range(first, first + BATCH)
        ]
        journal.append(
            [Event(kind_of(row), "gateway/central", clock.wall_ns(), clock.mono_ns(), clock.boot, "synced", row) for row in rows]
        )
    while told < wave:
        page = journal.read(at)
        told += sum(row.body.startswith(_OPENED) for row in page)
        at = page[-1].seq if page else at
        if not page:
            if time.perf_counter() - began > 60:
                raise RuntimeError(f"{told} of {wave} callbacks after a minute")
            time.sleep(0.002)
    return time.perf_counter() - began
