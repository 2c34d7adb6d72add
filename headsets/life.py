"""Decides one USB headset's life from its plugging to its pulling: opened, heard, after a fault closed and opened again with back-off.

That it is plugged is told at once, before it is open. One that cannot be opened or fails is plugged all the same: its seat is told the
fault, and whether it is another program that holds it. Only sysfs says that it was pulled: a wire that is dead may come back.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import Final

from appliance.core.errors import CallfloorError, UnpluggedError
from appliance.core.headset_config import Hold
from drivers.hid_device import HidDevice, HidInfo
from drivers.hid_sysfs import driver_of
from drivers.hidraw import open_watch
from drivers.usb_hid import open_own
from headsets.backoff import Backoff
from headsets.drops import Drops
from headsets.keeper import SeatKeeper
from headsets.lamps import Lamps, text_of
from headsets.line import Line
from headsets.model import device_of, layout_from, longest_input_bytes, malformed
from headsets.rim import Rim

_log = logging.getLogger("callfloor.headsets")
_FIRST_S, _LAST_S = 1.0, 30.0
#: When sysfs is asked about one that says it is gone: the wire is dead some time before the kernel has taken the device down.
_LOOKS_S: Final = (0.02, 0.04, 0.08, 0.16, 0.32)
#: One that was heard for so long was well.
_WELL_S: Final = 10.0
OWN_FAULT: Final = "the box fails at it; its log says how, please report it"
_SLEEPS: Final = "the kernel may suspend it (power/control is auto), and a press may not wake it; install the udev rules (docs/headsets.md)"


class UsbLife:
    """One plugging at one seat. `look` asks for a look at what is plugged; `again` gives the same plugging as sysfs shows it now."""

    def __init__(
        self, key: str, info: HidInfo, hold: Hold, keeper: SeatKeeper, rim: Rim, look: Callable[[], None], again: Callable[[], HidInfo]
    ) -> None:
        self.key, self.info = key, info
        self._hold, self._keeper, self._rim, self._look, self._again = hold, keeper, rim, look, again
        self._drops = Drops(str(info), keeper.passed_over)
        self._lamps = Lamps(key, keeper, rim, self._not_shown)
        self._line: Line | None = None
        self._wake = asyncio.Event()
        self._is_held = self._is_over = False
        self._told = ""

    def begin(self, *, found: bool) -> None:
        """Tell that it is plugged. `found`: it was so when we began to look."""
        info, layout = self.info, layout_from(self.info.descriptor or b"")
        self._keeper.lamps[self.key] = self._lamps.show
        self._keeper.apply(self.key, lambda seat, now_ns: seat.plugged(device_of(info), layout, now_ns, found=found))
        _log.info("%s is at seat %s", info, self.key)
        if info.sleeps:
            _log.warning("%s: %s", info, _SLEEPS)

    def end(self) -> None:
        """It was pulled, or the service stops: nothing of it counts any more."""
        self._is_over = True
        if self._line is not None:
            self._line.end()

    def looked(self) -> None:
        """Somebody looked at what is plugged: one that a program held may be free again."""
        if self._is_held and driver_of(self.info) != "usbfs":
            self._wake.set()

    async def run(self) -> None:
        """Open it again and again until cancelled."""
        try:
            await self._live()
        except Exception as fault:
            if not self._is_over:  # nobody listens now, whatever the seat looked like
                text = f"{self.info}: {OWN_FAULT} ({type(fault).__name__})"
                self._keeper.apply(self.key, lambda seat, _now_ns: seat.failed(text))
            raise

    async def _live(self) -> None:
        backoff = Backoff(_FIRST_S, _LAST_S)
        loop = asyncio.get_running_loop()
        while not self._is_over:
            self._wake.clear()
            self.info = self._again()
            began_s = loop.time()
            fault = await self._opened()
            if isinstance(fault, UnpluggedError):
                for wait_s in _LOOKS_S:
                    self._look()
                    await asyncio.sleep(wait_s)
            if loop.time() - began_s >= _WELL_S:
                backoff.reset()
            self._failed(fault)
            await self._pause(backoff.next_s())

    async def _opened(self) -> CallfloorError:
        """Open it and hear it till it fails; returns the fault, when it is closed."""
        if self.info.descriptor is not None and (fault := malformed(self.info, layout_from(self.info.descriptor))):
            return fault
        try:
            device = await self._rim.open(partial(_open, self.info, self._hold, self._keeper.now_ns))
        except CallfloorError as fault:
            return fault
        try:
            return await self._heard(device)
        except CallfloorError as fault:
            return fault
        finally:
            closing = self._rim.close(device, self._lamps.shut())
            if not self._is_over:
                await asyncio.shield(closing)

    async def _heard(self, device: HidDevice) -> CallfloorError:
        layout = layout_from(device.report_descriptor())
        self._line = line = Line(self.key, device, layout, self._keeper, self._drops)
        line.begin()
        self._told, self._is_held = "", False
        self._keeper.held[self.key] = False
        self._keeper.apply(self.key, lambda seat, now_ns: seat.opened(device_of(self.info), layout, now_ns))
        self._lamps.opened(device, layout)
        return await line.lost

    def _failed(self, fault: CallfloorError) -> None:
        if self._is_over:
            return
        self._keeper.failed.add()
        self._is_held = driver_of(self.info) == "usbfs"
        self._keeper.held[self.key] = self._is_held
        self._tell(str(fault))
        self._keeper.apply(self.key, lambda seat, _now_ns: seat.failed(str(fault)))

    def _not_shown(self, fault: BaseException) -> None:
        if isinstance(fault, UnpluggedError):
            self._look()
        else:
            self._tell(text_of(fault))

    def _tell(self, text: str) -> None:
        if text != self._told:
            self._told = text
            _log.warning("seat %s: %s", self.key, text)

    async def _pause(self, wait_s: float) -> None:
        try:
            async with asyncio.timeout(wait_s):
                await self._wake.wait()
        except TimeoutError:
            pass


def _open(info: HidInfo, hold: Hold, now_ns: Callable[[], int]) -> HidDevice:
    if hold == "watch":
        return open_watch(info, now_ns=now_ns)
    return open_own(info, longest_input_bytes=longest_input_bytes(layout_from(info.descriptor or b"")), now_ns=now_ns)
