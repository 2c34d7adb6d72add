"""Decides what [alarm] may not say: a threshold the wrong way round, a share of 80, a group that is not there, an alarm without a red."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct
from msgspec.structs import fields, replace

from appliance.core.config import Config, Limit
from appliance.core.slug import slug
from appliance.core.threshold import SHARES, rule_of

Path = tuple[str | int, ...]
#: Where, what is wrong, and the mend.
Fault = tuple[Path, str, str]


def alarm_faults(config: Config) -> Iterator[Fault]:
    """Everything wrong with the thresholds; the hours of `quiet` are looked at where the opening hours are."""
    alarm, config = config.alarm, _by_slug(config)
    yield from _scope(config, ("alarm", "every"), "group.", alarm.every)
    yield from _scope(config, ("alarm", "floor"), "floor", alarm.floor)
    for name, queue in alarm.queues.items():
        yield from _scope(config, ("alarm", "queues", name), f"queue.{slug(name)}", queue)
    for name, group in alarm.groups.items():
        if slug(name, "g") not in config.groups:
            yield ("alarm", "groups", name), f"there is no [groups.{name}]", _have(config.groups)
        yield from _scope(config, ("alarm", "groups", name), f"group.{slug(name, 'g')}", group)
    for name, trunk in alarm.trunks.items():
        if name not in config.trunks:
            yield ("alarm", "trunks", name), f"there is no [trunks.{name}]", _have(config.trunks)
        yield from _scope(config, ("alarm", "trunks", name), f"trunk.{name}", trunk)


def _by_slug(config: Config) -> Config:
    """The thresholds are found by key, whether the file names queues and groups so or by the PBX's own text."""
    alarm = replace(
        config.alarm,
        queues={slug(name): limits for name, limits in config.alarm.queues.items()},
        groups={slug(name, "g"): limits for name, limits in config.alarm.groups.items()},
    )
    queues = {slug(name): queue for name, queue in config.queues.items()}
    return replace(config, alarm=alarm, queues=queues, groups={slug(name, "g"): group for name, group in config.groups.items()})


def _have(names: Mapping[str, object]) -> str:
    return f"name one of {', '.join(names)}" if names else "write that table too, or take this one out"


def _scope(config: Config, here: Path, path: str, limits: Struct) -> Iterator[Fault]:
    for field in fields(limits):
        limit = getattr(limits, field.name)
        if isinstance(limit, Limit):
            yield from _limit(config, (*here, field.name), path, field.name, limit)


def _limit(config: Config, here: Path, path: str, figure: str, limit: Limit) -> Iterator[Fault]:
    for name in ("amber", "red"):
        value = getattr(limit, name)
        if value is not None and figure in SHARES and value > 1:
            yield (*here, name), f"{value:g} is no share of 1", f"write {value / 100:g} for {value:g} %"
            return
    if limit.off:
        return
    rule = rule_of(config, path, figure)
    if rule is None:
        yield here, "without red there is no alarm", "write red = … too, or off = true"
        return
    amber, red = rule.threshold.amber, rule.threshold.red
    if limit.amber is not None and (amber > red if rule.threshold.side == "above" else amber < red):
        side = "above" if rule.threshold.side == "above" else "below"
        mend = f"{figure} is bad {side} its threshold: write an amber that is reached before red {red:g}"
        yield (*here, "amber"), f"amber {amber:g} comes after red {red:g}", mend
