"""One connection after another, as the two lanes see it: who gets which answer, and who may send next.

The live lane goes first whenever the broker has room; the event lane gets the rest, and what is asked for again what that
leaves. Commands wait in a short queue for the inbox, unacknowledged.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Protocol

from appliance.core.errors import FullError, TransientError
from gateway.uplink.inbox import Inbox
from gateway.uplink.kept import Kept
from gateway.uplink.link import End, Message
from gateway.uplink.live import Live, Out
from gateway.uplink.mqtt import Link
from gateway.uplink.pump import Pump
from gateway.uplink.resend import Resender
from gateway.uplink.seat_boxes import SeatBoxes

_log = logging.getLogger(__name__)
_COMMANDS_MOST: Final = 64
#: A broker that answers nothing for so long while it owes answers is as good as gone.
_SILENT_MOST_S: Final = 18.0
#: So long answers to what is under way are waited for before a connection is left to be made anew.
_RENEW_MOST_S: Final = 10.0
_TICK_S: Final = 0.5
_LINK_TICK_S: Final = 1.0
#: A command that came with the greeting waits so long for the connection to be in use.
_TALK_S: Final = 0.02
#: So long the broker may take to answer what is under way when the service stops.
_LAST_WORDS_S: Final = 0.5


class Reader(Protocol):
    """Whoever reads other topics than this box's commands: `gateway.uplink.others`."""

    @property
    def filters(self) -> tuple[str, ...]:
        """What it reads, in this order."""
        ...

    def asked(self) -> None:
        """A connection stands, and these were asked for on it."""
        ...

    def subscribed(self, topic_filter: str, code: int) -> None:
        """The broker's answer for one of them."""
        ...

    def takes(self, message: Message) -> bool:
        """Take a message; False when it is not of those topics."""
        ...


