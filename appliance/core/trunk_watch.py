"""Decides who sees the lines of a trunk group: one PBX, the box's own senses on analog lines, or both, when neither sees the whole."""

from __future__ import annotations

from appliance.core.config import Config
from appliance.core.line_config import LINES


def watchers(config: Config, trunk: str) -> tuple[str, ...]:
    """The sources that must all be in sight for a group's busy count to be true; empty where the configuration does not tell.

    >>> from appliance.core.config import PbxConfig, TrunkConfig
    >>> from appliance.core.line_config import LinesConfig
    >>> pbx = {"central": PbxConfig(kind="asterisk")}
    >>> both = Config(pbx=pbx, trunks={"pstn": TrunkConfig(channels=("DAHDI/",), lines=4)}, lines={"l1": LinesConfig(trunk="pstn")})
    >>> watchers(both, "pstn"), watchers(both, "other")
    (('central', 'lines'), ())
    """
    group = config.trunks.get(trunk)
    if group is None:
        return ()
    if group.pbx is not None:
        return (group.pbx,)
    analog = any(trunk in (one.trunk, *(each.trunk for each in one.line.values())) for one in config.lines.values())
    if not analog:
        return tuple(config.pbx) if len(config.pbx) == 1 else ()
    return (*(config.pbx if group.channels else ()), LINES)


def shared_trunks(config: Config) -> dict[str, int]:
    """The groups that have both a PBX's channels and analog lines, and how many lines each has."""
    return {key: group.lines for key, group in config.trunks.items() if len(watchers(config, key)) > 1}
