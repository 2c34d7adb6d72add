"""Explain gives the board's own figure and every visit behind it."""

from __future__ import annotations

import pytest

from appliance.core.config import Config, Kpi, QueueConfig
from appliance.floor.explain import FIGURES, explain
from appliance.floor.service_level import VARIANTS


def tell(day) -> int:
    day.floor.visits.keep = True
    for number, wait in enumerate((3, 9, 14, 22)):
        day.queued(100 * number, f"a{number}")
        day.answered(100 * number + wait, f"a{number}", wait)
        day.ended(100 * number + wait + 30, f"a{number}", 30)
    day.queued(500, "b1")
    day.abandoned(502, "b1", 2)
    day.queued(510, "b2")
    day.abandoned(550, "b2", 40)
    day.queued(600, "l1")
    day.left(660, "l1", 60, "timeout")
    day.queued(700, "w1")
    day.queued(710, "x1", "soporte")
    day.lost(720, "x1", "soporte")
    return day.clock.wall_ns()


@pytest.mark.parametrize("figure", [figure for figure in FIGURES if figure not in ("self_service_share", "classified")])
@pytest.mark.parametrize("window", ["today", "interval", "rolling"])
def test_the_value_is_the_boards_and_the_rows_make_it(day, figure: str, window: str) -> None:
    now = tell(day)
    shown = getattr(getattr(day.queue(720), window), figure)
    told = explain(day.floor, figure, now, "ventas", window)
    assert told.value == shown
    if told.denominator and figure in ("service_level", "abandon_rate"):
        assert told.value == round(told.numerator / told.denominator, 4)


@pytest.mark.parametrize("variant", VARIANTS)
def test_rows_add_up_to_the_service_level_in_every_variant(make_day, variant: str) -> None:
    day = make_day(Config(kpi=Kpi(service_level=variant)))
    now = tell(day)
    told = explain(day.floor, "service_level", now, "ventas")
    assert (told.numerator, told.denominator) == day.queue(720).today.service_level_of
    assert told.variant == variant


def test_each_row_says_why_in_the_floors_language(day) -> None:
    now = tell(day)
    why = [row.why for row in explain(day.floor, "service_level", now, "ventas", language="es").rows]
    assert why[0] == "atendida a los 3.0 s, dentro de 15 s"
    assert why[4] == "colgó a los 2.0 s: abandono corto"
    assert why[6] == "desviada a los 60.0 s: timeout"
    assert why[7] == "sigue en cola: todavía no cuenta"


def test_the_whole_floor_adds_queues_by_their_own_targets(make_day) -> None:
    day = make_day(Config(queues={"soporte": QueueConfig(target_s=60)}))
    day.floor.visits.keep = True
    for queue in ("ventas", "soporte"):
        day.queued(0, f"v-{queue}", queue)
        day.answered(30, f"v-{queue}", 30, queue)
    told = explain(day.floor, "service_level", day.clock.wall_ns(), None)
    assert (told.numerator, told.denominator, told.value, told.target_s) == (1, 2, 0.5, None)


def test_unknown_names_are_told_with_what_there_is(day) -> None:
    now = tell(day)
    with pytest.raises(KeyError, match="one of: soporte, ventas"):
        explain(day.floor, "asa", now, "nadie")
    with pytest.raises(KeyError, match="unknown figure"):
        explain(day.floor, "speed", now, None)
