"""Retention: what goes from the journal when it is old or too large, or when its disk is full, and what is said about it.

Small chunks, never the newest row, no vacuum. What the CRM has not got is only taken when there is no other way,
and then announced: one `journal.gap` when that begins and one when it ends, each in the transaction that makes it so.
At 80 % of the budget headset transitions are no longer recorded (`journal.pressure`). A disk that is nearly full is a
smaller budget: the file grows no more, and after a grace, in which somebody may free the disk while services hold
events in memory, the oldest go, and what comes takes their pages.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from msgspec import Struct

from appliance.core.catalogue import JournalGap, JournalPressure
from appliance.core.clock import NS, Clock
from appliance.core.event import Stored, stored_from_body
from appliance.core.store import Row, Store

PRESSURE: Final = 0.8
PRUNE_ROWS: Final = 2000
#: A gap is told as ended when nothing undelivered had to go for this long.
GAP_ENDS_NS: Final = 30 * NS
#: With less than this free on the disk the file may not grow any more.
TIGHT_BYTES: Final = 8 * 1024**2
#: What the file then keeps free in itself for what comes next: some thousand events.
SLACK_BYTES: Final = 1024**2
#: For how long a disk must have been tight before anything goes for that.
GRACE_NS: Final = 60 * NS
#: Chunks in one step, so that writers are never kept waiting for long.
_CHUNKS: Final = 5


class Retention:
    """Decides and does one step at a time; the caller holds the journal's lock. `row` makes a row of what is to be told."""

    def __init__(self, clock: Clock, keep_days: float, max_bytes: int, row: Callable[[Struct], Row]) -> None:
        self._clock = clock
        self._keep_ns = int(keep_days * 86_400 * NS)
        self._max_bytes = max_bytes
        self._row = row
        self._shed_at_ns = 0
        self._tight_from_ns: int | None = None

    def step(self, store: Store, settled: int, *, disk_free: int) -> int:
        """Make room where it is due; how many rows went. `settled` is the CRM's last settled delivery number, `disk_free` in bytes.

        Raises sqlite3.Error as it comes.
        """
        gone = 0
        if disk_free >= TIGHT_BYTES:
            self._tight_from_ns = None
        elif self._tight_from_ns is None:
            self._tight_from_ns = self._clock.mono_ns()
        for _ in range(_CHUNKS):
            if not self._must_prune(store):
                break
            deleted, shed = store.prune(PRUNE_ROWS, settled, lambda first: self._row(JournalGap(first=first)))
            if shed:
                self._shed_at_ns = self._clock.mono_ns()
            if not deleted:
                break
            gone += deleted
        return gone

    def say(self, store: Store) -> None:
        """Tell of pressure that begins or ends, and of a gap that ends. Raises sqlite3.Error as it comes."""
        self._press(store)
        self._end_gap(store)

    def _press(self, store: Store) -> None:
        pressed = store.bytes_used() > PRESSURE * self._max_bytes
        if pressed == store.books().pressure:
            return
        if pressed:
            store.tell(self._row(JournalPressure(state="begins")), {"pressure": 1})
        else:
            missed = store.fact("not_recorded")
            store.tell(self._row(JournalPressure(state="ends", not_recorded=missed)), {"pressure": 0, "not_recorded": 0})

    def _must_prune(self, store: Store) -> bool:
        if store.bytes_used() > self._max_bytes:
            return True
        first = store.read(0, 1)
        if not first:
            return False
        if self._disk_wants(store):
            return True
        if self._clock.quality() == "unset":
            return False
        newest_of_chunk = store.read(first[0].seq + PRUNE_ROWS - 1, 1)
        return bool(newest_of_chunk) and self._age_ns(stored_from_body(newest_of_chunk[0].body)) > self._keep_ns

    def _disk_wants(self, store: Store) -> bool:
        """Whether a disk without room wants the oldest chunk to go."""
        if self._tight_from_ns is None or self._clock.mono_ns() - self._tight_from_ns < GRACE_NS:
            return False
        return store.bytes_free() < SLACK_BYTES

    def _age_ns(self, event: Stored) -> int:
        """By the clock that never steps where it can tell: a date mistyped by a month must not empty the journal."""
        if event.boot == self._clock.boot:
            return self._clock.mono_ns() - event.mono_ns
        return self._clock.wall_ns() - event.wall_ns

    def _end_gap(self, store: Store) -> None:
        books = store.books()
        if books.gap_from and self._clock.mono_ns() - self._shed_at_ns >= GAP_ENDS_NS:
            store.tell(self._row(JournalGap(first=books.gap_from, last=books.shed_to)), {"gap_from": 0})
