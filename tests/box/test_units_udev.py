"""The rules for serial adapters, chains and pins, read and run by systemd's own udev on a made-up bus."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RULES = ROOT / "systemd/61-callfloor-serial.rules"
#: An FTDI adapter with two lines, and one without a serial number, as the kernel lists them (umockdev's own format).
BUS = """
P: /devices/pci0/usb1/1-2
E: DEVTYPE=usb_device
E: SUBSYSTEM=usb
A: idVendor=0403\\n
A: idProduct=6010\\n
A: serial=AB12CD\\n
A: busnum=1\\n
A: devnum=2\\n

P: /devices/pci0/usb1/1-2/1-2:1.{line}
E: DEVTYPE=usb_interface
E: SUBSYSTEM=usb
A: bInterfaceNumber=0{line}\\n
A: bInterfaceClass=ff\\n

P: /devices/pci0/usb1/1-2/1-2:1.{line}/ttyUSB0/tty/ttyUSB0
N: ttyUSB0
E: DEVNAME=/dev/ttyUSB0
E: SUBSYSTEM=tty
E: MAJOR=188
E: MINOR=0
"""
SANDBOX = """
set -e
mount -t tmpfs none /run
mount --bind "$RULES_FOLDER" /etc/udev/rules.d
exec umockdev-run --device "$1" -- udevadm test --action=add "$2"
"""

pytestmark = pytest.mark.box


@pytest.mark.parametrize(("line", "name"), [(0, "serial-AB12CD"), (1, "serial-AB12CD-if01")])
def test_an_adapter_has_a_name_that_stays(tmp_path: Path, line: int, name: str) -> None:
    rules = tmp_path / "rules"
    rules.mkdir()
    # Groups that every Debian has, in the place of ours, which the test's machine need not have.
    (rules / RULES.name).write_text(re.sub(r'GROUP="\w+"', 'GROUP="audio"', RULES.read_text(encoding="utf-8")), encoding="utf-8")
    (tmp_path / "bus").write_text(BUS.replace("{line}", str(line)).lstrip(), encoding="ascii")
    device = f"/sys/devices/pci0/usb1/1-2/1-2:1.{line}/ttyUSB0/tty/ttyUSB0"
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", SANDBOX, "sh", tmp_path / "bus", device],
        env=os.environ | {"RULES_FOLDER": str(rules)}, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    text = done.stdout + done.stderr
    assert f"/etc/udev/rules.d/{RULES.name}" in text, text
    assert [row for row in text.splitlines() if re.search(rf"{RULES.name}:\d+ (Unknown|Invalid|[^:]*ignoring)", row)] == []
    links = [row.partition("=")[2] for row in text.splitlines() if row.startswith("DEVLINKS=")]
    assert f"/dev/callfloor/{name}" in links[0].split(), text
