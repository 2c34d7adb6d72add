"""How a stay in a queue and a conversation end: the traps of a real Asterisk's events, one by one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from appliance.core.config import Config, PbxConfig, UserEventMap

MAPPED = Config(pbx={"central": PbxConfig(queue_result=UserEventMap(reasons={"TIMEOUT": "timeout", "LLENA": "overflow"}))})


def test_hang_up_request_before_the_abandon_is_the_caller_hanging_up(script: Callable[..., Any], rows: Any) -> None:
    s = script().at(10).join("1.1").at(14).say("HangupRequest", **rows.chan("1.1")).abandon("1.1")
    (event,) = s.tally.of("call.abandoned")
    assert (event.wait_s, event.ringing) == (4.0, False)


def test_hanging_up_while_a_phone_rings_is_abandoned_too(script: Callable[..., Any], rows: Any) -> None:
    s = script().at(10).join("1.1").ring("1.1", "1.2").at(14).say("HangupRequest", **rows.chan("1.1")).abandon("1.1")
    assert [event.ringing for event in s.tally.of("call.abandoned")] == [True]
    assert s.states()[-2:] == ["ringing", "available"]


def test_abandon_with_no_request_is_left_at_once_and_its_reason_untold(script: Callable[..., Any]) -> None:
    s = script().at(10).join("1.1").at(30).abandon("1.1")
    (event,) = s.tally.of("call.left")
    assert (event.reason, event.wait_s) == ("not_told", 20.0)


@pytest.mark.parametrize(
    ("word", "reason"), [("TIMEOUT", "timeout"), ("LLENA", "overflow"), ("LEAVEEMPTY", "empty"), ("NUEVO", "not_told")]
)
def test_a_mapped_user_event_tells_the_reason(word: str, reason: str, script: Callable[..., Any]) -> None:
    s = script(MAPPED).at(10).join("1.1").at(30).abandon("1.1").at(30.5)
    assert s.tally.waiting == 1
    s.say("UserEvent", UserEvent="QueueResult", CallUniqueid="1.1", Queue="ventas", QueueStatus=word).at(40)
    (event,) = s.tally.of("call.left")
    assert (event.reason, event.wait_s) == (reason, 20.0)


def test_another_users_event_tells_nothing(script: Callable[..., Any]) -> None:
    s = script(MAPPED).at(10).join("1.1").at(30).abandon("1.1")
    s.say("UserEvent", UserEvent="QueueResult", CallUniqueid="9.9", Queue="ventas", QueueStatus="TIMEOUT")
    s.say("UserEvent", UserEvent="QueueResult", CallUniqueid="1.1", Queue="soporte", QueueStatus="TIMEOUT")
    assert [event.reason for event in s.at(40).tally.of("call.left")] == ["not_told"]


def test_the_dialplan_class_tells_the_reason_unasked(script: Callable[..., Any], rows: Any) -> None:
    s = script().at(5).say("VarSet", **rows.chan("1.1"), Variable="X", Value="1")
    s.at(10).join("1.1").at(30).abandon("1.1").say("VarSet", **rows.chan("1.1"), Variable="QUEUESTATUS", Value="TIMEOUT")
    assert [event.reason for event in s.tally.of("call.left")] == ["timeout"]


def test_a_told_timeout_does_not_undo_a_hang_up(script: Callable[..., Any], rows: Any) -> None:
    s = script(MAPPED).at(10).join("1.1").at(12).say("HangupRequest", **rows.chan("1.1")).abandon("1.1")
    s.say("UserEvent", UserEvent="QueueResult", CallUniqueid="1.1", Queue="ventas", QueueStatus="TIMEOUT").at(20)
    assert (s.tally.total("abandoned"), s.tally.total("left")) == (1, 0)


@pytest.mark.parametrize("after", ["shutdown", "socket", "nothing"])
def test_only_the_pbx_hung_up(after: str, script: Callable[..., Any], rows: Any) -> None:
    s = script().at(10).join("1.1").at(12).say("SoftHangupRequest", **rows.chan("1.1"), Cause=4).abandon("1.1").hangup("1.1")
    assert s.tally.waiting == 1
    s.at(13)
    if after == "shutdown":
        s.say("Shutdown", Shutdown="Cleanly", Restart="True")
    elif after == "socket":
        s.disconnect()
    else:
        s.at(20)
    (event,) = s.tally.of("call.left")
    assert (event.reason, event.wait_s) == ("not_told" if after == "nothing" else "pbx_stopped", 2.0)


def test_leave_with_neither_abandon_nor_connect_is_the_exit_key(script: Callable[..., Any], rows: Any) -> None:
    s = script().at(10).join("1.1").ring("1.1", "1.2").at(15).hangup("1.2").say("QueueCallerLeave", **rows.chan("1.1"), Queue="ventas")
    assert s.tally.waiting == 1
    (event,) = s.at(20).tally.of("call.left")
    assert (event.reason, event.wait_s) == ("exit_key", 5.0)


def test_leave_decides_nothing_while_an_agent_has_picked_up(script: Callable[..., Any], rows: Any) -> None:
    """A member's subroutine or an announcement runs between Leave and Connect."""
    s = script().at(10).join("1.1").ring("1.1", "1.2").at(12)
    s.say("DialEnd", **rows.chan("1.1"), **rows.dest("1.2", "PJSIP/101-1.2"), DialStatus="ANSWER")
    s.say("QueueCallerLeave", **rows.chan("1.1"), Queue="ventas").at(19).connect_agent("1.1", "1.2")
    assert (s.tally.total("answered"), s.tally.total("left")) == (1, 0)
    assert s.at(60).tally.total("left") == 0


