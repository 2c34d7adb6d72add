"""Who of the staff can be rung, and what they do besides calls: pauses, phones lost and found, joining and leaving queues."""

from __future__ import annotations

from collections.abc import Callable

from appliance.sim.floor_model_plan import AgentPlan, Plan
from appliance.sim.floor_model_state import (
    Agent,
    FloorEvent,
    Member,
    MemberAdded,
    MemberPaused,
    MemberRemoved,
    PhoneReachable,
    Queue,
    chance_of,
)
from appliance.sim.floor_model_timer import Timetable

AUTO_PAUSE = "Auto-Pause"
#: How often somebody whose shift is over looks whether he can go.
_LOOK_S = 5.0


class Staff:
    """The people of a floor. `freed` is called whenever somebody may have become available."""

    def __init__(
        self,
        plan: Plan,
        seed: int,
        queues: dict[str, Queue],
        time: Timetable,
        emit: Callable[[FloorEvent], None],
        freed: Callable[[], None],
    ) -> None:
        self._plan, self._seed, self._queues, self._time, self._emit, self._freed = plan, seed, queues, time, emit, freed
        self.agents: dict[str, Agent] = {}
        for agent_plan in plan.agents:
            agent = self._hire(agent_plan)
            for rank, name in enumerate(agent_plan.queues):
                queue = queues[name]
                member = Member(agent, queue, agent_plan.interface, agent_plan.name, penalty=agent_plan.penalty if rank else 0)
                queue.members.append(member)
                agent.members.append(member)
            if agent_plan.shift is not None:
                self._keep_hours(agent, *agent_plan.shift)
            if plan.pause_every_s > 0:
                time.after(agent.fate.expovariate(1 / plan.pause_every_s), self._take_break, agent)

    def _keep_hours(self, agent: Agent, from_s: float, to_s: float) -> None:
        if from_s > 0:
            agent.off, agent.mode = True, "away"
            self._time.after(from_s, self._come, agent)
        self._time.after(to_s, self._leave, agent)

    def _come(self, agent: Agent) -> None:
        agent.off = False
        self.reach(agent, True)

    def _leave(self, agent: Agent) -> None:
        """He is rung no more, and goes when what he has in hand is done."""
        agent.off = True
        if agent.mode == "idle":
            self.reach(agent, False)
        elif agent.mode != "away":
            self._time.after(_LOOK_S, self._leave, agent)

    def register(self, agent: Agent) -> None:
        """His phone registers after a start of the PBX, if he is there."""
        if not agent.off:
            self.reach(agent, True)

    def _hire(self, plan: AgentPlan) -> Agent:
        agent = self.agents[plan.device] = Agent(plan, chance_of(f"{self._seed}/agent/{plan.extension}"))
        return agent

    def members(self, interface: str, queue: str | None = None) -> list[Member]:
        """Memberships of an interface, in one queue or in all."""
        return [m for q in self._queues.values() if queue in (None, q.plan.name) for m in q.members if m.interface == interface]

    def pick(self, queue: Queue) -> Member | None:
        """Whom the queue rings next by its strategy, among the free members of the lowest penalty; None when nobody is free."""
        free = [m for m in queue.members if m.agent.mode == "idle" and not m.paused and not m.agent.off]
        if not free:
            return None
        least = min(m.penalty for m in free)
        free = [m for m in free if m.penalty == least]
        match queue.plan.strategy:
            case "fewestcalls":
                return min(free, key=lambda m: m.agent.calls_taken)
            case "leastrecent":
                return min(free, key=lambda m: -1.0 if m.agent.last_call_s is None else m.agent.last_call_s)
            case "linear":
                return free[0]
            case _:
                order = {id(m): (place - queue.turn) % len(queue.members) for place, m in enumerate(queue.members)}
                member = min(free, key=lambda m: order[id(m)])
                queue.turn = (queue.members.index(member) + 1) % len(queue.members)
                return member

    def rest(self, agent: Agent, wrap_up_s: float) -> None:
        """Free an agent from what he had, after `wrap_up_s` of closing work."""
        agent.visit = None
        if wrap_up_s <= 0:
            agent.mode = "idle"
            self._freed()
        else:
            agent.mode = "wrap_up"
            agent.wrap_up = self._time.after(wrap_up_s, self._rested, agent)

    def _rested(self, agent: Agent) -> None:
        if agent.mode == "wrap_up":
            agent.mode, agent.wrap_up = "idle", None
            self._freed()

    def reach(self, agent: Agent, on: bool) -> None:
        """An idle phone is unplugged, or registers again."""
        if on == (agent.mode != "away"):
            return
        if agent.wrap_up is not None:
            agent.wrap_up.cancel()
            agent.wrap_up = None
        agent.mode, agent.visit = ("idle", None) if on else ("away", None)
        self._emit(PhoneReachable(agent, on))
        if on:
            self._freed()

    def pause(self, interface: str, queue: str | None, paused: bool, reason: str) -> list[Member]:
        """Pause or unpause a member where `queue` says (None: everywhere); returns the memberships concerned, perhaps none."""
        members = self.members(interface, queue)
        for member in members:
            self._set_pause(member, paused, reason)
        if not paused:
            self._freed()
        return members

    def _set_pause(self, member: Member, paused: bool, reason: str) -> None:
        if (member.paused, member.reason) == (paused, reason if paused else "") or member.gone:
            return
        if paused and not member.paused:
            member.paused_s = self._time.now_s
        member.paused, member.reason = paused, reason if paused else ""
        self._emit(MemberPaused(member))

    def auto_pause(self, member: Member) -> None:
        """The queue pauses a member who did not answer; he notices after a while."""
        self._set_pause(member, True, AUTO_PAUSE)
        self._time.after(20.0 + member.agent.fate.expovariate(1 / 30.0), self._notice, member)

    def _notice(self, member: Member) -> None:
        if member.reason == AUTO_PAUSE:
            self._set_pause(member, False, "")
            self._freed()

    def _take_break(self, agent: Agent) -> None:
        fate, plan = agent.fate, self._plan
        reason = fate.choice(plan.pause_reasons)
        back_s = 10.0 + fate.expovariate(1 / plan.pause_mean_s)
        if agent.members and not any(m.paused for m in agent.members):
            for member in agent.members:
                self._set_pause(member, True, reason)
            if fate.random() < 0.15:
                self._time.after(back_s / 2, self._change_reason, agent, reason, fate.choice(plan.pause_reasons))
        self._time.after(back_s, self._end_break, agent)

    def _change_reason(self, agent: Agent, reason: str, other: str) -> None:
        for member in agent.members:
            if member.paused and member.reason == reason:
                self._set_pause(member, True, other)

    def _end_break(self, agent: Agent) -> None:
        for member in agent.members:
            if member.reason != AUTO_PAUSE:
                self._set_pause(member, False, "")
        self._time.after(agent.fate.expovariate(1 / self._plan.pause_every_s), self._take_break, agent)
        self._freed()

    def add(self, queue: Queue, interface: str, name: str, penalty: int, paused: bool, reason: str) -> Member | None:
        """Add a dynamic member; None when the interface is already in the queue. A new phone is hired with it."""
        if any(m.interface == interface for m in queue.members):
            return None
        device = device_of(interface)
        agent = self.agents.get(device)
        if agent is None:
            agent = self._hire(AgentPlan(extension=device.partition("/")[2], name=name or interface, queues=(), local=interface != device))
        member = Member(agent, queue, interface, name or interface, penalty, dynamic=True, since_s=self._time.now_s)
        if paused:
            member.paused, member.reason, member.paused_s = True, reason, self._time.now_s
        queue.members.append(member)
        agent.members.append(member)
        self._emit(MemberAdded(member))
        self._freed()
        return member

    def remove(self, queue: Queue, interface: str) -> Member | None:
        """Take a member out of a queue; None when it is not there. A conversation goes on."""
        member = next((m for m in queue.members if m.interface == interface), None)
        if member is None:
            return None
        queue.members.remove(member)
        member.agent.members.remove(member)
        member.gone = True
        self._emit(MemberRemoved(member))
        return member


def device_of(interface: str) -> str:
    """The phone behind a member's interface.

    >>> device_of("Local/104@agents/n"), device_of("PJSIP/101")
    ('PJSIP/104', 'PJSIP/101')
    """
    if interface.startswith("Local/"):
        return "PJSIP/" + interface.removeprefix("Local/").partition("@")[0]
    return interface
