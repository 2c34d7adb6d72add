"""The simulated FreeSWITCH itself: what happens on the floor becomes channels, mod_callcenter's rows, and events.

Headers and order are those of mod_callcenter's source (1.10): the state of an agent is told before he is offered a caller, a bridge before
"In a queue call", and an ending of both sides after the agent's channel is gone.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from appliance.sim.floor_model_staff import Staff
from appliance.sim.floor_model_state import (
    Agent,
    Answered,
    Arrived,
    By,
    Call,
    Ended,
    FloorEvent,
    Gone,
    Held,
    Joined,
    Left,
    Member,
    MemberPaused,
    PhoneReachable,
    Queue,
    Rang,
    RingEnded,
    Visit,
    chance_of,
)
from appliance.sim.freeswitch_text import Fields, event, uuid_of

Say = Callable[[str, bytes], None]


class Leg(Struct):
    """A channel. `gone`: its hang-up cause, once it is."""

    uuid: str
    name: str
    inbound: bool
    caller: str
    dest: str
    gone: str = ""

    def fields(self, **more: object) -> Fields:
        """What an event says of it."""
        state = "CS_HANGUP" if self.gone else "CS_EXECUTE"
        out: Fields = {
            "Channel-State": state,
            "Channel-Call-State": "HANGUP" if self.gone else "ACTIVE",
            "Channel-Name": self.name,
            "Unique-ID": self.uuid,
            "Call-Direction": "inbound" if self.inbound else "outbound",
            "Channel-Call-UUID": self.uuid,
            "Answer-State": "hangup" if self.gone else "answered",
        }
        if self.gone:
            out["Hangup-Cause"] = self.gone
        out |= {"Caller-Caller-ID-Number": self.caller, "Caller-Destination-Number": self.dest}
        return out | {key.replace("__", "-"): value for key, value in more.items()}


class Seat(Struct):
    """mod_callcenter's row of a waiting or talking caller."""

    uuid: str
    visit: Visit
    joined_s: int
    state: str = "Waiting"
    agent: str = ""
    bridged_s: int = 0
    called_s: int = 0


