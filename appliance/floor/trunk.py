"""Groups of lines: which are busy, and for how long all of them were while somebody saw it."""

from __future__ import annotations

from appliance.core.catalogue import LineReleased, LineRinging, LineSeized
from appliance.core.config import Config
from appliance.floor.calendar import Calendar
from appliance.floor.state import FloorState, TrunkState

_DAYS_KEPT = 2


class TrunkFold:
    """Applies line events to the trunks of a floor state. Blind time is not busy time: it is not observed at all."""

    def __init__(self, state: FloorState, config: Config, calendar: Calendar) -> None:
        self.state = state
        self._config = config
        self._calendar = calendar

    def seized(self, data: LineSeized, at_ns: int) -> None:
        """A line of the group is busy."""
        self._busy(data, data.direction or "", at_ns)

    def ringing(self, data: LineRinging, at_ns: int) -> None:
        """An analog line rings: nobody can call out on it, nor in."""
        self._busy(data, "in", at_ns)

    def _busy(self, data: LineSeized | LineRinging, direction: str, at_ns: int) -> None:
        if data.trunk is None:
            return
        trunk = self.state.trunks.setdefault(data.trunk, TrunkState(data.trunk))
        trunk.pbx = data.pbx
        trunk.busy[data.line] = direction
        self._look(trunk, at_ns)

    def released(self, data: LineReleased, at_ns: int) -> None:
        """It is free again."""
        trunk = self.state.trunks.get(data.trunk or "")
        if trunk is not None:
            trunk.busy.pop(data.line, None)
            self._look(trunk, at_ns)

    def blind(self, pbx: str, at_ns: int) -> None:
        """The source went out of sight: what was busy until then is booked."""
        for trunk in self._of(pbx):
            self._book(trunk, at_ns)

    def sighted(self, pbx: str, at_ns: int) -> None:
        """It is in sight again: a group found full is full from now."""
        for trunk in self._of(pbx):
            self._look(trunk, at_ns)

    def _of(self, pbx: str) -> list[TrunkState]:
        return [trunk for trunk in self.state.trunks.values() if trunk.pbx == pbx]

    def _look(self, trunk: TrunkState, at_ns: int) -> None:
        config, source = self._config.trunks.get(trunk.key), self.state.sources.get(trunk.pbx or "")
        full = config is not None and len(trunk.busy) >= config.lines and source is not None and source.in_sight
        if full and not trunk.all_busy_ns:
            trunk.all_busy_ns = at_ns
        elif not full:
            self._book(trunk, at_ns)

    def _book(self, trunk: TrunkState, at_ns: int) -> None:
        """Book the time in which every line was busy, split at midnight."""
        start, trunk.all_busy_ns = trunk.all_busy_ns, 0
        while 0 < start < at_ns:
            day, next_day = self._calendar.day(start)
            until = min(at_ns, next_day)
            trunk.all_busy_ms[day] = trunk.all_busy_ms.get(day, 0) + (until - start) // 1_000_000
            start = until
        while len(trunk.all_busy_ms) > _DAYS_KEPT:
            del trunk.all_busy_ms[min(trunk.all_busy_ms)]
