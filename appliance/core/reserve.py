"""Decides how much room is kept beside the journal, so that on a full disk it can still be tended: shed, and go on in its own pages.

What upkeep writes then is little; but before the write-ahead log is used again from its beginning, its pages must go into the file,
which grows by as much as the log holds. That is what is kept, and only upkeep gets it: appends would eat it and be where they were.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from appliance.core.disk import free_bytes
from appliance.core.store import WAL_BYTES

BYTES: Final = WAL_BYTES + 256 * 1024


class Reserve:
    """A file that is in the way until its room is needed. Nothing is written into it: a memory card is not worn."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "journal.reserve"

    def make(self) -> None:
        """Take the room where it is not taken already, and twice as much is free: it would take what it is to give."""
        with suppress(OSError):
            if free_bytes(self._path.parent) < 2 * BYTES or (self._path.exists() and self._path.stat().st_size >= BYTES):
                return
            with self._path.open("ab") as file:
                try:
                    os.posix_fallocate(file.fileno(), 0, BYTES)
                except OSError:
                    self.give()
                    raise

    def give(self) -> None:
        """Let the journal have it."""
        with suppress(OSError):
            self._path.unlink(missing_ok=True)
