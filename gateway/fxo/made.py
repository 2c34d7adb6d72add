"""Decides which source senses the lines of a `[lines.NAME]`, and what its keys mean for each line."""

from __future__ import annotations

from typing import Any, Final

from appliance.core.clock import Clock
from appliance.core.errors import MisconfiguredError
from appliance.core.line_config import LINES, LineKeys, LinesConfig
from gateway.fxo.line_settings import LineSettings
from gateway.fxo.modem_run import ModemLine
from gateway.fxo.monitor_run import MonitorLines
from gateway.fxo.sense_run import SenseLine, SensePins
from gateway.fxo.source import LineSource, Tap

_SAME: Final = (
    "trunk", "country", "caller_id", "caller_id_reversal", "hook_sense", "answer_reversal", "release_reversal",
    "ring_ms", "cpc_ms", "flash_ms", "grace_ms", "stuck_s",
)  # fmt: skip


def settings_of(name: str, config: LinesConfig) -> dict[str, LineSettings]:
    """What may be believed of each line, by the line's name: its own word, else the device's, else the kind's."""
    return {line: _settings(line, own, config) for line, own in config.lines(name).items()}


def _settings(line: str, own: LineKeys, config: LinesConfig) -> LineSettings:
    told: dict[str, Any] = {}
    # A line monitor tells by its records whether a call was taken; a modem only where it can.
    told["hook_sense"] = config.loop is not None if config.sense == "pins" else config.sense == "monitor"
    for key in _SAME:
        value = getattr(own, key) if getattr(own, key) is not None else getattr(config, key)
        if value is not None:
            told[key] = value
    return LineSettings(line=line, pbx=LINES, **told)


def queue_of(own: LineKeys, config: LinesConfig) -> str | None:
    """The queue in which a line's calls wait; None where a PBX queues them."""
    return own.queue or config.queue


def source_of(name: str, config: LinesConfig, clock: Clock, *, tap: Tap | None = None) -> LineSource:
    """What senses the lines. Raises MisconfiguredError for what no retry mends."""
    settings = settings_of(name, config)
    match config.sense:
        case "modem":
            return ModemLine(config.url, settings[name], clock, profile=config.profile, packets=config.packets, tap=tap)
        case "monitor":
            numbers = {config.number_of(key): settings[f"{name}-{key}"] for key in config.line}
            by_number = {number: line for number, line in numbers.items() if number is not None}
            if len(by_number) < len(config.line) or not by_number:
                raise MisconfiguredError(f"[lines.{name}]: name each line that is wired, as [lines.{name}.line.1]")
            return MonitorLines(config.url, name, by_number, clock, unit=config.unit, tap=tap)
        case "pins":
            pins = SensePins(
                ring=config.ring, loop=config.loop, reversed=config.reversed, battery=config.battery, active_low=config.active_low
            )  # fmt: skip
            return SenseLine(config.url, pins, settings[name], clock, tap=tap)
