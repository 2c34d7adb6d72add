"""Decides which HID interfaces of USB devices are plugged, who has each, and which are headsets: read from sysfs, nothing is opened.

The report descriptor stands there only while the kernel's driver has the interface. One that a program has (or left behind when it died)
is told apart by its neighbours: a headset has an audio interface, a keyboard has none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from msgspec import Struct

from drivers.hid_device import HidInfo, Telephony
from drivers.hid_seen import Memory, Seen, bound_of

_DEVICES: Final = Path("/sys/bus/usb/devices")
#: `1-2.3:1.0`: bus, ports, configuration, interface.
_INTERFACE: Final = re.compile(r"(\d+-\d+(?:\.\d+)*):\d+\.\d+")
_HID, _AUDIO = "03", "01"
#: The kernel takes no longer report descriptor (HID_MAX_DESCRIPTOR_SIZE).
_LONGEST_BYTES: Final = 4096
#: A USB string has at most 126 characters; boards and logs get fewer.
_TEXT_CHARS: Final = 64


class Plugged(Struct, frozen=True):
    """What is plugged: headsets by their descriptor; not readable: `held` by a program, `left` by one that died (or not bound yet).

    `moving`: the kernel's driver is just coming or going, so that there is one and no descriptor.
    """

    headsets: tuple[HidInfo, ...] = ()
    held: tuple[HidInfo, ...] = ()
    left: tuple[HidInfo, ...] = ()
    moving: tuple[HidInfo, ...] = ()


def plugged(telephony: Telephony, memory: Memory | None = None) -> Plugged:
    """All of this machine, by port. A device that goes while it is read is left out. Raises nothing. `memory`: of looks before."""
    headsets: list[HidInfo] = []
    held: list[HidInfo] = []
    left: list[HidInfo] = []
    moving: list[HidInfo] = []
    for info, has_audio in _interfaces(memory or Memory()):
        if info.descriptor is not None:
            if telephony(info.descriptor):
                headsets.append(info)
        elif has_audio:
            (left if info.driver is None else held if info.driver == "usbfs" else moving).append(info)
    return Plugged(tuple(headsets), tuple(held), tuple(left), tuple(moving))


def still_there(info: HidInfo) -> bool:
    """Whether this very plugging is in sysfs still."""
    return _text(Path(info.folder).parent / "devnum") == str(info.address) and Path(info.folder).is_dir()


def _interfaces(memory: Memory) -> Iterator[tuple[HidInfo, bool]]:
    """The HID interfaces, and whether each has an audio interface beside it."""
    try:
        names = sorted(entry.name for entry in _DEVICES.iterdir())
    except OSError:  # a machine without USB
        return
    memory.forget_but(set(names))
    addresses: dict[str, int] = {}
    for name in names:
        found = _INTERFACE.fullmatch(name)
        if found is None:
            continue
        port = found[1]
        with suppress(OSError, ValueError):  # pulled between two reads: it is not plugged
            if port not in addresses:
                addresses[port] = int(_text(_DEVICES / port / "devnum") or "")
            seen = memory.recall(str(_DEVICES), name, addresses[port])
            if seen is None:
                seen = _read(name, port, addresses[port])
                memory.keep(name, seen)
            if seen.info is not None:
                yield seen.info, seen.has_audio


def _read(name: str, port: str, address: int) -> Seen:
    kind = _text(_DEVICES / name / "bInterfaceClass")
    if kind is None:
        raise OSError(name)  # it comes or goes just now: nothing of it is worth keeping
    if kind != _HID:
        return Seen(address, None)
    folder = (_DEVICES / name).resolve()
    bound = bound_of(str(folder))
    return Seen(address, _info(port, folder), _has_audio(folder.parent), bound)


def _info(port: str, folder: Path) -> HidInfo:
    device = folder.parent
    hid, nodes = _bound(folder)
    return HidInfo(
        port=port,
        interface=int(_text(folder / "bInterfaceNumber") or "", 16),
        folder=str(folder),
        bus=int(_text(device / "busnum") or ""),
        address=int(_text(device / "devnum") or ""),
        vid=int(_text(device / "idVendor") or "", 16),
        pid=int(_text(device / "idProduct") or "", 16),
        serial=_text(device / "serial") or None,
        product=_text(device / "product") or None,
        driver=_driver(folder),
        hidraw=f"/dev/{nodes[0].name}" if nodes else None,
        descriptor=_descriptor(hid) if hid else None,
        sleeps=_text(device / "power" / "control") == "auto",
    )


def _bound(folder: Path) -> tuple[Path | None, list[Path]]:
    """What the kernel's driver has made of the interface, and its hidraw nodes: both may go while they are looked for."""
    try:
        hid = next(iter(sorted(folder.glob("*:*:*.*"))), None)
        return hid, sorted(hid.glob("hidraw/hidraw*")) if hid else []
    except OSError:
        return None, []


def maker_of(info: HidInfo) -> str | None:
    """The manufacturer as the device names it."""
    return _text(Path(info.folder).parent / "manufacturer") or None


def driver_of(info: HidInfo) -> str | None:
    """Who has it now: `usbhid`, `usbfs` (a program), None."""
    return _driver(Path(info.folder))


def _driver(folder: Path) -> str | None:
    try:
        return (folder / "driver").readlink().name
    except OSError:
        return None


def _descriptor(hid: Path) -> bytes | None:
    try:
        with (hid / "report_descriptor").open("rb") as file:
            return file.read(_LONGEST_BYTES) or None
    except OSError:
        return None


def _has_audio(device: Path) -> bool:
    try:
        return any(_text(path) == _AUDIO for path in device.glob(f"{device.name}:*/bInterfaceClass"))
    except OSError:  # it went while it was read
        return False


def _text(path: Path) -> str | None:
    """A line of sysfs, without what a terminal or a board would stumble over; None: it is not there."""
    try:
        raw = path.read_bytes()[: 4 * _TEXT_CHARS]
    except OSError:
        return None
    return "".join(each for each in raw.decode("utf-8", "replace") if each.isprintable()).strip()[:_TEXT_CHARS]
