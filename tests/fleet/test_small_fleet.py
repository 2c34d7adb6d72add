"""Twenty boxes at one broker that is stopped and started again: all come back, nothing is lost, nothing stays double; and what the figures mean."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fleet.fleet_figures import Arrival, books, drain, holes, most_within, spread
from tests.fleet.fleet_run import Fleet, Plan


@pytest.mark.broker
def test_twenty_boxes_outlive_their_broker(tmp_path: Path) -> None:
    plan = Plan(
        boxes=20, rate=8, calm_s=0.3, away_s=0.7, patience_s=20, rounds=(("stop", "site"),), workers=1, sites=3,
        floor_every_s=1.0, reconnect_max_s=1.0, settle_s=0.1, saves=False,
    )  # fmt: skip
    fleet = Fleet(tmp_path / "fleet", plan, lambda _text: None)
    try:
        result = fleet.run()
    finally:
        fleet.close()
    assert result.is_whole, result
    assert result.after_resend.recorded > result.after_resend.acknowledged > 50
    assert result.after_resend.disordered == {"site": 0}
    assert result.rounds[0].drained.events >= 40, "they went on recording while the broker was away"
    assert (result.rounds[0].came_back.boxes, result.online, result.floors) == (20, 20, 20)


def arrival(at_s: float, n: int, box: str = "b", seq: int | None = None) -> Arrival:
    return at_s, f"e-{n if seq is None else seq}", box, n, False


def test_books_count_what_is_lost_double_unknown_and_out_of_order() -> None:
    boxes = {"b": {"epoch": "e", "due": [1, 2, 3, 4, 5], "acknowledged": 5}}
    came = [arrival(0, 1), arrival(1, 3), arrival(2, 2), arrival(3, 3), arrival(4, 9, seq=9), arrival(5, 5, seq=99)]
    found = books(boxes, {"b": 5}, {"site": came})
    assert (found.recorded, found.lost, found.doubled, found.unknown) == (5, 2, 1, 1)
    assert (found.disordered, found.doubled_after) == ({"site": 1}, 0)
    # Behind the head nothing is looked at: it was recorded after the last mark.
    assert books(boxes, {"b": 3}, {"site": came}).lost == 0
    # A number that two events had is double whatever the ids say.
    assert books(boxes, {"b": 5}, {"site": [arrival(0, 1), arrival(1, 1, seq=2)]}).doubled_after == 1


def test_a_drain_is_what_was_recorded_while_nobody_listened() -> None:
    came = [arrival(0.5, 1), arrival(11.0, 2), arrival(12.0, 3), arrival(13.0, 3), arrival(14.0, 4)]
    found = drain(came, {"b": 1}, {"b": 3}, 10.0)
    assert (found.events, found.all_s) == (2, 2.0)


def test_a_spread_counts_each_box_once() -> None:
    boxes = {"a": {"connected": [1.0, 10.5, 30.0]}, "b": {"connected": [9.9, 11.0]}, "c": {"connected": [1.0]}}
    found = spread(boxes, 9.0, 10.0, 60.0)
    assert (found.boxes, found.max_s, found.most_per_s, found.again) == (2, 0.5, 2, 2)
    assert spread({}, 0.0, 0.0, 1.0).boxes == 0


def test_a_second_is_looked_at_wherever_it_begins() -> None:
    assert most_within([0.6, 0.9, 1.1, 1.5, 3.0]) == 4
    assert most_within([]) == 0


def test_holes_are_ranges_up_to_the_head() -> None:
    assert holes({"a": 3, "b": 5}, [arrival(0, 1), arrival(0, 3)]) == {"a": [(1, 3)], "b": [(2, 2), (4, 5)]}
