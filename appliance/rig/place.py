"""Decides where a rig of this machine lies, so that `callfloor rig do …` finds the one that runs without being told."""

from __future__ import annotations

import fcntl
import os
import tempfile
from pathlib import Path
from typing import Final

from appliance.core.errors import MisconfiguredError, UnpluggedError

_KEYS: Final = "rig.json"
_LOCK: Final = "running.lock"
#: Room for the longest socket's name behind it; Linux takes 107 bytes in all (unix(7)).
_LONGEST: Final = 80


def new_folder() -> Path:
    """A fresh folder for a rig. Raises MisconfiguredError where its path leaves no room for sockets."""
    return checked(Path(tempfile.mkdtemp(prefix=_prefix())))


def checked(folder: Path) -> Path:
    """The folder, if sockets fit in it. Raises MisconfiguredError."""
    if len(str(folder)) > _LONGEST:
        raise MisconfiguredError(f"{folder} is too long a path for sockets; name a shorter one with --dir, or set TMPDIR")
    return folder


def mark_running(folder: Path) -> int:
    """Say that a rig runs here, for as long as the descriptor that this gives is open. Raises MisconfiguredError when one does already."""
    descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise MisconfiguredError(f"a rig runs in {folder} already; stop it, or name another folder with --dir") from None
    return descriptor


def running() -> Path:
    """The keys of this user's rig that runs, the newest of several. Raises UnpluggedError when none runs."""
    places = [place for place in Path(tempfile.gettempdir()).glob(_prefix() + "*") if _runs(place)]
    if not places:
        raise UnpluggedError("no rig runs here; start one with: callfloor rig, or name another machine's with --rig URL --keys FILE")
    return max(places, key=lambda place: place.stat().st_mtime) / _KEYS


def _prefix() -> str:
    return f"callfloor-rig-{os.getuid()}-"


def _runs(place: Path) -> bool:
    try:
        if place.stat().st_uid != os.getuid() or not (place / _KEYS).exists():
            return False
        with (place / _LOCK).open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
