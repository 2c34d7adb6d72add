"""The keeper of callbacks killed at any moment: each try in vain is told once and in order, none is lost; claims and closes end once."""

from __future__ import annotations

import contextlib
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from appliance.core import catalogue as c
from appliance.core.clock import SystemClock
from appliance.core.config_file import load
from appliance.core.event import Event, stored_from_body
from appliance.core.journal_sqlite import SqliteJournal
from appliance.floor.callback_rule import KINDS
from appliance.floor_view import FloorView
from appliance.runner import open_journal

SERVICE = "import sys; from appliance.cli.main import main; sys.exit(main(['run', 'uplink', '-c', sys.argv[1]]))"


def callers(seed: int) -> Any:
    """Events without an end: a small town whose people give up, try again, get through, are reached, and judge."""
    chance, at = random.Random(seed), 0
    while True:
        at += 1
        number = f"+1202555{chance.randrange(200):04d}"
        common: dict[str, Any] = {"call": f"k{at}", "pbx": "central"}
        visit = common | {"visit": f"k{at}.1", "queue": chance.choice(("ventas", "soporte")), "caller": number}
        yield chance.choices(
            (
                c.CallAbandoned(**visit, wait_s=round(chance.uniform(0, 60), 3)),
                c.CallAnswered(**visit, agent="ana", wait_s=3.0),
                c.CallCallbackRequested(**common, caller=number, number=number),
                c.CallSurvey(**visit, agent="ana", question="satisfaction", score=float(chance.randrange(1, 6))),
                c.CallAttempted(**common, dialled="9" + number[1:], command=f"o{at}", outcome="answered"),
                c.CallHeld(**visit, agent="ana"),
            ),
            (8, 3, 1, 2, 1, 4),
        )[0]


class Town:
    """Calls come into the journal from a thread while the service lives and dies."""

    def __init__(self, folder: Path, seed: int) -> None:
        (folder / "secret").write_text("x\n")
        self.file = folder / "callfloor.toml"
        self.file.write_text(
            "[journal]\npath = 'journal.db'\nrun_dir = 'run'\n[satisfaction.limit]\nsatisfaction = 3\n"
            "[pbx.central]\nhost = '127.0.0.1'\nusername = 'u'\nsecret_file = 'secret'\n"
        )
        (folder / "run").mkdir()
        self.config, self.clock = load(self.file), SystemClock()
        self.journal: SqliteJournal = open_journal(self.config, self.clock)
        self._callers, self._chance, self._over = callers(seed), random.Random(f"{seed}/town"), threading.Event()
        self._thread = threading.Thread(target=self._live, daemon=True)
        self._commands = 0

    def __enter__(self) -> Town:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.rest()
        self.journal.close()

    def rest(self) -> None:
        """Nobody calls any more."""
        self._over.set()
        self._thread.join()

    def _live(self) -> None:
        while not self._over.wait(0.01):
            told = [next(self._callers) for _ in range(self._chance.randrange(1, 8))]
            if self._chance.random() < 0.1:
                told.append(self._command())
            self._append(told)

    def _command(self) -> Struct:
        """Somebody claims or closes one of those that were opened last, or one that is none."""
        opened = [row for row in self.journal.read(max(0, self.journal.head().seq - 400)) if row.body.startswith(b'{"k":"callback.opened')]
        key = data_of(self._chance.choice(opened)).callback if opened else "cb-x-1"
        self._commands += 1
        args = {"callback": key, "action": self._chance.choice(("claim", "close")), "by": self._chance.choice(("ana", "eva"))}
        return c.CommandReceived(id=f"c{self._commands}", verb="callback", args=args, by="local", digest=f"{self._commands}")

    def _append(self, told: list[Struct]) -> None:
        clock = self.clock
        self.journal.append(
            [Event(c.kind_of(d), "gateway/central", clock.wall_ns(), clock.mono_ns(), clock.boot, "synced", d) for d in told]
        )

    def rows(self) -> Any:
        rows = self.journal.read(0)
        while rows:
            yield from rows
            rows = self.journal.read(rows[-1].seq)


