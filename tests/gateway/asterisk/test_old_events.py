"""A morning as Asterisk 11 tells it: other names, channels by name, no Linkedid."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

MEMBER = {"Queue": "ventas", "Location": "SIP/101", "MemberName": "Ana", "StateInterface": "SIP/101", "Membership": "static", "Penalty": 0}
CALL = {"Queue": "ventas", "Uniqueid": "1.1"}
AGENT = {"Member": "SIP/101", "MemberName": "Ana"}


def eleven(s: Any) -> Any:
    s.say("QueueMemberStatus", **MEMBER, CallsTaken=0, LastCall=0, Status=1, Paused=0).at(10)
    s.say("Newchannel", Channel="SIP/trunk-1", ChannelState=4, CallerIDNum="612", Exten="911000002", Uniqueid="1.1")
    s.say("Join", Channel="SIP/trunk-1", CallerIDNum="612", **CALL, Position=1, Count=1)
    s.say("Newchannel", Channel="SIP/101-2", ChannelState=0, CallerIDNum="101", Exten="", Uniqueid="1.2")
    s.say(
        "AgentCalled",
        Queue="ventas",
        AgentCalled="SIP/101",
        AgentName="Ana",
        ChannelCalling="SIP/trunk-1",
        DestinationChannel="SIP/101-2",
        Uniqueid="1.1",
    )
    return s.at(13)


def connected(s: Any) -> Any:
    s.say("Newstate", Channel="SIP/101-2", ChannelState=6, Uniqueid="1.2").say("Leave", Channel="SIP/trunk-1", **CALL, Count=0, Position=1)
    return s.say("AgentConnect", **CALL, **AGENT, Channel="SIP/101-2", Holdtime=3, BridgedChannel="1.2", Ringtime=3)


def test_answered_held_and_completed(script: Callable[..., Any]) -> None:
    s = connected(eleven(script())).at(15).say("Hold", Status="On", Channel="SIP/101-2", Uniqueid="1.2")
    s.at(17).say("Hold", Status="Off", Channel="SIP/101-2", Uniqueid="1.2").at(20)
    s.say("AgentComplete", **CALL, **AGENT, Channel="SIP/101-2", HoldTime=3, TalkTime=7, Reason="caller").say(
        "Hangup", Channel="SIP/101-2", Uniqueid="1.2", Cause=16
    )
    (ended,) = s.tally.of("call.ended")
    assert (ended.talk_s, ended.hold_s, ended.ended_by, ended.dialled) == (7.0, 2.0, "caller", "911000002")
    assert s.tally.wait_s == {"ventas": [3.0]}
    assert s.states("ana") == ["logged_in", "available", "ringing", "talking", "holding", "talking", "available"]


def test_abandoned_and_left(script: Callable[..., Any]) -> None:
    s = eleven(script()).say("HangupRequest", Channel="SIP/trunk-1", Uniqueid="1.1")
    s.say("QueueCallerAbandon", **CALL, Position=1, OriginalPosition=1, HoldTime=3).say("Leave", Channel="SIP/trunk-1", **CALL, Count=0)
    s.say("Join", Channel="SIP/trunk-9", CallerIDNum="613", Queue="ventas", Uniqueid="9.1", Position=1).at(30)
    s.say("QueueCallerAbandon", Queue="ventas", Uniqueid="9.1", Position=1, HoldTime=17)
    assert (s.tally.total("abandoned"), s.tally.total("left")) == (1, 1)


def test_rings_out_pauses_and_goes(script: Callable[..., Any]) -> None:
    s = (
        eleven(script())
        .say("AgentRingNoAnswer", **CALL, **AGENT, Channel="SIP/101-2", Ringtime=3000)
        .say("Hangup", Channel="SIP/101-2", Uniqueid="1.2")
    )
    s.say("QueueMemberPaused", Queue="ventas", Location="SIP/101", MemberName="Ana", Paused=1, Reason="baño")
    assert s.tally.of("agent.state")[-1].reason == "baño"
    s.say("QueueMemberRemoved", Queue="ventas", Location="SIP/101", MemberName="Ana")
    assert s.states("ana") == ["logged_in", "available", "ringing", "available", "paused", "logged_out"]


def test_a_blind_transfer_of_chan_sip(script: Callable[..., Any]) -> None:
    s = connected(eleven(script())).at(20)
    s.say(
        "Transfer",
        TransferMethod="SIP",
        TransferType="Blind",
        Channel="SIP/101-2",
        Uniqueid="1.2",
        TransferExten="601",
        TransferContext="x",
    )
    assert [event.to for event in s.tally.of("call.transferred")] == ["601"]
    assert s.tally.talk_s == {"ventas": [7.0]}


def test_a_conversation_is_found_again_in_an_old_channel_list(script: Callable[..., Any]) -> None:
    s = connected(eleven(script())).at(20).disconnect().at(30)
    rows = [{"Channel": "SIP/trunk-1", "UniqueID": "1.1", "BridgedUniqueID": "1.2", "ChannelState": 6, "Application": "Queue"},
            {"Channel": "SIP/101-2", "UniqueID": "1.2", "BridgedUniqueID": "1.1", "ChannelState": 6, "Application": "AppQueue"}]  # fmt: skip
    s.connect(
        channels=rows,
        members=[{"Queue": "ventas", "Name": "Ana", "Location": "SIP/101", "StateInterface": "SIP/101", "Status": 2, "Paused": 0}],
    )
    assert s.tally.of("call.ended") == []
    assert s.states("ana")[-1] == "talking"
