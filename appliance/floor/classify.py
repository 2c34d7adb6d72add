"""Decides what calls that somebody classified add to the figures, and which extraordinary ones are still to be told of. Pure.

A call counts once, under the type that it was given last, in the windows of the visit that it was classified by: of one that never
joined a queue the floor's alone, when it was told (docs/classification.md).
"""

from __future__ import annotations

from typing import Final, TypeVar

from appliance.core.catalogue import AlarmCleared, AlarmRaised, CallClassified
from appliance.core.clock import NS
from appliance.core.config import Config
from appliance.floor.calendar import Calendar
from appliance.floor.snapshot import Queue, Window
from appliance.floor.state import Classed, Extraordinary, FloorState
from appliance.floor.visit import ROLLING_NS, VisitFold

#: An extraordinary call's alarm is this and its agent, `call.extraordinary.ana`; this alone where nobody knows who has it.
ALARM: Final = "call.extraordinary"
#: Twice as many as whoever takes classifications remembers calls, so that each that may be classified anew is found here.
_CALLS_KEPT: Final = 40_000
_DAYS_KEPT: Final = 2
_HALVES_KEPT: Final = 100
_RECENT_KEPT: Final = 5_000
#: More at once than any floor has agents.
_EXTRAORDINARY_KEPT: Final = 1_000

Counts = dict[str, int]
_T = TypeVar("_T")


def alarm_of(agent: str | None) -> str:
    """The alarm's id.

    >>> alarm_of("ana"), alarm_of(None)
    ('call.extraordinary.ana', 'call.extraordinary')
    """
    return f"{ALARM}.{agent}" if agent else ALARM


def is_of_call(alarm: str) -> bool:
    """Whether an alarm is one of an extraordinary call."""
    return alarm == ALARM or alarm.startswith(f"{ALARM}.")


