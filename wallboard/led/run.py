"""Decides how an LED chain lives: opened, fed at its own pace, set up anew every minute, and opened again when it was pulled."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from appliance.core.clock import NS, Clock
from appliance.core.config import Led
from appliance.core.errors import MisconfiguredError, UnpluggedError, UnsupportedError
from appliance.core.meter import WireBook
from drivers.led_matrix import Matrix, open_matrix
from drivers.led_url import checked_url
from wallboard.board_set import FLOOR, BoardSet
from wallboard.led.chain import Chain
from wallboard.led.dim import percent_now
from wallboard.led.show import Show
from wallboard.led.text import dark
from wallboard.stream.feed import Feed

if TYPE_CHECKING:
    from PIL import Image

    from appliance.floor.snapshot import Snapshot

_log = logging.getLogger(__name__)
#: A chain that glitched shows rubbish until its chips are set up anew (luma.led_matrix issues 108 and 150).
SET_UP_EVERY_S: Final = 60.0
RETRY_S: Final = 5.0
#: What ticks by itself is looked at this often.
_LOOK_EVERY_S: Final = 0.2
#: What changed on the floor is on the chain at most this much later.
_WAKE_EVERY_S: Final = 0.05
#: … but a look at a huge floor is followed by a rest of so many times its length.
_REST: Final = 10


class _Plug:
    """Where the chain's frames go: the open matrix, or nowhere while it is unplugged."""

    matrix: Matrix | None = None

    def show(self, image: Image.Image) -> None:
        if self.matrix is not None:
            self.matrix.show(image)


class LedRun:
    """One chain of the configuration."""

    def __init__(self, name: str, led: Led, boards: BoardSet, feed: Feed, clock: Clock) -> None:
        self._led, self._boards, self._feed, self._clock = led, boards, feed, clock
        self._board = led.board or (f"queue.{led.queue}" if led.queue else FLOOR)
        self._plug = _Plug()
        self.book = WireBook()
        url = checked_url(led.url, led.width, led.height)
        self.chain = Chain(name, self._plug, dark(led.width, led.height), simulated=url.kind == "sim", colours=url.colours)
        self._show = Show(led.width, led.height, dark_when_closed=led.closed == "dark")
        self._seen: Snapshot | None = None
        self._looked_s = self._rest_until_s = 0.0
        self._percent: int | None = None

    async def run(self) -> None:
        """Work until cancelled. A chain that cannot be opened or stops taking frames is said once and tried again."""
        told = ""
        while True:
            try:
                with open_matrix(self._led.url, self._led.width, self._led.height) as matrix:
                    self._plug.matrix = matrix
                    self.book.opened()
                    if told:
                        _log.warning("LED chain %s is back", self.chain.name)
                    told = ""
                    await self._feed_matrix(matrix)
            except (UnpluggedError, UnsupportedError, MisconfiguredError) as fault:
                self.book.failed("lost" if self.book.up else "not_opened")
                if str(fault) != told:
                    _log.warning("%s; trying again every %.0f s", fault, RETRY_S)
                    told = str(fault)
            finally:
                self._plug.matrix = None
                self.book.lost()
            self.chain.again()
            await asyncio.sleep(RETRY_S)

    async def _feed_matrix(self, matrix: Matrix) -> None:
        self._looked_s, self._percent = -_LOOK_EVERY_S, None
        set_up_s, due_s = self._clock.mono_ns() / NS, 0.0
        while True:
            now_s = self._clock.mono_ns() / NS
            if now_s - set_up_s >= SET_UP_EVERY_S:
                set_up_s = now_s
                matrix.again()
                self.chain.again()
                due_s = now_s
            if self._look(matrix, now_s) or now_s >= due_s:
                image, wait_s = self._show.step(now_s)
                self.book.sent = (self.book.sent or 0) + self.chain.show(image)
                due_s = now_s + wait_s
            # Colour LEDs by the thousand take a tenth of a second of the bus for a frame: half of the time is everybody else's.
            spent_s = self._clock.mono_ns() / NS - now_s
            await asyncio.sleep(max(spent_s, min(_WAKE_EVERY_S, due_s - now_s)))

    def _look(self, matrix: Matrix, now_s: float) -> bool:
        """Take in the board where the floor changed, or where figures tick by themselves; True when it was."""
        if now_s < self._rest_until_s:
            return False
        snapshot = self._feed.snapshot()
        if snapshot is self._seen and now_s - self._looked_s < _LOOK_EVERY_S:
            return False
        self._seen, self._looked_s = snapshot, now_s
        wall_ns = self._feed.now_ns()
        self._show.tell(self._boards.board(self._board, snapshot, wall_ns), now_s)
        wanted = percent_now(self._led, wall_ns, self._boards.zone)
        if wanted != self._percent:
            self._percent = wanted
            matrix.brightness(wanted)
        done_s = self._clock.mono_ns() / NS
        self._rest_until_s = done_s + _REST * (done_s - now_s)
        return True
