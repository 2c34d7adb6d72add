"""Decides how a capture file becomes events again: the same source as the live service, with the capture's `t` as its clock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from msgspec import Struct

from appliance.core.clock import NS
from appliance.core.config import Config
from appliance.core.errors import CorruptError
from appliance.core.pbx_kind import is_kind
from gateway.pbx.dialect import Dialect, Parser, Source, dialect

#: Replays count from here, so that times before the capture's start stay positive.
START_NS = 1_000_000 * NS


def feed_capture(lines: Iterable[str | bytes], config: Config) -> Iterator[tuple[float, list[Struct]]]:
    """Yield `(t, events)` for every instant of a capture that means something, in order; `t` in seconds since its start.

    Raises CorruptError, naming the line, for a file that is no capture of a PBX, MisconfiguredError for a PBX that nobody speaks here.
    """
    rows = _rows(lines)
    head = next(rows, (0, {}))[1]
    kind = head.get("kind")
    if head.get("capture") != 1 or not isinstance(kind, str) or not is_kind(kind):
        text = f"line 1: not a capture of a PBX (kind {kind!r}); record one with `callfloor capture pbx NAME -o FILE`"
        raise CorruptError(text)
    speaks = dialect(kind)
    name = str(head.get("name") or "central")
    source, parser, t = speaks.source(name, config), speaks.parser(), 0.0
    source.connected(START_NS)
    for number, row in rows:
        try:
            t = float(row["t"])
        except (KeyError, TypeError, ValueError) as fault:
            text = f"line {number}: no time `t`; every line after the first needs one"
            raise CorruptError(text) from fault
        now_ns = START_NS + round(t * NS)
        yield from _due(source, now_ns)
        if events := _take(speaks, source, parser, row, now_ns):
            yield t, events
        if "event" in row:
            parser = speaks.parser()
    yield from _due(source, START_NS + round(t * NS) + NS)


def _rows(lines: Iterable[str | bytes]) -> Iterator[tuple[int, dict[str, Any]]]:
    decode = msgspec.json.Decoder(dict[str, Any]).decode
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                yield number, decode(line)
            except msgspec.DecodeError as fault:
                text = f"line {number}: not a JSON object: {fault}"
                raise CorruptError(text) from fault


def _take(speaks: Dialect, source: Source, parser: Parser, row: dict[str, Any], now_ns: int) -> list[Struct]:
    if "data" in row:
        source.seen(now_ns)
        messages = parser.feed(str(row["data"]).encode("latin-1", "replace"))
        return [event for message in messages for event in source.on_message(message, now_ns)]
    if "sent" in row:
        speaks.replay_sent(source, str(row["sent"]).encode("latin-1", "replace"))
    elif row.get("event") == "disconnected":
        return source.disconnected(now_ns)
    elif row.get("event") == "connected":
        return source.connected(now_ns)
    return []


def _due(source: Source, now_ns: int) -> Iterator[tuple[float, list[Struct]]]:
    """What falls due before the next line, each at its own time."""
    while (due_ns := source.next_due_ns) is not None and due_ns <= now_ns:
        if events := source.tick(due_ns):
            yield (due_ns - START_NS) / NS, events
