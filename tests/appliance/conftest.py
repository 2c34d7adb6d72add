"""Services made for the runner's tests, installed as a site would install its own: a package with entry points."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from appliance.core.catalogue import event_from_stored
from appliance.core.event import Event, stored_from_body
from appliance.core.journal_sqlite import SqliteJournal

MADE = '''
"""Services that do on purpose what real ones do by accident."""
import asyncio, os, pathlib, time

class Steady:
    name = "steady"
    async def run(self, context):
        context.watch.ready()
        try:
            while True:
                context.watch.progress()
                await asyncio.sleep(0.05)
        finally:
            with open("drained", "a") as file:
                file.write(context.service + "\\n")

class Crashing(Steady):
    """Dies twice, then works."""
    async def run(self, context):
        starts = pathlib.Path("starts")
        count = len(starts.read_text()) if starts.exists() else 0
        starts.write_text("x" * (count + 1))
        if count < 2:
            raise RuntimeError("a wheel came\\noff")
        await super().run(context)

class Deaf:
    """Will not be cancelled."""
    async def run(self, context):
        context.watch.ready()
        while True:
            try:
                await asyncio.sleep(0.2)
            except asyncio.CancelledError:
                pathlib.Path("asked").touch()

class Busy:
    """Never lets the loop go once it is ready."""
    async def run(self, context):
        context.watch.ready()
        await asyncio.sleep(0.1)
        pathlib.Path("asked").touch()
        while True:
            time.sleep(0.05)
'''

CONFIG = "[site]\nname = 'here'\nbox = 'one'\n[journal]\npath = 'journal.db'\n"


class Running:
    """One `callfloor run` as a process of its own, in a folder."""

    def __init__(self, folder: Path, *words: str, **environ: str) -> None:
        self.folder = folder
        self._log = (folder / "stderr").open("a+")
        env = {**os.environ, "PYTHONPATH": str(folder), "PYTHONWARNINGS": "default", **environ}
        command = [sys.executable, "-m", "appliance.cli.main", "run", *words, "-c", "callfloor.toml"]
        self.process = subprocess.Popen(command, cwd=folder, env=env, stderr=self._log, stdout=self._log)

    def log(self) -> str:
        """Everything on stderr so far."""
        return (self.folder / "stderr").read_text()

    def wait_for(self, condition: Callable[[], object], within_s: float = 20.0) -> None:
        """Until the condition holds; the log is the message when it never does."""
        end_s = time.monotonic() + within_s
        while not condition():
            if time.monotonic() > end_s:
                pytest.fail(f"it did not happen; log:\n{self.log()}")
            time.sleep(0.02)

    def ended(self, within_s: float = 20.0) -> int:
        """The exit code."""
        return self.process.wait(within_s)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self._log.close()


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder with a configuration and the made services."""
    (tmp_path / "callfloor.toml").write_text(CONFIG)
    (tmp_path / "made.py").write_text(MADE)
    info = tmp_path / "made-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: made\nVersion: 1\n")
    names = {"steady": "Steady", "second": "Steady", "crashing": "Crashing", "deaf": "Deaf", "busy": "Busy", "nowhere": "Nowhere"}
    points = "".join(f"{name} = made:{made}\n" for name, made in names.items())
    (info / "entry_points.txt").write_text("[callfloor.services]\nbroken = made_of_nothing:X\n" + points)
    return tmp_path


@pytest.fixture
def start(site: Path) -> Iterator[Callable[..., Running]]:
    """Start `callfloor run …` in the site's folder; all are gone at the test's end."""
    all_of_them: list[Running] = []

    def begin(*words: str, **environ: str) -> Running:
        all_of_them.append(Running(site, *words, **environ))
        return all_of_them[-1]

    yield begin
    for each in all_of_them:
        each.close()


@pytest.fixture
def events(site: Path) -> Callable[[], list[Event]]:
    """Every event of the site's journal."""

    def read() -> list[Event]:
        if not (site / "journal.db").exists():
            return []
        journal = SqliteJournal.open(site / "journal.db", run_dir=site / "run")
        try:
            found = [event_from_stored(stored_from_body(row.body)) for row in journal.read(0)]
        finally:
            journal.close()
        return [event for event in found if event is not None]

    return read
