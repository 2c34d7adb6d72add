"""Decides what a recording of a headset holds: its descriptor and every report as it came, its serial number nowhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from appliance.core.clock import NS, Clock, rfc3339
from drivers.hid_device import HidInfo

#: Takes one line of the capture file, its newline included.
Write = Callable[[bytes], object]
#: A serial number shorter than this is found by chance in any report.
_SHORTEST: Final = 4
_STRUCK: Final = "x"


class Recorder:
    """Writes a capture file of kind `hid` (docs/contract.md), line by line as things happen."""

    def __init__(self, name: str, info: HidInfo, descriptor: bytes, clock: Clock, write: Write) -> None:
        self._clock, self._write, self._serial = clock, write, info.serial or ""
        self._zero_ns = clock.mono_ns()
        self._line(
            {
                "capture": 1,
                "kind": "hid",
                "name": name,
                "started": rfc3339(clock.wall_ns()),
                "vendor_id": f"{info.vid:04x}",
                "product_id": f"{info.pid:04x}",
                "product": info.product and without_serial(info.product.encode(), self._serial).decode("utf-8", "replace"),
                "descriptor": without_serial(descriptor, self._serial).hex(),
            }
        )
        self.reports = 0

    def report(self, report: bytes, mono_ns: int) -> None:
        """An input report and when it came."""
        self.reports += 1
        self._line({"t": self._t(mono_ns), "data": without_serial(report, self._serial).decode("latin-1")})

    def event(self, name: str) -> None:
        """`connected` or `disconnected`."""
        self._line({"t": self._t(self._clock.mono_ns()), "event": name})

    def _t(self, mono_ns: int) -> float:
        return round(max(0, mono_ns - self._zero_ns) / NS, 6)

    def _line(self, row: dict[str, object]) -> None:
        self._write(msgspec.json.encode(row) + b"\n")


def without_serial(data: bytes, serial: str) -> bytes:
    """The bytes with the serial number struck out, as text of one or two bytes a letter, or packed where it is hex; of the same length.

    >>> without_serial(b"Desk A1B2C3", "A1B2C3"), without_serial("A1B2".encode("utf-16-le"), "A1B2")
    (b'Desk xxxxxx', b'x\\x00x\\x00x\\x00x\\x00')
    """
    if len(serial) < _SHORTEST:
        return data
    for text in {serial, serial.lower(), serial.upper()}:
        for coding in ("utf-8", "utf-16-le", "utf-16-be"):
            data = data.replace(text.encode(coding), (_STRUCK * len(text)).encode(coding))
    if len(serial) >= 2 * _SHORTEST and len(serial) % 2 == 0 and all(each in "0123456789abcdefABCDEF" for each in serial):
        packed = bytes.fromhex(serial)
        for order in (packed, packed[::-1]):
            data = data.replace(order, bytes(len(order)))
    return data
