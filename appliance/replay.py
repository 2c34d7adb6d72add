"""Replay: fold a recorded capture offline at full speed and give the floor as it stood at its end.

The capture's own clock (`t`) is the only clock; the same tracker and folds run as in the box.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from appliance.core.catalogue import kind_of
from appliance.core.clock import NS, wall_ns_from_rfc3339
from appliance.core.config import Config
from appliance.core.errors import CorruptError, UnsupportedError
from appliance.core.event import Event
from appliance.core.pbx_kind import BUILT_IN, is_kind
from appliance.floor import snapshot as out
from appliance.floor.floor import Floor
from appliance.floor.shot import Shots

_BOOT = "replay"


class Header(msgspec.Struct):
    """First line of a capture file (docs/contract.md)."""

    capture: int
    kind: str
    name: str
    started: str


def header_from_capture(path: Path) -> Header:
    """Read a capture's first line. Raises CorruptError when it is no capture, UnsupportedError for another format's version."""
    try:
        with path.open("rb") as file:
            header = msgspec.json.decode(file.readline(65536), type=Header)
        wall_ns_from_rfc3339(header.started)
    except OSError as fault:
        raise CorruptError(f"{path}: {fault.strerror or fault}") from fault
    except (ValueError, msgspec.DecodeError) as fault:
        raise CorruptError(f"{path}: the first line is no capture header ({fault}); see docs/contract.md, A capture file") from fault
    if header.capture != 1:
        raise UnsupportedError(f"{path}: capture format {header.capture}; this version reads format 1")
    return header


def events_from_capture(path: Path, config: Config) -> Iterator[Event]:
    """The events that the box would have recorded, dated by the capture's clock."""
    from gateway.pbx.replay_feed import feed_capture  # noqa: PLC0415 - composition: the dialect is chosen by the capture

    header = header_from_capture(path)
    if not is_kind(header.kind):
        raise UnsupportedError(f"{path}: a capture of kind {header.kind!r} cannot be replayed yet; {', '.join(BUILT_IN)} can")
    started = wall_ns_from_rfc3339(header.started)
    with path.open("rb") as file:
        for at_s, items in feed_capture(file, config):
            mono = round(at_s * NS)
            for data in items:
                yield Event(kind_of(data), f"gateway/{header.name}", started + mono, mono, _BOOT, "synced", data)


def replay(path: Path, config: Config | None = None, progress: Callable[[int], None] | None = None) -> out.Snapshot:
    """Fold a capture and give the final snapshot. Without a configuration: UTC and the default targets.

    `progress` is told how many events were folded, now and then.
    """
    config = config or Config()
    floor = Floor(config)
    started = wall_ns_from_rfc3339(header_from_capture(path).started)
    now = started
    for seq, event in enumerate(events_from_capture(path, config), 1):
        floor.apply(seq, event)
        now = max(now, event.wall_ns)
        if progress and seq % 1000 == 0:
            progress(seq)
    return Shots(floor).take(max(now, started + round(_end_s(path) * NS)))


def _end_s(path: Path) -> float:
    """When the recording ends: those who wait go on waiting after the last event. Raises CorruptError as the feed does, before."""
    with path.open("rb") as file:
        last = deque((line for line in file if line.strip()), maxlen=1).pop()
    t = msgspec.json.decode(last, type=dict[str, Any]).get("t", 0.0)
    return float(t)
