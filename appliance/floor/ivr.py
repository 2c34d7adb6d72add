"""Decides what calls in the voice menus and answers to surveys add to the figures (docs/kpis.md, "Menus and surveys"). Pure."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from appliance.core.catalogue import CallDigits, CallSurvey
from appliance.core.clock import NS
from appliance.core.config import Config
from appliance.floor.agent import AgentFold
from appliance.floor.calendar import Calendar
from appliance.floor.state import FloorState
from appliance.floor.visit import ROLLING_NS, VisitFold

_DAYS_KEPT: Final = 2
_HALVES_KEPT: Final = 100
_RECENT_KEPT: Final = 50_000


class MenuCall(Struct, frozen=True):
    """A call that left the menus: when it first chose, in which windows it counts, and whether it served itself."""

    call: str
    began_ns: int
    day: int
    half: int
    served_itself: bool
    path: tuple[str, ...] = ()


class IvrFold:
    """Applies `call.digits` and `call.survey` to a floor state."""

    def __init__(self, state: FloorState, config: Config, calendar: Calendar, visits: VisitFold, agents: AgentFold) -> None:
        self.state = state
        self._calendar, self._visits, self._agents = calendar, visits, agents
        self._questions = frozenset(config.kpi.satisfaction_questions)
        self._by_completion = config.kpi.window == "completion"
        #: Every call that left the menus, where `visits.keep` is set: for `explain`.
        self.calls: list[MenuCall] = []

    def digits(self, data: CallDigits, at_ns: int) -> None:
        """A choice; only the one with which a call leaves the menus counts."""
        if data.ended is None:
            return
        began_ns = at_ns - round((data.ivr_s or 0.0) * NS)
        counted_ns = at_ns if self._by_completion else began_ns
        day, half, served = self._calendar.day(counted_ns)[0], self._calendar.half_hour(counted_ns), data.ended == "self_service"
        ivr = self.state.ivr
        for windows, start, kept in ((ivr.days, day, _DAYS_KEPT), (ivr.halves, half, _HALVES_KEPT)):
            own, calls = windows.get(start, (0, 0))
            windows[start] = (own + served, calls + 1)
            while len(windows) > kept:
                del windows[min(windows)]
        ivr.recent.append((began_ns, served))
        if len(ivr.recent) > _RECENT_KEPT:
            del ivr.recent[:-_RECENT_KEPT]
        if self._visits.keep:
            self.calls.append(MenuCall(data.call, began_ns, day, half, served, data.path))

    def roll(self, now_ns: int) -> None:
        """Let calls that began more than half an hour ago leave the rolling window."""
        recent = self.state.ivr.recent
        if recent and min(recent)[0] <= now_ns - ROLLING_NS:
            recent[:] = [each for each in recent if each[0] > now_ns - ROLLING_NS]

    def shares(self, now_ns: int) -> dict[str, tuple[int, int]] | None:
        """Calls that served themselves, of all that left the menus, by window; None while nothing was ever told of a menu."""
        ivr = self.state.ivr
        if not ivr.days:
            return None
        rolling = (sum(served for _, served in ivr.recent), len(ivr.recent))
        today, interval = self._calendar.day(now_ns)[0], self._calendar.half_hour(now_ns)
        return {"today": ivr.days.get(today, (0, 0)), "interval": ivr.halves.get(interval, (0, 0)), "rolling": rolling}

    def answered(self, data: CallSurvey, at_ns: int) -> None:
        """An answer to a survey, if its question is one that makes the satisfaction."""
        if self._questions and data.question not in self._questions:
            return
        milli = round(data.score * 1000)
        self._visits.scored(data.visit, data.queue, data.pbx, milli, at_ns)
        if data.agent is not None:
            self._agents.scored(data.agent, data.pbx, milli, at_ns)
