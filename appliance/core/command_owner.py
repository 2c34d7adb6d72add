"""Decides which verbs a configured service of this box carries out beside the uplink, which owns those that touch the journal alone."""

from __future__ import annotations

from appliance.core.config import Config


def owned_elsewhere(config: Config) -> frozenset[str]:
    """The verbs that wait in the journal for their owner: `beacon` for the boards' service, where there are lamps; `headset_ring`
    for the headsets'.
    """
    verbs = {"beacon": bool(config.wallboard.beacon), "headset_ring": config.headsets is not None}
    return frozenset(verb for verb, owned in verbs.items() if owned)
