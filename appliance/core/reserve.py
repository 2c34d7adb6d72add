"""Decides how much room is kept beside the journal, so that the word that the disk is full still fits, and draining goes on."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

_BYTES: Final = 256 * 1024
#: With less than this free the reserve is not made again: it would take what it is to give.
_FREE_BYTES: Final = 8 * _BYTES


class Reserve:
    """A file that is in the way until its room is needed."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "journal.reserve"

    def make(self) -> None:
        """Take the room, where it is not taken already."""
        with suppress(OSError):
            if not self._path.exists():
                self._path.write_bytes(b"\1" * _BYTES)

    def make_again(self) -> None:
        """Take it again once there is enough."""
        disk = os.statvfs(self._path.parent)
        if disk.f_bavail * disk.f_frsize > _FREE_BYTES:
            self.make()

    def give(self) -> None:
        """Let the journal have it."""
        self._path.unlink(missing_ok=True)
