"""Runs the commands of one staged verb: one after another in the journal's order, beside the reader that screen pops go by.

What the effect leaves, the end and this lane's cursor (`uplink.VERB`) are one transaction. A command that a kill left without an end is
run again: what the effect does outside the journal must bear that. Only row numbers wait in memory, so that thousands may.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec
from msgspec import Struct

from appliance.core.catalogue import CommandFinished, CommandReceived
from appliance.core.command import args_of, judge
from appliance.core.errors import CallfloorError, FullError, TransientError
from appliance.core.event import stored_from_body
from appliance.floor_view import FloorView
from appliance.service import Context
from gateway.uplink.effect import Order, Staged
from gateway.uplink.ledger import Known

_log = logging.getLogger(__name__)

_RETRY_S: Final = 1.0
LOST: Final = "the box stopped while the command was under way"
_RECEIVED: Final = msgspec.json.Decoder(CommandReceived)


class Lane:
    """The owner of one staged verb."""

    def __init__(self, verb: str, effect: Staged, context: Context, view: FloorView) -> None:
        self.verb, self._effect, self._context, self._view = verb, effect, context, view
        self._cursor = f"uplink.{verb}"
        self._passed = context.journal.transformed(self._cursor).seq
        self._rows: deque[int] = deque()
        self._begun = False
        self._news = asyncio.Event()

    @property
    def waiting(self) -> int:
        """Commands received and not begun."""
        return len(self._rows)

    def begin(self, unfinished: Iterable[Known]) -> None:
        """Take up what was received and has no end. Call once, when all earlier commands are known, before `put` counts."""
        epoch = self._context.journal.epoch
        mine = (known.seq for known in unfinished if known.verb == self.verb and known.epoch == epoch)
        self._rows.extend(sorted(seq for seq in mine if seq > self._passed))
        self._begun = True
        self._news.set()

    def is_passed(self, seq: int) -> bool:
        """Has the lane's cursor gone by this row?"""
        return seq <= self._passed

    def put(self, seq: int) -> None:
        """A command of this verb was received at `seq`."""
        if self._begun and seq > self._passed:  # earlier ones `begin` finds
            self._rows.append(seq)
            self._news.set()

    async def run(self) -> None:
        """Carry them out for ever; why one must wait is told once."""
        told = ""
        while True:
            while not (self._rows and self._begun):
                self._news.clear()
                await self._news.wait()
            seq = self._rows[0]
            try:
                await self._one(seq)
            except (FullError, TransientError, OSError) as fault:
                if str(fault) != told:
                    told = str(fault)
                    _log.error("the command %s at row %d must wait: %s", self.verb, seq, fault)
                await asyncio.sleep(_RETRY_S)
                continue
            told = ""
            self._rows.popleft()

    async def _one(self, seq: int) -> None:
        context = self._context
        rows = context.journal.read(seq - 1, 1)
        if not rows or rows[0].seq != seq or self.is_passed(seq):
            return  # purged meanwhile: `bury` ends it at the next start
        command = _RECEIVED.decode(stored_from_body(rows[0].body).data)
        verdict = judge(
            command.verb,
            command.args,
            command.expires,
            allow=context.config.commands.allow,
            owned={self.verb},
            now_ns=context.clock.wall_ns(),
            quality=context.clock.quality(),
        )
        events: Sequence[Struct]
        recall, known = self._effect.recall, None
        if verdict.state != "run" and recall is not None:
            known = await recall(command.id)  # done before a kill, and too late by now
        if known is not None:
            events = [known]
        elif verdict.state == "run":
            events = await self._tried(Order(seq, command, args_of(command.verb, command.args), context, self._view))
        else:
            events = [CommandFinished(id=command.id, state=verdict.state, reason=verdict.reason)]
        await context.emit(*events, advance=(self._cursor, seq))
        self._passed = seq
        if self._effect.settled is not None:
            await self._effect.settled(command.id)

    async def _tried(self, order: Order) -> Sequence[Struct]:
        try:
            return await self._effect.effect(order)
        except (CallfloorError, OSError):
            raise
        except Exception as fault:  # else the uplink begins anew with it for ever
            _log.exception("command %s (%s) ended by a fault of the program", order.command.id, self.verb)
            return [CommandFinished(id=order.command.id, state="unknown", reason=f"fault: {type(fault).__name__}; the log says more")]

    async def end_of(self, command: str) -> CommandFinished:
        """The end of a command that this lane cannot run any more: what the effect recalls of it, else `unknown`."""
        if self._effect.recall is None:
            return CommandFinished(id=command, state="unknown", reason=LOST)
        known = await self._effect.recall(command)
        reason = "not_run: the box lost it before it was begun; send it again under a new id"
        return known or CommandFinished(id=command, state="failed", reason=reason)
