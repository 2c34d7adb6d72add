"""Decides which HID devices are headsets, by their descriptor alone; what was parsed once is kept."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from appliance.core.errors import CorruptError
from drivers.hid_device import HidInfo
from headsets.descriptor import parse
from headsets.layout import HeadsetLayout, layout_of
from headsets.seat import Device

#: More models than any floor has.
_KEPT: Final = 128
#: Usage Page (Telephony), as descriptors write it: HID 1.11, 6.2.2.7.
_TELEPHONY_PAGE: Final = bytes.fromhex("050b")


@lru_cache(maxsize=_KEPT)
def layout_from(descriptor: bytes) -> HeadsetLayout:
    """Where hook, mute and lamps are in the reports. Never raises; of nonsense nothing is found."""
    return layout_of(parse(descriptor))


def is_headset(descriptor: bytes) -> bool:
    """Whether there is a telephony collection with a hook or a mute; a malformed descriptor that speaks of telephony counts, to be told.

    >>> is_headset(bytes.fromhex("050b0905a101092015002501750195018102750795018103c0"))
    True
    """
    layout = layout_from(descriptor)
    return (layout.telephony and tells(layout)) or (bool(layout.notes) and _TELEPHONY_PAGE in descriptor)


def tells(layout: HeadsetLayout) -> bool:
    """Whether its reports can tell of hook or mute at all."""
    return layout.hook is not None or layout.mute is not None


def malformed(info: HidInfo, layout: HeadsetLayout) -> CorruptError | None:
    """The fault of a device of whose hook and mute nothing can be known."""
    if tells(layout):
        return None
    why = "; ".join(layout.notes) or "neither hook nor mute is in it"
    return CorruptError(f"{info}: its report descriptor is malformed ({why}); nothing can be known of it")


def device_of(info: HidInfo) -> Device:
    """Which headset it is, as events name it."""
    return Device(vendor_id=f"{info.vid:04x}", product_id=f"{info.pid:04x}", product=info.product, serial=info.serial)


def longest_input_bytes(layout: HeadsetLayout) -> int:
    """Of its longest input report, its id counted."""
    return max(layout.in_bytes.values(), default=0) + layout.numbered
