"""Decides what thresholds may not say: a figure that is none, amber and red the wrong way round, a share of 80, an alarm without a red."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping

from msgspec.structs import replace

from appliance.core.config import Config, Limit
from appliance.core.slug import slug
from appliance.core.threshold import SHARES, figures_of, rule_of

Path = tuple[str | int, ...]
#: Where, what is wrong, and the mend.
Fault = tuple[Path, str, str]


def alarm_faults(config: Config) -> Iterator[Fault]:
    """Everything wrong with the thresholds of every table; the hours of `quiet` are looked at where the opening hours are."""
    keyed = replace(
        config,
        queues={slug(name): queue for name, queue in config.queues.items()},
        groups={slug(name, "g"): group for name, group in config.groups.items()},
    )
    yield from _scope(keyed, ("alarm", "every"), "group.", config.alarm.every)
    yield from _scope(keyed, ("alarm", "floor"), "floor", config.alarm.floor)
    for name, queue in config.queues.items():
        yield from _scope(keyed, ("queues", name, "alarm"), f"queue.{slug(name)}", queue.alarm)
    for name, group in config.groups.items():
        yield from _scope(keyed, ("groups", name, "alarm"), f"group.{slug(name, 'g')}", group.alarm)
    for name, trunk in config.trunks.items():
        yield from _scope(keyed, ("trunks", name, "alarm"), f"trunk.{name}", trunk.alarm)


def _scope(config: Config, here: Path, path: str, limits: Mapping[str, Limit]) -> Iterator[Fault]:
    figures = figures_of(path)
    for figure, limit in limits.items():
        if figure in figures:
            yield from _limit(config, (*here, figure), path, figure, limit)
        else:
            near = difflib.get_close_matches(figure, figures, 1)
            mend = f"did you mean {near[0]}?" if near else f"write one of {', '.join(figures)}"
            yield (*here, figure), f'no figure "{figure}" raises an alarm here', mend


def _limit(config: Config, here: Path, path: str, figure: str, limit: Limit) -> Iterator[Fault]:
    for name in ("amber", "red"):
        value = getattr(limit, name)
        if value is not None and figure == "all_busy_now":
            yield (*here, name), "every line is busy, or not", "take it out; hold_s says for how long they must be"
            return
        if value is not None and figure in SHARES and value > 1:
            yield (*here, name), f"{value:g} is no share of 1", f"write {value / 100:g} for {value:g} %"
            return
    if limit.off:
        return
    rule = rule_of(config, path, figure)
    if rule is None:
        yield here, "without red there is no alarm", "write red = … too, or off = true"
        return
    amber, red, side = rule.threshold.amber, rule.threshold.red, rule.threshold.side
    if limit.amber is not None and (amber > red if side == "above" else amber < red):
        mend = f"{figure} is bad {side} its threshold: write an amber that is reached before red {red:g}"
        yield (*here, "amber"), f"amber {amber:g} comes after red {red:g}", mend
