"""How the simulated PBX rings a member, connects him, and takes a conversation apart, with all the events of it.

A member behind a Local channel doubles everything, as in a FreePBX: two halves, two dials, two bridges.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from appliance.sim.floor_model_state import By, Member, Visit
from appliance.sim.pbx_channel import Bridge, Channel, Legs
from appliance.sim.pbx_text import UNKNOWN, fields

if TYPE_CHECKING:
    from appliance.sim.pbx_switch import Switch


def ring(sw: Switch, visit: Visit, member: Member) -> None:
    """A member's phone begins to ring."""
    legs = sw.legs[visit.call.number]
    caller, agent = legs.caller, member.agent.plan
    now_s, numbering = sw.wall_s(), sw.numbering
    if member.interface != agent.device:
        _make_local(sw, legs, member)
    else:
        legs.half = None
        legs.dest = None
    phone = Channel(
        numbering.name(agent.device), numbering.uniqueid(now_s), caller.linkedid, now_s, caller=agent.extension, caller_name=agent.name
    )
    legs.phone = phone
    if legs.half is None:
        legs.dest = phone
        sw.call("Newchannel", phone)
        phone.connect(caller.caller, caller.caller_name)
        sw.call("NewConnectedLine", phone)
        phone.dnis = caller.dnis
        _called(sw, legs, member)
    else:
        _called(sw, legs, member)
        sw.call("Newchannel", phone)
        phone.exten, phone.dnis = agent.extension, caller.dnis
        phone.connect(caller.caller, caller.caller_name)
        sw.call("NewConnectedLine", phone)
        sw.say("DialBegin", "call", legs.half.lines() + phone.lines("Dest") + fields(DialString=agent.extension))
        legs.half.connect(agent.extension, agent.name)
        sw.call("NewConnectedLine", legs.half)
    caller.connect(agent.extension, agent.name)
    sw.call("NewConnectedLine", caller)
    phone.state = 5
    sw.call("Newstate", phone)
    _dial_states(sw, legs, "DialState", "RINGING")
    sw.phone(member.agent, 6)


def _make_local(sw: Switch, legs: Legs, member: Member) -> None:
    caller, agent, now_s = legs.caller, member.agent.plan, sw.wall_s()
    stem = sw.numbering.local(agent.extension)
    pair = []
    for half, state in ((";1", 0), (";2", 4)):
        channel = Channel(
            stem + half, sw.numbering.uniqueid(now_s), caller.linkedid, now_s, state=state, context="agents", exten=agent.extension
        )
        sw.call("Newchannel", channel)
        pair.append(channel)
    one, two = pair
    one.caller, one.dnis = caller.dnis, caller.dnis
    sw.call("NewCallerid", one, CID_CallingPres="0 (Presentation Allowed, Not Screened)")
    one.connect(caller.caller, caller.caller_name)
    sw.call("NewConnectedLine", one)
    two.caller, two.caller_name, two.account, two.dnis = caller.caller, caller.caller_name, caller.account, caller.dnis
    two.application, two.data = "Dial", f"PJSIP/{agent.extension},20"
    sw.call("NewCallerid", two, CID_CallingPres="0 (Presentation Allowed, Not Screened)")
    two.connect(caller.dnis, UNKNOWN)
    sw.call("NewConnectedLine", two)
    one.exten = "s"
    told = one.lines("LocalOne") + two.lines("LocalTwo") + fields(Context="agents", Exten=agent.extension, LocalOptimization="No")
    sw.say("LocalBridge", "call", told)
    legs.dest, legs.half = one, two


def _called(sw: Switch, legs: Legs, member: Member) -> None:
    dest = legs.dest
    assert dest is not None
    both = legs.caller.lines() + dest.lines("Dest")
    told = fields(Queue=member.queue.plan.name, Interface=member.interface, MemberName=member.name)
    sw.say("AgentCalled", "agent", both + told)
    sw.say("DialBegin", "call", both + fields(DialString=member.interface))


