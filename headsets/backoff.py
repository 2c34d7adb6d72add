"""Decides how long a device that failed is left alone: longer each time, a little at random, so that many do not come back at once."""

from __future__ import annotations

import random
from typing import Final

_SPREAD: Final = 0.2


class Backoff:
    """From `first_s`, doubled each time, to `last_s`."""

    def __init__(self, first_s: float, last_s: float) -> None:
        self._first_s, self._last_s = first_s, last_s
        self._next_s = first_s

    def next_s(self) -> float:
        """The next wait."""
        now_s, self._next_s = self._next_s, min(self._last_s, 2 * self._next_s)
        return now_s * random.uniform(1 - _SPREAD, 1 + _SPREAD)  # noqa: S311 - no secret

    def reset(self) -> None:
        """It was well between."""
        self._next_s = self._first_s
