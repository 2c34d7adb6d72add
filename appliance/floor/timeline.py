"""When an event happened: monotonic time within a boot, laid on the wall clock by that boot's best known offset.

The box's clock may be wrong at boot and stepped later. Durations come from monotonic time and never change; dates
of a boot's events move together when a better offset is learnt (`box.clock_stepped`), and then the folds are rebuilt.
"""

from __future__ import annotations

from msgspec import Struct

from appliance.core.catalogue import BoxClockStepped
from appliance.core.event import Event


class Timeline(Struct):
    """Wall minus monotonic nanoseconds for every boot seen, newest knowledge last."""

    offsets: dict[str, int] = {}

    def learn(self, event: Event) -> bool:
        """Take note of an event's boot; True when what was folded before must be dated anew."""
        data = event.data
        if isinstance(data, BoxClockStepped):
            known = self.offsets.get(event.boot)
            self.offsets[event.boot] = data.offset_ns
            return known is not None and known != data.offset_ns
        if event.boot not in self.offsets:
            self.offsets[event.boot] = event.wall_ns - event.mono_ns
        return False

    def date(self, boot: str, mono_ns: int) -> int | None:
        """The wall time of a monotonic moment of a boot; None for a boot that was never seen."""
        offset = self.offsets.get(boot)
        return None if offset is None else offset + mono_ns
