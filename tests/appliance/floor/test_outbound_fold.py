"""What commands dialled, in the floor's windows: attempts, contacts, outcomes; nothing of it in queues, and a dash where nothing was."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from appliance.core.catalogue import AttemptOutcome, CallAttempted
from appliance.core.clock import NS
from appliance.floor.floor import bytes_from_state, state_from_bytes
from appliance.floor.outbound import outbound_of
from appliance.floor.shot import Shots
from appliance.floor.snapshot import Outbound, Snapshot


def shot(day: Any, more_s: float = 0.0) -> Snapshot:
    return Shots(day.floor).take(day.clock.wall_ns() + round(more_s * NS))


def attempt(outcome: AttemptOutcome) -> CallAttempted:
    return CallAttempted(call="k", pbx="central", agent="agente-101", dialled="0991234500", command="c", outcome=outcome)


def test_attempts_contacts_and_outcomes_by_window(make_day) -> None:
    day = make_day()
    assert shot(day).floor.today.outbound is None, "nothing was ever dialled: a dash, not a zero"
    for at_s, outcome in ((10, "answered"), (20, "busy"), (30, "agent_no_answer"), (40, "unknown")):
        day.tell(at_s, attempt(outcome))
    one = Outbound(attempts=3, contacts=1, outcomes={"answered": 1, "busy": 1, "agent_no_answer": 1, "unknown": 1})
    floor = shot(day).floor
    assert floor.interval is not None
    assert floor.rolling is not None
    assert (floor.today.outbound, floor.interval.outbound, floor.rolling.outbound) == (one, one, one)
    day.tell(3700, attempt("answered"))
    later = shot(day).floor
    assert later.today.outbound is not None
    assert later.rolling is not None
    assert later.interval is not None
    assert (later.today.outbound.attempts, later.today.outbound.contacts) == (4, 2)
    assert later.rolling.outbound == later.interval.outbound == Outbound(attempts=1, contacts=1, outcomes={"answered": 1})
    empty = shot(day, 2000).floor
    assert empty.rolling is not None
    assert empty.rolling.outbound == Outbound()
    assert shot(day, 86_400).floor.today.outbound == Outbound()
    assert shot(day, 3 * 86_400).floor.today.outbound is None, "nobody dials here any more"


def test_a_cache_gives_the_same_figures(make_day) -> None:
    day = make_day()
    for at_s in range(200):
        day.tell(at_s * 60, attempt("answered" if at_s % 3 else "congested"))
    state = day.floor.state
    state.epoch = "e"
    day.floor.advance(day.clock.wall_ns())
    again = state_from_bytes(bytes_from_state(state), day.floor.config, "e")
    assert again is not None
    assert again.outbound == state.outbound


@given(st.dictionaries(st.sampled_from(AttemptOutcome.__args__), st.integers(0, 1000)))
def test_every_attempt_is_an_outcome_and_no_contact_more_than_an_attempt(outcomes: dict[str, int]) -> None:
    told = outbound_of(outcomes)
    assert told.contacts <= told.attempts
    assert told.attempts == sum(outcomes.values()) - sum(count for name, count in outcomes.items() if name.startswith("agent_"))
