"""Decides how lamps, a buzzer and a button reach a Raspberry Pi's header: plain on and off through gpiozero, or a twin that remembers.

URLs: `gpio:` (the lgpio pin factory, the board's own chip), `gpio:?chip=4`, `gpio:?factory=rpigpio`; `sim:`, and
`sim:/PATH` for a twin at a unix socket. The environment variable GPIOZERO_PIN_FACTORY, gpiozero's own, wins over the factory of the URL;
its `mock` is the wire of the tests. No PWM: what hangs here are relays and industrial lamps.
An output begins off, and is never driven the other way on the way there (`_quiet_lgpio`).
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import parse_qsl, urlsplit

import msgspec
from msgspec import Struct

from appliance.core.errors import CallfloorError, DeniedError, MisconfiguredError, TransientError, UnpluggedError, UnsupportedError
from drivers.twin_socket import TwinSocket, open_twin

_FACTORIES: Final = ("lgpio", "rpigpio", "pigpio", "native")
_CHIPS: Final = range(64)
#: How many switchings a twin remembers.
_REMEMBERED: Final = 10_000


class Wiring(Struct, frozen=True):
    """Which pins to open, by Broadcom number: outputs, and one button that closes to ground; `bounce_s` is how long it must be still."""

    outputs: tuple[int, ...] = ()
    active_high: bool = True
    button: int | None = None
    bounce_s: float = 0.04


class Place(Struct, frozen=True):
    """Where pins are; `chip` None: the board's own."""

    factory: str = "lgpio"
    chip: int | None = None


class Pins(Protocol):
    """Open pins. `write` may be called from any thread."""

    def write(self, pin: int, on: bool) -> None:
        """Switch one output. Raises UnpluggedError when the hardware does not take it."""
        ...

    def watch(self, loop: asyncio.AbstractEventLoop, pressed: Callable[[], None]) -> None:
        """Call `pressed` in this loop at each press of the button, whichever thread hears of it."""
        ...


def place_from_url(url: str) -> Place | None:
    """What a URL of pins means; None for simulated ones. Raises MisconfiguredError for anything else.

    >>> place_from_url("gpio:?chip=4").chip
    4
    """
    parts = urlsplit(url)
    if parts.scheme == "sim":
        return None
    if parts.scheme != "gpio" or parts.netloc or parts.path:
        fault = f'pins "{url}": use gpio: for this box\'s own pins, or sim: for none'
        raise MisconfiguredError(fault)
    factory, chip = "lgpio", None
    for key, text in parse_qsl(parts.query, keep_blank_values=True):
        if key == "factory" and text in _FACTORIES:
            factory = text
        elif key == "chip" and text.isascii() and text.isdecimal() and int(text) in _CHIPS:
            chip = int(text)
        else:
            fault = f'pins "{url}": {key}={text}; there are factory (one of {", ".join(_FACTORIES)}) and chip (0 to {_CHIPS[-1]})'
            raise MisconfiguredError(fault)
    return Place(factory, chip)


@contextmanager
def open_pins(url: str, wiring: Wiring) -> Iterator[Pins]:
    """Open the pins that a URL and a wiring name, outputs off; all off and let go afterwards.

    Raises MisconfiguredError for a bad URL or a pin that the board lacks, UnsupportedError without gpiozero or on a machine that is
    no Raspberry Pi, UnpluggedError without a GPIO chip, DeniedError without the right to it, TransientError for a pin in use.
    """
    place = place_from_url(url)
    if place is None:
        path = urlsplit(url).path
        if path:
            with open_twin(url, path, _hello(wiring)) as twin:
                yield TwinPins(twin)
            return
        yield SimPins(wiring)
        return
    factory = pin_factory(url, place)
    with ExitStack() as held:
        yield _open(url, wiring, factory, held)


