"""Decides how the server follows the journal: which commands it comes to know, and what of the rows that are new is told as an event.

Its place is saved only behind what the file of commands holds on disk, so that no id is forgotten by a kill.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

import msgspec

from appliance.core.catalogue import CommandFinished, CommandReceived, event_from_stored
from appliance.core.event import Entry, stored_from_body
from appliance.core.journal import PAGE, Cursor, Journal
from gateway.opcua.desk import Desk
from gateway.opcua.notice import KINDS, Notice, notice_from_data
from gateway.uplink.ledger import Ledger

_log = logging.getLogger(__name__)

SINK: Final = "opcua.commands"
_SAVE_S: Final = 60.0
_WANTED: Final = tuple(f'{{"k":"{kind}"'.encode() for kind in ("command.received", "command.finished", *KINDS))


class Follower:
    """One walk through the journal, from the saved place to its end and on."""

    def __init__(self, journal: Journal, ledger: Ledger, desk: Desk, tell: Callable[[int, Notice, int], None]) -> None:
        """`tell`: a row's event, and when it happened (wall clock, ns); of rows that were there at the start nothing is told."""
        self._journal, self._ledger, self._desk, self._tell = journal, ledger, desk, tell
        saved = journal.cursor(SINK)
        self._epoch = journal.epoch
        self.at = self._saved = min(saved.seq, journal.head().seq) if saved.epoch == self._epoch else 0
        self._saved_s = 0.0
        self._told_from = journal.head().seq

    async def page(self) -> bool:
        """Read one page; whether there may be another. Raises OSError where the file of commands cannot be written."""
        rows = self._journal.read(self.at, PAGE)
        known = False
        for entry in rows:
            if entry.body.startswith(_WANTED):
                try:
                    known = self._take(entry) or known
                except msgspec.DecodeError as fault:
                    _log.warning("row %d cannot be read and is passed over: %s", entry.seq, fault)
            self.at = entry.seq
        if known:
            await asyncio.to_thread(self._ledger.sync)
        return len(rows) == PAGE

    async def save(self, now_s: float, *, soon: bool = False) -> None:
        """Save the place, now and then or `soon`. Raises OSError."""
        if self.at == self._saved or (not soon and now_s - self._saved_s < _SAVE_S):
            return
        self._saved_s = now_s
        if self._ledger.is_durable and self._journal.epoch == self._epoch:
            await asyncio.to_thread(self._journal.save, SINK, Cursor(self._epoch, self.at))
            self._saved = self.at

    def _take(self, entry: Entry) -> bool:
        """Whether the file of commands has something new."""
        row = stored_from_body(entry.body)
        event = event_from_stored(row)
        if event is None:
            return False
        if isinstance(event.data, CommandReceived):
            return bool(event.data.id) and self._ledger.received(event.data, row.wall_ns, self._epoch, entry.seq)
        if isinstance(event.data, CommandFinished):
            known = self._ledger.finished(event.data) is not None
            self._desk.finished(event.data.id)
            return known
        notice = notice_from_data(event.data) if entry.seq > self._told_from else None
        if notice is not None:
            self._tell(entry.seq, notice, row.wall_ns)
        return False
