"""Decides which changes of hook and mute are taken out of the journal before it lets go of them: those older than `keep_days`, but for
the last one of each seat, which says how it is now.

A row that goes keeps its place, its numbers and the hour in which it fell, and loses what it told (docs/decisions/0009). The walk is
forward only and its place is kept, so that nothing is looked at twice; what the CRM is still to get stops it. One small step at a time.
"""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import Struct

from appliance.core.clock import NS, Clock
from appliance.core.event import Entry, Stored, body_from_stored, stored_from_body
from appliance.core.journal import PAGE
from appliance.core.store import Store

#: A step looks at so many pages at most, and ends with the first in which something went: writers wait for that long.
_PAGES: Final = 4
#: Where nothing goes, the place is only written so often: a start looks at these rows again.
_PLACE_ROWS: Final = 10_000
_HOUR_NS: Final = 3600 * NS
_GOING: Final = (b'{"k":"headset.hook"', b'{"k":"headset.mute"')


class _Seat(Struct, frozen=True):
    seat: str = ""


_seat: Final = msgspec.json.Decoder(_Seat)


class Purge:
    """Walks one journal; the caller holds its lock."""

    def __init__(self, clock: Clock, keep_days: float) -> None:
        self._clock = clock
        self._keep_ns = int(keep_days * 86_400 * NS)
        self._epoch = ""
        self._at = self._saved = 0
        #: The last change of each seat that was passed, by kind, box and seat.
        self._last: dict[str, int] = {}

    def step(self, store: Store, settled: int) -> int:
        """Take out what is due to go, at most a page; returns how many rows went. `settled` is the CRM's last settled delivery number.

        Raises sqlite3.Error as it comes: then nothing went.
        """
        if self._clock.quality() == "unset":
            return 0
        if self._epoch != store.epoch:
            self._at, self._last = store.purged_to()
            self._saved, self._epoch = self._at, store.epoch
        for _ in range(_PAGES):
            first = store.read(self._at, 1)
            if not first or not self._is_old(first[0]):
                return 0
            going, moved, at = self._page(store, settled)
            if going or moved or at - self._saved >= _PLACE_ROWS:
                store.purge([(_emptied(entry), entry.seq) for entry in going], at, moved)
                self._saved = at
            more = at > self._at
            self._at = at
            self._last.update(moved)
            if going or not more:
                return len(going)
        return 0

    def _page(self, store: Store, settled: int) -> tuple[list[Entry], dict[str, int], int]:
        """One page from the place on: the rows that go, the seats' last changes that are others now, and the place behind it."""
        rows = store.read(self._at, PAGE)
        all_old = self._is_old(rows[-1])
        going: list[Entry] = []
        moved: dict[str, int] = {}
        at, here = self._at, dict[int, Entry]()
        for row in rows:
            if not (all_old or self._is_old(row)):
                break
            key = _key(row)
            if key is not None:
                if row.n is not None and row.n > settled:
                    break
                before = moved.get(key) or self._last.get(key)
                if before is not None:
                    entry = here.get(before) or next(iter(store.read(before - 1, 1)), None)
                    if entry is not None and entry.seq == before:
                        going.append(entry)
                moved[key], here[row.seq] = row.seq, row
            at = row.seq
        return going, moved, at

    def _is_old(self, entry: Entry) -> bool:
        """By the clock that never steps where it can tell, as retention; a row that cannot be read is none that stops anybody."""
        try:
            row = stored_from_body(entry.body)
        except msgspec.DecodeError:
            return True
        same = row.boot == self._clock.boot
        return (self._clock.mono_ns() - row.mono_ns if same else self._clock.wall_ns() - row.wall_ns) > self._keep_ns


def _key(entry: Entry) -> str | None:
    """Of what, and whose, change it tells; None for any other event, and for one that cannot be read."""
    if not entry.body.startswith(_GOING):
        return None
    try:
        row = stored_from_body(entry.body)
        return f"{row.kind}/{row.origin.box if row.origin is not None else ''}/{_seat.decode(row.data).seat}"
    except msgspec.DecodeError:
        return None


def _emptied(entry: Entry) -> bytes:
    """The body that takes the place of one that goes: the end of the hour in which it fell."""
    row = stored_from_body(entry.body)
    later_ns = -row.wall_ns % _HOUR_NS
    return body_from_stored(
        Stored("journal.purged", "journal/journal", row.wall_ns + later_ns, row.mono_ns + later_ns, row.boot, row.clock, msgspec.Raw(b"{}"))
    )
