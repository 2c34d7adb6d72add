"""Decides what a foreign fault of a headset means to a person: pulled, no right, held by another program, or a line that may recover."""

from __future__ import annotations

import errno
import grp
from pathlib import Path
from typing import Final

from appliance.core.errors import CallfloorError, DeniedError, TransientError, UnpluggedError
from drivers.hid_device import HidInfo
from drivers.hid_holder import held
from drivers.hid_sysfs import still_there

_GONE: Final = {errno.ENODEV, errno.ENOENT, errno.ESHUTDOWN, errno.ENXIO}
_NO_RIGHT: Final = {errno.EACCES, errno.EPERM}
#: Faults of which a person learns most by a word.
_SAID: Final = {
    errno.EPIPE: "it refuses (stall)",
    errno.ETIMEDOUT: "it does not answer",
    errno.EOVERFLOW: "it sent more than its endpoint may",
    errno.EIO: "the line is broken",
}
_HOLDERS: Final = 3


def fault_of(info: HidInfo, doing: str, error: OSError, node: str | None = None) -> CallfloorError:
    """Our error for a foreign one that came while `doing` this at `node` (the USB device's own where None)."""
    node = node or info.node
    number = error.errno
    if number in _GONE or not still_there(info):
        return UnpluggedError(f"{info}: it was pulled while {doing}; plug it in again")
    if number in _NO_RIGHT:
        return DeniedError(f"{info}: {_right(info, node)}")
    if number == errno.EBUSY:
        return DeniedError(f"{info}: {_holder(node)}; stop that program, or let it have the headset and only watch it")
    return TransientError(f"{info}: {_SAID.get(number or 0, str(error))} while {doing}; if it stays so, replug it or try another port")


def _right(info: HidInfo, node: str) -> str:
    """What an administrator has to write so that we may open a node."""
    try:
        is_of = Path(node).stat()
        group = f"group {grp.getgrgid(is_of.st_gid).gr_name}, mode {is_of.st_mode & 0o777:04o}"
    except (OSError, KeyError):
        group = "its group is not known"
    what = 'SUBSYSTEM=="hidraw", ATTRS{idVendor}' if "hidraw" in node else 'SUBSYSTEM=="usb", ENV{DEVTYPE}=="usb_device", ATTR{idVendor}'
    rule = f'{what}=="{info.vid:04x}", GROUP="callfloor", MODE="0660"'
    return f"no right to {node} ({group}); add the udev rule {rule} and replug the headset"


def _holder(node: str) -> str:
    """Who has a node open, as far as /proc tells us."""
    found = held([node]).by_path[node][:_HOLDERS]
    if not found:
        return f"another program holds it (/proc does not say which; as root, `fuser {node}` does)"
    return "another program holds it: " + ", ".join(map(str, found))
