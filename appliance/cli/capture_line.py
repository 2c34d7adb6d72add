"""Decides which analog lines `callfloor capture line NAME` records, and what a person hears of it meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from appliance.cli.terminal import complain
from appliance.core.clock import SystemClock
from appliance.core.config import Config
from appliance.core.errors import MisconfiguredError


def recording(name: str, config: Config, where: str) -> Callable[[Callable[[bytes], object]], Coroutine[Any, Any, None]]:
    """What records them. Raises MisconfiguredError for lines that there are not."""
    from gateway.fxo.capture import record  # noqa: PLC0415 - only where there is one

    lines = config.lines.get(name)
    if lines is None:
        raise MisconfiguredError(f"there is no [lines.{name}] in {where}; there are: {', '.join(config.lines) or 'none'}")
    return lambda write: record(
        name, lines, config.sip, SystemClock(), write, lambda health: None if health.up else complain(health.fault or "not there")
    )
