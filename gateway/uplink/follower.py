"""The live reader: walks the journal at its end, whatever the backlog is, for what must be said or done at once.

Commands to run, replies to send, and the kinds that make the floor worth publishing now; screen pops have a reader of their own
(`pop_reader`), which waits for no command. Its cursor goes no further than the oldest reply that is not acknowledged, so that a restart
sends it again. It is saved at once behind a command and once a second otherwise: a flush an event would wear the card out for nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

import msgspec

from appliance.core.catalogue import CommandFinished, CommandReceived
from appliance.core.errors import FullError
from appliance.core.event import Entry, Stored, stored_from_body
from appliance.core.journal import PAGE, Cursor
from appliance.service import Context
from gateway.uplink.effects import OWNED
from gateway.uplink.executor import Executor
from gateway.uplink.inbox import Inbox
from gateway.uplink.ledger import Ledger
from gateway.uplink.live import Live
from gateway.uplink.resend import VERB as RESEND
from gateway.uplink.resend import Resender
from gateway.uplink.topic import Topics

_log = logging.getLogger(__name__)

SINK: Final = "uplink.live"
_WAIT_S: Final = 1.0
_FULL_S: Final = 1.0
_SAVE_S: Final = 1.0
_RECEIVED: Final = msgspec.json.Decoder(CommandReceived)
_FINISHED: Final = msgspec.json.Decoder(CommandFinished)
_WANTED: Final = tuple(
    f'{{"k":"{kind}'.encode() for kind in ("command.", "alarm.", "link.", "announcement.")
)  # fmt: skip


class Follower:
    """One walk from the saved position to the end, and on as rows come."""

    def __init__(
        self,
        context: Context,
        topics: Topics,
        ledger: Ledger,
        executor: Executor,
        resend: Resender,
        inbox: Inbox,
        live: Live,
        *,
        urgent: Callable[[], None],
        woken: Callable[[list[Entry]], None],
    ) -> None:
        """`urgent`: the floor is worth publishing now. `woken`: these rows are new."""
        self._context, self._topics, self._ledger = context, topics, ledger
        self._executor, self._inbox, self._live, self._urgent = executor, inbox, live, urgent
        self._resend = resend
        self._woken = woken
        journal = context.journal
        saved = journal.cursor(SINK)
        self._saved, self._saved_at, self._save_now = saved, 0.0, False
        self._epoch = journal.epoch
        self._at = min(saved.seq, journal.head().seq) if saved.epoch == self._epoch else 0
        self._caught_up = self._unsaved = False

    async def catch_up(self) -> None:
        """Walk to the end of the journal as it is now. Call before commands are taken: the ledger is complete then."""
        while await self._page():
            self._context.watch.progress()
            await asyncio.sleep(0)
        self._caught_up = True
        await asyncio.to_thread(self._ledger.sync)

    async def run(self) -> None:
        """Follow for ever."""
        journal = self._context.journal
        while True:
            self._context.watch.progress()
            if await self._page() < PAGE:
                if self._save_now or asyncio.get_running_loop().time() - self._saved_at >= _SAVE_S:
                    await self._try_save()
                await journal.wait(self._at, _WAIT_S)

    async def _page(self) -> int:
        """Read and handle one page; returns how many rows there were."""
        rows = self._context.journal.read(self._at, PAGE)
        if rows and self._caught_up:
            self._woken(rows)
        for entry in rows:
            while entry.body.startswith(_WANTED):
                try:
                    await self._handle(entry)
                    break
                except (FullError, OSError) as fault:
                    _log.error("row %d must wait: %s", entry.seq, fault)
                    self._context.watch.progress()
                    await asyncio.sleep(_FULL_S)
            self._at = entry.seq
        return len(rows)

    async def _handle(self, entry: Entry) -> None:
        try:
            row = stored_from_body(entry.body)
            if row.kind == "command.received":
                await self._received(_RECEIVED.decode(row.data), row, entry.seq)
            elif row.kind == "command.finished":
                self._finished(_FINISHED.decode(row.data))
            else:
                self._urgent()
        except msgspec.DecodeError as fault:
            _log.warning("row %d cannot be read and is passed over: %s", entry.seq, fault)

    async def _received(self, data: CommandReceived, row: Stored, seq: int) -> None:
        """Remember it, and run it if it is the first of its id and was not refused at the door.

        One of this box itself whose verb is another service's is no business of ours: nobody waits for our reply, nobody sends it
        again, and presses on headsets would fill the ledger.
        """
        if data.by == "local" and data.verb not in OWNED and data.verb != RESEND:
            return
        self._save_now = True
        journal = self._context.journal
        self._ledger.received(data, row.wall_ns, journal.epoch, seq)
        known = self._ledger.get(data.id)
        if known is None or (known.epoch, known.seq) != (journal.epoch, seq) or known.state is not None:
            return
        after = journal.read(seq, 1)
        if after and after[0].body.startswith(b'{"k":"command.finished') and _finished_id(after[0]) == data.id:
            return
        await asyncio.to_thread(self._ledger.sync)
        if data.verb == RESEND:
            await self._resend.put(seq, data)
        else:
            await self._executor.run(seq, data)

    def _finished(self, data: CommandFinished) -> None:
        known = self._ledger.finished(data) or self._ledger.get(data.id)
        self._save_now = self._save_now or known is not None
        if known is not None and known.by == "crm" and known.state == data.state:
            self._inbox.reply(known)

    async def _try_save(self) -> None:
        try:
            await self.save()
            self._unsaved = False
        except OSError as fault:
            if not self._unsaved:
                _log.error("the place of the commands' reader cannot be saved; tried again: %s", fault)
            self._unsaved = True

    async def save(self) -> None:
        """Save the position unless something that it passed is still to be acknowledged. Raises OSError."""
        self._save_now, self._saved_at = False, asyncio.get_running_loop().time()
        if not self._ledger.is_durable:
            await asyncio.to_thread(self._ledger.sync)
        cursor = Cursor(self._epoch, self._at)  # our place is in the journal that we walked, whichever is there by now
        if self._context.journal.epoch == self._epoch and cursor != self._saved and not self._live.unsettled_replies:
            await asyncio.to_thread(self._context.journal.save, SINK, cursor)
            self._saved = cursor


def _finished_id(entry: Entry) -> str:
    return _FINISHED.decode(stored_from_body(entry.body).data).id
