"""Decides when the ends of screen pops are journalled: together, a moment later, so that no pop waits for the card that keeps them.

A kill loses the ends of the last quarter of a second; their pops are told again at the next start, under the same ids, and end then.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import Final, get_args

from appliance.core.catalogue import PopOutcome, PopSettled
from appliance.core.errors import CallfloorError
from appliance.service import Context

_log = logging.getLogger(__name__)

GATHER_S: Final = 0.25
BATCH: Final = 100
_RETRY_S: Final = 1.0
#: While the journal takes nothing.
_MOST: Final = 2_000


class PopAccount:
    """The ends that are not in the journal yet."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._waiting: deque[PopSettled] = deque(maxlen=_MOST)
        self._any, self._many = asyncio.Event(), asyncio.Event()
        self._ended = {
            outcome: context.meter.counter("callfloor_pops", "Screen pops by how they ended.", outcome=outcome)
            for outcome in get_args(PopOutcome)
        }
        self._took = context.meter.histogram("callfloor_pop_seconds", "From the PBX's bytes that tell a ring to the broker's answer.")

    def settled(self, end: PopSettled) -> None:
        """A pop ended so."""
        self._ended[end.outcome].add()
        if end.settled_s is not None and end.outcome in ("delivered", "no_consumer"):
            self._took.observe(end.settled_s)
        self._waiting.append(end)
        self._any.set()
        if len(self._waiting) >= BATCH:
            self._many.set()

    async def run(self) -> None:
        """Journal them for ever."""
        while True:
            await self._any.wait()
            try:
                async with asyncio.timeout(GATHER_S):
                    await self._many.wait()
            except TimeoutError:
                pass  # few: what there is goes
            try:
                await self.save()
            except CallfloorError as fault:
                _log.error("the ends of screen pops must wait, the journal takes nothing: %s", fault)
                await asyncio.sleep(_RETRY_S)

    async def save(self) -> None:
        """Journal what waits. Raises FullError, TransientError."""
        while self._waiting:
            batch = [self._waiting[at] for at in range(min(BATCH, len(self._waiting)))]
            await self._context.emit(*batch)
            for end in batch:
                if self._waiting and self._waiting[0] is end:  # else it went for want of room meanwhile
                    self._waiting.popleft()
        self._any.clear()
        self._many.clear()
