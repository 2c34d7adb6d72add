"""Decides which source senses the lines of a `[lines.NAME]`, and what its keys mean for each line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from appliance.core.clock import Clock
from appliance.core.errors import MisconfiguredError
from appliance.core.fxo_gateway_config import FxoGatewayConfig, SipListenerConfig
from appliance.core.line_config import LINES, LineKeys, LinesConfig
from gateway.fxo.gateway_port import GatewayLine
from gateway.fxo.line_settings import LineSettings
from gateway.fxo.modem_run import ModemLine
from gateway.fxo.monitor_run import MonitorLines
from gateway.fxo.sense_run import SenseLine, SensePins
from gateway.fxo.snmp_profile import PROFILES
from gateway.fxo.source import LineSource, Tap

if TYPE_CHECKING:
    from gateway.fxo.sip_ear import SipEar

_SAME: Final = (
    "trunk", "country", "caller_id", "caller_id_reversal", "hook_sense", "answer_reversal", "release_reversal",
    "ring_ms", "cpc_ms", "flash_ms", "grace_ms", "stuck_s",
)  # fmt: skip


def settings_of(name: str, config: LinesConfig) -> dict[str, LineSettings]:
    """What may be believed of each line, by the line's name: its own word, else the device's, else the kind's."""
    if config.gateway is not None:
        return {each.settings.line: each.believed for each in gateway_lines(name, config, config.gateway)}
    return {line: _settings(line, own, config) for line, own in config.lines(name).items()}


def _settings(line: str, own: LineKeys, config: LinesConfig) -> LineSettings:
    told: dict[str, Any] = {}
    # A line monitor tells by its records whether a call was taken; a modem only where it can.
    told["hook_sense"] = config.loop is not None if config.sense == "pins" else config.sense == "monitor"
    for key in _SAME:
        value = getattr(own, key) if getattr(own, key) is not None else getattr(config, key)
        if value is not None:
            told[key] = value
    # What nothing is there to sense never tells an answer, whatever is said: each call that was taken would be an abandoned one.
    if config.sense != "pins" or config.reversed is None:
        told["answer_reversal"] = False
    if config.sense == "pins":
        told["hook_sense"] = config.loop is not None
    return LineSettings(line=line, pbx=LINES, **told)


def numbered(name: str, config: LinesConfig) -> dict[int, LineSettings]:
    """The same by the lines' numbers at a line monitor; 1 where there is one line."""
    settings = settings_of(name, config)
    if not config.has_many:
        return {1: settings[name]}
    return {number: settings[f"{name}-{key}"] for key in config.line if (number := config.number_of(key)) is not None}


def gateway_lines(name: str, config: LinesConfig, gateway: FxoGatewayConfig) -> list[GatewayLine]:
    """The lines of an external gateway."""
    hook = gateway.make is not None and PROFILES[gateway.make].hook
    return [
        GatewayLine(
            settings=_settings(f"{name}-{key}", one, config), port=one.port, user=one.user, parallel_phones=one.parallel_phones, hook=hook
        )
        for key, one in config.line.items()
    ]  # fmt: skip


def queue_of(own: LineKeys, config: LinesConfig) -> str | None:
    """The queue in which a line's calls wait; None where a PBX queues them."""
    return own.queue or config.queue


class Maker:
    """Makes sources; gateways share one ear for their SIP, open while one of them is at work."""

    def __init__(self, sip: SipListenerConfig, clock: Clock) -> None:
        self._sip, self._clock = sip, clock
        self._ear: SipEar | None = None

    def source(self, name: str, config: LinesConfig, *, tap: Tap | None = None) -> LineSource:
        """What senses the lines. Raises MisconfiguredError for what no retry mends."""
        clock = self._clock
        if config.gateway is not None:
            return self._gateway(name, config, config.gateway, tap)
        settings = settings_of(name, config)
        if config.sense == "monitor":
            by_number = numbered(name, config)
            if len(by_number) < len(config.line) or not by_number:
                raise MisconfiguredError(f"[lines.{name}]: name each line that is wired, as [lines.{name}.line.1]")
            return MonitorLines(config.url, name, by_number, clock, unit=config.unit, silent_after_s=config.silent_after_s, tap=tap)
        if config.sense == "pins":
            return SenseLine(config.url, pins_of(config), settings[name], clock, tap=tap)
        return ModemLine(config.url, settings[name], clock, profile=config.profile, packets=config.packets, tap=tap)

    def _gateway(self, name: str, config: LinesConfig, gateway: FxoGatewayConfig, tap: Tap | None) -> LineSource:
        from gateway.fxo.gateway_run import GatewayLines  # noqa: PLC0415 - only where there is a gateway
        from gateway.fxo.sip_ear import SipEar  # noqa: PLC0415

        if self._ear is None:
            self._ear = SipEar(self._sip.listen, self._clock, tcp=self._sip.tcp)
        lines = gateway_lines(name, config, gateway)
        return GatewayLines(name, gateway, lines, self._clock, ear=self._ear, ring_max_s=self._sip.ring_max_s, tap=tap)


def pins_of(config: LinesConfig) -> SensePins:
    """Which pin senses what."""
    return SensePins(ring=config.ring, loop=config.loop, reversed=config.reversed, battery=config.battery, active_low=config.active_low)
