"""Decides what a HID headset is to the rest of the box: where it is plugged, what it says of itself, and five things one may do with it.

Both transports, `usb_hid` (own) and `hidraw` (watch), and the twin `hid_sim` keep to `HidDevice`; one contract suite holds them to it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, Protocol, TypeAlias

from msgspec import Struct

from appliance.core.errors import CallfloorError

#: Whether a report descriptor has a telephony collection: what the headset is asked for, decided above the drivers.
Telephony: TypeAlias = Callable[[bytes], bool]
#: Takes a report (its id first, where the descriptor numbers them) and the monotonic nanoseconds of its arrival.
Heard: TypeAlias = Callable[[bytes, int], object]
#: Takes the fault after which nothing is heard any more.
Lost: TypeAlias = Callable[[CallfloorError], object]
#: HID 1.11, 6.2.2.7: the short item Report ID, with 1, 2 or 4 bytes of data.
_REPORT_ID: Final = 0x84
_LONG_ITEM: Final = 0xFE


class HidInfo(Struct, frozen=True):
    """One HID interface of a USB device. `port` is its place (`1-2.3`: bus 1, second port, third port of the hub there).

    `folder` is the interface's folder in sysfs, `address` the number that the kernel gave at this plugging (a replug gets another).
    `driver` is who has it: `usbhid` the kernel, `usbfs` a program (maybe we), None nobody. `descriptor` is read while the kernel has it.
    `sleeps`: the kernel may suspend the device (power/control is auto), and not every headset wakes at a press.
    """

    port: str
    interface: int
    folder: str
    bus: int
    address: int
    vid: int
    pid: int
    serial: str | None = None
    product: str | None = None
    driver: str | None = None
    hidraw: str | None = None
    descriptor: bytes | None = None
    sleeps: bool = False

    @property
    def model(self) -> str:
        """Vendor and product, as quirk tables and people write them.

        >>> HidInfo("1-2", 3, "", 1, 4, 0x0B0E, 0x0307).model
        '0b0e:0307'
        """
        return f"{self.vid:04x}:{self.pid:04x}"

    @property
    def identity(self) -> str:
        """Which headset this is, wherever it is plugged; without a serial number only its place tells it from its like.

        >>> HidInfo("1-2", 3, "", 1, 4, 0x0B0E, 0x0307, serial="A1").identity, HidInfo("1-2", 3, "", 1, 4, 0x0B0E, 0x0307).identity
        ('0b0e:0307:A1', '0b0e:0307@1-2')
        """
        return f"{self.model}:{self.serial}" if self.serial else f"{self.model}@{self.port}"

    @property
    def plugging(self) -> tuple[str, int]:
        """This interface since it was plugged this time: another after each replug."""
        return self.folder, self.address

    @property
    def node(self) -> str:
        """The device file of the whole USB device."""
        return f"/dev/bus/usb/{self.bus:03d}/{self.address:03d}"

    def __str__(self) -> str:
        """For logs and faults, which leave the box more easily than a serial number should (`Staff` in the catalogue).

        >>> str(HidInfo("1-2", 3, "", 1, 4, 0x0B0E, 0x0307, serial="A1", product="Desk"))
        'headset Desk (0b0e:0307) at port 1-2'
        """
        return f"headset {self.product or 'without a name'} ({self.model}) at port {self.port}"


class HidDevice(Protocol):
    """An open headset. A context manager too: it closes itself."""

    @property
    def info(self) -> HidInfo:
        """What was opened."""
        ...

    @property
    def dropped(self) -> int:
        """Reports that came faster than they were taken and are lost: after one, what is known of hook and mute is not sure."""
        ...

    def report_descriptor(self) -> bytes:
        """As the device gave it."""
        ...

    def read(self, timeout_s: float) -> bytes | None:
        """Wait for the next report; None: there was none in that time. Blocks; not together with `listen`.

        Raises UnpluggedError when the device is gone, TransientError for a fault of the line that may go away, DeniedError when another
        program has taken it.
        """
        ...

    def write(self, report: bytes) -> None:
        """Send an output report, its id first where the descriptor numbers them, in its full length. Blocks, 0.5 s at most.

        Raises UnpluggedError; TransientError when the device refuses it or does not answer; DeniedError when it is only watched.
        """
        ...

    def listen(self, loop: asyncio.AbstractEventLoop, heard: Heard, lost: Lost) -> None:
        """From now on call `heard` in this loop at each report, until `lost` is called, once, or `close`. Idle it costs nothing."""
        ...

    def close(self) -> None:
        """Let go, and leave the device as it was found. Raises nothing; a second time does nothing."""
        ...


def numbers_reports(descriptor: bytes) -> bool:
    """Whether reports begin with an id (HID 1.11, 5.6): then it is no part of the data.

    >>> numbers_reports(bytes.fromhex("050b8502c0")), numbers_reports(bytes.fromhex("050bc0"))
    (True, False)
    """
    at = 0
    while at < len(descriptor):
        item = descriptor[at]
        if item == _LONG_ITEM:
            at += 3 + (descriptor[at + 1] if at + 1 < len(descriptor) else 0)
            continue
        if item & 0xFC == _REPORT_ID:
            return True
        at += 1 + (0, 1, 2, 4)[item & 3]
    return False
