"""Decides which call-record port `callfloor capture smdr NAME` records, and what a person hears of it meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from appliance.cli.terminal import complain
from appliance.core.clock import SystemClock
from appliance.core.config import Config
from appliance.core.errors import MisconfiguredError


def recording(name: str, config: Config, where: str) -> Callable[[Callable[[bytes], object]], Coroutine[Any, Any, None]]:
    """What records it. Raises MisconfiguredError for a port that there is not."""
    from gateway.smdr.capture import record  # noqa: PLC0415 - only where there is one

    port = config.smdr.get(name)
    if port is None:
        raise MisconfiguredError(f"there is no [smdr.{name}] in {where}; there are: {', '.join(config.smdr) or 'none'}")
    return lambda write: record(name, port, SystemClock(), write, lambda health: complain(health.text) if health.level == "red" else None)
