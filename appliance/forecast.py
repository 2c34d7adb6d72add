"""How long the box can go on: seconds until events go that the CRM has not got, and until the backlog is drained. Fed by hand.

An outage of days is as long as its nights: the rate is that of all the journal holds. The last minute's counts while that is less than an
hour, and where at its rate there is not an hour left.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from msgspec import DecodeError, Struct

from appliance.core.clock import NS, Clock
from appliance.core.event import stored_from_body
from appliance.core.journal import Account, Journal, Limits

_SPAN_NS: Final = 60 * NS
_LEAST_NS: Final = 2 * NS
_HOUR_S: Final = 3600.0


class _Sample(Struct, frozen=True, gc=False):
    at_ns: int
    delivered: int
    bytes_used: int


class Held(Struct, frozen=True, gc=False):
    """What the journal holds: rows, how many of them the CRM is still to get, the age of the oldest of either, and when age takes them."""

    rows: int
    waiting_rows: int
    oldest_s: float
    oldest_waiting_s: float
    keep_s: float


def held_of(journal: Journal, account: Account, clock: Clock, keep_days: float) -> Held | None:
    """Look into a journal, by the clock that is never set where that can tell an age; None where its oldest row cannot be read."""
    head, cursor, first = journal.head(), journal.cursor("uplink"), journal.first_seq()
    try:
        oldest = stored_from_body(journal.read(first - 1, 1)[0].body)
    except (IndexError, DecodeError):
        return None
    wall_ns = clock.wall_ns()
    age_ns = clock.mono_ns() - oldest.mono_ns if oldest.boot == clock.boot else wall_ns - oldest.wall_ns
    return Held(
        rows=head.seq - first + 1,
        waiting_rows=head.seq - max(cursor.seq if cursor.epoch == head.epoch else 0, first - 1),
        oldest_s=age_ns / NS,
        oldest_waiting_s=min(age_ns, wall_ns - (account.oldest_wall_ns or wall_ns)) / NS,
        keep_s=keep_days * 86_400,
    )


class Forecast:
    """Straight lines; None where nothing moves or nothing waits."""

    def __init__(self) -> None:
        self._samples: deque[_Sample] = deque(maxlen=64)

    def feed(self, at_ns: int, account: Account, limits: Limits) -> None:
        """Take a sample, about once a second; `at_ns` is monotonic."""
        if self._samples and at_ns - self._samples[-1].at_ns < NS:
            return
        self._samples.append(_Sample(at_ns, account.delivered, limits.bytes_used))
        while at_ns - self._samples[0].at_ns > _SPAN_NS:
            self._samples.popleft()

    def drain_s(self, account: Account) -> float | None:
        """Seconds until nothing waits, at the rate of the last minute."""
        rate = self._rate("delivered")
        return round(account.waiting / rate, 1) if rate and account.waiting else None

    def full_in_s(self, limits: Limits, held: Held) -> float | None:
        """Seconds until the first event goes that the CRM has not got: for want of budget, of room on the disk, or by age.

        What the CRM has goes before, and is room; None where there is no rate yet.
        """
        if not limits.max_bytes or not held.rows:
            return None
        waiting = limits.bytes_used * held.waiting_rows / held.rows
        room = float(limits.max_bytes) - waiting
        if limits.disk_bytes is not None:
            room = min(room, limits.disk_bytes + limits.bytes_used - waiting)
        lately = self._rate("bytes_used")
        ends = [held.keep_s - held.oldest_waiting_s]
        if held.oldest_s >= _HOUR_S:
            ends.append(room * held.oldest_s / limits.bytes_used)
            if lately and room / lately < _HOUR_S:
                ends.append(room / lately)
        elif lately:
            ends.append(room / lately)
        else:
            return None
        return float(max(0, round(min(ends))))

    def _rate(self, name: str) -> float | None:
        """Units a second, or None where it does not grow."""
        if len(self._samples) < 2:
            return None
        first, last = self._samples[0], self._samples[-1]
        grown = getattr(last, name) - getattr(first, name)
        span_ns = last.at_ns - first.at_ns
        return grown * NS / span_ns if grown > 0 and span_ns >= _LEAST_NS else None
