"""Decides how the edges of contacts and opto-couplers on a Raspberry Pi's header are heard: each with its moment, none debounced away.

URLs as of lamps (drivers/gpio.py). An edge is stamped in the pin library's own thread, as it comes, and handed over in order; when nobody
takes them the oldest are dropped and counted. gpiozero's own debouncing is off: 20 ms of it would erase the pulses of a bell.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, Final, Protocol

from msgspec import Struct

from drivers.gpio import pin_factory, pin_fault, place_from_url

#: Edges that nobody has taken yet: twenty seconds of a bell on eight lines.
_HELD: Final = 8_192


class Edge(Struct, frozen=True):
    """One pin changed: is it active now, and since which monotonic ns."""

    pin: int
    active: bool
    at_ns: int


class Senses(Protocol):
    """Open inputs. `dropped` counts edges that nobody took in time."""

    dropped: int

    def active(self, pin: int) -> bool:
        """How it is now. Raises UnpluggedError."""
        ...

    async def edges(self) -> list[Edge]:
        """What changed, in order; waits for the first."""
        ...


class _Inbox:
    """Edges from any thread, for one loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._edges: deque[Edge] = deque(maxlen=_HELD)
        self._news = asyncio.Event()
        self.dropped = 0

    def came(self, edge: Edge) -> None:
        """In the pin library's thread."""
        self.dropped += len(self._edges) == _HELD
        self._edges.append(edge)
        with suppress(RuntimeError):  # the loop has ended, and so has whoever wanted to know
            self._loop.call_soon_threadsafe(self._news.set)

    async def edges(self) -> list[Edge]:
        while not self._edges:
            self._news.clear()
            if not self._edges:  # nothing came before it was cleared
                await self._news.wait()
        return [self._edges.popleft() for _ in range(len(self._edges))]


@contextmanager
def open_senses(
    url: str, pins: Sequence[int], *, active_low: bool = True, mono_ns: Callable[[], int] = time.monotonic_ns
) -> Iterator[Senses]:
    """Open inputs by Broadcom number; `active_low`: they close to ground, and the board's own resistor pulls them up. `mono_ns` stamps.

    Raises as drivers.gpio.open_pins does. Call it within a running loop.
    """
    place = place_from_url(url)
    if place is None:
        yield SimSenses(pins)
        return
    factory = pin_factory(url, place)
    with ExitStack() as held:
        yield _Senses(url, pins, active_low, mono_ns, factory, held)


class _Senses(_Inbox):
    """Inputs through gpiozero's pins."""

    def __init__(self, url: str, pins: Sequence[int], active_low: bool, mono_ns: Callable[[], int], factory: Any, held: ExitStack) -> None:
        super().__init__()
        from gpiozero import InputDevice  # type: ignore[import-untyped]  # noqa: PLC0415 - only where there are senses

        self._url, self._mono_ns = url, mono_ns
        self._devices: dict[int, Any] = {}
        self._hooks: list[Any] = []  # gpiozero keeps no reference of its own
        for pin in pins:
            try:
                device = InputDevice(pin, pull_up=active_low, pin_factory=factory)
                held.callback(_close, device)
                hook = self._hook(pin, active_low)
                device.pin.bounce, device.pin.edges = None, "both"
                device.pin.when_changed = hook
            except Exception as error:
                raise pin_fault(url, pin, error) from error
            self._devices[pin] = device
            self._hooks.append(hook)

    def _hook(self, pin: int, active_low: bool) -> Any:
        def changed(_ticks: Any, state: Any) -> None:
            self.came(Edge(pin, bool(state) != active_low, self._mono_ns()))

        return changed

    def active(self, pin: int) -> bool:
        try:
            return bool(self._devices[pin].is_active)
        except Exception as error:
            raise pin_fault(self._url, pin, error) from error


def _close(device: Any) -> None:
    with suppress(Exception):  # hardware that is gone cannot be let go of
        device.pin.when_changed = None
    with suppress(Exception):
        device.close()


class SimSenses(_Inbox):
    """The twin: `drive` is what the wire does."""

    def __init__(self, pins: Sequence[int]) -> None:
        super().__init__()
        self._active = dict.fromkeys(pins, False)

    def active(self, pin: int) -> bool:
        return self._active[pin]

    def drive(self, pin: int, active: bool, at_ns: int) -> None:
        """The wire changes at a moment."""
        if self._active[pin] != active:
            self._active[pin] = active
            self.came(Edge(pin, active, at_ns))
