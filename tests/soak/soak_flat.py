"""Decides whether a figure stayed flat over hours: its slope with a bound of confidence, the warm-up left out. Pure.

What a process holds moves in steps and is not independent from one second to the next, so that a line through every sample would be far
too sure of itself. The run is cut into blocks of equal time, each block is its median, and the line goes through those (Student's t,
95 % on each side).
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

#: One-sided 95 %, by degrees of freedom from 1 (Student).
_T95 = (6.314, 2.920, 2.353, 2.132, 2.015, 1.943, 1.895, 1.860, 1.833, 1.812, 1.796, 1.782, 1.771, 1.761, 1.753, 1.746, 1.740, 1.734, 1.729, 1.725, 1.721, 1.717)  # fmt: skip
BLOCKS = 16
FEWEST = 6

Point = tuple[float, float]
Word = Literal["flat", "grows", "open"]


class Limit(Struct, frozen=True):
    """What growth of an hour is still flat, and what no sample may reach (None: no such bound)."""

    per_h: float
    most: float | None = None


class Verdict(Struct, frozen=True, kw_only=True):
    """One figure of one process. `open`: the bounds lie on both sides of the limit, so that a longer run must tell."""

    first: float
    last: float
    most: float
    slope_per_h: float
    low_per_h: float
    high_per_h: float
    limit_per_h: float
    limit_most: float | None
    word: Word


def blocks_of(points: Sequence[Point], count: int = BLOCKS) -> list[Point]:
    """The medians of so many blocks of equal time, each at the middle of its block; a block without a sample is left out."""
    if not points:
        return []
    begin, span = points[0][0], points[-1][0] - points[0][0]
    held: list[list[float]] = [[] for _ in range(count)]
    for at, value in points:
        held[min(count - 1, int((at - begin) / span * count)) if span else 0].append(value)
    return [(begin + span * (index + 0.5) / count, statistics.median(values)) for index, values in enumerate(held) if values]


def slope_of(points: Sequence[Point]) -> tuple[float, float, float]:
    """The slope of the line through these, and its bounds. Needs three points.

    >>> slope_of([(0.0, 1.0), (1.0, 2.0), (2.0, 3.0)])
    (1.0, 1.0, 1.0)
    """
    xs, ys = [x for x, _ in points], [y for _, y in points]
    x0, y0 = statistics.fmean(xs), statistics.fmean(ys)
    spread = math.fsum((x - x0) ** 2 for x in xs)
    slope = math.fsum((x - x0) * (y - y0) for x, y in points) / spread
    free = len(points) - 2
    left = math.fsum((y - y0 - slope * (x - x0)) ** 2 for x, y in points)
    bound = _T95[min(free, len(_T95)) - 1] * math.sqrt(left / free / spread)
    return slope, slope - bound, slope + bound


def judged(points: Sequence[Point], limit: Limit, warm_s: float) -> Verdict | None:
    """The verdict over (seconds since the start, value); None where too little was seen after the warm-up."""
    after = [(at, value) for at, value in points if at >= warm_s]
    blocks = blocks_of(after)
    if len(blocks) < FEWEST:
        return None
    slope, low, high = (3600.0 * each for each in slope_of(blocks))
    most = max(value for _, value in after)
    word: Word = "flat" if high <= limit.per_h else "grows" if low > limit.per_h else "open"
    if limit.most is not None and most > limit.most:
        word = "grows"
    return Verdict(
        first=blocks[0][1], last=blocks[-1][1], most=most, slope_per_h=slope, low_per_h=low, high_per_h=high,
        limit_per_h=limit.per_h, limit_most=limit.most, word=word,
    )  # fmt: skip
