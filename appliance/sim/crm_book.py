"""What a consumer must keep: which events it has, what came twice, what is missing, and what came out of order.

Doubles are known by their delivery number within the epoch, checked against the id; memory is bounded however long it runs.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

import msgspec
from msgspec import Struct, field

_RECENT: Final = 20_000
_GAPS_SHOWN: Final = 20


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
    """One epoch of one box: every number up to `whole` is here, and those in `beyond`."""

    whole: int = 0
    beyond: set[int] = field(default_factory=set)
    last: int = 0
    announced: list[tuple[int, int]] = field(default_factory=list)
    ids: dict[int, str] = field(default_factory=dict)

    def missing(self) -> list[tuple[int, int]]:
        """Ranges that are not here and were not announced as lost."""
        gaps, at = [], self.whole
        for n in (*sorted(self.beyond), None):
            if n is None:
                break
            if n > at + 1:
                gaps.append((at + 1, n - 1))
            at = n
        return [gap for gap in gaps if not any(first <= gap[0] and gap[1] <= last for first, last in self.announced)]


class Book:
    """The books of one consumer over all boxes it listens to."""

    def __init__(self) -> None:
        self.events = 0
        self.doubles = 0
        self.late = 0
        self.out_of_order = 0
        self.faults = 0
        self.kinds: Counter[str] = Counter()
        self.streams: dict[tuple[str, str], Stream] = {}
        self.newest: CloudEvent | None = None

    def add(self, payload: bytes) -> CloudEvent | None:
        """Take one event in; returns it when it is new, None for a double or what is no event (counted)."""
        try:
            event = _decode(payload)
            epoch, _, seq = event.id.rpartition("-")
            number, row = int(event.delivery), int(event.sequence)
        except (msgspec.DecodeError, ValueError):
            self.faults += 1
            return None
        box = "/".join(event.source.split("/")[1:3])
        stream = self.streams.setdefault((box, epoch), Stream())
        if row != int(seq) or stream.ids.get(number, event.id) != event.id:
            self.faults += 1
        if number <= stream.whole or number in stream.beyond:
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

    def report(self) -> dict[str, Any]:
        """All of it, for a script."""
        gaps = self.gaps
        return {
            "events": self.events,
            "doubles": self.doubles,
            "missing": self.missing,
            "gaps": [{"box": box, "from": first, "to": last} for box, first, last in gaps[:_GAPS_SHOWN]],
            "out_of_order": self.out_of_order,
            "late": self.late,
            "faults": self.faults,
            "boxes": [
                {"box": box, "epoch": epoch, "last_delivery": stream.last, "complete_to": stream.whole}
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
        self.out_of_order += number < stream.last
        stream.last = max(stream.last, number)
        stream.ids[number] = event.id
        if len(stream.ids) > _RECENT:
            del stream.ids[next(iter(stream.ids))]
        stream.beyond.add(number)
        while stream.whole + 1 in stream.beyond:
            stream.whole += 1
            stream.beyond.discard(stream.whole)
        if event.type.startswith("callfloor.journal.gap."):
            data = msgspec.json.decode(event.data)
            if data.get("to") is not None:
                stream.announced.append((data["from"], data["to"]))


def kind_of(event: CloudEvent) -> str:
    """The catalogue kind of an event: `call.answered` of `callfloor.call.answered.v1`."""
    return event.type.removeprefix("callfloor.").rpartition(".")[0]


def _decode(payload: bytes) -> CloudEvent:
    return msgspec.json.decode(payload, type=CloudEvent)
