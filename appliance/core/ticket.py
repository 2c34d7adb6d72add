"""Appends waiting for their commit: a bounded queue between the callers of a process and its one appender thread."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from appliance.core.errors import CallfloorError, FullError, TransientError
from appliance.core.meter import Counter, Histogram


class Ticket:
    """One append: its rows as (body, due), a transformer's cursor, and what came of it once `done` was called."""

    __slots__ = ("_began_ns", "_done", "advance", "fault", "rows", "seq", "took")

    def __init__(self, rows: list[tuple[bytes, bool]], advance: tuple[str, int] | None, done: Callable[[], object]) -> None:
        self.rows = rows
        self.advance = advance
        self.seq = 0
        self.fault: CallfloorError | None = None
        #: Where it is noted how long it took.
        self.took: Histogram | None = None
        self._done, self._began_ns = done, time.monotonic_ns()

    def done(self) -> None:
        """It is durable, or `fault` says why not: tell whoever waits."""
        if self.took is not None and self.fault is None:
            self.took.observe((time.monotonic_ns() - self._began_ns) / 1e9)
        self._done()


class TicketQueue:
    """First come, first committed. Safe from any thread."""

    def __init__(self, most_rows: int) -> None:
        self._most = most_rows
        self._rows = 0
        self._tickets: deque[Ticket] = deque()
        self._guard = threading.Lock()
        self._wake = threading.Semaphore(0)
        self._closed = False
        #: Seconds from an append to its being durable; appends for which there was no room in memory.
        self.took, self.refused = Histogram(), Counter()

    def put(self, ticket: Ticket) -> None:
        """Queue an append. Raises FullError beyond the bound and TransientError after `close`; nothing is queued then."""
        with self._guard:
            if self._closed:
                raise TransientError("the journal is closed")
            if self._rows + len(ticket.rows) > self._most:
                self.refused.add()
                raise FullError(f"{self._rows} events already wait for the journal: the disk does not keep up")
            self._rows += len(ticket.rows)
            ticket.took = self.took
            self._tickets.append(ticket)
        self._wake.release()

    def wait(self) -> bool:
        """Block until there may be something to commit; False when the queue is closed and empty."""
        self._wake.acquire()
        with self._guard:
            return bool(self._tickets) or not self._closed

    def gather(self, most_rows: int | None = None) -> list[Ticket]:
        """Take whole tickets, oldest first: at least one if there is any, and no more rows than asked for."""
        out: list[Ticket] = []
        rows = 0
        with self._guard:
            while self._tickets and (not out or most_rows is None or rows + len(self._tickets[0].rows) <= most_rows):
                ticket = self._tickets.popleft()
                out.append(ticket)
                rows += len(ticket.rows)
            self._rows -= rows
        return out

    def close(self) -> None:
        """Take no more; what is queued is still committed."""
        with self._guard:
            self._closed = True
        self._wake.release()
