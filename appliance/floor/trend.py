"""The trend document: the last hour of every figure, a point a minute, and the same time last week (docs/reports.md).

`null` is not known: a gap in a line, never a zero. Durations are seconds, shares fractions with 4 decimals.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Line = list[float | int | None]
#: Figures by their key, those of one scope.
Lines = dict[str, Line]
Values = dict[str, float | None]


class Then(Struct, kw_only=True):
    """One scope a week ago: the clock half-hour, and its day until `today_until`."""

    interval: Values | None = None
    today: Values | None = None


class LastWeek(Struct, kw_only=True, rename={"begins": "from"}):
    """The same local weekday and time seven days ago: the half-hour `from`, `until`; the day so far, until `today_until`."""

    day: str
    begins: str
    until: str
    today_until: str
    floor: Then | None = None
    queues: dict[str, Then] = {}
    groups: dict[str, Then] = {}


class Trend(Struct, kw_only=True):
    """The last hour as lines of 61 points, oldest first, one each `step_s`; the last is of the minute `until`.

    `window` is the one of which figures like the service level are. A scope without a line was not known all hour.
    """

    v: int = 1
    time: str
    step_s: int = 60
    until: str
    window: Literal["today", "interval", "rolling"] = "today"
    floor: Lines = {}
    queues: dict[str, Lines] = {}
    groups: dict[str, Lines] = {}
    last_week: LastWeek | None = None
