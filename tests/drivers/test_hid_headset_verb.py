"""`callfloor headset watch` and `record` in processes of their own, on a mocked bus: read along, or the service's events; never a write."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hid_rig import ROOT, Bus, open_box, open_bus

from appliance.core.alive import Alive
from appliance.core.catalogue import HeadsetAttached, HeadsetHook, kind_of
from appliance.core.clock import SystemClock
from appliance.core.event import Event
from appliance.core.journal_sqlite import SqliteJournal
from appliance.sim.headset_model import MODELS

pytestmark = pytest.mark.usb
COMMAND = [sys.executable, "-W", "error", "-m", "appliance.cli.main"]
SERIAL = "AB12CD34"
LIMIT_S = 30.0


@pytest.fixture
def bus() -> Iterator[Bus]:
    with open_bus() as made:
        made.plug("1-1.2", vid=0x0B0E, pid=0x0307, serial=SERIAL, product="Evolve", descriptor=MODELS["jabra"].descriptor.hex())
        yield made


class Verb:
    """A verb that runs, its output line by line as JSON."""

    def __init__(self, bus: Bus, folder: Path, *words: str) -> None:
        self.errors = folder / "errors"
        with self.errors.open("w") as errors:
            self.process = subprocess.Popen(
                [*COMMAND, *words],
                env=os.environ | {"LD_PRELOAD": "libumockdev-preload.so.0", "UMOCKDEV_DIR": bus.root, "PYTHONPATH": str(ROOT)},
                cwd=folder,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )

    def until(self, so: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            told: dict[str, Any] = json.loads(line)
            if so(told):
                return told
        pytest.fail(f"it ended: {self.errors.read_text()}")

    def until_error(self, text: str) -> None:
        end_s = time.monotonic() + LIMIT_S
        while text not in self.errors.read_text():
            if time.monotonic() > end_s or self.process.poll() is not None:
                pytest.fail(f"{text!r} was never told:\n{self.errors.read_text()}")
            time.sleep(0.05)


@contextmanager
def running(bus: Bus, folder: Path, *words: str) -> Iterator[Verb]:
    verb = Verb(bus, folder, *words)
    watchdog = threading.Timer(2 * LIMIT_S, verb.process.kill)  # a line that never comes must not stop everything
    watchdog.start()
    try:
        yield verb
        verb.process.send_signal(signal.SIGINT)
        assert verb.process.wait(LIMIT_S) == 0
    finally:
        watchdog.cancel()
        verb.process.kill()
        verb.process.communicate()


def hook(state: str) -> Callable[[dict[str, Any]], bool]:
    return lambda told: told.get("kind") == "headset.hook" and told["data"]["hook"] == state


def test_watch_reads_along_over_a_replug_and_writes_nothing(bus: Bus, tmp_path: Path) -> None:
    with running(bus, tmp_path, "headset", "watch", "--reports", "--json") as watch:
        first = watch.until(lambda told: told["kind"] == "headset.attached")
        assert (first["seat"], first["data"]["product"]) == ("usb-1-1.2", "Evolve")
        bus.do("report", "1-1.2", "020100")
        assert watch.until(lambda told: "report" in told)["says"]["hook"] == 1
        watch.until(hook("off"))
        log = bus.log("1-1.2")
        bus.do("pull", "1-1.2")
        watch.until(lambda told: told.get("kind") == "headset.detached")
        bus.plug("1-1.2", vid=0x0B0E, pid=0x0307, serial=SERIAL, product="Evolve", descriptor=MODELS["jabra"].descriptor.hex())
        watch.until(lambda told: told.get("kind") == "headset.attached")
    assert [what for what, _ in log] == ["in"], "nothing was detached, claimed or written"


def test_watch_follows_the_service_where_that_holds_it(bus: Bus, tmp_path: Path) -> None:
    (tmp_path / "callfloor.toml").write_text(
        f'[journal]\npath = "{tmp_path}/journal.db"\n[headsets.seat.a-101]\nurl = "usb:0b0e:0307:{SERIAL}"\n'
    )
    journal, clock = SqliteJournal.open(tmp_path / "journal.db", run_dir=tmp_path / "run"), SystemClock()

    def tell(data: Any) -> None:
        journal.append([Event(kind_of(data), "headsets/headsets", clock.wall_ns(), clock.mono_ns(), clock.boot, "synced", data)])

    tell(HeadsetAttached(seat="a-101", product="Evolve"))
    tell(HeadsetHook(seat="a-101", hook="on"))
    alive = Alive.open(tmp_path / "run", "headsets")
    try:
        with open_box(bus) as box:
            box.do("open", "own", "1-1.2")
            with running(bus, tmp_path, "headset", "watch", "a-101", "--json", "-c", "callfloor.toml") as watch:
                watch.until_error("the service headsets holds it")
                watch.until(hook("on"))
                tell(HeadsetHook(seat="a-101", hook="off", agent="lucia"))
                assert watch.until(hook("off"))["data"]["agent"] == "lucia"
            taken = run(bus, tmp_path, "headset", "record", "a-101", "-o", "x.jsonl", "-c", "callfloor.toml")
            assert taken.returncode == 1
            assert "holds it" in taken.stderr
            assert not (tmp_path / "x.jsonl").exists()
    finally:
        alive.close()
        journal.close()


def run(bus: Bus, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    env = os.environ | {"LD_PRELOAD": "libumockdev-preload.so.0", "UMOCKDEV_DIR": bus.root, "PYTHONPATH": str(ROOT)}
    return subprocess.run([*COMMAND, *words], env=env, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("words", [("headset", "record", "1-1.2"), ("capture", "headset", f"0b0e:0307:{SERIAL}")])
def test_record_and_replay(bus: Bus, tmp_path: Path, words: tuple[str, ...]) -> None:
    with running(bus, tmp_path, *words, "-o", "new.jsonl") as record:
        record.until_error("press every button")
        for report in ("020100", "020500", "020100"):
            bus.do("report", "1-1.2", report)
        end_s = time.monotonic() + LIMIT_S
        while run_lines(tmp_path) < 4 and time.monotonic() < end_s:
            time.sleep(0.05)
    text = (tmp_path / "new.jsonl").read_text()
    assert SERIAL not in text
    head, *reports = map(json.loads, text.splitlines())
    assert (head["kind"], head["name"], head["product_id"]) == ("hid", "usb-1-1.2", "0307")
    assert [row["data"] for row in reports] == ["\x02\x01\x00", "\x02\x05\x00", "\x02\x01\x00"]
    assert (tmp_path / "new.jsonl").stat().st_mode & 0o77 == 0
    shown = run(bus, tmp_path, "replay", "new.jsonl")
    assert "usb-1-1.2" in shown.stdout
    assert "Muted" in shown.stdout
    floor = json.loads(run(bus, tmp_path, "replay", "new.jsonl", "--json").stdout)
    assert (floor["headsets"]["usb-1-1.2"]["hook"], floor["headsets"]["usb-1-1.2"]["mute"]) == ("off", True)
    again = run(bus, tmp_path, *words, "-o", "new.jsonl")
    assert (again.returncode, "is there already" in again.stderr) == (1, True)


def run_lines(folder: Path) -> int:
    return len((folder / "new.jsonl").read_text().splitlines())


def test_faults(bus: Bus, tmp_path: Path) -> None:
    unknown = run(bus, tmp_path, "headset", "watch", "a-999")
    assert (unknown.returncode, "there is usb-1-1.2 (port 1-1.2)" in unknown.stderr) == (1, True)
    assert run(bus, tmp_path, "headset").returncode == 2
    nobody = run(bus, tmp_path, "headset", "record", "sim:/nowhere.sock", "-o", "x.jsonl")
    assert (nobody.returncode, "no simulated headset" in nobody.stderr) == (1, True)
