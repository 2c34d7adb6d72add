"""Decides which verbs a configured service of this box carries out beside the uplink, which owns those that touch the journal alone."""

from __future__ import annotations

from appliance.core.config import Config


def owned_elsewhere(config: Config) -> frozenset[str]:
    """The verbs that wait in the journal for their owner: `beacon` for the boards' service, where there are lamps."""
    return frozenset({"beacon"} if config.wallboard.beacon else ())
