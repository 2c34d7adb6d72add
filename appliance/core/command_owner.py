"""Decides which verbs a configured service of this box carries out beside the uplink, which owns those that touch the journal alone."""

from __future__ import annotations

from typing import Final

from appliance.core.commands_config import PBX_VERBS
from appliance.core.config import Config

#: The verbs that the uplink carries out itself, for they touch nothing but the journal, the link and the directory: those of
#: gateway/uplink/effects.py, and `resend`.
UPLINK: Final = frozenset({"announce", "withdraw", "acknowledge", "ping", "resend", "callback", "directory", "kpi", "classify"})


def owned_elsewhere(config: Config) -> frozenset[str]:
    """The verbs that wait in the journal for their owner: `beacon` for the boards' service, where there are lamps; `headset_ring`
    for the headsets'; all that reaches a PBX for the gateway.
    """
    verbs = {"beacon": bool(config.wallboard.beacon), "headset_ring": config.headsets is not None}
    return frozenset(verb for verb, owned in verbs.items() if owned) | frozenset(PBX_VERBS if config.pbx else ())
