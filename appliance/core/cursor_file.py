"""A sink's cursor in a small file of its own: two slots written in turn, so that a torn write loses one step at most."""

from __future__ import annotations

import os
import zlib
from pathlib import Path
from typing import Final

import msgspec

from appliance.core.journal import Cursor

_SLOT: Final = 256


class _Slot(msgspec.Struct, frozen=True):
    turn: int
    cursor: Cursor


class CursorFile:
    """One cursor, saved with one flush and no change of the file's size (half the cost of a growing file)."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._turn = 0
        self._data = b""
        self._newest: Cursor | None = None

    def load(self) -> Cursor | None:
        """The newest intact slot; None when the file is new or both slots are damaged."""
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        try:
            data = os.pread(descriptor, 2 * _SLOT, 0)
        finally:
            os.close(descriptor)
        if data == self._data:  # every snapshot of the floor asks, once an event; the file changes once a second
            return self._newest
        slots = [slot for at in (0, _SLOT) if (slot := _slot_from(data[at : at + _SLOT]))]
        newest = max(slots, key=lambda slot: slot.turn, default=None)
        if newest is not None:
            self._turn = newest.turn
        self._newest = newest.cursor if newest is not None else None
        self._data = data  # last, so that another thread's load never meets new bytes with an old cursor
        return self._newest

    def save(self, cursor: Cursor) -> None:
        """Write durably. Raises OSError as the system gives it (disk full only at the very first save)."""
        if not self._turn and self.path.exists():
            self.load()
        fresh = not self.path.exists()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o660)
        try:
            if fresh:
                os.pwrite(descriptor, bytes(2 * _SLOT), 0)
            self._turn += 1
            body = msgspec.json.encode(_Slot(self._turn, cursor))
            record = f"{zlib.crc32(body):08x} ".encode() + body
            if len(record) > _SLOT:
                raise ValueError(f"cursor does not fit its slot: {cursor}")
            os.pwrite(descriptor, record.ljust(_SLOT, b"\0"), (self._turn % 2) * _SLOT)
            if fresh:
                os.fsync(descriptor)
            else:
                os.fdatasync(descriptor)
        finally:
            os.close(descriptor)


def _slot_from(record: bytes) -> _Slot | None:
    mark, _, body = record.rstrip(b"\0").partition(b" ")
    try:
        if int(mark or b"x", 16) != zlib.crc32(body):
            return None
        return msgspec.json.decode(body, type=_Slot)
    except (ValueError, msgspec.DecodeError):
        return None
