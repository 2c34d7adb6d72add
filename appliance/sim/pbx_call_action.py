"""What the simulated PBX does when it is told to originate, hang up, redirect, transfer or notify a phone, and what it answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from appliance.sim.floor_model_staff import device_of
from appliance.sim.floor_model_state import Call, Visit
from appliance.sim.pbx_text import error, success

if TYPE_CHECKING:
    from appliance.sim.pbx import SimPbx
    from appliance.sim.pbx_session import Request, Session

_TRUE = frozenset({"true", "1", "yes", "on"})


def hangup(pbx: SimPbx, session: Session, request: Request) -> bytes:
    """A caller's channel ends his call; that of a phone is the agent hanging up."""
    action_id, name = request.get("actionid"), request.get("channel", "")
    originated = pbx.outbound.of(name)
    if originated is not None:
        originated.hang_up(int(request.get("cause", "16") or 16))
        return success(action_id, "Channel Hungup")
    call, visit = _on(pbx, name)
    if call is None:
        return error(action_id, "No such channel")
    model: Any = pbx.model
    if visit is None:
        model.hang_up(call)
    elif visit.outcome == "talking":
        model._end(visit, "agent")
    elif visit.ring_due is not None:
        visit.ring_due.cancel()
        model._no_answer(visit)
    return success(action_id, "Channel Hungup")


def redirect(pbx: SimPbx, session: Session, request: Request) -> bytes:
    """A caller who waits goes elsewhere in the dialplan."""
    action_id, name = request.get("actionid"), request.get("channel", "")
    call, _ = _on(pbx, name)
    if call is None:
        return error(action_id, f"Channel does not exist: {name}")
    if not pbx.model.redirect(call, request.get("exten", "")):
        return error(action_id, "Redirect failed")
    return success(action_id, "Redirect successful")


def blind_transfer(pbx: SimPbx, session: Session, request: Request) -> bytes:
    """The agent's channel hands his caller on."""
    action_id = request.get("actionid")
    if not request.get("exten"):
        return error(action_id, "No extension specified")
    call, visit = _on(pbx, request.get("channel", ""))
    if call is None:
        return error(action_id, "No such channel")
    if visit is None or visit.outcome != "talking":
        return error(action_id, "Transfer failed")
    model: Any = pbx.model
    model._end(visit, "transfer", request["exten"])
    return success(action_id, "Transfer succeeded")


def attended_transfer(pbx: SimPbx, session: Session, request: Request) -> bytes:
    """Only taken: what the agent says to the third party is not played."""
    action_id = request.get("actionid")
    if not request.get("exten"):
        return error(action_id, "No extension specified")
    call, visit = _on(pbx, request.get("channel", ""))
    if call is None or visit is None:
        return error(action_id, "Channel specified does not exist")
    return success(action_id, "Atxfer successfully queued")


def notify(pbx: SimPbx, session: Session, request: Request) -> bytes:
    """A phone that heeds `talk` and `hold` (all here do, unless `heeds_notify` is off)."""
    action_id, device = request.get("actionid"), f"PJSIP/{request.get('endpoint', '')}"
    agent = pbx.model.staff.agents.get(device)
    if agent is None:
        return error(action_id, "Unable to retrieve endpoint")
    word, visit, model = request.get("variable", "").partition("=")[2], agent.visit, pbx.model
    hidden: Any = model
    if pbx.heeds_notify and visit is not None:
        if word == "talk" and agent.mode == "ringing" and visit.ring_due is not None:
            visit.ring_due.cancel()
            hidden._answer(visit)
        elif agent.mode == "talking" and (word == "hold") == (visit.held_since_s is None):
            hidden._hold(visit, word == "hold")
    return success(action_id, "NOTIFY sent")


def originate(pbx: SimPbx, session: Session, request: Request) -> bytes:
    """Asynchronous as asked for; a synchronous one is answered at once, which a real one is not."""
    action_id, channel = request.get("actionid"), request.get("channel", "")
    if not channel:
        return error(action_id, "Channel not specified")
    agent = pbx.model.staff.agents.get(device_of(channel))
    if request.get("async", "").lower() not in _TRUE:
        reached = agent is not None and agent.mode == "idle"
        return success(action_id, "Originate successfully queued") if reached else error(action_id, "Originate failed")
    pbx.later(0.0, lambda: _begin(pbx, request, channel))
    return success(action_id, "Originate successfully queued")


def _begin(pbx: SimPbx, request: Request, channel: str) -> None:
    pbx.outbound.originate(request, pbx.model.staff.agents.get(device_of(channel)))


def _on(pbx: SimPbx, channel: str) -> tuple[Call | None, Visit | None]:
    """The call that a channel is of, and the visit where it is on the agent's side."""
    for number, legs in pbx.switch.legs.items():
        if any(each.name == channel for each in legs.channels()):
            call = pbx.model.calls.get(number)
            return call, (call.visit if call is not None and legs.caller.name != channel else None)
    return None, None
