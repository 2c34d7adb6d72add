"""Decides which phone stands behind a Local-wrapped queue member: its `;1` half is the queue's leg, its `;2` half dials the phone."""

from __future__ import annotations

from typing import Final

_MAX: Final = 4_096


class LocalLegs:
    """Live Local channels by the Uniqueids of their halves, and the phones that the far halves dial; bounded."""

    def __init__(self) -> None:
        self._two_of: dict[str, str] = {}
        self._one_of: dict[str, str] = {}
        self._phones: dict[str, dict[str, str]] = {}

    def bridged(self, one: str, two: str) -> None:
        """LocalBridge: two halves belong together."""
        if one and two:
            while len(self._two_of) >= _MAX:
                self.gone(next(iter(self._two_of)))
            self._two_of[one], self._one_of[two] = two, one

    def dials(self, two: str, leg: str, name: str) -> None:
        """The far half began to ring a phone."""
        while len(self._phones) >= _MAX:
            self._phones.pop(next(iter(self._phones)))
        self._phones.setdefault(two, {})[leg] = name

    def dialled(self, two: str, leg: str, *, answered: bool) -> str | None:
        """It stopped ringing. Returns the Uniqueid of the near half when that phone answered."""
        phones = self._phones.get(two)
        if phones is None:
            return None
        if not answered:
            phones.pop(leg, None)
            return None
        self._phones[two] = {leg: phones.get(leg, "")}
        return self._one_of.get(two)

    def behind(self, one: str) -> dict[str, str]:
        """The phones (Uniqueid → name) behind the near half; empty for a leg that is no Local channel."""
        return dict(self._phones.get(self._two_of.get(one, ""), {}))

    def gone(self, uniqueid: str) -> None:
        """A channel hung up; if it was the near half, the pair is forgotten."""
        two = self._two_of.pop(uniqueid, None)
        if two is not None:
            self._one_of.pop(two, None)
            self._phones.pop(two, None)
