"""The package on a real Debian, booted: services up and shut in, the board served, a hung service back, nothing lost, switched off in order."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from nspawn_box import Box, install, overlay

from appliance.log_events import EVENTS, message_id

pytestmark = pytest.mark.box

SERVICES = ("gateway", "headsets", "wallboard", "uplink")
#: The shortest that a busy machine keeps.
WATCHDOG_S = 6
CONFIG = """
[site]
name = "lima"
box = "floor-1"
[pbx.main]
host = "127.0.0.1"
secret_file = "credentials/pbx.secret"
[wallboard.tv]
listen = "127.0.0.1:8080"
[headsets]
"""
PBX = """
[Unit]
Description=A PBX in the same machine
[Service]
ExecStart=/usr/bin/callfloor sim pbx --scenario load --speed 20 --secret-file /etc/callfloor/credentials/pbx.secret
[Install]
WantedBy=multi-user.target
"""
#: In the place of a service: what its unit lets it do.
PROBE = """
import json, mmap, os, pathlib, socket, subprocess, sys

def tried(what):
    try:
        return what() or "done"
    except OSError as fault:
        return "refused"

def written_and_run(folder):
    own = pathlib.Path(folder, "probe")
    own.write_text("#!/bin/sh\\n")
    own.chmod(0o755)
    try:
        return tried(lambda: subprocess.run([own]) and None)
    finally:
        own.unlink()

