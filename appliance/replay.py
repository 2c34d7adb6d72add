"""Replay: fold a recorded capture offline at full speed and give the floor as it stood at its end.

The capture's own clock (`t`) is the only clock; the same tracker and folds run as in the box.
"""

from __future__ import annotations

import gzip
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec
from msgspec.structs import replace

from appliance.core.catalogue import Named, kind_of
from appliance.core.clock import NS, wall_ns_from_rfc3339
from appliance.core.config import Config
from appliance.core.errors import CorruptError, UnsupportedError
from appliance.core.event import Event
from appliance.core.pbx_kind import is_kind
from appliance.floor import snapshot as out
from appliance.floor.floor import Floor
from appliance.floor.shot import Shots

_BOOT = "replay"
#: A file that was packed with gzip begins so (RFC 1952, section 2.3.1).
_GZIP: Final = b"\x1f\x8b"
#: Makes a recording's lines events again, each with its seconds since the start.
Feed = Callable[[Iterable[bytes]], Iterator[tuple[float, list[msgspec.Struct]]]]


class Header(msgspec.Struct):
    """First line of a capture file (docs/contract.md)."""

    capture: int
    kind: str
    name: str
    started: str


def header_from_capture(path: Path) -> Header:
    """Read a capture's first line. Raises CorruptError when it is no capture, UnsupportedError for another format's version."""
    try:
        with path.open("rb") as plain:
            packed = plain.read(2) == _GZIP
        with gzip.open(path) if packed else path.open("rb") as file:
            header = msgspec.json.decode(file.readline(65536), type=Header)
        wall_ns_from_rfc3339(header.started)
    except (OSError, EOFError, zlib.error) as fault:
        raise CorruptError(f"{path}: {getattr(fault, 'strerror', None) or fault}") from fault
    except (ValueError, msgspec.DecodeError) as fault:
        raise CorruptError(f"{path}: the first line is no capture header ({fault}); see docs/contract.md, A capture file") from fault
    if header.capture != 1:
        raise UnsupportedError(f"{path}: capture format {header.capture}; this version reads format 1")
    return header


@contextmanager
def capture_lines(path: Path) -> Iterator[Iterator[bytes]]:
    """A capture's lines, also of one that was packed with gzip. Raises CorruptError where that is damaged or cut short."""
    with path.open("rb") as file:
        packed = file.read(2) == _GZIP
        file.seek(0)
        yield _unpacked(path, file) if packed else iter(file)


def _unpacked(path: Path, file: BinaryIO) -> Iterator[bytes]:
    try:
        with gzip.open(file) as lines:
            yield from lines
    except (OSError, EOFError, zlib.error) as fault:
        raise CorruptError(f"{path}: packed with gzip, and damaged ({fault}); unpack what there is with `gzip -dc`") from fault


def events_from_capture(path: Path, config: Config) -> Iterator[Event]:
    """The events that the box would have recorded, dated by the capture's clock."""
    header = header_from_capture(path)
    service, feed = _feed(path, header, config)
    started = wall_ns_from_rfc3339(header.started)
    with capture_lines(path) as lines:
        for at_s, items in feed(lines):
            mono = round(at_s * NS)
            for data in items:
                yield Event(kind_of(data), f"{service}/{header.name}", started + mono, mono, _BOOT, "synced", data)


def _feed(path: Path, header: Header, config: Config) -> tuple[str, Feed]:
    """The service that a recording is of, and what makes its lines events again."""
    if is_kind(header.kind):
        from gateway.pbx.replay_feed import feed_capture as of_pbx  # noqa: PLC0415 - composition: the dialect is chosen by the capture

        return "gateway", lambda lines: of_pbx(lines, config)
    if header.kind == "hid":
        from headsets.replay_feed import feed_capture as of_headset  # noqa: PLC0415

        return "headsets", of_headset
    if header.kind == "smdr":
        from gateway.smdr.replay_feed import feed_capture as of_records  # noqa: PLC0415

        return "gateway", lambda lines: of_records(lines, config)
    if header.kind == "modem":
        from gateway.fxo.replay_feed import feed_capture as of_modem  # noqa: PLC0415

        return "gateway", lambda lines: of_modem(lines, _lines_of(header.name, config).get(1), _queue_of(header.name, config))
    if header.kind in ("monitor", "pins"):
        from gateway.fxo.device_replay import feed_capture as of_device  # noqa: PLC0415

        return "gateway", lambda lines: of_device(lines, _lines_of(header.name, config) or None, _queue_of(header.name, config))
    if header.kind == "gateway":
        from gateway.fxo.gateway_replay import feed_capture as of_gateway  # noqa: PLC0415

        return "gateway", lambda lines: of_gateway(lines, _gateway_of(header.name, config), _queue_of(header.name, config))
    known = "asterisk, freeswitch, gateway, hid, modem, monitor, pins and smdr"
    raise UnsupportedError(f"{path}: a capture of kind {header.kind!r} cannot be replayed yet; {known} can")


def _lines_of(name: str, config: Config) -> dict[int, Any]:
    """What the configuration says of a recording's lines, by their number at the device; nothing where it does not name it."""
    if name not in config.lines or config.lines[name].gateway is not None:
        return {}
    from gateway.fxo.made import numbered  # noqa: PLC0415

    return numbered(name, config.lines[name])


def _queue_of(name: str, config: Config) -> Named | None:
    """The one queue in which the calls of a recording's lines wait; None where the configuration names none, or several."""
    if name not in config.lines:
        return None
    lines = config.lines[name]
    keys = {own.queue or lines.queue for own in lines.lines(name).values()}
    key = keys.pop() if len(keys) == 1 else None
    if key is None:
        return None
    own = config.queues.get(key)
    return Named(key, own.title if own and own.title else key)


def _gateway_of(name: str, config: Config) -> Any:
    if name not in config.lines or (gateway := config.lines[name].gateway) is None:
        return None
    from gateway.fxo.made import gateway_lines  # noqa: PLC0415

    return gateway_lines(name, config.lines[name], gateway)


def replay(path: Path, config: Config | None = None, progress: Callable[[int], None] | None = None) -> out.Snapshot:
    """Fold a capture and give the final snapshot. Without a configuration: UTC and the default targets.

    `progress` is told how many events were folded, now and then.
    """
    config, header = config or Config(), header_from_capture(path)
    if header.kind == "hid":  # whoever folds a headset's recording wants to see it; a board's privacy is another matter
        config = replace(config, privacy=replace(config.privacy, headsets=True))
    # What else the site has was not recorded: it is neither up nor down. Whose the queues are the whole configuration tells, to the feed.
    alone = {header.name: config.pbx[header.name]} if header.name in config.pbx else {}
    floor = Floor(replace(config, pbx=alone, lines={}, smdr={}))
    started = wall_ns_from_rfc3339(header.started)
    now = started
    for seq, event in enumerate(events_from_capture(path, config), 1):
        floor.apply(seq, event)
        now = max(now, event.wall_ns)
        if progress and seq % 1000 == 0:
            progress(seq)
    return Shots(floor).take(max(now, started + round(_end_s(path) * NS)))


def _end_s(path: Path) -> float:
    """When the recording ends: those who wait go on waiting after the last event. Raises CorruptError as the feed does, before."""
    with capture_lines(path) as lines:
        last = deque((line for line in lines if line.strip()), maxlen=1).pop()
    t = msgspec.json.decode(last, type=dict[str, Any]).get("t", 0.0)
    return float(t)
