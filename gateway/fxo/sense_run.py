"""Decides how contacts and opto-couplers on the box's own pins are kept in sight: opened, read, judged by their edges, opened again."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from appliance.core.clock import NS, Clock
from appliance.core.errors import MisconfiguredError
from drivers.gpio import place_from_url
from drivers.gpio_sense import Edge, Senses, open_senses
from gateway.fxo.line import Line
from gateway.fxo.line_settings import LineSettings
from gateway.fxo.pin_sense import PinSense, SensePins
from gateway.fxo.source import LineSource

__all__ = ["SenseLine", "SensePins"]

#: How often it is seen whether the pins are still there.
LOOK_NS: Final = NS


class SenseLine(LineSource):
    """One line on pins. A loop sense is a hook sense. The tap is told `ring=1 0.0004`: what a pin senses, how it is, seconds ago."""

    def __init__(self, url: str, pins: SensePins, settings: LineSettings, clock: Clock, **more: Any) -> None:
        """Raises MisconfiguredError for a URL that is none, no pin, or one pin twice."""
        if not pins.all or len(set(pins.all)) < len(pins.all):
            raise MisconfiguredError(f"line {settings.line}: name a pin for the bell or the loop, each of them once")
        place_from_url(url)
        self._url, self.pins = url, pins
        self._line = Line(msgspec.structs.replace(settings, hook_sense=pins.loop is not None))
        super().__init__(settings.line, [self._line], clock, **more)
        self._sense = PinSense(self._line, pins)

    async def _session(self) -> None:
        with open_senses(self._url, self.pins.all, active_low=self.pins.active_low, mono_ns=self.clock.mono_ns) as senses:
            self._first(senses)
            dropped, look_ns = 0, self.clock.mono_ns() + LOOK_NS
            while True:
                edges = await self._edges(senses, look_ns)
                if self.clock.mono_ns() >= look_ns:  # pins that are gone have no edges: only who reads hears of it
                    look_ns = self.clock.mono_ns() + LOOK_NS
                    for pin in self.pins.all:
                        senses.active(pin)
                if senses.dropped > dropped:  # among those that nobody took in time may be the one that mattered
                    dropped = senses.dropped
                    self._say(self._line.doubt(self.clock.mono_ns()))
                for edge in edges:
                    self.health.heard_ns = edge.at_ns
                    self._record(edge.pin, edge.active, edge.at_ns)
                    self._say(self._sense.edge(edge))
                self._tick(self.clock.mono_ns())

    def _first(self, senses: Senses) -> None:
        now_ns = self.clock.mono_ns()
        levels = {pin: senses.active(pin) for pin in self.pins.all}
        self._sense = PinSense(self._line, self.pins)
        self._up(tells_hook=self.pins.loop is not None)
        for pin, active in levels.items():
            self._record(pin, active, now_ns)
        self._say(self._sense.begin(senses.active, now_ns))

    def _record(self, pin: int, active: bool, at_ns: int) -> None:
        ago_s = max(0, self.clock.mono_ns() - at_ns) / NS
        self._tap("in", f"{self.pins.role(pin)}={active:d} {ago_s:.6f}".encode())

    async def _edges(self, senses: Senses, look_ns: int) -> list[Edge]:
        found: list[Edge] = []

        async def take() -> bytes:
            found.extend(await senses.edges())
            return b""

        due_ns = self._due_ns()
        await self._within(take(), look_ns if due_ns is None else min(due_ns, look_ns))
        return found

    def _due_ns(self) -> int | None:
        return self._sense.due_ns

    def _tick(self, now_ns: int) -> None:
        self._say(self._sense.tick(now_ns))
