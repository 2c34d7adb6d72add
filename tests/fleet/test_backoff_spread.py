"""A thousand boxes do not come back in the same second: the product's own back-off, played without a network, for several outages."""

from __future__ import annotations

import random

import pytest

from gateway.uplink.backoff import Backoff
from tests.fleet.fleet_figures import most_within, quantile

BOXES = 1000


def returns_s(away_s: float, max_s: float = 60.0, seed: int = 6) -> list[float]:
    """When each box is back, in seconds since the broker listens again: all lose it at once, and nobody answers until then."""
    dice = random.Random(seed)
    back = []
    for _ in range(BOXES):
        backoff = Backoff(max_s, dice.random)
        backoff.proved()
        at_s = backoff.next_s(answered=True, stood=True)
        while at_s < away_s:
            at_s += backoff.next_s(answered=False)
        back.append(at_s - away_s)
    return back


@pytest.mark.parametrize("away_s", [0.1, 1.0, 2.0, 4.0, 20.0, 600.0])
def test_half_are_back_within_five_seconds_and_no_second_sees_most_of_them(away_s: float) -> None:
    back = returns_s(away_s)
    assert quantile(back, 0.5) <= 5.0
    assert max(back) <= 60.0
    assert most_within(back) <= 0.4 * BOXES


def test_a_broker_that_greets_and_drops_is_left_alone_more_and_more() -> None:
    """Only what it acknowledges proves a broker: greeted and dropped again and again, a thousand boxes come ever more seldom."""
    dice = random.Random(7)
    visits = []
    for _ in range(BOXES):
        backoff = Backoff(60.0, dice.random)
        backoff.proved()
        at_s = 0.0
        while at_s < 900.0:
            at_s += backoff.next_s(answered=True, stood=True)
            visits.append(at_s)
    late = [at for at in visits if 600.0 <= at < 900.0]
    assert len(late) / 300.0 <= BOXES / 25.0, "on average half a minute between two visits of one box"
    assert most_within(late) <= 0.1 * BOXES
