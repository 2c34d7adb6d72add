"""Opens and closes callbacks as calls come and go: reads the journal behind a cursor of its own, and appends what the rules make of it.

What is told and the cursor are one transaction: a kill neither doubles nor loses a callback. It runs without a CRM. A callback that is
still open when its row is about to leave the journal is told again; one whose number went (docs/privacy.md) is given up.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Iterable
from typing import Final

import msgspec
from msgspec import Struct

from appliance.core.callers import MARK
from appliance.core.catalogue import CallbackClaimed, CallbackOpened, event_from_stored
from appliance.core.clock import NS
from appliance.core.errors import FullError, TransientError
from appliance.core.event import Entry, Stored, stored_from_body
from appliance.core.journal import BATCH, PAGE
from appliance.floor.callback import CallbackFold, is_kept
from appliance.floor.callback_rule import KINDS, LEFT_NS, CallbackRules, Ended, Open
from appliance.floor_view import FloorView
from appliance.service import Context

_log = logging.getLogger(__name__)

#: The transformer's cursor.
OWNER: Final = "uplink.callbacks"
_NAME: Final = "callbacks"
_WAIT_S: Final = 1.0
_RETRY_S: Final = 1.0
_SWEEP_S: Final = 60.0
#: Decided on in one go.
_ROWS: Final = 100
#: So much of the oldest part of the journal may go before the next look at it.
_MARGIN: Final = 0.05
#: Who left a queue is looked for in so many rows before the cursor at most.
_BACK_ROWS: Final = 20_000
#: Where nothing is told the cursor is only written so often: what is read twice comes to nothing twice.
_CURSOR_ROWS: Final = 10_000
#: What one row may come to at most: an answer that was too low, its callback, one too many given up.
_OF_ONE_ROW: Final = 4
_WANTED: Final = tuple(f'{{"k":"{kind}"'.encode() for kind in KINDS)
_OPENED: Final = b'{"k":"callback.opened"'
_FORGOTTEN: Final = b'{"k":"privacy.forgotten"'
_DAY_NS: Final = 86_400 * NS


def is_asked(context: Context) -> bool:
    """Whether there is anything to do: callbacks are kept, or answers have a limit."""
    return is_kept(context.config) or bool(context.config.satisfaction.limit)


class Callbacks:
    """The one writer of `callback.opened` and `call.dissatisfied`. `turn` keeps commands from deciding between a decision and its row."""

    def __init__(self, context: Context, view: FloorView, turn: asyncio.Lock) -> None:
        self._context, self._view, self._turn = context, view, turn
        journal = context.journal
        self._rules = CallbackRules(context.config, journal.epoch)
        self._at = self._saved = journal.transformed(OWNER).seq
        self._fold: CallbackFold | None = None
        #: Decided, and not in the journal yet: each with the row up to which it was decided.
        self._due: deque[tuple[list[Struct], int]] = deque()
        self._turned_s = self._swept_s = 0.0
        self._withheld = context.meter.counter(
            "callfloor_callbacks_withheld", "Callers who were not served and told no number that can be called back."
        )

    async def run(self, ready: asyncio.Event) -> None:
        """Follow for ever. `ready`: the view is folded up to the journal's end."""
        await ready.wait()
        journal, watch = self._context.journal, self._context.watch
        await self._view.reach_end(watch.progress)
        await self._begin()
        loop = asyncio.get_running_loop()
        while True:
            watch.progress()
            try:
                await self._view.reach_end(watch.progress)
                more = await self._page()
                if loop.time() - self._turned_s >= _WAIT_S:
                    self._turned_s = loop.time()
                    await self._turned()
                if loop.time() - self._swept_s >= _SWEEP_S:
                    self._swept_s = loop.time()
                    await self._sweep()
            except (FullError, TransientError) as fault:
                _log.error("callbacks wait, the journal takes nothing: %s", fault)
                await asyncio.sleep(_RETRY_S)
                continue
            if more:
                await asyncio.sleep(0)  # screen pops go by the same loop
            else:
                await journal.wait(self._at, _WAIT_S)

    async def _begin(self) -> None:
        """Take up what is open, and who left a queue within the last minute before the cursor and was not told yet."""
        journal = self._context.journal
        self._learn()
        at = self._back()
        while self._at and (rows := journal.read(at)):
            for entry in rows:
                if entry.body.startswith(_OPENED) or (entry.seq <= self._at and entry.body.startswith(_WANTED)):
                    data, at_ns = self._decoded(entry)
                    self._rules.watch(entry.seq, data, at_ns)
            at = rows[-1].seq
            self._context.watch.progress()
            await asyncio.sleep(0)
        self._fold = None  # rows that went while this was read: all anew

    def _back(self) -> int:
        """The row behind which to begin."""
        journal, at = self._context.journal, self._at
        rows = journal.read(at - 1, 1) if at else []
        if not rows:
            return at
        from_ns = self._dated(stored_from_body(rows[0].body)) - LEFT_NS
        while at > max(0, self._at - _BACK_ROWS):
            rows = journal.read(max(0, at - PAGE), 1)
            at = max(0, at - PAGE)
            if not rows or self._dated(stored_from_body(rows[0].body)) < from_ns:
                break
        return at

    # -- one step after another ----------------------------------------------------------------------------------------

    async def _page(self) -> bool:
        """Decide on what came, so many rows at most, and tell it; whether there may be more."""
        async with self._turn:
            await self._tell_due()
            rows = self._context.journal.read(self._at, _ROWS)
            if not any(entry.body.startswith((*_WANTED, _FORGOTTEN)) for entry in rows):
                self._at = rows[-1].seq if rows else self._at
                if self._at - self._saved >= _CURSOR_ROWS:
                    self._due.append(([], self._at))
                    await self._tell_due()
                return len(rows) == _ROWS
            self._learn()
            told: list[Struct] = []
            now_ns, withheld = self._view.now_ns(), self._rules.withheld
            for entry in rows:
                if entry.body.startswith(_WANTED):
                    data, at_ns = self._decoded(entry)
                    told += self._rules.feed(entry.seq, data, at_ns, now_ns)
                elif entry.body.startswith(_FORGOTTEN):
                    self._swept_s = 0.0
                self._at = entry.seq
                if len(told) > BATCH - _OF_ONE_ROW:
                    break
            self._withheld.add(self._rules.withheld - withheld)
            await self._tell(told)
            return self._at < rows[-1].seq or len(rows) == _ROWS

    async def _turned(self) -> None:
        """What time brings."""
        async with self._turn:
            await self._tell_due()
            self._learn()
            await self._tell(self._rules.turn(self._view.now_ns()))

    async def _sweep(self) -> None:
        """Look at the rows that hold the numbers: what goes from the journal is told again, whose number went is given up."""
        async with self._turn:
            self._learn()
            held = {key: state.row for key, state in self._view.floor.state.callbacks.open.items()}
        rows = await asyncio.to_thread(self._rows, held)
        journal = self._context.journal
        first, head = journal.first_seq(), journal.head().seq
        edge = first + _MARGIN * (head - first) if first > 1 else 0
        async with self._turn:
            await self._tell_due()
            self._learn()
            told: list[Struct] = []
            for key, row in rows.items():
                one = self._rules.open.get(key)
                state = self._view.floor.state.callbacks.open.get(key)
                if one is None or state is None or state.row != held[key]:
                    continue  # told anew meanwhile
                if (row is not None and MARK.search(_number(row) or "~" * 11)) or not one.number:
                    told.append(self._rules.gone(key, self._why(row)))
                elif row is None or state.row < edge:
                    told += _again(one, state.by, claimed=bool(state.claimed_ns))
            await self._tell(told)

    async def _tell(self, told: list[Struct]) -> None:
        """Append, and have the cursor where we are with it. Raises FullError, TransientError: it stays due then."""
        self._due.extend((told[begin : begin + BATCH], self._at) for begin in range(0, len(told), BATCH))
        await self._tell_due()

    async def _tell_due(self) -> None:
        while self._due:
            told, at = self._due[0]
            await self._context.emit(*told, name=_NAME, advance=(OWNER, at))
            self._due.popleft()
            self._saved = at

    def open_for(self, number: str) -> str | None:
        """The callback that is open for this number as far as rows were read; None: none."""
        return self._rules.key_of_number(number)

    # -- what is known ---------------------------------------------------------------------------------------------------

    def _learn(self) -> None:
        """The rules know what the journal holds up to its end."""
        self._view.catch_up()
        fold = self._view.floor.callbacks
        keys: Iterable[str] = list(fold.changed)
        if fold is not self._fold:  # folded anew
            self._fold, keys = fold, [*fold.book.open, *(key for key in self._rules.open if key not in fold.book.open)]
        fold.changed.clear()
        self._rules.learn(fold.book, keys, self._number_in)

    def _number_in(self, seq: int) -> str | None:
        row = self._rows({"": seq})[""]
        number = _number(row) if row is not None else None
        return None if number is None or MARK.search(number) else number

    def _rows(self, held: dict[str, int]) -> dict[str, Stored | None]:
        """The `callback.opened` in these rows; None where the row went."""
        journal, found = self._context.journal, dict[str, Stored | None]()
        for key, seq in held.items():
            rows = journal.read(seq - 1, 1)
            there = bool(rows) and rows[0].seq == seq and rows[0].body.startswith(_OPENED)
            found[key] = stored_from_body(rows[0].body) if there else None
        return found

    def _decoded(self, entry: Entry) -> tuple[Struct | None, int]:
        """The data of a row, None where it cannot be read or another box told it, and when it was."""
        try:
            stored = stored_from_body(entry.body)
            event = event_from_stored(stored) if stored.origin is None else None
        except msgspec.DecodeError:
            return None, 0  # `journal verify` tells of it
        return (event.data, self._dated(stored)) if event is not None else (None, 0)

    def _dated(self, stored: Stored) -> int:
        dated = self._view.floor.state.timeline.date(stored.boot, stored.mono_ns)
        return stored.wall_ns if dated is None else dated

    def _why(self, row: Stored | None) -> Ended:
        """A mark stands where the number was held for its days, or where somebody wished to be forgotten."""
        days = self._context.config.privacy.callers_days
        if row is None or (days is not None and self._view.now_ns() - self._dated(row) >= days * _DAY_NS):
            return "expired"
        return "forgotten"


def _number(row: Stored) -> str | None:
    try:
        return msgspec.json.decode(row.data, type=CallbackOpened).number
    except msgspec.DecodeError:
        return None


def _again(one: Open, by: str | None, *, claimed: bool) -> list[Struct]:
    """What makes the same callback of a journal that has only this."""
    return [one.told(), *([CallbackClaimed(callback=one.key, by=by)] if claimed else [])]