class FreeswitchSwitch:
    """A FreeSWITCH from one start to its end. `say(name, block)` takes each event; `wall_s` is its clock in epoch seconds."""

    def __init__(self, queues: dict[str, Queue], staff: Staff, wall_s: Callable[[], float], say: Say, *, speed: float, seed: int) -> None:
        self.wall_s, self._say, self.speed = wall_s, say, speed
        self.queues, self.staff = queues, staff
        self.started_s = wall_s()
        self.chance = chance_of(f"{seed}/{self.started_s}")
        self.core = uuid_of(self.chance)
        self.silent = self.stopping = False
        self.callers: dict[int, Leg] = {}
        self.phones: dict[int, Leg] = {}
        self.seats: dict[int, Seat] = {}
        self.status: dict[str, str] = {name_of(a): status_of(a) for a in staff.agents.values()}
        self.state: dict[str, str] = {}
        self.bridge_end_s: dict[str, int] = {}

    # What is said

    def head(self, *, subclass: str = "") -> Fields:
        """What every event begins with."""
        now_us = round(self.wall_s() * 1_000_000)
        out: Fields = {"Event-Subclass": subclass} if subclass else {}
        return out | {"Core-UUID": self.core, "FreeSWITCH-Hostname": "sim", "Event-Date-Timestamp": now_us}

    def say(self, name: str, *_: str, fields: Fields | None = None) -> None:
        """An event; of class CUSTOM where the name has a subclass. A fault says Shutdown as to an Asterisk: here it has no more to it."""
        if self.silent:
            return
        name = "SHUTDOWN" if name == "Shutdown" else name
        custom = "::" in name
        self._say(name, event("CUSTOM" if custom else name, self.head(subclass=name if custom else ""), fields or {}))

    def cc(self, action: str, queue: str = "", fields: Fields | None = None, channel: Leg | None = None) -> None:
        """An event of mod_callcenter."""
        told = (channel.fields() if channel else {}) | ({"CC-Queue": queue} if queue else {}) | {"CC-Action": action} | (fields or {})
        self.say("callcenter::info", fields=told)

    def agent_state(self, agent: Agent, state: str) -> None:
        """An agent's state changes."""
        self.state[name_of(agent)] = state
        self.cc("agent-state-change", fields={"CC-Agent": name_of(agent), "CC-Agent-State": state})

    def hang_up(self, leg: Leg | None, cause: str) -> None:
        """A channel ends."""
        if leg is not None and not leg.gone:
            leg.gone = cause
            self.say("CHANNEL_HANGUP", fields=leg.fields())

    def member(self, visit: Visit) -> Fields:
        """The headers that name a caller."""
        caller, seat = self.callers[visit.call.number], self.seats[id(visit)]
        return {
            "CC-Member-UUID": seat.uuid,
            "CC-Member-Session-UUID": caller.uuid,
            "CC-Member-CID-Name": visit.call.caller_name or visit.call.caller,
            "CC-Member-CID-Number": visit.call.caller,
        }

    # What happens

    def apply(self, happened: FloorEvent) -> None:
        """Take one thing that happened on the floor. (Queues here are never full; a tier that changes is not told.)"""
        match happened:
            case Arrived(call):
                leg = Leg(uuid_of(self.chance), f"sofia/external/{call.caller}@{call.trunk}", True, call.caller, call.dialled)
                self.callers[call.number] = leg
                self.say("CHANNEL_CREATE", fields=leg.fields())
            case Joined(visit):
                self._join(visit)
            case Rang(visit, member):
                self._ring(visit, member)
            case RingEnded(visit, member, _):
                self._unring(visit, member, "NO_ANSWER")
            case Answered(visit, member, _):
                self._answer(visit, member)
            case Held(visit, on):
                if (phone := self.phones.get(id(visit))) is not None:
                    self.say("CHANNEL_HOLD" if on else "CHANNEL_UNHOLD", fields=phone.fields())
            case Ended(visit, by, to):
                self._end(visit, by, to)
            case Left(visit, _, by, member):
                self._leave(visit, by, member)
            case Gone(call, by):
                self.hang_up(self.callers.pop(call.number, None), "NORMAL_CLEARING")
            case MemberPaused(Member(agent=agent)) | PhoneReachable(agent, _):
                self._agent(agent)

    def _join(self, visit: Visit) -> None:
        name, caller = visit.queue.plan.name, self.callers[visit.call.number]
        self.seats[id(visit)] = Seat(uuid_of(self.chance), visit, int(self.wall_s()))
        self.cc("member-queue-start", name, self.member(visit), caller)
        self.count(name)

    def count(self, queue: str) -> None:
        """How many wait is told after each change."""
        waiting = sum(seat.state in ("Waiting", "Trying") and seat.visit.queue.plan.name == queue for seat in self.seats.values())
        self.cc("members-count", queue, {"CC-Count": waiting, "CC-Selection": "Single-Queue"})

    def _ring(self, visit: Visit, member: Member) -> None:
        seat, agent = self.seats[id(visit)], member.agent
        seat.state, seat.agent, seat.called_s = "Trying", name_of(agent), int(self.wall_s())
        self.agent_state(agent, "Receiving")
        told = {"CC-Agent": name_of(agent), "CC-Agent-Type": "callback", "CC-Agent-System": "single_box"} | self.member(visit)
        self.cc("agent-offering", visit.queue.plan.name, told | {"CC-Member-DNIS": visit.call.dialled})
        phone = Leg(uuid_of(self.chance), f"sofia/internal/{agent.plan.extension}@sim", False, visit.call.caller, agent.plan.extension)
        self.phones[id(visit)] = phone
        self.say("CHANNEL_CREATE", fields=phone.fields())

    def _unring(self, visit: Visit, member: Member, cause: str) -> None:
        seat, agent = self.seats[id(visit)], member.agent
        self.hang_up(self.phones.pop(id(visit), None), cause)
        if seat.state == "Trying":
            seat.state = "Waiting"
        told = {"CC-Hangup-Cause": cause, "CC-Agent": name_of(agent)} | self.member(visit) | {"CC-Member-Joined-Time": seat.joined_s}
        self.cc("bridge-agent-fail", visit.queue.plan.name, told)
        seat.agent = ""
        self.agent_state(agent, "Waiting")

    def _bridge(self, visit: Visit, member: Member) -> Fields:
        seat, phone = self.seats[id(visit)], self.phones[id(visit)]
        return {
            "CC-Agent": name_of(member.agent), "CC-Agent-System": "single_box", "CC-Agent-UUID": phone.uuid,
            "CC-Agent-Called-Time": seat.called_s, "CC-Agent-Answered-Time": seat.bridged_s, "CC-Member-Joined-Time": seat.joined_s,
        } | self.member(visit)  # fmt: skip

    def _answer(self, visit: Visit, member: Member) -> None:
        seat, name = self.seats[id(visit)], visit.queue.plan.name
        seat.bridged_s = int(self.wall_s())
        told = self._bridge(visit, member) | {"CC-Member-DNIS": visit.call.dialled}
        self.cc("bridge-agent-start", name, told, self.phones[id(visit)])
        seat.state = "Answered"
        self.agent_state(member.agent, "In a queue call")
        self.count(name)

    def _end(self, visit: Visit, by: By, to: str | None) -> None:
        name, caller, phone, member = visit.queue.plan.name, self.callers[visit.call.number], self.phones[id(visit)], visit.member
        assert member is not None
        cause = "SYSTEM_SHUTDOWN" if by == "pbx" else "MANAGER_REQUEST" if by == "command" else "NORMAL_CLEARING"
        if by == "transfer":
            self.hang_up(phone, "NORMAL_CLEARING")
            caller.dest = to or caller.dest
        else:
            for leg in (phone, caller) if by == "agent" else (caller, phone):
                self.hang_up(leg, cause)
        bridge = self._bridge(visit, member)
        self.bridge_end_s[name_of(member.agent)] = int(self.wall_s())
        more = {"CC-Agent-Bridged": "true", "CC-Bridge-Terminated-Time": int(self.wall_s())}
        self.cc("bridge-agent-end", name, {"CC-Hangup-Cause": "SUCCESS"} | bridge | more, phone)
        way = f"bl_xfer:{to}/default/XML" if by == "transfer" else f"uuid_br:{phone.uuid}"
        more = {
            "variable_transfer_source": f"{int(self.wall_s())}:{caller.uuid}:{way}",
            "CC-Cause": "Terminated",
            "CC-Member-Leaving-Time": int(self.wall_s()),
        }
        self.cc("member-queue-end", name, {"CC-Hangup-Cause": "SUCCESS"} | more | bridge, caller)
        del self.seats[id(visit)], self.phones[id(visit)]
        if by != "transfer":
            del self.callers[visit.call.number]
        self.agent_state(member.agent, "Waiting")

    def _leave(self, visit: Visit, by: By, member: Member | None) -> None:
        name, caller, seat, outcome = visit.queue.plan.name, self.callers[visit.call.number], self.seats[id(visit)], visit.outcome
        gone = outcome not in ("timeout", "exitkey") and not (outcome == "withdrawn" and by == "command")
        if gone:
            self.hang_up(
                caller, {"caller": "NORMAL_CLEARING", "pbx": "SYSTEM_SHUTDOWN" if outcome == "abandoned" else "MANAGER_REQUEST"}[by]
            )
        seat.state = "Abandoned"
        reason = {"timeout": "TIMEOUT", "exitkey": "EXIT_WITH_KEY"}.get(outcome, "BREAK_OUT")
        told: Fields = {"CC-Member-Leaving-Time": int(self.wall_s()), "CC-Member-Joined-Time": seat.joined_s, "CC-Cause": "Cancel"}
        told |= {"CC-Cancel-Reason": reason, **self.member(visit)}
        self.cc("member-queue-end", name, told | ({"variable_transfer_source": "sim"} if by == "command" else {}), caller)
        self.count(name)
        if member is not None:
            self._unring(visit, member, "ORIGINATOR_CANCEL")
        del self.seats[id(visit)]
        if gone:
            del self.callers[visit.call.number]

    def drop_call(self, call: Call) -> None:
        """A caller's channel is gone."""
        self.callers.pop(call.number, None)

    def _agent(self, agent: Agent) -> None:
        name, status = name_of(agent), status_of(agent)
        if self.status.get(name) != status:
            self.status[name] = status
            self.cc("agent-status-change", fields={"CC-Agent": name, "CC-Agent-Status": status})


def name_of(agent: Agent) -> str:
    """What mod_callcenter calls him."""
    return agent.plan.name


def status_of(agent: Agent) -> str:
    """His status there: an agent whose phone is out of reach has logged out, one who is paused everywhere has a break."""
    if agent.mode == "away":
        return "Logged Out"
    return "On Break" if agent.members and all(member.paused for member in agent.members) else "Available"
