"""Decides when a PBX's lists have been read: all have answered and settled, or the time for it is over. Until then nothing is told."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Generic, Protocol, TypeVar

from msgspec import Struct

L = TypeVar("L")


class Ticking(Protocol):
    """What has things due by time alone."""

    @property
    def next_due_ns(self) -> int | None: ...

    def tick(self, now_ns: int) -> list[Struct]: ...


T = TypeVar("T", bound=Ticking)


class Reading(ABC, Generic[T, L]):
    """The part of a source that waits for its lists. `up`: it was told that the PBX is in sight."""

    def __init__(self, tracker: T) -> None:
        self.tracker = tracker
        self.up = False
        self._lists: L | None = None
        self._due_ns: int | None = None
        self._held: list[Struct] = []

    @property
    def settled(self) -> bool:
        """The PBX is in sight and its lists were read: who is there is known."""
        return self.up and self._lists is None

    @abstractmethod
    def _say_up(self) -> list[Struct]:
        """A session stands; what was held back until now follows."""

    @abstractmethod
    def _resynced(self, lists: L, mono_ns: int) -> list[Struct]:
        """What the lists tell beside what was known."""

    @property
    def next_due_ns(self) -> int | None:
        """When `tick` has something to do."""
        times = [t for t in (self._due_ns, self.tracker.next_due_ns) if t is not None]
        return min(times) if times else None

    def tick(self, mono_ns: int) -> list[Struct]:
        """What is due by time alone."""
        out = self.tracker.tick(mono_ns)
        if not self.up and self._lists is not None:
            self._held += out
            out = []
        if self._due_ns is not None and mono_ns >= self._due_ns and self._lists is not None:
            if not self.up:
                out += self._say_up()
            out += self._resynced(self._lists, mono_ns)
        return out
