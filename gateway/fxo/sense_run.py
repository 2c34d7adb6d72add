"""Decides how contacts and opto-couplers on the box's own pins sense a line: the bell by its edges, the loop by what holds."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from appliance.core.clock import Clock
from appliance.core.errors import MisconfiguredError
from drivers.gpio import place_from_url
from drivers.gpio_sense import Edge, Senses, open_senses
from gateway.fxo.line import Line
from gateway.fxo.line_call import Told
from gateway.fxo.line_settings import LineSettings
from gateway.fxo.ring import Burst, RingJudge, Steady
from gateway.fxo.source import LineSource


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


class SenseLine(LineSource):
    """One line on pins. A loop sense is a hook sense."""

    def __init__(self, url: str, pins: SensePins, settings: LineSettings, clock: Clock, **more: Any) -> None:
        """Raises MisconfiguredError for a URL that is none, no pin, or one pin twice."""
        if not pins.all or len(set(pins.all)) < len(pins.all):
            raise MisconfiguredError(f"line {settings.line}: name a pin for the bell or the loop, each of them once")
        place_from_url(url)
        self._url, self.pins = url, pins
        self._line = Line(msgspec.structs.replace(settings, hook_sense=pins.loop is not None))
        super().__init__(settings.line, [self._line], clock, **more)
        self._begin()

    def _begin(self) -> None:
        self._bell = RingJudge()
        self._levels = {pin: Steady() for pin in (self.pins.loop, self.pins.reversed, self.pins.battery) if pin is not None}

    async def _session(self) -> None:
        with open_senses(self._url, self.pins.all, active_low=self.pins.active_low, mono_ns=self.clock.mono_ns) as senses:
            self._begin()
            self._first(senses)
            dropped = 0
            while True:
                edges = await self._edges(senses)
                if senses.dropped > dropped:  # among those that nobody took in time may be the one that mattered
                    dropped = senses.dropped
                    self._say(self._line.doubt(self.clock.mono_ns()))
                for edge in edges:
                    self._tick(edge.at_ns)
                    self._edge(edge)
                self._tick(self.clock.mono_ns())

    def _first(self, senses: Senses) -> None:
        now_ns = self.clock.mono_ns()
        self._up(tells_hook=self.pins.loop is not None)
        for pin, steady in self._levels.items():
            steady.begin(senses.active(pin))
        if self.pins.loop is not None:
            self._say(self._line.hook(bool(self._levels[self.pins.loop].level), now_ns, edge=False))
        if self.pins.battery is not None:
            self._say(self._line.battery(bool(self._levels[self.pins.battery].level), now_ns))

    async def _edges(self, senses: Senses) -> list[Edge]:
        found: list[Edge] = []

        async def take() -> bytes:
            found.extend(await senses.edges())
            return b""

        await self._within(take(), self._due_ns())
        return found

    def _edge(self, edge: Edge) -> None:
        self.health.heard_ns = edge.at_ns
        if edge.pin == self.pins.ring:
            if edge.active:
                self._rang(self._bell.edge(edge.at_ns), edge.at_ns)
        elif self._levels[edge.pin].edge(edge.active, edge.at_ns):
            self._held(edge.pin, edge.at_ns)

    def _rang(self, bursts: list[Burst], now_ns: int) -> None:
        for burst in bursts:
            self._say(self._line.burst(burst.on, burst.at_ns, now_ns))

    def _held(self, pin: int, now_ns: int) -> None:
        level = bool(self._levels[pin].level)
        told: list[Told] = []
        if pin == self.pins.loop:
            told = self._line.hook(level, now_ns)
        elif pin == self.pins.reversed:
            told = self._line.reversal(now_ns)
        elif pin == self.pins.battery:
            told = self._line.battery(level, now_ns)
        self._say(told)

    def _due_ns(self) -> int | None:
        dues = (super()._due_ns(), self._bell.due_ns, *(each.due_ns for each in self._levels.values()))
        return min((due for due in dues if due is not None), default=None)

    def _tick(self, now_ns: int) -> None:
        # In the order of their moments, however late it is: a box that was busy judges as one that was not.
        while (due := self._next()) is not None and due[0] <= now_ns:
            due_ns, pin = due
            super()._tick(due_ns)
            if pin is None:
                self._rang(self._bell.tick(due_ns), due_ns)
            elif self._levels[pin].tick(due_ns):
                self._held(pin, due_ns)
        super()._tick(now_ns)

    def _next(self) -> tuple[int, int | None] | None:
        """The next moment of the bell (None) or of a level, and whose."""
        dues = [(each.due_ns, pin) for pin, each in self._levels.items()]
        found = [(due_ns, pin) for due_ns, pin in [(self._bell.due_ns, None), *dues] if due_ns is not None]
        return min(found, key=lambda each: each[0], default=None)
