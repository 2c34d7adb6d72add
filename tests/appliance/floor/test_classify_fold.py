"""Classified calls in the figures: each counts once, under its newest type, with its visit; what extraordinary ones leave standing."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.catalogue import AlarmAcknowledged, AlarmCleared, AlarmRaised, CallClassified
from appliance.core.classification_config import CallType, Classification
from appliance.core.config import Config, GroupConfig, Kpi
from appliance.floor.classify import alarm_of, is_of_call
from appliance.floor.explain import explain
from appliance.floor.floor import bytes_from_state, state_from_bytes
from appliance.floor.history import part_from_floor
from appliance.floor.shot import Shots
from appliance.floor.snapshot import Snapshot

GROUPED = Config(groups={"todas": GroupConfig(queues=("ventas", "soporte"))})


def classed(visit: str | None, kind: str | None, *, call: str | None = None, agent: str | None = "ana", **more: Any) -> CallClassified:
    return CallClassified(call=call or f"c-{visit}", pbx="p", visit=visit, agent=agent, type=kind, **more)


def talked(day: Any, at_s: float, visit: str, queue: str = "ventas", talk_s: float = 20) -> None:
    day.queued(at_s, visit, queue)
    day.answered(at_s + 5, visit, 5, queue)
    day.ended(at_s + 5 + talk_s, visit, talk_s, queue)


def shot(day: Any) -> Snapshot:
    return Shots(day.floor).take(day.clock.wall_ns())


def test_a_call_counts_once_under_its_newest_type_with_its_visit(make_day) -> None:
    day = make_day(GROUPED)
    talked(day, 0, "v1")
    talked(day, 30, "v2", "soporte")
    day.tell(60, classed("v1", "perfect"), classed("v2", "improper"), classed("v1", None, topic="factura"))
    seen = shot(day)
    for window in ("today", "interval", "rolling"):
        assert getattr(seen.queues["ventas"], window).classes == {"perfect": 1}
        assert getattr(seen.floor, window).classes == {"perfect": 1, "improper": 1}
        assert getattr(seen.groups["todas"], window).classes == {"perfect": 1, "improper": 1}
    day.tell(70, classed("v1", "imperfect"), classed("v1", "imperfect"))
    assert shot(day).floor.today.classes == {"imperfect": 1, "improper": 1}
    day.clock.advance(1800)
    later = shot(day)
    assert later.floor.rolling is not None
    assert (later.floor.rolling.classes, later.floor.today.classes) == ({}, {"imperfect": 1, "improper": 1})


def test_one_that_is_classified_long_after_goes_to_the_half_hour_of_its_visit(make_day) -> None:
    day = make_day()
    talked(day, 0, "v1", talk_s=4000)
    half = day.floor.calendar.half_hour(day.clock.wall_ns() - 4005 * 10**9)
    assert day.queue(4010).rolling.offered == 0
    day.tell(4020, classed("v1", "perfect"))
    ventas = day.floor.state.queues["ventas"]
    assert (ventas.halves[half].classes, ventas.rolling.classes) == ({"perfect": 1}, {})
    day.tell(4030, classed("v1", "improper"))
    assert ventas.halves[half].classes == {"improper": 1}
    # Its visit is long forgotten: whoever tells it says how long ago it began.
    day.tell(4040, classed("gone", "perfect", queue="ventas", age_s=4040.0))
    assert ventas.halves[half].classes == {"improper": 1, "perfect": 1}


def test_a_call_of_no_queue_is_the_floors_alone(make_day) -> None:
    day = make_day()
    day.tell(10, classed(None, "perfect", call="out-1"), classed(None, "perfect", call="out-2", queue="nobody-knows"))
    talked(day, 20, "v1")
    day.tell(60, classed("v1", "perfect"))
    seen = shot(day)
    assert (seen.queues["ventas"].today.classes, seen.floor.today.classes) == ({"perfect": 1}, {"perfect": 3})
    day.queued(70, "v9", "soporte")
    day.tell(80, classed("v9", "improper", call="out-1"))  # it joined a queue after all
    seen = shot(day)
    assert (seen.queues["soporte"].today.classes, seen.floor.today.classes) == ({"improper": 1}, {"perfect": 2, "improper": 1})
    day.clock.advance(1785)
    later = shot(day).floor
    assert later.rolling is not None
    assert later.rolling.classes == {"improper": 1}
    assert later.today.classes == {"perfect": 2, "improper": 1}


def test_of_a_queue_that_counts_where_calls_end_the_class_moves_with_its_visit(make_day) -> None:
    day = make_day(Config(kpi=Kpi(window="completion")))
    day.queued(0, "v1")
    day.tell(5, classed("v1", "perfect"))
    day.answered(2000, "v1", 2000)
    day.ended(2010, "v1", 10)
    halves = day.floor.state.queues["ventas"].halves
    assert [tally.classes for tally in halves.values() if tally.offered] == [{"perfect": 1}]
    day.tell(4000, classed("v1", "improper"))
    assert [tally.classes for tally in halves.values() if tally.offered] == [{"improper": 1}]
    assert sum(len(tally.classes) for tally in halves.values()) == 1


def test_the_cache_and_the_kept_day_hold_all_of_it(make_day) -> None:
    day = make_day()
    talked(day, 0, "v1")
    day.tell(60, classed("v1", "extraordinary"), classed(None, "perfect", call="out"))
    assert state_from_bytes(bytes_from_state(day.floor.state), Config(), "") == day.floor.state
    other = Config(classification=Classification(types={"extraordinary": CallType(extraordinary=False)}))
    assert state_from_bytes(bytes_from_state(day.floor.state), other, "") is None, "what is extraordinary is another fold"
    part = part_from_floor(day.floor, day.floor.calendar.day(day.clock.wall_ns()), day.clock.wall_ns())
    assert [tally.classes for tally in part.queues["ventas"].halves.values()] == [{"extraordinary": 1}]


KINDS = st.sampled_from(["perfect", "imperfect", "improper", "extraordinary", None])
STEP = st.tuples(st.sampled_from(["call", "class", "outside", "pause"]), st.integers(0, 5), KINDS, st.integers(0, 2500))


@given(st.lists(STEP, max_size=25))
def test_every_call_is_in_exactly_one_type(make_day_class: Any, steps: list[tuple[str, int, str | None, int]]) -> None:
    """Of one day, whatever comes in whatever order: types of the floor are the newest of each call, and half-hours make the day."""
    day, at, newest, made = make_day_class(), 1.0, {}, 0
    for what, number, kind, wait in steps:
        at += wait
        if what == "call":
            made += 1
            talked(day, at, f"v{made}", ("ventas", "soporte")[made % 2], talk_s=wait / 10)
            at += wait / 10 + 5
        elif what == "class" and number < made:
            visit = f"v{number + 1}"
            day.tell(at, classed(visit, kind, queue=("ventas", "soporte")[(number + 1) % 2]))
            if kind is not None:
                newest[visit] = kind
        elif what == "outside":
            day.tell(at, classed(None, kind, call=f"out{number}"))
            if kind is not None:
                newest[f"out{number}"] = kind
    if at > 30_000:  # the site's midnight comes
        return
    assert Counter(shot(day).floor.today.classes) == Counter(newest.values())
    queues = day.floor.state.queues.values()
    halves: Counter[str] = Counter()
    for counts in [*(tally.classes for queue in queues for tally in queue.halves.values()), *day.floor.state.classes.halves.values()]:
        halves.update(counts)
    assert halves == Counter(newest.values())


def test_explain_lists_them_with_their_types(make_day) -> None:
    day = make_day()
    day.floor.visits.keep = True
    talked(day, 0, "v1", talk_s=3000)
    talked(day, 3010, "v2", "soporte")
    day.tell(3100, classed("v1", "perfect"), classed("v2", "prank"), classed(None, "improper", call="out"))
    now = day.clock.wall_ns()
    told = explain(day.floor, "classified", now, None, language="es")
    assert (told.value, [row.why for row in told.rows]) == (
        3, ["tipo de llamada: Perfectas", "tipo de llamada: prank", "tipo de llamada: Impropias"],
    )  # fmt: skip
    assert sum(shot(day).floor.today.classes.values()) == told.value
    assert explain(day.floor, "classified", now, "ventas").value == 1
    assert explain(day.floor, "classified", now, None, "rolling").value == sum(shot(day).floor.rolling.classes.values()) == 2


def raised(agent: str, call: str) -> AlarmRaised:
    return AlarmRaised(alarm=alarm_of(agent), level="red", agent=agent, seat="a12", call=call)


def test_an_extraordinary_call_stands_until_its_alarm_went(make_day) -> None:
    day = make_day()
    day.queued(0, "v1")
    day.answered(5, "v1", 5)
    day.tell(6, classed("v1", "extraordinary"))
    standing = day.floor.state.classes.extraordinary
    assert (standing[alarm_of("ana")].call, standing[alarm_of("ana")].over_ns, standing[alarm_of("ana")].raised) == ("c-v1", 0, False)
    day.tell(7, raised("ana", "c-v1"))
    assert standing[alarm_of("ana")].raised
    (alarm,) = shot(day).alarms
    assert (alarm.id, alarm.level, alarm.agent, alarm.seat) == ("call.extraordinary.ana", "red", "ana", "a12")
    day.ended(20, "v1", 15)
    assert standing[alarm_of("ana")].over_ns == day.clock.wall_ns()
    day.tell(30, AlarmCleared(alarm=alarm_of("ana")))
    assert (standing, shot(day).alarms) == ({}, [])


def test_the_next_extraordinary_call_of_an_agent_is_news(make_day) -> None:
    day = make_day()
    for visit in ("v1", "v2"):
        talked(day, 100 * int(visit[1]), visit)
    day.tell(300, classed("v1", "extraordinary"), raised("ana", "c-v1"), AlarmAcknowledged(alarm=alarm_of("ana"), by="crm"))
    day.tell(301, classed("v2", "extraordinary"))
    assert not day.floor.state.classes.extraordinary[alarm_of("ana")].raised
    day.tell(302, raised("ana", "c-v2"))
    (alarm,) = shot(day).alarms
    assert alarm.acknowledged is None, "nobody has seen this one"


def test_one_that_was_told_of_and_seen_is_no_news_when_its_form_is_saved_again(make_day) -> None:
    """The agent's first click raised the alarm, the supervisor saw it, the call is over; then the CRM tells the whole form."""
    day = make_day()
    talked(day, 0, "v1")
    day.tell(60, classed("v1", "extraordinary"), raised("ana", "c-v1"), AlarmCleared(alarm=alarm_of("ana")))
    day.tell(70, classed("v1", "extraordinary", topic="amenaza"))
    assert day.floor.state.classes.extraordinary == {}
    talked(day, 80, "v2")
    day.tell(110, classed("v2", "extraordinary"), classed("v1", "extraordinary"))
    assert day.floor.state.classes.extraordinary[alarm_of("ana")].call == "c-v2", "a call that was seen takes no other's place"
    day.tell(120, classed("v1", "perfect"), classed("v1", "extraordinary"))
    assert day.floor.state.classes.extraordinary[alarm_of("ana")].call == "c-v1", "it was none in between: that is news"


