"""Decides what stood at the same time a week ago: the same local half-hour, and the day until now, from a kept day. Pure.

What was not seen then is not known: without a kept day, or where the clock was put forward over that time, nothing is shown.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Final

from msgspec import Struct

from appliance.core.clock import NS
from appliance.core.config import Config
from appliance.floor.build import summed, window_of
from appliance.floor.calendar import HALF_HOUR_NS, Calendar
from appliance.floor.history import Day, KeptQueue, covered_of, queues_of, total
from appliance.floor.snapshot import Satisfaction, Window
from wallboard.figure import FIGURES, Figure
from wallboard.layout import WindowName

_DAYS: Final = 7
#: Figures of a window: only these have a value for a half-hour that is over.
WEEKLY: Final = {key: figure for key, figure in FIGURES.items() if figure.source.startswith("window.")}


class Then(Struct, frozen=True):
    """The moment a week ago: its day, its half-hour, and until when that day is compared with today so far (nanoseconds).

    A day so far is compared with whole half-hours: until the clock half-hour that is nearest to now.
    """

    day: date
    half_ns: int
    until_ns: int


class Pair(Struct, frozen=True):
    """One queue, group or floor then: the half-hour, and its day so far; None where nothing of it is known."""

    interval: Window | None = None
    today: Window | None = None


class LastWeek(Struct, frozen=True):
    """Everything then, by the path that alarms and boards use: `floor`, `queue.KEY`, `group.KEY`."""

    then: Then
    scopes: dict[str, Pair]


def then_of(calendar: Calendar, now_ns: int) -> Then | None:
    """The same local time a week before now; None where the clock was put forward over it."""
    half = calendar.half_hour(now_ns)
    edge = half if now_ns - half < HALF_HOUR_NS // 2 else half + HALF_HOUR_NS
    then, until = calendar.days_before(half, _DAYS), calendar.days_before(edge, _DAYS)
    if then is None or until is None:
        return None
    return Then(calendar.date_of(then), then, until)


def last_week_from(day: Day | None, then: Then, config: Config) -> LastWeek:
    """What boards may show beside today's figures. `day` is the kept day of `then.day`, None where there is none."""
    if day is None:
        return LastWeek(then, {})
    kept = queues_of(day)
    seen = _seen(day)
    pairs = {key: _pair(day, queue, then, seen) for key, queue in kept.items()}
    scopes = {f"queue.{key}": pair for key, pair in pairs.items()}
    shown = [pair for key, pair in pairs.items() if not (key in config.queues and config.queues[key].hidden)]
    scopes["floor"] = _sum(shown)
    for key, group in config.groups.items():
        scopes[f"group.{key}"] = _sum([pairs[queue] for queue in group.queues if queue in pairs])
    return LastWeek(then, scopes)


def last_week_of(week: LastWeek | None, figure: str, path: str = "floor", window: WindowName = "today") -> float | None:
    """One figure's value a week ago, None when it is not known or has none (waiting, agents: they are of a moment).

    `rolling` is compared with the clock half-hour. The value has the figure's own unit: seconds, a share, a count.
    """
    pair = week.scopes.get(path) if week is not None else None
    told = WEEKLY.get(figure)
    if pair is None or told is None:
        return None
    shown = pair.today if window == "today" else pair.interval
    return None if shown is None else value_in(shown, told)


def value_in(window: Window, figure: Figure) -> float | None:
    """A window's value of a figure; of a score its mean."""
    value: float | Satisfaction | None = getattr(window, figure.source.removeprefix("window."))
    return value.mean if isinstance(value, Satisfaction) else value


def _pair(day: Day, queue: KeptQueue, then: Then, seen: dict[str, set[int]]) -> Pair:
    known = seen.get(queue.pbx, set())
    half = then.half_ns // NS
    today = [each for each in known if each * NS < then.until_ns]
    return Pair(
        interval=_window(day, queue, [half]) if half in known else None,
        today=_window(day, queue, today) if today else None,
    )


def _window(day: Day, queue: KeptQueue, halves: list[int]) -> Window:
    covered = [share for half in halves if (share := covered_of(day, queue.pbx, half)) is not None]
    tally = total(queue.halves[half] for half in halves if half in queue.halves)
    return window_of(tally, queue.variant, queue.target_s, round(sum(covered) / len(covered), 4) if covered else None)


def _seen(day: Day) -> dict[str, set[int]]:
    """The half-hours of which something is known, by PBX: it was in sight at all, or a visit began."""
    seen: dict[str, set[int]] = {}
    for part in day.parts:
        for pbx, covered in part.covered.items():
            seen.setdefault(pbx, set()).update(half for half, share in covered.items() if share > 0)
        for queue in part.queues.values():
            seen.setdefault(queue.pbx, set()).update(queue.halves)
    return seen


def _sum(pairs: Iterable[Pair]) -> Pair:
    pairs = list(pairs)
    intervals = [pair.interval for pair in pairs if pair.interval is not None]
    todays = [pair.today for pair in pairs if pair.today is not None]
    return Pair(interval=summed(intervals) if intervals else None, today=summed(todays) if todays else None)
