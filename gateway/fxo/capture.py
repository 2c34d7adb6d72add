"""Decides what a recording of analog lines holds: everything that their device said, and what was said to it, as it happened."""

from __future__ import annotations

from collections.abc import Callable

from appliance.core.clock import Clock
from appliance.core.fxo_gateway_config import SipListenerConfig
from appliance.core.line_config import LinesConfig
from gateway.fxo.line_call import Told
from gateway.fxo.made import Maker
from gateway.fxo.source import Health
from gateway.pbx.capture import Recorder, Write


async def record(
    name: str, config: LinesConfig, sip: SipListenerConfig, clock: Clock, write: Write, told: Callable[[Health], None]
) -> None:  # fmt: skip
    """Record until cancelled, opening the device as often as it takes; `told` hears how it does. Raises MisconfiguredError."""
    recorder = Recorder(config.sense, name, clock, write)
    sessions, is_up = 0, False

    def sighted(health: Health) -> None:
        nonlocal sessions, is_up
        told(health)
        if health.up != is_up:
            is_up, sessions = health.up, sessions + health.up
            if sessions > 1 or not is_up:  # the first connection is the recording's beginning
                recorder.event("connected" if is_up else "disconnected")

    def nowhere(_: list[Told]) -> None:
        """A recording is read later."""

    source = Maker(sip, clock).source(name, config, tap=recorder.tap)
    source.sighted = sighted
    await source.run(nowhere)