def test_one_that_turns_out_to_be_none_is_withdrawn(make_day) -> None:
    day = make_day()
    talked(day, 0, "v1")
    day.tell(60, classed("v1", "extraordinary"))
    day.tell(61, classed("v1", "perfect"))
    assert day.floor.state.classes.extraordinary == {}
    day.tell(62, classed("v1", "extraordinary"), raised("ana", "c-v1"), classed("v1", "improper"))
    assert day.floor.state.classes.extraordinary[alarm_of("ana")].withdrawn


def test_what_is_extraordinary_is_configured(make_day) -> None:
    own = Config(
        classification=Classification(types={"extraordinary": CallType(extraordinary=False), "threat": CallType(extraordinary=True)})
    )
    day = make_day(own)
    talked(day, 0, "v1")
    day.tell(60, classed("v1", "extraordinary"))
    assert day.floor.state.classes.extraordinary == {}
    day.tell(61, classed("v1", "threat", agent=None))
    assert list(day.floor.state.classes.extraordinary) == ["call.extraordinary"]


@pytest.mark.parametrize(
    ("alarm", "ours"), [("call.extraordinary", True), ("call.extraordinary.ana", True), ("call.extraordinaryana", False)]
)
def test_which_alarms_are_of_calls(alarm: str, ours: bool) -> None:
    assert is_of_call(alarm) is ours
