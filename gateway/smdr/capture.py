"""Decides what a recording of a call-record port holds: everything that came, as it came; what logged the box in is struck out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from appliance.core.clock import Clock
from appliance.core.smdr_config import SmdrConfig
from gateway.pbx.capture import Recorder, Write
from gateway.smdr.record import CallRecord
from gateway.smdr.source import Health, SmdrSource


async def record(name: str, config: SmdrConfig, clock: Clock, write: Write, told: Callable[[Health], None]) -> None:
    """Record a port until cancelled, opening it as often as it takes; `told` hears how it does. Raises MisconfiguredError."""
    recorder = Recorder("smdr", name, clock, write)
    sessions = 0

    def session(word: str) -> None:
        nonlocal sessions
        sessions += word == "connected"
        if sessions > 1 or word == "disconnected":  # the first connection is the recording's beginning
            recorder.event(word)

    async def nowhere(_records: list[CallRecord]) -> None:
        """A recording is read later."""

    source = SmdrSource(
        name, config, clock, lambda: datetime(2000, 1, 1), nowhere, tap=recorder.tap, told=told, session=session,  # noqa: DTZ001
    )  # fmt: skip
    await source.run()
