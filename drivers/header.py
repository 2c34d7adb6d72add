"""Decides which SPI chip selects and GPIO chips this machine offers: the device files, and what the kernel says of each chip."""

from __future__ import annotations

import fcntl
import os
import re
import struct
from pathlib import Path
from typing import Final

from msgspec import Struct

_DEV: Final = Path("/dev")
#: linux/gpio.h: struct gpiochip_info is two names of 32 bytes and a count; GPIO_GET_CHIPINFO_IOCTL is _IOR(0xB4, 0x01, …).
_INFO: Final = struct.Struct("=32s32sI")
_GET_INFO: Final = 0x8044B401


class SpiSelect(Struct, frozen=True):
    """One chip select of an SPI bus, as `spi:PORT.SELECT` names it."""

    node: str
    port: int
    select: int


class GpioChip(Struct, frozen=True):
    """One chip; what is None is not known, for want of a right to ask."""

    node: str
    number: int
    label: str | None = None
    lines: int | None = None


def spi_selects(dev: Path = _DEV) -> tuple[SpiSelect, ...]:
    """All, in their order. Raises nothing."""
    found = ((path, re.fullmatch(r"spidev(\d+)\.(\d+)", path.name)) for path in _nodes(dev, "spidev*"))
    selects = (SpiSelect(str(path), int(it[1]), int(it[2])) for path, it in found if it)
    return tuple(sorted(selects, key=lambda each: (each.port, each.select)))


def gpio_chips(dev: Path = _DEV) -> tuple[GpioChip, ...]:
    """All, in their order, each asked for its label where we may. Raises nothing."""
    found = ((path, re.fullmatch(r"gpiochip(\d+)", path.name)) for path in _nodes(dev, "gpiochip*"))
    return tuple(sorted((_chip(path, int(it[1])) for path, it in found if it and not path.is_symlink()), key=lambda each: each.number))


def _nodes(dev: Path, pattern: str) -> list[Path]:
    try:
        return list(dev.glob(pattern))
    except OSError:
        return []


def _chip(path: Path, number: int) -> GpioChip:
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return GpioChip(str(path), number)
    try:
        answer = bytearray(_INFO.size)
        fcntl.ioctl(file, _GET_INFO, answer)
    except OSError:
        return GpioChip(str(path), number)
    finally:
        os.close(file)
    _, label, lines = _INFO.unpack(answer)
    return GpioChip(str(path), number, label.split(b"\0")[0].decode("utf-8", "replace") or None, lines)
