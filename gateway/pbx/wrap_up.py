"""Decides when a PBX's agents are looked at again: when something touched them, when a wrap-up is over, when the lists have been read.

What an agent then is, each dialect judges for itself.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Generic, TypeVar

A = TypeVar("A")


class Settling(ABC, Generic[A]):
    """Agents by key, and those of them to be judged anew. `quiet`: while the lists are being read nothing is told."""

    def __init__(self) -> None:
        self.agents: dict[str, A] = {}
        self.dirty: dict[str, None] = {}
        self.quiet = False
        self._wraps: dict[str, int] = {}

    @abstractmethod
    def _judge(self, agent: A | None, now_ns: int, *, inferred: bool = False) -> None:
        """Tell what changed of one agent; None for one that is gone."""

    def touch(self, key: str) -> None:
        """Have the agent's state looked at again by the next `settle`."""
        self.dirty[key] = None

    def wrap_until(self, key: str, until_ns: int) -> None:
        """He is in wrap-up until then at least."""
        self._wraps[key] = max(self._wraps.get(key, 0), until_ns)

    def wrap_no_more(self, key: str) -> None:
        """The next conversation ends it."""
        self._wraps.pop(key, None)

    def wraps_forgotten(self) -> None:
        """The PBX began anew and knows of no wrap-up: whoever is there can be called."""
        for key in self._wraps:
            self.touch(key)
        self._wraps.clear()

    def is_wrapping(self, key: str, now_ns: int) -> bool:
        """Whether his wrap-up is not over."""
        return self._wraps.get(key, 0) > now_ns

    def settle(self, now_ns: int) -> None:
        """Emit what changed for every agent touched since the last time; nothing while the lists are being read."""
        if not self.quiet:
            for key in self.dirty:
                self._judge(self.agents.get(key), now_ns)
            self.dirty.clear()

    def sighted(self, now_ns: int) -> None:
        """The lists are read: tell what changed in blindness. Readers hold what was told before for valid again."""
        self.quiet = False
        for agent in list(self.agents.values()):
            self._judge(agent, now_ns, inferred=True)
        self.dirty.clear()

    @property
    def next_due_ns(self) -> int | None:
        """When the next wrap-up ends."""
        return min(self._wraps.values()) if self._wraps else None

    def tick(self, now_ns: int) -> None:
        """End the wrap-ups that are over."""
        for key in [key for key, until_ns in self._wraps.items() if until_ns <= now_ns]:
            del self._wraps[key]
            self.touch(key)
        self.settle(now_ns)
