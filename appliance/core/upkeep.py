"""Decides in which order a journal is tended: room is made and announced, with the reserve where the disk has none; then the purge."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from msgspec import Struct

from appliance.core.clock import Clock
from appliance.core.disk import free_bytes
from appliance.core.errors import FullError
from appliance.core.pace import Pace
from appliance.core.purge import Purge
from appliance.core.reserve import Reserve
from appliance.core.retention import TIGHT_BYTES, Retention
from appliance.core.store import Row, Store

if TYPE_CHECKING:
    from appliance.core.caller_purge import CallerPurge

#: With less than this left, in the file and on its disk together, the next events will be refused.
_NO_ROOM_BYTES: Final = 64 * 1024


class Callers(Struct, frozen=True):
    """For how many days callers' numbers stay, and what becomes of them then (`core.caller_purge`)."""

    days: float
    how: Literal["hash", "erase"] = "hash"


class Upkeep:
    """Tends one journal, a small step at a time; the caller holds its lock. `row` makes a row of what is to be told.

    `headset_days` is for `core.purge`, None: as the rest; `callers` for `core.caller_purge`, None: never.
    """

    def __init__(
        self,
        clock: Clock,
        path: Path,
        keep_days: float,
        max_bytes: int,
        headset_days: float | None,
        row: Callable[[Struct], Row],
        callers: Callers | None = None,
    ) -> None:
        self._folder = path.parent
        self._max_bytes = max_bytes
        self._retention = Retention(clock, keep_days, max_bytes, row)
        self._purge = Purge(clock, keep_days if headset_days is None else headset_days)
        self._callers = None if callers is None else _caller_purge(clock, path.parent, callers)
        self._reserve = Reserve(self._folder)
        self.pace = Pace(clock)

    def make_room(self, store: Store, settled: int) -> bool:
        """Retention and shedding; True where something was told. `settled` is the CRM's last settled delivery number.

        Raises FullError when the disk refuses all the same, else sqlite3.Error and our errors as they come.
        """
        before = store.newest_seq()
        try:
            store.asked(lambda store: self._step(store, settled))
        except FullError:  # some rows are to go, and there is no room to write that they do
            self._reserve.give()
            self._step(store, settled)
        self._retention.say(store)
        if self.pace.is_stale:
            with self.pace.measured():
                store.try_disk()
        self._reserve.make()
        return store.newest_seq() != before

    def _step(self, store: Store, settled: int) -> None:
        disk_free = free_bytes(self._folder)
        if self._retention.step(store, settled, disk_free=disk_free) and disk_free < TIGHT_BYTES:
            store.checkpoint()  # with the reserve just given it may grow once more: a log that cannot be emptied takes no more events

    def limit(self, store: Store) -> None:
        """Set how far a connection may let its file grow: a tenth beyond the budget, and not at all on a disk that is nearly full.

        What is in the write-ahead log then always has its place in the file, whoever takes the rest of the disk.
        """
        tight = free_bytes(self._folder) < TIGHT_BYTES
        store.set_budget(0 if tight else self._max_bytes + self._max_bytes // 10)

    def purge(self, store: Store, settled: int) -> None:
        """What is kept for fewer days than the rest. Raises sqlite3.Error as it comes."""
        self._purge.step(store, settled)
        if self._callers is not None:
            self._callers.step(store, settled)

    def room(self, store: Store) -> tuple[int, bool]:
        """Bytes for events before the oldest go for want of room on the disk; whether the next ones have a place at all.

        Raises sqlite3.Error and OSError as they come.
        """
        own, disk = store.bytes_free(), free_bytes(self._folder)
        return own + max(0, disk - TIGHT_BYTES), own + disk >= _NO_ROOM_BYTES


def _caller_purge(clock: Clock, folder: Path, callers: Callers) -> CallerPurge:
    from appliance.core.caller_purge import CallerPurge  # noqa: PLC0415 - it reads the whole catalogue, and most boxes need it not

    return CallerPurge(clock, folder, callers)
