"""The journal in memory, for replays, tests and whatever needs no disk: the same contract, nothing durable."""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Sequence
from typing import TYPE_CHECKING

from appliance.core.errors import CallfloorError
from appliance.core.event import Entry, Event, Position, body_from_event, stored_from_body
from appliance.core.journal import PAGE, Account, Cursor, Due, Head, Limits, new_epoch

if TYPE_CHECKING:
    import asyncio


class MemoryJournal:
    """A journal as a list of rows. Safe from any thread; waiters must live in one event loop."""

    def __init__(self, due: Due | None = None) -> None:
        self._due = due or (lambda _event: True)
        self._epoch = new_epoch()
        self._rows: list[Entry] = []
        self._n = 0
        self._cursors: dict[str, Cursor] = {}
        self._transformed: dict[str, int] = {}
        self._guard = threading.Lock()
        self.met: CallfloorError | None = None
        self._waiters: dict[asyncio.Future[None], asyncio.AbstractEventLoop] = {}

    @property
    def epoch(self) -> str:
        """The random name of this journal."""
        return self._epoch

    def append(self, events: Sequence[Event], advance: tuple[str, int] | None = None) -> int:
        """See `Journal.append`."""
        with self._guard:
            for event in events:
                due = self._due(event)
                self._n += due
                self._rows.append(Entry(len(self._rows) + 1, self._n if due else None, body_from_event(event)))
            if advance and advance[1] <= len(self._rows):
                self._transformed[advance[0]] = advance[1]
            seq = len(self._rows)
            waiters = list(self._waiters.items())
        for future, loop in waiters:
            loop.call_soon_threadsafe(_settle, future)
        return seq

    async def appended(self, events: Sequence[Event], advance: tuple[str, int] | None = None) -> int:
        """See `Journal.appended`."""
        return self.append(events, advance)

    def read(self, after: int, limit: int = PAGE) -> list[Entry]:
        """See `Journal.read`."""
        after = max(after, 0)
        return self._rows[after : after + min(limit, PAGE)]

    def read_n(self, first: int, last: int) -> list[Entry]:
        """See `Journal.read_n`."""
        due = [entry for entry in self._rows if entry.n is not None]
        start = bisect_right(due, first - 1, key=lambda entry: entry.n or 0)
        return [entry for entry in due[start : start + PAGE] if (entry.n or 0) <= last]

    async def wait(self, after: int, timeout_s: float) -> bool:
        """See `Journal.wait`."""
        import asyncio  # noqa: PLC0415

        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        while len(self._rows) <= after:
            left = deadline - loop.time()
            if left <= 0:
                return False
            future: asyncio.Future[None] = loop.create_future()
            self._waiters[future] = loop
            timer = loop.call_later(left, _settle, future)
            try:
                if len(self._rows) <= after:
                    await future
            finally:
                timer.cancel()
                self._waiters.pop(future, None)
        return True

    def head(self) -> Head:
        """See `Journal.head`."""
        with self._guard:
            return Head(self._epoch, len(self._rows), self._n)

    def first_seq(self) -> int:
        """See `Journal.first_seq`."""
        return 1 if self._rows else 0

    def cursor(self, name: str) -> Cursor:
        """See `Journal.cursor`."""
        return self._cursors.get(name) or Cursor(self._epoch, 0)

    def save(self, name: str, cursor: Cursor) -> None:
        """See `Journal.save`."""
        self._cursors[name] = cursor

    def transformed(self, name: str) -> Position:
        """See `Journal.transformed`."""
        return Position(self._epoch, self._transformed.get(name, 0))

    def account(self, sink: str) -> Account:
        """See `Journal.account`."""
        cursor = self.cursor(sink)
        recorded = self.head().n
        waiting = recorded - cursor.n
        oldest = next((entry for entry in self._rows[cursor.seq :] if entry.n is not None), None) if waiting else None
        return Account(
            recorded=recorded,
            delivered=cursor.n - cursor.skipped,
            waiting=waiting,
            shed=0,
            skipped=cursor.skipped,
            oldest_wall_ns=stored_from_body(oldest.body).wall_ns if oldest else None,
        )

    def limits(self) -> Limits:
        """See `Journal.limits`."""
        return Limits(sum(len(entry.body) for entry in self._rows), 0, self.first_seq())

    def upkeep(self) -> None:
        """Nothing to keep up."""

    def replace_damaged(self, reason: str) -> None:
        """Memory is not found damaged."""

    def close(self) -> None:
        """Nothing to let go of."""


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
