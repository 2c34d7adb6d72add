"""Decides when an alarm is raised, changes its level and is cleared: thresholds held against the floor, each change held back. Pure.

Rules (kpis, "Hysteresis"): a figure turns amber or red after `hold_s` seconds beyond that threshold and back after the same time within
it; two changes of one alarm are never nearer than that. What is not known (stale, unknown) changes nothing, and its time begins anew
when it is known again. Outside opening hours, once nobody waits, nothing is beyond anything. What stands now is read from the snapshot,
that is from the journal, and nowhere else: a restart, a kill or a refused append can neither double nor lose a change.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from appliance.core.config import Config
from appliance.core.threshold import Level, Rule, Threshold, figures_of, rule_of
from appliance.floor.snapshot import Alarm, Queue, Snapshot
from wallboard.alarm.figure import FINE, Scope, scopes, value_of

#: So many alarms stand at most; on a floor where more would, a few more change nothing for anybody.
MOST: Final = 2000
_KINDS: Final = ("floor", "queue", "group", "trunk")
_NS: Final = 1_000_000_000


class Change(Struct, frozen=True):
    """What is to be appended: the alarm's id and its new level, `none` when it is cleared."""

    alarm: str
    level: Level


class _Check(Struct, frozen=True):
    """One figure of one scope, with its rule."""

    alarm: str
    figure: str
    rule: Rule


class _Turning(Struct, frozen=True):
    """Since when the figure is on the other side of each threshold than the alarm says; None while it is on the same side."""

    amber_ns: int | None
    red_ns: int | None


class Watch:
    """The thresholds of one box, and what is about to turn. Times are monotonic nanoseconds."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._checks: dict[str, tuple[_Check, ...]] = {}
        self._shown: dict[str, Level] = {}
        self._turning: dict[str, _Turning] = {}
        self._changed_ns: dict[str, int] = {}
        #: Queues as they were when all about them was settled: the same object again needs no second look.
        self._settled: dict[str, Queue] = {}
        self._closed = False
        #: Alarms that could not be raised, because `MOST` stood already.
        self.left_out = 0

    @property
    def is_turning(self) -> bool:
        """Whether some figure is on its way to another level, so that time alone will change something."""
        return bool(self._turning)

    def evaluate(self, snapshot: Snapshot, now_ns: int) -> list[Change]:
        """What changes now. Call at most once a second; call again with a snapshot that holds what was appended."""
        self._take_up(snapshot.alarms, now_ns)
        closed = snapshot.clock != "unset" and not snapshot.open and not snapshot.floor.waiting
        if closed != self._closed:
            self._closed = closed
            self._settled.clear()
        changes: list[Change] = []
        paths = set()
        for scope in scopes(snapshot):
            paths.add(scope.path)
            if self._settled.get(scope.path) is not scope.what:
                changes += self._scope(scope, now_ns)
        changes += self._orphans(paths, now_ns)
        self._forget(paths)
        return self._within_bounds(changes)

    def _take_up(self, alarms: list[Alarm], now_ns: int) -> None:
        """What stands is what the journal says."""
        shown: dict[str, Level] = {alarm.id: alarm.level for alarm in alarms}
        if shown == self._shown:
            return
        turned = [name for name in {*shown, *self._shown} if shown.get(name) != self._shown.get(name)]
        longest_ns = max((self._hold_ns(name) for name in self._changed_ns), default=0)
        self._changed_ns = {name: at for name, at in self._changed_ns.items() if now_ns - at <= longest_ns} | dict.fromkeys(turned, now_ns)
        for name in turned:
            self._settled.pop(name.rpartition(".")[0], None)
        self._shown = shown

    def _scope(self, scope: Scope, now_ns: int) -> Iterator[Change]:
        path, what = scope.path, scope.what
        if path not in self._checks:
            self._checks[path] = self._rules(path)
        settled = True
        for check in self._checks[path]:
            value = FINE if self._closed else value_of(scope, check.figure, self._config.alarm.min_calls)
            if value is None:
                self._turning.pop(check.alarm, None)
                continue
            change = self._judge(check.alarm, check.rule, value, now_ns)
            if change is not None:
                yield change
            settled = settled and check.alarm not in self._turning
        if settled and isinstance(what, Queue):
            self._settled[path] = what
        else:
            self._settled.pop(path, None)

    def _rules(self, path: str) -> tuple[_Check, ...]:
        rules = ((figure, rule_of(self._config, path, figure)) for figure in figures_of(path))
        return tuple(_Check(f"{path}.{figure}", figure, rule) for figure, rule in rules if rule is not None)

    def _judge(self, name: str, rule: Rule, value: float, now_ns: int) -> Change | None:
        shown, level = self._shown.get(name, "none"), rule.threshold.level(value)
        if level == shown:
            self._turning.pop(name, None)
            return None
        before = self._turning.get(name) or _Turning(None, None)
        amber_ns = None if (level == "none") == (shown == "none") else before.amber_ns if before.amber_ns is not None else now_ns
        red_ns = None if (level == "red") == (shown == "red") else before.red_ns if before.red_ns is not None else now_ns
        if (amber_ns, red_ns) != (before.amber_ns, before.red_ns):
            self._turning[name] = _Turning(amber_ns, red_ns)
        hold_ns = round(rule.hold_s * _NS)
        amber = (shown != "none") != (amber_ns is not None and now_ns - amber_ns >= hold_ns)
        red = (shown == "red") != (red_ns is not None and now_ns - red_ns >= hold_ns)
        turned: Level = "red" if red else "amber" if amber else "none"
        if turned == shown or now_ns - self._changed_ns.get(name, now_ns - hold_ns) < hold_ns:
            return None
        return Change(name, turned)

    def _orphans(self, paths: set[str], now_ns: int) -> Iterator[Change]:
        """Alarms of ours that nothing stands behind any more: a queue that is gone, a threshold taken out of the configuration."""
        for name in list(self._shown):
            path, _, _ = name.rpartition(".")
            if path.partition(".")[0] in _KINDS and not any(check.alarm == name for check in self._checks.get(path, ())):
                change = self._judge(name, Rule(_NOTHING, self._config.alarm.hold_s), FINE, now_ns)
                if change is not None:
                    yield change

    def _forget(self, paths: set[str]) -> None:
        """Drop what is kept of scopes that are gone."""
        if len(self._checks) > len(paths):
            for path in self._checks.keys() - paths:
                del self._checks[path]
                self._settled.pop(path, None)
        if self._turning:
            gone = [name for name in self._turning if name not in self._shown and name.rpartition(".")[0] not in paths]
            for name in gone:
                del self._turning[name]

    def _hold_ns(self, name: str) -> int:
        rule = next((check.rule for check in self._checks.get(name.rpartition(".")[0], ()) if check.alarm == name), None)
        return round((rule.hold_s if rule else self._config.alarm.hold_s) * _NS)

    def _within_bounds(self, changes: list[Change]) -> list[Change]:
        room = MOST - len(self._shown) + sum(change.level == "none" for change in changes)
        kept = []
        for change in changes:
            if change.alarm not in self._shown:
                if room <= 0:
                    self.left_out += 1
                    continue
                room -= 1
            kept.append(change)
        return kept


_NOTHING: Final = Threshold("above", 0.0, 0.0)
