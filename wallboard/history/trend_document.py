"""Decides what `GET /api/trend` answers: the last hour's lines and last week's figures, of the scopes and figures asked for. Pure."""

from __future__ import annotations

from collections.abc import Collection

from appliance.core.clock import NS, rfc3339
from appliance.floor import trend as out
from appliance.floor.calendar import HALF_HOUR_NS
from appliance.floor.snapshot import Window
from wallboard.history.last_week import WEEKLY, LastWeek, value_in
from wallboard.history.trend import STEP_S, Trend
from wallboard.layout import WindowName


def trend_document(
    trend: Trend, week: LastWeek | None, window: WindowName = "today", scopes: Collection[str] = (), figures: Collection[str] = ()
) -> out.Trend:
    """The document; `scopes` (paths as in alarms) and `figures` narrow it, empty: all that have a line. Unknown names are left out."""
    until = rfc3339(trend.minute * STEP_S * NS)
    made = out.Trend(time=until, until=until, window=window)
    for path in trend.paths():
        if not scopes or path in scopes:
            lines = {key: trend.points(path, key, window) for key in trend.figures(path) if not figures or key in figures}
            kind, _, key = path.partition(".")
            if kind == "floor":
                made.floor = lines
            else:
                (made.queues if kind == "queue" else made.groups)[key] = lines
    if week is not None and week.scopes:
        made.last_week = _week(week, scopes, figures)
    return made


def _week(week: LastWeek, scopes: Collection[str], figures: Collection[str]) -> out.LastWeek:
    then = week.then
    begins, ends = rfc3339(then.half_ns), rfc3339(then.half_ns + HALF_HOUR_NS)
    made = out.LastWeek(day=then.day.isoformat(), begins=begins, until=ends, today_until=rfc3339(then.until_ns))
    for path, pair in week.scopes.items():
        if not scopes or path in scopes:
            told = out.Then(interval=_values(pair.interval, figures), today=_values(pair.today, figures))
            kind, _, key = path.partition(".")
            if kind == "floor":
                made.floor = told
            else:
                (made.queues if kind == "queue" else made.groups)[key] = told
    return made


def _values(window: Window | None, figures: Collection[str]) -> out.Values | None:
    if window is None:
        return None
    return {key: value_in(window, figure) for key, figure in WEEKLY.items() if not figures or key in figures}
