"""Decides what time it is on a rig: wall time begins at a moment that is told at each reset and runs with the monotonic clock from there.

The same run then bears the same dates, and a step of the clock is an action. Monotonic time is the kernel's.
"""

from __future__ import annotations

import time
from typing import Final

from appliance.core.clock import NS, SystemClock, wall_ns_from_rfc3339
from appliance.core.event import ClockQuality

#: A Monday morning in the rig's own time zone (08:00).
MONDAY: Final = "2026-11-23T13:00:00Z"


class RigClock:
    """The box's clock on a rig. Monotonic times compare with those of every process of this machine."""

    def __init__(self, begins: str = MONDAY) -> None:
        """Raises ValueError for a text that is no RFC 3339 time."""
        self._boot = SystemClock().boot
        self._offset_ns = 0
        self._quality: ClockQuality = "synced"
        self.begin(begins)

    @property
    def boot(self) -> str:
        return self._boot

    def mono_ns(self) -> int:
        return time.monotonic_ns()

    def wall_ns(self) -> int:
        return time.monotonic_ns() + self._offset_ns

    def quality(self) -> ClockQuality:
        return self._quality

    def begin(self, moment: str) -> None:
        """It is this moment now (RFC 3339). Raises ValueError."""
        self._offset_ns = wall_ns_from_rfc3339(moment) - time.monotonic_ns()
        self._quality = "synced"

    def step(self, seconds: float, quality: ClockQuality) -> None:
        """Set the wall clock forward or back, as NTP or a person does, and say how far it is to be trusted now."""
        self._offset_ns += round(seconds * NS)
        self._quality = quality
