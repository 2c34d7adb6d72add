"""Decides how a recording of a modem becomes events again: by the same line as the live service, with the recording's `t` as its clock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import count
from typing import Final

from msgspec import Struct

from appliance.core.catalogue import Named, PbxDown
from appliance.core.clock import NS
from appliance.core.slug import slug
from gateway.fxo.line import Line
from gateway.fxo.line_queue import LineQueue
from gateway.fxo.line_settings import LineSettings
from gateway.fxo.modem_profile import PROFILES
from gateway.fxo.modem_sense import ModemSense
from gateway.fxo.modem_talk import ModemTalk
from gateway.fxo.recording import START_NS, Row, played, recording

#: A line with a call under way is followed for so long beyond the last row, as long as a bell may be silent.
_AFTER_NS: Final = 10 * NS


def feed_capture(
    lines: Iterable[str | bytes], settings: LineSettings | None = None, queue: Named | None = None
) -> Iterator[tuple[float, list[Struct]]]:
    """Yield `(t, events)` for every instant that means something; the line's calls are in that queue, or in one of its name.

    Without settings the slowest bell is waited for, and the modem is taken to tell the hook if it does so anywhere in the recording.
    Raises CorruptError, naming the row, for a file that is no recording of a modem.
    """
    header, told = recording(lines, ("modem",), "a modem")
    name = slug(header.name) or "line"
    senses = "\x10H" in "".join(row.data or "" for row in told)
    replay = _Replay(settings or LineSettings(line=header.name, hook_sense=senses), name, queue)
    yield from played(replay, told, _AFTER_NS)


class _Replay:
    """One line, its queue, and the session of the moment."""

    def __init__(self, settings: LineSettings, name: str, queue: Named | None) -> None:
        ids = count(1)
        self._name = name
        self._line = Line(settings)
        waits = queue or Named(name, settings.line)
        self._queue = LineQueue(waits.key, name, lambda: f"{name}-{next(ids)}", title=waits.title, senses=lambda _: settings.senses_answer)
        self._open()

    def _open(self) -> None:
        # What was said to the modem stands in the recording, and is not said again.
        self._sense = ModemSense(self._line, ModemTalk(PROFILES["box"]))

    def begin(self, now_ns: int) -> list[Struct]:
        self._sense.begin(now_ns)
        # What rings is heard when it rings next: nothing is left to be asked for.
        return [*self._queue.in_sight(), *self._take(now_ns)]

    def row(self, row: Row, now_ns: int) -> list[Struct]:
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
                yield (due_ns - START_NS) / NS, events

    def _take(self, now_ns: int) -> list[Struct]:
        told, self._sense.told = self._sense.told, []
        return [*(each.event for each in told), *self._queue.apply(told, now_ns)]
