"""What `callfloor doctor` sees of headsets on a mocked bus: the look itself, with real processes that hold them. The judging is tested apart."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hid_rig import ROOT, Bus, open_box, open_bus

pytestmark = pytest.mark.usb


@pytest.fixture
def bus() -> Iterator[Bus]:
    with open_bus() as made:
        yield made


def doctor(bus: Bus, folder: Path, text: str) -> dict[str, list[dict[str, Any]]]:
    """What it says, by item."""
    (folder / "callfloor.toml").write_text(text, encoding="utf-8")
    command = [
        sys.executable,
        "-W",
        "error",
        "-m",
        "appliance.cli.main",
        "doctor",
        "headsets",
        "--json",
        "-c",
        str(folder / "callfloor.toml"),
    ]
    env = os.environ | {"LD_PRELOAD": "libumockdev-preload.so.0", "UMOCKDEV_DIR": bus.root, "PYTHONPATH": str(ROOT)}
    said = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=60)
    assert said.stderr == ""
    found: dict[str, list[dict[str, Any]]] = {}
    for finding in json.loads(said.stdout)["findings"]:
        found.setdefault(finding["item"], []).append(finding)
    return found


def one(found: dict[str, list[dict[str, Any]]], item: str, finding: str) -> dict[str, Any]:
    return next(each for each in found[item] if each["finding"] == finding)


def test_who_reads_who_has_it_and_what_is_left(bus: Bus, tmp_path: Path) -> None:
    bus.plug("1-2", product="Desk")
    seat = "[headsets.seat.a12]\nurl = 'usb:1209:0001:S1'\n"
    with open_box(bus) as box:
        box.do("open", "watch", "1-2")
        found = one(doctor(bus, tmp_path, seat), "headset a12", "watch would be wise")
        assert found["evidence"].startswith("/dev/hidraw0 is open in ")
        assert f"(process {box.process.pid})" in found["evidence"]
        box.do("close", "1-2")
        box.do("open", "own", "1-2")
        found = one(doctor(bus, tmp_path, seat), "headset a12", "another program has taken it")
        assert (found["level"], found["mend"]) == ("red", f"sudo kill {box.process.pid}")
        bus.do("crash", "1-2")
        found = one(doctor(bus, tmp_path, seat), "headset a12", "nobody has it")
        assert found["mend"] == "echo 1-2:1.3 | sudo tee /sys/bus/usb/drivers/usbhid/bind"


def test_the_boxs_own_service_is_known_by_its_lock(bus: Bus, tmp_path: Path) -> None:
    bus.plug("1-2")
    lock = tmp_path / "run" / "alive" / "headsets.lock"
    lock.parent.mkdir(parents=True)
    # As the service does: one process has the lock and the headset.
    with open_box(bus, "flock", str(lock)) as box:
        box.do("open", "own", "1-2")
        assert [each["level"] for each in doctor(bus, tmp_path, "[headsets]\n")["headset usb-1-2"]] == ["ok"]
        found = one(doctor(bus, tmp_path, "[headsets]\nhold = 'watch'\n"), "headset usb-1-2", "it is owned, and should be watched")
        assert found["level"] == "amber"


def test_what_is_plugged_and_what_is_not(bus: Bus, tmp_path: Path) -> None:
    bus.plug("1-2", serial="", power="auto")
    bus.plug("1-3", serial="")
    found = doctor(bus, tmp_path, "[headsets.seat.a]\nurl = 'usb:1209:0001'\n[headsets.seat.b]\nurl = 'usb:1-4'\n")
    assert set(found) >= {"headset a", "headset b", "headset usb-1-3"}
    assert one(found, "headset a", "its url fits 2 headsets")["mend"].startswith("sudo callfloor config set headsets.seat.a.url usb:1-2 ")
    assert one(found, "headset a", "the kernel may suspend it")["mend"].endswith("/sys/bus/usb/devices/1-2/power/control")
    assert [each["finding"] for each in found["headset b"]] == ["nothing is plugged in"]


def test_where_all_seats_are_simulated_usb_is_left_alone(bus: Bus, tmp_path: Path) -> None:
    bus.plug("1-2")
    found = doctor(bus, tmp_path, f"[headsets.seat.a]\nurl = 'sim:{tmp_path}/none.sock'\n")
    assert [each["finding"] for each in found.pop("headset a")] == ["its simulated headset is not there"]
    assert set(found) == {"configuration"}


def power(bus: Bus, port: str, attributes: str, draws: str) -> None:
    """What a device of the bus says of its power: `e0` has a supply of its own, `80` has none."""
    folder = Path(bus.root, "sys/bus/usb/devices", port)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "bmAttributes").write_text(f"{attributes}\n", encoding="ascii")
    (folder / "bMaxPower").write_text(f"{draws}\n", encoding="ascii")


def test_a_hub_without_a_supply(bus: Bus, tmp_path: Path) -> None:
    bus.plug("1-2.1")
    bus.plug("1-3.4", serial="S2")
    for port, attributes, draws in (("1-2", "e0", "0mA"), ("1-3", "80", "100mA"), ("1-2.1", "80", "500mA"), ("1-3.4", "80", "500mA")):
        power(bus, port, attributes, draws)
    found = doctor(bus, tmp_path, "[headsets]\n")
    assert "its hub cannot feed it" not in [each["finding"] for each in found["headset usb-1-2.1"]]
    evidence = one(found, "headset usb-1-3.4", "its hub cannot feed it")["evidence"]
    assert evidence == "it wants 500 mA, and the hub at 1-3 has no supply of its own: 100 mA a port"