def test_an_agent_who_picked_up_and_was_gone_before_the_connect_holds_nothing_up(script: Callable[..., Any], rows: Any) -> None:
    s = script().at(10).join("1.1").ring("1.1", "1.2").at(12)
    s.say("DialEnd", **rows.chan("1.1"), **rows.dest("1.2", "PJSIP/101-1.2"), DialStatus="ANSWER").hangup("1.2").at(20)
    s.say("QueueCallerLeave", **rows.chan("1.1"), Queue="ventas").at(23)
    assert [event.reason for event in s.tally.of("call.left")] == ["exit_key"]


def test_the_same_channel_may_join_twice(script: Callable[..., Any], rows: Any) -> None:
    s = script().at(10).join("1.1").ring("1.1", "1.2").at(12).connect_agent("1.1", "1.2").at(20)
    s.say("BlindTransfer", Result="Success", TransfererUniqueid="1.2", TransfereeUniqueid="1.1", Extension="601")
    s.complete("1.1", "1.2", reason="transfer").join("1.1").hangup("1.2").at(25).abandon("1.1")
    first, second = s.tally.of("call.queued")
    assert first.call == second.call
    assert first.visit != second.visit
    assert (s.tally.total("answered"), s.tally.total("ended"), s.tally.total("left")) == (1, 1, 1)
    (moved,) = s.tally.of("call.transferred")
    assert (moved.to, moved.attended, moved.agent) == ("601", False, "agente-101")


def test_an_overflow_into_a_second_queue_closes_the_first_stay(script: Callable[..., Any]) -> None:
    s = script(MAPPED).at(10).join("1.1").at(30).abandon("1.1").join("1.1", "soporte")
    assert [event.reason for event in s.tally.of("call.left")] == ["not_told"]
    assert s.tally.waiting == 1


def test_a_missed_leave_is_made_up_for_when_the_channel_joins_anew(script: Callable[..., Any]) -> None:
    s = script().at(10).join("1.1").at(30).join("1.1", "soporte")
    assert (s.tally.total("left"), s.tally.waiting) == (1, 1)


def test_talk_ends_with_the_agents_channel_when_a_supervisor_redirects_the_caller(script: Callable[..., Any]) -> None:
    """AgentComplete of the first queue comes only when the caller at last hangs up, after the second queue's own."""
    s = script().at(10).join("1.1").ring("1.1", "1.2").at(12).connect_agent("1.1", "1.2")
    s.at(20).hangup("1.2", "PJSIP/101-1.2").join("1.1", "soporte").ring("1.1", "1.3", 102, "soporte")
    s.at(22).connect_agent("1.1", "1.3", 102, "soporte").at(50)
    s.complete("1.1", "1.3", 102, "soporte", "caller", 28).complete("1.1", "1.2", talk=38, reason="caller")
    assert s.tally.talk_s == {"ventas": [8.0], "soporte": [28.0]}


