"""Decides what is written down of a simulated floor while it goes on, beside its visits: who was in which state since when, which lines
were busy, what callers answered afterwards. It is the model's own word; nothing of a box, nor of what a PBX tells, goes in.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from appliance.sim.floor_model import FloorModel
from appliance.sim.floor_model_state import Agent, Arrived, Call, Ended, FloorEvent, Held, Left, Member, RingEnded, Visit
from appliance.sim.pbx_switch import score_of

#: The states of an agent who is there, first the one that goes before the others (docs/kpis.md, "Agents' time").
STATES = ("unknown", "holding", "talking", "ringing", "wrap_up", "paused", "available")


@dataclass(eq=False, slots=True)
class Line:
    """One call's use of a line; `beyond`: it came as one more than the group has."""

    trunk: str
    from_s: float
    to_s: float | None = None
    beyond: bool = False


@dataclass(eq=False, slots=True)
class Score:
    """What a caller answered after a conversation."""

    at_s: float
    visit: Visit
    member: Member
    score: int


@dataclass(eq=False, slots=True)
class Life:
    """An agent's day: each state with the model second in which it began; None: his phone is out of reach."""

    spans: list[tuple[float, str | None]] = field(default_factory=list)
    #: Whom he spoke with last, whose wrap-up a following one is.
    spoke: Visit | None = None
    #: Whose wrap-up began then.
    wraps: dict[float, Visit] = field(default_factory=dict)


class Book:
    """Watches one model. `take` is to be called after each of its steps. `lines`: how many each trunk has."""

    def __init__(self, model: FloorModel, lines: dict[str, int] | None = None) -> None:
        self.model, self.sizes = model, lines or {}
        self.lives: dict[Agent, Life] = defaultdict(Life)
        self.wraps: dict[Visit, tuple[float, float]] = {}
        #: From and to of each hold; `to` None: it goes on.
        self.holds: dict[Visit, list[tuple[float, float | None]]] = {}
        self.lines: list[Line] = []
        self.scores: list[Score] = []
        self._held: dict[Call, Line] = {}
        self.take([])

    def take(self, happened: list[FloorEvent]) -> None:
        """What one step brought about."""
        now_s = self.model.now_s
        for event in happened:
            self._call(event, now_s)
            if isinstance(event, Held):
                self._held_on(event.visit, now_s, on=event.on)
            if isinstance(event, Ended) and event.visit.member is not None:
                self._ended(event, now_s)
            elif isinstance(event, RingEnded | Left) and event.member is not None and event.visit.pbx_ended != "kill":
                self._passed(event.member.agent, now_s)
        for agent in self.model.staff.agents.values():
            self._look(agent, now_s)

    def _call(self, event: FloorEvent, now_s: float) -> None:
        call: Call | None = getattr(event, "call", None) or getattr(getattr(event, "visit", None), "call", None)
        if call is None:
            return
        if isinstance(event, Arrived):
            size = self.sizes.get(call.trunk)
            busy = sum(line.trunk == call.trunk for line in self._held.values())
            line = self._held[call] = Line(call.trunk, now_s, beyond=size is not None and busy >= size)
            self.lines.append(line)
        elif call.gone and (held := self._held.pop(call, None)) is not None:
            held.to_s = now_s

    def _ended(self, event: Ended, now_s: float) -> None:
        visit, member = event.visit, event.visit.member
        assert member is not None
        if visit.pbx_ended == "kill":
            return  # nobody was told
        self.lives[member.agent].spoke = visit
        if visit.pbx_ended is not None and visit.queue.plan.wrap_up_s > 0:
            self.lives[member.agent].spans.append((now_s, "wrap_up"))
            self.lives[member.agent].wraps[now_s] = visit
        if visit.queue.plan.wrap_up_s <= 0:
            self._passed(member.agent, now_s)
        if event.by == "agent" and (score := score_of(visit.call.number)) is not None:
            self.scores.append(Score(now_s, visit, member, score))

    def _passed(self, agent: Agent, now_s: float) -> None:
        """He was free for no time at all before what he does now."""
        spans = self.lives[agent].spans
        idle = _idle(agent)
        if spans and spans[-1][1] != idle:
            spans.append((now_s, idle))

    def _look(self, agent: Agent, now_s: float) -> None:
        life, state = self.lives[agent], state_of(agent)
        if not self.model.up and state is None:
            return  # a PBX that stops says nothing of phones: to its last word he is what he was
        if life.spans and life.spans[-1][1] == state:
            return
        if life.spans and life.spans[-1][1] == "wrap_up" and life.spoke is not None:
            self.wraps.setdefault(life.spoke, (life.spans[-1][0], now_s))
        life.spans.append((now_s, state))
        if state == "wrap_up" and life.spoke is not None:
            life.wraps[now_s] = life.spoke

    def _held_on(self, visit: Visit, now_s: float, *, on: bool) -> None:
        holds = self.holds.setdefault(visit, [])
        if on:
            holds.append((now_s, None))
        elif holds:
            holds[-1] = (holds[-1][0], now_s)


def state_of(agent: Agent) -> str | None:
    """What an agent does now."""
    match agent.mode:
        case "away":
            return None
        case "talking":
            held = agent.visit is not None and agent.visit.held_since_s is not None
            return "holding" if held else "talking"
        case "ringing" | "wrap_up":
            return agent.mode
        case _:
            return _idle(agent)


def _idle(agent: Agent) -> str:
    return "paused" if agent.members and all(member.paused for member in agent.members) else "available"


def state_in(member: Member) -> str | None:
    """What he does for one queue: his pause there counts, and no other."""
    state = state_of(member.agent)
    return state if state in (None, "holding", "talking", "ringing", "wrap_up") else "paused" if member.paused else "available"
