"""Whatever a FreeSWITCH says, in whatever order: nothing raises, every visit begins once and ends once, and no agent is in two states."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[2] / "contract"))

from pbx_day import ends_of

CALLERS, STAYS = st.integers(1, 3), st.sampled_from("ab")
REASONS = st.sampled_from(["TIMEOUT", "BREAK_OUT", "NONE", "EXIT_WITH_KEY", ""])
STATES = st.sampled_from([{}, {"Answer_State": "answered"}, {"Answer_State": "hangup"}, {"Channel_State": "CS_HANGUP"}])
ROWS = st.lists(st.tuples(CALLERS, st.sampled_from(["Waiting", "Trying", "Answered", "Abandoned"]), STAYS), max_size=3)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("join"), CALLERS, STAYS),
        st.tuples(st.just("ring"), CALLERS, STAYS),
        st.tuples(st.just("take"), CALLERS, STAYS, st.booleans()),
        st.tuples(st.just("cancel"), CALLERS, REASONS, STATES),
        st.tuples(st.just("over"), CALLERS, st.booleans(), st.booleans(), STAYS),
        st.tuples(st.just("hang_up"), st.sampled_from(["c1", "c2", "c3", "leg"]), st.sampled_from(["NORMAL_CLEARING", "SYSTEM_SHUTDOWN"])),
        st.tuples(st.just("hold"), st.sampled_from(["CHANNEL_HOLD", "CHANNEL_UNHOLD"]), st.sampled_from(["leg", "c1"])),
        st.tuples(st.just("status"), st.sampled_from(["Available", "On Break", "Logged Out", "Unknown", ""])),
        st.tuples(st.just("blind"), ROWS, st.booleans(), st.booleans()),
        st.tuples(st.just("again"), ROWS),
        st.tuples(st.just("wait"), st.sampled_from([0.1, 0.5, 1.5, 3.0, 61.0])),
    ),
    max_size=25,
)


def play(pbx: Any, row: Callable[..., tuple[object, ...]], step: tuple[Any, ...]) -> None:
    match step:
        case "join", number, stay:
            pbx.join(number, stay=stay)
        case "ring", number, stay:
            pbx.ring(number, stay=stay)
        case "take", number, stay, joined:
            pbx.take(number, stay=stay, joined=joined)
        case "cancel", number, reason, state:
            pbx.cancel(number, reason, **state)
        case "over", number, bridged, alive, stay:
            pbx.over(number, bridged=bridged, alive=alive, stay=stay)
        case "hang_up", channel, cause:
            pbx.hang_up(channel, cause)
        case "hold", name, channel:
            pbx.say(name, Unique_ID=channel)
        case "status", status:
            pbx.say("agent-status-change", CC_Agent="1000@default", CC_Agent_Status=status)
        case "blind", rows, restarted, settled:
            pbx.disconnect().at(pbx.wall_s - 1_795_000_000 + 1)
            pbx.core = f"{pbx.core}!" if restarted else pbx.core
            pbx.members = [row(number, state, 0.0, agent="1000@default", stay=stay) for number, state, stay in rows]
            pbx.connect(settle=settled)
        case "again", rows:
            pbx.members = [row(number, state, 0.0, agent="1000@default", stay=stay) for number, state, stay in rows]
            pbx.answer(settle=False)
        case "wait", seconds:
            pbx.at(pbx.wall_s - 1_795_000_000 + seconds)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_any_order_of_things(script: Callable[..., Any], row: Callable[..., tuple[object, ...]], steps: list[tuple[Any, ...]]) -> None:
    pbx = script().connect()
    for step in steps:
        play(pbx, row, step)
    pbx.at(pbx.wall_s - 1_795_000_000 + 10)
    ends_of(pbx.events)
    talks = len(pbx.source.tracker.talks.open)
    answered, ended = len(pbx.of("call.answered")), len(pbx.of("call.ended"))
    assert answered - ended == talks
    assert all(event.wait_s >= 0 for event in pbx.of("call.answered", "call.abandoned", "call.left"))
    assert all(0 <= event.hold_s <= event.talk_s for event in pbx.of("call.ended"))
    logged_in = len(pbx.of("agent.logged_in")) - len(pbx.of("agent.logged_out"))
    assert logged_in in (0, 1)