class Conversation:
    """The `Handler` of every connection, one at a time."""

    def __init__(
        self, proved: Callable[[], None], stands: Callable[[], None], kept: Kept, reader: Reader | None = None,
        seats: SeatBoxes | None = None,
    ) -> None:  # fmt: skip
        """`proved`: the broker acknowledged something. `stands`: it did, and no event is due."""
        self._kept = kept
        self._proved, self._stands, self._reader, self._seats = proved, stands, reader, seats
        self.live = Live(self.flush)
        self.pump: Pump | None = None
        self.resend: Resender | None = None
        self.link: Link | None = None
        self._ended: asyncio.Future[End] | None = None
        self._commands: asyncio.Queue[tuple[int, Message, int]] = asyncio.Queue(_COMMANDS_MOST)
        self._turn = 0
        #: Taken before the connection was in use: acknowledged when it is.
        self._owed: list[Message] = []
        self.not_taken = 0
        #: Why we leave in order, and since when (loop time); "" while we stay.
        self._leaving, self._leaving_since = "", 0.0
        self._last: Out | None = None

    def expect(self) -> None:
        """A connection is about to be made. What waited on the one before will be sent again by the broker."""
        self._turn += 1
        self._owed.clear()
        self._leaving = ""
        self._kept.begins()
        self._ended = asyncio.get_running_loop().create_future()

    async def talk(self, link: Link, begin: Callable[[], None], topic_filter: str) -> End:
        """Use the connection until it ends. `begin` says what comes first on it."""
        assert self._ended is not None
        assert self.pump is not None
        if link.is_open:
            self.link = link
            self._kept.speaks(session=link.greeting.session_present)
            self.live.attach(link)
            begin()
            self.live.flush(self.room())
            link.subscribe(topic_filter)
            for message in self._owed:
                link.acknowledge(message)
            self._owed.clear()
            if self._seats is not None:
                self._seats.asked(session=link.greeting.session_present)
                link.subscribe(*self._seats.filters, own=False)
            if self._reader is not None:
                # QoS 0: what is said while we are away the broker need not keep, the next is newer.
                link.subscribe(*self._reader.filters, qos=0)
                self._reader.asked()
            self.pump.attach(link)
            if self.resend is not None:
                self.resend.attach(link)
        return await self._ended

    def room(self) -> int:
        """Messages that the broker takes now."""
        if self.link is None or self.pump is None:
            return 0
        again = self.resend.under_way if self.resend is not None else 0
        return self.link.greeting.receive_max - self.live.under_way - self.pump.lane.unanswered - again

    def flush(self) -> None:
        """Send what waits on the lanes, the live one first."""
        if self.pump is not None and self.link is not None:
            if self.live.flush(self.room()):
                self.pump.window.word(asyncio.get_running_loop().time())
            self.pump.fill()
            if self.resend is not None:
                self.resend.fill()

    def acked(self, mids: list[int]) -> None:
        assert self.pump is not None
        self._proved()
        self.pump.acked(mids)
        self.flush()

    def told(self, answers: list[tuple[int, int]]) -> None:
        assert self.pump is not None
        self.pump.told(answers)
        self.flush()

    def settled(self, mid: int, code: int) -> None:
        if self.resend is None or not self.resend.settled(mid, code):
            self.live.settled(mid, code)
        if code < 0x80:
            self._proved()
            if self.pump is not None and self.pump.idle:
                self._stands()
        self.flush()

    def message(self, message: Message) -> None:
        """Commands may come before `talk`: those that the broker kept for us follow its greeting at once."""
        if self._seats is not None and self._seats.takes(message, self._turn):
            return
        if self._reader is not None and self._reader.takes(message):
            return
        try:
            self._kept.speaks()
            self._commands.put_nowait((self._turn, message, self._kept.now_ns()))
        except asyncio.QueueFull:
            self.not_taken += 1
            _log.warning("%d commands wait already; one more is left with the broker", _COMMANDS_MOST)

    def acknowledge(self, turn: int, message: Message) -> None:
        """Tell the broker that a message is in safe hands, unless the connection on which it came is gone: then it comes again."""
        if turn == self._turn and self.link is not None:
            self.link.acknowledge(message)
        elif turn == self._turn:
            self._owed.append(message)

    def unsubscribe(self, topic_filter: str) -> None:
        """End a subscription that the broker still has of us; without a connection it is done when the next message tells of it."""
        if self.link is not None:
            self.link.unsubscribe(topic_filter)

    def subscribed(self, topic_filter: str, code: int) -> None:
        if self._reader is not None:
            self._reader.subscribed(topic_filter, code)
        if self._seats is not None:
            self._seats.subscribed(topic_filter, code)

    def ended(self, end: End) -> None:
        self._detach(end.code)
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(end)

    def renew(self, text: str, last: Out | None = None) -> None:
        """Leave in order once all that is under way is answered, to come back at once: `talk` returns an end of reason `renewed`.

        `last`: what is said before, where we come back to another broker.
        """
        if self.link is not None and self.pump is not None and not self._leaving:
            self._leaving, self._leaving_since, self._last = text, asyncio.get_running_loop().time(), last
            self.pump.rest()

    def _renew_if_quiet(self) -> None:
        link, pump = self.link, self.pump
        if not self._leaving or link is None or pump is None:
            return
        again = self.resend.under_way if self.resend is not None else 0
        late = asyncio.get_running_loop().time() - self._leaving_since > _RENEW_MOST_S
        if late or not (pump.lane.unanswered or self.live.under_way or again):
            if self._last is not None:
                self.live.put(self._last)
                self._last = None
                return
            end = End("renewed", self._leaving)
            self.ended(end)
            link.close()

    async def leave(self, topic: str, payload: bytes) -> None:
        """Say a last state and hang up, once the broker has answered all that it was sent.

        A socket closed on answers still to come is reset, and a broker that meets the reset first publishes the will.
        """
        link, pump = self.link, self.pump
        if link is None or pump is None or not link.is_open:
            self._detach(None)
            return
        said = asyncio.Event()
        pump.rest()
        self.live.put(Out(topic, payload, retain=True, state=True, settled=said.set))
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_WORDS_S):
                await said.wait()  # a broker answers in the order of what it was sent: then all is answered
        self._detach(None)
        if link.is_open:
            if not said.is_set():
                link.publish(topic, payload, retain=True)
            link.close()

    async def take_commands(self, inbox: Inbox, *, trusted: Callable[[], bool]) -> None:
        """Hand commands to the inbox and acknowledge them once it has them safe, for ever."""
        while True:
            turn, message, came_ns = await self._commands.get()
            while turn == self._turn:
                if self.link is None:
                    await asyncio.sleep(_TALK_S)
                    continue
                try:
                    await inbox.take(message, trusted=trusted(), age_s=self._kept.age_s(came_ns))
                except (FullError, TransientError) as fault:
                    _log.error("a command cannot be taken, the journal takes nothing: %s", fault)
                    self._kept.waits(came_ns)
                    await asyncio.sleep(1.0)
                    continue
                if self.link is not None and turn == self._turn:
                    self.link.acknowledge(message)
                break

    async def keep_time(self, progress: Callable[[], None]) -> None:
        """Holds, pings, and brokers that fall silent, for ever."""
        since = 0.0
        while True:
            await asyncio.sleep(_TICK_S)
            progress()
            if self.pump is not None:
                self.pump.tick()
            self._renew_if_quiet()
            since += _TICK_S
            if since < _LINK_TICK_S:
                continue
            since = 0.0
            link = self.link
            if link is not None and self.pump is not None:
                self._kept.stands()
                link.tick()
                self.flush()
                if self.pump.silent_s() > _SILENT_MOST_S:
                    link.give_up(f"the broker has not acknowledged anything for {_SILENT_MOST_S:.0f} s")

    def _detach(self, code: int | None) -> None:
        self.link = None
        self.live.detach()
        if self.pump is not None:
            self.pump.detach(code)
        if self.resend is not None:
            self.resend.detach()
