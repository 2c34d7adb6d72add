"""Agents: each second of each logged-in agent in exactly one state, by day (docs/kpis.md, "Agents' time")."""

from __future__ import annotations

from collections.abc import Callable

from appliance.core.catalogue import AgentLoggedIn, AgentLoggedOut, AgentStateChanged
from appliance.core.clock import NS
from appliance.floor.calendar import Calendar
from appliance.floor.state import STATES, AgentDay, FloorState

_INDEX = {state: at for at, state in enumerate(STATES)}
#: One more than is told: the first event of a day is folded before whoever keeps whole days is told of the day that it ends.
_DAYS_KEPT = 3
_DAY_NS = 86_400 * NS


class AgentFold:
    """Applies agent events to the agents of a floor state."""

    def __init__(
        self,
        state: FloorState,
        calendar: Calendar,
        touched: Callable[[str], None],
        wrapped: Callable[[tuple[str, int, int], str | None, int], None],
    ) -> None:
        self.state = state
        self._calendar = calendar
        self._touched = touched
        self._wrapped = wrapped

    def logged_in(self, data: AgentLoggedIn, at_ns: int) -> None:
        """The agent appears; his state follows in `agent.state`."""
        agent = self._agent(data.agent, data.pbx, data.name)
        for queue in data.queues:
            agent.queues.setdefault(queue, "available")
        self._touched(agent.key)
        if agent.told == "logged_out":
            self._tell(agent, "available", at_ns)

    def logged_out(self, data: AgentLoggedOut, at_ns: int) -> None:
        """The agent's time stops."""
        agent = self._agent(data.agent, data.pbx, data.name)
        agent.queues = {}
        agent.reason = None
        self._tell(agent, "logged_out", at_ns)

    def changed(self, data: AgentStateChanged, at_ns: int) -> None:
        """The agent's state, in all and in each queue."""
        agent = self._agent(data.agent, data.pbx, data.name)
        agent.queues = dict(data.queues)
        agent.reason = data.reason
        self._touched(agent.key)  # the queues that he joined as well as those that he left
        self._tell(agent, data.state, at_ns)

    def answered(self, key: str | None, pbx: str, at_ns: int) -> None:
        """One more call answered today."""
        if key is None:
            return
        agent = self._agent(key, pbx, None)
        day = self._calendar.day(at_ns)[0]
        agent.answered[day] = agent.answered.get(day, 0) + 1
        while len(agent.answered) > _DAYS_KEPT:
            del agent.answered[min(agent.answered)]

    def scored(self, key: str, pbx: str, milli: int, at_ns: int) -> None:
        """A survey answer about him, in thousandths, of the day on which it came."""
        agent = self._agent(key, pbx, None)
        day = self._calendar.day(at_ns)[0]
        total, answers = agent.scores.get(day, (0, 0))
        agent.scores[day] = (total + milli, answers + 1)
        while len(agent.scores) > _DAYS_KEPT:
            del agent.scores[min(agent.scores)]

    def ended(self, key: str | None, visit: str | None, place: tuple[str, int, int] | None) -> None:
        """Remember which call a following wrap-up belongs to."""
        agent = self.state.agents.get(key or "")
        if agent is not None:
            agent.wrap_visit, agent.wrap_place = visit, place

    def blind(self, pbx: str, at_ns: int) -> None:
        """The source went out of sight: from then on nobody's state is known."""
        for agent in self.state.agents.values():
            if agent.pbx == pbx and agent.told != "logged_out":
                # A wrap-up may have ended by its timer since the last sight: no second is counted twice.
                self._enter(agent, "unknown", max(at_ns, agent.since_ns))

    def sighted(self, pbx: str, at_ns: int) -> None:
        """The source is in sight again: the states that it told hold from now."""
        for agent in self.state.agents.values():
            if agent.pbx == pbx:
                self._enter(agent, agent.told, at_ns)

    def forget_old(self, day_ns: int) -> None:
        """Drop those who were not seen since the day began: the floor lists the agents of today, `gone` those of yesterday."""
        agents, gone = self.state.agents, self.state.gone
        for agent in list(agents.values()):
            if agent.told == "logged_out" and agent.since_ns < day_ns and day_ns not in agent.answered:
                gone[agent.key] = agents.pop(agent.key)
        yesterday = self._calendar.day(day_ns - 1)[0]
        for key in [key for key, agent in gone.items() if yesterday not in agent.ms and yesterday not in agent.answered]:
            del gone[key]

    def ms_until(self, agent: AgentDay, now_ns: int, seen_ns: int | None = None) -> list[int]:
        """Milliseconds of each state today, the running one included; what lies after `seen_ns` is unknown."""
        return self.ms_in(agent, self._calendar.day(now_ns)[0], now_ns, seen_ns)

    def ms_in(self, agent: AgentDay, day: int, now_ns: int, seen_ns: int | None = None) -> list[int]:
        """Milliseconds of each state in the day that began at `day`, until now_ns, which is not after that day's end."""
        out = list(agent.ms.get(day, ())) or [0] * len(STATES)
        if agent.state in _INDEX and agent.since_ns:
            begins = max(agent.since_ns, day)
            until = now_ns if seen_ns is None else min(now_ns, max(begins, seen_ns))
            out[_INDEX[agent.state]] += max(0, until - begins) // 1_000_000
            out[_INDEX["unknown"]] += max(0, now_ns - max(until, begins)) // 1_000_000
        return out

    def _agent(self, key: str, pbx: str, name: str | None) -> AgentDay:
        agent = self.state.agents.get(key)
        if agent is None:
            agent = self.state.agents[key] = AgentDay(key, pbx, name)
        elif name:
            agent.name = name
        self._touched(key)
        return agent

    def _tell(self, agent: AgentDay, state: str, at_ns: int) -> None:
        agent.told = state
        source = self.state.sources.get(agent.pbx)
        hidden = source is not None and not source.in_sight and state != "logged_out"
        self._enter(agent, "unknown" if hidden else state, at_ns)

    def _enter(self, agent: AgentDay, state: str, at_ns: int) -> None:
        if state == agent.state:
            return
        self._close(agent, at_ns)
        agent.state, agent.since_ns = state, at_ns
        self._touched(agent.key)

    def _close(self, agent: AgentDay, at_ns: int) -> None:
        """Book the running state up to now, split at midnight, and hand a wrap-up to its call."""
        if agent.state not in _INDEX:
            return
        start = agent.since_ns
        if agent.state == "wrap_up" and agent.wrap_place is not None:
            self._wrapped(agent.wrap_place, agent.wrap_visit, max(0, at_ns - start) // 1_000_000)
            agent.wrap_visit = agent.wrap_place = None
        at = _INDEX[agent.state]
        # A clock that was ten years behind makes a state of ten years: of its days only those that are kept are booked.
        start = max(start, at_ns - (_DAYS_KEPT + 1) * _DAY_NS)
        while start < at_ns:
            day, next_day = self._calendar.day(start)
            until = min(at_ns, next_day)
            agent.ms.setdefault(day, [0] * len(STATES))[at] += (until - start) // 1_000_000
            start = until
        while len(agent.ms) > _DAYS_KEPT:
            del agent.ms[min(agent.ms)]
