"""The floor model keeps its books: nobody is lost, nobody talks twice, and one seed is one day."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.core.errors import MisconfiguredError
from appliance.sim.floor_model import FloorModel
from appliance.sim.floor_model_ledger import truth
from appliance.sim.floor_model_plan import SCENARIOS, Plan, plan_named
from appliance.sim.floor_model_state import Answered, FloorEvent, Joined, Left, MemberPaused, Rang
from appliance.sim.floor_model_timer import Timetable


def check_books(model: FloorModel) -> None:
    told = truth(model)
    for row in [told["totals"], *told["queues"].values()]:
        left = row["timeout"] + row["exitkey"] + row["exitempty"] + row["withdrawn"]
        assert row["offered"] == row["answered"] + row["abandoned"] + left + row["lost"] + row["waiting"]
    for name in ("offered", "answered", "abandoned", "waiting", "rna", "refused"):
        assert told["totals"][name] == sum(row[name] for row in told["queues"].values())
    assert told["totals"]["waiting"] == sum(len(q.waiting) for q in model.queues.values())
    assert sum(a["answered"] for a in told["agents"].values()) == told["totals"]["answered"]


def check_people(model: FloorModel) -> None:
    """An agent has the call that has him, and no other."""
    having = {}
    for call in model.calls.values():
        visit = call.visit
        if visit is not None and visit.member is not None:
            agent = visit.member.agent
            assert agent not in having, f"{agent.plan.name} has two calls"
            having[agent] = visit
            assert agent.visit is visit
            assert agent.mode == ("talking" if visit.outcome == "talking" else "ringing")
    for agent in model.staff.agents.values():
        assert (agent.mode in ("ringing", "talking")) == (agent in having)


def key_of(at_s: float, event: FloorEvent) -> tuple[object, ...]:
    visit = getattr(event, "visit", None)
    call = getattr(event, "call", None) or (visit.call if visit else None)
    member = getattr(event, "member", None)
    return at_s, type(event).__name__, call and call.number, member and (member.name, member.queue.plan.name)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    scenario=st.sampled_from(sorted(SCENARIOS)),
    rate=st.floats(0.5, 120),
    agents=st.integers(1, 20),
    stops=st.lists(
        st.tuples(st.floats(1, 400), st.sampled_from(["restart", "kill", "pause", "remove", "add", "hang_up", "redirect"])), max_size=6
    ),
)
def test_nobody_is_lost_and_nobody_talks_twice(seed: int, scenario: str, rate: float, agents: int, stops: list[tuple[float, str]]) -> None:
    model = FloorModel(plan_named(scenario, calls_per_min=rate, agents=agents), seed)
    at_s = 0.0
    for delay_s, what in [*stops, (200.0, "end")]:
        at_s += delay_s
        for _ in model.advance(at_s):
            check_people(model)
        disturb(model, what)
        model.take()
        check_people(model)
        check_books(model)


def disturb(model: FloorModel, what: str) -> None:
    calls = list(model.calls.values())
    queue = next(iter(model.queues.values()))
    if what in ("restart", "kill"):
        model.stop(what)
        assert not model.calls
        model.start(register_within_s=3.0)
    elif what == "pause" and queue.members:
        model.staff.pause(queue.members[0].interface, None, True, "descanso")
    elif what == "remove" and queue.members:
        model.staff.remove(queue, queue.members[0].interface)
    elif what == "add":
        model.staff.add(queue, "PJSIP/999", "Nueva", 0, False, "")
    elif what == "hang_up" and calls:
        model.hang_up(calls[0])
    elif what == "redirect" and calls:
        model.redirect(calls[-1], "602")


@given(seed=st.integers(0, 1000))
@settings(max_examples=5, deadline=None)
def test_one_seed_is_one_day(seed: int) -> None:
    days = [[key_of(*e) for e in FloorModel(plan_named("morning"), seed).advance(600.0)] for _ in range(2)]
    assert days[0] == days[1]
    assert days[0] != [key_of(*e) for e in FloorModel(plan_named("morning"), seed + 1).advance(600.0)]


def test_a_fault_changes_only_what_it_touches() -> None:
    """Callers come at the same times from the same numbers after a restart as without it."""
    plain, hit = FloorModel(plan_named("calm"), 3), FloorModel(plan_named("calm"), 3)
    list(plain.advance(900.0))
    list(hit.advance(300.0))
    hit.stop("restart")
    hit.start(register_within_s=3.0)
    list(hit.advance(900.0))
    assert [(v.joined_s, v.call.caller) for v in plain.visits if v.call.arrived_s > 300.0 and v.call.visits[0] is v] == [
        (v.joined_s, v.call.caller) for v in hit.visits if v.call.arrived_s > 300.0 and v.call.visits[0] is v
    ]


def test_a_morning_has_of_everything() -> None:
    model = FloorModel(plan_named("morning"), 1)
    kinds = {type(event).__name__ for _, event in model.advance(4 * 3600.0)}
    told = truth(model)["totals"]
    assert kinds >= {"Arrived", "Joined", "Rang", "RingEnded", "Answered", "Held", "Ended", "Left", "Gone", "MemberPaused"}
    for name in ("answered", "abandoned", "timeout", "exitkey", "blind", "rna"):
        assert told[name] > 0, name
    assert 0.01 < told["abandoned"] / told["offered"] < 0.25
    reasons = {p.reason for p in model.staff.members("PJSIP/101")} | {"Auto-Pause"}
    assert reasons


def test_callers_are_served_in_their_order_and_paused_members_are_not_rung() -> None:
    model = FloorModel(plan_named("morning"), 5)
    for _, event in model.advance(1800.0):
        match event:
            case Joined(visit):
                assert visit.queue.waiting[visit.position - 1] is visit or visit.outcome != "waiting"
            case Rang(_, member):
                assert not member.gone
            case Answered(visit, member, position):
                assert position >= 1
                assert visit.member is member
            case Left(visit, _, _, _):
                assert visit not in visit.queue.waiting
            case MemberPaused(member):
                assert member.paused or not member.reason


def test_wrap_up_is_whole_real_seconds_at_any_speed() -> None:
    for speed in (1.0, 4.0, 7.3, 20.0, 60.0):
        for queue in plan_named("morning").at_speed(speed).queues:
            real_s = queue.wrap_up_s / speed
            assert real_s == pytest.approx(round(real_s))


def test_a_plan_that_cannot_be_is_refused() -> None:
    with pytest.raises(MisconfiguredError, match="no scenario 'evening'; there are calm"):
        plan_named("evening")
    with pytest.raises(MisconfiguredError, match="0 agents"):
        plan_named("calm", agents=0)
    with pytest.raises(MisconfiguredError, match="rate -1"):
        plan_named("calm", calls_per_min=-1.0)


def test_no_calls_is_a_quiet_floor() -> None:
    plan: Plan = msgspec.structs.replace(plan_named("calm", calls_per_min=0.0), pause_every_s=0.0)
    model = FloorModel(plan, 1)
    assert list(model.advance(3600.0)) == []
    assert truth(model)["totals"]["offered"] == 0


def test_time_skips_nothing() -> None:
    time = Timetable()
    seen: list[str] = []
    time.after(1.0, seen.append, "a")
    time.after(1.0, seen.append, "b")
    time.after(0.5, seen.append, "gone").cancel()
    with pytest.raises(ValueError, match="something due"):
        time.wait_until(2.0)
    while time.step():
        pass
    time.wait_until(2.0)
    assert (seen, time.now_s) == (["a", "b"], 2.0)
