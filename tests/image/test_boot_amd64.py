"""The PC's disk started by a real UEFI: personalised from CONFIG, grown, read-only, silent where it should be; and once more, as it was.

timeout 1800 .venv/bin/pytest -m image tests/image/test_boot_amd64.py        CALLFLOOR_IMAGE names a disk, else make image's is taken
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
sys.path[:0] = [str(Path(__file__).parent), str(PROJECT / "images")]

import firmware  # noqa: E402
import layout  # noqa: E402
from pc_box import PcBox, from_config, put_on_config  # noqa: E402
from vm_box import copy_sparse  # noqa: E402

pytestmark = [pytest.mark.slow, pytest.mark.image]

OFFSETS = {part.name: layout.offset_mib("amd64", part.name) * layout.MIB for part in layout.partitions("amd64")}
CONFIG = OFFSETS["config"]
SHEET = """\
site_sheet = 1

[site]
name = "quito"
box = "floor-1"
timezone = "America/Guayaquil"
language = "es"

[ssh]
keys = ["{key}"]

[pbx.main]
host = "10.0.2.2"
secret = "manager-secret"

[queues.sales]

[wallboard.tv]
listen = "0.0.0.0:8080"
allow = ["10.0.2.0/24"]
"""


@pytest.fixture
def box(tmp_path: Path) -> Iterator[PcBox]:
    """A new disk in a machine that has more room than the image, a sheet on its CONFIG."""
    told = os.environ.get("CALLFLOOR_IMAGE")
    images = [Path(told)] if told else sorted((PROJECT / "build/image/amd64").glob("callfloor-*-amd64.img"))
    if not images:
        pytest.skip("no disk here: make image")
    disk = tmp_path / "disk.img"
    copy_sparse(images[-1], disk)
    with disk.open("r+b") as file:
        file.truncate(6 * 1024**3)
    key = tmp_path / "id"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    serial = "console=ttyS0 systemd.log_target=console"
    put_on_config(disk, CONFIG, firmware.GRUBENV, firmware.grubenv("A", arguments=serial), tmp_path / "scratch")
    put_on_config(
        disk, CONFIG, "callfloor-site.toml", SHEET.format(key=key.with_suffix(".pub").read_text().strip()).encode(), tmp_path / "s"
    )
    machine = PcBox(disk, tmp_path, key, OFFSETS, {})
    yield machine
    machine.cut()


def test_from_a_sheet_on_config_to_a_board(box: PcBox) -> None:
    box.power_on()
    up = box.wait_for(rb"Startup finished in", 600)
    assert up is not None, bytes(box.console[-3000:]).decode(errors="replace")
    print(f"\nfirst start: {up} s to Startup finished")
    assert box.wait_up(300) is not None, bytes(box.console[-3000:]).decode(errors="replace")
    said = {
        "hostname": "callfloor-quito-floor-1",
        "systemctl --failed --no-legend | grep -v callfloor-health | wc -l": "0",
        "findmnt -no FSTYPE /": "squashfs",
        "findmnt -no OPTIONS /boot/config | cut -d, -f1": "ro",
        "touch /usr/x 2>/dev/null; echo $?": "1",
        "stat -c %a /root/.ssh/authorized_keys": "600",
        "readlink /etc/localtime": "/usr/share/zoneinfo/America/Guayaquil",
        "systemctl is-active callfloor@wallboard": "active",
        "swapon --show --noheadings | wc -l": "0",
        "passwd -S root | cut -d' ' -f2": "L",
        "grep -c RuntimeWatchdogSec=15 /etc/systemd/system.conf.d/callfloor.conf": "1",
        "test $(df --output=size -k /data | tail -1) -gt 3000000 && echo grown": "grown",
    }
    assert {command: box.ssh(command)[1] for command in said} == said
    assert box.wait_board(120) is not None
    machine_id, key = (box.ssh(f"cat {path}")[1] for path in ("/etc/machine-id", "/etc/ssh/ssh_host_ed25519_key.pub"))
    changed = box.ssh("cd /data/etc/upper && find . -type f -o -type l | sort")[1]
    print(f"changed of /etc:\n{changed}")
    box.ssh("systemctl poweroff")
    assert box.wait_down(180)
    assert from_config(box.disk, CONFIG, "callfloor-site.toml") == ""
    report = from_config(box.disk, CONFIG, "callfloor-report.txt")
    assert "callfloor-quito-floor-1" in report
    with box.disk.open("rb") as disk:
        disk.seek(CONFIG)
        assert b"manager-secret" not in disk.read(64 * layout.MIB)
    box.power_on()
    assert box.wait_up(600) is not None, bytes(box.console[-3000:]).decode(errors="replace")
    assert box.ssh("cat /etc/machine-id")[1] == machine_id
    assert box.ssh("cat /etc/ssh/ssh_host_ed25519_key.pub")[1] == key
    assert b"Hostname set to <callfloor-quito-floor-1>" in box.console


def test_grub_tries_the_other_slot_once(box: PcBox, tmp_path: Path) -> None:
    """`tryboot=1` starts B and is gone before B's kernel runs; whatever B does, the next start is A's."""
    serial = "console=ttyS0 systemd.log_target=console"
    put_on_config(box.disk, CONFIG, firmware.GRUBENV, firmware.grubenv("A", tryboot=True, arguments=serial), tmp_path / "scratch")
    box.power_on()
    assert box.wait_for(rb"Callfloor: slot B", 200) is not None
    assert box.wait_for(rb"Hostname set to", 300) is not None
    box.cut()
    assert "\ntryboot=0\n" in from_config(box.disk, CONFIG, firmware.GRUBENV)
    box.power_on()
    assert box.wait_for(rb"Callfloor: slot A", 200) is not None


def test_secure_boot_stays_on(box: PcBox) -> None:
    """Shim by Microsoft's key, GRUB and kernel by Debian's: as PCs are sold."""
    box.secure = True
    box.power_on()
    assert box.wait_for(rb"Hostname set to", 600) is not None, bytes(box.console[-2000:]).decode(errors="replace")
    assert box.wait_up(400) is not None
    assert (
        "SecureBoot enabled"
        in box.ssh("od -An -t u1 -j4 -N1 /sys/firmware/efi/efivars/SecureBoot-* | grep -q 1 && echo SecureBoot enabled")[1]
    )
