"""The last hour of every figure: gaps where nothing was known, bounded for a large floor, surviving a restart, as HTTP gives it."""

from __future__ import annotations

import json

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.core.clock import NS, wall_ns_from_rfc3339
from appliance.floor.snapshot import Queue, Snapshot
from wallboard.figure import FIGURES
from wallboard.history.trend import POINTS, STEP_S, WINDOWS, Trend
from wallboard.history.trend_document import trend_document
from wallboard.sample import NOW_NS, HeldView, sample

MINUTE = 60 * NS


def with_waiting(count: int | None, fresh: str = "live") -> Snapshot:
    shot = sample()
    for scope in (shot.floor, shot.queues["ventas"]):
        scope.waiting, scope.fresh = count, fresh  # type: ignore[assignment]
    return shot


def test_one_point_a_minute_the_newest_last() -> None:
    trend = Trend()
    assert trend.points("floor", "waiting") == [None] * POINTS
    for minute in range(5):
        now = NOW_NS + minute * MINUTE
        assert trend.is_due(now)
        trend.sample(with_waiting(minute), now)
        assert not trend.is_due(now + 5 * NS)
    assert trend.points("floor", "waiting") == [None] * 56 + [0, 1, 2, 3, 4]
    assert trend.points("queue.ventas", "service_level")[-1] == 0.8661
    assert trend.points("queue.ventas", "offered", "interval") == [None] * POINTS  # the sample has no such window
    for minute in range(5, 100):
        trend.sample(with_waiting(minute), NOW_NS + minute * MINUTE)
    assert trend.points("floor", "waiting") == list(range(39, 100))


def test_what_is_stale_or_was_missed_is_a_gap_and_never_a_zero() -> None:
    trend = Trend()
    trend.sample(with_waiting(3), NOW_NS)
    trend.sample(with_waiting(3, "stale"), NOW_NS + MINUTE)
    trend.sample(with_waiting(None, "unknown"), NOW_NS + 2 * MINUTE)
    trend.sample(with_waiting(0), NOW_NS + 5 * MINUTE)  # two minutes in which this service hung
    assert trend.points("floor", "waiting")[-6:] == [3, None, None, None, None, 0]
    assert trend.points("floor", "offered")[-6:] == [413, None, None, None, None, 413]
    assert trend.points("soporte", "waiting") == [None] * POINTS


def test_a_clock_stepped_back_begins_anew_and_a_little_is_let_be() -> None:
    trend = Trend()
    trend.sample(with_waiting(1), NOW_NS)
    assert not trend.is_due(NOW_NS - 30 * NS)
    trend.sample(with_waiting(2), NOW_NS - 600 * NS)
    assert trend.points("floor", "waiting") == [None] * 60 + [2]
    trend.sample(with_waiting(3), NOW_NS + 7200 * NS)
    assert trend.points("floor", "waiting") == [None] * 60 + [3]


def test_the_cache_gives_the_same_lines_and_a_damaged_one_none() -> None:
    trend = Trend()
    for minute in range(70):
        trend.sample(with_waiting(minute % 7), NOW_NS + minute * MINUTE)
    data = trend.to_bytes()
    again = Trend.from_bytes(data)
    assert trend_document(again, None) == trend_document(trend, None)
    again.sample(with_waiting(5), NOW_NS + 80 * MINUTE)  # ten minutes later
    assert again.points("floor", "waiting")[-12:] == [6, *([None] * 10), 5]
    for damage in (b"", data[:40], data[:-1], b"\0" * len(data), data[:-3] + b"xyz"):
        assert Trend.from_bytes(damage).paths() == []


def test_two_hundred_queues_take_little_and_vanish_after_an_hour() -> None:
    shot = sample()
    full = shot.queues["ventas"]
    full.interval = full.rolling = full.today
    shot.queues = {f"q{number}": full for number in range(200)}
    trend = Trend()
    for minute in range(3):
        trend.sample(shot, NOW_NS + minute * MINUTE)
    held = sum(points.buffer_info()[1] * points.itemsize for series in trend._scopes.values() for points in series.values())
    assert held < 2.5e6
    assert len(trend.to_bytes()) < 200_000
    shot.queues = {"q0": full}
    for minute in range(3, 70):
        trend.sample(shot, NOW_NS + minute * MINUTE)
    assert trend.paths() == ["floor", "queue.q0"]
    shot.queues = {f"w{number}": full for number in range(3_000)}
    trend.sample(shot, NOW_NS + 70 * MINUTE)
    assert len(trend.paths()) == 1_000


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 90), st.one_of(st.none(), st.integers(0, 999))), min_size=1, max_size=40))
def test_lines_are_what_was_sampled_at_its_minute(steps: list[tuple[int, int | None]]) -> None:
    trend, at, known = Trend(), NOW_NS // MINUTE, {}
    for gap, count in steps:
        at += gap
        if trend.is_due(at * MINUTE):
            trend.sample(with_waiting(count, "live" if count is not None else "unknown"), at * MINUTE)
            known[at] = count
    newest = trend.minute
    assert trend.points("floor", "waiting") == [known.get(newest - back) for back in range(POINTS - 1, -1, -1)]


def test_every_figure_has_a_line_where_it_has_a_value() -> None:
    shot = sample()
    shot.floor.interval = shot.floor.rolling = shot.floor.today
    shot.groups["todas"] = Queue(fresh="live", waiting=2, today=shot.floor.today)
    trend = Trend()
    trend.sample(shot, NOW_NS)
    document = json.loads(msgspec.json.encode(trend_document(trend, None)))
    assert document["until"] == document["time"]
    assert wall_ns_from_rfc3339(document["until"]) == NOW_NS // MINUTE * MINUTE
    assert (document["step_s"], document["last_week"]) == (STEP_S, None)
    floor = document["floor"]
    assert {"waiting", "longest_wait", "service_level", "abandon_rate", "asa", "available", "busy", "trunks", "all_busy"} <= floor.keys()
    assert set(floor) <= set(FIGURES)
    assert {len(points) for points in floor.values()} == {POINTS}
    assert (floor["busy"][-1], floor["trunks"][-1], floor["ab_allocation"][-1], floor["longest_wait"][-1]) == (15, 17, 0.86, 41.2)
    assert "trunks" not in document["queues"]["ventas"]
    assert document["groups"]["todas"]["waiting"][-1] == 2
    for window in WINDOWS:
        one = trend_document(trend, None, window, {"floor"}, {"asa", "waiting"})
        assert set(one.floor) == {"asa", "waiting"}
        assert one.queues == {}


def test_the_held_view_of_the_sample_is_sampled() -> None:
    view, trend = HeldView(), Trend()
    trend.sample(view.snapshot(), view.now_ns())
    assert trend.points("queue.cobranzas", "longest_wait")[-1] == 9.0
