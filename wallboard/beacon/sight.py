"""Decides what one stack light looks at in the floor's snapshot: the whole floor, a queue or a group, their alarms, the faults. Pure."""

from __future__ import annotations

from appliance.core.config import Beacon, Config
from appliance.core.slug import slug
from appliance.floor.snapshot import Alarm, Queue, Snapshot
from wallboard.beacon.policy import Fault, Sight
from wallboard.board import is_closed

_CUT_OFF = ("down", "denied")
_UNHEARD = ("down", "denied", "no_consumer")


class Viewpoint:
    """Where a stack light looks from."""

    def __init__(self, beacon: Beacon, config: Config) -> None:
        self._queue = None if beacon.queue is None else slug(beacon.queue)
        self._group = None if beacon.group is None else slug(beacon.group, "g")
        group = config.groups.get(self._group) if self._group is not None else None
        self._queues = frozenset(slug(queue) for queue in group.queues) if group is not None else frozenset()

    def sight(self, snapshot: Snapshot) -> Sight:
        """What it sees. A queue or a group that the floor has not seen is not known, and never all served."""
        scope = self._scope(snapshot)
        return Sight(
            known=scope is not None and scope.fresh == "live" and scope.waiting is not None,
            closed=is_closed(snapshot),
            waiting=None if scope is None else scope.waiting,
            all_busy=self._queue is None and self._group is None and any(trunk.all_busy_now for trunk in snapshot.trunks.values()),
            fault=_fault(snapshot, None if scope is None or self._queue is None else scope.pbx),
            alarms=tuple(alarm for alarm in snapshot.alarms if self.concerns(alarm, snapshot)),
        )

    def concerns(self, alarm: Alarm, snapshot: Snapshot) -> bool:
        """Whether an alarm is one that this light shows: all of them where it looks at the whole floor.

        Of an agent's extraordinary call, where he is in the queue, or in one of the group's.
        """
        if self._queue is None and self._group is None:
            return True
        kind, _, rest = alarm.id.partition(".")
        key = rest.rpartition(".")[0]
        if kind == "call":
            agent = (snapshot.agents or {}).get(alarm.agent or "")
            return agent is not None and not self._queues.union({self._queue}).isdisjoint(agent.queues)
        return (kind == "queue" and (key == self._queue or key in self._queues)) or (kind == "group" and key == self._group)

    def _scope(self, snapshot: Snapshot) -> Queue | None:
        if self._queue is not None:
            return snapshot.queues.get(self._queue)
        return snapshot.groups.get(self._group) if self._group is not None else snapshot.floor


def _fault(snapshot: Snapshot, pbx: str | None) -> Fault | None:
    """The gravest: without the PBX no figure is right, without the box soon none, without the link all figures go on."""
    if any(each.state in _CUT_OFF for key, each in snapshot.pbx.items() if pbx is None or key == pbx):
        return "pbx"
    if any(item.level == "red" for item in snapshot.health):
        return "box"
    return "link" if snapshot.crm.state in _UNHEARD else None
