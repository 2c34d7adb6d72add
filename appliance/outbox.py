"""Decides how events reach the journal without ever holding up whoever sees them: a bounded queue and one append at a time.

Asterisk drops a client that stops reading, and a headset presses again, so reading goes on while the journal is slow or full; when the
queue is full as well, `put` refuses, and its caller has to take everything up again once there is room (`on_room`).
No task stands between `put` and the journal: each turn of the loop costs, fifty times a second.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Final

from appliance.core.errors import FullError, TransientError
from appliance.core.event import Event
from appliance.core.journal import Journal
from appliance.core.meter import Family, count, gauge
from appliance.service import Watch

_log = logging.getLogger("callfloor.outbox")
BATCH: Final = 500
RETRY_S: Final = 1.0
#: An append that is under way for so long does not come back: a card that stalls takes seconds.
HUNG_S: Final = 30.0
_LOOK_S: Final = 4.0


class Outbox:
    """Events on their way to the journal, in order. An append under way is nobody's to cancel, so none is made twice."""

    def __init__(
        self, journal: Journal, max_events: int = 20_000, retry_s: float = RETRY_S, *, watch: Watch | None = None, hung_s: float = HUNG_S
    ) -> None:
        """`watch` hears of progress while no append hangs; one that the journal refuses, and that is tried again, does not."""
        self._journal, self._watch, self._hung_s = journal, watch, hung_s
        self._began_s = 0.0
        self._max, self._retry_s = max_events, retry_s
        self._queue: deque[Event] = deque()
        self._empty = asyncio.Event()
        self._empty.set()
        #: Set while somebody stands for what goes wrong: `run` or `finish`. It ends with the journal's fault.
        self._broken: asyncio.Future[None] | None = None
        self._append: asyncio.Future[int] | None = None
        self._appending = 0
        self._retry: asyncio.TimerHandle | None = None
        self.refused = 0
        self.full = False
        #: Called once there is room again after `put` refused.
        self.on_room: Callable[[], object] = lambda: None
        self._is_refusing = False

    def put(self, events: list[Event]) -> bool:
        """Queue events, all or none; False when there is no room."""
        if len(self._queue) + len(events) > self._max:
            self.refused += len(events)
            self._is_refusing = True
            return False
        if events:
            self._queue.extend(events)
            self._empty.clear()
            self._begin()
        return True

    async def run(self) -> None:
        """Append until cancelled; what queued meanwhile goes with the next append. Raises CorruptError as the journal does."""
        self._broken = asyncio.get_running_loop().create_future()
        loop = asyncio.get_running_loop()
        try:
            self._begin()
            while not self._broken.done():
                if self._watch is not None and (self._append is None or time.monotonic() - self._began_s < self._hung_s):
                    self._watch.progress()
                await asyncio.wait((self._broken,), timeout=_LOOK_S - loop.time() % _LOOK_S)  # in one waking with the others
            self._broken.result()
        finally:
            self._broken = None

    async def drained(self) -> None:
        """Wait until everything queued is durable."""
        await self._empty.wait()

    async def finish(self, timeout_s: float = 3.0) -> int:
        """On the way out: append what is left; returns how many events did not make it. Raises CorruptError as the journal does."""
        self._broken = asyncio.get_running_loop().create_future()
        if self._retry is not None:
            self._again()
        self._begin()
        empty = asyncio.ensure_future(self._empty.wait())
        try:
            await asyncio.wait((empty, self._broken), timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
            if self._broken.done():
                self._broken.result()
            if self._queue:
                _log.error("%d events could not be recorded before the stop", len(self._queue))
        finally:
            empty.cancel()
            self._broken = None
            if self._retry is not None:
                self._retry.cancel()
        return len(self._queue)

    def figures(self, service: str) -> Iterator[Family]:
        """For a monitoring system."""
        one = {"service": service}
        yield gauge("callfloor_outbox_waiting_events", "Events that wait in memory for the journal.", [(one, len(self._queue))])
        yield gauge("callfloor_outbox_max_events", "Events that may wait in memory for the journal.", [(one, self._max)])
        yield count("callfloor_outbox_refused_events", "Events for which there was no room in memory.", [(one, self.refused)])

    def _begin(self) -> None:
        """Append what is queued unless that is under way."""
        if self._append is not None or self._retry is not None or self._broken is None or not self._queue:
            return
        self._appending = min(BATCH, len(self._queue))
        batch = [self._queue[at] for at in range(self._appending)]
        self._began_s = time.monotonic()
        self._append = asyncio.ensure_future(self._journal.appended(batch))
        self._append.add_done_callback(self._appended)

    def _appended(self, append: asyncio.Future[int]) -> None:
        """An append ended: forget what is durable and go on; wait when the journal is full; hand on any other fault."""
        self._append = None
        if append.cancelled():  # the loop is being closed
            return
        fault = append.exception()
        if isinstance(fault, FullError | TransientError):  # a card gone read-only and a file somebody locked come back as room does
            if not self.full:
                _log.error("the journal takes no events, %d wait in memory: %s", len(self._queue), fault)
            self.full = True
            self._retry = asyncio.get_running_loop().call_later(self._retry_s, self._again)
            return
        if fault is not None:
            if self._broken is not None and not self._broken.done():
                self._broken.set_exception(fault)
            return
        for _ in range(self._appending):
            self._queue.popleft()
        if self.full:
            self.full = False
            _log.warning("the journal takes events again")
        if self._queue:
            self._begin()
        else:
            self._empty.set()
        if self._is_refusing and len(self._queue) <= self._max // 2:
            self._is_refusing = False
            self.on_room()

    def _again(self) -> None:
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
        self._begin()