writable = ["/var/lib/callfloor", "/run/callfloor", "/tmp", "/var/tmp", "/dev/shm"]
said = {
    "written": {folder: tried(lambda: pathlib.Path(folder, "x").write_text("x") and None) for folder in writable},
    "run": {folder: written_and_run(folder) for folder in writable},
    "read-only": {folder: bool(os.statvfs(folder).f_flag & os.ST_RDONLY) for folder in ("/", "/usr", "/opt/callfloor", "/etc")},
    "secret": tried(lambda: pathlib.Path(os.environ["CREDENTIALS_DIRECTORY"], "credentials_pbx.secret").read_text().strip()),
    "secret's own file": tried(lambda: pathlib.Path("/etc/callfloor/credentials/pbx.secret").read_text()),
    "be nice": tried(lambda: os.nice(19) and None),
    "raw socket": tried(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW) and None),
    "netlink": tried(lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW) and None),
    "memory to write and run": tried(lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC) and None),
    "others' processes": [p for p in os.listdir("/proc") if p == "1"],
}
pathlib.Path("/var/lib/callfloor/said.json").write_text(json.dumps(said))
"""


@pytest.fixture(scope="module")
def box(rootfs: Path, packages: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """CALLFLOOR_DEB names a package that is there already."""
    folder = tmp_path_factory.mktemp("box")
    named = os.environ.get("CALLFLOOR_DEB")
    with overlay(rootfs, folder) as root:
        box = Box(root, folder / "console")
        with box.timed("package installed"):
            install(root, Path(named) if named else packages("1.0"))
        (root / "etc/fstab").write_text("", encoding="ascii")
        write(root, "etc/callfloor/callfloor.toml", CONFIG)
        write(root, "etc/callfloor/credentials/pbx.secret", "carrier pigeon\n")
        write(root, "etc/systemd/system/pbx.service", PBX)
        write(root, "etc/systemd/system/callfloor@gateway.service.d/quick.conf", f"[Service]\nWatchdogSec={WATCHDOG_S}\n")
        write(root, "etc/systemd/system/callfloor@probe.service.d/probe.conf",
              "[Service]\nType=oneshot\nRestart=no\nExecStart=\nExecStart=/usr/bin/python3 /usr/lib/probe.py\n")  # fmt: skip
        write(root, "usr/lib/probe.py", PROBE)
        units = ["callfloor.target", "pbx.service", *(f"callfloor@{service}.service" for service in SERVICES)]
        with box.timed("units enabled"):
            for unit in units:
                enable(root, unit)
        try:
            with box.timed("start until everything is up"):
                box.boot()
            yield box
        finally:
            box.pull_the_plug()
            print(f"\n{json.dumps(box.timings)}")


def write(root: Path, name: str, text: str) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text, encoding="utf-8")


def enable(root: Path, unit: str) -> None:
    """As `systemctl --root enable`, which is what provisioning does."""
    subprocess.run(["systemctl", f"--root={root}", "enable", unit], check=True, capture_output=True)


def ready(box: Box) -> bool:
    return all(box.facts(f"callfloor@{service}", "ActiveState")["ActiveState"] == "active" for service in SERVICES)


def test_everything_is_up(box: Box) -> None:
    box.until(lambda: ready(box), "every service")
    assert box.do("systemctl", "is-active", "callfloor.target") == "active"
    assert box.do("systemctl", "list-units", "--failed", "--plain", "--no-legend") == ""
    assert "ordering cycle" not in box.console()
    for service in SERVICES:
        facts = box.facts(f"callfloor@{service}", "NRestarts", "WatchdogUSec")
        assert facts["NRestarts"] == "0", box.do("journalctl", "-u", f"callfloor@{service}", "--no-pager")
        box.until(lambda name=service: box.facts(f"callfloor@{name}", "StatusText")["StatusText"].startswith(f"{name}: "), "its word")
        assert facts["WatchdogUSec"] == (f"{WATCHDOG_S}s" if service == "gateway" else "30s")


def test_services_are_shut_in(box: Box) -> None:
    for service in SERVICES:
        status = box.status_of(f"callfloor@{service}")
        shut = {key: status[key] for key in ("Seccomp", "CapEff", "CapBnd", "NoNewPrivs")}
        assert shut == {"Seccomp": "2", "CapEff": "0" * 16, "CapBnd": "0" * 16, "NoNewPrivs": "1"}
        assert set(status["Uid"].split()) == {"871"}


def test_a_service_may_do_what_it_must_and_nothing_else(box: Box) -> None:
    box.do("systemctl", "start", "callfloor@probe")
    said = json.loads((box.root / "var/lib/callfloor/said.json").read_text())
    folders = ("/var/lib/callfloor", "/run/callfloor", "/tmp", "/var/tmp", "/dev/shm")
    assert said == {
        "written": dict.fromkeys(folders, "done"),
        "run": dict.fromkeys(folders, "refused"),
        "read-only": dict.fromkeys(("/", "/usr", "/opt/callfloor", "/etc"), True),
        "secret": "carrier pigeon",
        "secret's own file": "refused",
        "be nice": "done",
        "raw socket": "refused",
        "netlink": "refused",
        "memory to write and run": "refused",
        "others' processes": [],
    }


def test_the_board_is_served_and_shows_the_pbx(box: Box) -> None:
    script = "import urllib.request as u; r = u.urlopen('http://127.0.0.1:8080/', timeout=10); print(r.status, r.read(300))"
    assert box.do("python3", "-c", script).startswith("200 b'<!doctype html>")


def test_calls_of_the_pbx_are_recorded(box: Box) -> None:
    box.until(lambda: any(kind.startswith("call.") for kind in kinds(box)), "a call")


def kinds(box: Box) -> dict[str, int]:
    """How many events of each kind the journal holds."""
    found: dict[str, int] = json.loads(box.do("callfloor", "journal", "stats", "--kinds", "--json"))["kinds"]
    return found


def test_the_log_is_searched_by_event_and_says_what_to_do(box: Box) -> None:
    box.do("systemctl", "stop", "pbx")
    search = ("journalctl", "CALLFLOOR_EVENT=pbx.out_of_sight", "--no-pager", "-n", "1")
    box.until(lambda: box.do(*search, "-o", "json") != "", "the PBX to be missed")
    said = json.loads(box.do(*search, "-o", "json"))
    found = {key: said[key] for key in ("CALLFLOOR_SERVICE", "PRIORITY", "_SYSTEMD_UNIT", "SYSLOG_IDENTIFIER", "MESSAGE_ID")}
    assert found == {
        "CALLFLOOR_SERVICE": "gateway", "PRIORITY": "4", "_SYSTEMD_UNIT": "callfloor@gateway.service", "SYSLOG_IDENTIFIER": "callfloor",
        "MESSAGE_ID": message_id("pbx.out_of_sight"),
    }  # fmt: skip
    assert said["CODE_FILE"].endswith("gateway/pbx/link.py")
    assert EVENTS["pbx.out_of_sight"].do in box.do(*search, "-x")
    box.do("systemctl", "start", "pbx")


def test_the_box_is_scraped_and_every_service_stands_in_the_answer(box: Box) -> None:
    ask = "import urllib.request; print(urllib.request.urlopen('http://127.0.0.1:8080/metrics', timeout=20).read().decode())"

    def scraped() -> str:
        return box.do("/usr/bin/python3", "-c", ask)

    box.until(lambda: all(f'callfloor_service_up{{service="{name}"}} 1.0' in scraped() for name in SERVICES), "every service in the scrape")
    body = scraped()
    for name in SERVICES:
        assert f'callfloor_process_own_memory_bytes{{process="{name}"}}' in body
    assert 'callfloor_pbx_up{pbx="main"}' in body


def test_a_hung_service_is_killed_by_its_watchdog_and_comes_back(box: Box) -> None:
    before = box.facts("callfloor@gateway", "MainPID")["MainPID"]
    with box.timed(f"hung gateway killed and back (WatchdogSec={WATCHDOG_S})"):
        box.do("kill", "-STOP", before)
        box.until(lambda: box.facts("callfloor@gateway", "NRestarts")["NRestarts"] == "1", "the watchdog")
        box.until(lambda: box.facts("callfloor@gateway", "ActiveState")["ActiveState"] == "active", "the gateway")
    assert box.facts("callfloor@gateway", "MainPID")["MainPID"] != before
    assert "callfloor@gateway.service: Watchdog timeout" in box.console()
    others = {service: box.facts(f"callfloor@{service}", "NRestarts")["NRestarts"] for service in SERVICES[1:]}
    assert others == dict.fromkeys(SERVICES[1:], "0")


def test_nothing_is_lost_when_the_plug_is_pulled_and_the_box_goes_down_in_order(box: Box) -> None:
    before = json.loads(box.do("callfloor", "journal", "stats", "--json"))
    box.pull_the_plug()
    with box.timed("start after a pulled plug"):
        box.boot()
        box.until(lambda: ready(box), "every service")
    after = json.loads(box.do("callfloor", "journal", "stats", "--json"))
    assert after["epoch"] == before["epoch"]
    assert after["last_seq"] > before["last_seq"]
    box.do("callfloor", "journal", "verify")
    up_to = len(box.console())
    with box.timed("switched off"):
        box.power_off()
    said = box.console()[up_to:]
    for service in SERVICES:
        assert f"callfloor@{service}.service: Deactivated successfully" in said
    assert "Failed with result" not in said
