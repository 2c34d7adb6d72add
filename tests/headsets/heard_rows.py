"""Rows of a journal as the box's services append them, at times in a test's hand."""

from __future__ import annotations

from msgspec import Struct

from appliance.core.catalogue import kind_of
from appliance.core.clock import NS
from appliance.core.event import Entry, Event, Origin, body_from_event

WALL_NS = 1_795_000_000 * NS


class Rows:
    """One journal's rows. `now_ns` is the monotonic time of the next one."""

    def __init__(self) -> None:
        self.all: list[Entry] = []
        self.now_ns = 1000 * NS
        self.boot = "one"

    def tell(self, *data: Struct, box: str | None = None, service: str = "gateway") -> list[Entry]:
        """Append these; `box`: another box of the site told them."""
        new = []
        for each in data:
            seq = len(self.all) + 1
            origin = Origin(f"abc-{seq}", box, WALL_NS, "synced") if box else None
            event = Event(kind_of(each), f"{service}/x", WALL_NS + self.now_ns, self.now_ns, self.boot, "synced", each, origin)
            new.append(Entry(seq, None, body_from_event(event)))
            self.all.append(new[-1])
        return new
