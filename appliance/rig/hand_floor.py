"""Decides how a simulated floor is played by hand: nobody calls, answers, hangs up or gives up unless told, and then at once. Pure.

The floor itself (numbering, queues, who is rung by which strategy) is the one of `appliance/sim/floor_model.py`.
"""

from __future__ import annotations

from typing import Final

from appliance.core.errors import MisconfiguredError
from appliance.sim.floor_model import FloorModel
from appliance.sim.floor_model_plan import AgentPlan, Plan, QueuePlan
from appliance.sim.floor_model_state import Agent, Arrived, Call, Queue, Visit, chance_of

#: Longer than any run: nothing happens by itself.
_NEVER_S: Final = 1e6
QUEUES: Final = (
    QueuePlan(name="ventas", extension="601", ring_timeout_s=_NEVER_S, timeout_s=_NEVER_S, wrap_up_s=0.0, service_level_s=15),
    QueuePlan(name="soporte", extension="602", ring_timeout_s=_NEVER_S, timeout_s=_NEVER_S, wrap_up_s=0.0, service_level_s=15),
)
#: Who may log in, by extension.
AGENTS: Final = {"101": "Ana Quiroga", "102": "Luis Andrade", "103": "María José Peñafiel", "104": "Jorge Toapanta"}
#: Numbers of calls made by hand begin here, so that none is one of a scenario's.
_FIRST: Final = 100_001


def still_plan() -> Plan:
    """A floor on which nothing happens by itself, and nobody is logged in."""
    return Plan(
        queues=QUEUES, agents=(), calls_per_min=0.0, talk_mean_s=_NEVER_S, patience_mean_s=10 * _NEVER_S, hasty_share=0.0,
        no_answer_share=1.0, exit_key_share=0.0, hold_share=0.0, transfer_share=0.0, pause_every_s=0.0,
    )  # fmt: skip


class HandFloor:
    """Hands on one floor model. What they bring about is taken from the model as usual. Raises MisconfiguredError for what cannot be."""

    def __init__(self, model: FloorModel) -> None:
        self.model = model
        self._number = _FIRST

    def call(self, queue: str, caller: str) -> Call:
        """Somebody calls and stands in the queue at once."""
        model, plan = self.model, self._queue(queue).plan
        if not model.up:
            raise MisconfiguredError("the PBX is down; nobody gets through")
        number, self._number = self._number, self._number + 1
        fate = chance_of(f"{model.seed}/hand/{number}")
        call = Call(number, caller, None, "trunk-norte", f"1800{plan.extension}", plan.name, fate, model.now_s)
        model.calls[number] = call
        model._out.append(Arrived(call))
        model._enter(call, plan.name)
        return call

    def give_up(self, number: int) -> None:
        """A caller who waits hangs up."""
        visit = self._visit(number, "waiting")
        self.model._leave(visit, "abandoned", "caller")

    def answer(self, extension: str) -> Call:
        """An agent takes up the phone that rings."""
        agent = self._agent(extension)
        visit = agent.visit
        if visit is None or agent.mode != "ringing":
            raise MisconfiguredError(f"the phone of {extension} does not ring (he is {agent.mode}); log him in, and have somebody call")
        if visit.ring_due is not None:
            visit.ring_due.cancel()
        self.model._answer(visit)
        for timer in visit.timers:  # the model has planned how long they talk: here nobody hangs up by himself
            timer.cancel()
        visit.timers.clear()
        return visit.call

    def hold(self, extension: str, on: bool) -> Call:
        """An agent puts the caller on hold, or takes him back."""
        visit = self._talk(extension)
        if on == (visit.held_since_s is not None):
            raise MisconfiguredError(f"the caller of {extension} {'is on hold already' if on else 'is not on hold'}")
        self.model._hold(visit, on)
        return visit.call

    def hang_up(self, extension: str, by_caller: bool) -> Call:
        """A conversation ends."""
        visit = self._talk(extension)
        self.model._end(visit, "caller" if by_caller else "agent")
        return visit.call

    def transfer(self, extension: str, queue: str) -> Call:
        """An agent hands the caller on to a queue."""
        visit = self._talk(extension)
        self.model._end(visit, "transfer", self._queue(queue).plan.extension)
        return visit.call

    def log_in(self, extension: str, queue: str) -> None:
        """An agent joins a queue; a waiting caller rings him at once."""
        if extension not in AGENTS:
            raise MisconfiguredError(f"there is no agent {extension}; there are {', '.join(AGENTS)}")
        interface = AgentPlan(extension=extension, name=AGENTS[extension], queues=()).interface
        if self.model.staff.add(self._queue(queue), interface, AGENTS[extension], 0, False, "") is None:
            raise MisconfiguredError(f"{extension} is logged in to {queue} already")

    def log_out(self, extension: str, queue: str) -> None:
        """An agent leaves a queue; a conversation goes on."""
        if self.model.staff.remove(self._queue(queue), f"PJSIP/{extension}") is None:
            raise MisconfiguredError(f"{extension} is not logged in to {queue}")

    def pause(self, extension: str, on: bool, reason: str) -> None:
        """An agent is paused in all of his queues, or is there again."""
        if not self.model.staff.pause(f"PJSIP/{extension}", None, on, reason):
            raise MisconfiguredError(f"{extension} is logged in nowhere")

    def _queue(self, name: str) -> Queue:
        try:
            return self.model.queues[name]
        except KeyError:
            raise MisconfiguredError(f"there is no queue {name}; there are {', '.join(self.model.queues)}") from None

    def _agent(self, extension: str) -> Agent:
        agent = self.model.staff.agents.get(f"PJSIP/{extension}")
        if agent is None:
            raise MisconfiguredError(f"{extension} never logged in")
        return agent

    def _visit(self, number: int, outcome: str) -> Visit:
        call = self.model.calls.get(number)
        visit = call.visit if call is not None else None
        if visit is None or visit.outcome != outcome:
            raise MisconfiguredError(f"call {number} is not {outcome}; {len(self.model.calls)} calls are there")
        return visit

    def _talk(self, extension: str) -> Visit:
        agent = self._agent(extension)
        if agent.visit is None or agent.mode != "talking":
            raise MisconfiguredError(f"{extension} talks to nobody (is {agent.mode})")
        return agent.visit
