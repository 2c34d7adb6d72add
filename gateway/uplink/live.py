"""The live lane: states, screen pops and replies, which never wait behind the backlog of events.

Bounded: of a state only the newest is kept, a pop is kept until it is stale unless too many wait, a reply until it is acknowledged.
What was under way when a connection ended is sent again if it is a reply or a pop that is not stale, and forgotten otherwise: every
new connection begins with fresh states. Pops go before all else: of a lane that is full they take the next place.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Final

from msgspec import Struct

from appliance.core.catalogue import PopOutcome
from gateway.uplink.mqtt import Link

_log = logging.getLogger(__name__)

#: At most so many of the lane are with the broker at a time.
UNDER_WAY: Final = 16
#: Pops may have as many again: a broker far away answers late, and each is for somebody else.
_POPS_UNDER_WAY: Final = 64
_WAITING: Final = 256
_REPLIES: Final = 1000
#: Half a minute of the busiest floor.
_POPS: Final = 2000
NO_CONSUMER: Final = 0x10


class Ended(Struct, frozen=True):
    """How a message that somebody asks about ended: `code` is the broker's, `sent_at` loop time when it was sent last."""

    outcome: PopOutcome
    code: int | None = None
    sent_at: float | None = None


class Out(Struct, frozen=True):
    """One message of the lane. `state`: only the newest of a topic counts; `keep`: sent again until acknowledged; `pop`: a screen pop.

    `stale_at` is loop time after which it is not worth sending; `settled` is called once the broker took it, `ended` once in any case,
    of pops alone.
    """

    topic: str
    payload: bytes
    retain: bool = False
    state: bool = False
    keep: bool = False
    expiry_s: int | None = None
    stale_at: float | None = None
    correlation: bytes | None = None
    settled: Callable[[], None] | None = None
    pop: str | None = None
    ended: Callable[[Ended], None] | None = None


