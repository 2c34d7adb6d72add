"""What anything that senses a line does, on its own wire: modem, line monitor over serial and UDP, pins, external gateway. The same suite for each."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from gpiozero import Device
from gpiozero.pins.mock import MockFactory

from appliance.core.catalogue import LineReleased, LineSeized
from gateway.fxo.line_queue import LineQueue

sys.path.insert(0, str(Path(__file__).parent))

from line_wires import CABLES, NEEDS, SETTINGS, WIRES, Ears, Wire, running, until


@pytest.fixture(autouse=True)
def header(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A Raspberry Pi's header, as gpiozero's own tests have it."""
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "mock")
    before, Device.pin_factory = Device.pin_factory, MockFactory()
    yield
    Device.pin_factory.reset()
    Device.pin_factory = before


@pytest.fixture
def ears() -> Ears:
    return Ears()


def each(names: Iterable[str]) -> list[Any]:
    return [pytest.param(name, marks=getattr(pytest.mark, NEEDS[name]) if name in NEEDS else ()) for name in names]


@pytest.fixture(params=each(WIRES))
async def wire(request: pytest.FixtureRequest, tmp_path: Path, ears: Ears) -> AsyncIterator[Wire]:
    made = WIRES[request.param](tmp_path)
    async with running(made, ears.hear):
        yield made


@pytest.fixture(params=each(CABLES))
async def cable(request: pytest.FixtureRequest, tmp_path: Path, ears: Ears) -> AsyncIterator[Wire]:
    made = WIRES[request.param](tmp_path)
    async with running(made, ears.hear):
        yield made


async def rings(wire: Wire, ears: Ears, count: int = 1) -> None:
    await wire.ring()
    await until(lambda: len(ears.of("Ringing")) >= count)


async def test_a_call_is_answered(wire: Wire, ears: Ears) -> None:
    await rings(wire, ears)
    await wire.take()
    await until(lambda: "Seized" in ears.kinds)
    await wire.put_down()
    await until(lambda: "Released" in ears.kinds)
    assert [kind for kind in ears.kinds if kind != "CallerId"] == ["Ringing", "Seized", "Released"]
    ringing, seized, released = (told.event for told in ears.told if type(told.event).__name__ != "LineCallerId")
    assert (ringing.line, ringing.trunk) == (SETTINGS.line, SETTINGS.trunk)
    assert isinstance(seized, LineSeized)
    assert isinstance(released, LineReleased)
    assert (seized.direction, seized.inferred, released.outcome, released.inferred) == ("in", False, "answered", False)
    assert [told.at_ns for told in ears.told] == sorted(told.at_ns for told in ears.told)


async def test_a_call_is_abandoned(wire: Wire, ears: Ears) -> None:
    await rings(wire, ears)
    await wire.give_up()
    await until(lambda: "Released" in ears.kinds)
    assert [told.event.outcome for told in ears.of("Released")] == ["abandoned"]
    assert "Seized" not in ears.kinds


async def test_one_call_after_the_other_is_a_queue(wire: Wire, ears: Ears) -> None:
    numbers = iter(range(100))
    queue = LineQueue("lineas", "analog", lambda: f"c{next(numbers)}", senses=lambda _: True)
    for count in (1, 2):
        await rings(wire, ears, count)
        await wire.take()
        await until(lambda wanted=count: len(ears.of("Seized")) >= wanted)
        await wire.put_down()
        await until(lambda wanted=count: len(ears.of("Released")) >= wanted)
    events = [type(event).__name__ for event in queue.apply(ears.told, ears.told[-1].at_ns)]
    assert events == ["CallQueued", "CallAnswered", "CallEnded"] * 2
    assert queue.waiting == []


async def test_rubbish_is_no_call(wire: Wire, ears: Ears) -> None:
    await wire.rubbish()
    await rings(wire, ears)
    assert ears.kinds[0] == "Ringing"
    assert wire.source.health.up


async def test_cut_and_restored_while_it_rings(cable: Wire, ears: Ears) -> None:
    """Nobody knows what became of that call; of the next everything is known again."""
    await rings(cable, ears)
    await cable.cut()
    await until(lambda: not cable.source.health.up)
    assert cable.source.health.fault is not None
    await until(lambda: "Released" in ears.kinds)
    assert [told.event.outcome for told in ears.of("Released")] == ["unknown"]
    await cable.restore()
    await until(lambda: cable.source.health.up)
    await rings(cable, ears, 2)
    await cable.take()
    await until(lambda: "Seized" in ears.kinds)
    await cable.put_down()
    await until(lambda: len(ears.of("Released")) == 2)
    assert [told.event.outcome for told in ears.of("Released")] == ["unknown", "answered"]


async def test_cut_in_the_middle_of_a_call(cable: Wire, ears: Ears) -> None:
    await rings(cable, ears)
    await cable.take()
    await until(lambda: "Seized" in ears.kinds)
    await cable.cut()
    await until(lambda: not cable.source.health.up)
    await cable.restore()
    await until(lambda: "Released" in ears.kinds)
    released = ears.of("Released")[0].event
    assert (released.outcome, released.inferred) == ("answered", True)
