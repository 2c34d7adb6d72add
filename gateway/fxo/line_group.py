"""Decides when every line of a group is busy: an analog line is from its first ring, or from being taken up, until it is free. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from appliance.core.catalogue import LineAllBusy, LineAllBusyEnded, LineReleased, LineRinging, LineSeized
from gateway.fxo.line_call import NS, Told


class LineGroup:
    """One trunk group of so many lines. `attempts` counts calls that began, `last` those that took its last line."""

    def __init__(self, trunk: str, lines: int) -> None:
        self.trunk, self.lines = trunk, lines
        self.busy: set[str] = set()
        self.attempts = self.last = 0
        self._full_ns: int | None = None

    def apply(self, told: Iterable[Told]) -> list[LineAllBusy | LineAllBusyEnded]:
        """What the events of its lines mean for the group; those of other groups mean nothing."""
        out: list[LineAllBusy | LineAllBusyEnded] = []
        for each in told:
            event = each.event
            if event.trunk != self.trunk:
                continue
            if isinstance(event, LineRinging | LineSeized):
                out += self._taken(event.line, each.at_ns)
            elif isinstance(event, LineReleased):
                out += self._freed(event.line, each.at_ns)
        return out

    def rings_on(self, line: str, at_ns: int) -> list[LineAllBusy | LineAllBusyEnded]:
        """A line that was busy when the box was last at work is busy still; it is no new attempt."""
        self.busy.add(line)
        return self._looked(at_ns)

    def _taken(self, line: str, at_ns: int) -> list[LineAllBusy | LineAllBusyEnded]:
        if line in self.busy:
            return []
        self.busy.add(line)
        self.attempts += 1
        full = self._looked(at_ns)
        self.last += len(full)
        return full

    def _looked(self, at_ns: int) -> list[LineAllBusy | LineAllBusyEnded]:
        if len(self.busy) < self.lines or self._full_ns is not None:
            return []
        self._full_ns = at_ns
        return [LineAllBusy(trunk=self.trunk, lines=self.lines)]

    def _freed(self, line: str, at_ns: int) -> list[LineAllBusy | LineAllBusyEnded]:
        self.busy.discard(line)
        if self._full_ns is None or len(self.busy) >= self.lines:
            return []
        busy_s = round(max(0, at_ns - self._full_ns) / NS, 3)
        self._full_ns = None
        return [LineAllBusyEnded(trunk=self.trunk, lines=self.lines, busy_s=busy_s)]
