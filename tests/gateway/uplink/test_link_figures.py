"""What the link tells a monitoring system: how late events are, one at a time, and none that was late anyway."""

from __future__ import annotations

import msgspec

from appliance.core.clock import NS, ManualClock
from appliance.core.event import Origin, Stored
from gateway.uplink.figures import Ended, Timing


def row(clock: ManualClock, ago_s: float = 0.0, boot: str | None = None, origin: Origin | None = None) -> Stored:
    at_ns = clock.mono_ns() - round(ago_s * NS)
    return Stored("call.queued", "gateway/central", clock.wall_ns(), at_ns, boot or clock.boot, "synced", msgspec.Raw(b"{}"), origin)


def test_an_event_is_timed_from_its_first_sight_to_the_acknowledgement() -> None:
    clock = ManualClock()
    timing = Timing(clock)
    timing.sent(7, row(clock, ago_s=0.2), late=False)
    timing.sent(8, row(clock), late=False)  # one is timed already
    clock.advance(0.3)
    timing.acked([8])
    assert timing.took.sample({}).sum == 0
    timing.acked([7])
    assert timing.took.sample({}).sum == 0.5
    timing.acked([7])
    assert sum(timing.took.sample({}).counts or ()) == 1


def test_what_was_late_of_another_boot_or_another_box_or_forgotten_is_not_timed() -> None:
    clock = ManualClock()
    timing = Timing(clock)
    timing.sent(1, row(clock, ago_s=90), late=True)
    timing.sent(1, row(clock, boot="another"), late=False)
    timing.sent(1, row(clock, origin=Origin("ab-1", "s1", clock.wall_ns(), "synced")), late=False)
    timing.acked([1])
    timing.sent(2, row(clock), late=False)
    timing.again()
    timing.acked([2])
    assert sum(timing.took.sample({}).counts or ()) == 0


def test_a_verb_that_nobody_knows_has_no_label_of_its_own() -> None:
    ended = Ended()
    for verb in ("ping", "ping", "x" * 500, "612000101"):
        ended.add(verb, "done")
    assert dict(ended) == {("ping", "done"): 2, ("other", "done"): 2}
