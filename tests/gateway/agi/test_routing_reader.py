"""What the routing help reads of the journal, whatever the box's clock does."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from appliance.core.catalogue import BoxClockStepped, CallAbandoned, kind_of
from appliance.core.clock import ManualClock
from appliance.core.config_file import config_from_toml
from appliance.core.event import Event
from appliance.core.journal_sqlite import SqliteJournal
from gateway.agi.desk import Given
from gateway.agi.reader import Reader

CALLER = "0991234567"


def test_a_clock_that_ran_ahead_costs_nobody_his_count(tmp_path: Path) -> None:
    config = config_from_toml('[site]\ntimezone = "America/Guayaquil"\n[routing]\n', tmp_path / "callfloor.toml")
    clock = ManualClock()
    journal = SqliteJournal.open(config.journal.path, due=lambda _: True, keep_days=1, max_bytes=10**8, clock=clock)
    reader = Reader(journal, config, clock, Given(), lambda number: None, b"salt")

    def told(data: Struct) -> None:
        clock.advance(2)
        journal.append([Event(kind_of(data), "gateway/central", clock.wall_ns(), clock.mono_ns(), clock.boot, clock.quality(), data)])

    def looked() -> int:
        clock.advance(2)
        for _ in range(2):
            while reader.turn():
                pass
            reader.floor()
        return reader.callers.gave_up(CALLER)

    def stepped(seconds: float) -> None:
        clock.step_wall(seconds)
        told(BoxClockStepped(offset_ns=clock.wall_ns() - clock.mono_ns(), by_s=seconds, quality="synced"))

    gave_up = CallAbandoned(call="c", pbx="central", wait_s=9.0, caller=CALLER)
    told(gave_up)
    assert looked() == 1
    stepped(3650 * 86_400)  # a wrong time server, for a moment
    told(gave_up)
    looked()
    stepped(-3650 * 86_400)
    told(gave_up)
    assert looked() >= 2, "today is today again"
    told(gave_up)
    assert looked() >= 3
    journal.close()
