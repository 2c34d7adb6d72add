"""Decides at which position a call would join a queue, and how long it would wait there. Pure.

**Position** = callers waiting with the same or a higher priority + 1. A PBX tells nobody's priority: known are those that the box itself
gave out to calls that asked it; everybody else counts as 0, Asterisk's own default.

**Expected wait**, of a caller with `ahead` = position − 1 callers before him:

    0                                        where free > ahead
    (ahead − free + 1) × AHT ÷ capacity      otherwise

- `free`: agents of the queue who are available;
- `capacity`: agents of the queue who work (logged in, neither paused in it nor unknown); one who works in k queues in which somebody
  waits counts as 1 ÷ k, this queue always being one of them;
- `AHT`: mean handling time (talk with hold, and wrap-up) of the calls of the last 30 minutes that have ended, of today where those are
  fewer than `wait_from_calls`; fewer than that today too: the wait is not known.

It is the mean time to the (ahead − free + 1)-th departure of an M/M/c queue all of whose servers are busy: calls end at the rate
capacity ÷ AHT. So it holds on average where handling times are spread like an exponential, and it assumes that nobody gives up, that
nobody of higher priority comes later, and that the agents stay: who gives up makes it too long, a VIP makes it too short. Not known
(None) also where no agent works, or where the PBX is out of sight.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from appliance.floor.state import FloorState, QueueState

_WORKING: Final = frozenset({"available", "ringing", "talking", "holding", "wrap_up"})
_ABSENT: Final = frozenset({"logged_out", "unknown"})


class QueueSight(Struct, frozen=True):
    """One queue as of now. `waiting`: how many callers by priority; `aht_s` None: too few calls have ended."""

    key: str
    waiting: dict[int, int]
    free: int
    capacity: float
    aht_s: float | None

    def position(self, priority: int = 0) -> int:
        """Where a call of this priority would join.

        >>> QueueSight("ventas", {0: 3, 5: 2}, 0, 4.0, 180.0).position(5)
        3
        """
        return sum(count for theirs, count in self.waiting.items() if theirs >= priority) + 1

    def wait_s(self, position: int) -> float | None:
        """The expected wait of who stands at a position, by the formula above.

        >>> sight = QueueSight("ventas", {0: 3}, 0, 4.0, 180.0)
        >>> sight.wait_s(4), QueueSight("ventas", {}, 1, 4.0, 180.0).wait_s(1), QueueSight("ventas", {}, 0, 0.0, 180.0).wait_s(1)
        (180.0, 0.0, None)
        """
        ahead = position - 1
        if self.free > ahead:
            return 0.0
        if self.aht_s is None or self.capacity <= 0:
            return None
        return (ahead - self.free + 1) * self.aht_s / self.capacity


def sights(state: FloorState, day: int, priorities: Mapping[str, int], from_calls: int) -> dict[str, QueueSight]:
    """Every queue by its key, as the floor's fold has it, its windows rolled to now.

    `day`: the start of today (ns); `priorities`: what the box gave out, by visit; `from_calls`: so many calls make a handling time.
    """
    free: dict[str, int] = {}
    capacity: dict[str, float] = {}
    for agent in state.agents.values():
        if agent.state in _ABSENT:
            continue
        works = [(key, told) for key, told in agent.queues.items() if told in _WORKING]
        pressed = sum(1 for key, _ in works if key in state.queues and state.queues[key].waiting)
        for key, told in works:
            free[key] = free.get(key, 0) + (told == "available")
            here = bool(key in state.queues and state.queues[key].waiting)
            capacity[key] = capacity.get(key, 0.0) + 1 / (pressed + (not here))
    return {
        key: QueueSight(key, _by_priority(queue, priorities), free.get(key, 0), capacity.get(key, 0.0), _aht_s(queue, day, from_calls))
        for key, queue in state.queues.items()
    }


def _by_priority(queue: QueueState, priorities: Mapping[str, int]) -> dict[int, int]:
    waiting: dict[int, int] = {}
    for visit in queue.waiting:
        priority = priorities.get(visit, 0)
        waiting[priority] = waiting.get(priority, 0) + 1
    return waiting


def _aht_s(queue: QueueState, day: int, from_calls: int) -> float | None:
    for tally in (queue.rolling, queue.days.get(day)):
        if tally is not None and tally.answered_ended >= from_calls:
            return (tally.talk_ms + tally.wrap_ms) / 1000 / tally.answered_ended
    return None
