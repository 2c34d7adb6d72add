"""Decides how a recording of a modem becomes events again: by the same line as the live service, with the recording's `t` as its clock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import count
from typing import Any, Final

import msgspec
from msgspec import Struct

from appliance.core.catalogue import PbxDown
from appliance.core.clock import NS
from appliance.core.errors import CorruptError
from appliance.core.slug import slug
from gateway.fxo.line import Line
from gateway.fxo.line_queue import LineQueue
from gateway.fxo.line_settings import LineSettings
from gateway.fxo.modem_profile import PROFILES
from gateway.fxo.modem_sense import ModemSense
from gateway.fxo.modem_talk import ModemTalk

#: Replays count from here, so that times before the recording's start stay positive.
_START_NS: Final = 1_000_000 * NS
#: A line with a call under way is followed for so long beyond the last row, as long as a bell may be silent.
_AFTER_NS: Final = 10 * NS


class _Header(Struct):
    """The first line of a recording."""

    capture: int
    kind: str
    name: str


class _Row(Struct):
    """Each of the others."""

    t: float
    data: str | None = None
    event: str | None = None


def feed_capture(lines: Iterable[str | bytes], settings: LineSettings | None = None) -> Iterator[tuple[float, list[Struct]]]:
    """Yield `(t, events)` for every instant that means something; the line's calls are a queue of its name.

    Without settings the slowest bell is waited for, and the modem is taken to tell the hook if it does so anywhere in the recording.
    Raises CorruptError, naming the row, for a file that is no recording of a modem.
    """
    rows = [line for line in lines if line.strip()]
    header = _decoded(1, rows[0], _Header) if rows else None
    if header is None or header.capture != 1 or header.kind != "modem":
        raise CorruptError("line 1: not a recording of a modem; record one with `callfloor capture line NAME -o FILE`")
    told = [_decoded(number, row, _Row) for number, row in enumerate(rows[1:], 2)]
    name = slug(header.name) or "line"
    senses = "\x10H" in "".join(row.data or "" for row in told)
    replay = _Replay(settings or LineSettings(line=header.name, hook_sense=senses), name)
    yield 0.0, replay.begin(_START_NS)
    now_ns = _START_NS
    for row in told:
        now_ns = max(now_ns, _START_NS + round(row.t * NS))
        yield from replay.due(now_ns)
        if events := replay.row(row, now_ns):
            yield (now_ns - _START_NS) / NS, events
    yield from replay.due(now_ns + _AFTER_NS)


def _decoded(number: int, row: str | bytes, kind: Any) -> Any:
    try:
        return msgspec.json.decode(row, type=kind)
    except msgspec.DecodeError as fault:
        raise CorruptError(f"line {number}: not a row of a recording: {fault}") from fault


class _Replay:
    """One line, its queue, and the session of the moment."""

    def __init__(self, settings: LineSettings, name: str) -> None:
        ids = count(1)
        self._name = name
        self._line = Line(settings)
        self._queue = LineQueue(name, name, lambda: f"{name}-{next(ids)}", title=settings.line, senses=lambda _: settings.senses_answer)
        self._open()

    def _open(self) -> None:
        # What was said to the modem stands in the recording, and is not said again.
        self._sense = ModemSense(self._line, ModemTalk(PROFILES["box"]))

    def begin(self, now_ns: int) -> list[Struct]:
        self._sense.begin(now_ns)
        # What rings is heard when it rings next: nothing is left to be asked for.
        return [*self._queue.in_sight(), *self._take(now_ns)]

    def row(self, row: _Row, now_ns: int) -> list[Struct]:
        if row.data is not None:
            self._sense.feed(row.data.encode("latin-1", "replace"), now_ns)
        elif row.event == "disconnected":
            self._sense.told += self._line.lost(now_ns)
            return [*self._take(now_ns), PbxDown(pbx=self._name, reason="lost")]
        elif row.event == "connected":
            self._open()
            return self.begin(now_ns)
        return self._take(now_ns)

    def due(self, until_ns: int) -> Iterator[tuple[float, list[Struct]]]:
        while (due_ns := self._sense.due_ns) is not None and due_ns <= until_ns:
            self._sense.tick(due_ns)
            if events := self._take(due_ns):
                yield (due_ns - _START_NS) / NS, events

    def _take(self, now_ns: int) -> list[Struct]:
        told, self._sense.told = self._sense.told, []
        return [*(each.event for each in told), *self._queue.apply(told, now_ns)]
