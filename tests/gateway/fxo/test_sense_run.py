"""Lines on pins, with gpiozero's mock pins as the wire and a clock moved by hand: bells, hooks, reversals, a dead line; and pins that are taken."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from gpiozero import Device
from gpiozero.pins.mock import MockFactory
from wire_rig import Ears, until

from appliance.core.clock import ManualClock
from appliance.core.errors import MisconfiguredError
from drivers.gpio import Wiring, open_pins
from gateway.fxo.line_settings import LineSettings
from gateway.fxo.sense_run import SenseLine, SensePins

PINS = SensePins(ring=5, loop=6, reversed=13, battery=19)
SETTINGS = LineSettings(line="linea-1", ring_ms=(400, 200), grace_ms=100, flash_ms=200)


@pytest.fixture
def header(monkeypatch: pytest.MonkeyPatch) -> Iterator[MockFactory]:
    """A Raspberry Pi's header; the battery is there."""
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "mock")
    before, Device.pin_factory = Device.pin_factory, MockFactory()
    yield Device.pin_factory
    Device.pin_factory.reset()
    Device.pin_factory = before


class Wire:
    """What the exchange and the phones do to the pair."""

    def __init__(self, header: MockFactory, clock: ManualClock, source: SenseLine, ears: Ears) -> None:
        self._header, self.clock, self.source, self.ears = header, clock, source, ears
        self._wired = source.pins.all

    def set(self, pin: int | None, active: bool) -> None:
        wire = self._header.pin(pin)
        wire.drive_low() if active else wire.drive_high()

    def bell(self, seconds: float) -> None:
        for _ in range(int(seconds * 20)):
            for active in (True, False):
                self.set(PINS.ring, active)
                self.clock.advance(0.025)

    async def passes(self, seconds: float, kind: str | None = None, count: int = 1) -> None:
        """So long passes; then something has been told."""
        for _ in range(int(seconds * 20)):
            self.clock.advance(0.05)
            await asyncio.sleep(0)
        if self.source.health.up and PINS.ring in self._wired:
            self.set(PINS.ring, True)  # one pulse is no bell, and wakes whoever waits by his own clock
            self.set(PINS.ring, False)
        if kind is not None:
            await until(lambda: len(self.ears.of(kind)) >= count)


@asynccontextmanager
async def wired(header: MockFactory, settings: LineSettings = SETTINGS, pins: SensePins = PINS) -> AsyncIterator[Wire]:
    clock, ears = ManualClock(), Ears()
    source = SenseLine("gpio:", pins, settings, clock, spread=lambda: 0.0)
    wire = Wire(header, clock, source, ears)
    task = asyncio.create_task(source.run(ears.hear))
    try:
        await until(lambda: source.health.up)
        if pins.battery is not None:
            wire.set(pins.battery, True)
            await wire.passes(0.2)
        yield wire
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_call_is_answered(header: MockFactory) -> None:
    async with wired(header) as wire:
        began_ns = wire.clock.mono_ns()
        wire.bell(0.5)
        await until(lambda: "Ringing" in wire.ears.kinds)
        assert wire.ears.of("Ringing")[0].at_ns == began_ns
        wire.set(PINS.loop, True)
        await wire.passes(0.1, "Seized")
        await wire.passes(3)
        wire.set(PINS.loop, False)
        await wire.passes(0.5, "Released")
        assert wire.ears.kinds == ["Ringing", "Seized", "Released"]
        released = wire.ears.of("Released")[0].event
        assert (released.outcome, released.inferred) == ("answered", False)
        assert wire.source.lines[0].state == "idle"


async def test_a_call_is_abandoned_although_the_loop_flutters_with_the_bell(header: MockFactory) -> None:
    async with wired(header) as wire:
        for _ in range(10):
            for active in (True, False):
                wire.set(PINS.ring, active)
                wire.set(PINS.loop, active)
                wire.clock.advance(0.025)
        await wire.passes(1, "Released")
        assert wire.ears.kinds == ["Ringing", "Released"]
        assert wire.ears.of("Released")[0].event.outcome == "abandoned"


async def test_a_box_that_was_busy_judges_by_the_moments_of_the_edges(header: MockFactory) -> None:
    """It looks again half a minute later: the call was taken within the silence of the bell, and put down long ago."""
    async with wired(header) as wire:
        wire.bell(0.5)
        wire.clock.advance(0.1)
        wire.set(PINS.loop, True)
        wire.clock.advance(10)
        wire.set(PINS.loop, False)
        wire.clock.advance(30)
        await until(lambda: "Released" in wire.ears.kinds)
        assert wire.ears.kinds == ["Ringing", "Seized", "Released"]
        ringing, seized, released = wire.ears.told
        assert 0.5 <= (seized.at_ns - ringing.at_ns) / 1e9 <= 0.7
        assert 9.9 <= (released.at_ns - seized.at_ns) / 1e9 <= 10.1


async def test_without_a_loop_sense_nobody_knows(header: MockFactory) -> None:
    async with wired(header, pins=SensePins(ring=5)) as wire:
        wire.bell(0.5)
        await wire.passes(1, "Released")
        assert wire.ears.of("Released")[0].event.outcome == "unknown"


async def test_a_reversal_answers(header: MockFactory) -> None:
    async with wired(
        header, LineSettings(line="l", ring_ms=(400, 200), grace_ms=100, answer_reversal=True), SensePins(ring=5, reversed=13)
    ) as wire:
        wire.bell(0.5)
        wire.set(13, True)
        await wire.passes(0.1, "Seized")


async def test_a_dead_line(header: MockFactory) -> None:
    async with wired(header) as wire:
        wire.set(PINS.battery, False)
        await wire.passes(2, "Fault")
        wire.set(PINS.battery, True)
        await wire.passes(0.5, "Fault", 2)
        assert [(told.event.fault, told.event.over) for told in wire.ears.of("Fault")] == [("no_battery", False), ("no_battery", True)]


async def test_pins_that_are_taken_are_waited_for(header: MockFactory) -> None:
    ears = Ears()
    with open_pins("gpio:", Wiring((5,))):
        clock = ManualClock()
        source = SenseLine("gpio:", PINS, SETTINGS, clock, spread=lambda: 0.0)
        task = asyncio.create_task(source.run(ears.hear))
        await until(lambda: source.health.fault is not None)
        assert "in use" in str(source.health.fault)
    clock.advance(20)
    await until(lambda: source.health.up)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize(("url", "pins"), [("gpio:", SensePins()), ("gpio:", SensePins(ring=5, loop=5)), ("usb:", SensePins(ring=5))])
def test_what_is_misconfigured(url: str, pins: SensePins) -> None:
    with pytest.raises(MisconfiguredError):
        SenseLine(url, pins, SETTINGS, ManualClock())
