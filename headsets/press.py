"""Decides what is one press of a button, of the ones and zeros that a relative control sends. Pure; times in monotonic ns.

A press comes as 1 then 0 (WICG/webhid #72), and counts on one of the two, by the model's quirk. Some devices send the same press
twice within 5 ms (Linux hid-plantronics drops that), some repeat the 1 while the button is down, some never send the 0.
"""

from __future__ import annotations

from typing import Final

from headsets.quirks import Edge

MS: Final = 1_000_000
#: The same press again within this time is the device's stutter (Linux, hid-plantronics.c).
REPEAT_NS: Final = 5 * MS
#: No finger comes down twice within this time without having come up: a 1 after a 1 is a button held down.
HELD_NS: Final = 150 * MS


class Presses:
    """One button. `held_ns` is how long the last press lasted, once it is over."""

    def __init__(self, on: Edge = "press") -> None:
        self._on = on
        self._down = False
        self._counts = False
        self._lets_go = False
        self._pressed_ns: int | None = None
        self._last_ns = 0
        self.held_ns: int | None = None

    def feed(self, value: bool, now_ns: int) -> bool:
        """One report's value of the button. True when it makes a press."""
        return self._pressed(now_ns) if value else self._released(now_ns)

    def _pressed(self, now_ns: int) -> bool:
        before, self._last_ns = self._last_ns, now_ns
        if self._down and (self._lets_go or now_ns - before <= HELD_NS):
            return False
        self._counts = self._pressed_ns is None or now_ns - self._pressed_ns > REPEAT_NS
        self._down = True
        if self._counts:
            self._pressed_ns, self.held_ns = now_ns, None
        return self._counts and self._on == "press"

    def _released(self, now_ns: int) -> bool:
        if not self._down or self._pressed_ns is None:
            return False
        self._down, self._lets_go = False, True
        self.held_ns = now_ns - self._pressed_ns
        return self._counts and self._on == "release"

    def forget(self) -> None:
        """The device was out of sight: the button may have come up meanwhile."""
        self._down = self._counts = False
        self.held_ns = None
