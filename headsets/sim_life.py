"""Decides the life of a seat whose headset is simulated (`sim:PATH`): plugged while its simulator listens, pulled when that ends."""

from __future__ import annotations

import asyncio
import logging
from functools import partial

from appliance.core.errors import CallfloorError, UnpluggedError
from appliance.core.headset_config import Hold
from drivers.hid_device import HidDevice
from drivers.hid_sim_socket import open_sim
from headsets.backoff import Backoff
from headsets.drops import Drops
from headsets.keeper import SeatKeeper
from headsets.lamps import Lamps, text_of
from headsets.life import OWN_FAULT
from headsets.line import Line
from headsets.model import device_of, layout_from, malformed
from headsets.rim import Rim

_log = logging.getLogger("callfloor.headsets")
_FIRST_S, _LAST_S = 0.25, 5.0


class SimLife:
    """One seat's simulated headset."""

    def __init__(self, key: str, path: str, hold: Hold, keeper: SeatKeeper, rim: Rim) -> None:
        self._key, self._path, self._hold, self._keeper, self._rim = key, path, hold, keeper, rim
        self._found = True
        self._told = ""

    async def run(self) -> None:
        """Connect again and again until cancelled."""
        try:
            await self._live()
        except Exception as fault:
            text = f"seat {self._key}: {OWN_FAULT} ({type(fault).__name__})"
            self._keeper.apply(self._key, lambda seat, _now_ns: seat.failed(text))
            raise

    async def _live(self) -> None:
        backoff = Backoff(_FIRST_S, _LAST_S)
        while True:
            try:
                device = await self._rim.open(partial(open_sim, self._path, writes=self._hold == "own", now_ns=self._keeper.now_ns))
            except CallfloorError as fault:
                self._tell(fault)
                if self._found:
                    self._pulled()
            else:
                backoff.reset()
                self._tell(await self._plugged(device))
                self._pulled()
            self._found = False
            await asyncio.sleep(backoff.next_s())

    async def _plugged(self, device: HidDevice) -> CallfloorError:
        info, found = device.info, self._found
        layout = layout_from(device.report_descriptor())
        lamps = Lamps(self._key, self._keeper, self._rim, lambda fault: _log.warning("seat %s: %s", self._key, text_of(fault)))
        line = Line(self._key, device, layout, self._keeper, Drops(str(info), self._keeper.passed_over))
        self._told = ""
        _log.info("%s is at seat %s", info, self._key)
        try:
            self._keeper.lamps[self._key] = lamps.show
            self._keeper.held[self._key] = False
            self._keeper.apply(self._key, lambda seat, now_ns: seat.plugged(device_of(info), layout, now_ns, found=found))
            if fault := malformed(info, layout):
                self._tell(fault)
                self._keeper.apply(self._key, lambda seat, _now_ns: seat.failed(str(fault)))
            line.begin()
            lamps.opened(device, layout)
            return await line.lost
        except CallfloorError as fault:
            return fault
        finally:
            line.end()
            self._rim.close(device, lamps.shut())

    def _pulled(self) -> None:
        self._keeper.apply(self._key, lambda seat, _now_ns: seat.pulled())
        self._keeper.forget(self._key)

    def _tell(self, fault: CallfloorError) -> None:
        if str(fault) != self._told:
            self._told = str(fault)
            _log.log(logging.INFO if isinstance(fault, UnpluggedError) else logging.WARNING, "seat %s: %s", self._key, fault)
