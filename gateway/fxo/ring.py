"""Decides when pulses of a ring sense are a bell and when it stops: by edges, for 20 ms of debouncing would erase them. Pure.

A half-wave opto-coupler gives 20 to 25 pulses a second, a full-wave one 40 to 50. A pulse dial gives 10, a hook switch one or two, and
hum or a loose wire far more than any bell.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from msgspec import Struct

MS: Final = 1_000_000
#: So many pulses within the window are ringing voltage, more than the most are none of an exchange's making.
WINDOW_NS: Final = 250 * MS
_LEAST, _MOST = 4, 25
#: A burst is over after so long without a pulse, and shorter ones are no ring (a UK burst has 400 ms).
GAP_NS: Final = 200 * MS
SHORTEST_NS: Final = 300 * MS


class Burst(Struct, frozen=True):
    """A bell that began (`on`) or stopped, and when: at its first and its last pulse."""

    on: bool
    at_ns: int


class RingJudge:
    """Rising edges in, bursts out. `noise` counts windows with more pulses than any bell has."""

    def __init__(self) -> None:
        self._pulses: deque[int] = deque(maxlen=_MOST + 1)
        self._began_ns: int | None = None
        self._last_ns = 0
        self.on = False
        self.noise = 0

    @property
    def due_ns(self) -> int | None:
        """When `tick` has something to do."""
        return None if self._began_ns is None else self._last_ns + GAP_NS

    def edge(self, now_ns: int) -> list[Burst]:
        """One pulse."""
        out = self.tick(now_ns)
        self._last_ns = now_ns
        self._pulses.append(now_ns)
        recent = sum(1 for at in self._pulses if now_ns - at < WINDOW_NS)
        if recent > _MOST:
            self.noise += self._began_ns is not None or self.on
            self._pulses.clear()
            self._began_ns = None
            if self.on:
                self.on = False
                out.append(Burst(on=False, at_ns=now_ns))
        elif recent >= _LEAST and self._began_ns is None:
            self._began_ns = self._pulses[-recent]
        if self._began_ns is not None and not self.on and now_ns - self._began_ns >= SHORTEST_NS:
            self.on = True
            out.append(Burst(on=True, at_ns=self._began_ns))
        return out

    def tick(self, now_ns: int) -> list[Burst]:
        """The end of a burst, once no pulse came for a while."""
        if self._began_ns is None or now_ns - self._last_ns < GAP_NS:
            return []
        self._began_ns = None
        self._pulses.clear()
        if not self.on:
            return []
        self.on = False
        return [Burst(on=False, at_ns=self._last_ns)]


class Steady:
    """A sense that flutters, as loop current does while the bell rings: a level counts once it has held for `hold_ms` (64, as in DAHDI)."""

    def __init__(self, hold_ms: int = 64) -> None:
        self._hold_ns = hold_ms * MS
        self._since_ns = 0
        self._seen: bool | None = None
        self.level: bool | None = None

    @property
    def due_ns(self) -> int | None:
        """When `tick` has something to do."""
        return None if self._seen == self.level else self._since_ns + self._hold_ns

    def begin(self, level: bool) -> None:
        """How it is when first read."""
        self.level = self._seen = level

    def edge(self, level: bool, now_ns: int) -> bool:
        """The sense changed; True when the level before it had held long enough to count."""
        held = self.tick(now_ns)
        if level != self._seen:
            self._seen, self._since_ns = level, now_ns
        return held

    def tick(self, now_ns: int) -> bool:
        """True when `level` changed."""
        if self._seen == self.level or now_ns - self._since_ns < self._hold_ns:
            return False
        self.level = self._seen
        return True
