"""Decides which figures of the floor are held against thresholds, and what each is worth now: a number, beyond nothing, or not known.

Nothing is told of a figure whose source is out of sight (None). A figure over too few calls of today, or over none, is beyond nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Final

from msgspec import Struct

from appliance.core.threshold import RATIOS
from appliance.floor.snapshot import Queue, Snapshot, Trunk, Utilisation

#: Beyond no threshold, on whichever side: comparisons with it are false.
FINE: Final = math.nan
#: With a target of one in a hundred, one call of fewer would be beyond it.
_LEAST_WANTED: Final = 100


class Scope(Struct, frozen=True):
    """A part of the floor: its path, as an alarm's id begins, and what the snapshot holds of it. `utilisation`: the floor's own."""

    path: str
    what: Queue | Trunk
    utilisation: Utilisation | None = None


def scopes(snapshot: Snapshot) -> Iterator[Scope]:
    """All of them, what concerns most people first."""
    yield Scope("floor", snapshot.floor, snapshot.utilisation)
    for key, trunk in snapshot.trunks.items():
        yield Scope(f"trunk.{key}", trunk)
    for key, group in snapshot.groups.items():
        yield Scope(f"group.{key}", group)
    for key, queue in snapshot.queues.items():
        yield Scope(f"queue.{key}", queue)


def value_of(scope: Scope, figure: str, min_calls: int) -> float | None:
    """What a figure is worth now; `FINE` where it is beyond nothing, None where it is not known."""
    what = scope.what
    if isinstance(what, Trunk):
        return None if what.busy is None else _TRUNK[figure](what)
    if what.fresh != "live":
        return None
    if figure in RATIOS:
        share = getattr(scope.utilisation, figure, None)
        return FINE if share is None or what.today.answered < min_calls else share
    return _QUEUE[figure](what, min_calls)


def _waiting(queue: Queue, _min_calls: int) -> float | None:
    return queue.waiting


def _longest_wait(queue: Queue, _min_calls: int) -> float | None:
    return 0.0 if queue.waiting == 0 else queue.longest_wait


def _service_level(queue: Queue, min_calls: int) -> float | None:
    parts = queue.today.service_level_of
    if parts is None:
        return None
    return FINE if parts[1] < min_calls else queue.today.service_level


def _abandon_rate(queue: Queue, min_calls: int) -> float | None:
    return FINE if queue.today.abandon_rate_of[1] < min_calls else queue.today.abandon_rate


def _asa(queue: Queue, min_calls: int) -> float | None:
    return FINE if queue.today.answered < min_calls else queue.today.asa


def _satisfaction(queue: Queue, min_calls: int) -> float | None:
    scores = queue.today.satisfaction
    return FINE if scores is None or scores.answers < min_calls else scores.mean


def _fcr(queue: Queue, _min_calls: int) -> float | None:
    return queue.today.fcr


def _all_busy_now(trunk: Trunk) -> float | None:
    return None if trunk.all_busy_now is None else float(trunk.all_busy_now)


def _all_busy_share(trunk: Trunk) -> float | None:
    """Of a day that has hardly begun one long call would be beyond it."""
    return trunk.all_busy_share if trunk.judged is not False else FINE


def _blocked_share(trunk: Trunk) -> float | None:
    parts = trunk.blocked_share_of
    return FINE if parts is None or parts[1] < _LEAST_WANTED else trunk.blocked_share


def _faults(trunk: Trunk) -> float | None:
    return float(len(trunk.faults))


_QUEUE: Final[dict[str, Callable[[Queue, int], float | None]]] = {
    "waiting": _waiting,
    "longest_wait": _longest_wait,
    "service_level": _service_level,
    "abandon_rate": _abandon_rate,
    "asa": _asa,
    "satisfaction": _satisfaction,
    "fcr": _fcr,
}
_TRUNK: Final[dict[str, Callable[[Trunk], float | None]]] = {
    "all_busy_now": _all_busy_now,
    "all_busy_share": _all_busy_share,
    "blocked_share": _blocked_share,
    "faults": _faults,
}
