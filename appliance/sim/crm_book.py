"""What a consumer must keep: which events it has, what came twice, what is missing, and what came out of order.

Doubles are known by their delivery number within the epoch, checked against the id; memory is bounded by the holes, however long it
runs. `docs/consuming.md` keeps the same books in a database.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

import msgspec
from msgspec import Struct, field

_RECENT: Final = 20_000
_GAPS_SHOWN: Final = 20
_ANNOUNCED: Final = 1000


class CloudEvent(Struct, frozen=True):
    """What the book reads of an event."""

    id: str
    source: str
    type: str
    time: str
    sequence: str
    delivery: str
    data: msgspec.Raw
    late: bool = False


class Stream(Struct):
    """One epoch of one box: the numbers that are here or were announced as lost, as ranges that do not touch, the first from 0."""

    last: int = 0
    firsts: list[int] = field(default_factory=lambda: [0])
    lasts: list[int] = field(default_factory=lambda: [0])
    #: Ranges that were announced as lost; one that comes all the same is no double.
    announced: list[tuple[int, int]] = field(default_factory=list)
    #: Where a gap began that has not been told to have ended.
    gap_from: int | None = None
    ids: dict[int, str] = field(default_factory=dict)

    @property
    def whole(self) -> int:
        """Every number up to this one is here or lost."""
        return self.lasts[0]

    def missing(self) -> list[tuple[int, int]]:
        """Ranges that are not here and were not announced as lost, in order."""
        return [(last + 1, first - 1) for last, first in _between(self.firsts, self.lasts)]

    def has(self, number: int) -> bool:
        """Has this one come?"""
        at = bisect_left(self.lasts, number)
        known = at < len(self.lasts) and self.firsts[at] <= number
        return known and (number in self.ids or not any(first <= number <= last for first, last in self.announced))

    def cover(self, first: int, last: int) -> None:
        """These are here, or will never come."""
        begin, end = bisect_left(self.lasts, first - 1), bisect_right(self.firsts, last + 1)
        if begin < end:
            first, last = min(first, self.firsts[begin]), max(last, self.lasts[end - 1])
        self.firsts[begin:end], self.lasts[begin:end] = [first], [last]


def _between(firsts: list[int], lasts: list[int]) -> Iterator[tuple[int, int]]:
    """The end of each range and the beginning of the next."""
    return zip(lasts, firsts[1:], strict=False)


class Book:
    """The books of one consumer over all boxes it listens to."""

    def __init__(self, *, from_now: bool = False) -> None:
        """`from_now`: what is numbered below the first event heard of an epoch is not asked about; else an epoch begins with 1."""
        self._from_now = from_now
        self.events = 0
        self.doubles = 0
        self.late = 0
        self.out_of_order = 0
        #: Events that filled a hole because they were asked for again.
        self.filled = 0
        self.faults = 0
        self.kinds: Counter[str] = Counter()
        self.streams: dict[tuple[str, str], Stream] = {}
        self.newest: CloudEvent | None = None
        self._lost = 0
        self._skipped = 0

    def add(self, payload: bytes) -> CloudEvent | None:
        """Take one event in; returns it when it is new, None for a double or what is no event (counted)."""
        try:
            event = _decode(payload)
            epoch, _, seq = event.id.rpartition("-")
            number, row = int(event.delivery), int(event.sequence)
            matches = row == int(seq)
        except (msgspec.DecodeError, ValueError):
            self.faults += 1
            return None
        box = "/".join(event.source.split("/")[1:3])
        stream = self.streams.get((box, epoch))
        if stream is None:
            stream = self.streams[box, epoch] = Stream()
            stream.cover(0, number - 1 if self._from_now else 0)
        if not matches or stream.ids.get(number, event.id) != event.id:
            self.faults += 1
        if stream.has(number):
            self.doubles += 1
            return None
        self._enter(stream, number, event)
        return event

    @property
    def gaps(self) -> list[tuple[str, int, int]]:
        """What is missing and not announced: box, first and last delivery number."""
        return [(box, first, last) for (box, _), stream in self.streams.items() for first, last in stream.missing()]

    @property
    def missing(self) -> int:
        """How many events are missing."""
        return sum(last - first + 1 for _, first, last in self.gaps)

    @property
    def is_whole(self) -> bool:
        """Is every event here, once and right, but for what was announced?"""
        return not self.missing and not self.faults

    def lost(self, box: str, epoch: str, first: int, last: int) -> None:
        """These will never come: the box said so."""
        stream = self.streams.get((box, epoch))
        if stream is not None and first <= last and (first, last) not in stream.announced:
            stream.announced.append((first, last))
            del stream.announced[:-_ANNOUNCED]
            self._lost += last - first + 1
            stream.cover(first, last)

    def report(self) -> dict[str, Any]:
        """All of it, for a script."""
        gaps = self.gaps
        return {
            "events": self.events,
            "doubles": self.doubles,
            "missing": self.missing,
            "gaps": [{"box": box, "from": first, "to": last} for box, first, last in gaps[:_GAPS_SHOWN]],
            "announced": self._lost,
            "skipped": self._skipped,
            "out_of_order": self.out_of_order,
            "late": self.late,
            "filled": self.filled,
            "faults": self.faults,
            "boxes": [
                {
                    "box": box,
                    "epoch": epoch,
                    "last_delivery": stream.last,
                    "complete_to": stream.whole,
                    **({"gap_from": stream.gap_from} if stream.gap_from is not None else {}),
                }
                for (box, epoch), stream in self.streams.items()
            ],
            "kinds": dict(sorted(self.kinds.items())),
        }

    def line(self) -> str:
        """One line for people."""
        newest = self.newest
        last = f"  #{int(newest.delivery)} {kind_of(newest)} {newest.time[11:19]}" if newest else ""
        return f"{self.events} events, {self.doubles} doubles, {self.missing} missing, {self.out_of_order} out of order{last}"

    def _enter(self, stream: Stream, number: int, event: CloudEvent) -> None:
        self.events += 1
        self.late += event.late
        self.kinds[kind_of(event)] += 1
        self.newest = event
        if number < stream.last:
            self.filled += event.late
            self.out_of_order += not event.late
        stream.last = max(stream.last, number)
        stream.ids[number] = event.id
        if len(stream.ids) > _RECENT:
            del stream.ids[next(iter(stream.ids))]
        stream.cover(number, number)
        kind = kind_of(event)
        if kind in ("journal.gap", "journal.skipped"):
            self._announced(kind, stream, event)

    def _announced(self, kind: str, stream: Stream, event: CloudEvent) -> None:
        try:
            data = msgspec.json.decode(event.data, type=_Announced)
        except msgspec.DecodeError:
            self.faults += 1
            return
        epoch, box = event.id.rpartition("-")[0], "/".join(event.source.split("/")[1:3])
        if kind == "journal.skipped" and data.n is not None:
            self._skipped += 1
            self.lost(box, epoch, data.n, data.n)
        elif data.first is not None and data.last is not None:
            stream.gap_from = None
            self.lost(box, epoch, data.first, data.last)
        else:
            stream.gap_from = data.first


class _Announced(Struct, frozen=True, rename={"first": "from", "last": "to"}):
    n: int | None = None
    first: int | None = None
    last: int | None = None


def kind_of(event: CloudEvent) -> str:
    """The catalogue kind of an event: `call.answered` of `callfloor.call.answered.v1`."""
    return event.type.removeprefix("callfloor.").rpartition(".")[0]


def _decode(payload: bytes) -> CloudEvent:
    return msgspec.json.decode(payload, type=CloudEvent)
