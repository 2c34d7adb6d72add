"""Decides what a headset event says of the one before it, so that whoever reads headset events alone sees when one is missing.

`delivery` is dense over all that is due; of a part of it only this tells. Behind `previous` there was no other headset event before this
one. Told by what was sent before it, and after a start, or on the way back after a lost connection, by the journal.
"""

from __future__ import annotations

from typing import Final

from appliance.core.event import Entry
from appliance.core.journal import PAGE, Journal

#: What is due and begins so is a headset event, or was one.
_LINKS: Final = (b'{"k":"headset.', b'{"k":"journal.purged"')
_KEPT: Final = 2048
#: After so many pages without any, only they are spoken for.
_PAGES: Final = 4


class Chain:
    """The headset events of one journal that are due, in order."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._last = 0
        self._known: dict[int, int] = {}
        self._begun = (-1, 0)

    def before(self, entry: Entry) -> int:
        """The seq behind which none was before this one; 0: it is the first. Call for each, in order; again after going back."""
        known = self._known.get(entry.seq)
        if known is not None:
            return known
        found = self._last if 0 < self._last < entry.seq else self._looked_back(entry.seq)
        self._last = max(self._last, entry.seq)
        self._known[entry.seq] = found
        if len(self._known) > _KEPT:
            del self._known[next(iter(self._known))]
        return found

    def last(self, seq: int) -> int:
        """The last one up to this row, or a row behind which there was none."""
        sent = max((known for known in self._known if known <= seq), default=0)
        if not sent and self._begun[0] != seq:
            self._begun = seq, self._looked_back(seq + 1)
        return sent or self._begun[1]

    def _looked_back(self, seq: int) -> int:
        end = seq
        for _ in range(_PAGES):
            begin = max(0, end - 1 - PAGE)
            rows = [row for row in self._journal.read(begin, min(PAGE, end - 1 - begin)) if row.seq < end] if end > 1 else []
            found = next((row.seq for row in reversed(rows) if row.n is not None and row.body.startswith(_LINKS)), None)
            if found is not None:
                return found
            first = self._journal.first_seq()
            if begin < first:
                return 0 if first <= 1 else first - 1
            end = begin + 1
        return end - 1
