"""Decides how a verb with an effect outside the journal is carried out: each command at most once, in order, as the contract has it.

The cursor is on disk at a command's row before anything is touched: a command that was received and not passed runs after a restart,
unless its time is over; one that was passed and has no end is `unknown`. One that was refused at the door has its end beside it.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Final, Protocol

import msgspec

from appliance.core.catalogue import CommandFinished, CommandReceived
from appliance.core.clock import NS
from appliance.core.command import args_of, judge
from appliance.core.errors import CallfloorError
from appliance.core.event import Entry, Stored, stored_from_body
from appliance.core.journal import PAGE, Cursor
from appliance.service import Context

_log = logging.getLogger(__name__)

_WAIT_S: Final = 1.0
#: At most so many looks a second, however fast the journal grows.
_REST_S: Final = 0.1
_SAVE_S: Final = 60.0
FULL_S: Final = 1.0
#: What is carried out this soon was not waiting.
_AT_ONCE_S: Final = 1.0
#: An id that comes again is passed over; so many are remembered.
_IDS: Final = 10_000
_COMMAND: Final = b'{"k":"command.'
_RECEIVED: Final = msgspec.json.Decoder(CommandReceived)
_FINISHED: Final = msgspec.json.Decoder(CommandFinished)


class Doer(Protocol):
    """Who owns a verb that does something for a while: lights a lamp, rings a headset."""

    def seconds(self, args: Any) -> float:
        """For how long it is asked; `args` are the verb's, checked."""
        ...

    def carry_out(self, args: Any, seconds: float) -> dict[str, Any]:
        """Do it, for what is left of that time; what to answer. Raises ValueError: the reason why it cannot be."""
        ...


