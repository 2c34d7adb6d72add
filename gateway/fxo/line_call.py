"""Decides what is kept of a call on an analog line, what may be told of the line, and how its end is judged. Pure."""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct

from appliance.core.catalogue import LineCallerId, LineFault, LineReleased, LineRinging, LineSeized
from gateway.fxo.caller_id import CallerId

NS: Final = 1_000_000_000
LineEvent = LineRinging | LineCallerId | LineSeized | LineReleased | LineFault
State = Literal["unknown", "idle", "ringing", "in_use"]
Outcome = Literal["answered", "abandoned", "unknown"]
Fault = Literal["no_battery", "stuck_off_hook", "stuck_ringing", "chatter", "glare"]


class Told(Struct, frozen=True):
    """An event, and the moment of which it tells: a call that is given up after its silence ended with its last ring."""

    event: LineEvent
    at_ns: int


class Call(Struct, kw_only=True):
    """What goes on: from the first ring, or from the moment that somebody took the line up."""

    began_ns: int
    direction: Literal["in", "out"] | None = None
    last_ring_ns: int = 0
    ends_ns: int | None = None
    rings: int = 0
    bursting: bool = False
    #: Something may have hidden from us that the call was taken.
    doubt: bool = False
    taken_ns: int | None = None
    far_end_gone_ns: int | None = None
    reversals: int = 0
    caller: CallerId | None = None

    @property
    def rang_s(self) -> float | None:
        """First ring to last, or to the answer; None where none was heard."""
        return round(max(0, (self.taken_ns or self.last_ring_ns) - self.began_ns) / NS, 3) if self.rings else None

    def outcome(self, *, senses_answer: bool) -> Outcome | None:
        """What became of it; None for a call out. Abandoned only where nothing can have hidden that it was taken."""
        if self.direction != "in":
            return None
        if self.taken_ns is not None:
            return "answered"
        return "abandoned" if senses_answer and not self.doubt else "unknown"
