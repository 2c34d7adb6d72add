"""Decides whether the call-record ports are there: their adapters and rights, or the far end of their connections."""

from __future__ import annotations

from typing import Final

from appliance.core.config import Config
from appliance.doctor.finding import Finding, Scene
from appliance.doctor.port import gateway_runs, port_finding
from appliance.doctor.reach import at_once
from appliance.doctor.who import service_user

LIMIT_S: Final = 12.0
_DARK: Final = "calls are not recorded meanwhile, but for those that the PBX keeps and prints later"


def wanted(config: Config) -> bool:
    """There is a [smdr.NAME]."""
    return bool(config.smdr)


def findings(scene: Scene) -> tuple[Finding, ...]:
    """Look at every port at the same time."""
    who, is_held = service_user(), gateway_runs(scene.config)
    return at_once(lambda named: port_finding(f"smdr {named[0]}", named[1].url, _DARK, who, is_held=is_held), scene.config.smdr.items())
