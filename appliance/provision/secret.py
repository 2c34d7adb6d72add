"""Decides which file holds a configured secret, and how another takes its place: in one step, for the same reader, shown nowhere."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Final

from appliance.core.errors import DeniedError, MisconfiguredError
from appliance.provision.atomic import write
from appliance.provision.config_change import text_of
from appliance.provision.toml_edit import Key

#: The keys that name a secret's file, the first that a table has.
_FILES: Final = ("secret_file", "password_file", "token_file")
_MOST: Final = 512


def place_of(config: Path, table: Key) -> Path:
    """The file of a table's secret. The configuration need not be usable, as this very file may be missing. Raises MisconfiguredError."""
    try:
        here: Any = tomllib.loads(text_of(config))
    except tomllib.TOMLDecodeError as fault:
        raise MisconfiguredError(f"{config}: {fault}; callfloor check -c {config} says where") from fault
    for name in table:
        here = here.get(name) if isinstance(here, dict) else None
    said = next((here[key] for key in _FILES if key in here), None) if isinstance(here, dict) else None
    if not isinstance(said, str):
        name = ".".join(table)
        raise MisconfiguredError(
            f"[{name}] of {config} names no secret; write secret_file (of a PBX) or password_file (of [crm]) there first"
        )
    return config.absolute().parent / said


def put(place: Path, secret: str) -> None:
    """The new one, with the old one's owner and rights; a new file only for root. Raises MisconfiguredError, DeniedError, OSError."""
    if not 0 < len(secret) <= _MOST or not secret.isprintable():
        raise MisconfiguredError(f"that is no secret: one line of 1 to {_MOST} printable letters")
    try:
        status = place.stat() if place.exists() else None
        owner = (status.st_uid, status.st_gid) if status is not None else None
        place.parent.mkdir(mode=0o700, exist_ok=True)
        write(place, secret.encode(), status.st_mode & 0o7777 if status is not None else 0o600, owner)
    except PermissionError as fault:
        raise DeniedError(f"{place} may not be written; run it with sudo") from fault
