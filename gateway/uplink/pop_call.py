"""Decides what is remembered of a call for its screen pops: when it joined its queue, and what was chosen in the menus. Pure, bounded."""

from __future__ import annotations

from typing import Final, TypeVar

import msgspec
from msgspec import Struct

from appliance.core.catalogue import CallDigits, CallQueued
from appliance.core.clock import NS
from appliance.core.event import Stored

#: Calls and visits remembered: more than any floor has at a time.
_MOST: Final = 16_384
_QUEUES: Final = 4_096
_QUEUED: Final = msgspec.json.Decoder(CallQueued)
_DIGITS: Final = msgspec.json.Decoder(CallDigits)
_T = TypeVar("_T")


class Joined(Struct, frozen=True):
    """When a visit began, on both clocks of its boot, and for how long it had waited then."""

    boot: str
    mono_ns: int
    wall_ns: int
    before_s: float

    def waited_s(self, row: Stored) -> float:
        """Seconds from then to the row; by the wall's clock where the box was started anew meanwhile."""
        ns = row.mono_ns - self.mono_ns if row.boot == self.boot else row.wall_ns - self.wall_ns
        return round(max(0, ns) / NS + self.before_s, 1)


class PopCalls:
    """What the journal told of calls that may ring somebody yet."""

    def __init__(self) -> None:
        self._joined: dict[str, Joined] = {}
        self._digits: dict[str, tuple[str, ...]] = {}
        self._titles: dict[str, str] = {}

    def queued(self, row: Stored) -> None:
        """A `call.queued` row. Raises msgspec.ValidationError when its data does not fit its kind."""
        data = _QUEUED.decode(row.data)
        if data.queue is not None and data.title:
            _keep(self._titles, data.queue, data.title, _QUEUES)
        if data.visit is not None and data.visit not in self._joined:  # taken up again after blindness: it joined when it first did
            _keep(self._joined, data.visit, Joined(row.boot, row.mono_ns, row.wall_ns, data.waited_s), _MOST)

    def chose(self, row: Stored) -> None:
        """A `call.digits` row. Raises msgspec.ValidationError as above."""
        data = _DIGITS.decode(row.data)
        if data.path:
            _keep(self._digits, data.call, data.path, _MOST)

    def joined(self, visit: str | None) -> Joined | None:
        """When a visit began; None: not known."""
        return self._joined.get(visit or "")

    def digits(self, call: str) -> tuple[str, ...]:
        """What was chosen in the menus."""
        return self._digits.get(call, ())

    def title(self, queue: str | None) -> str | None:
        """The PBX's own name of a queue."""
        return self._titles.get(queue or "")


def _keep(book: dict[str, _T], key: str, value: _T, most: int) -> None:
    book.pop(key, None)
    book[key] = value
    if len(book) > most:
        del book[next(iter(book))]
