"""Decides what callfloor.toml may say of call-record ports: `[smdr.NAME]`, as types."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from msgspec import Struct

from appliance.core.quantity import Period


class SmdrConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One PBX's call-record port. Without profile and profile_file the lines themselves tell which make printed them.

    `url` is `serial:///dev/ttyUSB0?baud=9600&format=8N1`, `tcp://host:port` (we call the PBX) or `listen://address:port` (it calls us;
    from beyond this box only from the networks in `allow`).
    """

    url: str
    profile: str | None = None
    profile_file: Path | None = None
    dates: Literal["mdy", "dmy"] | None = None
    login_file: Path | None = None
    allow: tuple[str, ...] = ()
    silent_s: Period | None = None
    reconnect_max_s: Period = 30.0
