"""The udev rules for headsets: systemd's own udev reads them and runs them on a mocked bus, and their patterns fit what devices are made of."""

from __future__ import annotations

import fnmatch
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hid_rig import ROOT, Bus, open_bus

RULES = ROOT / "systemd" / "60-callfloor-headsets.rules"
#: A group that every Debian has, in the place of ours, which the test's machine need not have.
GROUP = "audio"

#: Where udevadm would write is out of the way, and our rules are the machine's; then udevadm alone sees the mocked bus.
SANDBOX = """
set -e
mount -t tmpfs none /run
mount -t tmpfs none /dev
touch /dev/null
mount --bind "$RULES_FOLDER" /etc/udev/rules.d
LD_PRELOAD=libumockdev-preload.so.0 exec udevadm test --action="$1" "$2"
"""


def can_sandbox() -> bool:
    """Whether a mount namespace of one's own may be had."""
    tools = ("unshare", "udevadm", "umockdev-wrapper")
    if any(shutil.which(tool) is None for tool in tools) or not Path("/etc/udev/rules.d").is_dir():
        return False
    return subprocess.run(["unshare", "-rm", "mount", "-t", "tmpfs", "none", "/run"], capture_output=True, check=False).returncode == 0


real = pytest.mark.skipif(not can_sandbox(), reason="needs udevadm, umockdev and the right to a mount namespace")


@pytest.fixture
def bus() -> Iterator[Bus]:
    with open_bus() as made:
        yield made


def udev(bus: Bus, folder: Path, device: str, action: str = "add") -> list[str]:
    """What our rules did to a device of the mocked bus, in udev's own words."""
    (folder / RULES.name).write_text(RULES.read_text(encoding="utf-8").replace('GROUP="callfloor"', f'GROUP="{GROUP}"'), encoding="utf-8")
    env = os.environ | {"UMOCKDEV_DIR": bus.root, "RULES_FOLDER": str(folder)}
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", SANDBOX, "sh", action, device], env=env, capture_output=True, text=True, check=False, timeout=60
    )
    text = done.stdout + done.stderr
    assert f"/etc/udev/rules.d/{RULES.name}" in text, text  # udev has read them, before it ran them
    wrong = [line for line in text.splitlines() if re.search(rf"{RULES.name}:\d+ (Unknown|Invalid|Failed|[^:]*ignoring)", line)]
    assert wrong == []
    return re.findall(rf"{RULES.name}:\d+ ((?:GROUP|MODE|ATTR) .+)", text)


def device_path(bus: Bus, name: str) -> str:
    """Where the bus has a device, as udevadm wants it."""
    return "/sys/" + next(str(path.relative_to(f"{bus.root}/sys")) for path in Path(bus.root, "sys/devices").rglob(name))


@pytest.mark.usb
@real
def test_a_headset_may_be_owned_and_does_not_sleep(bus: Bus, tmp_path: Path) -> None:
    bus.plug("1-2", power="auto")
    group, mode, power = udev(bus, tmp_path, device_path(bus, "1-2"))
    assert group.startswith("GROUP ")
    assert not group.endswith("4294967295"), "the group is not known"
    assert mode == "MODE 0660"
    assert re.fullmatch(r"ATTR '.*/1-2/power/control' writing 'on'", power)
    # A file of the mocked sysfs is not cut before it is written: "auto" becomes "onto".
    assert Path(bus.root + device_path(bus, "1-2"), "power/control").read_text(encoding="ascii").startswith("on")


@pytest.mark.usb
@real
def test_its_hidraw_node_may_be_watched(bus: Bus, tmp_path: Path) -> None:
    bus.plug("1-2")
    assert [each.partition(" ")[0] for each in udev(bus, tmp_path, device_path(bus, "hidraw0"))] == ["GROUP", "MODE"]


@pytest.mark.usb
@real
@pytest.mark.parametrize("habits", [{"audio": False}, {"keyboard": True}])
def test_a_device_without_sound_or_with_a_keyboard_is_left_alone(bus: Bus, tmp_path: Path, habits: dict[str, bool]) -> None:
    bus.plug("1-2", **habits)
    assert udev(bus, tmp_path, device_path(bus, "1-2")) == []
    assert udev(bus, tmp_path, device_path(bus, "hidraw0")) == []


@pytest.mark.usb
@real
def test_nothing_is_done_when_it_is_pulled(bus: Bus, tmp_path: Path) -> None:
    bus.plug("1-2")
    assert udev(bus, tmp_path, device_path(bus, "1-2"), "remove") == []


def matches(interfaces: str, subsystem: str) -> bool:
    """Whether the rule for these devices fits, by the file's own patterns."""
    text = RULES.read_text(encoding="utf-8").replace("\\\n", "")
    (line,) = (line for line in text.splitlines() if "GROUP=" in line and ('DEVTYPE}=="usb_device"' in line) == (subsystem == "usb"))
    tests = re.findall(r'ENV\{ID_USB_INTERFACES\}(==|!=)"([^"]+)"', line)
    assert tests
    return all(fnmatch.fnmatchcase(interfaces, pattern) == (how == "==") for how, pattern in tests)


@pytest.mark.parametrize(
    ("interfaces", "fits"),
    [
        (":010100:010200:030000:", True),  # a headset: control, stream, HID
        (":010120:010220:030000:", True),  # the same with USB Audio 2
        (":010100:010200:030000:ff4200:", True),  # and a vendor's own interface
        (":030000:010100:010200:", True),  # HID first
        (":010100:010200:", False),  # sound alone
        (":030000:", False),  # HID alone
        (":030101:030102:", False),  # a keyboard with its mouse
        (":010100:010200:030000:030101:", False),  # a keyboard with a socket for headphones
        (":0e0100:0e0200:010100:010200:", False),  # a webcam without buttons
        (":080650:", False),
    ],
)
def test_which_devices_are_headsets(interfaces: str, fits: bool) -> None:
    assert matches(interfaces, "usb") is fits
    if ":03" in interfaces:  # what has no HID has no hidraw node
        assert matches(interfaces, "hidraw") is fits
