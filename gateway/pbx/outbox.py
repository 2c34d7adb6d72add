"""Decides how events reach the journal without ever holding up the reading of the PBX: a bounded queue and one appender.

Asterisk drops a client that stops reading, so reading goes on while the journal is slow or full; when the queue is
full as well, `put` refuses, and the session is dropped and everything taken up again from the journal.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import Final

from appliance.core.errors import FullError, TransientError
from appliance.core.event import Event
from appliance.core.journal import Journal

_log = logging.getLogger("callfloor.gateway")
BATCH: Final = 500
RETRY_S: Final = 1.0


class Outbox:
    """Events on their way to the journal, in order."""

    def __init__(self, journal: Journal, max_events: int = 20_000, retry_s: float = RETRY_S) -> None:
        self._journal = journal
        self._max, self._retry_s = max_events, retry_s
        self._queue: deque[Event] = deque()
        self._some = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()
        self.refused = 0
        self.full = False

    def put(self, events: list[Event]) -> bool:
        """Queue events, all or none; False when there is no room."""
        if len(self._queue) + len(events) > self._max:
            self.refused += len(events)
            return False
        if events:
            self._queue.extend(events)
            self._empty.clear()
            self._some.set()
        return True

    async def run(self) -> None:
        """Append until cancelled; what queued meanwhile goes with the next append. Raises CorruptError as the journal does."""
        while True:
            await self._some.wait()
            await self._append_all()

    async def drained(self) -> None:
        """Wait until everything queued is durable."""
        await self._empty.wait()

    async def finish(self, timeout_s: float = 3.0) -> int:
        """On the way out: append what is left; returns how many events did not make it."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._append_all()
        except TimeoutError:
            _log.error("%d events could not be recorded before the stop", len(self._queue))
        return len(self._queue)

    async def _append_all(self) -> None:
        while self._queue:
            batch = [self._queue[at] for at in range(min(BATCH, len(self._queue)))]
            try:
                await self._append(batch)
            except (FullError, TransientError) as fault:  # a card gone read-only and a file somebody locked come back as room does
                if not self.full:
                    _log.error("the journal takes no events, %d wait in memory: %s", len(self._queue), fault)
                self.full = True
                await asyncio.sleep(self._retry_s)
                continue
            if self.full:
                self.full = False
                _log.warning("the journal takes events again")
        self._some.clear()
        self._empty.set()

    async def _append(self, batch: list[Event]) -> None:
        """Append a batch and forget it, also when cancelled meanwhile: what became durable must not be appended twice."""
        append = asyncio.ensure_future(self._journal.appended(batch))
        try:
            await asyncio.shield(append)
        except asyncio.CancelledError:
            await append
            self._forget(len(batch))
            raise
        self._forget(len(batch))

    def _forget(self, count: int) -> None:
        for _ in range(count):
            self._queue.popleft()
