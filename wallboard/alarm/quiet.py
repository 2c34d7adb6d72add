"""Decides when alarms are silent: the hours in which nothing sounds or flashes for one, by the clock on the site's wall.

The thresholds, data, are `appliance.core.threshold`; `wallboard.alarm.watch` holds the floor against them.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from appliance.core.clock import NS
from appliance.core.config import Config
from appliance.core.config_beacon import minutes_of_span
from appliance.core.threshold import Level, Threshold, above, below, thresholds_from

__all__ = ["Level", "Threshold", "above", "below", "in_hours", "is_quiet", "thresholds_from"]


def is_quiet(config: Config, now_wall_ns: int) -> bool:
    """Whether a moment lies in the quiet hours of `[alarm]`: colours and shapes stay, sound and flashing do not.

    >>> from appliance.core.config import AlarmConfig, Site
    >>> night = Config(site=Site(timezone="America/Guayaquil"), alarm=AlarmConfig(quiet=("22:00-07:00",)))
    >>> is_quiet(night, 1_795_270_000 * NS), is_quiet(night, 1_795_320_000 * NS)
    (False, True)
    """
    return bool(config.alarm.quiet) and in_hours(map(_minutes, config.alarm.quiet), now_wall_ns, ZoneInfo(config.site.timezone))


def in_hours(spans: Iterable[tuple[int, int]], now_wall_ns: int, zone: ZoneInfo) -> bool:
    """Whether a moment lies in one of these spans of minutes of the day, past midnight allowed; an hour that comes twice is in it twice."""
    local = datetime.fromtimestamp(now_wall_ns // NS, UTC).astimezone(zone)
    minute = local.hour * 60 + local.minute
    return any(first <= minute < last if first < last else minute >= first or minute < last for first, last in spans)


@lru_cache(maxsize=64)
def _minutes(span: str) -> tuple[int, int]:
    return minutes_of_span(span)
