"""`callfloor devices` in a process of its own, on a mocked bus: what is plugged, who holds it, what may not be read, what the service knows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hid_rig import ROOT, Bus, open_box, open_bus

from appliance.core.alive import Alive
from appliance.core.catalogue import HeadsetAttached, HeadsetFinding, HeadsetHook, HeadsetMute, kind_of
from appliance.core.clock import SystemClock
from appliance.core.event import Event
from appliance.core.journal_sqlite import SqliteJournal
from appliance.sim.headset_model import MODELS

pytestmark = pytest.mark.usb
COMMAND = [sys.executable, "-W", "error", "-m", "appliance.cli.main", "devices"]
JABRA = MODELS["jabra"].descriptor.hex()


@pytest.fixture
def bus() -> Iterator[Bus]:
    with open_bus() as made:
        yield made


def run(bus: Bus, folder: Path, *words: str, text: str = "") -> subprocess.CompletedProcess[str]:
    if text:
        (folder / "callfloor.toml").write_text(text, encoding="utf-8")
        words = (*words, "-c", str(folder / "callfloor.toml"))
    env = os.environ | {"LD_PRELOAD": "libumockdev-preload.so.0", "UMOCKDEV_DIR": bus.root, "PYTHONPATH": str(ROOT)}
    return subprocess.run([*COMMAND, *words], env=env, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


def rows(bus: Bus, folder: Path, text: str = "") -> dict[str, dict[str, Any]]:
    """The rows by url."""
    said = run(bus, folder, "--json", text=text)
    assert (said.returncode, said.stderr) == (0, "")
    return {row["url"]: row for row in json.loads(said.stdout)["rows"]}


def two_desks(bus: Bus) -> None:
    bus.plug("1-1.2", vid=0x0B0E, pid=0x0307, serial="A1", product="Evolve", descriptor=JABRA)
    bus.plug("1-1.10", vid=0x047F, pid=0xC056, serial="", product="Blackwire", descriptor=MODELS["poly"].descriptor.hex())


def test_the_table_says_what_its_question_marks_are_and_json_does_not(bus: Bus, tmp_path: Path) -> None:
    legend = "?  not known: nobody watches it, or it has not told yet"
    assert legend not in run(bus, tmp_path).stdout
    two_desks(bus)
    assert legend in run(bus, tmp_path).stdout
    assert "nobody watches" not in run(bus, tmp_path, "--json").stdout


def test_without_a_configuration_all_is_listed_and_nothing_known(bus: Bus, tmp_path: Path) -> None:
    two_desks(bus)
    found = rows(bus, tmp_path)
    assert list(found) == ["usb:0b0e:0307:A1", "usb:047f:c056@1-1.10"], "as [headsets.seat.X] url takes it"
    one = found["usb:0b0e:0307:A1"]
    assert (one["port"], one["product"], one["serial"], one["hook"], one["mute"]) == ("1-1.2", "Evolve", "A1", None, None)
    table = run(bus, tmp_path).stdout
    assert "usb:0b0e:0307:A1" in table
    assert "hook and mute are not known" in table
    assert "\x1b" not in table, "colours are for terminals"


def test_nothing_attached(bus: Bus, tmp_path: Path) -> None:
    assert rows(bus, tmp_path) == {}
    assert "USB headsets  none" in run(bus, tmp_path).stdout


SITE = """
[journal]
path = "journal.db"
[headsets.seat.a-101]
url = "usb:0b0e:0307:A1"
agent = "lucia"
[headsets.seat.a-102]
url = "usb:1-4"
[headsets.seat.a-103]
url = "sim:/nowhere/x.sock"
[wallboard.sign.strip]
url = "serial:///dev/ttyUSB7"
[wallboard.led.panel]
url = "spi:0.1?cascaded=4"
width = 32
height = 8
"""


def test_seats_of_the_configuration_and_what_the_service_knows_of_them(bus: Bus, tmp_path: Path) -> None:
    two_desks(bus)
    journal = SqliteJournal.open(tmp_path / "journal.db", run_dir=tmp_path / "run")
    clock = SystemClock()
    told = (
        HeadsetAttached(seat="a-101", agent="lucia", product="Evolve"),
        HeadsetHook(seat="a-101", agent="lucia", hook="off"),
        HeadsetMute(seat="a-101", agent="lucia", mute=True),
        HeadsetFinding(seat="a-101", agent="lucia", finding="off_hook_no_call"),
    )
    journal.append(
        [Event(kind_of(each), "headsets/headsets", clock.wall_ns(), clock.mono_ns(), clock.boot, "synced", each) for each in told]
    )
    journal.close()
    site = SITE.replace('"journal.db"', f'"{tmp_path}/journal.db"')
    found = rows(bus, tmp_path, site)
    assert (found["usb:0b0e:0307:A1"]["hook"], found["usb:0b0e:0307:A1"]["seat"]) == (None, "a-101"), "nobody watches"
    alive = Alive.open(tmp_path / "run", "headsets")
    try:
        found = rows(bus, tmp_path, site)
        table = run(bus, tmp_path, text=site).stdout
    finally:
        alive.close()
    one = found["usb:0b0e:0307:A1"]
    assert (one["hook"], one["mute"], one["agent"], one["use"], one["findings"]) == (
        "off",
        True,
        "lucia",
        ["seat a-101"],
        ["off_hook_no_call"],
    )
    assert found["usb:047f:c056@1-1.10"]["seat"] == "usb-1-1.10", "as the service calls it"
    missing = {url: row["use"] for url, row in found.items() if not row["there"]}
    assert missing == {
        "usb:1-4": ["seat a-102"],
        "sim:/nowhere/x.sock": ["seat a-103"],
        "serial:///dev/ttyUSB7": ["sign strip"],
        "spi:0.1": ["led panel"],
    }
    for word in ("off-hook", "muted", "seat a-101 (lucia)", "not there", "! off_hook_no_call"):
        assert word in table


def test_who_holds_it_and_what_may_not_be_read(bus: Bus, tmp_path: Path) -> None:
    two_desks(bus)
    with open_box(bus) as box:
        box.do("open", "own", "1-1.2")
        held = rows(bus, tmp_path)["usb:0b0e:0307:A1"]
        assert f"(process {box.process.pid})" in held["holder"]


def test_what_may_not_be_read_and_what_mends_it(bus: Bus, tmp_path: Path) -> None:
    two_desks(bus)
    bus.do("deny", "1-1.10")
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []
    subprocess.run(["chmod", "-R", "a+rX", bus.root], check=True)
    subprocess.run(["chmod", "0", f"{bus.root}/dev/bus/usb/001/003"], check=True)
    env = os.environ | {"LD_PRELOAD": "libumockdev-preload.so.0", "UMOCKDEV_DIR": bus.root, "PYTHONPATH": str(ROOT)}
    said = subprocess.run([*nobody, *COMMAND, "--json"], env=env, cwd="/", capture_output=True, text=True, timeout=60, check=False)
    if not said.stdout and "Permission denied" in said.stderr:
        pytest.skip("this Python is root's alone")
    found = {row["url"]: row for row in json.loads(said.stdout)["rows"]}
    denied = found["usb:047f:c056@1-1.10"]
    assert "may not use /dev/bus/usb/001/003" in denied["fault"]
    assert "60-callfloor-headsets.rules" in denied["mend"]
    assert denied["product"] == "Blackwire", "what sysfs says is there all the same"


def test_follow_tells_each_change(bus: Bus, tmp_path: Path) -> None:
    env = os.environ | {"LD_PRELOAD": "libumockdev-preload.so.0", "UMOCKDEV_DIR": bus.root, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([*COMMAND, "--follow", "--json"], env=env, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        watchdog = threading.Timer(60, process.kill)  # a line that never comes must not stop everything
        watchdog.start()
        assert json.loads(process.stdout.readline())["rows"] == []
        bus.plug("1-1.2", vid=0x0B0E, pid=0x0307, serial="A1", product="Evolve", descriptor=JABRA)
        while not (seen := json.loads(process.stdout.readline())["rows"]):
            pass
        assert seen[0]["port"] == "1-1.2"
        bus.do("pull", "1-1.2")
        while json.loads(process.stdout.readline())["rows"]:
            pass
        process.send_signal(2)
        assert process.wait(30) == 0
        watchdog.cancel()


def test_a_configuration_that_is_not_there_and_one_with_faults(bus: Bus, tmp_path: Path) -> None:
    gone = run(bus, tmp_path, "-c", "nothing.toml")
    assert (gone.returncode, gone.stdout) == (1, "")
    assert "no such file" in gone.stderr
    faulty = run(bus, tmp_path, text="[site]\nbox = 'Piso 3'\n")
    assert faulty.returncode == 0
    assert "callfloor check" in faulty.stderr
