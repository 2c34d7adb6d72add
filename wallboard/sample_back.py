"""Decides what the sample floor has of the way back: callbacks, VIP callers, types of call, outbound calls, other channels."""

from __future__ import annotations

import msgspec

from appliance.floor.added import callbacks_of, with_people
from appliance.floor.snapshot import Alarm, Callbacks, Channel, Fresh, Outbound, Queue, Snapshot
from wallboard.sample_time import ago

_DUE = {"ventas": (4, 1, 5025.0), "cobranzas": (2, 0, 1310.0), "atencion-al-cliente": (1, 1, 402.0)}
_CLASSES = {
    "ventas": {"perfect": 71, "imperfect": 22, "improper": 9, "extraordinary": 1},
    "soporte": {"perfect": 38, "imperfect": 15, "improper": 4, "extraordinary": 0},
    "cobranzas": {"perfect": 40, "imperfect": 19, "improper": 12, "extraordinary": 2},
}


def stocked(shot: Snapshot) -> Snapshot:
    """The floor, changed, with all that a directory, commands and a CRM bring; nobody whom it marks waits now."""
    for key, queue in shot.queues.items():
        due, taken, age_s = _DUE.get(key, (0, 0, 0.0))
        queue.vip_waiting = 0
        queue.callbacks = Callbacks(open=due, claimed=taken, oldest_since=ago(age_s) if due else None)
        queue.today = msgspec.structs.replace(
            queue.today, classes={type_: count for type_, count in _CLASSES.get(key, {}).items() if count}
        )
    classes: dict[str, int] = {}
    for queue in shot.queues.values():
        for name, count in queue.today.classes.items():
            classes[name] = classes.get(name, 0) + count
    outcomes = {"answered": 31, "no_answer": 24, "busy": 9, "rejected": 3, "congested": 2, "unallocated": 4}
    outbound = Outbound(attempts=sum(outcomes.values()), contacts=31, outcomes=outcomes)
    shot.floor.today = msgspec.structs.replace(shot.floor.today, classes=classes, outbound=outbound)
    shot.floor = with_people(shot.floor, list(shot.queues.values()))
    shot.floor.callbacks = callbacks_of([queue.callbacks for queue in shot.queues.values()])
    shot.channels = {
        "email": _channel(58, 11, 5400, (41, 52), target=14400),
        "chat": _channel(6, 3, 95, (118, 131), target=60),
        "web": _channel(6, 0, 0, (22, 24), target=600),
        "fax": Channel(fresh="unknown"),
        "social": _channel(845, 4, 1260, (9, 17), target=900, fresh="stale"),
    }
    return shot


def with_vips(shot: Snapshot) -> Snapshot:
    """The stocked floor with two VIPs in sales and one in collections."""
    _wait(shot.queues["ventas"], 2, 42)
    _wait(shot.queues["cobranzas"], 1, 9)
    shot.floor = with_people(shot.floor, list(shot.queues.values()))
    return shot


def with_extraordinary(shot: Snapshot) -> Snapshot:
    """The floor with an extraordinary call at seat A12, and one whose seat nobody knows that the supervisor has seen."""
    shot.alarms = [
        Alarm(id="call.extraordinary.agente-112", level="red", since=ago(31), agent="agente-112", seat="a12"),
        Alarm(id="call.extraordinary.agente-105", level="red", since=ago(300), acknowledged=ago(280), agent="agente-105"),
    ]
    return shot


def _wait(queue: Queue, count: int, age_s: float) -> None:
    queue.vip_waiting, queue.vip_longest_since = count, ago(age_s)


def _channel(told_s: float, waiting: int, wait_s: float, of: tuple[int, int], target: float, fresh: Fresh = "live") -> Channel:
    """A channel of which the CRM told so long ago."""
    return Channel(
        fresh=fresh, as_of=ago(told_s), waiting=waiting, longest_wait=wait_s, longest_since=ago(told_s + wait_s) if waiting else None,
        service_level=round(of[0] / of[1], 4), service_level_of=of, target=target,
    )  # fmt: skip
