"""Invariants of the folds: the identity, windows that forget, agents' seconds, caches that are only caches."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.core.catalogue import BoxClockStepped, CallAnswered, PbxDown, PbxResynced, PbxUp, kind_of
from appliance.core.clock import NS
from appliance.core.config import Config, Kpi, Site
from appliance.core.event import Event
from appliance.core.hours_config import Hours
from appliance.floor.build import agent_counts, summed, unbalanced, utilisation
from appliance.floor.build import agent_snapshot as build_agent
from appliance.floor.calendar import Calendar
from appliance.floor.floor import Floor, bytes_from_state, state_from_bytes
from appliance.floor.tally import Tally

STEP = st.tuples(
    st.floats(0, 900), st.sampled_from(["queue", "answer", "abandon", "leave", "lose", "end", "wrap"]), st.integers(0, 30), st.booleans()
)


@settings(max_examples=60, deadline=None)
@given(steps=st.lists(STEP, max_size=80), by_completion=st.booleans())
def test_every_window_balances_whatever_is_told(make_day_class, steps, by_completion: bool) -> None:
    day = make_day_class(Config(kpi=Kpi(window="completion" if by_completion else "arrival")))
    at = 0.0
    for gap, what, number, other in steps:
        at += gap
        visit, queue = f"v{number}", "soporte" if other else "ventas"
        match what:
            case "queue":
                day.queued(at, visit, queue, waited_s=gap / 2)
            case "answer":
                day.answered(at, visit, gap, queue)
            case "abandon":
                day.abandoned(at, visit, gap, queue)
            case "leave":
                day.left(at, visit, gap, "timeout" if other else "not_told", queue)
            case "lose":
                day.lost(at, visit, queue)
            case "end":
                day.ended(at, visit, gap, queue, hold_s=gap / 3)
            case _:
                day.agent(at, "wrap_up" if other else "available")
        day.floor.advance(day.clock.wall_ns())
        assert unbalanced(day.floor) == []
    for queue in day.floor.state.queues.values():
        again = Tally()
        for visit in day.floor.state.visits.values():
            if visit.queue == queue.key and visit.rolling:
                again.count(visit)
        again.wait_max_ms = queue.rolling.wait_max_ms
        assert again == queue.rolling
        assert len(queue.waiting) == sum(v.state == "waiting" for v in day.floor.state.visits.values() if v.queue == queue.key)


@settings(max_examples=40, deadline=None)
@given(steps=st.lists(STEP, max_size=60), cut=st.integers(0, 60))
def test_a_cache_thrown_away_gives_the_same_bytes(make_day_class, steps, cut: int) -> None:
    day = make_day_class()
    at = 0.0
    for gap, what, number, other in steps:
        at += gap
        if what == "queue":
            day.queued(at, f"v{number}")
        elif what == "answer":
            day.answered(at, f"v{number}", gap)
        else:
            day.agent(at, "talking" if other else "paused")
    config = Config()
    day.floor.state.epoch = "e"
    cut = min(cut, len(day.events))
    half = Floor(config)
    half.state.epoch = "e"
    for seq, event in enumerate(day.events[:cut], 1):
        half.apply(seq, event)
    cached = state_from_bytes(bytes_from_state(half.state), config, "e")
    assert cached is not None
    resumed = Floor(config, cached)
    for seq, event in enumerate(day.events[cut:], cut + 1):
        resumed.apply(seq, event)
    assert bytes_from_state(resumed.state) == bytes_from_state(day.floor.state)
    assert state_from_bytes(bytes_from_state(half.state), Config(kpi=Kpi(target_s=99)), "e") is None
    assert state_from_bytes(bytes_from_state(half.state), config, "other") is None
    assert state_from_bytes(b"rubbish", config, "e") is None


def test_rolling_and_interval_forget_what_today_keeps(day) -> None:
    day.queued(0, "a")
    day.answered(20, "a", 20)
    day.queued(1000, "b")
    day.answered(1005, "b", 5)
    queue = day.queue(1700)
    assert (queue.rolling.offered, queue.rolling.wait_max) == (2, 20.0)
    queue = day.queue(1801)
    assert (queue.rolling.offered, queue.rolling.wait_max, queue.today.offered, queue.today.wait_max) == (1, 5.0, 2, 20.0)
    assert day.queue(4000).interval.offered == 0
    assert day.queue(4000).rolling.offered == 0
    assert list(day.floor.state.visits) == ["a", "b"]
    day.ended(4001, "a", 10)
    day.ended(4002, "b", 10)
    assert day.floor.state.visits == {}
    assert day.queue(4003).today.answered_ended == 2


def test_a_waiting_caller_taken_up_again_keeps_his_join(day) -> None:
    day.queued(0, "a")
    day.tell(10, PbxDown(pbx="p", reason="lost"))
    day.tell(40, PbxUp(pbx="p"))
    day.queued(40, "a", waited_s=41, inferred=True)
    day.tell(40, PbxResynced(pbx="p", blind_s=30, waiting=1))
    queue = day.queue(60)
    assert (queue.waiting, queue.longest_wait, queue.today.offered) == (1, 60.0, 1)


def test_each_second_of_an_agent_is_in_one_state_and_blindness_is_unknown(day) -> None:
    day.logged_in(0)
    day.agent(0, "available")
    day.agent(100, "talking")
    day.tell(200, PbxDown(pbx="p", reason="lost", unseen_s=20))
    day.tell(300, PbxUp(pbx="p"))
    day.agent(300, "paused", reason="baño")
    day.tell(310, PbxResynced(pbx="p"))
    now = day.clock.wall_ns() + 40 * NS
    agent = build_agent(day.floor, day.floor.state.agents["ana"], now, now)
    seconds = agent.seconds
    assert (seconds.available, seconds.talking, seconds.unknown, seconds.paused) == (100, 80, 130, 40)
    assert (agent.state, agent.reason) == ("paused", "baño")
    ratios = utilisation([agent])
    assert (ratios.ab_allocation, ratios.bc_on_phone) == (round(80 / 180, 4), round(180 / 220, 4))
    assert ratios.cd_availability is None
    assert ratios.coverage == round(220 / 350, 4)


def test_while_blind_agents_are_unknown_and_queues_stale(day) -> None:
    day.logged_in(0)
    day.agent(0, "available")
    day.queued(5, "a")
    day.tell(60, PbxDown(pbx="p", reason="lost", unseen_s=10))
    queue = day.queue(90)
    assert (queue.fresh, queue.waiting) == ("stale", 1)
    assert queue.as_of == "2026-11-21T14:07:30.000Z"
    assert (queue.agents.logged_in, queue.agents.unknown, queue.agents.available) == (1, 1, 0)


def test_a_source_never_seen_shows_nothing(make_day) -> None:
    day = make_day(seen=False)
    day.queued(0, "a")
    queue = day.queue(1)
    assert (queue.fresh, queue.waiting, queue.agents) == ("unknown", None, None)
    assert agent_counts(day.floor, ["available"], None) is None


def test_coverage_is_the_share_of_the_day_seen(day) -> None:
    day.queued(0, "a")
    day.tell(60, PbxDown(pbx="p", reason="lost", unseen_s=0))
    day.tell(100, PbxUp(pbx="p"), PbxResynced(pbx="p"))
    assert day.queue(200).today.coverage == 0.8


def test_coverage_counts_opening_hours_only(make_day) -> None:
    hours = Hours(sat=("14:00-15:00",))
    day = make_day(Config(site=Site(hours=hours)))
    day.queued(0, "a")
    assert day.queue(600).today.coverage == 0.6  # 14:06:40 to 14:16:40, of 14:00 to 14:16:40
    assert not day.floor.calendar.is_open(day.clock.wall_ns() + 3600 * NS)


def test_days_follow_the_sites_midnight_across_daylight_saving() -> None:
    madrid = Calendar("Europe/Madrid")
    start, end = madrid.day(1_792_900_000 * NS)  # 2026-10-25, 25 hours long
    assert (end - start) // NS == 25 * 3600
    kathmandu = Calendar("Asia/Kathmandu")
    assert kathmandu.half_hour(1_795_270_000 * NS) % (900 * NS) == 0


def test_opening_hours_may_pass_midnight_and_skip_holidays() -> None:
    night = Calendar("UTC", Hours(sat=("22:00-06:00",), sun=("22:00-06:00",), holidays=("2026-11-22",)))
    saturday = 1_795_219_200 * NS
    assert night.is_open(saturday + 23 * 3600 * NS)
    assert night.is_open(saturday + 29 * 3600 * NS)
    assert not night.is_open(saturday + 47 * 3600 * NS)


def test_a_stepped_clock_redates_the_boot_and_asks_to_fold_again(day) -> None:
    day.queued(0, "a")
    day.clock.advance(50)
    day.clock.step_wall(3600)
    stepped = BoxClockStepped(offset_ns=day.clock.wall_ns() - day.clock.mono_ns(), by_s=3600, quality="synced")
    event = Event(kind_of(stepped), "box/box", day.clock.wall_ns(), day.clock.mono_ns(), day.clock.boot, "synced", stepped)
    assert day.floor.apply(99, event)
    again = Floor(Config())
    again.state.timeline.offsets.update(day.floor.state.timeline.offsets)
    for seq, earlier in enumerate(day.events, 1):
        again.apply(seq, earlier)
    joined = again.state.visits["a"].joined_ns
    assert day.clock.wall_ns() - joined == 50 * NS


def test_repeat_calls_are_callers_answered_on_this_queue_within_a_day(day) -> None:
    day.queued(0, "a", caller="600111222")
    day.tell(5, CallAnswered(call="c-a", pbx="p", visit="a", queue="ventas", agent="ana", wait_s=5, caller="600111222"))
    day.queued(100, "b", caller="600111222")
    day.queued(110, "c", caller="600333444")
    day.queued(120, "d", "soporte", caller="600111222")
    day.queued(130, "e")
    assert day.queue(140).today.repeat_call_share == round(1 / 3, 4)
    assert day.queue(140, "soporte").today.repeat_call_share == 0.0
    whole = summed([day.queue(140).today, day.queue(140, "soporte").today])
    assert (whole.repeat_call_share_of, whole.repeat_call_share) == ((1, 4), 0.25), "the sum of the parts, not the mean of the rates"
    assert b"600111222" not in bytes_from_state(day.floor.state)
