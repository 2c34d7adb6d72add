"""Decides how the gateway keeps its analog lines: each device apart from the others, what they tell in the journal, nothing left open.

A device that is away takes the source `lines` out of sight, and its own item in the health list says why.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from itertools import islice
from typing import Final

import msgspec
from msgspec import Struct

from appliance.apart import Apart
from appliance.core.alive import Sight
from appliance.core.catalogue import (
    BoxHealth,
    LineAllBusy,
    LineAllBusyEnded,
    LineFault,
    LineReleased,
    PbxDown,
    PbxResynced,
    PbxUp,
    event_from_stored,
)
from appliance.core.clock import NS
from appliance.core.errors import MisconfiguredError
from appliance.core.event import Event, stored_from_body
from appliance.core.journal import PAGE, Journal
from appliance.core.line_config import LINES
from appliance.core.meter import Family, Wire, wire_families
from appliance.outbox import Outbox
from appliance.service import Context
from gateway.fxo.left_open import closing, last_told, lasted_s
from gateway.fxo.line_books import LineBooks
from gateway.fxo.line_call import Told
from gateway.fxo.made import Maker
from gateway.fxo.ring_on import RingOn, ringing_on
from gateway.fxo.source import Health, LineSource

_log = logging.getLogger("callfloor.gateway")

#: How far back the journal is read for what a dead box left open.
ROWS_BACK: Final = 100_000
#: So many events wait while the journal takes none; beyond them what is open is closed as not known, and counted anew.
MOST_HELD: Final = 5_000
_TURN_S: Final = 1.0
#: So many go to the journal at once.
_PAGE: Final = 8
#: The stamp of a gateway that lives, whether or not all of its devices are there: no name of a source can be this.
ALIVE: Final = "lines/alive"
_MINE: Final = (b'"line.', b'"call.', b'"box.health"')

Saw = Callable[[str, Sight], None]


class AnalogLines:
    """All configured lines. They live in the gateway's process and share its way to the journal."""

    def __init__(
        self, context: Context, outbox: Outbox, saw: Saw, last: Mapping[str, Sight] | None = None, *, most_held: int = MOST_HELD
    ) -> None:
        """`last`: what was stamped before this start: when the lines were last heard, when the gateway last lived."""
        self._most_held = most_held
        self._context, self._outbox, self._saw, self._last = context, outbox, saw, last or {}
        self._rings_on: dict[str, RingOn] = {}
        self._clock = context.clock
        self.books = LineBooks(context.config, lambda: f"line-{secrets.token_hex(8)}")
        self.sources: dict[str, LineSource] = {}
        self._maker = Maker(context.config.sip, self._clock)
        self._held: deque[Event] = deque()
        self._lost = False

    async def run(self) -> None:
        """Work until cancelled."""
        context = self._context
        self._turned()
        await self._close(rings_on=True)
        self._put("", self.books.begin(self._unseen_s()))
        context.meter.ask("lines", self._figures)
        try:
            async with asyncio.TaskGroup() as group:
                for name in context.config.lines:
                    group.create_task(Apart(f"line {name}").run(partial(self._live, name)), name=f"line {name}")
                while True:  # the loop that senses the lines turns
                    await self._turn()
                    await asyncio.sleep(_TURN_S)
        finally:
            self._put("", self.books.leave())

    def _figures(self) -> list[Family]:
        """What each device counts."""
        healths = {name: source.health for name, source in self.sources.items()}
        wires = (
            Wire(name=name, up=h.up, sessions=h.sessions, received_bytes=h.received_bytes, errors={"unread_byte": h.noise_bytes})
            for name, h in healths.items()
        )
        return wire_families("line", wires)

    async def _live(self, name: str) -> None:
        """One device, until cancelled or a fault that nobody foresaw."""
        source = self.sources.get(name)
        try:
            if source is None:
                source = self.sources[name] = self._maker.source(name, self._context.config.lines[name])
                source.sighted = partial(self._sighted, name)
                self._ring_on(source)
            await source.run(partial(self._tell, name))
        except MisconfiguredError as fault:
            self._ring_no_more(name)
            self._sighted(name, Health(fault=str(fault)))
            raise

    def _ring_on(self, source: LineSource) -> None:
        now_ns = self._clock.mono_ns()
        for line in source.lines:
            if (ring := self._rings_on.pop(line.settings.line, None)) is not None:
                line.rings_on(ring.began_ns, now_ns)

    def _ring_no_more(self, name: str) -> None:
        """Nothing will sense these lines: what rang on them is not known."""
        for line in self._context.config.lines[name].lines(name):
            if (ring := self._rings_on.pop(line, None)) is not None:
                released = LineReleased(line=line, trunk=ring.trunk, pbx=LINES, inferred=True, outcome="unknown")
                self._tell(name, [Told(released, self._clock.mono_ns())])

    async def _turn(self) -> None:
        self._context.watch.progress()
        self._turned()
        self._put("", self.books.reworded(self._clock.mono_ns()))
        self._flush()
        if self._lost and not self._held and await self._recorded():
            self._lost = False
            await self._close()

    def _turned(self) -> None:
        now = Sight(self._clock.boot, self._clock.mono_ns(), self._clock.wall_ns())
        self._saw(ALIVE, now)
        if self.books.in_sight:
            self._saw(LINES, now)

    async def _recorded(self) -> bool:
        """Whether all is durable within a turn: a journal that stays full must not stop the signs of life."""
        try:
            async with asyncio.timeout(_TURN_S):
                await self._outbox.drained()
        except TimeoutError:
            return False
        return True

    # -- what is told ------------------------------------------------------------------------------------------

    def _tell(self, name: str, told: list[Told]) -> None:
        now_ns = self._clock.mono_ns()
        self._hold(self._event(name, data, at_ns, now_ns) for data, at_ns in self.books.told(told, now_ns))

    def _sighted(self, name: str, health: Health) -> None:
        self._put(name, self.books.sighted(name, health, self._clock.mono_ns()))

    def _event(self, name: str, data: Struct, at_ns: int, now_ns: int) -> Event:
        event = self._context.event(data, name)
        if not isinstance(data, LineReleased | LineFault):  # the others tell themselves how long ago it was
            return event
        late_ns = now_ns - at_ns
        return msgspec.structs.replace(event, wall_ns=event.wall_ns - late_ns, mono_ns=event.mono_ns - late_ns)

    def _put(self, name: str, events: Iterable[Struct]) -> None:
        self._hold(self._context.event(data, name or LINES) for data in events)

    def _hold(self, events: Iterable[Event]) -> None:
        self._held.extend(events)
        self._flush()

    def _flush(self) -> None:
        while self._held and self._outbox.put(page := list(islice(self._held, _PAGE))):
            for _ in page:
                self._held.popleft()
        if len(self._held) > self._most_held:
            _log.error("the journal takes no events: %d of analog lines are not recorded", len(self._held))
            # How it stands now has to be told all the same; the calls in between end as not known.
            self._held = deque(event for event in self._held if isinstance(event.data, PbxUp | PbxDown | PbxResynced | BoxHealth))
            while len(self._held) > self._most_held // 2:
                self._held.popleft()
            self._lost = True

    # -- what was left open ------------------------------------------------------------------------------------

    async def _close(self, *, rings_on: bool = False) -> None:
        """End what the journal holds open: calls that nobody saw end, and faults of devices that are configured no more.

        `rings_on`: but what rang a moment ago waits for its next ring.
        """
        events = await asyncio.to_thread(lambda: list(events_of_lines(self._context.journal)))
        if rings_on:
            self._rings_on = self._ringing_on(events)
        visits = [ring.visit for ring in self._rings_on.values() if ring.visit is not None]
        lines = {line for event in events if getattr(event.data, "pbx", None) == LINES and (line := getattr(event.data, "line", None))}
        self._put("", closing(events, lines - self._rings_on.keys(), LINES, visits))
        full: dict[str, tuple[int, Event]] = {}
        ill: dict[str, None] = {}
        for event in events:
            match event.data:
                case LineAllBusy(trunk=trunk, lines=size) if trunk in self.books.groups:
                    full[trunk] = (size, event)
                case LineAllBusyEnded(trunk=trunk):
                    full.pop(trunk, None)
                case BoxHealth(id=item, level="ok"):
                    ill.pop(item, None)
                case BoxHealth(id=item) if item.startswith("line."):
                    ill[item] = None
        told_until = last_told(events)
        self._put("", [LineAllBusyEnded(trunk=trunk, lines=size, busy_s=lasted_s(at, told_until)) for trunk, (size, at) in full.items()])
        if rings_on:
            for ring in self._rings_on.values():
                self._put("", self.books.rings_on(ring, self._clock.mono_ns()))
        gone = [item for item in ill if item.removeprefix("line.") not in self._context.config.lines]
        self._put("", [BoxHealth(id=item, level="ok") for item in gone])

    def _ringing_on(self, events: list[Event]) -> dict[str, RingOn]:
        alive, now_ns = self._last.get(ALIVE), self._clock.mono_ns()
        seen_ns = alive.mono_ns if alive is not None and alive.boot == self._clock.boot else None
        found = ringing_on(events, self._clock.boot, now_ns, seen_ns)
        return {line: ring for line, ring in found.items() if self.books.is_as_before(ring)}

    def _unseen_s(self) -> float:
        """For how long nobody looked, by the last stamp of a gateway that ran in this boot."""
        last = self._last.get(LINES)
        if last is None or last.boot != self._clock.boot:
            return 0.0
        return round(max(0, self._clock.mono_ns() - last.mono_ns) / NS, 3)


def events_of_lines(journal: Journal, rows: int = ROWS_BACK) -> Iterable[Event]:
    """The newest rows' events of lines, calls and health, oldest first. Blocks; run it in a thread."""
    after = max(0, journal.head().seq - rows, journal.first_seq() - 1)
    while page := journal.read(after, PAGE):
        for entry in page:
            if any(mark in entry.body for mark in _MINE):  # cheaper than to decode each
                try:
                    stored = stored_from_body(entry.body)
                    event = event_from_stored(stored) if stored.source.startswith("gateway/") else None
                except msgspec.DecodeError:
                    continue  # counted and told by whoever folds the floor
                if event is not None:
                    yield event
        after = page[-1].seq
