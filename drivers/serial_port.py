"""Decides which serial ports this machine has, and by which name each is found after a restart: read from sysfs, nothing is opened."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from msgspec import Struct

_SYS: Final = Path("/sys")
_DEV: Final = Path("/dev")
#: Linux serial_core: a UART that is not there.
_NO_UART: Final = "0"
_TEXT_CHARS: Final = 64


class SerialPort(Struct, frozen=True):
    """One port. `stable`: its name under /dev/serial, which says the adapter (by-id) or its place (by-path), where there is one."""

    node: str
    stable: str | None = None
    driver: str | None = None
    vid: str | None = None
    pid: str | None = None
    serial: str | None = None
    product: str | None = None
    maker: str | None = None
    port: str | None = None


def serial_ports(sys: Path = _SYS, dev: Path = _DEV) -> tuple[SerialPort, ...]:
    """All that have hardware behind them, by name. Raises nothing. `sys`, `dev`: where sysfs and the nodes are."""
    try:
        names = sorted(entry.name for entry in (sys / "class/tty").iterdir())
    except OSError:
        return ()
    stable = _stable(dev)
    found = []
    for name in names:
        device = sys / "class/tty" / name / "device"
        if not device.exists() or _text(sys / "class/tty" / name / "type") == _NO_UART:
            continue
        found.append(_port(device, dev / name, stable.get(name)))
    return tuple(found)


def _port(device: Path, node: Path, stable: str | None) -> SerialPort:
    real = device.resolve()
    usb = next((each for each in (real, *real.parents[:4]) if (each / "idVendor").exists()), None)
    said = {key: _text(usb / file) if usb else None for key, file in _FILES.items()}
    return SerialPort(node=str(node), stable=stable, driver=_driver(real), port=usb.name if usb else None, **said)


_FILES: Final = {"vid": "idVendor", "pid": "idProduct", "serial": "serial", "product": "product", "maker": "manufacturer"}


def _driver(device: Path) -> str | None:
    try:
        return (device / "driver").readlink().name
    except OSError:
        return None


def _stable(dev: Path) -> dict[str, str]:
    """Node's name → its best stable path."""
    found: dict[str, str] = {}
    for folder in ("by-path", "by-id"):
        place = dev / "serial" / folder
        try:
            found |= {each.readlink().name: str(each) for each in sorted(place.iterdir(), reverse=True)}
        except OSError:
            continue
    return found


def _text(path: Path) -> str | None:
    """A line of sysfs without what a terminal would stumble over; None where it is not there."""
    try:
        with path.open("rb") as file:
            raw = file.read(4 * _TEXT_CHARS)
    except OSError:
        return None
    return "".join(each for each in raw.decode("utf-8", "replace") if each.isprintable()).strip()[:_TEXT_CHARS] or None
