"""Decides when a figure is amber or red: thresholds from [kpi], with hysteresis so that a board never flickers.

Rules (kpis, "Hysteresis"): red above X has amber above 0.9 X; red below a share X has amber below X + 0.1 (1 − X);
a level changes only after `hold_s` seconds beyond it, in either direction. An alarm that the snapshot itself carries
for a figure comes first.
"""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct

from appliance.core.config import Kpi

Level = Literal["none", "amber", "red"]
HOLD_S: Final = 10.0


class Threshold(Struct, frozen=True):
    """Red beyond `red`, amber beyond `amber`, on the side that is bad."""

    side: Literal["above", "below"]
    amber: float
    red: float

    def level(self, value: float | None) -> Level:
        """The level of one value, at this instant; nothing is known of None.

        >>> Threshold("above", 0.018, 0.02).level(0.019)
        'amber'
        """
        if value is None:
            return "none"
        beyond = value.__gt__ if self.side == "above" else value.__lt__
        return "red" if beyond(self.red) else "amber" if beyond(self.amber) else "none"


def above(red: float) -> Threshold:
    """Red above, amber above nine tenths of it."""
    return Threshold("above", round(0.9 * red, 6), red)


def below(red: float) -> Threshold:
    """Red below a share, amber within a tenth of what is left to 1.

    >>> below(0.8).amber
    0.82
    """
    return Threshold("below", round(red + 0.1 * (1 - red), 6), red)


def thresholds_from(kpi: Kpi) -> dict[str, Threshold]:
    """The customer's targets by figure."""
    return {
        "service_level": below(kpi.service_level_min),
        "abandon_rate": above(kpi.abandon_rate_max),
        "asa": above(kpi.asa_max_s),
        "longest_wait": Threshold("above", kpi.target_s, 4 * kpi.target_s),
        "all_busy_share": above(kpi.all_busy_max),
    }


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
