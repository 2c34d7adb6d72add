"""When to try again: exponential with jitter, so that a thousand boxes do not come back in the same second."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final

_FIRST_S: Final = 0.25
_GROWTH: Final = 1.7
#: While nobody answers, knocking is cheap for both sides and a quick return matters more than silence.
_KNOCK_MAX_S: Final = 8.0


class Backoff:
    """Waits between attempts to reach the CRM.

    The wait grows while the attempts fail and is begun anew only by `proved`: a broker that greets us and then drops us has
    proved nothing. While nobody even answers the wait stays below 8 s; once somebody does and fails us, up to `max_s`.
    """

    def __init__(self, max_s: float, spread: Callable[[], float] = random.random) -> None:
        self._max_s, self._spread = max_s, spread
        self._tries = 0

    def proved(self) -> None:
        """The broker acknowledged something: the next wait is a short one again."""
        self._tries = 0

    @property
    def is_proved(self) -> bool:
        """Has the broker acknowledged anything since the last wait?"""
        return self._tries == 0

    def next_s(self, *, answered: bool) -> float:
        """Seconds until the next attempt; between half and the whole of the grown wait.

        >>> [round(Backoff(30, lambda: 1.0).next_s(answered=True), 2)]
        [0.25]
        """
        cap = self._max_s if answered else min(self._max_s, _KNOCK_MAX_S)
        grown = min(cap, _FIRST_S * _GROWTH ** min(self._tries, 40))
        self._tries += 1
        return grown * (0.5 + 0.5 * self._spread())
