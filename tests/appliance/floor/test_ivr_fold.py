"""Surveys and menus in the figures: each answer in its visit's windows, the share that served itself, and the same after a restart."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.catalogue import CallDigits, CallSurvey
from appliance.core.clock import NS
from appliance.core.config import Config, Kpi, PbxConfig
from appliance.core.ivr_config import IvrConfig
from appliance.floor.explain import explain
from appliance.floor.floor import bytes_from_state, state_from_bytes
from appliance.floor.shot import Shots
from appliance.floor.snapshot import Satisfaction, Snapshot

SURVEYED = {"p": PbxConfig(ivr=IvrConfig())}


def scored(visit: str | None, score: float, question: str = "satisfaction", queue: str = "ventas", agent: str | None = "ana") -> CallSurvey:
    return CallSurvey(call=f"c-{visit}", pbx="p", visit=visit, queue=queue, agent=agent, question=question, score=score)


def left_menus(call: str, ended: Any, ivr_s: float = 5.0) -> CallDigits:
    return CallDigits(call=call, pbx="p", path=("main:1",), ended=ended, ivr_s=ivr_s)


def talked(day: Any, at_s: float, visit: str, queue: str = "ventas", talk_s: float = 20) -> None:
    day.queued(at_s, visit, queue)
    day.answered(at_s + 5, visit, 5, queue)
    day.ended(at_s + 5 + talk_s, visit, talk_s, queue)


def shot(day: Any) -> Snapshot:
    return Shots(day.floor).take(day.clock.wall_ns())


def test_the_mean_stands_with_the_number_of_answers_for_queue_agent_and_floor(make_day) -> None:
    day = make_day(Config(pbx=SURVEYED))
    talked(day, 0, "v1")
    talked(day, 30, "v2", "soporte")
    day.tell(60, scored("v1", 5), scored("v1", 1, "solved"), scored("v2", 2, queue="soporte"))
    talked(day, 70, "v3")
    day.tell(100, scored("v3", 4))
    seen = shot(day)
    for window in ("today", "interval", "rolling"):
        assert getattr(seen.queues["ventas"], window).satisfaction == Satisfaction(mean=4.5, answers=2)
        assert getattr(seen.floor, window).satisfaction == Satisfaction(mean=3.67, answers=3)
        assert getattr(seen.floor, window).satisfaction_of == (11.0, 3)
    assert seen.agents is not None
    assert seen.agents["ana"].satisfaction == Satisfaction(mean=3.67, answers=3)


def test_which_questions_count_is_configured(make_day) -> None:
    for questions, mean in (((), 3.0), (("solved",), 1.0), (("satisfaction",), 5.0)):
        day = make_day(Config(pbx=SURVEYED, kpi=Kpi(satisfaction_questions=questions)))
        talked(day, 0, "v1")
        day.tell(60, scored("v1", 5), scored("v1", 1, "solved"))
        told = day.queue(60).today.satisfaction
        assert told is not None
        assert told.mean == mean


def test_an_answer_leaves_the_rolling_window_with_its_visit(make_day) -> None:
    day = make_day(Config(pbx=SURVEYED))
    talked(day, 0, "v1")
    day.tell(60, scored("v1", 5))
    assert day.queue(1700).rolling.satisfaction is not None
    rolled = day.queue(1900)
    assert (rolled.rolling.satisfaction, rolled.today.satisfaction) == (None, Satisfaction(mean=5.0, answers=1))


def test_an_answer_after_a_long_call_goes_to_the_half_hour_of_its_visit(make_day) -> None:
    day = make_day(Config(pbx=SURVEYED))
    talked(day, 0, "v1", talk_s=4000)
    half = day.floor.calendar.half_hour(day.clock.wall_ns() - 4000 * NS)
    day.tell(4020, scored("v1", 3))
    ventas = day.floor.state.queues["ventas"]
    assert ventas.halves[half].answers == 1
    day.tell(4030, scored(None, 4), scored("gone", 2, queue="otra"))  # of no visit that is known: when it came
    assert ventas.halves[half].answers == 1
    assert ventas.days[day.floor.calendar.day(day.clock.wall_ns())[0]].answers == 2
    assert day.floor.state.queues["otra"].days[day.floor.calendar.day(day.clock.wall_ns())[0]].score_milli == 2000


def test_self_service_is_the_share_of_those_who_left_the_menus(make_day) -> None:
    day = make_day(Config(pbx=SURVEYED))
    assert shot(day).floor.today.self_service_share_of is None, "no menu was ever told of"
    day.floor.visits.keep = True
    day.tell(100, left_menus("1", "self_service"), left_menus("2", "agent"), left_menus("3", "self_service", 60))
    day.tell(110, CallDigits(call="4", pbx="p", digits="1", path=("main:1",)))
    day.tell(120, left_menus("5", "agent"))
    seen = shot(day).floor
    assert (seen.today.self_service_share, seen.today.self_service_share_of) == (0.5, (2, 4))
    assert seen.rolling is not None
    assert seen.rolling.self_service_share_of == (2, 4)
    told = explain(day.floor, "self_service_share", day.clock.wall_ns(), None, language="es")
    assert (told.value, told.numerator, told.denominator) == (0.5, 2, 4)
    assert told.rows[0].why == "colgó en el menú, sin pedir un agente", "the oldest first: it was in the menus for a minute"
    with pytest.raises(KeyError, match="whole floor"):
        explain(day.floor, "self_service_share", day.clock.wall_ns(), "ventas")
    day.clock.advance(1800)
    later = shot(day).floor
    assert later.rolling is not None
    assert (later.rolling.self_service_share_of, later.today.self_service_share_of) == ((0, 0), (2, 4))


def test_explain_lists_the_answers(make_day) -> None:
    day = make_day(Config(pbx=SURVEYED))
    day.floor.visits.keep = True
    talked(day, 0, "v1", talk_s=3000)
    talked(day, 3010, "v2")
    day.tell(3060, scored("v1", 5), scored("v2", 4))
    told = explain(day.floor, "satisfaction", day.clock.wall_ns(), "ventas")
    assert (told.value, told.numerator, told.denominator) == (4.5, 9, 2)
    assert [row.why for row in told.rows] == ["5 points in 1 answers", "4 points in 1 answers"]


def test_the_cache_holds_all_of_it(make_day) -> None:
    config = Config(pbx=SURVEYED)
    day = make_day(config)
    talked(day, 0, "v1", talk_s=4000)
    day.tell(4010, left_menus("1", "self_service"))
    restored = state_from_bytes(bytes_from_state(day.floor.state), config, "")
    assert restored == day.floor.state
    assert state_from_bytes(bytes_from_state(day.floor.state), Config(kpi=Kpi(target_s=99)), "") is None


@given(st.lists(st.tuples(st.integers(0, 7), st.sampled_from(["call", "score"]), st.integers(1, 5), st.integers(0, 900)), max_size=15))
def test_every_answer_is_in_the_day_once_and_in_the_half_hours(make_day_class: Any, steps: list[tuple[int, str, int, int]]) -> None:
    day, at, answers, made = make_day_class(Config(pbx=SURVEYED)), 1.0, [], 0
    for number, what, score, wait in steps:
        at += wait
        if what == "call":
            made += 1
            talked(day, at, f"v{made}", talk_s=wait)
            at += wait + 5
        else:
            answers.append(score)
            day.tell(at, scored(f"v{number}", score))
    if not answers and not made:
        return
    shown = day.queue(at)
    state = day.floor.state.queues["ventas"]
    today = state.days[day.floor.calendar.day(day.clock.wall_ns())[0]]
    assert (today.answers, today.score_milli) == (len(answers), 1000 * sum(answers))
    assert sum(tally.answers for tally in state.halves.values()) == len(answers)
    recent = [day.floor.state.visits[key] for key in state.rolling_ids[state.rolling_head :]]
    assert (state.rolling.answers, state.rolling.score_milli) == (sum(v.answers for v in recent), sum(v.score_milli for v in recent))
    mean = shown.today.satisfaction
    assert (mean is None) == (not answers)
