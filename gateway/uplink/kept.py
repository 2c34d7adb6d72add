"""Decides how old a command may be that does not say when it was sent: as old as the link was away, if it came with what the broker kept.

A broker that knows us sends what it kept for us right after its greeting. What comes later was sent just now, unless earlier ones waited
here for the journal: it keeps then what it may not hand over. How long we were away is known by a stamp in the run folder; after a start
of the machine nobody knows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from appliance.core.alive import Sight
from appliance.core.clock import NS, Clock

#: The name of the stamp.
STAMP: Final = "link"
#: For so long after its greeting a broker may still be sending what it kept.
KEPT_S: Final = 30.0
#: Longer while one message comes upon the other, closer than this, and never longer than that.
GAP_S: Final = 2.0
KEPT_MOST_S: Final = 300.0
_STAMP_NS: Final = NS


class Kept:
    """What is known of the connection's age. All times are this boot's monotonic clock."""

    def __init__(self, clock: Clock, last: Sight | None = None, stamp: Callable[[str, Sight], None] | None = None) -> None:
        """`last`: the stamp that an earlier process left; `stamp` leaves ours."""
        self._clock, self._stamp = clock, stamp
        self._last_ns = last.mono_ns if last is not None and last.boot == clock.boot else None
        self._up_ns: int | None = None
        self._away_s: float | None = 0.0
        #: Until when what comes may have been kept.
        self._until_ns = 0
        #: Since when commands waited here for the journal, and until when what comes may have been kept for that.
        self._jammed_ns: int | None = None
        self._jam_until_ns = 0
        self._stamped_ns = -_STAMP_NS

    def now_ns(self) -> int:
        """The time that these go by."""
        return self._clock.mono_ns()

    def begins(self) -> None:
        """A connection is about to be made."""
        self._up_ns = None

    def speaks(self, *, session: bool = True) -> None:
        """The broker said something on it. `session`: it knows us, as it must when it sends before we asked for anything."""
        now_ns = self._clock.mono_ns()
        if self._up_ns is None:
            self._up_ns = now_ns
            since_ns = self._last_ns
            if since_ns is not None and self._jammed_ns is not None and since_ns <= self._jam_until_ns:
                since_ns = min(since_ns, self._jammed_ns)  # what waited comes again
            self._away_s = (now_ns - since_ns) / NS if since_ns is not None else None
            self._until_ns = now_ns + round(KEPT_S * NS)
        if now_ns <= self._until_ns:
            self._until_ns = max(self._until_ns, min(now_ns + round(GAP_S * NS), self._up_ns + round(KEPT_MOST_S * NS)))
        if not session:
            self._away_s, self._jammed_ns = 0.0, None

    def waits(self, came_ns: int) -> None:
        """A command that came then still waits for the journal."""
        now_ns = self._clock.mono_ns()
        if now_ns - came_ns < GAP_S * NS:
            return
        if self._jammed_ns is None or came_ns > self._jam_until_ns:
            self._jammed_ns = came_ns
        self._jam_until_ns = now_ns + round(KEPT_S * NS)

    def stands(self) -> None:
        """It still stands; call it every second or so."""
        now_ns = self._last_ns = self._clock.mono_ns()
        if self._stamp is not None and now_ns - self._stamped_ns >= _STAMP_NS:
            self._stamped_ns = now_ns
            self._stamp(STAMP, Sight(self._clock.boot, now_ns, self._clock.wall_ns()))

    def age_s(self, came_ns: int) -> float | None:
        """How old what came then may be now, at most; None: nobody knows."""
        waited_s = (self._clock.mono_ns() - came_ns) / NS
        jammed_s = max(0, came_ns - self._jammed_ns) / NS if self._jammed_ns is not None and came_ns <= self._jam_until_ns else 0.0
        if self._up_ns is None or came_ns > self._until_ns:
            return jammed_s + waited_s
        if self._away_s is None:
            return None
        away_s = self._away_s + (came_ns - self._up_ns) / NS if self._away_s else 0.0
        return max(away_s, jammed_s) + waited_s