class ClassFold:
    """Applies `call.classified` to a floor state, and keeps which extraordinary calls stand."""

    def __init__(self, state: FloorState, config: Config, calendar: Calendar, visits: VisitFold) -> None:
        self.state = state
        self._calendar, self._visits = calendar, visits
        self._extraordinary = config.classification.is_extraordinary

    def told(self, data: CallClassified, at_ns: int) -> None:
        """Somebody classified a call, perhaps anew; without a type it stays under the one that it has."""
        if data.type is None:
            return
        calls = self.state.classes.calls
        before = calls.pop(data.call, None)
        if before is not None:
            self._count(before, -1)
            self.state.classes.recent.pop(data.call, None)
        began_ns = at_ns - round((data.age_s or 0.0) * NS)
        classed = calls[data.call] = self._place(data, data.type, began_ns)
        self._count(classed, 1)
        if classed.queue is None and began_ns > at_ns - ROLLING_NS:
            _bounded(self.state.classes.recent, _RECENT_KEPT)[data.call] = (data.type, began_ns)
        if len(calls) > _CALLS_KEPT:
            del calls[next(iter(calls))]
        self._watch(data, at_ns, before.type if before is not None else None)

    def over(self, call: str, at_ns: int) -> None:
        """The call's visit or conversation ended."""
        for standing in self.state.classes.extraordinary.values():
            if standing.call == call and not standing.over_ns:
                standing.over_ns = at_ns

    def raised(self, data: AlarmRaised) -> None:
        """The alarm of an extraordinary call was raised."""
        standing = self.state.classes.extraordinary.get(data.alarm)
        if standing is not None and standing.call == data.call:
            standing.raised = True

    def cleared(self, data: AlarmCleared) -> None:
        """It went: that call is done with, unless another has taken its place meanwhile."""
        standing = self.state.classes.extraordinary.get(data.alarm)
        if standing is not None and standing.raised:
            del self.state.classes.extraordinary[data.alarm]

    def roll(self, now_ns: int) -> None:
        """Let calls that were told of more than half an hour ago leave the rolling window."""
        recent = self.state.classes.recent
        for call in [call for call, (_, began_ns) in recent.items() if began_ns <= now_ns - ROLLING_NS]:
            del recent[call]

    def forget_old(self, day_ns: int) -> None:
        """A day begins: what was counted before yesterday is counted no more, and classified anew by nobody."""
        yesterday = self._calendar.day(day_ns - 1)[0]
        classes = self.state.classes
        for call in [call for call, classed in classes.calls.items() if classed.day < yesterday]:
            del classes.calls[call]
        for key in [key for key, each in classes.extraordinary.items() if each.at_ns < yesterday]:
            del classes.extraordinary[key]

    def outside(self, now_ns: int) -> dict[str, Counts]:
        """Calls that joined no queue, by window and type: the floor's alone."""
        classes, today, half = self.state.classes, self._calendar.day(now_ns)[0], self._calendar.half_hour(now_ns)
        rolling: Counts = {}
        for name, _ in classes.recent.values():
            rolling[name] = rolling.get(name, 0) + 1
        return {"today": classes.days.get(today, {}), "interval": classes.halves.get(half, {}), "rolling": rolling}

    def _place(self, data: CallClassified, name: str, began_ns: int) -> Classed:
        """Where the call counts: by its visit, if that is known, else by what the event tells."""
        visit = self.state.visits.get(data.visit or "")
        if visit is not None:
            return Classed(name, visit.queue, visit.id, visit.day, visit.half)
        late = self.state.late.get(data.visit or "")
        if late is not None:
            return Classed(name, late[0], None, late[1], late[2])
        queue = data.queue if data.queue in self.state.queues else None
        return Classed(name, queue, None, self._calendar.day(began_ns)[0], self._calendar.half_hour(began_ns))

    def _count(self, classed: Classed, sign: int) -> None:
        """Count a call in or out where it belongs."""
        if classed.queue is not None:
            self._visits.classed(classed.visit, (classed.queue, classed.day, classed.half), classed.type, sign)
            return
        classes = self.state.classes
        for windows, start, kept in ((classes.days, classed.day, _DAYS_KEPT), (classes.halves, classed.half, _HALVES_KEPT)):
            count(windows.setdefault(start, {}), classed.type, sign)
            while len(windows) > kept:
                del windows[min(windows)]

    def _watch(self, data: CallClassified, at_ns: int, before: str | None) -> None:
        """An extraordinary call stands under its agent's alarm; one that turns out to be none is over at once.

        `before`: what it was. One that was extraordinary already and stands no more was told of: a form that is saved again is no news.
        """
        standing, key = self.state.classes.extraordinary, alarm_of(data.agent)
        extraordinary = self._extraordinary(data.type)
        if extraordinary and self._extraordinary(before) and not any(each.call == data.call for each in standing.values()):
            return
        for other in [name for name, each in standing.items() if each.call == data.call and not (extraordinary and name == key)]:
            if standing[other].raised:
                standing[other].withdrawn = True
            else:
                del standing[other]
        if not extraordinary:
            return
        known = standing.get(key)
        if known is not None and known.call == data.call:
            known.withdrawn = False
            return
        visit = self.state.visits.get(data.visit or "")
        goes_on = visit is not None and visit.state in ("waiting", "answered")
        _bounded(standing, _EXTRAORDINARY_KEPT)[key] = Extraordinary(data.call, data.agent, at_ns, 0 if goes_on else at_ns)


def with_classes(queue: Queue, outside: dict[str, Counts]) -> Queue:
    """The floor's sum with the classified calls that joined no queue."""
    for name, counts in outside.items():
        window: Window | None = getattr(queue, name)
        if window is not None:
            for kind, calls in counts.items():
                window.classes[kind] = window.classes.get(kind, 0) + calls
    return queue


def count(counts: Counts, name: str, sign: int) -> None:
    """One more, or one less, of a kind; of none nothing is kept."""
    left = counts.get(name, 0) + sign
    if left > 0:
        counts[name] = left
    else:
        counts.pop(name, None)


def _bounded(book: dict[str, _T], most: int) -> dict[str, _T]:
    while len(book) >= most:
        del book[next(iter(book))]
    return book
