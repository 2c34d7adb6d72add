"""Decides what is told, at a start, of calls that were under way when the box died: nobody saw how they ended. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from msgspec import Struct

from appliance.core.catalogue import (
    CallAbandoned,
    CallAnswered,
    CallEnded,
    CallLost,
    CallQueued,
    LineReleased,
    LineRinging,
    LineSeized,
)
from appliance.core.clock import NS
from appliance.core.event import Event
from gateway.fxo.line_call import Outcome


def closing(events: Iterable[Event], lines: Iterable[str], pbx: str, visits: Collection[str] = ()) -> list[Struct]:
    """The events that end what the journal, oldest first, holds open of these lines and of the queues of this source, but these visits.

    A call that rang is lost; one that was talking ends, inferred, with the journal's last word.
    """
    known, told_until = frozenset(lines), last_told(events := tuple(events))
    busy: dict[str, LineRinging | LineSeized] = {}
    rang: set[str] = set()
    waiting: dict[str, CallQueued] = {}
    talking: dict[str, tuple[CallAnswered, Event]] = {}
    for event in events:
        data = event.data
        match data:
            case LineRinging() if data.line in known:
                busy[data.line] = data
                rang.add(data.line)
            case LineSeized() if data.line in known:
                busy[data.line] = data
            case LineReleased() if data.line in known:
                busy.pop(data.line, None)
                rang.discard(data.line)
            case CallQueued() if data.pbx == pbx and data.visit is not None:
                waiting[data.visit] = data
            case CallAnswered() if data.pbx == pbx and data.visit is not None:
                waiting.pop(data.visit, None)
                talking[data.visit] = data, event
            case CallAbandoned() | CallLost() | CallEnded():
                waiting.pop(data.visit or "", None)
                talking.pop(data.visit or "", None)
    out: list[Struct] = []
    for line, held in busy.items():
        taken = isinstance(held, LineSeized)
        outcome: Outcome | None = None if line not in rang else "answered" if taken else "unknown"
        out.append(LineReleased(line=line, trunk=held.trunk, pbx=held.pbx, inferred=True, outcome=outcome))
    for visit, queued in waiting.items():
        if visit in visits:
            continue
        out.append(CallLost(call=queued.call, pbx=pbx, visit=visit, queue=queued.queue))
    for visit, (answered, at) in talking.items():
        talk_s = lasted_s(at, told_until)
        out.append(CallEnded(call=answered.call, pbx=pbx, visit=visit, queue=answered.queue, talk_s=talk_s, inferred=True))
    return out


def last_told(events: Iterable[Event]) -> dict[str, int]:
    """By boot, the monotonic ns of the last event: until then somebody looked. Wall time may have been set meanwhile, by years."""
    told: dict[str, int] = {}
    for event in events:
        told[event.boot] = max(told.get(event.boot, 0), event.mono_ns)
    return told


def lasted_s(since: Event, told_until: dict[str, int]) -> float:
    """How long what this event began is known to have lasted: to the last word of the same boot."""
    return round(max(0, told_until[since.boot] - since.mono_ns) / NS, 3)