def _dial_states(sw: Switch, legs: Legs, name: str, word: str) -> None:
    """One DialState or DialEnd per dial: Local;2 to the phone first, then caller to what the queue dialled."""
    dest, phone = legs.dest, legs.phone
    assert dest is not None
    assert phone is not None
    if legs.half is not None:
        if name == "DialState":
            dest.state, dest.caller, dest.caller_name = 5, phone.caller, phone.caller_name
            sw.call("Newstate", dest)
        sw.say(name, "call", legs.half.lines() + phone.lines("Dest") + fields(DialStatus=word))
    sw.say(name, "call", legs.caller.lines() + dest.lines("Dest") + fields(DialStatus=word))


def _hang_up_ringing(sw: Switch, legs: Legs, member: Member) -> None:
    assert legs.phone is not None
    sw.hangup(legs.phone, 0)
    if legs.half is not None and legs.dest is not None:
        sw.hangup(legs.half, 0)
        sw.hangup(legs.dest, 0)
    legs.phone = legs.dest = legs.half = None
    sw.phone(member.agent, 1)


def give_up_ringing(sw: Switch, visit: Visit, member: Member) -> None:
    """The ring time-out of the queue passed."""
    legs = sw.legs[visit.call.number]
    assert legs.dest is not None
    assert legs.phone is not None
    ring_ms = round((sw.wall_s() - legs.phone.since_s) * 1000)
    told = fields(Queue=member.queue.plan.name, Interface=member.interface, MemberName=member.name, RingTime=ring_ms)
    sw.say("AgentRingNoAnswer", "agent", legs.caller.lines() + legs.dest.lines("Dest") + told)
    _dial_states(sw, legs, "DialEnd", "NOANSWER")
    _hang_up_ringing(sw, legs, member)


def cancel_ring(sw: Switch, visit: Visit, member: Member) -> None:
    """The caller is leaving while a phone rings for him; Asterisk says DialEnd twice."""
    legs = sw.legs[visit.call.number]
    _dial_states(sw, legs, "DialEnd", "CANCEL")
    _dial_states(sw, legs, "DialEnd", "CANCEL")
    _hang_up_ringing(sw, legs, member)


def answer(sw: Switch, visit: Visit, member: Member) -> None:
    """A ringing member picks up: he leaves the line and both are bridged."""
    legs = sw.legs[visit.call.number]
    caller, dest, phone = legs.caller, legs.dest, legs.phone
    assert dest is not None
    assert phone is not None
    phone.state = 6
    sw.call("Newstate", phone)
    if legs.half is not None:
        legs.half.state = dest.state = 6
        sw.call("Newstate", legs.half)
        sw.call("Newstate", dest)
    _dial_states(sw, legs, "DialEnd", "ANSWER")
    sw.call("MusicOnHoldStop", caller)
    row, entry, position = sw.take_entry(visit)
    sw.queue_left(row, caller, position)
    for kept in sw.rows_of(member.agent):
        kept.in_call = 1
    sw.phone(member.agent, 2)
    hold_s, ring_s = sw.waited(entry), int(sw.wall_s()) - int(phone.since_s)
    row.connected(hold_s)
    told = fields(Queue=row.name, Interface=member.interface, MemberName=member.name, HoldTime=hold_s, RingTime=ring_s)
    sw.say("AgentConnect", "agent", caller.lines() + dest.lines("Dest") + told)
    legs.bridges = []
    if legs.half is not None:
        _bridge(sw, legs, phone, legs.half)
    _bridge(sw, legs, dest, caller)
    legs.answered_s, legs.hold_s = sw.wall_s(), hold_s


