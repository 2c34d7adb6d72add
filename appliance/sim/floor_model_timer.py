"""The heap of things that are going to happen in a model, in the order of their time and then of their making."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from typing import Any


class Timer:
    """One thing to come; `cancel` makes it never happen."""

    __slots__ = ("action", "args", "at_s")

    def __init__(self, at_s: float, action: Callable[..., None], args: tuple[Any, ...]) -> None:
        self.at_s = at_s
        self.action: Callable[..., None] | None = action
        self.args = args

    def cancel(self) -> None:
        self.action, self.args = None, ()


class Timetable:
    """Model time and what is due in it. Time moves only in `step` and `wait_until`.

    `grid_s` above 0: things happen at its multiples alone, so that every duration is a whole number of them.
    """

    def __init__(self, grid_s: float = 0.0) -> None:
        self.now_s = 0.0
        self._per_s = round(1 / grid_s) if grid_s > 0 else 0
        self._heap: list[tuple[float, int, Timer]] = []
        self._order = itertools.count()

    def after(self, delay_s: float, action: Callable[..., None], *args: Any) -> Timer:
        """Have `action(*args)` happen `delay_s` from now (negative counts as 0)."""
        at_s = self.now_s + max(0.0, delay_s)
        if self._per_s:
            at_s = round(at_s * self._per_s) / self._per_s
        timer = Timer(max(at_s, self.now_s), action, args)
        heapq.heappush(self._heap, (timer.at_s, next(self._order), timer))
        return timer

    @property
    def next_s(self) -> float | None:
        """Model time of the next thing to come; None when nothing ever will."""
        while self._heap and self._heap[0][2].action is None:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def step(self) -> bool:
        """Let the next thing happen; False when there is none."""
        if self.next_s is None:
            return False
        at_s, _, timer = heapq.heappop(self._heap)
        self.now_s = at_s
        action, args = timer.action, timer.args
        assert action is not None
        timer.cancel()
        action(*args)
        return True

    def wait_until(self, at_s: float) -> None:
        """Let idle time pass. Raises ValueError if that would skip something or go back."""
        due = self.next_s
        if at_s < self.now_s or (due is not None and due < at_s):
            raise ValueError(f"cannot wait until {at_s} at {self.now_s} with something due at {due}")
        self.now_s = at_s
