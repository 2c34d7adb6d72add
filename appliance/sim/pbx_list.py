"""The simulated PBX's list answers: queues, members, who waits, channels and devices, each as of now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.sim.pbx_board import DEVICE_WORD, QueueRow
from appliance.sim.pbx_session import Request, Session
from appliance.sim.pbx_text import fields, listing, row

if TYPE_CHECKING:
    from appliance.sim.pbx import SimPbx


def _told(request: Request) -> str:
    return fields(ActionID=request["actionid"]) if "actionid" in request else ""


def _asked(pbx: SimPbx, request: Request) -> list[QueueRow]:
    return [r for name, r in pbx.switch.rows.items() if request.get("queue") in (None, "", name)]


def queue_status(pbx: SimPbx, session: Session, request: Request) -> bytes:
    """QueueStatus: per queue its params, its members, its entries. An unknown queue is an empty list."""
    switch, told, wanted = pbx.switch, _told(request), request.get("member")
    out = []
    for queue in _asked(pbx, request):
        out.append(row("QueueParams", queue.params() + told))
        for kept in queue.members:
            if wanted in (None, "", kept.member.interface, kept.member.name):
                status = switch.status[kept.member.agent.plan.device]
                out.append(row("QueueMember", queue.member_row(kept, status) + told))
        if wanted:
            continue
        for place, entry in enumerate(queue.entries):
            caller = switch.legs[entry.visit.call.number].caller
            body = fields(
                Queue=queue.name, Position=place + 1, Channel=caller.name, Uniqueid=caller.uniqueid, CallerIDNum=caller.caller,
                CallerIDName=caller.caller_name, ConnectedLineNum=caller.connected, ConnectedLineName=caller.connected_name,
                Wait=switch.waited(entry), Priority=0,
            )  # fmt: skip
            out.append(row("QueueEntry", body + told))
    return listing(request.get("actionid"), "Queue status will follow", "QueueStatusComplete", out)


def queue_summary(pbx: SimPbx, session: Session, request: Request) -> bytes:
    """QueueSummary: per queue how many are reachable, free and waiting."""
    switch, told, out = pbx.switch, _told(request), []
    for queue in _asked(pbx, request):
        statuses = [(switch.status[m.member.agent.plan.device], m.member.paused) for m in queue.members]
        body = fields(
            Queue=queue.name, LoggedIn=sum(status != 5 for status, _ in statuses),
            Available=sum(status == 1 and not paused for status, paused in statuses), Callers=len(queue.entries), HoldTime=queue.hold,
            TalkTime=queue.talk, LongestHoldTime=max((switch.waited(e) for e in queue.entries), default=0),
        )  # fmt: skip
        out.append(row("QueueSummary", body + told))
    return listing(request.get("actionid"), "Queue summary will follow", "QueueSummaryComplete", out)


def channels(pbx: SimPbx, session: Session, request: Request) -> bytes:
    """CoreShowChannels: every channel with its application, its age, its bridge."""
    told, out, now_s = _told(request), [], pbx.wall_s()
    channels = [channel for legs in pbx.switch.legs.values() for channel in legs.channels()]
    for channel in [*channels, *pbx.outbound.channels()]:
        age = int(now_s - channel.since_s)
        duration = f"{age // 3600:02d}:{age // 60 % 60:02d}:{age % 60:02d}"
        more = fields(Application=channel.application, ApplicationData=channel.data, Duration=duration, BridgeId=channel.bridge)
        out.append(row("CoreShowChannel", told + channel.lines() + more))
    return listing(request.get("actionid"), "Channels will follow", "CoreShowChannelsComplete", out)


def devices(pbx: SimPbx, session: Session, request: Request) -> bytes:
    """DeviceStateList: phones, trunks, and app_queue's own pseudo devices, which are no phones."""
    switch = pbx.switch
    states = {device: DEVICE_WORD[status] for device, status in switch.status.items()}
    states |= {f"PJSIP/{trunk}": "INUSE" if busy else "NOT_INUSE" for trunk, busy in switch.busy.items()}
    for queue in switch.rows.values():
        states[f"Queue:{queue.name}"] = "RINGING" if queue.entries else "NOT_INUSE"
        states[f"Queue:{queue.name}_avail"] = "NOT_INUSE" if queue.available else "INUSE"
        for kept in queue.members:
            states[f"Queue:{queue.name}_pause_{kept.member.interface}"] = "INUSE" if kept.member.paused else "NOT_INUSE"
    told = _told(request)
    out = [row("DeviceStateChange", told + fields(Device=device, State=state)) for device, state in states.items()]
    return listing(request.get("actionid"), "Device State Changes will follow", "DeviceStateListComplete", out)
