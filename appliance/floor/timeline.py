"""When an event happened: monotonic time within a boot, laid on the wall clock by that boot's best known offset.

The box's clock may be wrong at boot and stepped later. Durations come from monotonic time and never change; dates
of a boot's events move together when a better offset is learnt (`box.clock_stepped`), and then the folds are rebuilt.
"""

from __future__ import annotations

from msgspec import Struct

from appliance.core.catalogue import BoxClockStepped
from appliance.core.event import Event

#: Two readings of the same offset differ by the time between reading the two clocks.
_NOISE_NS = 100_000_000


class Timeline(Struct):
    """Wall minus monotonic nanoseconds for every boot seen, newest knowledge last."""

    offsets: dict[str, int] = {}
    as_of: int = 0

    def learn(self, seq: int, event: Event) -> bool:
        """Take note of an event's boot; True when what was folded before must be dated anew.

        Steps up to `as_of` are known already: a second fold over them must not learn the older offsets again.
        """
        data = event.data
        if isinstance(data, BoxClockStepped):
            if seq <= self.as_of:
                return False
            self.as_of = seq
            known = self.offsets.get(event.boot)
            self.offsets[event.boot] = data.offset_ns
            return known is not None and abs(known - data.offset_ns) > _NOISE_NS
        if event.boot not in self.offsets:
            self.offsets[event.boot] = event.wall_ns - event.mono_ns
        return False

    def date(self, boot: str, mono_ns: int) -> int | None:
        """The wall time of a monotonic moment of a boot; None for a boot that was never seen."""
        offset = self.offsets.get(boot)
        return None if offset is None else offset + mono_ns
