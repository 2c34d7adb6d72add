"""Decides how a recording of a line monitor or of pins becomes events again: by the live service's lines, on the recording's clock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import count
from typing import Final

import msgspec
from msgspec import Struct

from appliance.core.catalogue import Named, PbxDown
from appliance.core.clock import NS
from appliance.core.slug import slug
from drivers.gpio_sense import Edge
from gateway.fxo.line import Line
from gateway.fxo.line_call import Told
from gateway.fxo.line_queue import LineQueue
from gateway.fxo.line_settings import LineSettings
from gateway.fxo.monitor_record import MonitorFeed, MonitorRecord, record_from_datagram
from gateway.fxo.monitor_run import told_from_record
from gateway.fxo.pin_sense import PinSense, SensePins
from gateway.fxo.recording import START_NS, Row, played, recording

#: A line with a call under way is followed for so long beyond the last row, as long as a bell may be silent.
_AFTER_NS: Final = 10 * NS
_UNIT: Final = "^^<U>"
_MOST_LINES: Final = 99
#: Stand for the pins, whose numbers no recording needs.
_PINS: Final = SensePins(ring=1, loop=2, reversed=3, battery=4)
_ROLES: Final = {_PINS.role(pin): pin for pin in _PINS.all}


def feed_capture(
    lines: Iterable[str | bytes], settings: Mapping[int, LineSettings] | None = None, queue: Named | None = None
) -> Iterator[tuple[float, list[Struct]]]:
    """Yield `(t, events)` for every instant that means something; the lines' calls are in that queue, or in one of the recording's name.

    `settings` by line number, 1 for pins. Without it every line that is told of is one, with the slowest bell. Raises CorruptError, naming
    the row, for a file that is no recording of a line monitor or of pins.
    """
    header, told = recording(lines, ("monitor", "pins"), "a line monitor or of pins")
    replay: _Monitor | _Pins = (
        _Monitor(header.name, queue, settings) if header.kind == "monitor" else _Pins(header.name, queue, settings, told)
    )
    yield from played(replay, told, _AFTER_NS)


class _Replay:
    """The lines of one device, and their queue."""

    def __init__(self, name: str, queue: Named | None) -> None:
        ids = count(1)
        self._name, self._key = name, slug(name) or "lines"
        self._lines: dict[int, Line] = {}
        waits = queue or Named(self._key, name)
        self._queue = LineQueue(waits.key, self._key, lambda: f"{self._key}-{next(ids)}", title=waits.title, senses=self._tells)

    def _tells(self, name: str) -> bool:
        return all(line.settings.senses_answer for line in self._lines.values() if line.settings.line == name)

    def begin(self, now_ns: int) -> list[Struct]:
        told = [told for line in self._lines.values() for told in line.found(now_ns)]
        return [*self._queue.in_sight(), *self._taken(told, now_ns)]

    def row(self, row: Row, now_ns: int) -> list[Struct]:
        if row.data is not None:
            return self._taken(self._heard(row.data, now_ns), now_ns)
        if row.event == "disconnected":
            told = [told for line in self._lines.values() for told in line.lost(now_ns)]
            return [*self._taken(told, now_ns), PbxDown(pbx=self._key, reason="lost")]
        return self.begin(now_ns) if row.event == "connected" else []

    def due(self, until_ns: int) -> Iterator[tuple[float, list[Struct]]]:
        while (due_ns := self._due_ns()) is not None and due_ns <= until_ns:
            if events := self._taken(self._tick(due_ns), due_ns):
                yield (due_ns - START_NS) / NS, events

    def _taken(self, told: list[Told], now_ns: int) -> list[Struct]:
        return [*(each.event for each in told), *self._queue.apply(told, now_ns)]

    def _due_ns(self) -> int | None:
        return min((due for line in self._lines.values() if (due := line.due_ns) is not None), default=None)

    def _tick(self, now_ns: int) -> list[Told]:
        return [told for line in self._lines.values() for told in line.tick(now_ns)]

    def _heard(self, data: str, now_ns: int) -> list[Told]:
        raise NotImplementedError


class _Monitor(_Replay):
    """A line monitor, by serial port or UDP."""

    def __init__(self, name: str, queue: Named | None, settings: Mapping[int, LineSettings] | None) -> None:
        super().__init__(name, queue)
        self._feed, self._named = MonitorFeed(), settings is not None
        self._lines = {number: Line(each) for number, each in (settings or {}).items()}

    def _heard(self, data: str, now_ns: int) -> list[Told]:
        raw = data.encode("latin-1", "replace")
        datagram = record_from_datagram(raw) if data.startswith(_UNIT) else None
        records = [datagram] if datagram is not None else [] if data.startswith(_UNIT) else self._feed.feed(raw)
        return [told for record in records for told in self._record(record, now_ns)]

    def _record(self, record: MonitorRecord, now_ns: int) -> list[Told]:
        line, told = self._lines.get(record.line), list[Told]()
        if line is None:
            if self._named or len(self._lines) >= _MOST_LINES:
                return []
            line = self._lines[record.line] = Line(LineSettings(line=f"{self._name}-{record.line}", hook_sense=True))
            told = line.found(now_ns)
        return told + (told_from_record(line, record, now_ns) if not record.held else [])


class _Pins(_Replay):
    """Pins. One that the recording never tells of is not there."""

    def __init__(self, name: str, queue: Named | None, settings: Mapping[int, LineSettings] | None, rows: list[Row]) -> None:
        super().__init__(name, queue)
        wired = {role for row in rows if row.data is not None and (role := row.data.partition("=")[0]) in _ROLES}
        self._pins = msgspec.convert({role: _ROLES[role] for role in wired}, SensePins)
        believed = (settings or {}).get(1) or LineSettings(line=name)
        self._lines[1] = Line(msgspec.structs.replace(believed, hook_sense="loop" in wired))
        self._sense = PinSense(self._lines[1], self._pins)
        self._first: dict[int, bool] | None = {}

    def begin(self, now_ns: int) -> list[Struct]:
        self._sense, self._first = PinSense(self._lines[1], self._pins), {}
        return super().begin(now_ns)

    def _heard(self, data: str, now_ns: int) -> list[Told]:
        role, _, rest = data.partition("=")
        level, _, ago = rest.partition(" ")
        try:
            pin, active, at_ns = _ROLES[role], level == "1", now_ns - round(float(ago or 0) * NS)
        except (KeyError, ValueError):
            return []
        if self._first is not None and pin not in self._first:
            # A session begins with how every pin is.
            self._first[pin] = active
            if self._first.keys() < set(self._pins.all):
                return []
            first, self._first = self._first, None
            return self._sense.begin(lambda each: first.get(each, False), now_ns)
        return self._sense.edge(Edge(pin, active, at_ns))

    def _due_ns(self) -> int | None:
        return self._sense.due_ns

    def _tick(self, now_ns: int) -> list[Told]:
        return self._sense.tick(now_ns)