def test_complete_without_channels_ends_the_conversation_that_fits(script: Callable[..., Any], rows: Any) -> None:
    s = script().at(10).join("1.1").ring("1.1", "1.2").at(12).connect_agent("1.1", "1.2")
    s.at(20).join("2.1").ring("2.1", "2.2").at(22).connect_agent("2.1", "2.2").at(30)
    s.say("AgentComplete", **rows.who(101, "ventas"), HoldTime=2, TalkTime=8, Reason="caller")
    assert s.tally.talk_s == {"ventas": [8.0]}
    assert s.tally.of("call.ended")[0].uniqueid == "2.1"
    assert s.at(40).complete("1.1", "1.2", talk=28).tally.talk_s == {"ventas": [8.0, 28.0]}


def test_complete_that_comes_late_or_twice_changes_nothing(script: Callable[..., Any]) -> None:
    s = script().at(10).join("1.1").ring("1.1", "1.2").at(12).connect_agent("1.1", "1.2").at(20).complete("1.1", "1.2")
    s.complete("1.1", "1.2").hangup("1.2").hangup("1.1").at(30).complete("1.1", "1.2")
    assert s.tally.talk_s == {"ventas": [8.0]}


@pytest.mark.parametrize(("reason", "asked", "by"), [("caller", "1.1", "caller"), ("agent", "1.2", "agent"), (None, "1.2", "agent")])
def test_who_ended_it(reason: str | None, asked: str, by: str, script: Callable[..., Any], rows: Any) -> None:
    s = script().at(10).join("1.1").ring("1.1", "1.2").at(12).connect_agent("1.1", "1.2").at(20)
    s.say("HangupRequest", **rows.chan(asked))
    if reason:
        s.complete("1.1", "1.2", reason=reason)
    s.hangup("1.2").hangup("1.1")
    assert [event.ended_by for event in s.tally.of("call.ended")] == [by]


def test_a_conversation_that_the_stopping_pbx_hung_up_ends_there(script: Callable[..., Any], rows: Any) -> None:
    s = script().at(10).join("1.1").ring("1.1", "1.2").at(12).connect_agent("1.1", "1.2").at(20)
    s.say("SoftHangupRequest", **rows.chan("1.2"), Cause=4).complete("1.1", "1.2", reason="agent").hangup("1.2").at(21)
    assert s.tally.of("call.ended") == []
    s.say("Shutdown", Shutdown="Cleanly", Restart="True")
    (event,) = s.tally.of("call.ended")
    assert (event.ended_by, event.talk_s) == ("pbx_stopped", 8.0)


def test_a_conversation_hung_up_by_an_administrator_is_not_the_pbx_stopping(script: Callable[..., Any], rows: Any) -> None:
    s = script().at(10).join("1.1").ring("1.1", "1.2").at(12).connect_agent("1.1", "1.2").at(20)
    s.say("SoftHangupRequest", **rows.chan("1.1")).complete("1.1", "1.2", reason="caller").hangup("1.1").at(30)
    assert [event.ended_by for event in s.tally.of("call.ended")] == ["caller"]


def test_hold_is_idempotent_and_counts_once(script: Callable[..., Any], rows: Any) -> None:
    s = script().at(10).join("1.1").ring("1.1", "1.2").at(12).connect_agent("1.1", "1.2").at(14)
    s.say("Unhold", **rows.chan("1.2")).at(16).say("Hold", **rows.chan("1.2")).at(17).say("Hold", **rows.chan("1.2"))
    s.at(20).say("Unhold", **rows.chan("1.2")).say("Unhold", **rows.chan("1.2")).at(30).complete("1.1", "1.2").hangup("1.2")
    assert (len(s.tally.of("call.held")), len(s.tally.of("call.resumed"))) == (1, 1)
    (event,) = s.tally.of("call.ended")
    assert (event.talk_s, event.hold_s) == (18.0, 4.0)
    assert s.states()[-4:] == ["talking", "holding", "talking", "available"]


def test_hanging_up_on_hold_counts_the_hold(script: Callable[..., Any], rows: Any) -> None:
    s = script().at(10).join("1.1").ring("1.1", "1.2").at(12).connect_agent("1.1", "1.2").at(16).say("Hold", **rows.chan("1.2"))
    (event,) = s.at(20).complete("1.1", "1.2", reason="caller").tally.of("call.ended")
    assert (event.talk_s, event.hold_s) == (8.0, 4.0)


