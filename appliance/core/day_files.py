"""Decides how one small file per local day is kept: whole or not at all, so many at most, a damaged one set aside."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Final

_NAME: Final = re.compile(r"(\d{4}-\d{2}-\d{2})\.json")
#: Damaged files are kept for whoever looks into it, so many of them.
_DAMAGED_KEPT: Final = 5


class DayFiles:
    """A folder of files named by local day. Reading makes no file and needs no right to write."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, day: date) -> Path:
        """Where a day's file is."""
        return self.folder / f"{day.isoformat()}.json"

    def read(self, day: date) -> bytes | None:
        """A day's file; None when there is none. Raises OSError as the system gives it."""
        try:
            return self.path(day).read_bytes()
        except FileNotFoundError:
            return None

    def write(self, day: date, data: bytes) -> None:
        """Put a day's file in place, durably and in one step. Raises OSError (disk full, no right); the one before then stays."""
        self.folder.mkdir(parents=True, exist_ok=True)
        part = self.path(day).with_suffix(".part")
        try:
            with part.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            part.replace(self.path(day))
        except OSError:
            with suppress(OSError):
                part.unlink()
            raise
        descriptor = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def days(self) -> list[date]:
        """The days that have a file, oldest first; a folder that is not there has none."""
        try:
            names = [entry.name for entry in os.scandir(self.folder)]
        except FileNotFoundError:
            return []
        found = []
        for name in names:
            match = _NAME.fullmatch(name)
            if match:
                with suppress(ValueError):
                    found.append(date.fromisoformat(match[1]))
        return sorted(found)

    def set_aside(self, day: date) -> Path:
        """Rename a damaged file, so that it is made anew; returns where it lies now. Raises OSError."""
        aside = self.path(day).with_suffix(".damaged")
        self.path(day).replace(aside)
        for old in sorted(self.folder.glob("*.damaged"))[:-_DAMAGED_KEPT]:
            old.unlink()
        return aside

    def prune(self, keep: int) -> int:
        """Remove the oldest files beyond so many; returns how many went. Raises OSError."""
        old = self.days()[:-keep] if keep else self.days()
        for day in old:
            self.path(day).unlink(missing_ok=True)
        return len(old)
