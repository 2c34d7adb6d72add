"""The definitions of docs/kpis.md, its two worked examples first."""

from __future__ import annotations

import pytest

from appliance.core.config import Config, Kpi, QueueConfig
from appliance.floor.service_level import VARIANTS, counts_in, service_level_of
from appliance.floor.tally import Tally


def example_one(day) -> None:
    for at, (visit, wait) in enumerate((("a1", 3), ("a2", 9), ("a3", 14), ("a4", 22))):
        day.queued(100 * at, visit)
        day.answered(100 * at + wait, visit, wait)
    day.queued(500, "b1")
    day.abandoned(502, "b1", 2)
    day.queued(510, "b2")
    day.abandoned(550, "b2", 40)
    day.queued(600, "l1")
    day.left(660, "l1", 60, "timeout")
    day.queued(700, "w1")


def test_first_worked_example(day) -> None:
    example_one(day)
    queue = day.queue(710)
    today = queue.today
    assert (today.offered, today.answered, today.abandoned, today.short_abandoned) == (8, 4, 2, 1)
    assert (today.left, today.left_by, today.unknown, today.waiting) == (1, {"timeout": 1}, 0, 1)
    assert today.asa == 12.0
    assert today.abandon_rate_of == (2, 7)
    assert today.abandon_rate == 0.2857
    assert (queue.waiting, queue.longest_wait) == (1, 10.0)
    assert today.service_level_variant == "handled"


@pytest.mark.parametrize(
    ("variant", "part", "whole"),
    [("answered", 3, 4), ("handled", 3, 6), ("offered", 3, 7), ("less_short", 3, 5), ("abandon_in_time", 4, 6)],
)
def test_service_levels_of_the_first_example(make_day, variant: str, part: int, whole: int) -> None:
    day = make_day(Config(kpi=Kpi(service_level=variant)))
    example_one(day)
    today = day.queue(710).today
    assert today.service_level_of == (part, whole)
    assert today.service_level == round(part / whole, 4)
    assert today.service_level_variant == variant


SECOND = {
    "asterisk-sl": 82.35, "asterisk-sl2": 79.59, "cisco-ignore": 77.78, "cisco-negative": 71.43, "cisco-negative-short": 74.47,
    "cisco-positive": 79.59, "cisco-positive-short": 78.72, "handled": 72.92, "less_short": 76.09, "abandon_in_time": 81.25,
    "answered": 82.35, "offered": 70.00, "genesys-all-abandons": 72.92, "genesys-short-excluded": 76.09,
    "genesys-abandons-excluded": 82.35, "genesys-flow-outs-counted": 70.00, "avaya-bcms": 70.00,
}  # fmt: skip


@pytest.mark.parametrize("variant", VARIANTS)
def test_second_worked_example_in_every_variant(make_day, variant: str) -> None:
    day = make_day(Config(kpi=Kpi(target_s=20, service_level=variant)))
    at = 0.0
    plan = [("answered", 10)] * 70 + [("answered", 30)] * 15 + [("abandoned", 3)] * 4 + [("abandoned", 12)] * 4 + [("abandoned", 40)] * 3
    plan += [("timeout", 60)] * 2 + [("callback", 25)] * 2
    for number, (outcome, wait) in enumerate(plan):
        at += 1
        visit = f"v{number}"
        day.queued(at, visit)
        at += wait
        if outcome == "answered":
            day.answered(at, visit, wait)
        elif outcome == "abandoned":
            day.abandoned(at, visit, wait)
        else:
            day.left(at, visit, wait, outcome)
    level = day.queue(at).today.service_level
    assert level is not None
    assert 100 * level == pytest.approx(SECOND[variant], abs=0.011)


@pytest.mark.parametrize("variant", ["asterisk-sl2", "cisco-ignore", "cisco-negative", "cisco-positive-short"])
def test_a_variant_that_needs_time_outs_is_null_where_the_pbx_does_not_tell_them(variant: str) -> None:
    assert service_level_of(variant, Tally(offered=2, answered=1, answered_in_time=1, left=1, left_by={"not_told": 1})) is None
    assert service_level_of("handled", Tally(offered=2, answered=1, answered_in_time=1, left=1, left_by={"not_told": 1})) == (1, 1)


def test_within_target_means_not_later_than_it(day) -> None:
    day.queued(0, "a")
    day.answered(15, "a", 15.0)
    day.queued(20, "b")
    day.answered(36, "b", 15.001)
    assert day.queue(40).today.answered_in_time == 1


def test_a_queue_may_have_its_own_target_and_variant(make_day) -> None:
    day = make_day(Config(queues={"ventas": QueueConfig(target_s=30, service_level="answered", short_abandon_s=10)}))
    day.queued(0, "a")
    day.answered(25, "a", 25)
    day.queued(30, "b")
    day.abandoned(39, "b", 9)
    today = day.queue(40).today
    assert (today.service_level, today.target, today.short_abandoned) == (1.0, 30, 1)


def test_a_rate_over_nothing_is_null(day) -> None:
    day.queued(0, "a")
    today = day.queue(1).today
    assert today.service_level is None
    assert today.abandon_rate is None
    assert today.asa is None
    assert today.wait_max is None


def test_unknown_is_in_no_numerator_and_no_denominator(day) -> None:
    day.queued(0, "a")
    day.answered(5, "a", 5)
    day.queued(10, "b")
    day.lost(100, "b")
    today = day.queue(101).today
    assert (today.offered, today.answered, today.unknown) == (2, 1, 1)
    assert today.service_level_of == (1, 1)
    assert today.abandon_rate_of == (0, 1)


def test_talk_and_wrap_up_make_aht(day) -> None:
    day.logged_in(0)
    day.queued(1, "a")
    day.answered(4, "a", 3)
    day.agent(4, "talking")
    day.ended(64, "a", 60, hold_s=10)
    day.agent(64, "wrap_up")
    today = day.queue(70).today
    assert (today.answered_ended, today.talk_avg, today.hold_sum, today.wrap_up_sum) == (1, 60.0, 10.0, 0.0)
    day.agent(84, "available")
    today = day.queue(90).today
    assert (today.wrap_up_sum, today.aht) == (20.0, 80.0)
    assert day.queue(90).rolling.wrap_up_sum == 20.0


def test_explain_rows_agree_with_the_table() -> None:
    assert counts_in("handled", "answered_in_time") == (True, True)
    assert counts_in("handled", "answered") == (False, True)
    assert counts_in("handled", "left") == (False, False)
    assert counts_in("less_short", "short_in_time") == (False, False)
    assert counts_in("cisco-positive", "timeout_in_time") == (False, True)
    assert counts_in("asterisk-sl2", "timeout_in_time") == (True, True)