def local(s: Any, rows: Any, uniqueid: str = "1.1") -> Any:
    """Rings and connects a Local-wrapped member: two halves and the phone behind them."""
    one, two, phone = ("L.1", "Local/104@agents-0;1"), ("L.2", "Local/104@agents-0;2"), ("P.1", "PJSIP/104-9")
    who = {"Queue": "ventas", "Interface": "Local/104@agents/n", "MemberName": "Jorge Soto"}
    for uid, name in (one, two):
        s.say("Newchannel", **rows.chan(uid, name, 0, uniqueid))
    s.say("LocalBridge", LocalOneUniqueid="L.1", LocalTwoUniqueid="L.2")
    s.say("AgentCalled", **rows.chan(uniqueid), **rows.dest(*one), **who)
    s.say("Newchannel", **rows.chan(*phone, 0, uniqueid)).say("DialBegin", **rows.chan(*two), **rows.dest(*phone))
    s.say("Newstate", **rows.chan(*phone, 6)).say("DialEnd", **rows.chan(*two), **rows.dest(*phone), DialStatus="ANSWER")
    s.say("DialEnd", **rows.chan(uniqueid), **rows.dest(*one), DialStatus="ANSWER")
    s.say("QueueCallerLeave", **rows.chan(uniqueid), Queue="ventas")
    return s.say("AgentConnect", **rows.chan(uniqueid), **rows.dest(*one), **who, HoldTime=2, RingTime=1)


LOCAL_MEMBER = {"Interface": "Local/104@agents/n", "StateInterface": "PJSIP/104", "MemberName": "Jorge Soto"}


def test_a_local_wrapped_member_counts_once_and_his_phone_speaks_for_him(script: Callable[..., Any], rows: Any) -> None:
    s = local(script().member(104, **LOCAL_MEMBER).at(10).join("1.1").at(12), rows).at(20)
    s.say("AgentComplete", **rows.chan("1.1"), **rows.dest("L.1", "Local/104@agents-0;1"), Queue="ventas", Interface="Local/104@agents/n",
          MemberName="Jorge Soto", HoldTime=2, TalkTime=8, Reason="caller")  # fmt: skip
    for uid in ("L.1", "L.2", "P.1"):
        s.hangup(uid)
    assert (s.tally.total("answered"), s.tally.talk_s) == (1, {"ventas": [8.0]})
    assert s.states("jorge-soto") == ["logged_in", "available", "ringing", "talking", "available"]


def test_a_transfer_behind_a_local_channel_frees_the_agent_at_once(script: Callable[..., Any], rows: Any) -> None:
    """The queue's own half of the Local channel stays with the caller, and the PBX counts that as talk until it ends."""
    s = local(script().member(104, **LOCAL_MEMBER).at(10).join("1.1").at(12), rows).at(20)
    s.say("BlindTransfer", Result="Success", TransfererUniqueid="P.1", TransfereeUniqueid="L.2", Extension="601").hangup("P.1")
    assert s.states("jorge-soto")[-1] == "available"
    assert s.tally.of("call.ended") == []
    (event,) = s.at(50).hangup("L.1").tally.of("call.ended")
    assert (event.talk_s, event.ended_by) == (38.0, "transfer")


def test_a_local_channel_that_optimises_itself_away_ends_nothing(script: Callable[..., Any], rows: Any) -> None:
    s = local(script().member(104, **LOCAL_MEMBER).at(10).join("1.1").at(12), rows).at(13).hangup("L.1").hangup("L.2")
    assert s.tally.of("call.ended") == []
    assert s.states("jorge-soto")[-1] == "talking"
    assert s.at(20).hangup("P.1").tally.talk_s == {"ventas": [8.0]}


def test_linkedid_may_change_in_mid_call(script: Callable[..., Any], rows: Any) -> None:
    s = script().at(10).say("Newchannel", **rows.chan("1.1", state=4)).join("1.1").ring("1.1", "1.2").at(12)
    s.say("QueueCallerLeave", **rows.chan("1.1", linkedid="0.7"), Queue="ventas")
    s.say("AgentConnect", **rows.chan("1.1", linkedid="0.7"), **rows.dest("1.2", "PJSIP/101-1.2"), **rows.who(101, "ventas"), HoldTime=2)
    s.at(20).complete("1.1", "1.2")
    assert len({event.call for event in s.events if type(event).__name__.startswith("Call")}) == 1


