"""Decides what takes a whole sign over, and until when: what is new at once, what lasts again later, figures between. Pure."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

#: So many that are new come one after the other; then the figures have their turn.
_IN_A_ROW: Final = 3
_REMEMBERED: Final = 64


class Burst(Struct, frozen=True):
    """Something urgent: its identity, and the priority file's body for each of its parts."""

    key: str
    bodies: tuple[bytes, ...]


class Bursts:
    """Gives the priority file to one burst after the other, each for `show_s` a part. Fed with monotonic seconds."""

    def __init__(self, show_s: float, repeat_s: float) -> None:
        self._show_s, self._repeat_s = show_s, repeat_s
        self._key: str | None = None
        self._part = 0
        self._until_s = self._rest_until_s = 0.0
        self._in_a_row = 0
        #: When each was last seen on the sign, oldest first.
        self._shown: dict[str, float] = {}

    def step(self, wanted: list[Burst], now_s: float) -> bytes | None:
        """What the priority file should hold now; None: nothing, so that the figures show. `wanted`: the gravest first."""
        by_key = {burst.key: burst for burst in wanted if burst.bodies}
        if self._key is not None:
            self._go_on(by_key.get(self._key), now_s)
        if self._key is None:
            self._next(by_key, now_s)
        if self._key is None:
            return None
        bodies = by_key[self._key].bodies
        return bodies[min(self._part, len(bodies) - 1)]

    def _go_on(self, burst: Burst | None, now_s: float) -> None:
        """The next part when this one's time is over; the end after the last, or when it is no longer so."""
        if burst is not None and now_s >= self._until_s:
            self._part += 1
            self._until_s = now_s + self._show_s
        if burst is None or self._part >= len(burst.bodies):
            assert self._key is not None
            self._shown.pop(self._key, None)
            self._shown[self._key] = now_s
            while len(self._shown) > _REMEMBERED:
                del self._shown[next(iter(self._shown))]
            self._key = None
            self._rest_until_s = now_s + self._show_s

    def _next(self, wanted: dict[str, Burst], now_s: float) -> None:
        resting = now_s < self._rest_until_s
        if not resting:
            self._in_a_row = 0
        new = [key for key in wanted if now_s - self._shown.get(key, float("-inf")) >= self._repeat_s]
        # What is new does not wait for the rest to end; what is shown again does.
        never = [key for key in new if key not in self._shown]
        if never and (not resting or self._in_a_row < _IN_A_ROW):
            key = never[0]
        elif new and not resting:
            key = min(new, key=lambda each: self._shown[each])
        else:
            return
        self._key, self._part, self._until_s = key, 0, now_s + self._show_s
        self._in_a_row += 1
