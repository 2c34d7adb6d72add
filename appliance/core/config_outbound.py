"""Decides what [outbound] may not say: hours that are none, or in which nobody may ever be called, limits of what is not allowed at all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from appliance.core.config import Config
from appliance.core.config_rules import Finding, hours_findings
from appliance.core.outbound_config import Outbound

_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def findings_of_outbound(config: Config) -> Iterator[Finding]:
    """Everything wrong with [outbound]."""
    outbound = config.outbound
    if outbound.hours is not None:
        yield from hours_findings(("outbound", "hours"), outbound.hours)
        if not any(getattr(outbound.hours, day) for day in _DAYS):
            mend = 'write mon = ["09:00-18:00"] and so on, or take hours out: without them any hour is right'
            yield Finding(("outbound", "hours"), "no day has hours: nobody may ever be called", mend)
    if outbound != Outbound() and "originate" not in config.commands.allow:
        mend = 'put "originate" into [commands] allow, or take [outbound] out'
        yield Finding(("outbound",), '"originate" is limited here and not allowed at all', mend)
