"""Decides how soon the next patch may follow: the first at once, a flood gathered. Pure; now is handed in.

What one patch costs grows with the boards that follow: a write and a wake-up each, and a repaint on every wall. So what is
bounded is the writes a second over all of them; yet twenty patches a second each board gets in any case (nobody reads
digits that change faster), and no more than sixty (a screen shows no more).
"""

from __future__ import annotations

from typing import Final

from appliance.core.clock import NS

MOST_PER_S: Final = 60
LEAST_PER_S: Final = 20
#: Over all boards: a tenth of a Raspberry Pi's core.
WRITES_PER_S: Final = 600
#: Patches that may follow one another at once after a quiet while: what one call sets off comes in pairs and threes.
BURST: Final = 8


def patches_per_s(followers: int) -> float:
    """How many a second, lastingly.

    >>> patches_per_s(1), patches_per_s(15), patches_per_s(50)
    (60, 40.0, 20)
    """
    return min(MOST_PER_S, max(LEAST_PER_S, WRITES_PER_S / max(1, followers)))


class Pace:
    """A bucket of patches that fills by itself."""

    def __init__(self) -> None:
        self._left: float = BURST
        self._at_ns: int | None = None

    def sent(self, now_ns: int, followers: int) -> None:
        """One went out."""
        self._left = max(0.0, self._filled(now_ns, followers) - 1)
        self._at_ns = now_ns

    def rest_s(self, now_ns: int, followers: int) -> float:
        """How long to gather before the next; 0 when it may go at once."""
        lacking = 1 - self._filled(now_ns, followers)
        return max(0.0, lacking / patches_per_s(followers))

    def _filled(self, now_ns: int, followers: int) -> float:
        past_s = 0.0 if self._at_ns is None else (now_ns - self._at_ns) / NS
        return min(BURST, self._left + past_s * patches_per_s(followers))
