"""Decides, at each moment, which lamps are lit and when that next changes: the floor's show, what is played over it, and no word for long.

Pure: fed by hand with monotonic seconds. One of these per stack light; one thread steps them all (`beacon_clockwork`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from wallboard.beacon.pattern import DARK, Pattern, lit_at

#: The boards' service speaks at least once a second; after so long without a word nobody knows how the floor is.
HEARTBEAT_S: Final = 10.0
Show = Mapping[str, Pattern]


class Stepper:
    """The lamps of one stack light, buzzer included, by name."""

    def __init__(self, lamps: tuple[str, ...], safe: Show, now_s: float, heartbeat_s: float = HEARTBEAT_S) -> None:
        """`safe` is shown once nobody has told anything for heartbeat_s; lamps that a show does not name are dark."""
        self.lamps = lamps
        self._safe, self._heartbeat_s, self._heard_s = safe, heartbeat_s, now_s
        self._lost = False
        self._base: dict[str, tuple[Pattern, float]] = dict.fromkeys(lamps, (DARK, now_s))
        self._over: dict[str, tuple[Pattern, float, float]] = {}

    @property
    def lost(self) -> bool:
        """Nobody has told anything for too long."""
        return self._lost

    def tell(self, show: Show, now_s: float) -> bool:
        """What the lamps are to show from now on; True when that is another show than before. A pattern that goes on keeps its rhythm."""
        self._heard_s = now_s
        changed, self._lost = self._lost, False
        return self._set(show, now_s) or changed

    def play(self, lamp: str, pattern: Pattern, now_s: float, until_s: float | None = None) -> None:
        """Play a pattern over the show: to its own end, or until a moment."""
        length_s = pattern.length_s
        ends = [each for each in (until_s, None if length_s is None else now_s + length_s) if each is not None]
        if lamp in self._base and ends:
            self._over[lamp] = (pattern, now_s, min(ends))

    def stop(self, lamp: str) -> None:
        """End what is played over the show on this lamp."""
        self._over.pop(lamp, None)

    def step(self, now_s: float) -> tuple[dict[str, bool], float | None]:
        """Which lamps are lit now, and in how many seconds to ask again; None: not before somebody tells or plays something."""
        if not self._lost and now_s - self._heard_s >= self._heartbeat_s:
            self._lost = True
            self._over.clear()
            self._set(self._safe, now_s)
        waits = [] if self._lost else [self._heard_s + self._heartbeat_s - now_s]
        lit = {}
        for lamp in self.lamps:
            over = self._over.get(lamp)
            if over is not None and now_s >= over[2]:
                del self._over[lamp]
                over = None
            if over is not None:
                waits.append(over[2] - now_s)
            pattern, since_s = self._base[lamp] if over is None else over[:2]
            lit[lamp], wait_s = lit_at(pattern, now_s - since_s)
            if wait_s is not None:
                waits.append(wait_s)
        return lit, min(waits, default=None)

    def _set(self, show: Show, now_s: float) -> bool:
        changed = False
        for lamp in self.lamps:
            pattern = show.get(lamp, DARK)
            if self._base[lamp][0] != pattern:
                self._base[lamp] = (pattern, now_s)
                changed = True
        return changed
