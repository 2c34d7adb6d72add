"""Devices, clock and hardware watchdog: what only a kernel with drivers has. The factory disk, its clock at 2001 at each start: time comes later, a
headset and a serial adapter are there, its kernel is killed, and it comes back.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from scenario import Report
from vm_box import SLACK, Box

_GUEST: Final = Path(__file__).with_name("guest")
_WATCHDOG_S: Final = 15
EXTRA: Final = (
    "-device", "qemu-xhci", "-device", "usb-kbd", "-chardev", "null,id=serial1",
    "-device", "usb-serial,serial=FT1,always-plugged=on,chardev=serial1",
    "-device", "i6300esb", "-action", "watchdog=reset", "-rtc", "base=2001-01-01T00:00:00",
)  # fmt: skip
_SHEET: Final = """
[headsets.seat.a12]
url = "usb:0b0e:0307:A1"
interface = "PJSIP/101"
"""
#: What the time server says beyond this machine's own clock: another day, so that what was recorded before shows where it went.
_AHEAD_S: Final = 40 * 86_400
_SERVICES: Final = ("gateway", "headsets", "wallboard", "uplink")


def scenario(box: Box, report: Report) -> Callable[[], None]:
    """All of it on one disk."""

    def run() -> None:
        box.extra = (*box.extra, *EXTRA)
        sheet = box.firmware.read("config", "callfloor-site.toml") + _SHEET
        box.firmware.write("config", "callfloor-site.toml", sheet.encode(), box.folder / "sheet")
        try:
            box.power_on()
            board_s = box.wait_board()
            report.step("devices", "clock at 2001: first board served", board_s is not None, "", board_s)
            up_s = box.wait_up()
            report.step("devices", "clock at 2001: all started", up_s is not None, "", up_s)
            if up_s is None:
                return
            _serial(box, report)
            _headset(box, report)
            _clock(box, report)
            _watchdog(box, report)
        finally:
            box.cut()

    return run


def _serial(box: Box, report: Report) -> None:
    missing = box.ssh("dmesg | grep -i 'unknown symbol' | head -5")[1]
    report.step("devices", "no driver misses another", not missing, missing)
    said = box.ssh("ls -l /dev/hidraw* /dev/ttyUSB* /dev/callfloor/")[1]
    report.step("devices", "hidraw and ttyUSB are there", "/dev/hidraw0" in said and "/dev/ttyUSB0" in said, said)
    report.step("devices", "the adapter has a name that stays", "serial-FT1 -> ../ttyUSB0" in said, said)
    rights = box.ssh("stat -c '%G %a' /dev/ttyUSB0; stat -c '%G %a' /dev/hidraw0")[1].split("\n")
    report.step(
        "devices", "the adapter belongs to a group of the services, a keyboard does not", rights == ["dialout 660", "root 600"], rights
    )
    found = [row for row in _devices(box) if row["kind"] == "serial"]
    report.step("devices", "callfloor devices names the adapter", any("FT1" in row["url"] for row in found), found)
    told = (
        "m=$(systemctl show -P MainPID callfloor@gateway); nsenter -t $m -m -u true; "
        "systemd-run --quiet --wait --pipe -p User=callfloor -p DevicePolicy=closed -p 'DeviceAllow=char-ttyUSB rw' -p SupplementaryGroups=dialout "
        '/opt/callfloor/bin/python3 -c \'import serial; p = serial.Serial("/dev/callfloor/serial-FT1", 9600); print(p.write(b"hello"))\''
    )
    code, words = box.ssh(told)
    report.step("devices", "the services' user writes to it", code == 0 and words.endswith("5"), words)


def _headset(box: Box, report: Report) -> None:
    box.copy(_GUEST / "headset.py", "/run/")
    began_s = time.monotonic()
    code, said = box.ssh("/opt/callfloor/bin/python3 /run/headset.py 12 lift 3 mute 3 hang_up 3", 200)
    try:
        told = json.loads(said.splitlines()[-1])
        seen = {each["word"]: each for each in told["seen"]}
    except (ValueError, IndexError, KeyError):
        report.step("devices", "a USB headset is plugged into the running box", ok=False, note=f"{code} {said}")
        return
    report.step("devices", "a USB headset is plugged into the running box", code == 0, "", time.monotonic() - began_s)
    nodes = box.ssh("stat -c '%n %G %a' /dev/hidraw* /dev/bus/usb/*/* | grep callfloor; cat /proc/asound/cards")[1]
    report.step(
        "devices", "udev gives it, and it alone, to the services; sound stays the kernel's", nodes.count("callfloor 660") >= 1, nodes
    )
    kinds = [(row["kind"], row["data"]) for row in _journal(box, "headset.*", 40)]
    hooks = [data.get("hook") for kind, data in kinds if kind == "headset.hook"]
    mutes = [data.get("mute") for kind, data in kinds if kind == "headset.mute"]
    report.step(
        "devices", "plugged, at its seat, in the journal", any(k == "headset.attached" and d["seat"] == "a12" for k, d in kinds), kinds
    )
    report.step(
        "devices", "hook off and on, through the hardened unit", "on" in hooks[hooks.index("off") :] if "off" in hooks else False, hooks
    )
    report.step("devices", "mute", True in mutes, mutes)
    answered = any(each["lamps"] for each in seen.values()) and not any(each["refused"] for each in seen.values())
    report.step("devices", "the box answers at the headset's lamps, and it takes no press back", answered, told["seen"])
    box.ssh("echo 0 >/sys/devices/platform/vhci_hcd.0/detach; sleep 3")
    kinds = [(row["kind"], row["data"]) for row in _journal(box, "headset.*", 5)]
    report.step("devices", "pulled, in the journal", any(kind == "headset.detached" for kind, _ in kinds), kinds)


def _clock(box: Box, report: Report) -> None:
    code, year = box.ssh("date -u +%Y")
    report.step(
        "devices", "the clock does not stay at 2001, nor before the image", code == 0 and year.isdigit() and int(year) >= 2026, year
    )
    before = _status(box)
    offered = _offered(before)
    report.step(
        "devices", "unsynchronised, and told so; calls counted all the same", before.get("clock") == "holdover" and offered > 0, offered
    )
    box.copy(_GUEST / "time_server.py", "/run/")
    true_s = time.time() + _AHEAD_S
    box.ssh(
        "mkdir -p /run/systemd/timesyncd.conf.d; printf '[Time]\\nNTP=127.0.0.1\\n' >/run/systemd/timesyncd.conf.d/test.conf; "
        f"systemd-run --quiet python3 /run/time_server.py {true_s:.3f} 3600; systemctl restart systemd-timesyncd"
    )
    began_s, after = time.monotonic(), before
    while time.monotonic() - began_s < 90 * SLACK and after.get("clock") != "synced":
        time.sleep(2)
        after = _status(box)
    steps = [row["data"] for row in _journal(box, "box.clock_stepped", 5)]
    ok = bool(steps) and any(abs(step.get("by_s", 0)) > _AHEAD_S / 2 for step in steps) and after.get("clock") == "synced"
    report.step("devices", "a time server is heard: the step is in the journal", ok, steps, time.monotonic() - began_s)
    day = time.strftime("%Y-%m-%d", time.gmtime(true_s))
    moved = after.get("time", "").startswith(day) and _offered(after) >= offered
    note = f"offered {offered} before, {_offered(after)} after, at {after.get('time')}"
    report.step("devices", "what was recorded before is dated anew: today's calls are still today's", moved, note)
    failed = box.ssh(
        "systemctl --failed --no-legend --plain; journalctl -b -u 'callfloor@*' -p err --no-pager -o cat | grep -v '^-- No' | head -5"
    )[1]
    report.step("devices", "no unit failed, no error", not failed, failed)


def _watchdog(box: Box, report: Report) -> None:
    show = "cat /sys/class/watchdog/watchdog0/identity /sys/class/watchdog/watchdog0/state; systemctl show -P RuntimeWatchdogUSec"
    said = box.ssh(show)[1]
    report.step("devices", "systemd feeds the hardware watchdog", said.split() == ["i6300ESB", "timer", "active", f"{_WATCHDOG_S}s"], said)
    said = box.ssh("callfloor doctor watchdog --lang en")[1]
    report.step("devices", "doctor says so", "it counts, and is fed" in said, said)
    box.ssh("echo 0 >/proc/sys/kernel/panic; sync")
    seq = _last_seq(box)
    # The kernel stops; nobody answers.
    box.ssh("(sleep 1; echo c >/proc/sysrq-trigger) >/dev/null 2>&1 &", 20)
    panicked = box.wait_for(rb"Kernel panic|sysrq: Trigger a crash", 60)
    began_s = time.monotonic()
    down = box.wait_down(180)
    report.step("devices", "a dead kernel is reset by the watchdog", panicked is not None and down, "", time.monotonic() - began_s)
    box.power_on()
    up_s = box.wait_up()
    report.step("devices", "up again after it", up_s is not None, "", up_s)
    code, now = box.ssh("date -u +%s")
    kept = code == 0 and int(now) > time.time() + _AHEAD_S - 3600
    report.step("devices", "its clock again at 2001: it goes on from the last time that was known", kept, now)
    again = _last_seq(box)
    code, verified = box.ssh("callfloor journal verify")
    report.step("devices", "the journal is sound and goes on", code == 0 and again > seq > 0, f"{seq} → {again} {verified}")


def _devices(box: Box) -> list[dict[str, Any]]:
    said = box.ssh("callfloor devices --json")[1]
    try:
        return list(json.loads(said[said.index("{") :])["rows"])
    except (ValueError, KeyError):
        return []


def _status(box: Box) -> dict[str, Any]:
    said = box.ssh("callfloor status --json")[1]
    try:
        return dict(json.loads(said[said.index("{") :]))
    except ValueError:
        return {}


def _offered(snapshot: dict[str, Any]) -> int:
    return int(snapshot.get("floor", {}).get("today", {}).get("offered", 0))


def _journal(box: Box, kind: str, most: int) -> list[dict[str, Any]]:
    said = box.ssh(f"callfloor journal tail -n {most} --kind '{kind}' --json")[1]
    return [json.loads(line) for line in said.splitlines() if line.startswith("{")]


def _last_seq(box: Box) -> int:
    said = box.ssh("callfloor journal stats --json")[1]
    try:
        return int(json.loads(said[said.index("{") :])["last_seq"])
    except (ValueError, KeyError):
        return 0
