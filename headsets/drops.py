"""Decides how often it is told that a device sends what cannot be understood: at once, then once a minute, with how many there were."""

from __future__ import annotations

import logging
from typing import Final

from appliance.core.clock import NS
from appliance.core.meter import Counter

_log = logging.getLogger("callfloor.headsets")
_EVERY_NS: Final = 60 * NS


class Drops:
    """Of one device. `count` is how many reports, or parts of one, were passed over since it was plugged."""

    def __init__(self, device: str, all_devices: Counter | None = None) -> None:
        """`all_devices`: where those of all are added up."""
        self.device = device
        self._all = all_devices
        self.count = 0
        self._told_ns: int | None = None
        self._told = 0

    def add(self, why: str, now_ns: int, count: int = 1) -> None:
        """One more that was passed over."""
        self.count += count
        if self._all is not None:
            self._all.add(count)
        if self._told_ns is None or now_ns - self._told_ns >= _EVERY_NS:
            _log.warning("%s: %s; passed over %d, %d since it was plugged", self.device, why, self.count - self._told, self.count)
            self._told_ns, self._told = now_ns, self.count
