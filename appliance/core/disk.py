"""Decides how the disk under the journal is, without writing to it: how much room it has, and whether it has gone read-only."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Final

#: What a person reads of it.
READONLY: Final = (
    "the disk where the journal lies has gone read-only: what happens now is held in memory only;"
    " restart the box, which checks the disk, and replace a card that does so again"
)


def free_bytes(folder: Path) -> int:
    """What is left on the disk of a folder for those who are not root. Raises OSError."""
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize


def size_bytes(file: Path) -> int:
    """A file's size; 0 where there is none."""
    try:
        return file.stat().st_size
    except OSError:
        return 0


def is_readonly(folder: Path) -> bool:
    """Whether the kernel has stopped writing to the disk of a journal's folder, as it does with a card that fails.

    Asked by opening `journal.lock` for writing: newer kernels leave the mount's flags as they are (ext4, `emergency_ro`).
    """
    try:
        os.close(os.open(folder / "journal.lock", os.O_WRONLY | os.O_CLOEXEC))
    except OSError as fault:
        return fault.errno == errno.EROFS
    return False
