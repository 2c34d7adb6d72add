"""Decides how often a caller hung up waiting today, and what he chose in menus, from the events of the journal. Pure, and bounded.

Numbers are not kept: a digest under a salt of the process stands for each, of E.164 where the number is one.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from typing import Final

from appliance.core.catalogue import CallAbandoned, CallDigits
from appliance.core.event import Event
from appliance.floor.calendar import Calendar

#: Callers who gave up in a day of the largest floor; beyond it the first ones go.
CALLERS_KEPT: Final = 200_000
#: Calls in menus at the same time, and the choices of one.
CALLS_KEPT: Final = 5_000
_DIGEST_BYTES: Final = 8
KINDS: Final = frozenset({"call.abandoned", "call.digits"})


class CallerBook:
    """What was told of callers today. `spelled` gives a number's E.164, None where it is none; `salt` is of the process alone."""

    def __init__(self, calendar: Calendar, spelled: Callable[[str], str | None], salt: bytes) -> None:
        self._calendar, self._spelled, self._salt = calendar, spelled, salt
        self._day = (0, 0)
        self._gave_up: dict[bytes, int] = {}
        self._paths: dict[str, tuple[str, ...]] = {}
        #: Callers that were forgotten because there were too many.
        self.dropped = 0

    def apply(self, event: Event, at_ns: int) -> None:
        """Take one event, of any kind. What was told of another box's calls is none of ours."""
        self.turn_day(at_ns)
        data = event.data
        if event.origin is not None:
            return
        if isinstance(data, CallAbandoned):
            if data.caller and self._day[0] <= at_ns < self._day[1]:
                self._count(self._digest(data.caller))
        elif isinstance(data, CallDigits) and data.uniqueid:
            self._chosen(data.uniqueid, data)

    def turn_day(self, now_ns: int) -> None:
        """Forget what was yesterday's. A time that lies in a day gone by turns nothing back."""
        if now_ns >= self._day[1]:
            self._day = self._calendar.day(now_ns)
            self._gave_up.clear()

    def is_of_later(self, now_ns: int) -> bool:
        """Whether the day that stands is yet to come: the clock ran ahead, and who gave up today has to be read again."""
        return now_ns < self._day[0]

    def gave_up(self, number: str) -> int:
        """How often who has this number, as the PBX spells it, hung up waiting today."""
        return self._gave_up.get(self._digest(number), 0)

    def digits(self, uniqueid: str) -> tuple[str, ...]:
        """What was chosen in this call, as `menu:digits`, oldest first."""
        return self._paths.get(uniqueid, ())

    def _count(self, digest: bytes) -> None:
        self._gave_up[digest] = self._gave_up.get(digest, 0) + 1
        if len(self._gave_up) > CALLERS_KEPT:
            del self._gave_up[next(iter(self._gave_up))]
            self.dropped += 1

    def _chosen(self, uniqueid: str, data: CallDigits) -> None:
        if data.ended == "self_service":
            self._paths.pop(uniqueid, None)
            return
        self._paths[uniqueid] = data.path
        if len(self._paths) > CALLS_KEPT:
            del self._paths[next(iter(self._paths))]

    def _digest(self, number: str) -> bytes:
        text = self._spelled(number) or number
        return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_DIGEST_BYTES, key=self._salt).digest()