def test_a_dialler_may_choose_any_uniqueid_and_use_it_again(script: Callable[..., Any], rows: Any) -> None:
    s = script()
    for begin in (10, 20):
        s.at(begin).say("Newchannel", **rows.chan("dialer-0", "Local/1@x-0;1", 4)).join("dialer-0")
        s.say("HangupRequest", **rows.chan("dialer-0")).abandon("dialer-0").hangup("dialer-0")
    first, second = s.tally.of("call.queued")
    assert first.call != second.call


def test_an_agents_consult_leg_belongs_to_the_same_call(script: Callable[..., Any], rows: Any) -> None:
    s = script().at(10).say("Newchannel", **rows.chan("1.1", state=4)).join("1.1").at(15)
    s.say("Newchannel", **rows.chan("L.9", "Local/601@x-1;2", 4, "1.1")).join("L.9", "soporte", Linkedid="1.1")
    first, second = s.tally.of("call.queued")
    assert first.call == second.call
    assert first.visit != second.visit


def test_unknown_callers_and_odd_queue_names(script: Callable[..., Any], rows: Any) -> None:
    s = script().at(10).say("QueueCallerJoin", **{**rows.chan("1.1"), "CallerIDNum": "<unknown>"}, Queue="Atención: 50%", Position=1)
    (event,) = s.tally.of("call.queued")
    assert (event.caller, event.queue, event.title) == (None, "atencion-50", "Atención: 50%")


def test_the_dialled_number_is_the_channels_first(script: Callable[..., Any], rows: Any) -> None:
    s = script().at(9).say("Newchannel", **{**rows.chan("1.1", state=4), "Exten": "911000002"}).at(10).join("1.1")
    s.join("2.1", ChanVariable="DNIS=911000003")
    assert [event.dialled for event in s.tally.of("call.queued")] == ["911000002", "911000003"]


def test_the_pbxs_own_stamp_travels_along(script: Callable[..., Any]) -> None:
    s = script().at(10).join("1.1", Timestamp="1795288562.205337").join("2.1", Timestamp="gestern")
    assert [event.pbx_time for event in s.tally.of("call.queued")] == [1795288562.205337, None]


def test_without_the_call_class_nobody_can_say_whether_he_hung_up(script: Callable[..., Any]) -> None:
    s = script(connected=False)
    s.privilege = "agent"
    s.connect().at(10).join("1.1").join("2.1").at(15).abandon("1.1")
    s.connect_agent("2.1", "2.2")
    assert (s.tally.total("lost"), s.tally.total("abandoned"), s.tally.total("left"), s.tally.total("answered")) == (1, 0, 0, 1)


def test_a_caller_gone_just_at_the_connect_is_abandoned_once(script: Callable[..., Any], rows: Any) -> None:
    s = script().at(10).join("1.1").ring("1.1", "1.2").at(12)
    s.say("HangupRequest", **rows.chan("1.1")).say("QueueCallerLeave", **rows.chan("1.1"), Queue="ventas").abandon("1.1").hangup("1.1")
    assert (s.tally.total("abandoned"), s.tally.total("left")) == (1, 0)


def test_a_channel_that_hangs_up_without_a_word_leaves_the_queue(script: Callable[..., Any], rows: Any) -> None:
    s = script().at(10).join("1.1").join("2.1").at(12).hangup("1.1").say("HangupRequest", **rows.chan("2.1")).hangup("2.1")
    assert (s.tally.total("left"), s.tally.total("abandoned"), s.tally.waiting) == (1, 1, 0)


def test_reload_counters_and_pseudo_devices_mean_nothing(script: Callable[..., Any]) -> None:
    s = script().at(10)
    before = len(s.events)
    s.say("Reload", Module="app_queue.so", Status=0).say("DeviceStateChange", Device="Queue:ventas", State="RINGING")
    s.say("DeviceStateChange", Device="park:701@parkedcalls", State="INUSE").say("Cdr", UniqueID="1.1").say("CEL", UniqueID="1.1")
    assert len(s.events) == before


@pytest.mark.parametrize("name", ["QueueCallerJoin", "AgentConnect", "AgentComplete", "QueueCallerAbandon", "Hangup", "QueueMemberStatus"])
def test_events_stripped_of_their_fields_do_no_harm(name: str, script: Callable[..., Any]) -> None:
    s = script().at(10).join("1.1").say(name).say(name, Queue="ventas").say(name, Uniqueid="", Queue="", HoldTime="viel", Interface="")
    assert s.tally.waiting == 1
