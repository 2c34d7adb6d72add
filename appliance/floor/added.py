"""Decides what several queues, groups or sites come to in what is not a plain count: VIP callers, callbacks, classes, outbound calls. Pure.

A sum is known only where all of its terms are: one that lacks a term would pass for the whole.
"""

from __future__ import annotations

from collections.abc import Iterable

from appliance.floor.snapshot import Callbacks, Outbound, Queue, Window


def with_people(total: Queue, queues: list[Queue]) -> Queue:
    """The sum of these queues with its VIP callers, and with who is to be called back."""
    vips = [queue.vip_waiting for queue in queues]
    known = [count for count in vips if count is not None]
    if known and len(known) == len(queues):
        total.vip_waiting = sum(known)
        total.vip_longest_since = _earliest(queue.vip_longest_since for queue in queues)
    total.callbacks = callbacks_of([queue.callbacks for queue in queues])
    return total


def callbacks_of(each: list[Callbacks | None]) -> Callbacks | None:
    """Counts added, the oldest of all; None where one is not known.

    >>> callbacks_of([Callbacks(open=2, claimed=1), Callbacks(open=3, oldest_since="2026-11-21T13:00:00Z")])
    Callbacks(open=5, claimed=1, oldest_since='2026-11-21T13:00:00Z')
    """
    known = [callbacks for callbacks in each if callbacks is not None]
    if not known or len(known) < len(each):
        return None
    return Callbacks(
        open=sum(one.open for one in known),
        claimed=sum(one.claimed for one in known),
        oldest_since=_earliest(one.oldest_since for one in known),
    )


def with_calls(total: Window, windows: list[Window]) -> Window:
    """The sum of these windows with its classes and outbound calls."""
    total.classes = _counts(window.classes for window in windows)
    outbound = [window.outbound for window in windows if window.outbound is not None]
    if outbound and len(outbound) == len(windows):
        total.outbound = Outbound(
            attempts=sum(one.attempts for one in outbound),
            contacts=sum(one.contacts for one in outbound),
            outcomes=_counts(one.outcomes for one in outbound),
        )
    return total


def _counts(each: Iterable[dict[str, int]]) -> dict[str, int]:
    """Counts by key, added."""
    total: dict[str, int] = {}
    for counts in each:
        for key, count in counts.items():
            total[key] = total.get(key, 0) + count
    return total


def _earliest(moments: Iterable[str | None]) -> str | None:
    """Times of one box, in one form: their texts are in their order."""
    return min((moment for moment in moments if moment is not None), default=None)
