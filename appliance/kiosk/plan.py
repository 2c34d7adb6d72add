"""Decides which address the screen shows and when it is dark, from the configuration's text alone.

The kiosk's user may read neither the journal nor the box's secrets, so the configuration comes to it as a copy (LoadCredential=), and
what it refers to is not looked at here: `callfloor check` has done that.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import Struct

from appliance.core.config_beacon import minutes_of_span
from appliance.core.errors import MisconfiguredError
from appliance.core.kiosk_config import KioskConfig
from wallboard.alarm.quiet import in_hours

#: Where the page says that it painted: on this machine only. The page's content-security policy names it (wallboard/web/guard.py).
BEAT_PORT: Final = 8079
_LISTEN: Final = "127.0.0.1:8080"


class Plan(Struct, frozen=True):
    """What to show. `host` and `port`: whether anybody serves it can be asked there."""

    url: str
    host: str
    port: int
    browser: str
    off: tuple[tuple[int, int], ...]
    zone: ZoneInfo

    def is_dark(self, wall_ns: int) -> bool:
        """Whether the screen is off now."""
        return in_hours(self.off, wall_ns, self.zone)


def plan_from_file(path: Path) -> Plan:
    """Raises MisconfiguredError for a file that is none, or without what is needed."""
    try:
        return plan_from_toml(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, ZoneInfoNotFoundError, msgspec.ValidationError) as fault:
        raise MisconfiguredError(f"{path}: {fault}; callfloor check says more") from fault


def plan_from_toml(text: str) -> Plan:
    """As `plan_from_file`. Raises MisconfiguredError, and ValueError or ZoneInfoNotFoundError for what is no configuration."""
    data = tomllib.loads(text)
    kiosk = msgspec.convert(data.get("kiosk", {}), KioskConfig)
    zone = ZoneInfo(data.get("site", {}).get("timezone", "UTC"))
    tv = data.get("wallboard", {}).get("tv")
    if kiosk.url is None:
        if tv is None:
            raise MisconfiguredError("[kiosk] has no url, and there is no [wallboard.tv] on this box; write one of them")
        port_here = int(str(tv.get("listen", _LISTEN)).rpartition(":")[2])
        base = f"{'https' if tv.get('cert_file') else 'http'}://127.0.0.1:{port_here}"
    else:
        base = kiosk.url.rstrip("/")
    url = base + (f"/board/{quote(kiosk.board)}" if kiosk.board else "/board/floor" if kiosk.url is None else "")
    parts = urlsplit(base)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return Plan(url, parts.hostname or "127.0.0.1", port, kiosk.browser, tuple(map(minutes_of_span, kiosk.off)), zone)
