"""Tells the alarms of extraordinary calls (appliance/floor/extraordinary.py). It runs wherever the uplink does, also without a CRM.

What stands is what the journal says: a kill between a decision and its row only makes it decide again, and the fold must hold what was
told before anything else is decided. `turn` keeps an acknowledgement from falling in between.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from appliance.core.errors import FullError, TransientError
from appliance.core.journal import BATCH
from appliance.floor.extraordinary import due
from appliance.floor_view import FloorView
from appliance.service import Context

_log = logging.getLogger(__name__)

_WAIT_S: Final = 1.0
_RETRY_S: Final = 1.0


class ExtraordinaryCalls:
    """The one writer of alarms `call.extraordinary.*`."""

    def __init__(self, context: Context, view: FloorView, turn: asyncio.Lock) -> None:
        self._context, self._view, self._turn = context, view, turn

    async def run(self, ready: asyncio.Event) -> None:
        """Follow for ever. `ready`: the view is folded up to the journal's end."""
        await ready.wait()
        while True:
            self._context.watch.progress()
            try:
                await self._view.reach_end(self._context.watch.progress)
                async with self._turn:
                    await self._tell()
            except (FullError, TransientError) as fault:
                _log.error("an extraordinary call cannot be told of yet, the journal takes nothing: %s", fault)
                await asyncio.sleep(_RETRY_S)
                continue
            await self._context.journal.wait(self._view.seq, _WAIT_S)

    async def _tell(self) -> None:
        view = self._view
        view.catch_up()
        changes = due(view.floor.state, self._context.config, view.now_ns())[:BATCH]
        if changes:
            await self._context.emit(*changes, name="alarm")
            view.catch_up()
