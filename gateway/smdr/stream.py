"""Decides how a port's bytes become records as they come: lines, the profile (named, or told by the lines), nothing told twice. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from gateway.smdr.line import Splitter
from gateway.smdr.moment import Dates, Order
from gateway.smdr.profile import ReadyProfile
from gateway.smdr.reader import Counts, Reader
from gateway.smdr.record import CallRecord
from gateway.smdr.shelf import profiles
from gateway.smdr.twice import Twice, digest_of, memory
from gateway.smdr.vote import winner

#: With so many lines the make is told, with fewer after a silence; where it cannot be, more and more are waited for.
_ENOUGH: Final = 16
_PATIENT: Final = 1024
#: Lines kept while no make is told; the oldest go.
_WAITING: Final = 64
#: So many lines in a row that fit nothing: the make was taken wrongly, or another PBX hangs there.
_WRONG: Final = 25


class Stream:
    """One line. `profile` None: the lines tell. `seen`: digests of what was told before, oldest first; a deque is kept in common."""

    def __init__(self, profile: ReadyProfile | None, order: Order | None = None, seen: Iterable[str] = ()) -> None:
        self._named, self._order = profile, order
        self.splitter = Splitter()
        self.twice = Twice(seen if isinstance(seen, deque) else memory(seen))
        self.reader: Reader | None = self._reader(profile) if profile is not None else None
        self.unread = 0
        self._waiting: list[str] = []
        self._misses = 0
        self._seen_unknown = 0
        self._ends = 0
        self._untried = 0
        self._enough = _ENOUGH

    @property
    def counts(self) -> Counts:
        """What became of the lines so far."""
        return self.reader.counts if self.reader is not None else Counts(lines=self.unread, unknown=self.unread)

    def connected(self, now_s: float) -> None:
        """The port was opened, or opened again: a line cut off before is none."""
        self.splitter.flush()
        self._ends = self.splitter.ends
        self.twice.connected(now_s)

    def feed(self, data: bytes, now: datetime, now_s: float) -> list[CallRecord]:
        """The new records in these bytes. `now`: local time; `now_s`: a clock that never steps."""
        return self._fresh([record for text in self.splitter.feed(data) for record in self._line(text, now)], now_s)

    def idle(self, now: datetime, now_s: float) -> list[CallRecord]:
        """Nothing came for some seconds: what has begun is whole."""
        records = [record for text in self.splitter.flush() for record in self._line(text, now)]
        if self.reader is None and self._untried:
            records += self._tell_make(now)
        if self.reader is not None:
            records += self.reader.idle()
        return self._fresh(records, now_s)

    def closed(self, now: datetime, now_s: float) -> list[CallRecord]:
        """The port is gone. A line cut off in the midst is none, unless this peer ends its lines so."""
        if self.splitter.ends > self._ends:
            self.splitter.flush()
        return self.idle(now, now_s)

    def _fresh(self, records: list[CallRecord], now_s: float) -> list[CallRecord]:
        return [record for record in records if not self.twice.is_again(digest_of(record.raw), now_s)]

    def _line(self, text: str, now: datetime) -> list[CallRecord]:
        if self.reader is None:
            self.unread += 1
            self._waiting = [*self._waiting[1 - _WAITING :], text]
            self._untried += 1
            return self._tell_make(now) if self._untried >= self._enough else []
        records = self.reader.feed(text, now)
        unknown = self.reader.counts.unknown
        self._misses = self._misses + 1 if unknown > self._seen_unknown and not records else 0
        self._seen_unknown = unknown
        if self._named is None and self._misses >= _WRONG:
            self.reader, self._misses, self._seen_unknown = None, 0, 0
        return records

    def _tell_make(self, now: datetime) -> list[CallRecord]:
        self._untried = 0
        lines, found = self._waiting, winner(profiles(), self._waiting, now)
        if found is None or not found.records or 2 * found.reader.counts.unknown > len(lines):
            self._enough = min(2 * self._enough, _PATIENT)
            return []
        self._enough = _ENOUGH
        self._waiting = []
        self.reader = self._reader(found.profile)
        self._seen_unknown = 0
        return [record for text in lines for record in self.reader.feed(text, now)]

    def _reader(self, profile: ReadyProfile) -> Reader:
        order = self._order or profile.spec.order
        return Reader(profile, Dates(order, live=True, fixed=self._order is not None))
