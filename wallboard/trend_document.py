"""Decides what `GET /api/trend` answers: the last hour's lines and last week's figures, of the scopes and figures asked for. Pure."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from appliance.core.clock import NS, rfc3339
from appliance.floor.calendar import HALF_HOUR_NS
from wallboard.figure import FIGURES
from wallboard.last_week import WEEKLY, LastWeek, Pair, value_in
from wallboard.layout import WindowName
from wallboard.trend import STEP_S, Trend

_KINDS: Final = {"queue": "queues", "group": "groups"}


def trend_document(
    trend: Trend, week: LastWeek | None, window: WindowName = "today", scopes: Collection[str] = (), figures: Collection[str] = ()
) -> dict[str, Any]:
    """The document; `scopes` (paths as in alarms) and `figures` narrow it, empty: all that have a line. Unknown names are left out."""
    until = rfc3339(trend.minute * STEP_S * NS)
    head = {"v": 1, "time": until, "step_s": STEP_S, "until": until, "window": window}
    out: dict[str, Any] = {**head, "floor": {}, "queues": {}, "groups": {}}
    for path in trend.paths():
        if not scopes or path in scopes:
            lines = {key: trend.points(path, key, window) for key in trend.figures(path) if not figures or key in figures}
            _put(out, path, lines)
    out["last_week"] = None if week is None or not week.scopes else _week(week, scopes, figures)
    return out


def _week(week: LastWeek, scopes: Collection[str], figures: Collection[str]) -> dict[str, Any]:
    then = week.then
    out: dict[str, Any] = {
        "day": then.day.isoformat(),
        "from": rfc3339(then.half_ns),
        "until": rfc3339(then.half_ns + HALF_HOUR_NS),
        "today_until": rfc3339(then.until_ns),
        "floor": {},
        "queues": {},
        "groups": {},
    }
    for path, pair in week.scopes.items():
        if not scopes or path in scopes:
            _put(out, path, _pair(pair, figures))
    return out


def _pair(pair: Pair, figures: Collection[str]) -> dict[str, Any]:
    named = {key: FIGURES[key] for key in WEEKLY if not figures or key in figures}
    windows = {"interval": pair.interval, "today": pair.today}
    return {
        name: None if window is None else {key: value_in(window, figure) for key, figure in named.items()}
        for name, window in windows.items()
    }


def _put(out: dict[str, Any], path: str, value: Any) -> None:
    kind, _, key = path.partition(".")
    if key:
        out[_KINDS[kind]][key] = value
    else:
        out[kind] = value
