"""Decides what stood at the same time a week ago: the same local half-hour, and the day until now, from a kept day. Pure.

What was not seen then is not known: without a kept day, where the clock was put forward over that time, or where less than 95 % of it
was in sight, nothing is shown.
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
from appliance.floor.source import COVERED
from wallboard.figure import FIGURES, Figure, member_at
from wallboard.layout import WindowName

_DAYS: Final = 7
#: Figures of a window: only these have a value for a half-hour that is over.
WEEKLY: Final = {key: figure for key, figure in FIGURES.items() if figure.source.startswith("window.") and figure.form != "rate"}


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
    sights = {pbx: _sight(day, kept.values(), pbx, then) for pbx in {queue.pbx for queue in kept.values()}}
    scopes = {f"queue.{key}": _sum([queue], sights) for key, queue in kept.items()}
    scopes["floor"] = _sum([queue for key, queue in kept.items() if not (key in config.queues and config.queues[key].hidden)], sights)
    for key, group in config.groups.items():
        scopes[f"group.{key}"] = _sum([kept[queue] for queue in group.queues if queue in kept], sights)
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
    value: float | Satisfaction | None = member_at(window, figure.source.removeprefix("window."))
    return value.mean if isinstance(value, Satisfaction) else value


class _Sight(Struct, frozen=True):
    """The half-hours (Unix seconds) of one PBX that a window is made of, and the share of them that was seen; None: nothing was due."""

    halves: tuple[int, ...]
    share: float | None

    @property
    def is_blind(self) -> bool:
        """Too little of it was seen: what was counted is not what there was."""
        return self.share is not None and self.share < COVERED


def _sight(day: Day, queues: Iterable[KeptQueue], pbx: str, then: Then) -> tuple[_Sight, _Sight]:
    """What was seen of a PBX in the half-hour, and in the day until then."""
    shares = covered_of(day, pbx)
    known = {half for queue in queues if queue.pbx == pbx for half in queue.halves} | shares.keys()

    def of(halves: list[int]) -> _Sight:
        due = [shares[half] for half in halves if half in shares]
        return _Sight(tuple(halves), round(sum(due) / len(due), 4) if due else None)

    half = then.half_ns // NS
    return of([half] if half in known else []), of([each for each in known if each * NS < then.until_ns])


def _sum(queues: list[KeptQueue], sights: dict[str, tuple[_Sight, _Sight]]) -> Pair:
    """Several queues as one; nothing where one of their PBXs was out of sight for too long, for the rest is not the whole."""
    interval, today = (_window(queues, {pbx: sight[at] for pbx, sight in sights.items()}) for at in (0, 1))
    return Pair(interval, today)


def _window(queues: list[KeptQueue], sights: dict[str, _Sight]) -> Window | None:
    seen = [(queue, sights[queue.pbx]) for queue in queues]
    if any(sight.is_blind for _, sight in seen):
        return None
    windows = [
        window_of(total(queue.halves[half] for half in sight.halves if half in queue.halves), queue.variant, queue.target_s, sight.share)
        for queue, sight in seen
        if sight.halves
    ]
    return summed(windows) if len(windows) > 1 else windows[0] if windows else None
