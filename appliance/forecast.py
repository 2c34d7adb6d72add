"""How long the box can go on: seconds until the journal is full at this rate, and until the backlog is drained. Fed by hand."""

from __future__ import annotations

from collections import deque
from typing import Final

from msgspec import Struct

from appliance.core.clock import NS
from appliance.core.journal import Account, Limits

_SPAN_NS: Final = 60 * NS
_LEAST_NS: Final = 2 * NS


class _Sample(Struct, frozen=True, gc=False):
    at_ns: int
    delivered: int
    bytes_used: int


class Forecast:
    """Straight lines through the last minute; None where nothing moves or nothing waits."""

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

    def full_in_s(self, limits: Limits) -> float | None:
        """Seconds until the budget is used up, at the rate of the last minute."""
        rate = self._rate("bytes_used")
        return round(max(0, limits.max_bytes - limits.bytes_used) / rate, 0) if rate and limits.max_bytes else None

    def _rate(self, name: str) -> float | None:
        """Units a second, or None where it does not grow."""
        if len(self._samples) < 2:
            return None
        first, last = self._samples[0], self._samples[-1]
        grown = getattr(last, name) - getattr(first, name)
        span_ns = last.at_ns - first.at_ns
        return grown * NS / span_ns if grown > 0 and span_ns >= _LEAST_NS else None
