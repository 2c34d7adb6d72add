"""Decides which of what sysfs holds of an interface has to be read again: what cannot change while it is plugged is read once.

A look at 40 headsets otherwise opens 800 files, and whoever looks holds up the reports of them all meanwhile.
"""

from __future__ import annotations

import os
from typing import Final

from msgspec import Struct

from drivers.hid_device import HidInfo

#: More interfaces than 127 devices have on any bus of a box.
_MOST: Final = 4096


class Seen(Struct, frozen=True):
    """One USB interface. `info` is None where it is no HID interface; `bound`: what the kernel's driver had made of it."""

    address: int
    info: HidInfo | None
    has_audio: bool = False
    bound: str | None = None


class Memory:
    """What was seen, by the interface's name in sysfs."""

    def __init__(self) -> None:
        self._seen: dict[str, Seen] = {}

    def recall(self, folder: str, name: str, address: int) -> Seen | None:
        """What is known of the interface, if that holds still; None: read it."""
        seen = self._seen.get(name)
        if seen is None or seen.address != address:
            return None
        if seen.info is None:
            return seen
        path = f"{folder}/{name}"
        try:
            driver: str | None = os.readlink(f"{path}/driver").rpartition("/")[2]  # noqa: PTH115 - a fifth of Path's cost
        except OSError:
            driver = None
        if driver != seen.info.driver or bound_of(path) != seen.bound:
            return None
        if seen.bound is not None and (seen.info.descriptor is None or (seen.info.hidraw is None and _has_node(path, seen.bound))):
            return None  # it was read while the driver came
        if seen.info.descriptor is None and not seen.has_audio:
            return None  # its neighbours may have been on their way
        return seen

    def keep(self, name: str, seen: Seen) -> None:
        """It was read."""
        if len(self._seen) < _MOST:
            self._seen[name] = seen

    def forget_but(self, names: set[str]) -> None:
        """Only these are plugged."""
        self._seen = {name: seen for name, seen in self._seen.items() if name in names}


def _has_node(path: str, bound: str) -> bool:
    return os.access(f"{path}/{bound}/hidraw", os.F_OK)


def bound_of(path: str) -> str | None:
    """The kernel's HID device at an interface (`0003:0B0E:0307.0007`): another one each time that its driver comes."""
    try:
        return next((name for name in sorted(os.listdir(path)) if name.count(":") == 2 and "." in name), None)  # noqa: PTH208 - as above
    except OSError:
        return None
