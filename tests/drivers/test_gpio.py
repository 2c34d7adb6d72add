"""Pins by URL: the twin, faults of a description, and real gpiozero on its mock factory, which records each level with its time."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from gpiozero import Device, DigitalOutputDevice
from gpiozero.pins.mock import MockFactory

from appliance.core.errors import CallfloorError, DeniedError, MisconfiguredError, TransientError, UnpluggedError, UnsupportedError
from drivers.gpio import SimPins, Wiring, _quiet_pin, open_pins, place_from_url


@pytest.fixture
def header(monkeypatch: pytest.MonkeyPatch) -> Iterator[MockFactory]:
    """A Raspberry Pi's header, as gpiozero's own tests have it."""
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "mock")
    before, Device.pin_factory = Device.pin_factory, MockFactory()
    yield Device.pin_factory
    Device.pin_factory.reset()
    Device.pin_factory = before


def levels(pin: Any) -> list[bool]:
    return [state.state for state in pin.states]


def test_a_lamp_goes_on_and_off_and_is_off_afterwards(header: MockFactory) -> None:
    pin = header.pin(17)
    with open_pins("gpio:", Wiring((17, 27))) as pins:
        assert (pin.function, header.pin(27).function) == ("output", "output")
        pins.write(17, True)
        pins.write(17, False)
        pins.write(17, True)
        assert levels(pin) == [False, True, False, True]
    assert levels(pin)[-1] is False
    assert pin.function == "input"
    assert levels(header.pin(27)) == [False]


def test_a_relay_that_is_on_when_low_begins_high(header: MockFactory) -> None:
    pin = header.pin(17)
    with open_pins("gpio:", Wiring((17,), active_high=False)) as pins:
        assert pin.state is True
        pins.write(17, True)
        assert pin.state is False
    assert pin.state is True


async def test_a_press_reaches_the_loop_from_another_thread(header: MockFactory) -> None:
    pin, pressed, where = header.pin(25), asyncio.Event(), []
    with open_pins("gpio:", Wiring((), button=25, bounce_s=0.03)) as pins:
        assert (pin.pull, pin.bounce) == ("up", 0.03)

        def note() -> None:
            where.append(threading.current_thread())
            pressed.set()

        pins.watch(asyncio.get_running_loop(), note)
        finger = threading.Thread(target=pin.drive_low)
        finger.start()
        await asyncio.wait_for(pressed.wait(), 2)
        finger.join()
        pin.drive_high()
        pin.drive_low()
        pin.drive_high()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert where == [threading.main_thread()] * 2


def test_a_press_after_the_loop_has_ended_is_nothing(header: MockFactory) -> None:
    loop = asyncio.new_event_loop()
    with open_pins("gpio:", Wiring((), button=25)) as pins:
        pins.watch(loop, lambda: pytest.fail("nobody is there"))
        loop.close()
        header.pin(25).drive_low()


def test_watching_without_a_button_is_nothing(header: MockFactory) -> None:
    loop = asyncio.new_event_loop()
    with open_pins("gpio:", Wiring((17,))) as pins:
        pins.watch(loop, lambda: None)
    loop.close()


def test_a_pin_in_use_says_so_and_leaves_the_others_off(header: MockFactory) -> None:
    in_use = pytest.raises(TransientError, match=r"GPIO 22: it is in use")
    with open_pins("gpio:", Wiring((22,))), in_use, open_pins("gpio:", Wiring((17, 22))):
        pytest.fail("opened twice")
    assert header.pin(17).function == "input"
    with open_pins("gpio:", Wiring((17, 22))):
        pass


def test_a_pin_that_the_board_lacks(header: MockFactory) -> None:
    with pytest.raises(MisconfiguredError, match="2 to 27"), open_pins("gpio:", Wiring((99,))):
        pass


def test_a_chip_that_fails_while_it_is_open_is_unplugged(header: MockFactory) -> None:
    with open_pins("gpio:", Wiring((17,))) as pins:
        header.pin(17).function = "input"  # somebody else took the line: gpiozero refuses to set an input
        with pytest.raises(UnpluggedError, match=r"GPIO 17.*wiring"):
            pins.write(17, True)


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("spi:0.0", "use gpio:"), ("17", "use gpio:"), ("gpio:17", "use gpio:"), ("gpio://host", "use gpio:"),
        ("gpio:?factory=mock", "one of lgpio"), ("gpio:?chip=-1", "0 to 63"), ("gpio:?chip=99", "0 to 63"), ("gpio:?pull=up", "pull=up"),
    ],
)  # fmt: skip
def test_a_bad_description_says_its_mend(url: str, word: str) -> None:
    with pytest.raises(MisconfiguredError, match=word):
        place_from_url(url)


def test_a_factory_that_nobody_offers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "wires")
    before, Device.pin_factory = Device.pin_factory, None
    try:
        with pytest.raises(MisconfiguredError, match='no pin factory "wires"'), open_pins("gpio:", Wiring((17,))):
            pass
    finally:
        Device.pin_factory = before


def test_this_machine_without_pins_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a Raspberry Pi this test would switch a lamp; on anything else each of these is the truth, and says a mend."""
    monkeypatch.delenv("GPIOZERO_PIN_FACTORY", raising=False)
    monkeypatch.setattr(Device, "pin_factory", None)
    with pytest.raises((UnpluggedError, DeniedError, UnsupportedError)) as fault, open_pins("gpio:", Wiring(())):
        pytest.skip("this machine has pins")
    assert isinstance(fault.value, CallfloorError)
    assert "sim:" in str(fault.value) or "group gpio" in str(fault.value)


async def test_the_twin_remembers_and_can_be_pressed() -> None:
    presses: list[int] = []
    with open_pins("sim:", Wiring((17, 22), button=25)) as pins:
        assert isinstance(pins, SimPins)
        pins.write(17, True)
        pins.write(17, True)
        pins.write(22, True)
        pins.write(17, False)
        assert list(pins.switched) == [(17, True), (22, True), (17, False)]
        assert pins.on == {17: False, 22: True}
        pins.watch(asyncio.get_running_loop(), lambda: presses.append(1))
        pins.press()
        await asyncio.sleep(0)
    assert presses == [1]


def test_an_output_of_lgpio_is_asked_for_together_with_its_level(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """gpiozero's own pin drives it low first, which pulls a relay that is on when low. No chip here: the library's calls are the wire."""
    monkeypatch.chdir(tmp_path)  # lgpio makes a pipe in the working folder when it is imported
    lgpio = pytest.importorskip("lgpio", reason="no wheel of lgpio for this Python")
    from gpiozero.pins.lgpio import LGPIOPin  # noqa: PLC0415

    asked: list[tuple[object, ...]] = []
    for name in ("gpio_claim_input", "gpio_claim_output", "gpio_write", "gpio_get_mode"):
        monkeypatch.setattr(lgpio, name, lambda *args, name=name: asked.append((name, *args)) or 2)
    factory = MockFactory()
    factory._handle = 5
    _, info = next(iter(factory.board_info.find_pin(17)))
    pin = _quiet_pin(LGPIOPin, lgpio)(factory, info)
    relay = DigitalOutputDevice(17, active_high=False, initial_value=False, pin_factory=_one_pin(factory, pin))
    assert asked == [("gpio_claim_input", 5, 17, lgpio.SET_PULL_NONE), ("gpio_claim_output", 5, 17, 1)]
    relay.on()
    assert asked[-1] == ("gpio_write", 5, 17, False)
    relay.close()


def _one_pin(factory: MockFactory, pin: Any) -> MockFactory:
    factory.pins[pin.info] = pin
    return factory
