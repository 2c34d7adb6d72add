"""Decides how bright an LED chain is at a moment of the day: by day as bright as a room needs, in the hours of `dim` less. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from appliance.core.clock import NS
from appliance.core.config import Led
from appliance.core.config_beacon import minutes_of_span


def percent_now(led: Led, now_wall_ns: int, zone: ZoneInfo) -> int:
    """The chain's brightness at a moment, per cent; the hours of `dim` are those of the clock on the site's wall.

    >>> percent_now(Led(brightness=60, dim=("20:00-07:00",)), 1_795_269_802 * NS, ZoneInfo("America/Guayaquil"))
    60
    """
    if not led.dim:
        return led.brightness
    local = datetime.fromtimestamp(now_wall_ns // NS, UTC).astimezone(zone)
    minute = local.hour * 60 + local.minute
    return led.dim_brightness if any(_within(minute, *minutes_of_span(span)) for span in led.dim) else led.brightness


def _within(minute: int, begin: int, end: int) -> bool:
    """Whether a minute of the day lies in a span; one whose end is not after its begin reaches past midnight."""
    return begin <= minute < end if begin < end else minute >= begin or minute < end
