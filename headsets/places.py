"""Decides which plugged headset is at which seat: by the seats' urls, the closest first. Pure.

What is placed stays until it is pulled, so that a headset plugged later moves nobody; of several that fit a seat the lowest port is
taken. One that no seat names is at a seat of its own, named after its port (`usb-1-1.2`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from appliance.core.headset_url import HeadsetUrl
from drivers.hid_device import HidInfo

_RANKS: Final = (3, 2, 1)


def placed(seats: Mapping[str, HeadsetUrl], present: Iterable[HidInfo], before: Mapping[str, HidInfo]) -> dict[str, HidInfo]:
    """Seat → its headset, for the seats that have one. `before` is the last answer.

    Of two HID interfaces at one port that both say they are headsets, the first is taken.
    """
    plugged = {info.plugging: info for info in present}
    now = {key: plugged[info.plugging] for key, info in before.items() if info.plugging in plugged}
    ports = {info.port for info in now.values()}
    new: dict[str, HidInfo] = {}
    for info in sorted(plugged.values(), key=lambda each: (_order(each.port), each.interface)):
        if info.port not in ports:
            new.setdefault(info.port, info)
    for rank in _RANKS:
        for key, url in seats.items():
            if url.rank == rank and key not in now:
                found = next((info for info in new.values() if url.fits(info.port, info.model, info.serial)), None)
                if found is not None:
                    now[key] = new.pop(found.port)
    for info in new.values():
        now[_unnamed(info.port, seats.keys() | now.keys())] = info
    return now


def _order(port: str) -> tuple[int, ...]:
    """Ports as people count: 1-2 before 1-10."""
    return tuple(int(number) for number in re.findall(r"\d+", port))


def _unnamed(port: str, taken: Iterable[str]) -> str:
    """A key for a port without a seat.

    >>> _unnamed("1-1.2", ()), _unnamed("1-1.2", ("usb-1-1.2",))
    ('usb-1-1.2', 'usb-1-1.2-2')
    """
    key, number = f"usb-{port}", 1
    while key in taken:
        number += 1
        key = f"usb-{port}-{number}"
    return key
