"""What the simulated PBX answers to manager actions: lists, commands, refusals, and the right that each needs."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from appliance.sim import pbx_call_action, pbx_list
from appliance.sim.pbx_session import Request, Session
from appliance.sim.pbx_text import error, fields, response, success

if TYPE_CHECKING:
    from appliance.sim.pbx import SimPbx

Answer = Callable[["SimPbx", Session, Request], bytes]


def answer(pbx: SimPbx, session: Session, request: Request) -> bytes:
    """The answer to one action of a logged-in session."""
    action, action_id = request["action"], request.get("actionid")
    found = ACTIONS.get(action.lower())
    if found is None:
        return error(action_id, f"Invalid/unknown command: {action}. Use Action: ListCommands to show available commands.")
    _, needs, act = found
    assert session.user is not None
    if needs and not needs & session.user.write:
        return error(action_id, "Permission denied")
    told = act(pbx, session, request)
    if action.lower() in CHANGES:
        pbx.done.append({**request, "response": told.split(b"\r\n", 1)[0].decode().partition(": ")[2]})
    return told


def _ping(pbx: SimPbx, session: Session, request: Request) -> bytes:
    return response("Success", request.get("actionid"), fields(Ping="Pong", Timestamp=f"{pbx.wall_s():.6f}"))


def _events(pbx: SimPbx, session: Session, request: Request) -> bytes:
    return response("Success", request.get("actionid"), fields(Events=session.events(request.get("eventmask", ""))))


def _list_commands(pbx: SimPbx, session: Session, request: Request) -> bytes:
    assert session.user is not None
    allowed = [(name, needs) for name, needs, _ in ACTIONS.values() if not needs or needs & session.user.write]
    body = "".join(f"{name}:  (Priv: {','.join([*sorted(needs), 'all']) if needs else '<none>'})\r\n" for name, needs in allowed)
    return response("Success", request.get("actionid"), body)


def _core_status(pbx: SimPbx, session: Session, request: Request) -> bytes:
    began = time.gmtime(pbx.switch.started_s)
    date, clock = time.strftime("%Y-%m-%d", began), time.strftime("%H:%M:%S", began)
    told = fields(
        CoreStartupDate=date, CoreStartupTime=clock, CoreReloadDate=date, CoreReloadTime=clock,
        CoreCurrentCalls=sum(len(legs.channels()) for legs in pbx.switch.legs.values()), CoreProcessedCalls=pbx.switch.processed,
    )  # fmt: skip
    return response("Success", request.get("actionid"), told)


def _core_settings(pbx: SimPbx, session: Session, request: Request) -> bytes:
    told = fields(
        AMIversion="11.0.0", AsteriskVersion="22.10.1", SystemName="", CoreMaxCalls=0, CoreMaxLoadAvg="0.000000", CoreRunUser="",
        CoreRunGroup="", CoreMaxFilehandles=0, CoreRealTimeEnabled="No", CoreCDRenabled="Yes", CoreHTTPenabled="No",
        SoundsSearchCustomDir="No",
    )  # fmt: skip
    return response("Success", request.get("actionid"), told)


def _queue_pause(pbx: SimPbx, session: Session, request: Request) -> bytes:
    paused = request.get("paused", "").lower() in ("true", "1", "yes", "on")
    if "interface" not in request:
        return error(request.get("actionid"), "Need 'Interface' parameter.")
    concerned = pbx.model.staff.pause(request["interface"], request.get("queue") or None, paused, request.get("reason", ""))
    if not concerned:
        return error(request.get("actionid"), "Interface not found")
    return success(request.get("actionid"), f"Interface {'' if paused else 'un'}paused successfully")


def _queue_add(pbx: SimPbx, session: Session, request: Request) -> bytes:
    action_id = request.get("actionid")
    queue = pbx.model.queues.get(request.get("queue", ""))
    if queue is None:
        return error(action_id, "Unable to add interface to queue: No such queue")
    penalty, paused = request.get("penalty", ""), request.get("paused", "").lower() in ("true", "1", "yes", "on")
    member = pbx.model.staff.add(
        queue, request.get("interface", ""), request.get("membername", ""), int(penalty) if penalty.isdigit() else 0, paused,
        request.get("reason", ""),
    )  # fmt: skip
    if member is None:
        return error(action_id, "Unable to add interface: Already there")
    return success(action_id, "Added interface to queue")


def _queue_remove(pbx: SimPbx, session: Session, request: Request) -> bytes:
    action_id = request.get("actionid")
    queue = pbx.model.queues.get(request.get("queue", ""))
    if queue is None:
        return error(action_id, "Unable to remove interface from queue: No such queue")
    if pbx.model.staff.remove(queue, request.get("interface", "")) is None:
        return error(action_id, "Unable to remove interface: Not there")
    return success(action_id, "Removed interface from queue")


def _queue_reset(pbx: SimPbx, session: Session, request: Request) -> bytes:
    for name, row in pbx.switch.rows.items():
        if request.get("queue") in (None, "", name):
            row.reset()
    return success(request.get("actionid"), "Queue stats reset successfully")


def _command(pbx: SimPbx, session: Session, request: Request) -> bytes:
    command = request.get("command", "")
    if command == "core show version":
        return response("Success", request.get("actionid"), fields(Message="Command output follows", Output="Asterisk 22.10.1 (simulated)"))
    output = f"No such command '{command}' (type 'core show help {command}' for other possible commands)"
    return response("Error", request.get("actionid"), fields(Message="Command output follows", Output=output))


_CORE: Final = frozenset({"system", "reporting"})
_AGENT: Final = frozenset({"agent"})
_CALL: Final = frozenset({"call"})
#: What changes something: a log of these is kept.
CHANGES: Final = frozenset(
    {"atxfer", "blindtransfer", "hangup", "originate", "pjsipnotify", "queueadd", "queuepause", "queueremove", "redirect"}
)
_NONE: Final[frozenset[str]] = frozenset()

ACTIONS: Final[dict[str, tuple[str, frozenset[str], Answer]]] = {
    name.lower(): (name, needs, act)
    for name, needs, act in (
        ("Command", frozenset({"command"}), _command),
        ("CoreSettings", _CORE, _core_settings),
        ("CoreShowChannels", _CORE, pbx_list.channels),
        ("CoreStatus", _CORE, _core_status),
        ("DeviceStateList", frozenset({"call", "reporting"}), pbx_list.devices),
        ("Events", _NONE, _events),
        ("Atxfer", _CALL, pbx_call_action.attended_transfer),
        ("BlindTransfer", _CALL, pbx_call_action.blind_transfer),
        ("Hangup", frozenset({"system", "call"}), pbx_call_action.hangup),
        ("ListCommands", _NONE, _list_commands),
        ("Originate", frozenset({"originate"}), pbx_call_action.originate),
        ("PJSIPNotify", frozenset({"system"}), pbx_call_action.notify),
        ("Ping", _NONE, _ping),
        ("QueueAdd", _AGENT, _queue_add),
        ("QueuePause", _AGENT, _queue_pause),
        ("QueueRemove", _AGENT, _queue_remove),
        ("QueueReset", _NONE, _queue_reset),
        ("QueueStatus", _NONE, pbx_list.queue_status),
        ("QueueSummary", _NONE, pbx_list.queue_summary),
        ("Redirect", _CALL, pbx_call_action.redirect),
    )
}
