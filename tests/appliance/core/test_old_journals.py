"""An upgrade keeps what a box holds: a journal of every format that was ever written is read, counted the same and written on.

tests/journals/format-N.db.gz was written by a simulated floor (`callfloor demo`) of the version that brought format N; what its truth was
stands here. Whoever raises SCHEMA_VERSION puts the last journal of the format before beside them.
"""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from appliance.cli.main import main
from appliance.core.catalogue import CallHeld, kind_of
from appliance.core.clock import SystemClock
from appliance.core.event import Event
from appliance.core.journal_sqlite import SqliteJournal
from appliance.core.store import SCHEMA_VERSION

FOLDER = Path(__file__).parents[2] / "journals"
#: Of each format: the day, its epoch, the events, and the simulated PBX's own count of the day's calls.
TRUTH: dict[int, dict[str, Any]] = {
    1: {
        "day": "2026-11-22",
        "epoch": "fc9464a72c",
        "seq": 617,
        "calls": {"offered": 79, "answered": 67, "abandoned": 8, "left": 1},
    }
}


def test_no_format_is_forgotten() -> None:
    assert sorted(TRUTH) == list(range(1, SCHEMA_VERSION + 1))


@pytest.mark.parametrize("version", sorted(TRUTH))
def test_an_old_journal_is_read_counted_the_same_and_written_on(version: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    truth, path = TRUTH[version], tmp_path / "journal.db"
    with gzip.open(FOLDER / f"format-{version}.db.gz") as packed, path.open("wb") as file:
        shutil.copyfileobj(packed, file)
    config = tmp_path / "callfloor.toml"
    config.write_text('[site]\nname = "demo"\nbox = "piso-3"\ntimezone = "Etc/UTC"\n[journal]\npath = "journal.db"\n')

    assert main(["report", "--day", truth["day"], "--json", "-c", str(config)]) == 0
    floor = json.loads(capsys.readouterr().out)["floor"]
    assert {name: floor[name] for name in truth["calls"]} == truth["calls"]
    assert main(["journal", "verify", "-c", str(config)]) == 0

    clock, data = SystemClock(), CallHeld(call="c-1", pbx="central")
    journal = SqliteJournal.open(path, keep_days=36_500)
    try:
        event = Event(kind_of(data), "gateway/central", clock.wall_ns(), clock.mono_ns(), clock.boot, clock.quality(), data)
        assert journal.append([event]) == truth["seq"] + 1
        assert journal.epoch == truth["epoch"], "nothing was set aside"
    finally:
        journal.close()
