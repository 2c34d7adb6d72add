"""The live lane: states, screen pops and replies, which never wait behind the backlog of events.

Bounded: of a state only the newest is kept, a pop is dropped when it is stale or too many wait, a reply is kept until it is
acknowledged. What was under way when a connection ended is sent again if it is a reply, and forgotten otherwise: every new
connection begins with fresh states.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Final

from msgspec import Struct

from gateway.uplink.mqtt import Link

_log = logging.getLogger(__name__)

#: At most so many of the lane are with the broker at a time.
UNDER_WAY: Final = 16
_WAITING: Final = 256
_REPLIES: Final = 1000


class Out(Struct, frozen=True):
    """One message of the lane. `state`: only the newest of a topic counts; `keep`: sent again until acknowledged.

    `stale_at` is loop time after which it is not worth sending; `settled` is called once the broker took it.
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


class Live:
    """What waits to be said now, and what is being said."""

    def __init__(self, flush: Callable[[], None]) -> None:
        """`flush` is called soon after something was put, with the room that the broker leaves (`Live.flush`)."""
        self._flush_now = flush
        self._flushing = False
        self._waiting: deque[Out] = deque()
        self._under_way: dict[int, Out] = {}
        self._link: Link | None = None
        self.dropped = 0

    @property
    def under_way(self) -> int:
        """Messages that the broker owes an answer for."""
        return len(self._under_way)

    @property
    def unsettled_replies(self) -> int:
        """Replies not acknowledged yet."""
        return sum(out.keep for out in (*self._waiting, *self._under_way.values()))

    def attach(self, link: Link) -> None:
        """A connection stands; call `flush` after putting what comes first."""
        self._link = link

    def detach(self) -> None:
        """The connection is gone."""
        self._link = None
        kept = [out for out in (*self._under_way.values(), *self._waiting) if out.keep]
        self._under_way.clear()
        self._waiting = deque(kept)

    def put(self, out: Out) -> None:
        """Say this as soon as possible. Without a connection only replies are kept."""
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
        link, before = self._link, len(self._under_way)
        room = min(room, UNDER_WAY - len(self._under_way))
        while link is not None and link.is_open and self._waiting and room > 0:
            out = self._waiting.popleft()
            if out.stale_at is not None and asyncio.get_running_loop().time() > out.stale_at:
                self.dropped += 1
                continue
            if not link.fits(out.topic, out.payload):
                self.dropped += 1
                _log.warning("%s is not sent: %d bytes are more than the broker takes", out.topic, len(out.payload))
                continue
            mid = link.publish(out.topic, out.payload, retain=out.retain, expiry_s=out.expiry_s, correlation=out.correlation)
            if mid is None:
                if out.keep:
                    self._waiting.appendleft(out)
                break
            self._under_way[mid] = out
            room -= 1
        return len(self._under_way) - before

    def settled(self, mid: int, code: int) -> Out | None:
        """The broker answered; returns the message if it took it. A refused reply waits for the next connection or flush."""
        out = self._under_way.pop(mid, None)
        if out is None:
            return None
        if code >= 0x80:
            self.dropped += 1
            return None
        if out.settled is not None:
            out.settled()
        return out
