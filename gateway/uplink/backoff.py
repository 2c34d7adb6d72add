"""When to try again: exponential with full jitter, so that a thousand boxes do not come back in the same second."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final

_LEAST_S: Final = 0.25
_FIRST_S: Final = 0.5
_GROWTH: Final = 1.7
#: A connection that stood is lost by all boxes at once when their broker restarts: over so long they spread at the first try, and no
#: later one is quicker, or all whom the first one failed would be back within a second.
_LOST_S: Final = 4.0
#: While nobody answers, knocking is cheap for both sides and a quick return matters more than silence.
_KNOCK_MAX_S: Final = 8.0
#: Somebody else with our name took the connection: so long he has it for himself, then longer and longer.
_RIVAL_S: Final = 60.0
_RIVAL_MAX_S: Final = 900.0


class Backoff:
    """Waits between attempts to reach the CRM.

    Each wait lies anywhere between a quarter of a second and a bound; the bound grows while the attempts fail and is begun anew
    only by `proved`: a broker that greets us and then drops us has proved nothing. While nobody even answers the bound stays
    below 8 s; once somebody does and fails us, up to `max_s`.
    """

    def __init__(self, max_s: float, spread: Callable[[], float] = random.random) -> None:
        self._max_s, self._spread = max_s, spread
        self._tries = self._taken = 0
        self._first_s = _FIRST_S

    def proved(self) -> None:
        """The broker acknowledged something: the next wait is a short one again."""
        self._tries = 0

    def unrivalled(self) -> None:
        """A connection stood for long: whoever had our name is gone."""
        self._taken = 0

    @property
    def is_proved(self) -> bool:
        """Has the broker acknowledged anything since the last wait?"""
        return self._tries == 0

    def next_s(self, *, answered: bool, stood: bool = False) -> float:
        """Seconds until the next attempt. `stood`: a connection that worked was lost, as those of all other boxes may be now.

        >>> [round(Backoff(30, lambda: 1.0).next_s(answered=True), 2)]
        [0.5]
        """
        cap = self._max_s if answered else min(self._max_s, _KNOCK_MAX_S)
        if self.is_proved:
            self._first_s = _LOST_S if stood else _FIRST_S
        bound = min(cap, self._first_s * _GROWTH ** min(self._tries, 40))
        self._tries += 1
        least = min(_LEAST_S, bound / 2)
        return least + (bound - least) * self._spread()

    def rival_s(self, *, suspected: bool = False) -> float:
        """Seconds to leave the connection to another client of our name. Both boxes may be ours: jitter lets one of them win.

        `suspected`: nobody said so, it only looks like that; then the longest wait is the usual one.

        >>> [round(taken.rival_s()) for taken in [Backoff(30, lambda: 0.0)] for _ in range(6)]
        [60, 120, 240, 480, 900, 900]
        """
        bound = min(_RIVAL_MAX_S, _RIVAL_S * float(2**self._taken))
        if suspected:
            return min(bound, self._max_s) * (0.5 + 0.5 * self._spread())
        self._taken = min(self._taken + 1, 10)
        return bound * (1 + self._spread())
