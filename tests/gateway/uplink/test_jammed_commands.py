"""A click that waited at the broker for a full disk, or while the box and its clock stood still, is no younger for that."""

from __future__ import annotations

import pytest

from appliance.core.alive import Sight
from appliance.core.clock import NS, ManualClock, rfc3339
from appliance.core.command import too_late
from appliance.core.event import ClockQuality
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


@pytest.mark.parametrize(
    ("quality", "age_s", "reason"),
    [("synced", None, None), ("holdover", 300.0, None), ("holdover", None, "too_old")],
)
def test_a_clock_that_stood_still_with_the_box_makes_no_old_click_young(
    quality: ClockQuality, age_s: float | None, reason: str | None
) -> None:
    """After a power cut such a clock goes on from where it stood: what the broker kept since looks as if it was sent just now."""
    now_ns = 1_795_000_000 * NS
    told = too_late("originate", rfc3339(now_ns), now_ns, quality, expires=rfc3339(now_ns + 60 * NS), age_s=age_s)
    assert (told.reason or "").partition(":")[0] == reason if told is not None else reason is None
    assert too_late("pause", rfc3339(now_ns), now_ns, quality, age_s=age_s) is None
