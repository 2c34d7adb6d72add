"""Decides when callers' numbers go from the journal: after `[privacy] callers_days`, once the CRM has what it is due.

With `hash` a mark by the box's salt takes their place; with `erase` one by a salt that is held in memory for a day and never written
down. The walk is forward only, and its place is kept; one small step at a time, as `core.purge`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import msgspec

from appliance.core.callers import KINDS_OF_CALLERS, Marks, changed, salt_of
from appliance.core.clock import NS, Clock
from appliance.core.event import Stored, stored_from_body
from appliance.core.journal import PAGE
from appliance.core.store import Store
from appliance.core.upkeep import Callers

_PAGES: Final = 4
#: Where nothing changes, the place is only written so often.
_PLACE_ROWS: Final = 10_000
_DAY_NS: Final = 86_400 * NS


class CallerPurge:
    """Walks one journal; the caller holds its lock."""

    def __init__(self, clock: Clock, folder: Path, callers: Callers) -> None:
        self._clock, self._folder, self._how = clock, folder, callers.how
        self._keep_ns = int(callers.days * _DAY_NS)
        self._epoch = ""
        self._at = self._saved = 0
        self._marks: Marks | None = None
        self._marks_ns = 0

    def step(self, store: Store, settled: int) -> int:
        """Change what is due, at most a page; returns how many rows changed. `settled` is the CRM's last settled delivery number.

        Raises sqlite3.Error as it comes, TransientError without a salt: then nothing changed.
        """
        if self._clock.quality() == "unset":
            return 0
        if self._epoch != store.epoch:
            self._at = self._saved = store.place(self._name)
            self._epoch = store.epoch
        for _ in range(_PAGES):
            first = store.read(self._at, 1)
            row = _decoded(first[0].body) if first else None
            if not first or (row is not None and not self._is_old(row)):
                return 0
            rows, at = self._page(store, settled)
            if rows or at - self._saved >= _PLACE_ROWS:
                store.purge(rows, at, {}, self._name)
                self._saved = at
            more, self._at = at > self._at, at
            if rows or not more:
                return len(rows)
        return 0

    @property
    def _name(self) -> str:
        return f"callers_{self._how}"

    def _page(self, store: Store, settled: int) -> tuple[list[tuple[bytes, int]], int]:
        """One page from the place on: other bodies for the rows that change, and the place behind the last that was looked at."""
        out, at = [], self._at
        marks = self._salted()
        for entry in store.read(at, PAGE):
            row = _decoded(entry.body)
            if (row is not None and not self._is_old(row)) or (entry.n is not None and entry.n > settled):
                break
            at = entry.seq
            if row is not None and row.kind in KINDS_OF_CALLERS:
                body = changed(row, marks.of)
                if body is not None:
                    out.append((body, entry.seq))
        return out, at

    def _salted(self) -> Marks:
        """The salt of today: with `erase` nobody ever has yesterday's again."""
        now_ns = self._clock.mono_ns()
        if self._marks is None or (self._how == "erase" and now_ns - self._marks_ns > _DAY_NS):
            self._marks = Marks(salt_of(self._folder) if self._how == "hash" else os.urandom(32))
            self._marks_ns = now_ns
        return self._marks

    def _is_old(self, row: Stored) -> bool:
        """By the clock that never steps where it can tell, as retention."""
        same = row.boot == self._clock.boot
        return (self._clock.mono_ns() - row.mono_ns if same else self._clock.wall_ns() - row.wall_ns) > self._keep_ns


def _decoded(body: bytes) -> Stored | None:
    """None for a row that cannot be read: it is none that stops anybody."""
    try:
        return stored_from_body(body)
    except msgspec.DecodeError:
        return None
