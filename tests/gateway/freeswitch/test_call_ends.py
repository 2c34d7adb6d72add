"""How a stay in mod_callcenter's queue ends, by its own words and the caller's channel; and how a conversation does."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.mark.parametrize(
    ("reason", "fields", "kind", "why"),
    [
        ("TIMEOUT", {"Answer_State": "answered"}, "left", "timeout"),
        ("NO_AGENT_TIMEOUT", {"Answer_State": "answered"}, "left", "empty"),
        ("EXIT_WITH_KEY", {"Answer_State": "answered"}, "left", "exit_key"),
        ("TIMEOUT", {"Answer_State": "hangup", "Hangup_Cause": "NORMAL_CLEARING"}, "left", "timeout"),
        ("BREAK_OUT", {"Answer_State": "hangup", "Hangup_Cause": "NORMAL_CLEARING"}, "abandoned", None),
        ("BREAK_OUT", {"Channel_State": "CS_HANGUP"}, "abandoned", None),
        ("NONE", {"Answer_State": "hangup"}, "abandoned", None),
        ("BREAK_OUT", {"Answer_State": "hangup", "Hangup_Cause": "SYSTEM_SHUTDOWN"}, "left", "pbx_stopped"),
        ("BREAK_OUT", {"Answer_State": "hangup", "Hangup_Cause": "MANAGER_REQUEST"}, "left", "withdrawn"),
        ("BREAK_OUT", {"Answer_State": "answered", "variable_transfer_source": "x"}, "left", "transferred"),
        ("BREAK_OUT", {"Answer_State": "answered"}, "left", "withdrawn"),
    ],
)
def test_a_cancelled_caller(up: Any, reason: str, fields: dict[str, str], kind: str, why: str | None) -> None:
    up.at(10).join().at(17.5).cancel(reason=reason, **fields)
    (end,) = up.of("call.abandoned", "call.left")
    assert (up.calls(), getattr(end, "reason", None), end.wait_s) == (["queued", kind], why, 7.5)


def test_without_a_word_of_the_channel_its_hang_up_tells_or_nothing_does(up: Any) -> None:
    up.at(10).join(1).join(2).at(12).cancel(1).cancel(2).at(13).hang_up("c1")
    assert up.calls() == ["queued", "queued", "abandoned"]
    (left,) = up.at(15).of("call.left")
    assert (left.reason, left.wait_s) == ("not_told", 2.0)


def test_a_caller_who_hangs_up_is_counted_once(up: Any) -> None:
    up.at(1).join().ring().at(4).hang_up("c1").cancel(Answer_State="hangup").cancel(Answer_State="hangup").at(20)
    assert up.calls() == ["queued", "ringing", "abandoned"]
    assert up.of("call.abandoned")[0].ringing
    assert up.states() == ["available", "ringing"]
    up.say("bridge-agent-fail", **up.member(1), CC_Agent="1000@default", CC_Hangup_Cause="ORIGINATOR_CANCEL")
    assert up.say("agent-state-change", CC_Agent="1000@default", CC_Agent_State="Waiting").states()[-1] == "available"


def test_a_phone_that_nobody_picks_up_rings_again(up: Any) -> None:
    up.at(1).join().ring().at(16).say("bridge-agent-fail", **up.member(1), CC_Agent="1000@default", CC_Hangup_Cause="NO_ANSWER")
    up.say("agent-state-change", CC_Agent="1000@default", CC_Agent_State="Waiting").at(20).ring().at(23).take()
    assert up.calls() == ["queued", "ringing", "ringing", "answered"]
    (answered,) = up.of("call.answered")
    assert (answered.wait_s, answered.ring_s, answered.agent) == (22.0, 3.0, "1000-default")
    assert up.states() == ["available", "ringing", "available", "ringing", "talking"]


def test_connected_is_when_both_are_joined(up: Any) -> None:
    up.at(1).join().ring().at(3).take(joined=False)
    assert up.calls() == ["queued", "ringing"]
    up.at(3.4).say("agent-state-change", CC_Agent="1000@default", CC_Agent_State="In a queue call")
    assert up.of("call.answered")[0].wait_s == 2.4


def test_connected_is_taken_for_granted_when_nobody_says_so(up: Any) -> None:
    up.at(1).join().ring().at(3).take(joined=False).at(6)
    assert up.of("call.answered")[0].wait_s == 2.0


def test_a_caller_gone_as_the_agent_picks_up_was_not_answered(up: Any) -> None:
    up.at(1).join().ring().at(3).take(joined=False).hang_up("c1").cancel(reason="NONE", Answer_State="hangup").over(bridged=False).at(9)
    assert up.calls() == ["queued", "ringing", "abandoned"]


def test_an_agent_gone_before_he_was_joined_gives_the_caller_back(up: Any) -> None:
    up.at(1).join().ring().at(3).take(joined=False).over(bridged=False).at(5).ring().at(6).take()
    assert up.of("call.answered")[0].wait_s == 5.0


@pytest.mark.parametrize(("first", "by"), [("c1", "caller"), ("leg", "agent")])
def test_whoever_hangs_up_first_ended_it(up: Any, first: str, by: str) -> None:
    up.at(1).join().ring().take().at(31).hang_up(first).hang_up({"c1": "leg", "leg": "c1"}[first]).at(31.1).over().at(40)
    (ended,) = up.of("call.ended")
    assert (ended.ended_by, ended.talk_s) == (by, 30.0)
    assert up.states()[-2:] == ["talking", "available"]


def test_without_channels_the_end_is_told_and_not_by_whom(up: Any) -> None:
    up.at(1).join().ring().take().at(31).over().at(40)
    (ended,) = up.of("call.ended")
    assert (ended.ended_by, ended.talk_s) == ("unknown", 30.0)


def test_a_caller_who_lives_on_was_handed_on(up: Any) -> None:
    up.at(1).join().ring().take().at(31).hang_up("leg").at(31.1).over(alive=True, to="700").at(40)
    assert up.calls()[-2:] == ["transferred", "ended"]
    assert (up.of("call.transferred")[0].to, up.of("call.ended")[0].ended_by, up.of("call.ended")[0].talk_s) == ("700", "transfer", 30.0)


@pytest.mark.parametrize(
    ("how", "handed"),
    [
        ("bl_xfer:700/default/XML", ("700", False)),
        ("att_xfer:1000@pbx/700@pbx", (None, True)),
        ("uuid_br:other", (None, True)),
        ("uuid_br:leg", None),
    ],
)
def test_how_a_caller_was_handed_on_and_when_he_only_goes_on_in_the_dialplan(up: Any, how: str, handed: tuple[Any, bool] | None) -> None:
    up.at(1).join().ring().take().at(31).hang_up("leg").at(31.1).over(alive=True, how=how).at(40)
    assert [(event.to, event.attended) for event in up.of("call.transferred")] == ([handed] if handed else [])
    assert up.of("call.ended")[0].ended_by == ("transfer" if handed else "agent")


def test_a_menus_transfer_into_the_queue_is_not_one_out_of_it(up: Any) -> None:
    for number, source in ((1, "1:c1:bl_xfer:5000/a/XML"), (2, "1:c2:bl_xfer:700/a/XML")):
        up.at(number).say("member-queue-start", **up.member(number), variable_transfer_source=f"1:c{number}:bl_xfer:5000/a/XML")
        up.cancel(number, Answer_State="answered", variable_transfer_source=source)
    assert [event.reason for event in up.of("call.left")] == ["withdrawn", "transferred"]


def test_the_callers_hang_up_may_come_after_the_queues_word(up: Any) -> None:
    up.at(1).join().ring().take().at(31).hang_up("leg").at(31.1).over(alive=True).at(31.2).hang_up("c1").at(40)
    (ended,) = up.of("call.ended")
    assert (ended.ended_by, ended.talk_s, up.of("call.transferred")) == ("agent", 30.0, [])


def test_handed_on_to_the_same_queue_is_a_new_visit(up: Any) -> None:
    up.at(1).join().ring().take().at(31).hang_up("leg").join(stay="b").at(31.1).over(alive=True).at(35)
    assert up.calls() == ["queued", "ringing", "answered", "transferred", "ended", "queued"]
    up.ring(stay="b").at(36).take(stay="b").at(40).hang_up("c1").over(stay="b").at(50)
    assert up.calls()[6:] == ["ringing", "answered", "ended"]
    assert len({event.call for event in up.of("call.queued")}) == 1


def test_hold_is_part_of_the_talk(up: Any) -> None:
    up.at(1).join().ring().take().at(11).say("CHANNEL_HOLD", Unique_ID="leg").at(15).say("CHANNEL_UNHOLD", Unique_ID="leg")
    up.at(21).hang_up("c1").over().at(30)
    (ended,) = up.of("call.ended")
    assert (ended.talk_s, ended.hold_s) == (20.0, 4.0)
    assert up.states()[-4:] == ["talking", "holding", "talking", "available"]


def test_the_callers_own_hold_is_not_the_agents(up: Any) -> None:
    up.at(1).join().ring().take().at(11).say("CHANNEL_HOLD", Unique_ID="c1").at(12)
    assert up.of("call.held") == []
