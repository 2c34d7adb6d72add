"""Decides what the edges of contacts and opto-couplers mean for their line: the bell by its pulses, the rest by what holds. Pure."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from drivers.gpio_sense import Edge
from gateway.fxo.line import Line
from gateway.fxo.line_call import Told
from gateway.fxo.ring import Burst, RingJudge, Steady


class SensePins(Struct, frozen=True, kw_only=True):
    """Which pins (Broadcom numbers) sense what: ringing voltage, loop current, that the line is reversed, that there is battery at all."""

    ring: int | None = None
    loop: int | None = None
    reversed: int | None = None
    battery: int | None = None
    active_low: bool = True

    @property
    def all(self) -> tuple[int, ...]:
        """Those that are wired."""
        return tuple(pin for pin in (self.ring, self.loop, self.reversed, self.battery) if pin is not None)

    def role(self, pin: int) -> str:
        """What a pin senses.

        >>> SensePins(ring=5, loop=6).role(6)
        'loop'
        """
        return next(role for role in ("ring", "loop", "reversed", "battery") if getattr(self, role) == pin)


class PinSense:
    """One session. Each call gives what is told of the line; `due_ns` says when `tick` has to come."""

    def __init__(self, line: Line, pins: SensePins) -> None:
        self._line, self._pins = line, pins
        self._bell = RingJudge()
        self._levels = {pin: Steady() for pin in (pins.loop, pins.reversed, pins.battery) if pin is not None}

    def begin(self, active: Callable[[int], bool], now_ns: int) -> list[Told]:
        """How every pin is when it is first read."""
        for pin, steady in self._levels.items():
            steady.begin(active(pin))
        told: list[Told] = []
        if self._pins.loop is not None:
            told += self._line.hook(bool(self._levels[self._pins.loop].level), now_ns, edge=False)
        if self._pins.battery is not None:
            told += self._line.battery(bool(self._levels[self._pins.battery].level), now_ns)
        return told

    def edge(self, edge: Edge) -> list[Told]:
        """A pin changed."""
        told = self.tick(edge.at_ns)
        if edge.pin == self._pins.ring:
            return told + (self._rang(self._bell.edge(edge.at_ns), edge.at_ns) if edge.active else [])
        steady = self._levels.get(edge.pin)
        return told + (self._held(edge.pin, edge.at_ns) if steady is not None and steady.edge(edge.active, edge.at_ns) else [])

    def tick(self, now_ns: int) -> list[Told]:
        """Time has passed. In the order of the moments, however late it is: a box that was busy judges as one that was not."""
        told: list[Told] = []
        while (due := self._next()) is not None and due[0] <= now_ns:
            due_ns, pin = due
            told += self._line.tick(due_ns)
            if pin is None:
                told += self._rang(self._bell.tick(due_ns), due_ns)
            elif self._levels[pin].tick(due_ns):
                told += self._held(pin, due_ns)
        return told + self._line.tick(now_ns)

    @property
    def due_ns(self) -> int | None:
        """When `tick` has something to do."""
        dues = (self._line.due_ns, self._bell.due_ns, *(each.due_ns for each in self._levels.values()))
        return min((due for due in dues if due is not None), default=None)

    def _rang(self, bursts: list[Burst], now_ns: int) -> list[Told]:
        return [told for burst in bursts for told in self._line.burst(burst.on, burst.at_ns, now_ns)]

    def _held(self, pin: int, now_ns: int) -> list[Told]:
        level = bool(self._levels[pin].level)
        if pin == self._pins.loop:
            return self._line.hook(level, now_ns)
        if pin == self._pins.reversed:
            return self._line.reversal(now_ns)
        return self._line.battery(level, now_ns)

    def _next(self) -> tuple[int, int | None] | None:
        """The next moment of the bell (None) or of a level, and whose."""
        dues = [(each.due_ns, pin) for pin, each in self._levels.items()]
        found = [(due_ns, pin) for due_ns, pin in [(self._bell.due_ns, None), *dues] if due_ns is not None]
        return min(found, key=lambda each: each[0], default=None)
