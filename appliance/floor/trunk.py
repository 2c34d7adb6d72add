"""Groups of lines: which are busy, and for how long all of them were while somebody saw it."""

from __future__ import annotations

from typing import Final

from appliance.core.catalogue import CallOffered, LineFault, LineReleased, LineRinging, LineSeized
from appliance.core.config import Config
from appliance.core.trunk_watch import watchers
from appliance.floor.calendar import Calendar
from appliance.floor.state import FloorState, TrunkState

_DAYS_KEPT: Final = 2
_FAULTS_KEPT: Final = 1_000


class TrunkFold:
    """Applies line events to the trunks of a floor state. Blind time is not busy time: it is not observed at all."""

    def __init__(self, state: FloorState, config: Config, calendar: Calendar) -> None:
        self.state = state
        self._config = config
        self._calendar = calendar
        self._watchers = {key: watchers(config, key) for key in config.trunks}

    def seized(self, data: LineSeized, at_ns: int) -> None:
        """A line of the group is busy."""
        self._busy(data, data.direction or "", at_ns, blocked=data.beyond, wanted=not data.inferred)

    def ringing(self, data: LineRinging, at_ns: int) -> None:
        """An analog line rings: nobody can call out on it, nor in."""
        self._busy(data, "in", at_ns, blocked=False, wanted=True)

    def _busy(self, data: LineSeized | LineRinging, direction: str, at_ns: int, *, blocked: bool, wanted: bool) -> None:
        if data.trunk is None:
            return
        trunk = self._trunk(data.trunk, data.pbx)
        if wanted and data.line not in trunk.busy:
            self._want(trunk, at_ns, calls=1, blocked=blocked)
        trunk.busy[data.line] = direction
        self._look(trunk, at_ns)

    def released(self, data: LineReleased, at_ns: int) -> None:
        """It is free again."""
        trunk = self.state.trunks.get(data.trunk or "")
        if trunk is not None:
            trunk.busy.pop(data.line, None)
            if trunk.faults.get(data.line) == "stuck_off_hook":
                del trunk.faults[data.line]
            if data.congested:
                self._want(trunk, at_ns, calls=0, blocked=True)
            self._look(trunk, at_ns)

    def offered(self, data: CallOffered, at_ns: int) -> None:
        """A call that met a full group and never had a line; one that had is counted by its line."""
        if data.blocked and data.trunk is not None:
            self._want(self._trunk(data.trunk, data.pbx), at_ns, calls=1, blocked=True)

    def fault(self, data: LineFault, _at_ns: int) -> None:
        """A line is at fault, or no longer. Glare is over as soon as it is told."""
        if data.trunk is None or data.fault == "glare":
            return
        faults = self._trunk(data.trunk, data.pbx).faults
        if data.over:
            faults.pop(data.line, None)
        elif len(faults) < _FAULTS_KEPT:
            faults[data.line] = data.fault

    def blind(self, pbx: str, at_ns: int) -> None:
        """The source went out of sight: what was busy until then is booked."""
        for trunk in self._of(pbx):
            self._book(trunk, at_ns)

    def sighted(self, pbx: str, at_ns: int) -> None:
        """It is in sight again: a group found full is full from now."""
        for trunk in self._of(pbx):
            self._look(trunk, at_ns)

    def _trunk(self, key: str, pbx: str | None) -> TrunkState:
        trunk = self.state.trunks.setdefault(key, TrunkState(key))
        trunk.pbx = pbx or trunk.pbx
        return trunk

    def _want(self, trunk: TrunkState, at_ns: int, *, calls: int, blocked: bool) -> None:
        day = self._calendar.day(at_ns)[0]
        met, wanted = trunk.wanted.get(day, (0, 0))
        trunk.wanted[day] = (met + blocked, wanted + calls)
        while len(trunk.wanted) > _DAYS_KEPT:
            del trunk.wanted[min(trunk.wanted)]

    def _of(self, pbx: str) -> list[TrunkState]:
        return [trunk for trunk in self.state.trunks.values() if pbx in self._watched_by(trunk)]

    def _look(self, trunk: TrunkState, at_ns: int) -> None:
        config = self._config.trunks.get(trunk.key)
        full = config is not None and len(trunk.busy) >= config.lines and self._is_seen(trunk)
        if full and not trunk.all_busy_ns:
            trunk.all_busy_ns = at_ns
        elif not full:
            self._book(trunk, at_ns)

    def _is_seen(self, trunk: TrunkState) -> bool:
        """Whether everybody is in sight who sees a part of the group."""
        found = (self.state.sources.get(key or "") for key in self._watched_by(trunk))
        return all(source is not None and source.in_sight for source in found)

    def _watched_by(self, trunk: TrunkState) -> tuple[str | None, ...]:
        return self._watchers.get(trunk.key) or (trunk.pbx,)

    def _book(self, trunk: TrunkState, at_ns: int) -> None:
        """Book the time in which every line was busy, split at midnight: what of it lay in opening hours."""
        start, trunk.all_busy_ns = trunk.all_busy_ns, 0
        while 0 < start < at_ns:
            day, next_day = self._calendar.day(start)
            until = min(at_ns, next_day)
            open_ns = sum(b - a for a, b in self._calendar.open_spans(start, until))
            trunk.all_busy_ms[day] = trunk.all_busy_ms.get(day, 0) + open_ns // 1_000_000
            start = until
        while len(trunk.all_busy_ms) > _DAYS_KEPT:
            del trunk.all_busy_ms[min(trunk.all_busy_ms)]
