"""Decides what stands between a headset and the machine: the hubs in line, and what each says of its power. Read from sysfs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from msgspec import Struct

_DEVICES: Final = Path("/sys/bus/usb/devices")
#: USB 2.0, 9.6.3: the bit of bmAttributes that says self-powered.
_SELF_POWERED: Final = 0x40


class Feed(Struct, frozen=True):
    """One device of the line: its port, whether it has a supply of its own, and how much it may draw; None: it does not say."""

    port: str
    self_powered: bool | None = None
    draws_ma: int | None = None


def line_to(port: str) -> tuple[Feed, ...]:
    """The hubs from the machine's own outwards, then the device itself. Raises nothing.

    >>> [feed.port for feed in line_to("99-1.2.3")]
    ['99-1', '99-1.2', '99-1.2.3']
    """
    head, _, tail = port.partition(".")
    ports = [head]
    for each in tail.split(".") if tail else ():
        ports.append(f"{ports[-1]}.{each}")
    return tuple(_feed(each) for each in ports)


def _feed(port: str) -> Feed:
    attributes = _text(_DEVICES / port / "bmAttributes")
    draws = re.fullmatch(r"(\d{1,5})mA", _text(_DEVICES / port / "bMaxPower"))
    try:
        self_powered = bool(int(attributes, 16) & _SELF_POWERED) if attributes else None
    except ValueError:
        self_powered = None
    return Feed(port, self_powered, int(draws[1]) if draws else None)


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(64).decode("ascii", "replace").strip()
    except OSError:
        return ""
