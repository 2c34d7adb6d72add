"""Decides which calls that rang when the gateway stopped may ring on now: the same calls, where the bell is heard again soon. Pure.

Nobody knows whether the caller held on while nobody listened. So such a call is neither ended nor counted again at the start: it waits for
one period of the bell. A ring within it is the same call's; without one the call is unknown, never abandoned.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from appliance.core.catalogue import CallQueued, LineCallerId, LineReleased, LineRinging, LineSeized
from appliance.core.clock import NS
from appliance.core.event import Event
from appliance.core.line_config import LINES

#: A gateway that was away for longer finds other callers: one rings for half a minute, and the next may have the line by then.
MOST_UNSEEN_NS: Final = 20 * NS


class RingOn(Struct):
    """A call that rang: since when, by the monotonic clock of this boot; its visit where its line is a queue's, and who calls."""

    line: str
    trunk: str | None
    began_ns: int
    queue: str | None = None
    visit: str | None = None
    caller: str | None = None


def ringing_on(events: Iterable[Event], boot: str, now_ns: int, seen_ns: int | None) -> dict[str, RingOn]:
    """By line, the calls that rang at the journal's last word. `seen_ns`: when the gateway last lived in this boot, by another stamp."""
    rang: dict[str, RingOn] = {}
    begun: dict[str, RingOn] = {}
    last_ns = seen_ns or 0
    for event in events:
        data = event.data
        if event.boot != boot:
            continue
        last_ns = max(last_ns, event.mono_ns)
        match data:
            case LineRinging() if data.pbx == LINES:
                rang[data.line] = begun[event.source] = RingOn(data.line, data.trunk, event.mono_ns)
            case CallQueued() if (ring := begun.pop(event.source, None)) is not None:  # told in one breath with the ring
                ring.visit, ring.queue, ring.began_ns = data.visit, data.queue, event.mono_ns - round(data.waited_s * NS)
            case LineCallerId() if data.line in rang:
                rang[data.line].caller = data.number
            case LineSeized() | LineReleased():
                rang.pop(data.line, None)
    return rang if now_ns - last_ns <= MOST_UNSEEN_NS else {}
