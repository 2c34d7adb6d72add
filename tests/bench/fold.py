"""`fold.events`: how far a busy PBX is from what the box can take: the heaviest recorded hour, parsed, tracked and folded.

`fold.events_flat`: whether an event costs more after a million of them than after a thousand.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from itertools import count

import msgspec

from appliance.core.catalogue import kind_of
from appliance.core.clock import NS, wall_ns_from_rfc3339
from appliance.core.config import Config
from appliance.core.event import Event
from appliance.floor.floor import Floor
from appliance.replay import events_from_capture, header_from_capture
from gateway.pbx.replay_feed import feed_capture
from tests.bench.captures import capture, events_per_second, plain
from tests.bench.room import Room
from tests.bench.table import Row, at_least, at_most, compared

_CAPTURE = ("S7_stress", "lean")
_FEW = 1_000


def events(room: Room) -> list[Row]:
    """Both rows."""
    return [_whole_way(room), _flat(room)]


def _whole_way(room: Room) -> Row:
    """AMI events a second from the recorded bytes to the folded floor, on one core, against the PBX's own busiest second."""
    packed = capture(*_CAPTURE)
    path = plain(room, packed)
    started = wall_ns_from_rfc3339(header_from_capture(path).started)
    per_second = events_per_second(packed)
    lines = path.read_bytes().splitlines()
    pairs = []
    for again in room.rounds(5):
        room.say(f"round {again + 1}: {sum(per_second)} AMI events")
        floor, config, seq = Floor(Config()), Config(), 0
        start = time.process_time()
        for at_s, items in feed_capture(lines, config):
            mono = round(at_s * NS)
            for data in items:
                seq += 1
                floor.apply(seq, Event(kind_of(data), "gateway/central", started + mono, mono, "replay", "synced", data))
        spent = time.process_time() - start
        pairs.append((sum(per_second) / spent, float(max(per_second))))
    note = f"{seq} events recorded from {sum(per_second)} of the PBX's"
    return compared(
        "fold.events", "AMI events/s", pairs, "the PBX's busiest second in that capture", at_least(20, "× the PBX's peak"), note
    )


def _flat(room: Room) -> Row:
    """CPU time of a fold step after many events against one after a thousand: the same stretch of calls, hours apart."""
    config = Config()
    recorded = list(events_from_capture(plain(room, capture(*_CAPTURE)), config))
    total = 50_000 if room.quick else 1_000_000
    fresh = []
    for _ in room.rounds(9):
        floor = Floor(config)
        stretches = _repeated(recorded)
        _fold(floor, 0, next(stretches)[:_FEW])
        fresh.append(_fold(floor, _FEW, next(stretches)))
    floor, seq, late = Floor(config), 0, []
    for again, stretch in enumerate(_repeated(recorded)):
        spent = _fold(floor, seq, stretch)
        seq += len(stretch)
        if seq > total - 9 * len(stretch):
            late.append(spent)
        if again % 20 == 0:
            room.say(f"flat: {seq} of {total} events folded")
        if seq >= total:
            break
    each = 1e6 / len(stretch)
    pairs = [(one * each, statistics.median(fresh) * each) for one in late]
    return compared(
        "fold.events_flat", "µs/event", pairs, f"after {_FEW} events", at_most(1.5, f"× after {_FEW} events"), f"after {seq} events"
    )


def _fold(floor: Floor, seq: int, chosen: list[Event]) -> float:
    start = time.process_time()
    for number, event in enumerate(chosen, seq + 1):
        floor.apply(number, event)
    return time.process_time() - start


def _repeated(recorded: list[Event]) -> Iterator[list[Event]]:
    """The same stretch again and again, each time later and with other calls; its connecting and resync only once."""
    span = recorded[-1].mono_ns - recorded[0].mono_ns + NS
    for again in count():
        yield [_moved(event, again, again * span) for event in recorded if not again or not event.kind.startswith("pbx.")]


def _moved(event: Event, again: int, by_ns: int) -> Event:
    names = {name: f"{again}-{value}" for name in ("call", "visit", "uniqueid") if (value := getattr(event.data, name, None))}
    data = msgspec.structs.replace(event.data, **names) if names else event.data
    return msgspec.structs.replace(event, data=data, wall_ns=event.wall_ns + by_ns, mono_ns=event.mono_ns + by_ns)
