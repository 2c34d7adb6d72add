"""Decides how a seat's lamps reach its device: off the loop, one write at a time, the newest wish wins while one is under way."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Final

from appliance.core.clock import NS
from appliance.core.errors import CallfloorError
from drivers.hid_device import HidDevice
from headsets.host import LOST_NS, Leds
from headsets.keeper import SeatKeeper
from headsets.layout import HeadsetLayout
from headsets.report import led_report
from headsets.rim import Rim

_log = logging.getLogger("callfloor.headsets")
_LOST_S: Final = LOST_NS / NS
_RINGS: Final = ("ring", "ringer")


class Lamps:
    """The lamps of one plugged headset, from its plugging to its pulling. `failed` hears of faults of a write."""

    def __init__(self, key: str, keeper: SeatKeeper, rim: Rim, failed: Callable[[BaseException], object]) -> None:
        self._key, self._keeper, self._rim, self._failed = key, keeper, rim, failed
        self._loop = asyncio.get_running_loop()
        self._device: HidDevice | None = None
        self._layout: HeadsetLayout | None = None
        self._next: tuple[Leds, float] | None = None
        self._shown: Leds | None = None
        self._flying: Leds | None = None
        self._writing: asyncio.Future[None] | None = None

    def show(self, leds: Leds) -> None:
        """Show these: now, or when the device is open or the write under way is over."""
        self._next = leds, self._loop.time()
        self._begin()

    def opened(self, device: HidDevice, layout: HeadsetLayout) -> None:
        """The device can be written. What is shown on it is not known."""
        self._device, self._layout, self._shown = device, layout, None
        if self._next is not None and self._loop.time() - self._next[1] >= _LOST_S:
            self._next = None  # the seat has given it up, and asks anew
        self._begin()

    def shut(self) -> asyncio.Future[None] | None:
        """The device is to be closed: nothing is begun any more, but what rings does not ring on. What is still being written."""
        device, layout, lit = self._device, self._layout, self._flying or self._shown
        self._device = self._layout = None
        if device is None or layout is None or lit is None or not any(lit.get(name) for name in _RINGS):
            return self._writing
        reports = led_report(layout, {**lit, **dict.fromkeys(_RINGS, False)}, lit)
        return asyncio.ensure_future(self._quieten(device, reports, self._writing))

    async def _quieten(self, device: HidDevice, reports: list[bytes], writing: asyncio.Future[None] | None) -> None:
        if writing is not None:
            await asyncio.wait((writing,))
        with suppress(CallfloorError, RuntimeError):  # it is gone, or there is no time left
            await self._rim.write(device, reports)

    def _begin(self) -> None:
        if self._writing is not None or self._next is None or self._device is None or self._layout is None:
            return
        (leds, _), self._next = self._next, None
        # With nothing changed it is a press's answer: then all of it is said again.
        reports = led_report(self._layout, leds, self._shown) or led_report(self._layout, leds)
        self._flying = leds
        self._writing = self._rim.write(self._device, reports)
        self._writing.add_done_callback(partial(self._written, leds, self._device))

    def _written(self, leds: Leds, device: HidDevice, writing: asyncio.Future[None]) -> None:
        self._writing = self._flying = None
        if writing.cancelled():  # the loop is being closed
            return
        fault = writing.exception()
        if device is self._device:
            self._shown = leds if fault is None else None
            if fault is not None:
                self._failed(fault)
        if self._keeper.lamps.get(self._key) != self.show:
            return  # pulled meanwhile: another may be at the seat
        if self._next is None:
            self._keeper.apply(self._key, lambda seat, now_ns: seat.wrote(fault is None and device is self._device, now_ns))
        else:
            self._begin()  # the seat had given the last one up


def text_of(fault: BaseException) -> str:
    """A fault as a person reads it."""
    return str(fault) if isinstance(fault, CallfloorError) else f"{type(fault).__name__}: {fault}"
