"""Decides how an LED chain lives: opened, fed at its own pace, set up anew every minute, and opened again when it was pulled."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from appliance.core.clock import NS, Clock
from appliance.core.config import Led
from appliance.core.errors import UnpluggedError, UnsupportedError
from drivers.led_matrix import Matrix, open_matrix
from drivers.led_url import checked_url
from wallboard.board_set import FLOOR, BoardSet
from wallboard.chain import Chain
from wallboard.feed import Feed
from wallboard.led import Show
from wallboard.led_dim import percent_now
from wallboard.led_text import dark

if TYPE_CHECKING:
    from PIL import Image

_log = logging.getLogger(__name__)
#: A chain that glitched shows rubbish until its chips are set up anew (luma.led_matrix issues 108 and 150).
SET_UP_EVERY_S: Final = 60.0
RETRY_S: Final = 5.0
#: A figure on a chain is at most this old; between two looks at the floor only what rolls or blinks moves.
_LOOK_EVERY_S: Final = 0.2


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
        url = checked_url(led.url, led.width, led.height)
        self.chain = Chain(name, self._plug, dark(led.width, led.height), simulated=url.kind == "sim", colours=url.colours)
        self._show = Show(led.width, led.height, dark_when_closed=led.closed == "dark")

    async def run(self) -> None:
        """Work until cancelled. A chain that is not there, or has no driver here, is tried again; a bad URL is a MisconfiguredError."""
        told = ""
        while True:
            try:
                with open_matrix(self._led.url, self._led.width, self._led.height) as matrix:
                    self._plug.matrix = matrix
                    if told:
                        _log.warning("LED chain %s is back", self.chain.name)
                    told = ""
                    await self._feed_matrix(matrix)
            except (UnpluggedError, UnsupportedError) as fault:
                if str(fault) != told:
                    _log.warning("%s; trying again every %.0f s", fault, RETRY_S)
                    told = str(fault)
            finally:
                self._plug.matrix = None
            self.chain.again()
            await asyncio.sleep(RETRY_S)

    async def _feed_matrix(self, matrix: Matrix) -> None:
        looked_s = set_up_s = self._clock.mono_ns() / NS
        looked_s -= _LOOK_EVERY_S
        percent = -1
        while True:
            now_s = self._clock.mono_ns() / NS
            if now_s - looked_s >= _LOOK_EVERY_S:
                looked_s = now_s
                wall_ns = self._feed.now_ns()
                self._show.tell(self._boards.board(self._board, self._feed.snapshot(), wall_ns), now_s)
                wanted = percent_now(self._led, wall_ns, self._boards.zone)
                if wanted != percent:
                    percent = wanted
                    matrix.brightness(percent)
            if now_s - set_up_s >= SET_UP_EVERY_S:
                set_up_s = now_s
                matrix.again()
                self.chain.again()
            image, next_s = self._show.step(now_s)
            self.chain.show(image)
            await asyncio.sleep(min(next_s, _LOOK_EVERY_S))
