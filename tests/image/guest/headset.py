"""Runs inside the emulated box: its own kernel becomes a USB headset (f_hid, f_uac1) with our simulated one's firmware behind it.

    headset.py SECONDS WORD …      lift, hang_up, mute, unplug; a number waits so long. At the end: what was seen, as JSON

The device is as real as a plugged one for everything above the wire: enumeration, udev, the sound driver, hidraw, libusb. The wire is USB/IP from
this kernel to itself (usbip-vudc to vhci-hcd), for dummy_hcd knows no isochronous endpoints. Sources: the kernel's documentation,
usb/gadget_configfs.rst, ABI/testing/configfs-usb-gadget-{hid,uac1}, ABI/testing/sysfs-platform-usbip-vudc, usbip's vhci_hcd `attach`.
"""

from __future__ import annotations

import json
import os
import select
import socket
import subprocess
import sys
import time
from pathlib import Path

from appliance.sim.headset import SimHeadset
from appliance.sim.headset_model import MODELS

_GADGET = Path("/sys/kernel/config/usb_gadget/headset")
_SERIAL = "A1"
#: enum usb_device_speed, linux/usb/ch9.h.
_HIGH_SPEED = 3


def plug(headset: SimHeadset) -> int:
    """Enumerated by this very kernel when this returns: the open end of its HID function."""
    for module in ("libcomposite", "usbip-vudc", "vhci-hcd", "usb_f_hid", "usb_f_uac1"):
        subprocess.run(["modprobe", module], check=True)
    if not _GADGET.parent.exists():
        subprocess.run(["mount", "-t", "configfs", "configfs", "/sys/kernel/config"], check=True)
    model = headset.model
    _GADGET.mkdir()
    (_GADGET / "idVendor").write_text(f"0x{model.vendor_id}")
    (_GADGET / "idProduct").write_text(f"0x{model.product_id}")
    (_GADGET / "strings/0x409").mkdir(parents=True)
    for name, text in (("serialnumber", _SERIAL), ("manufacturer", "simulated"), ("product", model.product)):
        (_GADGET / "strings/0x409" / name).write_text(text)
    sound, hid, config = (_GADGET / name for name in ("functions/uac1.0", "functions/hid.0", "configs/c.1"))
    for folder in (sound, hid, config):
        folder.mkdir()
    (hid / "protocol").write_text("0")
    (hid / "subclass").write_text("0")
    (hid / "report_length").write_text("8")
    (hid / "report_desc").write_bytes(model.descriptor)
    for function in (sound, hid):
        (config / function.name).symlink_to(function)
    (_GADGET / "UDC").write_text("usbip-vudc.0")
    ends = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    Path("/sys/devices/platform/usbip-vudc.0/usbip_sockfd").write_text(str(ends[0].fileno()))
    Path("/sys/devices/platform/vhci_hcd.0/attach").write_text(f"0 {ends[1].fileno()} {1 << 16 | 2} {_HIGH_SPEED}")
    major, minor = map(int, (hid / "dev").read_text().split(":"))
    node = next(path for path in Path("/dev").glob("hidg*") if path.stat().st_rdev == os.makedev(major, minor))
    return os.open(node, os.O_RDWR | os.O_NONBLOCK)


def play(headset: SimHeadset, line: int, seconds: float, heard: list[str]) -> None:
    """Let the firmware work: what the host writes is answered."""
    end_s = time.monotonic() + seconds
    while (left_s := end_s - time.monotonic()) > 0:
        due_s = left_s if headset.due_ns is None else max(0.0, headset.due_ns / 1e9 - time.monotonic())
        ready, _, _ = select.select([line], [], [], min(left_s, due_s))
        reports = headset.tick(time.monotonic_ns())
        if ready:
            written = os.read(line, 64)
            heard.append(written.hex())
            reports += headset.written(written, time.monotonic_ns()) or []
        send(line, reports)


def send(line: int, reports: list[bytes]) -> None:
    """Each report once the host has fetched the one before."""
    for report in reports:
        _, free, _ = select.select([], [line], [], 5)
        if not free:
            print("nobody fetches this headset's reports", file=sys.stderr)
            return
        os.write(line, report)


def main() -> int:
    """Plug it, and do what the words say."""
    headset = SimHeadset(MODELS["jabra"], serial=_SERIAL)
    line = plug(headset)
    heard: list[str] = []
    seen = []
    for word in sys.argv[1:]:
        if word == "unplug":
            Path("/sys/devices/platform/vhci_hcd.0/detach").write_text("0")
        elif word.replace(".", "").isdigit():
            play(headset, line, float(word), heard)
        else:
            send(line, getattr(headset, word)(time.monotonic_ns()))
        picture = headset.picture()
        seen.append(
            {"word": word, "off_hook": picture.off_hook, "muted": picture.muted, "lamps": picture.lamps, "refused": picture.refused}
        )
    print(json.dumps({"seen": seen, "written_by_host": heard}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
