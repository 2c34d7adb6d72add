"""Decides when headsets have been plugged and pulled: udev's events tell at once, a sweep of sysfs behind them finds what they did not.

An event is only a reason to look: what is plugged is what sysfs holds. Storms of events make few looks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, Final

from msgspec.structs import replace

from appliance.core.errors import UnsupportedError
from drivers.hid_device import HidInfo, Telephony
from drivers.hid_seen import Memory
from drivers.hid_sysfs import Plugged, plugged

#: Between two looks, however many events come: well under the 50 ms in which a pulled headset is to be told.
_PAUSE_S: Final = 0.015
_SWEEP_S: Final = 10.0
#: Where the kernel's events cannot be had.
_SWEEP_ALONE_S: Final = 1.0
#: One between two drivers has one, or is gone, when looked at again: soon, then ever more rarely.
_MOVING_S, _MOVING_MOST_S = 0.02, 1.0
_SUBSYSTEMS: Final = ("usb", "hidraw")

#: Takes what was pulled and what was plugged since the last call; a quick replug at the same port is in both.
Changed = Callable[[tuple[HidInfo, ...], tuple[HidInfo, ...]], object]


class Plugs:
    """The headsets that are plugged: `present`, by their plugging. `without_events`: why the sweep is alone; None: it is not."""

    def __init__(self, loop: asyncio.AbstractEventLoop, telephony: Telephony, changed: Changed, sweep_s: float) -> None:
        self.present: dict[tuple[str, int], HidInfo] = {}
        self.without_events: str | None = None
        self.looks = 0
        #: Called after each look: who has a device may have changed though it stayed where it is.
        self.looked: Callable[[], object] = lambda: None
        self._loop, self._changed, self._sweep_s = loop, changed, sweep_s
        self._telephony = lru_cache(maxsize=256)(telephony)  # to parse a descriptor costs more than all of a look
        self._memory = Memory()
        self._soon: asyncio.TimerHandle | None = None
        self._sweep: asyncio.TimerHandle | None = None
        self._settle: asyncio.TimerHandle | None = None
        self._settle_s = _MOVING_S

    def look(self) -> None:
        """Compare sysfs with what was known, and tell of the difference."""
        self._cancel()
        self._sweep = self._loop.call_later(self._sweep_s, self.look)
        self.looks += 1
        found = plugged(self._telephony, self._memory)
        now = known(found, self.present)
        pulled = tuple(info for key, info in self.present.items() if key not in now)
        came = tuple(info for key, info in now.items() if key not in self.present)
        self.present = now
        self._look_till_settled(any(info.plugging in now for info in found.moving))
        if pulled or came:
            self._changed(pulled, came)
        self.looked()

    def look_soon(self) -> None:
        """Look in a moment, once, however often it is asked for."""
        if self._soon is None:
            self._soon = self._loop.call_later(_PAUSE_S, self.look)

    def _look_till_settled(self, moving: bool) -> None:
        """One that is being pulled may be seen in the middle of it, and no further event may come."""
        if moving:
            self._settle = self._loop.call_later(self._settle_s, self.look)
        self._settle_s = min(_MOVING_MOST_S, 2 * self._settle_s) if moving else _MOVING_S

    def _event(self, monitor: Any) -> None:
        try:
            while monitor.poll(timeout=0) is not None:
                pass
        except OSError:  # more events came than the kernel keeps: they are a reason to look all the same
            pass
        self.look_soon()

    def _cancel(self) -> None:
        for timer in (self._soon, self._sweep, self._settle):
            if timer:
                timer.cancel()
        self._soon = self._settle = None


def known(found: Plugged, before: dict[tuple[str, int], HidInfo]) -> dict[tuple[str, int], HidInfo]:
    """What is plugged, by its plugging. One that a program has taken keeps the descriptor that was read before; one without a driver
    or without a descriptor counts if it was known: it changes hands."""
    now = {info.plugging: info for info in found.headsets}
    for info in (*found.held, *found.left, *found.moving):
        last = before.get(info.plugging)
        if last is not None:
            now[info.plugging] = replace(info, descriptor=last.descriptor)
        elif info.driver == "usbfs":
            now[info.plugging] = info
    return dict(sorted(now.items(), key=lambda each: each[1].port))


@contextmanager
def open_plugs(loop: asyncio.AbstractEventLoop, telephony: Telephony, changed: Changed, sweep_s: float = _SWEEP_S) -> Iterator[Plugs]:
    """Watch for headsets in this loop, where `changed` is called too; those that are plugged now are told before this returns.

    Raises UnsupportedError without pyudev or libudev. Where the kernel's events are refused (a sandbox without AF_NETLINK), the sweep
    comes every second, and `without_events` says why.
    """
    plugs = Plugs(loop, telephony, changed, sweep_s)
    file = None
    try:
        monitor = _monitor()
        file = monitor.fileno()
        loop.add_reader(file, plugs._event, monitor)
    except OSError as error:
        plugs.without_events = f"no events of the kernel ({error}); allow AF_NETLINK in the unit's RestrictAddressFamilies"
        plugs._sweep_s = min(sweep_s, _SWEEP_ALONE_S)
    try:
        plugs.look()
        yield plugs
    finally:
        plugs._cancel()
        if file is not None:
            loop.remove_reader(file)


def _monitor() -> Any:
    try:
        import pyudev  # type: ignore[import-untyped]  # noqa: PLC0415 - only where there are headsets

        monitor = pyudev.Monitor.from_netlink(pyudev.Context())
    except ImportError as error:
        raise UnsupportedError(f"headsets: {error.name or error} is not installed; install callfloor[headsets] and libudev1") from error
    for subsystem in _SUBSYSTEMS:
        monitor.filter_by(subsystem)
    monitor.start()
    return monitor