class CommandRun:
    """The owner of one verb. `sink` is its cursor's name."""

    def __init__(self, context: Context, verb: str, sink: str, doer: Doer, *, full_s: float = FULL_S) -> None:
        """`full_s`: how long to wait before a full journal is tried again."""
        self._context, self._verb, self._sink, self._doer, self._full_s = context, verb, sink, doer, full_s
        self._epoch = context.journal.epoch
        saved = context.journal.cursor(sink)
        self._at = self._saved = saved.seq if saved.epoch == self._epoch else 0
        self._saved_s = 0.0
        self._ids: dict[str, None] = {}

    async def run(self) -> None:
        """Follow the journal until cancelled."""
        await self._bury()
        journal = self._context.journal
        while True:
            if journal.epoch != self._epoch:  # set aside whole and begun anew: every row of the new one is ahead
                self._epoch, self._at = journal.epoch, 0
            if await self.page():
                await asyncio.sleep(0)
                continue
            await self._save_lazily()
            if await journal.wait(self._at, 1.0):
                await asyncio.sleep(_REST_S)

    async def page(self) -> bool:
        """Handle one page; whether there may be another."""
        rows = self._context.journal.read(self._at, PAGE)
        for entry in rows:
            if entry.body.startswith(_COMMAND):
                await self._handle(entry)
            self._at = entry.seq
        return len(rows) == PAGE

    async def _bury(self) -> None:
        """End as `unknown` what stands at the cursor without an end: it was passed, and nobody can say whether it was done."""
        journal = self._context.journal
        first = journal.read(self._at - 1, 1) if self._at else []
        command = self._received(first[0])[1] if first and first[0].seq == self._at else None
        if command is None:
            return
        self._ids[command.id] = None
        if not await self._has_end(self._at, command.id):
            await self._emit(CommandFinished(id=command.id, state="unknown", reason="the box stopped while the command was under way"))

    async def _has_end(self, after: int, command: str) -> bool:
        """Whether a command has its end already: it was refused at the door, or carried out before a cursor was lost."""
        while rows := self._context.journal.read(after, PAGE):
            if any(_ends(row, command) for row in rows):
                return True
            after = rows[-1].seq
            await asyncio.sleep(0)
        return False

    async def _handle(self, entry: Entry) -> None:
        row, command = self._received(entry)
        if row is None or command is None or command.id in self._ids:
            return
        self._ids[command.id] = None
        while len(self._ids) > _IDS:
            del self._ids[next(iter(self._ids))]
        if await self._has_end(entry.seq, command.id):
            return
        # What is not carried out is not passed: killed here, it is judged again at the next start and still ends with its reason.
        if (refused := self._refusal(row, command)) is not None:
            await self._emit(refused)
            return
        await self._pass(entry.seq)
        await self._emit(self._refusal(row, command) or self._carry_out(row, command))

    def _refusal(self, row: Stored, command: CommandReceived) -> CommandFinished | None:
        """The end of a command that may not be carried out, or whose time is over."""
        context = self._context
        verdict = judge(
            command.verb,
            command.args,
            command.expires,
            allow=context.config.commands.allow,
            owned={self._verb},
            now_ns=context.clock.wall_ns(),
            quality=context.clock.quality(),
        )
        if verdict.state != "run":
            return CommandFinished(id=command.id, state=verdict.state, reason=verdict.reason)
        seconds = self._doer.seconds(args_of(self._verb, command.args))
        if seconds > self._age_s(row):
            return None
        return CommandFinished(id=command.id, state="expired", reason=f"its {seconds:g} s were over before it could be carried out")

    def _carry_out(self, row: Stored, command: CommandReceived) -> CommandFinished:
        args = args_of(self._verb, command.args)
        seconds = self._doer.seconds(args)
        left_s = max(0.01, seconds - self._age_s(row))
        try:
            result = self._doer.carry_out(args, left_s)
        except ValueError as fault:
            return CommandFinished(id=command.id, state="failed", reason=str(fault))
        return CommandFinished(id=command.id, state="done", result={**result, "seconds": _told(seconds, left_s)})

    def _age_s(self, row: Stored) -> float:
        clock = self._context.clock
        if row.boot == clock.boot:
            return (clock.mono_ns() - row.mono_ns) / NS
        return max(0.0, (clock.wall_ns() - row.wall_ns) / NS)

    async def _pass(self, seq: int) -> None:
        """Have the cursor at this row, on disk. While that cannot be, nothing is carried out."""
        while True:
            try:
                await self._save(seq)
            except OSError as fault:
                _log.error("a command must wait, its cursor cannot be saved: %s", fault)
                await asyncio.sleep(self._full_s)
            else:
                return

    async def _save(self, seq: int) -> None:
        journal = self._context.journal
        await asyncio.to_thread(journal.save, self._sink, Cursor(journal.epoch, seq))
        self._saved, self._saved_s = seq, self._context.clock.mono_ns() / NS

    async def _save_lazily(self) -> None:
        """So that a restart need not read the day again; only between two commands, so that the last one's end is on disk."""
        now_s = self._context.clock.mono_ns() / NS
        if self._at == self._saved or now_s - self._saved_s < _SAVE_S:
            return
        try:
            await self._save(self._at)
        except OSError as fault:
            self._saved_s = now_s
            _log.warning("the place of the commands %s could not be saved; tried again in a minute: %s", self._verb, fault)

    async def _emit(self, finished: CommandFinished) -> None:
        """The end of a command is told however long the journal is full or away."""
        while True:
            try:
                await self._context.emit(finished)
            except CallfloorError as fault:
                _log.error("the end of a command must wait: %s", fault)
                await asyncio.sleep(self._full_s)
            else:
                return

    def _received(self, entry: Entry) -> tuple[Stored | None, CommandReceived | None]:
        """The command of this verb that a row holds, if it holds one. A row that cannot be read holds none."""
        if not entry.body.startswith(_COMMAND):
            return None, None
        try:
            row = stored_from_body(entry.body)
            command = _RECEIVED.decode(row.data) if row.kind == "command.received" else None
        except msgspec.DecodeError as fault:
            _log.warning("row %d cannot be read and is passed over: %s", entry.seq, fault)
            return None, None
        return (row, command) if command is not None and command.verb == self._verb else (None, None)


def _told(asked_s: float, left_s: float) -> float:
    """For how long it is done, as told: as was asked, unless the command had to wait for it.

    >>> _told(3, 2.94), _told(0.5, 0.46), _told(30, 11.72)
    (3, 0.5, 11.7)
    """
    return asked_s if asked_s - left_s < _AT_ONCE_S else round(left_s, 1)


def _ends(entry: Entry, command: str) -> bool:
    """Whether a row is the end of this command."""
    if not entry.body.startswith(_COMMAND + b'finished"'):
        return False
    try:
        return _FINISHED.decode(stored_from_body(entry.body).data).id == command
    except msgspec.DecodeError:
        return False