class Live:
    """What waits to be said now, and what is being said."""

    def __init__(self, flush: Callable[[], None]) -> None:
        """`flush` is called soon after something was put, with the room that the broker leaves (`Live.flush`)."""
        self._flush_now = flush
        self._flushing = False
        self._waiting: deque[Out] = deque()
        #: Pops, by their id, oldest first: they are stale in their order.
        self._pops: dict[str, Out] = {}
        self._under_way: dict[int, tuple[Out, float]] = {}
        self._sent_at: dict[str, float] = {}
        #: Pops under way that are not to be sent again.
        self._over: set[str] = set()
        self._link: Link | None = None
        self.dropped = 0

    @property
    def under_way(self) -> int:
        """Messages that the broker owes an answer for."""
        return len(self._under_way)

    @property
    def unsettled_replies(self) -> int:
        """Replies not acknowledged yet."""
        return sum(out.keep for out in (*self._waiting, *(out for out, _ in self._under_way.values())))

    def attach(self, link: Link) -> None:
        """A connection stands; call `flush` after putting what comes first."""
        self._link = link

    def detach(self) -> None:
        """The connection is gone."""
        self._link = None
        sent = [out for out, _ in self._under_way.values()]
        self._sent_at = {out.pop: at for out, at in self._under_way.values() if out.pop is not None}
        self._under_way.clear()
        self._waiting = deque(out for out in (*sent, *self._waiting) if out.keep)
        self._pops = {out.pop: out for out in sent if out.pop is not None} | self._pops
        for pop in self._over:
            self.void(pop)
        self._over.clear()
        self.sweep()

    def put(self, out: Out) -> None:
        """Say this as soon as possible. Without a connection only replies and pops are kept."""
        if out.pop is not None:
            self._put_pop(out.pop, out)
            return
        if self._link is None and not out.keep:
            self.dropped += not out.state
            return
        if out.state:
            self._waiting = deque(waiting for waiting in self._waiting if waiting.topic != out.topic)
        elif len(self._waiting) >= (_REPLIES if out.keep else _WAITING):
            self.dropped += 1
            return
        self._waiting.append(out)
        self.flush_soon()

    def _put_pop(self, pop: str, out: Out) -> None:
        if len(self._pops) >= _POPS:
            self._end(out, Ended("dropped"))
            return
        self._pops[pop] = out
        self.flush_soon()

    def void(self, pop: str) -> None:
        """A pop is not worth telling any more. One that was sent is told; should the broker not answer, it is not sent again."""
        out = self._pops.pop(pop, None)
        if out is not None:
            self._end(out, Ended("link_down" if self._link is None else "stale"))
        elif any(out.pop == pop for out, _ in self._under_way.values()):
            self._over.add(pop)

    def sweep(self) -> None:
        """End the pops that are stale; call now and then, as long as there is no connection nobody else does."""
        now = asyncio.get_running_loop().time()
        while self._pops:
            out = next(iter(self._pops.values()))
            if out.stale_at is None or now <= out.stale_at:
                return
            self.void(out.pop or "")

    def _end(self, out: Out, ended: Ended) -> None:
        self.dropped += ended.outcome not in ("delivered", "no_consumer")
        sent_at = self._sent_at.pop(out.pop or "", None)
        if out.ended is not None:
            out.ended(ended if ended.sent_at is not None else Ended(ended.outcome, ended.code, sent_at))

    def flush_soon(self) -> None:
        """Send at the end of this turn of the loop."""
        if not self._flushing and self._link is not None:
            self._flushing = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        self._flushing = False
        self._flush_now()

    def flush(self, room: int) -> int:
        """Send what waits, at most `room` messages; how many went."""
        before = len(self._under_way)
        self.sweep()
        self._flush_pops(room)
        self._flush_rest(room - (len(self._under_way) - before))
        return len(self._under_way) - before

    def _flush_pops(self, room: int) -> None:
        room = min(room, _POPS_UNDER_WAY - len(self._under_way))
        while self._pops and room > 0:
            pop = next(iter(self._pops))
            out = self._pops.pop(pop)
            if self._is_too_large(out):
                self._end(out, Ended("too_large"))
                continue
            if not self._publish(out):
                self._pops = {pop: out, **self._pops}
                break
            room -= 1

    def _flush_rest(self, room: int) -> None:
        room = min(room, UNDER_WAY - len(self._under_way))
        while self._waiting and room > 0:
            out = self._waiting.popleft()
            if self._is_too_large(out):
                self.dropped += 1
                continue
            if not self._publish(out):
                if out.keep:
                    self._waiting.appendleft(out)
                break
            room -= 1

    def _is_too_large(self, out: Out) -> bool:
        if self._link is None or self._link.fits(out.topic, out.payload):
            return False
        _log.warning("%s is not sent: %d bytes are more than the broker takes", out.topic, len(out.payload))
        return True

    def _publish(self, out: Out) -> bool:
        link = self._link
        if link is None or not link.is_open:
            return False
        mid = link.publish(out.topic, out.payload, retain=out.retain, expiry_s=out.expiry_s, correlation=out.correlation)
        if mid is None:
            return False
        self._under_way[mid] = out, asyncio.get_running_loop().time()
        return True

    def settled(self, mid: int, code: int) -> Out | None:
        """The broker answered; returns the message if it took it. A refused reply waits for the next connection or flush."""
        out, sent_at = self._under_way.pop(mid, (None, 0.0))
        if out is None:
            return None
        if out.pop is not None:
            outcome: PopOutcome = "refused" if code >= 0x80 else "no_consumer" if code == NO_CONSUMER else "delivered"
            self._sent_at.pop(out.pop, None)
            self._over.discard(out.pop)
            self._end(out, Ended(outcome, code, sent_at))
        elif code >= 0x80:
            self.dropped += 1
        if code >= 0x80:
            return None
        if out.settled is not None:
            out.settled()
        return out
