"""Decides how verbs whose commands take a while are carried out: begun in the journal's order, each at most once, several under way.

The cursor is on disk at a command's row before anything is touched. Behind it a second one says up to where every command has its end: what
stands between the two without an end when a process begins was under way in one that died, and is `unknown`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence
from typing import Any, Final, Literal, Protocol

from msgspec import Struct

from appliance.command_row import COMMAND, end_in, received_in
from appliance.core.catalogue import CommandFinished, CommandReceived
from appliance.core.clock import NS
from appliance.core.command import Verdict, args_of
from appliance.core.errors import CallfloorError, TransientError
from appliance.core.event import Entry, Stored
from appliance.core.journal import PAGE, Cursor
from appliance.service import Context

_log = logging.getLogger(__name__)

#: So many are under way at once; what comes meanwhile waits in the journal, and may expire there.
MOST: Final = 64
_WAIT_S: Final = 1.0
_SAVE_S: Final = 60.0
#: At most so many looks a second, however fast the journal grows.
_REST_S: Final = 0.02
_IDS: Final = 10_000
#: A command waits so long for an earlier one of the same agent or call to be taken by the hardware.
_TURN_S: Final = 5.0
#: A verdict older than this is asked for again.
_STALE_S: Final = 1.0


class Ended(Struct, frozen=True):
    """How a command ended. `also`: events that are told with its end, in one append."""

    state: Literal["done", "failed", "expired", "refused", "unknown"]
    reason: str | None = None
    result: dict[str, Any] | None = None
    also: tuple[Struct, ...] = ()


class Given(Struct, frozen=True, kw_only=True):
    """A command on its way to whoever carries it out: `args` are the verb's, checked. `accepted`: call it once the hardware has it."""

    id: str
    verb: str
    args: Any
    age_s: float
    accepted: Callable[[], None]


class Worker(Protocol):
    """Who carries commands out."""

    verbs: Collection[str]

    def key(self, verb: str, args: Any) -> str:
        """Whom or what it touches: commands of one key reach the hardware in their order."""
        ...

    def judge(self, command: CommandReceived, row: Stored, age_s: float) -> Verdict:
        """Whether it may be carried out now. Asked once per command, unless the disk keeps it waiting: it may count."""
        ...

    async def ready(self) -> None:
        """Wait for the hardware for a moment, where there is hope."""
        ...

    async def carry_out(self, given: Given) -> Ended:
        """Do it and see what becomes of it."""
        ...

    def lost(self, command: CommandReceived) -> Sequence[Struct]:
        """What is told with the `unknown` end of a command that was under way in a process that died."""
        ...


