"""Retention: what goes from the journal when it is old or too large, and what is said about it.

Small chunks, never the newest row, no vacuum. What the CRM has not got is only taken when there is no other way,
and then announced: one `journal.gap` when that begins and one when it ends. At 80 % of the budget headset
transitions are no longer recorded (`journal.pressure`).
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from appliance.core.catalogue import JournalGap, JournalPressure
from appliance.core.clock import NS, Clock
from appliance.core.event import Stored, stored_from_body
from appliance.core.store import Store

PRESSURE: Final = 0.8
PRUNE_ROWS: Final = 2000
#: A gap is told as ended when nothing undelivered had to go for this long.
GAP_ENDS_NS: Final = 30 * NS
#: Chunks in one step, so that writers are never kept waiting for long.
_CHUNKS: Final = 5


class Retention:
    """Decides and does one step at a time; the caller holds the journal's lock."""

    def __init__(self, clock: Clock, keep_days: float, max_bytes: int) -> None:
        self._clock = clock
        self._keep_ns = int(keep_days * 86_400 * NS)
        self._max_bytes = max_bytes
        self._shed_at_ns = 0

    def step(self, store: Store, settled: int, *, disk_full: bool) -> list[Struct]:
        """Make room where it is due; returns the events to append. `settled` is the CRM's last settled delivery number.

        Raises sqlite3.Error as it comes.
        """
        used = store.bytes_used()
        told = self._press(store, used)
        chunks = _CHUNKS
        while chunks and self._must_prune(store, used, settled, disk_full=disk_full):
            deleted, shed = store.prune(PRUNE_ROWS, settled)
            if not deleted:
                break
            told += self._note_shed(store, shed)
            used = store.bytes_used()
            chunks -= 1
        return told + self._end_gap(store)

    def _press(self, store: Store, used: int) -> list[Struct]:
        pressed = used > PRESSURE * self._max_bytes
        if pressed == store.books().pressure:
            return []
        store.set_meta("pressure", int(pressed))
        if pressed:
            return [JournalPressure(state="begins")]
        missed = store.take_meta("not_recorded")
        return [JournalPressure(state="ends", not_recorded=missed)]

    def _must_prune(self, store: Store, used: int, settled: int, *, disk_full: bool) -> bool:
        if used > self._max_bytes:
            return True
        first = store.read(0, 1)
        if not first:
            return False
        if disk_full and store.n_at(first[0].seq + PRUNE_ROWS) <= settled:
            return True  # the disk itself is full: what the CRM has makes room for what it has not
        if self._clock.quality() == "unset":
            return False
        newest_of_chunk = store.read(first[0].seq + PRUNE_ROWS - 1, 1)
        return bool(newest_of_chunk) and self._age_ns(stored_from_body(newest_of_chunk[0].body)) > self._keep_ns

    def _age_ns(self, event: Stored) -> int:
        """By the clock that never steps where it can tell: a date mistyped by a month must not empty the journal."""
        if event.boot == self._clock.boot:
            return self._clock.mono_ns() - event.mono_ns
        return self._clock.wall_ns() - event.wall_ns

    def _note_shed(self, store: Store, shed: int) -> list[Struct]:
        if not shed:
            return []
        began = self._shed_at_ns == 0
        self._shed_at_ns = self._clock.mono_ns()
        books = store.books()
        return [JournalGap(first=books.gap_from)] if began else []

    def _end_gap(self, store: Store) -> list[Struct]:
        books = store.books()
        if not books.gap_from or self._clock.mono_ns() - self._shed_at_ns < GAP_ENDS_NS:
            return []
        self._shed_at_ns = 0
        store.set_meta("gap_from", 0)
        return [JournalGap(first=books.gap_from, last=books.shed_to)]