def data_of(row: Any) -> Any:
    event = c.event_from_stored(stored_from_body(row.body))
    assert event is not None
    return event.data


def start(town: Town) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", SERVICE, str(town.file)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def judged(town: Town) -> tuple[int, int]:
    """Hold what was told against what happened; how many were opened or told again, and how many commands ended."""
    view = FloorView(town.journal, town.config, town.clock)
    view.catch_up()
    dissatisfied, opened, ended, received = set(), 0, {}, 0
    judged_calls: set[str] = set()
    tries: dict[str, int] = {}
    wanted: dict[str, int] = {}
    known: dict[str, Any] = {}
    for row in town.rows():
        kind = stored_from_body(row.body).kind
        if kind not in KINDS and not kind.startswith(("callback.", "call.dissatisfied", "command.")):
            continue
        data = data_of(row)
        if isinstance(data, c.CallDissatisfied):
            assert (data.call, data.question) not in dissatisfied
            dissatisfied.add((data.call, data.question))
        elif (
            (isinstance(data, c.CallSurvey) and data.score < 3)
            or (isinstance(data, c.CallAbandoned) and data.wait_s > 5)
            or isinstance(data, c.CallCallbackRequested)
        ):
            wanted[data.call] = 1
            if isinstance(data, c.CallSurvey):
                judged_calls.add(data.call)
        elif isinstance(data, c.CallbackOpened):
            opened += 1
            tries[data.call or ""] = tries.get(data.call or "", 0) + 1
            before = known.get(data.callback)
            if before is not None:  # one more try at a time: none doubled, none lost
                assert data.times - before.times == (data.call not in judged_calls)
                assert data.waited_s >= before.waited_s
            known[data.callback] = data
        elif isinstance(data, c.CallbackClosed):
            assert known.pop(data.callback, None) is not None, f"{data.callback} was closed twice, or never opened"
        elif isinstance(data, c.CommandReceived):
            received += 1
        elif isinstance(data, c.CommandFinished):
            assert data.id not in ended, "a command has one end"
            ended[data.id] = data.state
    assert tries == wanted, "every try in vain is told once"
    assert len(ended) == received
    assert set(ended.values()) <= {"done", "failed"}
    assert known.keys() == view.floor.state.callbacks.open.keys()
    numbers = [one.number for one in known.values()]
    assert len(set(numbers)) == len(numbers), "one callback a number"
    return opened, len(ended)


def run(folder: Path, seed: int, kills: int) -> tuple[int, int]:
    chance = random.Random(f"{seed}/kills")
    with Town(folder, seed) as town:
        for _ in range(kills):
            process = start(town)
            before = sum(row.body.startswith(b'{"k":"callback.') for row in town.rows())
            end = time.monotonic() + 60  # until it works, then at any moment
            while time.monotonic() < end and sum(row.body.startswith(b'{"k":"callback.') for row in town.rows()) == before:
                time.sleep(0.01)
            time.sleep(chance.uniform(0, 0.3))
            process.send_signal(signal.SIGKILL)
            process.wait()
        town.rest()
        process = start(town)
        try:
            return _settled(town)
        finally:
            process.terminate()
            process.wait()


def _settled(town: Town) -> tuple[int, int]:
    """Judge once nothing is told any more; the judgement that holds, or the last fault."""
    end = time.monotonic() + 60
    while True:
        with contextlib.suppress(AssertionError):
            return judged(town)
        if time.monotonic() > end:
            return judged(town)
        time.sleep(0.2)


def test_killed_a_few_times(tmp_path: Path) -> None:
    opened, ended = run(tmp_path, 1, 3)
    assert opened > 20
    assert ended > 0


@pytest.mark.slow
def test_killed_a_hundred_times(tmp_path: Path) -> None:
    opened, ended = run(tmp_path, 2, 100)
    assert opened > 1000
    assert ended > 100
