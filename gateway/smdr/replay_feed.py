"""Decides how a recording of a call-record port becomes events again: the same stream as the live port, with the recording's own clock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from appliance.core.config import Config
from appliance.core.errors import CorruptError
from gateway.smdr.event import event_from_record
from gateway.smdr.port import IDLE_S
from gateway.smdr.profile import profile_from_file
from gateway.smdr.record import CallRecord
from gateway.smdr.shelf import profile
from gateway.smdr.stream import Stream


class _Row(Struct):
    t: float
    data: str | None = None
    event: str | None = None


def feed_capture(lines: Iterable[str | bytes], config: Config) -> Iterator[tuple[float, list[Struct]]]:
    """Yield `(t, events)` for every instant that means something, in order; `t` in seconds since the recording's start.

    Raises CorruptError, naming the line, for a damaged file.
    """
    rows = iter(lines)
    head = msgspec.json.decode(next(rows, b"{}"))
    name = str(head.get("name") or "smdr")
    started = datetime.fromisoformat(str(head.get("started"))).astimezone(UTC)
    local = started.astimezone(ZoneInfo(config.site.timezone)).replace(tzinfo=None)
    stream = _stream(config, name)
    stream.connected(0.0)
    decode, before = msgspec.json.Decoder(_Row).decode, 0.0
    for number, line in enumerate(rows, 2):
        if not line.strip():
            continue
        try:
            row = decode(line)
        except msgspec.DecodeError as fault:
            raise CorruptError(f"line {number} of the capture is damaged: {fault}") from fault
        now = local + timedelta(seconds=row.t)
        if row.t - before >= IDLE_S:
            yield from _told(name, before + IDLE_S, stream.idle(now, row.t))
        before = row.t
        if row.data is not None:
            yield from _told(name, row.t, stream.feed(row.data.encode("latin-1", "replace"), now, row.t))
        elif row.event == "disconnected":
            yield from _told(name, row.t, stream.closed(now, row.t))
        elif row.event == "connected":
            stream.connected(row.t)
    yield from _told(name, before, stream.idle(local + timedelta(seconds=before), before))


def _stream(config: Config, name: str) -> Stream:
    port = config.smdr.get(name)
    if port is None:
        return Stream(None)
    named = profile_from_file(port.profile_file) if port.profile_file else profile(port.profile) if port.profile else None
    return Stream(named, port.dates)


def _told(name: str, at_s: float, records: list[CallRecord]) -> Iterator[tuple[float, list[Struct]]]:
    events: list[Struct] = [event for record in records if (event := event_from_record(name, record)) is not None]
    if events:
        yield at_s, events
