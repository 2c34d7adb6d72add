"""Decides how fast a backlog goes out where `[crm] drain_per_s` limits it: events that are new are never kept waiting by it.

Events go in the journal's order, so a new one cannot overtake the backlog; each that is recorded while the lane can send brings a
permit with it instead. A backlog then shrinks by so many a second however many are new, and without one nothing waits. Pure.
"""

from __future__ import annotations

from typing import Final

#: Permits that a second leaves behind are kept for so long at most.
_BURST_S: Final = 0.1
_ANY: Final = 1 << 30


class Pace:
    """The permits of one lane. Times are of one clock that never steps, in seconds."""

    def __init__(self, per_s: float | None) -> None:
        """`per_s` None: no limit."""
        self._per_s = per_s
        self._new = 0
        self._saved, self._at_s = 1.0, 0.0

    def arrived(self, count: int) -> None:
        """So many were recorded just now, and can be sent."""
        self._new += count

    def caught_up(self) -> None:
        """Nothing waits."""
        self._new = 0

    def room(self, now_s: float) -> int:
        """How many may go now."""
        if self._per_s is None:
            return _ANY
        passed_s, self._at_s = max(0.0, now_s - self._at_s), now_s
        self._saved = min(self._saved + passed_s * self._per_s, max(1.0, self._per_s * _BURST_S))
        return self._new + int(self._saved + 1e-9)

    def spent(self, count: int) -> None:
        """So many went."""
        new = min(count, self._new)
        self._new -= new
        self._saved -= count - new

    def wait_s(self) -> float:
        """How long until another may go, if none may now."""
        return 0.0 if self._per_s is None else max(0.0, 1.0 - self._saved) / self._per_s
