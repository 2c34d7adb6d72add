"""Decides as whom the directory's files are opened: never as root, so that the services can write what a technician wrote."""

from __future__ import annotations

from pathlib import Path

from appliance.cli.access import become_owner
from appliance.core.e164 import load_rules
from appliance.core.errors import TransientError


def become_keeper(path: Path) -> None:
    """As root, go on as the owner of the file, or of the folder where it would lie. Raises TransientError: there is no such folder."""
    if not path.parent.is_dir():
        raise TransientError(f"there is no folder {path.parent}; has the box's service run once, and is [journal] path right?")
    load_rules()
    become_owner(path if path.exists() else path.parent)
