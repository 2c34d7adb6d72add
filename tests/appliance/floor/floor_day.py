"""A little language for tests: a floor told in seconds, folded as the box folds it."""

from __future__ import annotations

from msgspec import Struct

from appliance.core.catalogue import (
    AgentLoggedIn,
    AgentStateChanged,
    CallAbandoned,
    CallAnswered,
    CallEnded,
    CallLeft,
    CallLost,
    CallQueued,
    PbxResynced,
    PbxUp,
    kind_of,
)
from appliance.core.clock import NS, ManualClock
from appliance.core.config import Config
from appliance.core.event import Event
from appliance.floor.build import queue_snapshot
from appliance.floor.floor import Floor

#: 2026-11-21 14:06:40 UTC, a Saturday.
START_NS = 1_795_270_000 * NS


class Day:
    """One PBX `p` in sight since the start; times are seconds since then."""

    def __init__(self, config: Config | None = None, *, seen: bool = True) -> None:
        self.clock = ManualClock(START_NS)
        self.floor = Floor(config or Config())
        self.events: list[Event] = []
        self._at = 0.0
        if seen:
            self.tell(0, PbxUp(pbx="p"), PbxResynced(pbx="p"))

    def tell(self, at_s: float, *data: Struct) -> None:
        self.clock.advance(at_s - self._at)
        self._at = at_s
        for item in data:
            event = Event(
                kind_of(item), "gateway/p", self.clock.wall_ns(), self.clock.mono_ns(), self.clock.boot, self.clock.quality(), item
            )
            self.events.append(event)
            self.floor.apply(len(self.events), event)

    def queued(self, at_s: float, visit: str, queue: str = "ventas", **more) -> None:
        self.tell(at_s, CallQueued(call=f"c-{visit}", pbx="p", visit=visit, queue=queue, **more))

    def answered(self, at_s: float, visit: str, wait_s: float, queue: str = "ventas", agent: str = "ana") -> None:
        self.tell(at_s, CallAnswered(call=f"c-{visit}", pbx="p", visit=visit, queue=queue, agent=agent, wait_s=wait_s))

    def ended(self, at_s: float, visit: str, talk_s: float, queue: str = "ventas", agent: str = "ana", hold_s: float = 0) -> None:
        self.tell(at_s, CallEnded(call=f"c-{visit}", pbx="p", visit=visit, queue=queue, agent=agent, talk_s=talk_s, hold_s=hold_s))

    def abandoned(self, at_s: float, visit: str, wait_s: float, queue: str = "ventas") -> None:
        self.tell(at_s, CallAbandoned(call=f"c-{visit}", pbx="p", visit=visit, queue=queue, wait_s=wait_s))

    def left(self, at_s: float, visit: str, wait_s: float, reason: str, queue: str = "ventas") -> None:
        self.tell(at_s, CallLeft(call=f"c-{visit}", pbx="p", visit=visit, queue=queue, wait_s=wait_s, reason=reason))

    def lost(self, at_s: float, visit: str, queue: str = "ventas") -> None:
        self.tell(at_s, CallLost(call=f"c-{visit}", pbx="p", visit=visit, queue=queue))

    def agent(self, at_s: float, state: str, key: str = "ana", queues: tuple[str, ...] = ("ventas",), reason: str | None = None) -> None:
        self.tell(at_s, AgentStateChanged(agent=key, pbx="p", state=state, queues=dict.fromkeys(queues, state), reason=reason))

    def logged_in(self, at_s: float, key: str = "ana") -> None:
        self.tell(at_s, AgentLoggedIn(agent=key, pbx="p", name=key.title(), queues=("ventas",)))

    def queue(self, at_s: float, key: str = "ventas"):
        now = START_NS + round(at_s * NS)
        self.floor.advance(now)
        return queue_snapshot(self.floor, self.floor.state.queues[key], now, now)