def pin_factory(url: str, place: Place) -> Any:
    """gpiozero's own factory of this process: it guards that no pin is used twice. Raises as `open_pins` does."""
    try:
        from gpiozero import Device  # type: ignore[import-untyped]  # noqa: PLC0415 - only where there are lamps

        if Device.pin_factory is None:
            name = os.environ.get("GPIOZERO_PIN_FACTORY", place.factory)
            Device.pin_factory = _quiet_lgpio(url, place.chip) if name == "lgpio" else _named(name)
        factory = Device.pin_factory
        _ = factory.board_info
    except ImportError as error:
        mend = "install callfloor[gpio]" + ("; from Python 3.13 on, Debian's python3-lgpio" if error.name == "lgpio" else "")
        fault = f"pins {url}: the package {error.name or error} is not installed; {mend}"
        raise UnsupportedError(fault) from error
    except CallfloorError:
        raise
    except Exception as error:
        raise pin_fault(url, None, error) from error
    chip = getattr(factory, "chip", None)
    if place.chip is not None and chip is not None and chip != place.chip:
        fault = f"pins {url}: other lamps of this box are on chip {chip}; gpiozero drives one chip, write the same for all"
        raise MisconfiguredError(fault)
    return factory


def _named(name: str) -> Any:
    """A factory by gpiozero's own entry points."""
    from importlib.metadata import entry_points  # noqa: PLC0415 - slow, and only for other factories

    for point in entry_points(group="gpiozero_pin_factories", name=name.lower()):
        return point.load()()
    fault = f'there is no pin factory "{name}"; set GPIOZERO_PIN_FACTORY to one of {", ".join(_FACTORIES)}, or unset it'
    raise MisconfiguredError(fault)


def _quiet_lgpio(url: str, chip: int | None) -> Any:
    """lgpio's factory with pins that become outputs at their level at once: gpiozero's own drives each low first, which pulls a relay."""
    chips = sorted(Path("/dev").glob("gpiochip*"))
    if not chips:
        fault = f'pins {url}: there is no /dev/gpiochip here; on a machine without pins write url = "sim:"'
        raise UnpluggedError(fault)
    if not any(os.access(each, os.R_OK | os.W_OK) for each in chips):
        fault = f"pins {url}: no right to {chips[0]}; put this service's user in the group gpio"
        raise DeniedError(fault)
    try:
        import lgpio  # type: ignore[import-not-found, import-untyped, unused-ignore]  # noqa: PLC0415
    except OSError as error:
        fault = f"pins {url}: lgpio makes a pipe in the folder {Path.cwd()} and may not ({error}); start in another"
        raise DeniedError(fault) from error
    from gpiozero.pins.lgpio import LGPIOFactory, LGPIOPin  # type: ignore[import-untyped]  # noqa: PLC0415

    factory = LGPIOFactory(chip)
    factory.pin_class = _quiet_pin(LGPIOPin, lgpio)
    return factory


def _quiet_pin(pin_class: Any, lgpio: Any) -> Any:
    """gpiozero's pin of lgpio, save that it asks for the output and its level in one request to the kernel."""

    class QuietPin(pin_class):  # type: ignore[misc]
        def output_with_state(self, state: Any) -> None:
            lgpio.gpio_claim_output(self.factory._handle, self._number, int(bool(state)))

    return QuietPin


def _open(url: str, wiring: Wiring, factory: Any, held: ExitStack) -> _Pins:
    from gpiozero import Button, DigitalOutputDevice  # noqa: PLC0415

    outputs: dict[int, Any] = {}
    button = None
    pin = None
    try:
        for pin in wiring.outputs:
            output = DigitalOutputDevice(pin, active_high=wiring.active_high, initial_value=False, pin_factory=factory)
            outputs[pin] = held.enter_context(_closing(output))
        if wiring.button is not None:
            pin = wiring.button
            button = Button(pin, pull_up=True, bounce_time=wiring.bounce_s or None, pin_factory=factory)
            held.enter_context(_closing(button))
    except Exception as error:
        raise pin_fault(url, pin, error) from error
    return _Pins(url, outputs, button)


