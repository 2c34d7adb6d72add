"""Decides how long a board shows a figure's level before another: it changes only after ten seconds, so that a board never flickers.

The thresholds themselves, data, are `appliance.core.threshold`; the alarms of the box are raised by `wallboard.alarm_watch`.
"""

from __future__ import annotations

from typing import Final

from appliance.core.threshold import Level, Threshold, above, below, thresholds_from

__all__ = ["HOLD_S", "Holder", "Level", "Threshold", "above", "below", "thresholds_from"]
HOLD_S: Final = 10.0


class Holder:
    """Holds each figure's level until another has lasted; one per board, fed with monotonic seconds."""

    def __init__(self, hold_s: float = HOLD_S) -> None:
        self._hold_s = hold_s
        self._shown: dict[str, Level] = {}
        self._turning: dict[str, tuple[Level, float]] = {}

    def hold(self, figure: str, level: Level, now_s: float) -> Level:
        """The level to show: the first one at once, a change after it has lasted."""
        shown = self._shown.setdefault(figure, level)
        if level == shown:
            self._turning.pop(figure, None)
            return shown
        turning, since_s = self._turning.get(figure, ("none", now_s))
        if turning != level or figure not in self._turning:
            self._turning[figure] = (level, now_s)
        elif now_s - since_s >= self._hold_s:
            self._shown[figure] = level
            del self._turning[figure]
            return level
        return shown
