"""What the simulated FreeSWITCH does when it is told to originate, kill, hold, transfer, or to change agents and tiers; what it prints.

What becomes of a number is told by its last two digits where they are a cause of Q.850, as in `pbx_outbound`.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from typing import Any, Final

from appliance.sim.floor_model_state import Agent, Visit
from appliance.sim.freeswitch_switch import FreeswitchSwitch, Leg, name_of
from appliance.sim.freeswitch_text import uuid_of
from appliance.sim.pbx import SimPbx

_FATES: Final = {"17": "USER_BUSY", "19": "NO_ANSWER", "21": "CALL_REJECTED", "34": "NORMAL_CIRCUIT_CONGESTION", "01": "UNALLOCATED_NUMBER"}
_ORIGINATE: Final = re.compile(r"\{(.*)\}(\S+) (.+)")
_OK: Final = "+OK\n"
_GONE: Final = "-ERR No such channel!\n"
Told = Callable[[str], None]


def carry_out(pbx: SimPbx, switch: FreeswitchSwitch, command: str, told: Told) -> bool:
    """Do it if it changes anything; `told` has the answer, now or later. False for a question."""
    word, _, rest = command.partition(" ")
    act = _ACTS.get(word)
    if word == "callcenter_config":
        words = shlex.split(rest)
        act = {("agent", "set"): _status, ("tier", "add"): _tier_add, ("tier", "del"): _tier_del}.get(tuple(words[:2]))  # type: ignore[arg-type]
    if act is None:
        return False
    pbx.done.append({"action": word, "command": rest})
    act(pbx, switch, rest, told)
    return True


def _visit_of(pbx: SimPbx, switch: FreeswitchSwitch, uuid: str) -> tuple[Any, Visit | None]:
    """The call that a channel is of, and its visit where it is an agent's phone."""
    for number, leg in switch.callers.items():
        if leg.uuid == uuid:
            return pbx.model.calls.get(number), None
    for call in pbx.model.calls.values():
        visit = call.visit
        if visit is not None and (leg_ := switch.phones.get(id(visit))) is not None and leg_.uuid == uuid:
            return call, visit
    return None, None


def _kill(pbx: SimPbx, switch: FreeswitchSwitch, rest: str, told: Told) -> None:
    uuid, model = rest.split(maxsplit=1)[0], pbx.model
    hidden: Any = model
    if (outbound := _outbound(pbx).get(uuid)) is not None:
        outbound.end("NORMAL_CLEARING")
        told(_OK)
        return
    call, visit = _visit_of(pbx, switch, uuid)
    if call is None:
        told(_GONE)
        return
    if visit is None:
        model.hang_up(call)
    elif visit.outcome == "talking":
        hidden._end(visit, "agent")
    elif visit.ring_due is not None:
        visit.ring_due.cancel()
        hidden._no_answer(visit)
    told(_OK)


def _hold(pbx: SimPbx, switch: FreeswitchSwitch, rest: str, told: Told) -> None:
    words = rest.split()
    if words[-1] in _outbound(pbx):
        told("+OK Success\n")
        return
    _, visit = _visit_of(pbx, switch, words[-1])
    if visit is None or visit.outcome != "talking":
        told("-ERR Operation failed\n")
        return
    if (words[0] != "off") == (visit.held_since_s is None):
        hidden: Any = pbx.model
        hidden._hold(visit, words[0] != "off")
    told("+OK Success\n")


def _transfer(pbx: SimPbx, switch: FreeswitchSwitch, rest: str, told: Told) -> None:
    uuid, exten, *_ = rest.split()
    call, _ = _visit_of(pbx, switch, uuid)
    if call is None:
        told(_GONE)
        return
    hidden: Any = pbx.model
    if call.visit is not None and call.visit.outcome == "talking":
        hidden._end(call.visit, "transfer", exten)
    else:
        pbx.model.redirect(call, exten)
    told(_OK)


def _phone_event(pbx: SimPbx, switch: FreeswitchSwitch, rest: str, told: Told) -> None:
    uuid, word = rest.split()
    _, visit = _visit_of(pbx, switch, uuid)
    if visit is None:
        told(_GONE)
        return
    if pbx.heeds_notify and word == "talk" and visit.ring_due is not None and visit.outcome == "waiting":
        visit.ring_due.cancel()
        hidden: Any = pbx.model
        hidden._answer(visit)
    told("+OK Success\n")


def _status(pbx: SimPbx, switch: FreeswitchSwitch, rest: str, told: Told) -> None:
    _, _, what, name, value = shlex.split(rest)
    agent = _agent(pbx, name)
    if agent is None or what != "status":
        told("-ERR Agent not found!\n")
        return
    for interface in {member.interface for member in agent.members}:
        pbx.model.staff.pause(interface, None, value == "On Break", "")
    told(_OK)


def _tier_add(pbx: SimPbx, switch: FreeswitchSwitch, rest: str, told: Told) -> None:
    _, _, queue, name, level, _ = shlex.split(rest)
    agent, found = _agent(pbx, name), pbx.model.queues.get(queue)
    if agent is None or found is None:
        told("-ERR Queue not found!\n" if found is None else "-ERR Agent not found!\n")
    elif pbx.model.staff.add(found, agent.plan.interface, name, int(level), False, "") is None:
        told("-ERR Tier already exist!\n")
    else:
        told(_OK)


