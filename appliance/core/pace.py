"""Decides how long a commit takes on this disk: the median of the last few, so that one that waited for something else does not count."""

from __future__ import annotations

import statistics
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from appliance.core.clock import NS, Clock
from appliance.core.meter import Histogram

#: A commit that takes longer makes boards and commands late: a card near its end, or busy with something else.
SLOW_S: Final = 0.25
_COMMITS: Final = 5
#: Who has committed nothing for so long knows nothing; sooner when the last were slow.
_STALE_NS, _STALE_SLOW_NS = 600 * NS, 30 * NS


class Pace:
    """The commits of one process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._took_ns: deque[int] = deque(maxlen=_COMMITS)
        self._at_ns = clock.mono_ns()
        #: Seconds of every commit.
        self.took = Histogram()

    @contextmanager
    def measured(self) -> Iterator[None]:
        """A commit is under way; one that fails is none."""
        began_ns = self._clock.mono_ns()
        yield
        self._at_ns = self._clock.mono_ns()
        self._took_ns.append(self._at_ns - began_ns)
        self.took.observe((self._at_ns - began_ns) / NS)

    @property
    def commit_s(self) -> float | None:
        """Seconds; None before the first."""
        return statistics.median(self._took_ns) / NS if self._took_ns else None

    @property
    def is_stale(self) -> bool:
        """Whether it is time to try one."""
        slow = (self.commit_s or 0.0) > SLOW_S
        return self._clock.mono_ns() - self._at_ns > (_STALE_SLOW_NS if slow else _STALE_NS)
