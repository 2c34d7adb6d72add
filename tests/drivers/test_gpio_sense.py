"""Line senses on real gpiozero with its mock pins, which are the wire here: every edge with its moment, in order, none debounced away."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest
from gpiozero import Device
from gpiozero.pins.mock import MockFactory

from appliance.core.clock import ManualClock
from appliance.core.errors import MisconfiguredError, TransientError
from drivers.gpio import Wiring, open_pins
from drivers.gpio_sense import _HELD, Edge, SimSenses, open_senses


@pytest.fixture
def header(monkeypatch: pytest.MonkeyPatch) -> Iterator[MockFactory]:
    """A Raspberry Pi's header, as gpiozero's own tests have it."""
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "mock")
    before, Device.pin_factory = Device.pin_factory, MockFactory()
    yield Device.pin_factory
    Device.pin_factory.reset()
    Device.pin_factory = before


async def test_every_edge_of_a_bell_arrives_with_its_moment(header: MockFactory) -> None:
    clock = ManualClock()
    with open_senses("gpio:", (5, 6), mono_ns=clock.mono_ns) as senses:
        ring = header.pin(5)
        assert (ring.function, ring.pull, senses.active(5), senses.active(6)) == ("input", "up", False, False)
        began_ns = clock.mono_ns()
        for _ in range(40):
            ring.drive_low()
            clock.advance(0.020)
            ring.drive_high()
            clock.advance(0.020)
        header.pin(6).drive_low()
        edges = await senses.edges()
    assert [edge.pin for edge in edges] == [5] * 80 + [6]
    assert [edge.active for edge in edges] == [True, False] * 40 + [True]
    assert [edge.at_ns - began_ns for edge in edges[:3]] == [0, 20_000_000, 40_000_000]
    assert header.pin(5).function == "input"


async def test_contacts_that_close_to_the_supply(header: MockFactory) -> None:
    with open_senses("gpio:", (5,), active_low=False) as senses:
        assert header.pin(5).pull == "down"
        header.pin(5).drive_high()
        assert senses.active(5)
        assert [edge.active for edge in await senses.edges()] == [True]


async def test_edges_come_from_the_pin_librarys_own_thread(header: MockFactory) -> None:
    with open_senses("gpio:", (5,)) as senses:

        def wire() -> None:
            for _ in range(200):
                header.pin(5).drive_low()
                header.pin(5).drive_high()

        thread = threading.Thread(target=wire)
        thread.start()
        found: list[Edge] = []
        async with asyncio.timeout(30):
            while len(found) < 400:
                found += await senses.edges()
        thread.join()
    assert [edge.active for edge in found] == [True, False] * 200
    assert [edge.at_ns for edge in found] == sorted(edge.at_ns for edge in found)
    header.pin(5).drive_low()  # let go: nobody hears it


async def test_a_storm_is_bounded_and_counted(header: MockFactory) -> None:
    with open_senses("gpio:", (5,)) as senses:
        for _ in range(_HELD):
            header.pin(5).drive_low()
            header.pin(5).drive_high()
        assert len(await senses.edges()) == _HELD
        assert senses.dropped == _HELD


async def test_what_cannot_be_opened(header: MockFactory) -> None:
    with pytest.raises(MisconfiguredError, match="no such pin"), open_senses("gpio:", (99,)):
        pass
    with open_pins("gpio:", Wiring((5,))), pytest.raises(TransientError, match="in use"), open_senses("gpio:", (5,)):
        pass
    with open_senses("gpio:", (5,)) as senses:  # and what failed let go of its pins
        assert not senses.active(5)
    with pytest.raises(MisconfiguredError, match="use gpio:"), open_senses("spi:", (5,)):
        pass


async def test_the_twin() -> None:
    with open_senses("sim:", (5,)) as senses:
        assert isinstance(senses, SimSenses)
        waiting = asyncio.create_task(senses.edges())
        await asyncio.sleep(0)
        senses.drive(5, True, 7)
        senses.drive(5, True, 8)
        assert await waiting == [Edge(5, True, 7)]
        assert senses.active(5)
