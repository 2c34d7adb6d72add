"""The service itself, killed with its summary on disk and started again over what was recorded meanwhile."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from appliance.core.catalogue import CallAnswered, CallQueued, PbxResynced, PbxUp, kind_of
from appliance.core.clock import SystemClock
from appliance.core.event import Event
from appliance.core.journal_sqlite import SqliteJournal
from appliance.floor.calendar import Calendar
from appliance.floor.history import day_from_bytes, queues_of, total

CONFIG = "[site]\nname = 'quito'\ntimezone = 'UTC'\n[journal]\npath = 'journal.db'\n"


class Site:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "callfloor.toml").write_text(CONFIG)
        self.processes: list[subprocess.Popen[bytes]] = []

    def record(self, first: int, count: int) -> None:
        """Visits as a gateway would record them."""
        clock = SystemClock()
        data: list[Any] = [PbxUp(pbx="p"), PbxResynced(pbx="p")]
        for number in range(first, first + count):
            data.append(CallQueued(call=f"c{number}", pbx="p", visit=f"v{number}", queue="ventas"))
            data.append(CallAnswered(call=f"c{number}", pbx="p", visit=f"v{number}", queue="ventas", agent="ana", wait_s=1))
        journal = SqliteJournal.open(self.folder / "journal.db", run_dir=self.folder / "run")
        events = [Event(kind_of(d), "gateway/p", clock.wall_ns(), clock.mono_ns(), clock.boot, "synced", d) for d in data]
        journal.append(events)
        journal.close()

    def start(self) -> subprocess.Popen[bytes]:
        environ = {**os.environ, "CALLFLOOR_RUN_DIR": str(self.folder / "run")}
        command = [sys.executable, "-m", "appliance.cli.main", "run", "wallboard", "-c", "callfloor.toml"]
        self.processes.append(subprocess.Popen(command, cwd=self.folder, env=environ, stderr=subprocess.DEVNULL))
        return self.processes[-1]

    def kept(self) -> int:
        """Visits of today (and yesterday, should midnight pass) as they lie on disk."""
        found = 0
        for path in (self.folder / "summary").glob("*.json"):
            day = day_from_bytes(path.read_bytes(), datetime.fromisoformat(path.stem).date())
            found += sum(total(queue.halves.values()).offered for queue in queues_of(day).values())
        return found

    def wait(self, count: int) -> None:
        end = time.monotonic() + 30
        while self.kept() != count:
            assert time.monotonic() < end, f"{self.kept()} of {count} visits are kept"
            time.sleep(0.05)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    yield made
    for process in made.processes:
        process.kill()
        process.wait()


def test_killed_and_started_again(site: Site) -> None:
    site.record(0, 5)
    process = site.start()
    site.wait(5)
    process.send_signal(signal.SIGKILL)
    process.wait()
    site.record(5, 4)
    process = site.start()
    site.wait(9)
    site.record(9, 3)
    time.sleep(0.3)
    process.terminate()  # an orderly stop keeps what was recorded since
    assert process.wait(15) == 0
    assert site.kept() == 12
    command = [sys.executable, "-m", "appliance.cli.main", "report", "--json", "-c", "callfloor.toml"]
    told = json.loads(subprocess.run(command, cwd=site.folder, check=True, capture_output=True).stdout)
    calendar = Calendar("UTC")
    assert told["day"] == calendar.date_of(SystemClock().wall_ns()).isoformat()
    assert told["floor"]["offered"] == 12
    assert list(site.folder.rglob("*.part")) == []
