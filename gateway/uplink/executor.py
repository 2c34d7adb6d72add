"""The commands that the uplink owns itself, because they touch nothing but the journal: announce, withdraw, acknowledge, ping.

What a command does and its end are one transaction with the owner's cursor, so that a kill leaves either all or nothing.
A verb with an effect outside the journal has an owner elsewhere, who moves his cursor before he acts.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from appliance.core.catalogue import AlarmAcknowledged, AnnouncementEnded, AnnouncementShown, CommandFinished, CommandReceived
from appliance.core.clock import rfc3339
from appliance.core.command import Acknowledge, Announce, Verdict, Withdraw, args_of, judge
from appliance.floor_view import FloorView
from appliance.service import Context
from gateway.uplink.ledger import Ledger

#: The transformer's cursor.
OWNER: Final = "uplink.commands"
OWNED: Final = frozenset({"announce", "withdraw", "acknowledge", "ping"})


class Executor:
    """Runs received commands, each at most once, in the order of the journal."""

    def __init__(self, context: Context, ledger: Ledger, view: FloorView) -> None:
        self._context, self._ledger, self._view = context, ledger, view
        self._passed = context.journal.transformed(OWNER).seq

    def is_passed(self, seq: int) -> bool:
        """Has the owner's cursor gone by this row?"""
        return seq <= self._passed

    async def run(self, seq: int, command: CommandReceived) -> None:
        """Run the command received at `seq`, or say why not. Raises FullError when the journal takes nothing."""
        context = self._context
        if command.verb not in OWNED or self.is_passed(seq):
            return
        verdict = judge(
            command.verb,
            command.args,
            command.expires,
            allow=context.config.commands.allow,
            owned=OWNED,
            now_ns=context.clock.wall_ns(),
            quality=context.clock.quality(),
        )
        events = self._effect(seq, command) if verdict.state == "run" else [_refusal(command.id, verdict)]
        await context.emit(*events, advance=(OWNER, seq))
        self._passed = seq

    async def bury(self) -> None:
        """End as `unknown` what was passed, or lay in another journal, without an end: nobody can say whether it was done."""
        epoch = self._context.journal.epoch
        lost = [
            CommandFinished(id=known.id, state="unknown", reason="the box stopped while the command was under way")
            for known in self._ledger.unfinished()
            if known.epoch != epoch or (known.verb in OWNED and self.is_passed(known.seq))
        ]
        if lost:
            await self._context.emit(*lost)

    def _effect(self, seq: int, command: CommandReceived) -> list[Struct]:
        args = args_of(command.verb, command.args)
        if isinstance(args, Announce):
            shown = AnnouncementShown(
                id=command.id, text=args.text, severity=args.severity, begins=args.begins, until=args.until, boards=args.boards
            )
            return [shown, CommandFinished(id=command.id, state="done", result={"announcement": command.id})]
        if isinstance(args, Withdraw):
            self._view.catch_up()
            if args.announcement not in self._view.floor.state.announcements:
                reason = f"unknown_announcement: none here is called {args.announcement}"
                return [CommandFinished(id=command.id, state="failed", reason=reason)]
            return [AnnouncementEnded(id=args.announcement), CommandFinished(id=command.id, state="done")]
        if isinstance(args, Acknowledge):
            return self._acknowledged(args.alarm, command)
        result = {"time": rfc3339(self._context.clock.wall_ns()), "seq": seq}
        return [CommandFinished(id=command.id, state="done", result=result)]

    def _acknowledged(self, alarm: str, command: CommandReceived) -> list[Struct]:
        """A person has seen what stands; what he saw before somebody else did is done as well, and told with whose time counts."""
        self._view.catch_up()
        known = self._view.floor.state.alarms.get(alarm)
        if known is None:
            reason = f"unknown_alarm: no alarm {alarm} is raised"
            return [CommandFinished(id=command.id, state="failed", reason=reason)]
        result = {"alarm": alarm, "level": known.level, "since": known.since}
        if known.acknowledged is not None:
            return [CommandFinished(id=command.id, state="done", result={**result, "acknowledged": known.acknowledged})]
        return [AlarmAcknowledged(alarm=alarm, by=command.who or command.by), CommandFinished(id=command.id, state="done", result=result)]


def _refusal(command: str, verdict: Verdict) -> Struct:
    return CommandFinished(id=command, state="expired" if verdict.state == "expired" else "refused", reason=verdict.reason)
