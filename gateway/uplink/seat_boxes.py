"""Decides what becomes of the seat boxes' headset events: each is appended once, under its own id, and never due; then it is acknowledged.

How far a box was heard is in the journal with its events, so that a kill between append and acknowledgement repeats nothing. What was
lost on the way is seen and said (`box.gap`), and so is a box that is away (`box.health`, `seat-box.NAME`).
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Container
from typing import Final, Literal

import msgspec
from msgspec import Struct

from appliance.core.clock import NS
from appliance.core.errors import FullError, TransientError
from appliance.core.event import Event
from appliance.core.journal import BATCH
from appliance.floor.state import FloorState
from appliance.service import Context
from gateway.uplink.link import Message
from gateway.uplink.seat_box import MOST_BOXES, SeatRoll
from gateway.uplink.seat_event import place_from, seat_event_from
from gateway.uplink.topic import SeatTopics

_log = logging.getLogger(__name__)

#: Messages of theirs that the broker may have under way to us.
UNDER_WAY: Final = 40
#: Messages that may wait here, all unacknowledged: the broker's own window is smaller, unless it was configured to have none.
_WAITING: Final = 1000
#: So many are appended together; each may be two events, and a commit takes 500.
_TOGETHER: Final = BATCH // 2
_STATUS_MOST: Final = 4096
_FULL_S: Final = 1.0
#: A named box whose status did not come so long after it was asked for is not there, or may not be read.
_SILENT_NS: Final = 30 * NS
_REFUSED: Final = 0x80


class _Status(Struct, frozen=True):
    """What is read of a `status`; `headset` is the id of the last headset event that its box has told."""

    state: Literal["online", "offline"] | None = None
    headset: str | None = None


class SeatBoxes:
    """Reads the seat boxes that the configuration names; without any it only ends what an earlier configuration had asked for.

    `dropped` counts messages that were no event of their box, `repeated` those that stood in the journal already, `not_taken` those
    left with the broker because too many waited.
    """

    def __init__(self, context: Context, also: Container[str] = ()) -> None:
        """`also`: topics that somebody else reads too."""
        config = context.config
        own = config.headsets
        self._context, self._also = context, also
        self._topics = SeatTopics(config.site.name, config.site.box, own.boxes if own is not None else ())
        self._roll = SeatRoll()
        self._work: deque[tuple[int, Message | Callable[[], list[Struct]]]] = deque()
        self._works = asyncio.Event()
        self._asked_ns: int | None = None
        #: Tells the broker that a message of this turn is in safe hands; ends a subscription. Both are the conversation's.
        self.acknowledge: Callable[[int, Message], None] = lambda _turn, _message: None
        self.forget: Callable[[str], None] = lambda _topic_filter: None
        self.not_taken = 0
        self.strangers = 0

    @property
    def dropped(self) -> int:
        """Messages that were no event of their box."""
        return sum(box.dropped for box in self._roll.boxes.values())

    @property
    def repeated(self) -> int:
        """Events that stood in the journal already."""
        return sum(box.repeated for box in self._roll.boxes.values())

    @property
    def filters(self) -> tuple[str, ...]:
        """What is read, at QoS 1: what is said while we are away waits at the broker."""
        return self._topics.filters

    def asked(self, *, session: bool) -> None:
        """A connection stands, and these were asked for on it. `session`: the broker knew us, and kept what came meanwhile."""
        if not self.filters:
            return
        self._asked_ns = self._context.clock.mono_ns()
        if not session:
            self._put(0, self._roll.all_in_doubt)

    def subscribed(self, topic_filter: str, code: int) -> None:
        """The broker refuses a topic: it is said, and the box's seats are not believed."""
        box = self._topics.box_of_filter(topic_filter)
        if box is not None:
            text = f"the broker lets this box not read {topic_filter} ({code:#04x}): mend its access rules" if code >= _REFUSED else None
            self._put(0, lambda: self._roll.refused(box, text))

    def takes(self, message: Message, turn: int) -> bool:
        """Take a message of a seat box; False for what is not ours alone. Of QoS 1 it is acknowledged once it is durable."""
        place = self._topics.place(message.topic)
        if place is None:
            return False
        box, _ = place
        shared = message.topic in self._also
        if self._topics.reads(box):
            self._put(turn, message)
            return not shared
        if box != self._topics.box:
            for topic_filter in self._topics.strays(box, self._also):
                self.forget(topic_filter)
        self.acknowledge(turn, message)
        return not shared

    def turn(self) -> None:
        """Call twice a second or so: finds boxes of which nothing is heard at all."""
        if self._asked_ns is not None and self._context.clock.mono_ns() - self._asked_ns > _SILENT_NS:
            self._asked_ns = None
            self._put(0, lambda: self._roll.silent(self._topics.named))

    async def run(self, state: FloorState) -> None:
        """Append what comes, for ever. `state`: the floor folded to the journal's end, which tells how far each box was heard."""
        self._roll.recall(state, self._topics.reads)
        await self._append([self._event(data) for data in self._roll.left_over(state, self._topics.reads)])
        while True:
            await self._works.wait()
            done: list[tuple[int, Message]] = []
            events: list[Event] = []
            while self._work and len(events) < _TOGETHER and len(done) < _TOGETHER:
                turn, item = self._work.popleft()
                if isinstance(item, Message):
                    done.append((turn, item))
                    events += self._told(item)
                else:
                    events += [self._event(data) for data in item()]
            if not self._work:
                self._works.clear()
            await self._append(events)
            for turn, message in done:
                self.acknowledge(turn, message)

    def _put(self, turn: int, item: Message | Callable[[], list[Struct]]) -> None:
        if isinstance(item, Message) and len(self._work) >= _WAITING:
            self.not_taken += 1
            if self.not_taken.bit_count() == 1:
                _log.warning("%d events of seat boxes wait already; %d left with the broker", _WAITING, self.not_taken)
            return
        self._work.append((turn, item))
        self._works.set()

    async def _append(self, events: list[Event]) -> None:
        for first in range(0, len(events), BATCH):
            told = False
            while True:
                try:
                    await self._context.journal.appended(events[first : first + BATCH])
                    break
                except (FullError, TransientError) as fault:
                    if not told:
                        _log.error("events of seat boxes wait at the broker, the journal takes nothing: %s", fault)
                        told = True
                    await asyncio.sleep(_FULL_S)

    def _told(self, message: Message) -> list[Event]:
        """The events to append for one message."""
        place = self._topics.place(message.topic)
        assert place is not None
        name, kind = place
        box = self._roll.box(name)
        if box is None:
            self.strangers += 1
            if self.strangers.bit_count() == 1:
                _log.warning(
                    "%d messages of box %s and others passed over: %d seat boxes are read already", self.strangers, name, MOST_BOXES
                )
            return []
        try:
            if kind is None:
                named = name in self._topics.named
                state, told_to = _state(message.payload)
                return [self._event(data) for data in box.status(state, told_to, named=named)]
            told = seat_event_from(self._topics.site, name, kind, message.payload)
        except ValueError as fault:
            box.drop(str(fault))
            return []
        missed, fits = self._roll.heard(box, told)
        before = [self._event(data) for data in missed]
        if not fits or told.data is None:
            return before
        stamp = self._event(told.data)
        return [*before, msgspec.structs.replace(stamp, source=told.source, origin=told.origin)]

    def _event(self, data: Struct) -> Event:
        return self._context.event(data)


def _state(payload: bytes) -> tuple[Literal["online", "offline", "gone"], tuple[str, int] | None]:
    """The state, and the place up to which it has told of its headsets. Raises ValueError for what is no status."""
    if not payload:
        return "gone", None
    if len(payload) > _STATUS_MOST:
        raise ValueError(f"{len(payload)} bytes are no status")
    try:
        said = msgspec.json.decode(payload, type=_Status)
    except RecursionError as fault:
        raise ValueError("it is nested too deep") from fault
    if said.state is None:
        raise ValueError("its status says neither online nor offline")
    return said.state, None if said.headset is None else place_from(said.headset)
