"""The headset compared with the PBX: hold times, beginnings and ends, and nothing from facts that are old or unknown."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headsets.crosscheck import CLEAR_S, FINDINGS, CrossCheck, Facts, Holds, truth_of

S = 1_000_000_000
CALM = Facts(agent_state="talking", attached=True, hook="off", mute=False, fresh="live", held_elsewhere=False)
SO = {
    "call_on_hook": msgspec.structs.replace(CALM, hook="on"),
    "off_hook_no_call": msgspec.structs.replace(CALM, agent_state="paused"),
    "available_unplugged": Facts(agent_state="available", attached=False, fresh="live", held_elsewhere=False),
    "muted_in_call": msgspec.structs.replace(CALM, mute=True),
    "held_elsewhere": msgspec.structs.replace(CALM, held_elsewhere=True, hook="unknown", mute=None),
}
HOLD_S = {finding: getattr(Holds(), finding) for finding in FINDINGS}


def told(check: CrossCheck, facts: Facts, at_s: float) -> list[tuple[str, bool]]:
    return [(verdict.finding, verdict.began) for verdict in check.look(facts, round(at_s * S))]


@pytest.mark.parametrize("finding", FINDINGS)
def test_each_begins_once_after_its_hold_time_and_ends_once(finding: str) -> None:
    check, hold_s = CrossCheck(), HOLD_S[finding]
    assert told(check, SO[finding], 0) == []
    assert check.due_ns == round(hold_s * S)
    assert told(check, SO[finding], hold_s - 0.001) == []
    assert told(check, SO[finding], hold_s) == [(finding, True)]
    assert told(check, SO[finding], hold_s + 100) == []
    assert check.standing == (finding,)
    assert told(check, CALM, 500) == []
    assert check.due_ns == round((500 + CLEAR_S) * S)
    (over,) = check.look(CALM, round((500 + CLEAR_S) * S))
    assert (over.finding, over.began, over.for_s) == (finding, False, 500.0)
    assert (check.standing, check.due_ns) == ((), None)


@pytest.mark.parametrize("finding", FINDINGS)
def test_a_break_begins_the_hold_time_anew(finding: str) -> None:
    check, hold_s = CrossCheck(), HOLD_S[finding]
    told(check, SO[finding], 0)
    told(check, CALM, hold_s - 1)
    told(check, SO[finding], hold_s - 0.5)
    assert told(check, SO[finding], hold_s) == []
    assert told(check, SO[finding], 2 * hold_s - 0.5) == [(finding, True)]


def test_a_short_break_does_not_end_it() -> None:
    check = CrossCheck()
    told(check, SO["call_on_hook"], 0)
    assert told(check, SO["call_on_hook"], 5) == [("call_on_hook", True)]
    told(check, CALM, 10)
    assert told(check, SO["call_on_hook"], 11) == []
    assert told(check, SO["call_on_hook"], 100) == []
    assert check.standing == ("call_on_hook",)


def test_one_that_was_over_for_long_when_it_is_looked_at_again_is_over() -> None:
    check = CrossCheck()
    told(check, SO["call_on_hook"], 0)
    told(check, SO["call_on_hook"], 5)
    told(check, CALM, 10)
    assert told(check, SO["call_on_hook"], 20) == [("call_on_hook", False)]
    assert told(check, SO["call_on_hook"], 25) == [("call_on_hook", True)]


@pytest.mark.parametrize("finding", [finding for finding in FINDINGS if finding != "held_elsewhere"])
@pytest.mark.parametrize(
    "blind",
    [{"fresh": "stale"}, {"fresh": "unknown"}, {"agent_state": "unknown"}, {"agent_state": None}, {"attached": None}],
)
def test_nothing_from_what_is_old_or_unknown(finding: str, blind: dict[str, object]) -> None:
    facts = msgspec.structs.replace(SO[finding], **blind)
    assert truth_of(finding, facts) is None
    check = CrossCheck()
    told(check, facts, 0)
    assert told(check, facts, 1000) == []
    told(check, SO[finding], 1000)
    assert told(check, SO[finding], 1000 + HOLD_S[finding]) == [(finding, True)]
    assert told(check, facts, 2000) == [(finding, False)], "nor does it stand on from there"


def test_unknown_hook_or_mute_is_no_ground() -> None:
    assert truth_of("call_on_hook", msgspec.structs.replace(CALM, hook="unknown")) is None
    assert truth_of("off_hook_no_call", msgspec.structs.replace(SO["off_hook_no_call"], hook="unknown")) is None
    assert truth_of("muted_in_call", msgspec.structs.replace(CALM, mute=None)) is None
    assert truth_of("held_elsewhere", Facts()) is None


def test_wrap_up_and_ringing_are_no_ground() -> None:
    for state in ("wrap_up", "ringing"):
        facts = msgspec.structs.replace(CALM, agent_state=state, mute=True)
        assert [finding for finding in FINDINGS if truth_of(finding, facts)] == []


def test_muted_for_as_long_as_the_site_says() -> None:
    check = CrossCheck(muted_after_s=30)
    told(check, SO["muted_in_call"], 0)
    assert told(check, SO["muted_in_call"], 30) == [("muted_in_call", True)]


SOME_FACTS = st.builds(
    Facts,
    agent_state=st.sampled_from([None, "available", "ringing", "talking", "holding", "wrap_up", "paused", "unknown", "logged_out"]),
    attached=st.sampled_from([None, False, True]),
    hook=st.sampled_from(["off", "on", "unknown"]),
    mute=st.sampled_from([None, False, True]),
    fresh=st.sampled_from(["live", "stale", "unknown"]),
    held_elsewhere=st.sampled_from([None, False, True]),
)


@given(st.lists(st.tuples(st.one_of(st.sampled_from([0.1, 2.0, 5.0]), st.floats(0, 20)), SOME_FACTS), max_size=80))
def test_every_end_has_its_beginning_and_none_comes_too_early(steps: list[tuple[float, Facts]]) -> None:
    check = CrossCheck(Holds(muted_in_call=4.0))
    now_s, so_since, began_at = 0.0, {}, {}
    for gap_s, facts in steps:
        now_s += gap_s
        for verdict in check.look(facts, round(now_s * S)):
            if verdict.began:
                assert verdict.finding not in began_at, "began twice"
                assert truth_of(verdict.finding, facts) is True
                hold_s = 4.0 if verdict.finding == "muted_in_call" else HOLD_S[verdict.finding]
                assert now_s - so_since[verdict.finding] >= hold_s - 1e-6
                began_at[verdict.finding] = now_s
            else:
                assert verdict.finding in began_at, "over before it began"
                began_at.pop(verdict.finding)
        for finding in FINDINGS:
            if truth_of(finding, facts):
                so_since.setdefault(finding, now_s)
            else:
                so_since.pop(finding, None)
        assert set(check.standing) == set(began_at)
        assert not [finding for finding in began_at if truth_of(finding, facts) is None], "stands on what is not known"
        assert check.due_ns is None or check.due_ns > round(now_s * S) - 1
