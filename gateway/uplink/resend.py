"""Carries out `resend`: events that the journal still holds go to the CRM once more, by delivery number, in order, marked `late`.

It has the last word on the connection: states and replies go first, then the ordinary lane with all that is due, and what is asked
for again only while nothing of that waits. It is in no account and moves no cursor of the lane.

Each command at most once, one after another in the journal's order: this owner's cursor is on disk at a command's row before its
first event is sent. What was passed and has no end is `unknown` after a restart, and may be asked for under another id; what was not
passed is taken up. A connection that is lost meanwhile is no end: it goes on with the oldest event that was not acknowledged.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from appliance.core.catalogue import CommandFinished, CommandReceived
from appliance.core.command import Resend, args_of, judge
from appliance.core.errors import CallfloorError
from appliance.core.event import Entry, stored_from_body
from appliance.core.journal import PAGE, Cursor, Journal
from appliance.service import Context
from gateway.uplink.chain import Chain
from gateway.uplink.envelope import Envelope
from gateway.uplink.ledger import Known
from gateway.uplink.mqtt import Link
from gateway.uplink.pump import NO_CONSUMER, Pump

_log = logging.getLogger(__name__)

VERB: Final = "resend"
#: The owner's cursor.
SINK: Final = "uplink.resend"
#: So many wait behind the one that is under way; another is told to come later.
WAITING: Final = 16
#: At most so many of them are with the broker at a time: the live lane waits behind no more.
UNDER_WAY: Final = 32
_LOOK_S: Final = 0.25
#: Where permits are what is waited for: a few then go together.
_PERMIT_S: Final = 0.025
_RETRY_S: Final = 1.0
#: So many numbers that the broker would not take are named in the reply.
_NAMED: Final = 20
#: These tell that the event is the trouble: the next one may be taken.
_POISON: Final = frozenset({0x90, 0x95, 0x99})
_RECEIVED: Final = msgspec.json.Decoder(CommandReceived)


class _StoppedError(Exception):
    """It cannot go on: why, and what the reply has beside it."""

    def __init__(self, reason: str, result: dict[str, object]) -> None:
        super().__init__(reason)
        self.result = result


class Resender:
    """The owner of the verb, and the third lane of the connection."""

    def __init__(self, context: Context, envelope: Envelope, pump: Pump, *, room: Callable[[], int], flush: Callable[[], None]) -> None:
        """`room`: messages that the broker takes now; `flush`: let all lanes send, this one by `fill`."""
        self._context, self._envelope, self._pump = context, envelope, pump
        self._room, self._flush = room, flush
        crm = context.config.crm
        self._owned = {VERB} if crm is not None and crm.url else set[str]()
        self._strict = pump.requires_consumer
        saved = context.journal.cursor(SINK)
        self._passed = saved.seq if saved.epoch == context.journal.epoch else 0
        self._queue: deque[tuple[int, CommandReceived]] = deque()
        self._begun = False
        self._news = asyncio.Event()
        self._link: Link | None = None
        self._todo: deque[Entry] = deque()
        self._flight: dict[int, Entry] = {}
        self._chain = Chain(context.journal)
        self._sent = self._purged = 0
        self._refused: list[int] = []
        self._fault: _StoppedError | None = None

    @property
    def under_way(self) -> int:
        """Messages that the broker owes an answer for."""
        return len(self._flight)

    # -- commands ----------------------------------------------------------------------------------------------

    async def begin(self, unfinished: Iterable[Known]) -> None:
        """Take up what was received and has no end. Call once, when all earlier commands are known, before `put`."""
        journal = self._context.journal
        for known in unfinished:
            if known.verb != VERB or known.epoch != journal.epoch:
                continue
            row = journal.read(known.seq - 1, 1)
            if known.seq > self._passed and row and row[0].seq == known.seq:
                self._queue.append((known.seq, _RECEIVED.decode(stored_from_body(row[0].body).data)))
            else:
                await self._told(CommandFinished(id=known.id, state="unknown", reason="the box stopped while it was under way"))
        self._begun = True
        self._news.set()

    async def put(self, seq: int, command: CommandReceived) -> None:
        """A command of this verb was received. Raises FullError when the journal takes nothing."""
        if not self._begun:
            return  # `begin` finds it
        if len(self._queue) >= WAITING:
            await self._context.emit(_end(command, "failed", f"busy: {WAITING} others wait already; ask again when one of them is done"))
            return
        self._queue.append((seq, command))
        self._news.set()

    async def run(self) -> None:
        """Carry them out, one after another, for ever."""
        while True:
            while not (self._queue and (self._link is not None or not self._owned)):
                self._news.clear()
                await self._news.wait()
            seq, command = self._queue[0]
            end = await self._one(seq, command)
            await self._told(end)
            self._queue.popleft()

    async def _one(self, seq: int, command: CommandReceived) -> CommandFinished:
        context = self._context
        verdict = judge(
            VERB,
            command.args,
            command.expires,
            allow=context.config.commands.allow,
            owned=self._owned,
            now_ns=context.clock.wall_ns(),
            quality=context.clock.quality(),
        )
        if verdict.state != "run":
            return _end(command, verdict.state, verdict.reason)
        args = args_of(VERB, command.args)
        assert isinstance(args, Resend)
        try:
            begin = await self._held(args)
            await self._pass(seq)
            await self._send(args, begin)
        except _StoppedError as fault:
            return _end(command, "failed", str(fault), fault.result)
        return _end(command, "done", None, {"from": args.first, "to": args.last, **self._counts()})

    async def _held(self, args: Resend) -> int:
        """The row of the first number. Raises _StoppedError unless all of them are held."""
        journal = self._context.journal
        head = journal.head()
        if args.epoch is not None and args.epoch != head.epoch:
            raise _StoppedError(f"unknown_epoch: this journal is {head.epoch}", {"epoch": head.epoch})
        rows = await asyncio.to_thread(journal.read_n, args.first, args.first) if args.last <= head.n else []
        if not rows or rows[0].n != args.first:
            raise await self._not_held()
        return rows[0].seq

    async def _not_held(self) -> _StoppedError:
        first, last = await asyncio.to_thread(held_numbers, self._context.journal)
        text = f"the numbers {first} to {last} of this epoch are held" if first else "no number of this epoch is held"
        return _StoppedError(f"not_held: {text}", {"first": first, "last": last, "epoch": self._context.journal.epoch})

    async def _pass(self, seq: int) -> None:
        """Have the cursor at this row, on disk. While that cannot be, nothing is sent."""
        journal = self._context.journal
        while True:
            try:
                await asyncio.to_thread(journal.save, SINK, Cursor(journal.epoch, seq))
            except (CallfloorError, OSError) as fault:
                _log.error("a resend must wait, its cursor cannot be saved: %s", fault)
                await asyncio.sleep(_RETRY_S)
            else:
                self._passed = seq
                return

    async def _told(self, end: CommandFinished) -> None:
        while True:
            try:
                await self._context.emit(end)
            except CallfloorError as fault:
                _log.error("the end of a resend must wait: %s", fault)
                await asyncio.sleep(_RETRY_S)
            else:
                return

    # -- the lane ----------------------------------------------------------------------------------------------

    def attach(self, link: Link) -> None:
        """A connection stands."""
        self._link = link
        self._news.set()

    def detach(self) -> None:
        """The connection is gone: what it had not acknowledged is sent again on the next."""
        self._link = None
        self._todo.extendleft(sorted(self._flight.values(), key=lambda entry: entry.seq, reverse=True))
        self._flight.clear()
        self._news.set()

    def settled(self, mid: int, code: int) -> bool:
        """The broker answered; False when it was no message of this lane."""
        entry = self._flight.pop(mid, None)
        if entry is None:
            return False
        n = entry.n or 0
        if code == NO_CONSUMER and self._strict and self._pump.is_wanted(entry):
            self._stop(f"no_consumer: nobody subscribes to what number {n} is published under", n)
        elif code in _POISON:
            self._refused.append(n)
        elif code >= 0x80:
            self._stop(f"the broker refuses number {n}: {code:#04x}", n)
        else:
            self._sent += 1
            self._purged += entry.body.startswith(b'{"k":"journal.purged"')
        self._news.set()
        return True

    def fill(self) -> None:
        """Send what may be sent now. Cheap when there is nothing to do."""
        link, pump = self._link, self._pump
        if link is None or not self._todo or self._fault is not None:
            return
        while self._todo and link.is_open and len(self._flight) < min(UNDER_WAY, pump.window.open) and pump.is_caught_up:
            if self._room() <= 0 or pump.pace.room(asyncio.get_running_loop().time()) <= 0:
                return
            if not self._publish(link, self._todo.popleft()):
                return

    def _publish(self, link: Link, entry: Entry) -> bool:
        """False when the connection takes nothing now."""
        n = entry.n or 0
        try:
            row = stored_from_body(entry.body)
        except msgspec.DecodeError:
            self._refused.append(n)
            return True
        previous = self._chain.before(entry) if row.kind.startswith("headset.") else None
        field, payload = self._envelope.stored(row, entry.seq, n, True, previous)
        topic = field[2:].decode()
        if not link.fits(topic, payload):
            self._refused.append(n)
            return True
        mid = link.publish(topic, payload)
        if mid is None:
            self._todo.appendleft(entry)
            return False
        self._pump.pace.spent(1)
        self._flight[mid] = entry
        return True

    async def _send(self, args: Resend, begin: int) -> None:
        """Until all are acknowledged. Raises _StoppedError when it cannot go on."""
        self._sent = self._purged = 0
        self._refused, self._fault = [], None
        self._chain = Chain(self._context.journal)
        at, due = begin - 1, args.first
        try:
            while due <= args.last:
                rows = self._context.journal.read(at, PAGE)
                page = [row for row in rows if row.n is not None and row.n <= args.last]
                if not rows or rows[0].seq != at + 1 or (page and page[0].n != due):
                    raise _StoppedError(f"not_held: number {due} went from the journal meanwhile", {"next": due, **self._counts()})
                at = rows[-1].seq
                if not page:
                    await asyncio.sleep(0)
                    continue
                due += len(page)
                self._todo.extend(page)
                await self._until(lambda: self._fault is not None or not self._todo)
                if self._fault is not None:
                    break
            await self._until(lambda: not self._flight and (self._fault is not None or not self._todo))
            if self._fault is not None:
                raise self._fault
        finally:
            self._todo.clear()

    def _stop(self, reason: str, n: int) -> None:
        if self._fault is None:
            self._fault = _StoppedError(reason, {"next": n, **self._counts()})

    def _counts(self) -> dict[str, object]:
        counts: dict[str, object] = {"sent": self._sent}
        if self._purged:
            counts["purged"] = self._purged
        if self._refused:
            counts["refused"] = len(self._refused)
            counts["refused_numbers"] = self._refused[:_NAMED]
        return counts

    def _look_s(self) -> float:
        paced = self._link is not None and self._todo and self._pump.pace.room(asyncio.get_running_loop().time()) <= 0
        return min(_LOOK_S, max(self._pump.pace.wait_s(), _PERMIT_S)) if paced else _LOOK_S

    async def _until(self, done: Callable[[], bool]) -> None:
        """Wait until something is so; the lanes are made to look now and then, since permits come by time alone."""
        while not done():
            self._news.clear()
            self._flush()
            if done():
                return
            try:
                async with asyncio.timeout(self._look_s()):
                    await self._news.wait()
            except TimeoutError:
                continue


def held_numbers(journal: Journal, pages: int | None = None) -> tuple[int | None, int | None]:
    """The first and the last delivery number of this epoch that the journal holds; None where it holds none. Blocks.

    `pages`: look at so many from the oldest row on, at most.
    """
    last, at = journal.head().n, journal.first_seq() - 1
    while last and pages != 0 and (rows := journal.read(at)):
        first = next((row.n for row in rows if row.n is not None), None)
        if first is not None:
            return first, last
        at, pages = rows[-1].seq, None if pages is None else pages - 1
    return None, None


def _end(command: CommandReceived, state: str, reason: str | None, result: dict[str, object] | None = None) -> CommandFinished:
    return CommandFinished(id=command.id, state=state, reason=reason, result=result)  # type: ignore[arg-type]
