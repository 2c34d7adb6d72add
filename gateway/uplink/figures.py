"""Decides what the link to the CRM tells a monitoring system of itself: how fast the broker answers, how late events are there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from appliance.core.clock import NS, Clock
from appliance.core.command import VERBS
from appliance.core.event import Stored
from appliance.core.meter import Family, Histogram, Meter, Wire, count, gauge, wire_families
from gateway.uplink.lane import Lane
from gateway.uplink.window import Window


class Timing:
    """How long events took from the box's first sight of them to the broker's acknowledgement: one at a time, and none that was late."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.took = Histogram()
        self._timed: tuple[int, int] | None = None

    def sent(self, mid: int, row: Stored, late: bool) -> None:
        """This goes out now."""
        if self._timed is None and not late and row.boot == self._clock.boot and row.origin is None:
            self._timed = mid, row.mono_ns

    def acked(self, mids: Sequence[int]) -> None:
        """The broker took these."""
        if self._timed is not None and self._timed[0] in mids:
            self.took.observe((self._clock.mono_ns() - self._timed[1]) / NS)
            self._timed = None

    def again(self) -> None:
        """What was under way is forgotten."""
        self._timed = None


class Ended(Counter[tuple[str, str]]):
    """How commands ended, by verb and state; a verb that there is not is `other`."""

    def add(self, verb: str, state: str) -> None:
        """One more."""
        self[verb if verb in VERBS else "other", state] += 1


def tell(
    meter: Meter, lane: Lane, window: Window, timing: Timing, ended: Ended, link: Callable[[], Wire], newest: Callable[[], int]
) -> None:
    """Let them be asked. `link`: what the connection counts; `newest`: the journal's newest row."""

    def families() -> Iterable[Family]:
        yield from wire_families("crm", [link()])
        text = "From an event's sending to the broker's acknowledgement; one event at a time is timed."
        yield Family("callfloor_crm_acknowledgement_seconds", "histogram", text, (window.took.sample({}),), window.took.bounds)
        text = "From an event as the box saw it to the broker's acknowledgement, of those sent at once; one event at a time is timed."
        yield Family("callfloor_event_to_crm_seconds", "histogram", text, (timing.took.sample({}),), timing.took.bounds)
        yield gauge("callfloor_crm_window_events", "Events that may be under way to the broker now.", [({}, window.open)])
        yield gauge("callfloor_crm_under_way_events", "Events under way to the broker.", [({}, lane.under_way)])
        yield gauge("callfloor_journal_reader_behind_events", "Events that a reader of the journal has not read yet.",
                    [({"reader": "uplink"}, newest() - lane.cursor.seq)])  # fmt: skip
        yield count("callfloor_commands_finished", "Commands that ended, by verb and how.",
                    [({"verb": verb, "state": state}, amount) for (verb, state), amount in list(ended.items())])  # fmt: skip

    meter.ask("link", families)
