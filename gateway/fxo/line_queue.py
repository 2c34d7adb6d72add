"""Decides what a site without a PBX's queue has for one: its ringing lines. Each call that rings is a visit, as in any other queue. Pure.

Fed with what its lines tell, it yields the catalogue's `call` events: queued at the first ring, answered when the line is taken up,
abandoned when it was not, `lost` (outcome unknown) where nothing can tell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from msgspec import Struct

from appliance.core.catalogue import (
    CallAbandoned,
    CallAnswered,
    CallEnded,
    CallLost,
    CallQueued,
    LineCallerId,
    LineReleased,
    LineRinging,
    LineSeized,
    Named,
    PbxResynced,
    PbxUp,
)
from gateway.fxo.line_call import NS, Told

CallEvent = CallQueued | CallAnswered | CallAbandoned | CallEnded | CallLost


class Visit(Struct):
    """One call: its id, who calls, when it began to ring and when it was taken."""

    id: str
    began_ns: int
    caller: str | None = None
    taken_ns: int | None = None


class LineQueue:
    """Lines that ring as one queue. `waiting` are those that ring now, the longest first."""

    def __init__(self, queue: str, pbx: str, new_id: Callable[[], str], *, title: str | None = None, senses: Callable[[str], bool]) -> None:
        """`new_id` gives an id for ever unique; `senses` whether anything on a line tells that a call was taken."""
        self.queue, self.pbx, self.title = queue, pbx, title
        self._new_id, self._senses = new_id, senses
        self._visits: dict[str, Visit] = {}

    def in_sight(self, limits: tuple[str, ...] = ()) -> list[PbxUp | PbxResynced]:
        """What tells the floor that these lines are heard from now on: nothing is read first, and the queue shows before a call."""
        named = Named(self.queue, self.title or self.queue)
        return [PbxUp(pbx=self.pbx, limits=limits), PbxResynced(pbx=self.pbx, waiting=len(self.waiting), queues=(named,))]

    @property
    def waiting(self) -> list[tuple[str, int]]:
        """Lines that ring, and since when."""
        ringing = [(line, visit.began_ns) for line, visit in self._visits.items() if visit.taken_ns is None]
        return sorted(ringing, key=lambda each: each[1])

    def rings_on(self, line: str, visit: str, began_ns: int, caller: str | None) -> None:
        """A visit that waited when the box was last at work waits on."""
        self._visits[line] = Visit(visit, began_ns, caller)

    def apply(self, told: Iterable[Told], now_ns: int) -> list[CallEvent]:
        """The call events that a line's events mean."""
        out: list[CallEvent] = []
        for each in told:
            out += self._one(each, now_ns)
        return out

    def _one(self, told: Told, now_ns: int) -> list[CallEvent]:
        event, line = told.event, told.event.line
        visit = self._visits.get(line)
        match event:
            case LineRinging():
                visit = self._visits[line] = Visit(self._new_id(), told.at_ns)
                return [CallQueued(**self._of(visit), title=self.title, waited_s=_seconds(told.at_ns, now_ns))]
            case LineCallerId() if visit is not None:
                visit.caller = event.number
            case LineSeized(direction="in") if visit is not None and event.inferred:
                del self._visits[line]
                return [CallLost(**self._of(visit), found_talking=True)]
            case LineSeized(direction="in") if visit is not None:
                visit.taken_ns = told.at_ns
                wait_s = _seconds(visit.began_ns, told.at_ns)
                return [CallAnswered(**self._of(visit), wait_s=wait_s, ring_s=wait_s)]
            case LineReleased() if visit is not None:
                del self._visits[line]
                return [self._over(visit, event, told.at_ns)]
        return []

    def _over(self, visit: Visit, event: LineReleased, at_ns: int) -> CallEvent:
        if visit.taken_ns is not None:
            return CallEnded(**self._of(visit), talk_s=_seconds(visit.taken_ns, at_ns), inferred=event.inferred)
        if event.outcome == "abandoned":
            return CallAbandoned(**self._of(visit), wait_s=_seconds(visit.began_ns, at_ns), ringing=True)
        return CallLost(**self._of(visit), reason="blind" if self._senses(event.line) else "not_sensed")

    def _of(self, visit: Visit) -> dict[str, Any]:
        return {"call": visit.id, "pbx": self.pbx, "visit": visit.id, "queue": self.queue, "caller": visit.caller}


def _seconds(start_ns: int, end_ns: int) -> float:
    return round(max(0, end_ns - start_ns) / NS, 3)
