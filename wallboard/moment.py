"""Decides how moments of the snapshot become ages and local times of the site."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from appliance.core.clock import NS, wall_ns_from_rfc3339


def age_s(moment: str, now_wall_ns: int) -> float:
    """Seconds from an RFC 3339 moment until now; never negative."""
    return max(0.0, (now_wall_ns - wall_ns_from_rfc3339(moment)) / NS)


def local_time(wall_ns: int, zone: ZoneInfo, *, seconds: bool = False) -> str:
    """The time of day on the site's walls, 24 hours.

    >>> local_time(1_795_270_000_123_000_000, ZoneInfo("America/Guayaquil"))
    '09:06'
    """
    moment = datetime.fromtimestamp(wall_ns / NS, UTC).astimezone(zone)
    return f"{moment:%H:%M:%S}" if seconds else f"{moment:%H:%M}"
