"""The headsets' service as a box runs it (`callfloor run headsets`), in a process that sees a mocked USB bus; its journal read from outside."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from hid_rig import ROOT, Bus
from msgspec import Struct

from appliance.core.catalogue import event_from_stored
from appliance.core.errors import CallfloorError
from appliance.core.event import Event, stored_from_body
from appliance.core.journal_readonly import ReadonlyJournal

#: For what happens at once on any machine that is not dead.
LONG_S = 30.0
_BASE = """
[site]
name = "here"
box = "one"
timezone = "UTC"
language = "en"

[journal]
path = "{folder}/journal.db"
run_dir = "{folder}/run"
"""


class Service:
    """It runs; `told` is what its journal holds of headsets."""

    def __init__(self, process: subprocess.Popen[str], folder: Path, log: str) -> None:
        self.process, self.folder, self._log = process, folder, log
        self._events: list[Event] = []
        self._seq = 0

    def events(self) -> list[Event]:
        """All headset events that are durable by now."""
        with contextlib.suppress(CallfloorError, OSError):  # not begun yet
            journal = ReadonlyJournal(self.folder / "journal.db", self.folder / "run")
            try:
                while rows := journal.read(self._seq):
                    found = [event_from_stored(stored_from_body(row.body)) for row in rows]
                    self._events += [event for event in found if event is not None and event.kind.startswith("headset.")]
                    self._seq = rows[-1].seq
            finally:
                journal.close()
        return self._events

    def told(self, seat: str | None = None) -> list[str]:
        """In short: kind and what it says, as `hook off`."""
        return [short(event.data) for event in self.events() if seat is None or event.data.seat == seat]  # type: ignore[attr-defined]

    def until(self, seat: str, *told: str) -> None:
        """Till exactly these were told of a seat."""
        self.wait(lambda: len(self.told(seat)) >= len(told))
        assert self.told(seat) == list(told), self.log()

    def wait(self, true: Callable[[], object]) -> None:
        end_s = time.monotonic() + LONG_S
        while not true():
            assert self.process.poll() is None, self.log()
            assert time.monotonic() < end_s, (self.told(), self.log())
            time.sleep(0.02)

    def log(self) -> str:
        return (self.folder / self._log).read_text()

    def stop(self) -> float:
        """As systemd does; for how long it took."""
        began_s = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(LONG_S)
        assert self.process.returncode == 0, self.log()
        return time.monotonic() - began_s


def short(data: Struct) -> str:
    """An event in a few words."""
    kind = type(data).__name__.removeprefix("Headset").lower()
    said: Any = next((getattr(data, name) for name in ("hook", "mute", "finding") if hasattr(data, name)), None)
    return kind if kind in ("attached", "detached", "fault", "minute") else f"{kind} {said}".lower()


@contextlib.contextmanager
def open_service(bus: Bus, folder: Path, headsets: str = "[headsets]\n", *before: str, log: str = "log") -> Iterator[Service]:
    """`headsets`: the part of callfloor.toml; `before` goes before the command line. It is stopped at the end unless it was."""
    folder.mkdir(exist_ok=True)
    config = folder / "callfloor.toml"
    config.write_text(_BASE.format(folder=folder) + headsets)
    env = os.environ | {
        "LD_PRELOAD": "libumockdev-preload.so.0",
        "UMOCKDEV_DIR": bus.root,
        "PYTHONPATH": str(ROOT),
        "PYTHONFAULTHANDLER": "1",
    }
    command = [*before, sys.executable, "-W", "error", "-m", "appliance.cli.main", "run", "headsets", "-c", str(config)]
    with (folder / log).open("w") as told, subprocess.Popen(command, stdout=told, stderr=told, text=True, env=env) as process:
        service = Service(process, folder, log)
        try:
            yield service
        finally:
            if process.poll() is None:
                service.stop()
