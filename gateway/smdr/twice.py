"""Decides which records are the PBX's second word: after a reconnect many print their buffer again. Told by content and by place.

A record is dropped where the same line stands among those told before the connection, after the place of the one dropped before it:
so a buffer printed again goes whole, in its order, with new records between, and two equal calls of one minute stay two.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Iterable
from hashlib import blake2b
from typing import Final

#: More than any of the small PBXs that print again can hold.
REMEMBERED: Final = 5_000
#: A buffer at 1200 baud is out in that time; whatever comes later is new.
WINDOW_S: Final = 1200.0


def digest_of(raw: str) -> str:
    """What two prints of one record have in common; blanks do not count.

    >>> digest_of("N 001  00 ") == digest_of("N 001 00")
    True
    """
    return blake2b(" ".join(raw.split()).encode(), digest_size=6).hexdigest()


def memory(seen: Iterable[str] = ()) -> deque[str]:
    """What is remembered, from what was told before."""
    return deque(seen, REMEMBERED)


class Twice:
    """One line's memory of what it told. `told`: the digests of what was told before, oldest first, kept by all lines of one PBX."""

    def __init__(self, told: deque[str] | None = None) -> None:
        self._told = told if told is not None else memory()
        self._places: dict[str, list[int]] = {}
        self._next = self._last = 0
        self._until_s = 0.0
        self.dropped = 0

    def connected(self, now_s: float) -> None:
        """A connection begins: what was told until now may come again."""
        self._places = {}
        for place, digest in enumerate(self._told):
            self._places.setdefault(digest, []).append(place)
        self._next, self._last = 0, len(self._told)
        self._until_s = now_s + WINDOW_S

    def is_again(self, digest: str, now_s: float) -> bool:
        """Whether it was told before; if not, it is remembered."""
        if self._places:
            if self._next >= self._last or now_s > self._until_s:
                self._places = {}
            else:
                places = self._places.get(digest, [])
                at = bisect_left(places, self._next)
                if at < len(places):
                    self._next = places[at] + 1
                    self.dropped += 1
                    return True
        self._told.append(digest)
        return False