@contextmanager
def _closing(device: Any) -> Iterator[Any]:
    """Off before it is let go: what a pin does afterwards is the wiring's and the kernel's affair (docs/lamps.md)."""
    try:
        yield device
    finally:
        with suppress(Exception):  # hardware that is gone cannot be told to be off
            if hasattr(device, "off"):
                device.off()
        with suppress(Exception):
            device.close()


def pin_fault(url: str, pin: int | None, error: Exception) -> CallfloorError:
    """A fault of gpiozero or of a pin library, as what a person must do."""
    from gpiozero.exc import GPIOPinInUse, PinInvalidPin, PinUnknownPi  # type: ignore[import-untyped]  # noqa: PLC0415

    where = f"pins {url}" if pin is None else f"pins {url}, GPIO {pin}"
    text = str(error)
    if isinstance(error, PinUnknownPi):
        return UnsupportedError(f'{where}: this machine is no Raspberry Pi; write url = "sim:", or move the lamps to one')
    if isinstance(error, PinInvalidPin):
        return MisconfiguredError(f"{where}: this board has no such pin; write one of 2 to 27, Broadcom numbers")
    if isinstance(error, GPIOPinInUse) or "busy" in text.lower():
        return TransientError(f"{where}: it is in use ({text}); stop the other program, or `gpioinfo` says whose it is")
    if isinstance(error, PermissionError):
        return DeniedError(f"{where}: {text}; put this service's user in the group gpio")
    return UnpluggedError(f"{where}: {text or type(error).__name__}; look at the wiring, and whether /dev/gpiochip0 is there")


class _Pins:
    """Pins through gpiozero; foreign faults become ours."""

    def __init__(self, url: str, outputs: dict[int, Any], button: Any) -> None:
        self._url, self._outputs, self._button = url, outputs, button

    def write(self, pin: int, on: bool) -> None:
        output = self._outputs[pin]
        try:
            output.on() if on else output.off()
        except Exception as error:
            raise pin_fault(self._url, pin, error) from error

    def watch(self, loop: asyncio.AbstractEventLoop, pressed: Callable[[], None]) -> None:
        if self._button is None:
            return

        def hand_over() -> None:  # in the pin library's own thread
            with suppress(RuntimeError):  # the loop has ended, and so has whoever wanted to know
                loop.call_soon_threadsafe(pressed)

        self._button.when_pressed = hand_over


class SimPins:
    """The twin: remembers which outputs are on and each switching in order; `press` is the button."""

    def __init__(self, wiring: Wiring) -> None:
        self.on: dict[int, bool] = dict.fromkeys(wiring.outputs, False)
        self.switched: deque[tuple[int, bool]] = deque(maxlen=_REMEMBERED)
        self._pressed: Callable[[], object] = lambda: None

    def write(self, pin: int, on: bool) -> None:
        if self.on[pin] != on:
            self.on[pin] = on
            self.switched.append((pin, on))

    def watch(self, loop: asyncio.AbstractEventLoop, pressed: Callable[[], None]) -> None:
        self._pressed = lambda: loop.call_soon_threadsafe(pressed)

    def press(self) -> None:
        """Somebody presses the button."""
        self._pressed()


def _hello(wiring: Wiring) -> bytes:
    return msgspec.json.encode({"outputs": wiring.outputs, "button": wiring.button})


class TwinPins:
    """Pins that somebody plays at a socket: each switching is two bytes, the pin and 0 or 1; any message of his is a press."""

    def __init__(self, twin: TwinSocket) -> None:
        self._twin = twin

    def write(self, pin: int, on: bool) -> None:
        self._twin.send(bytes((pin, on)))

    def watch(self, loop: asyncio.AbstractEventLoop, pressed: Callable[[], None]) -> None:
        self._twin.watch(loop, lambda _message: pressed())
