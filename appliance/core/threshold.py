"""Decides from which value on a figure is amber or red, and for how long: the targets of [kpi] and what [alarm] says of them. Data, pure.

Rules (kpis, "Hysteresis"): red above X has amber above 0.9 X; red below a share X has amber below X + 0.1 (1 − X). What stands for
one queue, group, trunk group or the floor goes before what stands in `[alarm.every]`, and that before `[kpi]`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from msgspec import Struct

from appliance.core.config import Config, GroupConfig, Kpi, Limit, QueueConfig, TrunkConfig

Level = Literal["none", "amber", "red"]
#: The figures of a queue, a group or the floor that may raise an alarm; of the floor alone, the customer's ratios of agents' time, which
#: do so only where a threshold is written for them; of a trunk group.
QUEUE_FIGURES: Final = ("waiting", "longest_wait", "service_level", "abandon_rate", "asa", "satisfaction", "fcr")
RATIOS: Final = ("ab_allocation", "bc_on_phone", "cd_availability", "bd_utilisation")
TRUNK_FIGURES: Final = ("all_busy_now", "all_busy_share", "blocked_share", "faults")
#: Figures that are bad when they are small; all others are bad when they are large.
BELOW: Final = frozenset({"service_level", "satisfaction", "fcr", *RATIOS})
#: Figures between 0 and 1.
SHARES: Final = (BELOW - {"satisfaction"}) | {"abandon_rate", "all_busy_share", "blocked_share"}


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
        if self.side == "above":
            return "red" if value > self.red else "amber" if value > self.amber else "none"
        return "red" if value < self.red else "amber" if value < self.amber else "none"


class Rule(Struct, frozen=True):
    """When one figure of one scope changes its level: beyond the threshold, or within it again, for `hold_s` seconds."""

    threshold: Threshold
    hold_s: float


def above(red: float) -> Threshold:
    """Red above, amber above nine tenths of it."""
    return Threshold("above", round(0.9 * red, 6), red)


def below(red: float) -> Threshold:
    """Red below a share, amber within a tenth of what is left to 1.

    >>> below(0.8).amber
    0.82
    """
    return Threshold("below", round(red + 0.1 * (1 - red), 6), red)


def from_red(figure: str, red: float) -> Threshold:
    """The threshold of a figure of which only red is told; a score, which may be above 1, is amber below ten ninths of it.

    >>> from_red("satisfaction", 3.6).amber, from_red("asa", 20).amber, from_red("service_level", 0.8).amber
    (4.0, 18.0, 0.82)
    """
    if figure not in BELOW:
        return above(red)
    return below(red) if figure in SHARES else Threshold("below", round(red / 0.9, 6), red)


def thresholds_from(kpi: Kpi) -> dict[str, Threshold]:
    """The customer's targets by figure; of the longest wait: amber above T, red above 4 T; of lines at fault: any, and more than two."""
    return {
        "service_level": below(kpi.service_level_min),
        "abandon_rate": above(kpi.abandon_rate_max),
        "asa": above(kpi.asa_max_s),
        "longest_wait": Threshold("above", kpi.target_s, 4 * kpi.target_s),
        "all_busy_share": above(kpi.all_busy_max),
        "blocked_share": above(kpi.all_busy_max),
        "faults": Threshold("above", 0.0, 2.0),
        "fcr": below(kpi.fcr_min),
    }


def rule_of(config: Config, path: str, figure: str) -> Rule | None:
    """The rule of one figure of `floor`, `queue.KEY`, `group.KEY` or `trunk.KEY`; None where it raises no alarm.

    >>> rule_of(Config(), "queue.ventas", "asa").threshold.red, rule_of(Config(), "floor", "waiting")
    (15.0, None)
    """
    if figure not in figures_of(path):
        return None
    kind, _, key = path.partition(".")
    base, hold_s = _base(config, kind, key, figure), config.alarm.hold_s
    limit: Limit | None = None
    for limits in ({} if kind == "trunk" else config.alarm.every, _own(config, kind, key)):
        own = limits.get(figure)
        if own is not None:
            limit, hold_s = own, own.hold_s if own.hold_s is not None else hold_s
            base = _narrowed(figure, base, own)
    if base is None or (limit is not None and limit.off):
        return None
    return Rule(base, hold_s)


def figures_of(path: str) -> tuple[str, ...]:
    """The figures of a scope that may have a threshold.

    >>> figures_of("trunk.pstn")
    ('all_busy_now', 'all_busy_share', 'blocked_share', 'faults')
    """
    if path.startswith("trunk."):
        return TRUNK_FIGURES
    return (*QUEUE_FIGURES, *RATIOS) if path == "floor" else QUEUE_FIGURES


def _own(config: Config, kind: str, key: str) -> dict[str, Limit]:
    if kind == "floor":
        return config.alarm.floor
    tables: dict[str, Mapping[str, QueueConfig | GroupConfig | TrunkConfig]] = {
        "queue": config.queues,
        "group": config.groups,
        "trunk": config.trunks,
    }
    own = tables[kind].get(key)
    return {} if own is None else own.alarm


def _base(config: Config, kind: str, key: str, figure: str) -> Threshold | None:
    if figure == "all_busy_now":
        return Threshold("above", 0.5, 0.5)
    if figure == "longest_wait" and kind == "queue" and key in config.queues:
        target_s = config.queues[key].target_s
        if target_s is not None:
            return Threshold("above", target_s, 4 * target_s)
    return thresholds_from(config.kpi).get(figure)


def _narrowed(figure: str, base: Threshold | None, limit: Limit) -> Threshold | None:
    """What a limit leaves of the threshold one level up: a red of its own brings its own amber."""
    made = base if limit.red is None else from_red(figure, limit.red)
    return made if limit.amber is None or made is None else Threshold(made.side, limit.amber, made.red)
