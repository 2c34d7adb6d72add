"""Decides what an open headset tells its seat: each report decoded, whatever is malformed passed over, counted and told."""

from __future__ import annotations

import asyncio
from typing import Final

from appliance.core.errors import CallfloorError
from drivers.hid_device import HidDevice
from headsets.drops import Drops
from headsets.keeper import SeatKeeper
from headsets.layout import HeadsetLayout
from headsets.report import fault, split, values

_LOST: Final = "its reports came faster than they were taken, and some are lost"


class Line:
    """One open device at a seat. `lost` is done with the fault after which nothing is heard."""

    def __init__(self, key: str, device: HidDevice, layout: HeadsetLayout, keeper: SeatKeeper, drops: Drops) -> None:
        self._key, self._device, self._layout, self._keeper, self._drops = key, device, layout, keeper, drops
        self._dropped = device.dropped
        self._is_over = False
        self.lost: asyncio.Future[CallfloorError] = asyncio.get_running_loop().create_future()

    def begin(self) -> None:
        """Listen. Raises as the device does."""
        self._device.listen(asyncio.get_running_loop(), self._heard, self._left)

    def end(self) -> None:
        """Nothing that is still under way counts."""
        self._is_over = True

    def _heard(self, report: bytes, at_ns: int) -> None:
        if self._is_over:
            return
        if self._device.dropped != self._dropped:
            self._drops.add(_LOST, at_ns, self._device.dropped - self._dropped)
            self._dropped = self._device.dropped
            self._keeper.apply(self._key, lambda seat, now_ns: seat.missed(now_ns), at_ns)
        report_id, payload = split(self._layout, report)
        wrong = fault(self._layout, report_id, payload)
        if wrong is not None:
            self._drops.add(wrong, at_ns)
        if said := values(self._layout, report_id, payload):
            self._keeper.apply(self._key, lambda seat, now_ns: seat.reported(said, now_ns), at_ns)

    def _left(self, fault_: CallfloorError) -> None:
        if not self.lost.done():
            self.lost.set_result(fault_)
