"""Decides when lamps are switched: one thread steps every stack light of the box, sleeps until the next change, and wakes for nothing else.

A thread and not the loop, so that lamps keep their rhythm while a large floor is folded, and show their safe state when the loop
hangs. Switching is plain on and off; a relay is touched only when its lamp changes.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Final

from appliance.core.clock import NS, Clock
from appliance.core.errors import CallfloorError
from drivers.gpio import Pins
from wallboard.beacon.pattern import Pattern
from wallboard.beacon.step import Show, Stepper

_log = logging.getLogger(__name__)
#: A stop waits so long for a thread that is switching a pin.
_JOIN_S: Final = 2.0


class Tower:
    """One stack light, open: its stepper, its pins, and whom to tell when they fail.

    `wires`: the pin of each lamp, and whether it hangs on a relay's resting contact (then the coil is on while the lamp is dark).
    """

    def __init__(
        self, stepper: Stepper, pins: Pins, wires: Mapping[str, tuple[int, bool]], failed: Callable[[CallfloorError], None]
    ) -> None:
        self.stepper, self.failed = stepper, failed
        self._pins, self._wires = pins, wires
        self._coils = {pin: False for pin, _ in wires.values()}

    def light(self, lit: Mapping[str, bool]) -> None:
        """Switch what differs from what is. Raises UnpluggedError."""
        for lamp, on in lit.items():
            pin, resting = self._wires[lamp]
            self._coil(pin, on != resting)

    def rest(self) -> None:
        """Every coil off: lamps dark, and those on a resting contact lit. Raises UnpluggedError."""
        for pin in self._coils:
            self._coil(pin, on=False)

    def _coil(self, pin: int, on: bool) -> None:
        if self._coils[pin] != on:
            self._pins.write(pin, on)
            self._coils[pin] = on


class Clockwork:
    """The one scheduler. Every method may be called from any thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._towers: list[Tower] = []
        self._wake = threading.Condition()
        self._thread: threading.Thread | None = None
        #: How often lamps were looked at: an idle box shows a small number.
        self.turns = 0

    def now_s(self) -> float:
        """Monotonic seconds, as the steppers count them."""
        return self._clock.mono_ns() / NS

    def attach(self, tower: Tower) -> None:
        """Take a stack light on."""
        with self._wake:
            self._towers.append(tower)
            self._wake.notify()

    def detach(self, tower: Tower) -> None:
        """Let it go, every coil off. One that failed was let go then."""
        with self._wake:
            if tower not in self._towers:
                return
            self._towers.remove(tower)
            try:
                tower.rest()
            except CallfloorError as fault:
                _log.warning("lamps could not be switched off: %s", fault)

    def tell(self, tower: Tower, show: Show) -> None:
        """What it is to show from now on; the thread is woken only where that differs."""
        with self._wake:
            if tower.stepper.tell(show, self.now_s()):
                self._wake.notify()

    def play(self, tower: Tower, lamp: str, pattern: Pattern, seconds: float | None = None) -> None:
        """Play a pattern over its show, to the pattern's end or for so many seconds."""
        with self._wake:
            now_s = self.now_s()
            tower.stepper.play(lamp, pattern, now_s, None if seconds is None else now_s + seconds)
            self._wake.notify()

    def hush(self, tower: Tower, lamp: str = "buzzer") -> None:
        """End what is played on a lamp, at once."""
        with self._wake:
            tower.stepper.stop(lamp)
            self._wake.notify()

    def turn(self) -> float | None:
        """Step and switch every lamp; returns in how many seconds to do so again, None: when something is told. Call with nothing held."""
        with self._wake:
            return self._turn()

    def start(self) -> None:
        """Start the thread."""
        self._thread = threading.Thread(target=self._run, name="lamps", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread; stack lights still attached rest."""
        with self._wake:
            thread, self._thread = self._thread, None
            self._wake.notify()
        if thread is not None:
            thread.join(_JOIN_S)
        for tower in tuple(self._towers):
            self.detach(tower)

    def _run(self) -> None:
        with self._wake:
            while self._thread is threading.current_thread():
                self._wake.wait(self._turn())

    def _turn(self) -> float | None:
        self.turns += 1
        now_s, waits = self.now_s(), []
        for tower in tuple(self._towers):
            lit, wait_s = tower.stepper.step(now_s)
            try:
                tower.light(lit)
            except CallfloorError as fault:
                self._towers.remove(tower)
                tower.failed(fault)
                continue
            if wait_s is not None:
                waits.append(wait_s)
        return min(waits, default=None)