def _bridge(sw: Switch, legs: Legs, near: Channel, far: Channel) -> None:
    digest = hashlib.sha256(f"{near.uniqueid}/{far.uniqueid}".encode()).hexdigest()
    bridge = Bridge(f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-a{digest[17:20]}-{digest[20:32]}")
    sw.say("BridgeCreate", "call", bridge.lines())
    for channel in (near, far):
        bridge.count += 1
        channel.bridge = bridge.uniqueid
        sw.say("BridgeEnter", "call", bridge.lines() + channel.lines())
    legs.bridges.append((bridge, near, far))


def hold(sw: Switch, visit: Visit, on: bool) -> None:
    """The agent's phone puts the caller on hold, or takes him back."""
    legs = sw.legs[visit.call.number]
    assert legs.phone is not None
    if on:
        sw.call("Hold", legs.phone, MusicClass="default")
        sw.call("MusicOnHoldStart", legs.caller, Class="default")
    else:
        sw.call("Unhold", legs.phone)
        sw.call("MusicOnHoldStop", legs.caller)


def end(sw: Switch, visit: Visit, by: By, to: str | None) -> None:
    """A conversation ends; by `transfer` the caller goes on to `to`."""
    legs, member = sw.legs[visit.call.number], visit.member
    caller, phone = legs.caller, legs.phone
    assert member is not None
    assert phone is not None
    caller_first = by in ("caller", "command")
    complete = _completed(sw, legs, member, "caller" if caller_first else "transfer" if by == "transfer" else "agent")
    _say_who_ends(sw, legs, phone, by, to)
    if caller_first:
        sw.say("AgentComplete", "agent", complete)
    _unbridge(sw, legs, caller if caller_first else phone)
    if not caller_first:
        sw.say("AgentComplete", "agent", complete)
    if by == "agent":
        caller.priority = 6
        sw.queue_result(caller, visit.queue.plan.name, "CONTINUE", member.name)
        sw.survey(caller, visit.call.number, visit.queue.plan.name, member)
    if by != "transfer":
        sw.classified(caller, visit.call.number)
    for channel in legs.channels()[:-1]:
        sw.hangup(channel, 16)
    legs.dest = legs.phone = legs.half = None
    if by == "transfer":
        caller.at("internal", str(to), 1)
    else:
        if by != "command":
            sw.call("SoftHangupRequest", caller, Cause=16)
        sw.drop_call(visit.call)
    sw.phone(member.agent, 1)


def _completed(sw: Switch, legs: Legs, member: Member, reason: str) -> str:
    """Book the end of a conversation; the body of its AgentComplete."""
    assert legs.dest is not None
    row, now = sw.rows[member.queue.plan.name], int(sw.wall_s())
    talk_s = now - int(legs.answered_s)
    row.finished(talk_s)
    for kept in sw.rows_of(member.agent):
        kept.in_call, kept.last_call = 0, now
        kept.calls_taken += 1
    told = fields(Queue=row.name, Interface=member.interface, MemberName=member.name, HoldTime=legs.hold_s, TalkTime=talk_s, Reason=reason)
    return legs.caller.lines() + legs.dest.lines("Dest") + told


def _say_who_ends(sw: Switch, legs: Legs, phone: Channel, by: By, to: str | None) -> None:
    caller = legs.caller
    match by:
        case "transfer":
            sw.call("Unhold", phone)
            both = phone.lines("Transferer") + caller.lines("Transferee") + legs.bridges[-1][0].lines()
            going = fields(IsExternal="Yes", Context="internal", Extension=to)
            sw.say("BlindTransfer", "call", fields(Result="Success") + both + going)
        case "pbx":
            for channel in legs.channels():
                sw.call("SoftHangupRequest", channel, Cause=4)
        case "command":
            sw.call("SoftHangupRequest", caller, Cause=16)
        case _:
            sw.call("HangupRequest", caller if by == "caller" else phone, Cause=16)


def _unbridge(sw: Switch, legs: Legs, first: Channel) -> None:
    """Both leave each bridge, `first` before the other, and the bridge goes."""
    for bridge, near, far in sorted(legs.bridges, key=lambda b: first not in b):
        for channel in (near, far) if first is near else (far, near):
            bridge.count -= 1
            channel.bridge = ""
            sw.say("BridgeLeave", "call", bridge.lines() + channel.lines())
        sw.say("BridgeDestroy", "call", bridge.lines())
    legs.bridges = []
