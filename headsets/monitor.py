"""Decides which USB headsets are looked after: each that is plugged has a life at its seat; one that dies leaves the others alone."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from appliance.apart import Apart
from appliance.core.headset_config import HeadsetsConfig, Hold
from appliance.core.headset_url import HeadsetUrl, headset_url
from drivers.hid_device import HidInfo
from drivers.hid_plug import Plugs, open_plugs
from drivers.hid_sysfs import plugged
from drivers.usb_hid import repair
from headsets.keeper import SeatKeeper
from headsets.life import UsbLife
from headsets.model import is_headset
from headsets.places import placed
from headsets.rim import Rim

_log = logging.getLogger("callfloor.headsets")
#: To give a device that a program left to nobody back to the kernel.
_REPAIR_S: Final = 5.0


class Monitor:
    """The USB headsets of this box. `first_look` is called when those that were plugged at the start are told."""

    def __init__(self, config: HeadsetsConfig, keeper: SeatKeeper, rim: Rim, first_look: Callable[[], object]) -> None:
        self._config, self._keeper, self._rim, self._first_look = config, keeper, rim, first_look
        self._urls = usb_seats(config)
        self._plugs: Plugs | None = None
        self._places: dict[str, HidInfo] = {}
        self._present: dict[tuple[str, int], HidInfo] = {}
        self._lives: dict[str, tuple[UsbLife, asyncio.Task[None]]] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self._is_first = True
        self._turns = Apart("a headset's coming or going")

    async def run(self) -> None:
        """Until cancelled. Raises UnsupportedError where there is no pyudev."""
        try:
            await self._repair()
            with open_plugs(asyncio.get_running_loop(), is_headset, self._changed) as self._plugs:
                self._plugs.looked = self._looked
                if self._plugs.without_events:
                    _log.warning("headsets are looked for every second: %s", self._plugs.without_events)
                self._first()
                await asyncio.Event().wait()
        finally:
            for key in tuple(self._lives):
                self._end(key)
            if self._ending:
                await asyncio.wait(tuple(self._ending), timeout=0.5)

    async def _repair(self) -> None:
        """Give back what a process of ours that was killed left without a driver; nothing where headsets are only watched."""
        if "own" not in {self._config.hold, *(seat.hold for seat in self._config.seat.values())}:
            return
        repairing = asyncio.get_running_loop().run_in_executor(None, lambda: repair(plugged(is_headset)))
        done, _ = await asyncio.wait((repairing,), timeout=_REPAIR_S)
        if not done:
            _log.warning("what a killed process left without a driver is not given back to the kernel after %.0f s; replug it", _REPAIR_S)
            return
        for info in repairing.result():
            _log.warning("%s was left without a driver, and the kernel has it again", info)

    def _changed(self, pulled: tuple[HidInfo, ...], came: tuple[HidInfo, ...]) -> None:
        """What is plugged has changed: end the lives of what was pulled, then begin those of what came."""
        for info in pulled:
            self._present.pop(info.plugging, None)
        self._present |= {info.plugging: info for info in came}
        before, self._places = self._places, placed(self._urls, self._present.values(), self._places)
        for key, info in before.items():
            if key not in self._places or self._places[key].plugging != info.plugging:
                self._turns.turn(partial(self._pulled, key, info))
        for key, info in self._places.items():
            if key not in before or before[key].plugging != info.plugging:
                self._turns.turn(partial(self._plugged, key, info))

    def _first(self) -> None:
        """All who are there were told: the other seats are empty, and those of a watch before this one that have no name are no more."""
        self._is_first = False
        nameless = self._keeper.seats.keys() - self._config.seat.keys()
        for key in sorted((self._urls.keys() | nameless) - self._places.keys()):
            self._keeper.apply(key, lambda seat, _now_ns: seat.pulled())
            if key in nameless:
                self._keeper.forget(key)
        self._first_look()

    def _plugged(self, key: str, info: HidInfo) -> None:
        self._keeper.seat(key)
        life = UsbLife(key, info, self._hold(key), self._keeper, self._rim, self._look, partial(self._again, info))
        life.begin(found=self._is_first)
        self._lives[key] = life, asyncio.create_task(Apart(f"{info} at seat {key}").run(life.run), name=f"seat {key}")

    def _pulled(self, key: str, info: HidInfo) -> None:
        _log.info("%s was pulled from seat %s", info, key)
        self._end(key)
        self._keeper.apply(key, lambda seat, _now_ns: seat.pulled())
        self._keeper.forget(key)

    def _end(self, key: str) -> None:
        if key not in self._lives:
            return
        life, task = self._lives.pop(key)
        life.end()
        task.cancel()
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    def _look(self) -> None:
        if self._plugs is not None:  # else the first look is under way
            self._plugs.look_soon()

    def _looked(self) -> None:
        for life, _ in self._lives.values():
            life.looked()

    def _again(self, info: HidInfo) -> HidInfo:
        """The plugging as it stands in sysfs by the last look."""
        return info if self._plugs is None else self._plugs.present.get(info.plugging, info)

    def _hold(self, key: str) -> Hold:
        seat = self._config.seat.get(key)
        return (seat and seat.hold) or self._config.hold


def usb_seats(config: HeadsetsConfig) -> Mapping[str, HeadsetUrl]:
    """The seats with a USB headset, by key."""
    urls = {key: headset_url(seat.url) for key, seat in config.seat.items()}
    return {key: url for key, url in urls.items() if url.sim is None}