class CommandCrew:
    """The owner of some verbs. `sink` names its cursors."""

    def __init__(self, context: Context, sink: str, worker: Worker, *, most: int = MOST, full_s: float = 1.0) -> None:
        """`full_s`: how long to wait before a full journal is tried again."""
        self._context, self._sink, self._worker, self._most, self._full_s = context, sink, worker, most, full_s
        journal = context.journal
        self._epoch = journal.epoch
        passed, done = journal.cursor(sink), journal.cursor(f"{sink}.done")
        self._passed = passed.seq if passed.epoch == journal.epoch else 0
        self._done = self._saved = done.seq if done.epoch == journal.epoch else 0
        self._saved_s = 0.0
        self._at = self._done
        self._ids: dict[str, None] = {}
        self._ended: set[str] = set()
        self._open: dict[int, asyncio.Task[None]] = {}
        self._turns: dict[str, asyncio.Event] = {}

    @property
    def under_way(self) -> int:
        """How many are."""
        return len(self._open)

    async def run(self) -> None:
        """Follow the journal until cancelled; what is under way then is for the next start to end.

        Raises TransientError once another journal took the place of this one: its rows are others, from its first on.
        """
        try:
            await self._bury()
            while True:
                self._context.watch.progress()
                self._same_journal()
                if await self.page():
                    await asyncio.sleep(0)
                    continue
                await self._save_lazily()
                if await self._context.journal.wait(self._at, _WAIT_S):
                    await asyncio.sleep(_REST_S)
        finally:
            tasks = list(self._open.values())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def page(self) -> bool:
        """Handle one page; whether there may be another."""
        rows = self._context.journal.read(self._at, PAGE)
        for at, entry in enumerate(rows):
            if entry.body.startswith(COMMAND):
                await self._handle(entry, rows[at + 1] if at + 1 < len(rows) else None)
            self._at = entry.seq
        return len(rows) == PAGE

    async def _bury(self) -> None:
        """Read what may be without an end, and end as `unknown` what an earlier process had begun."""
        lost: dict[str, CommandReceived] = {}
        after = self._done
        while rows := self._context.journal.read(after, PAGE):
            for entry in rows:
                if (found := received_in(entry, self._worker.verbs)) is not None and entry.seq <= self._passed:
                    lost[found[1].id] = found[1]
                    self._remember(found[1].id)
                elif (end := end_in(entry)) is not None:
                    self._ended.add(end.id)
            after = rows[-1].seq
            self._context.watch.progress()
            await asyncio.sleep(0)
        for name, command in lost.items():
            if name not in self._ended:
                reason = "the box stopped while the command was under way: nobody can say what became of it"
                await self._emit(*self._worker.lost(command), CommandFinished(id=name, state="unknown", reason=reason))
        self._at = max(self._done, self._passed)

    async def _handle(self, entry: Entry, after: Entry | None) -> None:
        found = received_in(entry, self._worker.verbs)
        if found is None:
            return
        row, command = found
        if command.id in self._ids:
            return
        self._remember(command.id)
        if command.id in self._ended or self._refused_at_the_door(entry, command, after):
            self._ended.discard(command.id)
            return
        try:
            args = args_of(command.verb, command.args)
        except ValueError as fault:
            await self._emit(CommandFinished(id=command.id, state="refused", reason=f"bad_args: {fault}"))
            return
        key = self._worker.key(command.verb, args)
        await self._turn(key)
        await self._worker.ready()
        self._same_journal()
        # What is not carried out is not passed: killed here, it is judged again at the next start and still ends with its reason.
        judged_s = self._age_s(row)
        verdict = self._worker.judge(command, row, judged_s)
        if verdict.state == "run":
            await self._pass(entry.seq)
            if self._age_s(row) - judged_s > _STALE_S:  # the disk kept it waiting: its time may be over
                verdict = self._worker.judge(command, row, self._age_s(row))
        if verdict.state != "run":
            await self._emit(CommandFinished(id=command.id, state=verdict.state, reason=verdict.reason))
            return
        age_s = self._age_s(row)
        turn = self._turns[key] = asyncio.Event()
        given = Given(id=command.id, verb=command.verb, args=args, age_s=age_s, accepted=turn.set)
        self._open[entry.seq] = asyncio.create_task(self._carry_out(entry.seq, key, turn, given, command), name=f"command {command.verb}")

    def _refused_at_the_door(self, entry: Entry, command: CommandReceived, after: Entry | None) -> bool:
        """Its end stands beside it: they were appended in one."""
        if after is None:
            after = next(iter(self._context.journal.read(entry.seq, 1)), None)
        end = end_in(after) if after is not None else None
        return end is not None and end.id == command.id

    async def _turn(self, key: str) -> None:
        """Wait for room, and until the hardware has what was asked before for the same key."""
        while len(self._open) >= self._most:
            await asyncio.wait(self._open.values(), timeout=_WAIT_S, return_when=asyncio.FIRST_COMPLETED)
            self._context.watch.progress()
        before = self._turns.get(key)
        if before is not None and not before.is_set():
            try:
                async with asyncio.timeout(_TURN_S):
                    await before.wait()
            except TimeoutError:
                _log.warning("a command of the same agent or call was not taken within %g s; the next is begun", _TURN_S)

    async def _carry_out(self, seq: int, key: str, turn: asyncio.Event, given: Given, command: CommandReceived) -> None:
        try:
            ended = await self._worker.carry_out(given)
        except Exception as fault:
            _log.exception("command %s (%s) ended by a fault of the program", given.id, given.verb)
            ended = Ended("unknown", f"fault: {type(fault).__name__}; the log says more", None, tuple(self._worker.lost(command)))
        finally:
            turn.set()
            if self._turns.get(key) is turn:
                del self._turns[key]
        await self._emit(*ended.also, CommandFinished(id=given.id, state=ended.state, reason=ended.reason, result=ended.result))
        del self._open[seq]

    def _age_s(self, row: Stored) -> float:
        clock = self._context.clock
        if row.boot == clock.boot:
            return (clock.mono_ns() - row.mono_ns) / NS
        return max(0.0, (clock.wall_ns() - row.wall_ns) / NS)

    def _remember(self, command: str) -> None:
        self._ids[command] = None
        while len(self._ids) > _IDS:
            del self._ids[next(iter(self._ids))]

    async def _pass(self, seq: int) -> None:
        """Have the cursor at this row, on disk. While that cannot be, nothing is carried out."""
        while True:
            try:
                await self._save(self._sink, seq)
            except OSError as fault:
                _log.error("a command must wait, its cursor cannot be saved: %s", fault)
                self._context.watch.progress()
                await asyncio.sleep(self._full_s)
            else:
                self._passed = seq
                return

    def _same_journal(self) -> None:
        if (epoch := self._context.journal.epoch) != self._epoch:
            raise TransientError(f"the journal {self._epoch} was replaced by {epoch}: the commands are taken up anew")

    async def _save(self, sink: str, seq: int) -> None:
        await asyncio.to_thread(self._context.journal.save, sink, Cursor(self._epoch, seq))

    async def _save_lazily(self) -> None:
        """Up to where every command has its end, so that a start need not read further back."""
        now_s = self._context.clock.mono_ns() / NS
        done = min(self._open, default=self._at + 1) - 1
        if done == self._saved or now_s - self._saved_s < _SAVE_S:
            return
        self._saved_s = now_s
        try:
            await self._save(f"{self._sink}.done", done)
            self._saved = done
        except OSError as fault:
            _log.warning("the place of the commands could not be saved; tried again in a while: %s", fault)

    async def _emit(self, *told: Struct) -> None:
        """The end of a command is told however long the journal is full or away."""
        while True:
            try:
                await self._context.emit(*told)
            except CallfloorError as fault:
                _log.error("the end of a command must wait: %s", fault)
                self._context.watch.progress()
                await asyncio.sleep(self._full_s)
            else:
                return
