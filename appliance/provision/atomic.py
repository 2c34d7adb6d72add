"""Decides how a file is put in place so that a power cut leaves the old one or the new one, whole."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def write(path: Path, content: bytes, mode: int, owner: tuple[int, int] | None = None) -> None:
    """Write, flush to the disk, and rename over what was there. `owner`: user and group by number, as root alone. Raises OSError."""
    part = path.with_name(f".{path.name}.part")
    with suppress(FileNotFoundError):
        part.unlink()  # of a run that was cut off
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), mode)
            if owner is not None and os.geteuid() == 0:
                os.fchown(file.fileno(), *owner)
                os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        part.replace(path)
    except OSError:
        with suppress(OSError):
            part.unlink()
        raise
    settle(path.parent)


def link(path: Path, target: str) -> None:
    """A symbolic link in one step. Raises OSError."""
    part = path.with_name(f".{path.name}.part")
    with suppress(FileNotFoundError):
        part.unlink()
    part.symlink_to(target)
    try:
        part.replace(path)
    except OSError:
        part.unlink()
        raise
    settle(path.parent)


def remove(path: Path) -> None:
    """Take a file or a link away, if it is there, and what a cut-off run left beside it. Raises OSError."""
    with suppress(FileNotFoundError, NotADirectoryError):
        path.with_name(f".{path.name}.part").unlink()
    with suppress(FileNotFoundError, NotADirectoryError):
        path.unlink()
        settle(path.parent)


def settle(folder: Path) -> None:
    """What was renamed or made in this folder stands after a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
