"""Decides how a recording of a headset becomes events again: by a seat as the service has it, watched; the recording's `t` is its clock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec
from msgspec import Struct

from appliance.core.clock import NS
from appliance.core.errors import CorruptError
from appliance.core.slug import slug
from headsets.model import layout_from, tells
from headsets.report import split, values
from headsets.seat import Device, Seat, Step

#: Replays count from here, so that times before the recording's start stay positive.
_START_NS: Final = 1_000_000 * NS
_MEND: Final = "record one with `callfloor headset record SEAT -o FILE`"


class Header(Struct):
    """The first line of a recording."""

    capture: int
    kind: str
    name: str
    descriptor: str
    vendor_id: str | None = None
    product_id: str | None = None
    product: str | None = None


def feed_capture(lines: Iterable[str | bytes]) -> Iterator[tuple[float, list[Struct]]]:
    """Yield `(t, events)` for every instant that means something; `t` in seconds since the start.

    Raises CorruptError, naming the line, for a file that is no recording of a headset.
    """
    rows = _rows(lines)
    header = _header(next(rows, (1, b""))[1])
    layout = layout_from(bytes.fromhex(header.descriptor))
    if not tells(layout):
        raise CorruptError("line 1: this descriptor has neither hook nor mute; `callfloor decode hid` says what it has")
    seat, now_ns = Seat(slug(header.name) or "headset", hold="watch"), _START_NS
    device = Device(vendor_id=header.vendor_id, product_id=header.product_id, product=header.product)
    plug: Step = seat.plugged(device, layout, now_ns)
    yield 0.0, list(plug.events)
    for number, line in rows:
        row = _decoded(number, line)
        t = _time(number, row)
        now_ns = max(now_ns, _START_NS + round(t * NS))
        yield from _due(seat, now_ns)
        if "data" in row:
            report_id, payload = split(layout, str(row["data"]).encode("latin-1", "replace"))
            step = seat.reported(values(layout, report_id, payload), now_ns)
        elif row.get("event") == "disconnected":
            step = seat.pulled()
        elif row.get("event") == "connected":
            step = seat.plugged(device, layout, now_ns)
        else:
            continue
        if step.events:
            yield (now_ns - _START_NS) / NS, list(step.events)
    yield from _due(seat, now_ns + NS)


def reports_from_capture(lines: Iterable[str | bytes]) -> Iterator[tuple[float, bytes, dict[str, int]]]:
    """Each report of a recording: `t`, its bytes, and what its descriptor has them say. Raises CorruptError as `feed_capture` does."""
    rows = _rows(lines)
    layout, last_t = layout_from(bytes.fromhex(_header(next(rows, (1, b""))[1]).descriptor)), 0.0
    for number, line in rows:
        row = _decoded(number, line)
        last_t = max(last_t, _time(number, row))
        if "data" in row:
            report = str(row["data"]).encode("latin-1", "replace")
            yield last_t, report, values(layout, *split(layout, report))


def _due(seat: Seat, now_ns: int) -> Iterator[tuple[float, list[Struct]]]:
    """What falls due before the next line, each at its own time."""
    while (due_ns := seat.due_ns) is not None and due_ns <= now_ns:
        step = seat.tick(due_ns)
        if step.events:
            yield (due_ns - _START_NS) / NS, list(step.events)


def _rows(lines: Iterable[str | bytes]) -> Iterator[tuple[int, str | bytes]]:
    return ((number, line) for number, line in enumerate(lines, 1) if line.strip())


def _header(line: str | bytes) -> Header:
    try:
        header = msgspec.json.decode(line, type=Header)
        bytes.fromhex(header.descriptor)
    except (msgspec.DecodeError, ValueError) as fault:
        raise CorruptError(f"line 1: no header of a headset's recording ({fault}); {_MEND}") from fault
    if header.capture != 1 or header.kind != "hid":
        raise CorruptError(f"line 1: not a recording of a headset (kind {header.kind!r}); {_MEND}")
    return header


def _decoded(number: int, line: str | bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(line, type=dict[str, Any])
    except msgspec.DecodeError as fault:
        raise CorruptError(f"line {number}: not a JSON object: {fault}") from fault


def _time(number: int, row: dict[str, Any]) -> float:
    try:
        return min(float(row["t"]), 1e8)
    except (KeyError, TypeError, ValueError) as fault:
        raise CorruptError(f"line {number}: no time `t`; every line after the first needs one") from fault
