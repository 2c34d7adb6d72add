"""Decides what the calls that commands dialled add to the figures: attempts, contacts, how each ended. Pure.

An attempt belongs to the windows in which its end was told. Where the agent's own phone was not reached (`agent_…`) the number was never
dialled: that is an outcome and no attempt. A contact is an attempt that somebody answered.
"""

from __future__ import annotations

from typing import Final

from appliance.core.catalogue import CallAttempted
from appliance.floor.calendar import Calendar
from appliance.floor.snapshot import Outbound, Queue, Window
from appliance.floor.state import OutboundState
from appliance.floor.visit import ROLLING_NS

_DAYS_KEPT: Final = 2
_HALVES_KEPT: Final = 100
_RECENT_KEPT: Final = 50_000


class OutboundFold:
    """Applies `call.attempted` to a floor state."""

    def __init__(self, state: OutboundState, calendar: Calendar) -> None:
        self._state, self._calendar = state, calendar

    def attempted(self, data: CallAttempted, at_ns: int) -> None:
        """One is over."""
        state, day, half = self._state, self._calendar.day(at_ns)[0], self._calendar.half_hour(at_ns)
        for windows, start, kept in ((state.days, day, _DAYS_KEPT), (state.halves, half, _HALVES_KEPT)):
            outcomes = windows.setdefault(start, {})
            outcomes[data.outcome] = outcomes.get(data.outcome, 0) + 1
            while len(windows) > kept:
                del windows[min(windows)]
        state.recent.append((at_ns, data.outcome))
        if len(state.recent) > _RECENT_KEPT:
            del state.recent[:-_RECENT_KEPT]

    def roll(self, now_ns: int) -> None:
        """Let what ended more than half an hour ago leave the rolling window."""
        recent = self._state.recent
        if recent and min(recent)[0] <= now_ns - ROLLING_NS:
            recent[:] = [each for each in recent if each[0] > now_ns - ROLLING_NS]

    def windows(self, now_ns: int) -> dict[str, Outbound] | None:
        """The figures by window; None while nothing was dialled yesterday or today."""
        state = self._state
        today, interval = self._calendar.day(now_ns)[0], self._calendar.half_hour(now_ns)
        yesterday = self._calendar.day(today - 1)[0]
        if not any(day >= yesterday for day in state.days):
            return None
        rolling: dict[str, int] = {}
        for _, outcome in state.recent:
            rolling[outcome] = rolling.get(outcome, 0) + 1
        return {
            "today": outbound_of(state.days.get(today, {})),
            "interval": outbound_of(state.halves.get(interval, {})),
            "rolling": outbound_of(rolling),
        }


def outbound_of(outcomes: dict[str, int]) -> Outbound:
    """The figures of so many of each outcome.

    >>> outbound_of({"answered": 2, "busy": 1, "agent_no_answer": 4})
    Outbound(attempts=3, contacts=2, outcomes={'answered': 2, 'busy': 1, 'agent_no_answer': 4})
    """
    dialled = sum(count for outcome, count in outcomes.items() if not outcome.startswith("agent_"))
    return Outbound(attempts=dialled, contacts=outcomes.get("answered", 0), outcomes=dict(outcomes))


def with_outbound(queue: Queue, windows: dict[str, Outbound] | None) -> Queue:
    """The floor's sum with what was dialled; as it is where nothing was."""
    for name, outbound in (windows or {}).items():
        window: Window | None = getattr(queue, name)
        if window is not None:
            window.outbound = outbound
    return queue
