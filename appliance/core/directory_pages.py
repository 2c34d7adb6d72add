"""Where a page of customers waits between its command's receipt and its filing: a file each, so that the journal need not carry it.

It is durable before the command is journalled, and goes when the command has its end; what a kill left over goes at the next start.
A file of its own, for whoever writes the directory keeps others out of that for as long as a full load takes.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Collection
from pathlib import Path
from typing import Final

from appliance.core.directory_page import BYTES_MOST
from appliance.core.errors import CorruptError, FullError

FOLDER: Final = "directory.pages"
#: So many pages may wait, and so much of the disk they may take.
WAITING_MOST: Final = 64
WAITING_BYTES: Final = 16 * 1024**2
_PREFIX: Final = "page-"


class Pages:
    """The folder beside the directory. Its calls write and flush: hand them to a thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, command: str, page: bytes) -> bool:
        """Keep a page; durable when this returns. False: too many wait already. Raises FullError: the disk takes nothing."""
        packed = zlib.compress(page, 1)
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            sizes = [_bytes_of(one) for one in self._folder.iterdir() if one.name != _PREFIX + command]
            if len(sizes) >= WAITING_MOST or sum(sizes) + len(packed) > WAITING_BYTES:
                return False
            part = self._folder / f"part-{command}"
            with open(part, "wb", opener=_private) as file:
                file.write(packed)
                file.flush()
                os.fsync(file.fileno())
            part.replace(self._folder / (_PREFIX + command))
            self._flush()
            return True
        except OSError as fault:
            raise FullError(f"no room: the page cannot be kept in {self._folder}: {fault.strerror}") from fault

    def get(self, command: str) -> bytes | None:
        """A page that waits; None: none does. Raises CorruptError."""
        try:
            packed = (self._folder / (_PREFIX + command)).read_bytes()
        except FileNotFoundError:
            return None
        inflate = zlib.decompressobj()
        try:
            page = inflate.decompress(packed, 4 * BYTES_MOST)
        except zlib.error as fault:
            raise CorruptError(f"the page that waits for {command} is damaged: {fault}") from fault
        if not inflate.eof:
            raise CorruptError(f"the page that waits for {command} is damaged: its end is missing")
        return page

    def drop(self, command: str) -> None:
        """It is filed, or refused."""
        (self._folder / (_PREFIX + command)).unlink(missing_ok=True)

    def keep(self, commands: Collection[str]) -> int:
        """Drop what belongs to no other command than these: how many files."""
        try:
            kept = {_PREFIX + command for command in commands}
            gone = [one for one in self._folder.iterdir() if one.name not in kept]
        except FileNotFoundError:
            return 0
        for one in gone:
            one.unlink(missing_ok=True)
        return len(gone)

    def _flush(self) -> None:
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _bytes_of(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0  # its command has its end meanwhile


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, 0o600)