def _tier_del(pbx: SimPbx, switch: FreeswitchSwitch, rest: str, told: Told) -> None:
    _, _, queue, name = shlex.split(rest)
    agent, found = _agent(pbx, name), pbx.model.queues.get(queue)
    if agent is not None and found is not None:
        pbx.model.staff.remove(found, agent.plan.interface)
    told(_OK)


def _agent(pbx: SimPbx, name: str) -> Agent | None:
    return next((agent for agent in pbx.model.staff.agents.values() if name_of(agent) == name), None)


class _Outbound:
    """One call that was originated."""

    def __init__(self, pbx: SimPbx, switch: FreeswitchSwitch, variables: dict[str, str], phone: str, then: str, told: Told) -> None:
        self.pbx, self.switch, self.then, self.told = pbx, switch, then, told
        extension = phone.rpartition("/")[2].partition("@")[0]
        self.agent = pbx.model.staff.agents.get(f"PJSIP/{extension}")
        self.timeout_s = float(variables.get("originate_timeout", "60"))
        uuid = variables.get("origination_uuid") or uuid_of(switch.chance)
        caller = variables.get("origination_caller_id_number", "")
        self.leg = Leg(uuid, f"sofia/internal/{extension}@sim", False, caller, extension)
        self.far: Leg | None = None
        self.over = False
        _outbound(pbx)[uuid] = self

    def ring(self) -> None:
        agent = self.agent
        if agent is None or agent.mode != "idle":
            self._refuse("USER_NOT_REGISTERED" if agent is None or agent.mode == "away" else "USER_BUSY")
            return
        agent.mode = "ringing"
        self.switch.say("CHANNEL_CREATE", fields=self.leg.fields())
        self.switch.say("CHANNEL_PROGRESS", fields=self.leg.fields())
        if self.pbx.outbound.pick_up_s >= self.timeout_s:
            self._later(self.timeout_s, self._rang_out)
        else:
            self._later(self.pbx.outbound.pick_up_s, self._picked_up)

    def _rang_out(self) -> None:
        self.end("NO_ANSWER")
        self.told("-ERR NO_ANSWER\n")

    def _refuse(self, cause: str) -> None:
        self.over = True
        self.told(f"-ERR {cause}\n")

    def _picked_up(self) -> None:
        assert self.agent is not None
        self.agent.mode = "talking"
        self.switch.say("CHANNEL_ANSWER", fields=self.leg.fields())
        self.told(f"+OK {self.leg.uuid}\n")
        if self.then.startswith("&"):
            self._later(self.pbx.outbound.talk_s, lambda: self.end("NORMAL_CLEARING"))
        else:
            self._later(0.01, self._dial)

    def _dial(self) -> None:
        number = self.then.split()[0]
        self.far = Leg(uuid_of(self.switch.chance), f"sofia/external/{number}@trunk", False, self.leg.caller, number)
        self.switch.say("CHANNEL_CREATE", fields=self.far.fields(Other__Leg__Unique__ID=self.leg.uuid))
        cause = _FATES.get(number[-2:])
        self._later(self.pbx.outbound.answer_s, self._answered if cause is None else lambda: self._failed(cause))

    def _answered(self) -> None:
        assert self.far is not None
        self.switch.say("CHANNEL_ANSWER", fields=self.far.fields())
        self._later(self.pbx.outbound.talk_s, lambda: self.end("NORMAL_CLEARING"))

    def _failed(self, cause: str) -> None:
        self.switch.hang_up(self.far, cause)
        self.far = None
        self._later(0.05, lambda: self.end(cause))

    def end(self, cause: str) -> None:
        if self.over:
            return
        self.over = True
        _outbound(self.pbx).pop(self.leg.uuid, None)
        for leg in (self.far, self.leg):
            self.switch.hang_up(leg, cause)
        if self.agent is not None and self.agent.visit is None and self.agent.mode in ("ringing", "talking"):
            self.pbx.model.staff.rest(self.agent, 0.0)

    def _later(self, seconds: float, action: Callable[[], Any]) -> None:
        def act() -> None:
            same: Any = self.pbx.switch
            if not self.over and same is self.switch:
                action()

        self.pbx.later(seconds, act)


def _originate(pbx: SimPbx, switch: FreeswitchSwitch, rest: str, told: Told) -> None:
    found = _ORIGINATE.fullmatch(rest)
    if found is None:
        told("-USAGE: <call url> <exten>|&<application_name>(<app_args>)\n")
        return
    variables = dict(pair.partition("=")[::2] for pair in found[1].split(","))
    pbx.later(0.0, _Outbound(pbx, switch, variables, found[2], found[3], told).ring)


def _outbound(pbx: SimPbx) -> dict[str, _Outbound]:
    return pbx.outbound.by_uuid


_ACTS: Final[dict[str, Callable[[SimPbx, FreeswitchSwitch, str, Told], None]]] = {
    "originate": _originate,
    "uuid_kill": _kill,
    "uuid_hold": _hold,
    "uuid_transfer": _transfer,
    "uuid_phone_event": _phone_event,
}
