"""Decides what a recording of an analog line is: its first line, its rows, and how they are played with their own `t` as the clock."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, Final, Protocol

import msgspec
from msgspec import Struct

from appliance.core.clock import NS
from appliance.core.errors import CorruptError

#: Replays count from here, so that times before the recording's start stay positive.
START_NS: Final = 1_000_000 * NS


class Header(Struct):
    """The first line of a recording."""

    capture: int
    kind: str
    name: str


class Row(Struct):
    """Each of the others."""

    t: float
    data: str | None = None
    event: str | None = None


class Replay(Protocol):
    """The lines of one device, fed by hand."""

    def begin(self, now_ns: int) -> list[Struct]:
        """The recording starts: the device is in sight."""
        ...

    def row(self, row: Row, now_ns: int) -> list[Struct]:
        """What a row means."""
        ...

    def due(self, until_ns: int) -> Iterator[tuple[float, list[Struct]]]:
        """What is due by time alone until then, each at its own `t`."""
        ...


def recording(lines: Iterable[str | bytes], kinds: Collection[str], what: str) -> tuple[Header, list[Row]]:
    """A recording of one of these kinds. Raises CorruptError, naming the row, for a file that is none; `what` it should be of, in words."""
    rows = [line for line in lines if line.strip()]
    header = _decoded(1, rows[0], Header) if rows else None
    if header is None or header.capture != 1 or header.kind not in kinds:
        raise CorruptError(f"line 1: not a recording of {what}; record one with `callfloor capture line NAME -o FILE`")
    return header, [_decoded(number, row, Row) for number, row in enumerate(rows[1:], 2)]


def played(replay: Replay, rows: Sequence[Row], after_ns: int) -> Iterator[tuple[float, list[Struct]]]:
    """Yield `(t, events)` for every instant that means something. What is under way is followed `after_ns` beyond the last row."""
    yield 0.0, replay.begin(START_NS)
    now_ns = START_NS
    for row in rows:
        now_ns = max(now_ns, START_NS + round(row.t * NS))
        yield from replay.due(now_ns)
        if events := replay.row(row, now_ns):
            yield (now_ns - START_NS) / NS, events
    yield from replay.due(now_ns + after_ns)


def _decoded(number: int, row: str | bytes, kind: Any) -> Any:
    try:
        return msgspec.json.decode(row, type=kind)
    except msgspec.DecodeError as fault:
        raise CorruptError(f"line {number}: not a row of a recording: {fault}") from fault
