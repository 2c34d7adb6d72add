"""Decides what a client of a rig must have: one file, which `callfloor rig` writes and whoever runs the tests copies."""

from __future__ import annotations

from pathlib import Path

import msgspec
from msgspec import Struct

from appliance.core.errors import MisconfiguredError


class Keys(Struct, frozen=True, kw_only=True):
    """Who comes, and by what keys. `server` is the rig's certificate, `certificate` and `key` the client's; all PEM, in text."""

    url: str
    user: str
    password: str
    certificate: str
    key: str
    server: str


def keys_from_file(path: Path) -> Keys:
    """Read it. Raises MisconfiguredError."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Keys)
    except (OSError, msgspec.DecodeError) as fault:
        raise MisconfiguredError(f"{path}: {fault}; `callfloor rig` writes it: copy it from the rig, and name it with --keys") from fault
