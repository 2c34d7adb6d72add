"""What the fleet's figures mean: pure sums over what boxes remember, what consumers saw, and when the broker was there again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

#: Moment, id, box, delivery number, late: one arrival at a consumer.
Arrival = tuple[float, str, str, int, bool]
#: The box, its delivery number.
Number = tuple[str, int]


class Spread(msgspec.Struct, frozen=True):
    """How boxes came back: seconds since the broker listened, and the most connections within any one second."""

    boxes: int
    p50_s: float
    p90_s: float
    p99_s: float
    max_s: float
    most_per_s: int
    again: int


class Drain(msgspec.Struct, frozen=True):
    """How what was recorded while the broker was away arrived: events, seconds since it listened, events a second in the middle half."""

    events: int
    p50_s: float
    all_s: float
    per_s: float


class Books(msgspec.Struct, frozen=True):
    """Recorded against arrived, over a whole run. `doubled`: ids that came again; `doubled_after`: numbers that two ids had;
    `disordered`: arrivals, repeats left aside, whose number was below an earlier one's, by the way of reading.
    """

    recorded: int
    acknowledged: int
    arrivals: int
    doubled: int
    doubled_after: int
    lost: int
    unknown: int
    disordered: dict[str, int]


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which that share of all lies (nearest rank); 0 of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


def most_within(moments: Sequence[float], seconds: float = 1.0) -> int:
    """The most of them within any stretch so long.

    >>> most_within([0.0, 0.9, 1.0, 1.95, 5.0])
    3
    """
    ordered = sorted(moments)
    most = begin = 0
    for end, moment in enumerate(ordered):
        while moment - ordered[begin] > seconds:
            begin += 1
        most = max(most, end - begin + 1)
    return most


def spread(boxes: Mapping[str, Any], gone_s: float, up_s: float, until_s: float) -> Spread:
    """How they came back after the broker listened again at `up_s`, looked at until `until_s`. `again`: connections beyond each box's first.

    `gone_s`: since then there was none. One box may be quicker than who looks whether it listens.
    """
    after = [[at for at in box["connected"] if gone_s <= at < until_s] for box in boxes.values()]
    first = [max(0.0, min(moments) - up_s) for moments in after if moments]
    return Spread(
        boxes=len(first),
        p50_s=round(quantile(first, 0.5), 2),
        p90_s=round(quantile(first, 0.9), 2),
        p99_s=round(quantile(first, 0.99), 2),
        max_s=round(max(first, default=0.0), 2),
        most_per_s=most_within(first),
        again=sum(len(moments) - 1 for moments in after if moments),
    )


def drain(arrivals: Sequence[Arrival], gone: Mapping[str, int], back: Mapping[str, int], up_s: float) -> Drain:
    """How the numbers behind `gone` and up to `back` of each box arrived after `up_s`; an earlier arrival counts as none."""
    seen: dict[tuple[str, int], float] = {}
    for at, _, box, n, _ in arrivals:
        if at >= up_s and gone[box] < n <= back[box]:
            seen.setdefault((box, n), at - up_s)
    moments = sorted(seen.values())
    early, late = quantile(moments, 0.25), quantile(moments, 0.75)
    per_s = len(moments) / 2 / (late - early) if late > early else 0.0
    return Drain(
        events=len(moments), p50_s=round(quantile(moments, 0.5), 2), all_s=round(max(moments, default=0.0), 2), per_s=round(per_s, 1)
    )


def books(boxes: Mapping[str, Any], heads: Mapping[str, int], arrivals: Mapping[str, Sequence[Arrival]]) -> Books:
    """Compare what each box holds, up to its head, with what the consumers saw, whoever of them saw it.

    `arrivals` by the way of reading (`site`, `share`): order is judged within each.
    """
    expected = {name: {f"{box['epoch']}-{seq}" for seq in box["due"][: heads[name]]} for name, box in boxes.items()}
    seen: dict[str, set[str]] = {name: set() for name in expected}
    numbers: dict[Number, str] = {}
    doubled = doubled_after = unknown = 0
    disordered: dict[str, int] = {}
    for readers, came in arrivals.items():
        newest: dict[str, int] = {}
        disordered[readers] = 0
        for _, event, box, n, _ in sorted(came):
            if n > heads[box]:
                continue
            if event not in expected[box]:
                unknown += 1
            elif event in seen[box]:
                doubled += 1
            else:
                seen[box].add(event)
                doubled_after += numbers.setdefault((box, n), event) != event
                disordered[readers] += n < newest.get(box, 0)
                newest[box] = max(n, newest.get(box, 0))
    recorded = sum(len(ids) for ids in expected.values())
    return Books(
        recorded=recorded,
        acknowledged=sum(box["acknowledged"] for box in boxes.values()),
        arrivals=sum(len(came) for came in arrivals.values()),
        doubled=doubled,
        doubled_after=doubled_after,
        lost=recorded - sum(len(ids) for ids in seen.values()),
        unknown=unknown,
        disordered=disordered,
    )


def holes(heads: Mapping[str, int], arrivals: Sequence[Arrival]) -> dict[str, list[tuple[int, int]]]:
    """What a consumer sees by `delivery` alone: the ranges of numbers that never came, by box, up to the newest number told.

    >>> holes({"b": 5}, [(0.0, "e-1", "b", 1, False), (0.0, "e-9", "b", 4, False)])
    {'b': [(2, 3), (5, 5)]}
    """
    came: dict[str, set[int]] = {}
    for _, _, box, n, _ in arrivals:
        came.setdefault(box, set()).add(n)
    found: dict[str, list[tuple[int, int]]] = {}
    for box, head in heads.items():
        ranges: list[tuple[int, int]] = []
        for n in range(1, head + 1):
            if n in came.get(box, ()):
                continue
            if ranges and ranges[-1][1] == n - 1:
                ranges[-1] = (ranges[-1][0], n)
            else:
                ranges.append((n, n))
        if ranges:
            found[box] = ranges
    return found
