"""A click that waited at the broker because the journal took nothing is as old as that lasted, also on a connection made anew."""

from __future__ import annotations

from appliance.core.alive import Sight
from appliance.core.clock import NS, ManualClock
from gateway.uplink.kept import KEPT_S, Kept


def jammed(clock: ManualClock, wait_s: int) -> Kept:
    """A link on which one command waits so long for the journal."""
    link = Kept(clock, Sight(clock.boot, clock.mono_ns() - NS, 0))
    link.begins()
    link.speaks()
    clock.advance(600.0)
    came_ns = clock.mono_ns()
    for _ in range(wait_s):
        link.stands()
        clock.advance(1.0)
        link.waits(came_ns)
    assert link.age_s(came_ns) == wait_s, "itself it is as old as it waited here"
    return link


def test_what_the_broker_could_not_hand_over_while_the_journal_was_full_is_as_old_as_that_lasted() -> None:
    clock = ManualClock()
    link = jammed(clock, 3000)
    clock.advance(5.0)
    assert link.age_s(clock.mono_ns()) == 3005.0
    clock.advance(KEPT_S)
    assert link.age_s(clock.mono_ns()) == 0.0


def test_what_waited_for_the_journal_and_comes_again_on_a_new_connection_is_no_younger() -> None:
    clock = ManualClock()
    link = jammed(clock, 3000)
    link.stands()
    clock.advance(120.0)
    link.begins()
    link.speaks()
    assert link.age_s(clock.mono_ns()) == 3120.0
    link.speaks(session=False)
    assert link.age_s(clock.mono_ns()) == 0.0, "a broker that knows us not has kept nothing"


def test_a_moments_wait_makes_nothing_old() -> None:
    clock = ManualClock()
    link = jammed(clock, 1)
    clock.advance(0.5)
    assert link.age_s(clock.mono_ns()) == 0.0
