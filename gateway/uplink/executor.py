"""Decides whether and when a verb of the uplink's own runs, each command at most once; what it does are the effects' (`effects.py`).

What a command does and its end are one transaction with the owner's cursor, so that a kill leaves either all or nothing.
A verb with an effect outside the journal has an owner elsewhere, who moves his cursor before he acts, or is staged (`staged.py`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from appliance.core.catalogue import CommandFinished, CommandReceived
from appliance.core.command import Verdict, args_of, judge
from appliance.core.errors import CallfloorError
from appliance.floor_view import FloorView
from appliance.service import Context
from gateway.uplink.effect import Order, Staged
from gateway.uplink.effects import AT_ONCE, OWNED
from gateway.uplink.ledger import Ledger
from gateway.uplink.staged import LOST, Lane

_log = logging.getLogger(__name__)

#: The transformer's cursor.
OWNER: Final = "uplink.commands"


class Executor:
    """Runs received commands, each at most once, in the order of the journal; a staged verb in the order of its own lane.

    `turn` is held while an effect decides and its events become durable: whoever else writes what effects decide by takes it too.
    """

    def __init__(self, context: Context, ledger: Ledger, view: FloorView, staged: Mapping[str, Staged]) -> None:
        self._context, self._ledger, self._view = context, ledger, view
        self._passed = context.journal.transformed(OWNER).seq
        self._lanes = {verb: Lane(verb, effect, context, view) for verb, effect in staged.items()}
        self.turn = asyncio.Lock()

    def is_passed(self, seq: int) -> bool:
        """Has the owner's cursor gone by this row?"""
        return seq <= self._passed

    async def run(self, seq: int, command: CommandReceived) -> None:
        """Run the command received at `seq`, or say why not. Raises FullError when the journal takes nothing."""
        context = self._context
        if command.verb in self._lanes:
            self._lanes[command.verb].put(seq)
            return
        if command.verb not in OWNED or self.is_passed(seq):
            return
        await self._view.reach_end(context.watch.progress)
        verdict = judge(
            command.verb,
            command.args,
            command.expires,
            allow=context.config.commands.allow,
            owned=OWNED,
            now_ns=context.clock.wall_ns(),
            quality=context.clock.quality(),
        )
        async with self.turn:
            if verdict.state == "run":
                order = Order(seq, command, args_of(command.verb, command.args), context, self._view)
                try:
                    events = AT_ONCE[command.verb](order)
                except (CallfloorError, OSError):
                    raise
                except Exception as fault:  # else the uplink begins anew with it for ever; what it decided is in no journal
                    _log.exception("command %s (%s) ended by a fault of the program", command.id, command.verb)
                    events = [order.failed(f"fault: {type(fault).__name__}; the log says more")]
            else:
                events = [_refusal(command.id, verdict)]
            await context.emit(*events, advance=(OWNER, seq))
        self._passed = seq

    async def run_lanes(self) -> None:
        """Carry out the staged verbs for ever; call after `bury`."""
        async with asyncio.TaskGroup() as group:
            for lane in self._lanes.values():
                group.create_task(lane.run())

    async def bury(self) -> None:
        """End as `unknown` what was passed, or lay in another journal, without an end: nobody can say whether it was done.

        But for a staged verb that recalls it. What is staged and was not passed is taken up.
        """
        epoch = self._context.journal.epoch
        lost = [
            await self._lanes[known.verb].end_of(known.id)
            if known.verb in self._lanes
            else CommandFinished(id=known.id, state="unknown", reason=LOST)
            for known in self._ledger.unfinished()
            if known.epoch != epoch or self._is_lost(known.verb, known.seq)
        ]
        if lost:
            await self._context.emit(*lost)
        for lane in self._lanes.values():
            lane.begin(self._ledger.unfinished())

    def _is_lost(self, verb: str, seq: int) -> bool:
        if verb in self._lanes:
            return self._lanes[verb].is_passed(seq) or seq < self._context.journal.first_seq()
        return verb in OWNED and self.is_passed(seq)


def _refusal(command: str, verdict: Verdict) -> Struct:
    return CommandFinished(id=command, state="expired" if verdict.state == "expired" else "refused", reason=verdict.reason)
