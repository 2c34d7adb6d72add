"""Decides who mod_callcenter's agents are and when a change of their state is told.

An agent is what `callcenter_config agent` calls one; his queues are his tiers. He is logged in while his status is any of Available,
Available (On Demand) and On Break and a tier names him. Wrap-up has no event: it is a timer of the agent's own wrap_up_time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from msgspec import Struct

from appliance.core.catalogue import AgentLoggedIn, AgentLoggedOut, AgentState, AgentStateChanged
from appliance.core.config import Config
from gateway.pbx.names import MAX_NAMES, AgentNames, QueueNames
from gateway.pbx.wrap_up import Settling

ON_DEMAND: Final = "Available (On Demand)"
ON_BREAK: Final = "On Break"
#: The statuses of somebody who is at work.
PRESENT: Final = frozenset(("Available", ON_DEMAND, ON_BREAK))
IN_A_CALL: Final = "In a queue call"
RECEIVING: Final = "Receiving"
IDLE: Final = "Idle"


class Agent(Struct, kw_only=True):
    """One agent. `name`: as FreeSWITCH has it; `contact`: what is dialled for him; `queues`: keys by the queues' own names.

    `shown`: what the journal was last told.
    """

    key: str
    name: str = ""
    contact: str = ""
    status: str = ""
    state: str = ""
    wrap_up_s: float = 0.0
    queues: dict[str, str] = {}
    rings: dict[str, str] = {}
    talks: dict[str, str] = {}
    held: set[str] = set()
    logged_in: bool = False
    shown: AgentStateChanged | None = None


class AgentBook(Settling[Agent]):
    """The agents of one PBX."""

    def __init__(self, pbx: str, config: Config, queues: QueueNames, names: AgentNames, emit: Callable[[Struct], None]) -> None:
        self.pbx = pbx
        self.queues, self.names, self.emit = queues, names, emit
        super().__init__()
        self._config = config
        self._reasons = frozenset(config.kpi.wrap_up_reasons)

    # -- who there is ------------------------------------------------------------------------------------------

    def of(self, name: str, contact: str = "") -> Agent:
        """The agent of a name, made at first sight. `contact` only where the configuration gives agents by it."""
        key = self.names.key(name, contact or name, name)
        found = self.agents.get(key)
        if found is None:
            found = Agent(key=key, name=name)
            if len(self.agents) < MAX_NAMES:
                self.agents[key] = found
        found.name, found.contact = found.name or name, contact or found.contact
        self.touch(key)
        return found

    def told(self, name: str, *, status: str = "", state: str = "") -> None:
        """An event tells his status or state."""
        agent = self.of(name)
        agent.status, agent.state = status or agent.status, state or agent.state

    def offered(self, name: str, queue: str) -> Agent:
        """A queue rings only agents that a tier of it names, so one that no list has named yet has a tier there."""
        agent = self.of(name)
        agent.queues.setdefault(queue, self.queues.key(queue))
        if agent.status not in PRESENT:
            agent.status = agent.status or "Available"
        return agent

    def listed(self, names: set[str], tiers: dict[str, list[str]] | None) -> None:
        """The lists are read: who is in none of them is gone, and queues are exactly the tiers (None: not told)."""
        for agent in list(self.agents.values()):
            if agent.name not in names:
                agent.status = "Logged Out"
            if tiers is not None:
                agent.queues = {queue: self.queues.key(queue) for queue in tiers.get(agent.name, ())}
            self.touch(agent.key)

    def restore(self, state: AgentStateChanged, name: str) -> None:
        """Take up an agent as the journal last told him; the rest comes with the lists."""
        agent = self.agents.setdefault(state.agent, Agent(key=state.agent, name=name))
        agent.logged_in, agent.shown = True, state

    def wrap_up_s(self, name: str, queue: str) -> float:
        """Wrap-up after a conversation: the agent's own, else the queue's or the floor's as configured."""
        agent = self.agents.get(self.names.key(name, name, name))
        if agent is not None and agent.wrap_up_s > 0:
            return agent.wrap_up_s
        configured = self._config.queues.get(self.queues.key(queue)) or self._config.queues.get(queue)
        if configured is not None and configured.wrap_up_s is not None:
            return configured.wrap_up_s
        return self._config.kpi.wrap_up_s

    # -- what they do ------------------------------------------------------------------------------------------

    def rings(self, agent: Agent, leg: str, call: str) -> None:
        """His phone began to ring."""
        agent.rings[leg] = call
        self.touch(agent.key)

    def rings_no_more(self, key: str, leg: str) -> None:
        """It stopped ringing."""
        if (agent := self.agents.get(key)) is not None and agent.rings.pop(leg, None) is not None:
            self.touch(key)

    def talks(self, key: str, visit: str, call: str) -> None:
        """A conversation of a queue began."""
        if (agent := self.agents.get(key)) is not None:
            agent.talks[visit] = call
            self.wrap_no_more(key)
            self.touch(key)

    def talks_no_more(self, key: str, visit: str, until_ns: int) -> None:
        """It ended; wrap-up lasts until then. The PBX's own word that he is free follows: it polls ten times a second."""
        if (agent := self.agents.get(key)) is None:
            return
        agent.talks.pop(visit, None)
        agent.held.discard(visit)
        if agent.state == IN_A_CALL and not agent.talks:
            agent.state = "Waiting"
        if until_ns:
            self.wrap_until(key, until_ns)
        self.touch(key)

    def holds(self, key: str, visit: str, *, on: bool) -> None:
        """The conversation went on hold, or came off it."""
        if (agent := self.agents.get(key)) is not None:
            (agent.held.add if on else agent.held.discard)(visit)
            self.touch(key)

    # -- the verdict -------------------------------------------------------------------------------------------

    def _judge(self, agent: Agent | None, now_ns: int, *, inferred: bool = False) -> None:
        if agent is None:
            return
        title = self.names.title(agent.key)
        if not (agent.talks or (agent.status in PRESENT and agent.queues)):
            if agent.logged_in:
                agent.logged_in, agent.shown = False, None
                self.emit(AgentLoggedOut(agent=agent.key, pbx=self.pbx, name=title, inferred=inferred))
            return
        keys = tuple(dict.fromkeys(agent.queues.values()))
        if not agent.logged_in:
            agent.logged_in = True
            self.emit(AgentLoggedIn(agent=agent.key, pbx=self.pbx, name=title, interface=agent.name, queues=keys, inferred=inferred))
        state, reason = self.state_of(agent, wrapping=self.is_wrapping(agent.key, now_ns))
        call = next(iter(agent.talks.values()), None) or next(iter(agent.rings.values()), None)
        shown = AgentStateChanged(
            agent=agent.key, pbx=self.pbx, state=state, queues=dict.fromkeys(keys, state), name=title, reason=reason,
            call=call if state in ("talking", "holding", "ringing") else None, inferred=inferred,
        )  # fmt: skip
        before = agent.shown
        if before is None or any(getattr(before, name) != getattr(shown, name) for name in ("state", "queues", "reason", "name")):
            agent.shown = shown
            self.emit(shown)

    def state_of(self, agent: Agent, *, wrapping: bool) -> tuple[AgentState, str | None]:
        """His one state, and the reason of a pause.

        Idle keeps calls from him: after a call on demand until he asks for the next, which is his closing work; else as somebody set it.
        """
        if busy := self._busy(agent, wrapping=wrapping):
            return busy, None
        if agent.status == ON_BREAK:
            return ("wrap_up" if ON_BREAK in self._reasons else "paused"), None
        if agent.state == IDLE:
            return ("wrap_up" if agent.status == ON_DEMAND or IDLE in self._reasons else "paused"), IDLE
        return "available", None

    def _busy(self, agent: Agent, *, wrapping: bool) -> AgentState | None:
        if agent.talks and len(agent.held) >= len(agent.talks):
            return "holding"
        if agent.talks or agent.state == IN_A_CALL:
            return "talking"
        if agent.rings or agent.state == RECEIVING:
            return "ringing"
        return "wrap_up" if wrapping else None
