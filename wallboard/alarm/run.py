"""Decides how the alarm watch of a box lives: it rides on the boards' loop, looks once a second at most, and appends what changes.

One process of a box watches: the service that drives its boards, and of two of those the one that came first (a lock of the kernel's, as
every service has). Every other reads what stands from the snapshot.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Final, Protocol

from msgspec import Struct

from appliance.core.alive import Alive
from appliance.core.catalogue import AlarmCleared, AlarmRaised
from appliance.core.clock import NS
from appliance.core.errors import CallfloorError
from appliance.core.journal import BATCH
from appliance.floor.snapshot import Snapshot
from appliance.service import Context
from wallboard.alarm.watch import Change, Watch

_log = logging.getLogger(__name__)
#: The loop turns at least once a second; a little less lets each of those turns look.
_LOOK_EVERY_NS: Final = 950_000_000
#: Nothing was folded, nobody waits and nothing is about to turn: then only the clock can bring news (a new day, the opening hours).
_IDLE_EVERY_NS: Final = 10 * NS
_LEAVE_S: Final = 2.0


class Boards(Protocol):
    """What the watch needs of `wallboard.stream.feed.Feed`."""

    def snapshot(self) -> Snapshot:
        """The floor now, not older than a second."""
        ...


class AlarmRun:
    """The watch over one floor. Everything happens on the loop's thread; nothing is waited for."""

    def __init__(self, context: Context, boards: Boards) -> None:
        self._context, self._boards = context, boards
        self._watch = Watch(context.config)
        self._looked_ns = context.clock.mono_ns() - _IDLE_EVERY_NS
        self._seq = self._left_out = 0
        self._waiting = False
        self._append: asyncio.Task[int] | None = None
        self._appended_seq = 0
        self._epoch = context.journal.epoch
        self._refused = False
        self._run_dir: Path | None = getattr(context.journal, "run_dir", None)
        self._alive: Alive | None = None
        self._asked_ns = 0

    def turn(self, seq: int) -> None:
        """Look whether an alarm changes. Call after each fold and at least once a second; `seq` is the row that the fold stands at.

        What the journal does not take is tried again.
        """
        now_ns = self._context.clock.mono_ns()
        if not self._is_settled(seq):
            return
        idle = seq == self._seq and not self._waiting and not self._watch.is_turning
        if now_ns - self._looked_ns < (_IDLE_EVERY_NS if idle else _LOOK_EVERY_NS):
            return
        if not self._is_ours(now_ns):
            return
        snapshot = self._boards.snapshot()
        self._looked_ns, self._seq, self._waiting = now_ns, seq, bool(snapshot.floor.waiting)
        changes = self._watch.evaluate(snapshot, now_ns)[:BATCH]  # the others are due again at the next look
        if changes:
            self._append = asyncio.create_task(self._context.emit(*map(event_of, changes), name="alarm"))
        if self._watch.left_out != self._left_out:
            self._left_out = self._watch.left_out
            _log.warning(
                "too many alarms stand at once; more are not raised (%d so far): are the thresholds in [alarm] right?", self._left_out
            )

    async def leave(self) -> None:
        """Let an append that is under way end."""
        if self._append is not None and not self._append.done():
            await asyncio.wait({self._append}, timeout=_LEAVE_S)
            self._append.cancel()
        if self._alive is not None:
            self._alive.close()
            self._alive = None

    def _is_ours(self, now_ns: int) -> bool:
        """Whether no other process of this box watches; asked again now and then while one does."""
        if self._alive is not None or self._run_dir is None:
            return True
        if now_ns < self._asked_ns:
            return False
        try:
            self._alive = Alive.open(self._run_dir, "alarms")
        except BlockingIOError:
            if not self._asked_ns:
                _log.warning("another process of this box watches the alarms; this one shows them, and takes over when that one ends")
            self._asked_ns = now_ns + _IDLE_EVERY_NS
            return False
        return True

    def _is_settled(self, seq: int) -> bool:
        """Whether the fold holds everything that was appended here: only then is what the snapshot says the last word."""
        if self._append is not None:
            if not self._append.done():
                return False
            append, self._append = self._append, None
            try:
                self._appended_seq, self._refused = append.result(), False
            except CallfloorError as fault:  # the change is due again at the next look
                if not self._refused:
                    _log.error("an alarm cannot be recorded, and is tried again: %s", fault)
                self._refused = True
        if self._context.journal.epoch != self._epoch:
            self._epoch, self._appended_seq = self._context.journal.epoch, 0
        return seq >= self._appended_seq


def event_of(change: Change) -> Struct:
    """A change as the catalogue has it."""
    return AlarmCleared(alarm=change.alarm) if change.level == "none" else AlarmRaised(alarm=change.alarm, level=change.level)
