"""Decides when a day is taken out of a fold that runs through many: as the fold leaves it, and once more a day later. Pure."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from appliance.floor.floor import Floor
from appliance.floor.history import Part, part_from_floor


class Collector:
    """Takes the wanted days out of a fold from the beginning; of a day taken twice the later, fuller part stays."""

    def __init__(self, wanted: Collection[date]) -> None:
        self.wanted = frozenset(wanted)
        self.parts: dict[date, Part] = {}

    def watch(self, floor: Floor) -> None:
        """Take days out of this fold from now on; one that dates everything anew is watched in its turn."""
        floor.leaving = lambda day_ns, next_ns: self.take(floor, day_ns, next_ns)

    def take(self, floor: Floor, day_ns: int, next_ns: int) -> None:
        """Take the days from the one before day_ns on until next_ns: what is in the fold, and silent days after it."""
        first = floor.calendar.day(day_ns - 1)[0]
        for local in self.wanted:
            span = floor.calendar.day_on(local)
            if first <= span[0] < next_ns:
                self.parts[local] = part_from_floor(floor, span, floor.state.now_ns)
