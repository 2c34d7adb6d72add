"""Devices, clock and hardware watchdog: what only a kernel with drivers has. One start of the factory disk, its clock at 2001, its kernel
killed at the end."""

from __future__ import annotations

import time
from collections.abc import Callable

from scenario import Report
from vm_box import Box

EXTRA = (
    "-device", "qemu-xhci", "-device", "usb-kbd", "-chardev", "null,id=serial1", "-device", "usb-serial,chardev=serial1",
    "-device", "i6300esb", "-action", "watchdog=reset", "-rtc", "base=2001-01-01T00:00:00",
)  # fmt: skip


def scenario(box: Box, report: Report) -> Callable[[], None]:
    """All of it on one start."""

    def run() -> None:
        box.extra = (*box.extra, *EXTRA)
        try:
            box.power_on()
            board_s = box.wait_board()
            report.step("devices", "clock at 2001: first board served", board_s is not None, "", board_s)
            up_s = box.wait_up()
            report.step("devices", "clock at 2001: all started", up_s is not None, "", up_s)
            _clock(box, report)
            _nodes(box, report)
            _watchdog(box, report)
        finally:
            box.cut()

    return run


def _clock(box: Box, report: Report) -> None:
    code, year = box.ssh("date -u +%Y")
    report.step("devices", "the clock does not stay at 2001", code == 0 and year.isdigit() and int(year) >= 2022, year)
    code, said = box.ssh("callfloor status >/dev/null && journalctl -b -u 'callfloor@*' -p err --no-pager -o cat | head -5")
    report.step("devices", "services run with it, without an error", code == 0 and "-- No entries" in (said or "-- No entries"), said)


def _nodes(box: Box, report: Report) -> None:
    said = box.ssh("ls -l /dev/hidraw* /dev/ttyUSB* /dev/serial/by-id/ 2>&1; ls /dev/callfloor 2>&1")[1]
    report.step("devices", "hidraw and ttyUSB are there", "/dev/hidraw0" in said and "/dev/ttyUSB0" in said, said)
    group = box.ssh("stat -c %G /dev/ttyUSB0")[1]
    report.step("devices", "the serial adapter belongs to a group of the services", group in {"dialout", "callfloor"}, group)
    group = box.ssh("stat -c '%G %a' /dev/hidraw0")[1]
    report.step("devices", "a keyboard's hidraw node is not the services'", not group.startswith("callfloor"), group)
    code, said = box.ssh("callfloor devices")
    report.step("devices", "callfloor devices names the adapter", "ttyUSB0" in said or "serial" in said, f"{code} {said}")


def _watchdog(box: Box, report: Report) -> None:
    said = box.ssh(
        "systemctl show --property=RuntimeWatchdogUSec; cat /sys/class/watchdog/watchdog0/identity /sys/class/watchdog/watchdog0/state"
    )[1]
    report.step("devices", "systemd feeds the hardware watchdog", "active" in said.split() and "i6300ESB" in said, said)
    box.ssh("echo 0 >/proc/sys/kernel/panic; sync")
    began_s = time.monotonic()
    # The kernel stops; nobody answers.
    box.ssh("(sleep 1; echo c >/proc/sysrq-trigger) >/dev/null 2>&1 &", 20)
    panicked = box.wait_for(rb"Kernel panic|sysrq: Trigger a crash", 60)
    down = box.wait_down(120)
    report.step("devices", "a dead kernel is reset by the watchdog", panicked is not None and down, "", time.monotonic() - began_s)
