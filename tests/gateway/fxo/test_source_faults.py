"""What senses a line while it cannot: a port that somebody else has costs nothing, and a fault that nobody foresaw is not called sight."""

from __future__ import annotations

import asyncio
import socket

import pytest
from wire_rig import until

from appliance.core.clock import SystemClock
from appliance.core.fxo_gateway_config import FxoGatewayConfig
from gateway.fxo.gateway_port import GatewayLine
from gateway.fxo.gateway_run import GatewayLines
from gateway.fxo.line import Line
from gateway.fxo.line_settings import LineSettings
from gateway.fxo.sip_ear import SipEar
from gateway.fxo.source import Health, LineSource


class Turns(SystemClock):
    """The real clock, which counts how often it is asked: a loop that spins asks without end."""

    asked = 0

    def mono_ns(self) -> int:
        self.asked += 1
        return super().mono_ns()


async def test_a_sip_port_that_somebody_else_has_is_waited_for_without_spinning() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        clock = Turns()
        line = GatewayLine(settings=LineSettings(line="linea-1"), user="linea-1")
        ear = SipEar(f"127.0.0.1:{other.getsockname()[1]}", clock)
        source = GatewayLines("rack", FxoGatewayConfig(address="127.0.0.1"), [line], clock, ear=ear, spread=lambda: 0.0)
        task = asyncio.create_task(source.run(lambda _told: None))
        try:
            await until(lambda: source.health.sessions >= 3)
            assert "cannot listen" in str(source.health.fault)
            assert clock.asked < 500
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


class Faulty(LineSource):
    """A device whose library fails as nobody foresaw, once it is in sight."""

    async def _session(self) -> None:
        self._up()
        raise ZeroDivisionError("in a library")


async def test_a_source_that_dies_of_what_nobody_foresaw_is_out_of_sight() -> None:
    source = Faulty("l1", [Line(LineSettings(line="l1"))], SystemClock())
    sights: list[bool] = []

    def sighted(health: Health) -> None:
        sights.append(health.up)

    source.sighted = sighted
    with pytest.raises(ZeroDivisionError):
        await source.run(lambda _told: None)
    assert sights == [True, False]
    assert "ZeroDivisionError: in a library" in str(source.health.fault)
