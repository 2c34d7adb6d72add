"""The books of the event lane: what is under way, what the broker took, and how far the cursor may stand.

The cursor moves over the contiguous prefix of what was answered and never further, so that after any end the lane resumes
with the oldest event that may not have arrived. Pure: no sockets, no clock, no journal.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from msgspec import Struct

from appliance.core.journal import Cursor
from gateway.uplink.packet import LANE_MIDS


class Flight(Struct, frozen=True, gc=False):
    """One event under way: its packet identifier, its row and its delivery number."""

    mid: int
    seq: int
    n: int


class Lane:
    """One connection after another, from one cursor.

    Identifiers are given out consecutively and are consecutive in the flight at any time: a retry keeps its own.
    """

    def __init__(self, cursor: Cursor) -> None:
        self.cursor = cursor
        #: The last row read: everything up to it is settled, under way, or not due.
        self.read_to = cursor.seq
        self._flight: deque[Flight] = deque()
        self._done: set[int] = set()
        self._held: set[int] = set()
        self._skipped: set[int] = set()
        #: The identifier given out last.
        self.last_mid = 0

    @property
    def under_way(self) -> int:
        """Events placed and not yet passed by the cursor."""
        return len(self._flight)

    @property
    def unanswered(self) -> int:
        """Events that the broker still owes an answer for."""
        return len(self._flight) - len(self._done) - len(self._held)

    @property
    def head(self) -> Flight | None:
        """The oldest event under way."""
        return self._flight[0] if self._flight else None

    def place(self, seq: int, n: int) -> int:
        """Put the next due row under way and return its identifier. Call in the order of the rows."""
        self.last_mid = mid = self.last_mid % LANE_MIDS + 1
        self._flight.append(Flight(mid, seq, n))
        self.read_to = seq
        return mid

    def passed(self, seq: int) -> None:
        """Rows up to `seq` were read and are not due."""
        self.read_to = max(self.read_to, seq)
        if not self._flight:
            self.cursor = Cursor(self.cursor.epoch, self.read_to, self.cursor.n, self.cursor.skipped)

    def acked(self, mids: Iterable[int]) -> int:
        """The broker took these. Returns by how many events the cursor moved."""
        flight, done = self._flight, self._done
        moved = 0
        last: Flight | None = None
        for mid in mids:
            if flight and not done and flight[0].mid == mid:
                last = flight.popleft()
                self._held.discard(mid)
                moved += 1
            elif self.find(mid) is not None:
                done.add(mid)
                self._held.discard(mid)
                while flight and flight[0].mid in done:
                    last = self._settle()
                    moved += 1
        if last is not None:
            self._move(last)
        return moved

    def skip(self, mid: int) -> int:
        """Give this one up: it counts as skipped once the cursor passes it. Returns by how many events the cursor moved."""
        if self.find(mid) is None:
            return 0
        self._skipped.add(mid)
        self._done.add(mid)
        self._held.discard(mid)
        moved = 0
        while self._flight and self._flight[0].mid in self._done:
            self._move(self._settle())
            moved += 1
        return moved

    def hold(self, mid: int) -> None:
        """The broker answered, but did not take this one: the cursor stays before it until `rewind`."""
        if self.find(mid) is not None and mid not in self._done:
            self._held.add(mid)

    def find(self, mid: int) -> Flight | None:
        """The event under way with this identifier; None for an identifier that is not ours (any more)."""
        flight = self._flight
        if not flight:
            return None
        offset = (mid - flight[0].mid) % LANE_MIDS
        return flight[offset] if offset < len(flight) and flight[offset].mid == mid else None

    def rewind(self) -> list[int]:
        """Forget all that is under way and read again from the cursor. Returns the delivery numbers that will be sent again.

        On a live connection only when nothing is unanswered, for a late answer would be taken for another event's.
        """
        again = [flight.n for flight in self._flight]
        self._flight.clear()
        self._done.clear()
        self._held.clear()
        self._skipped.clear()
        self.read_to = self.cursor.seq
        return again

    def _settle(self) -> Flight:
        """Take the head, which is done, off the flight."""
        head = self._flight.popleft()
        self._done.discard(head.mid)
        if head.mid in self._skipped:
            self._skipped.discard(head.mid)
            self.cursor = Cursor(self.cursor.epoch, self.cursor.seq, self.cursor.n, self.cursor.skipped + 1)
        return head

    def _move(self, last: Flight) -> None:
        seq = last.seq if self._flight else self.read_to
        self.cursor = Cursor(self.cursor.epoch, seq, last.n, self.cursor.skipped)
