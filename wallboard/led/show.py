"""Decides which of a board's pages an LED chain shows at an instant: one after the other, and what is urgent and new at once. Pure.

A page keeps its turn while its figures change. What is urgent and new interrupts; the page that stood goes on afterwards for the rest of
its time, so that even a link that comes and goes hides no figure for good.
"""

from __future__ import annotations

from typing import Final

from PIL import Image

from wallboard.board import Board
from wallboard.led.page import Said, pages_from
from wallboard.led.scene import duration_s, frame, next_s, side_by_side

#: What interrupted does not do so again for this long, however often it comes and goes.
_CALM_S: Final = 5.0
#: So many interruptions are remembered.
_REMEMBERED: Final = 64


class Show:
    """One chain's rotation: which page stands now, and since when."""

    def __init__(self, width: int, height: int, *, dark_when_closed: bool = False) -> None:
        self._width, self._height, self._dark = width, height, dark_when_closed
        self._key: str | None = None
        self._at = 0
        self._since_s = 0.0
        self._pages: list[Said] = []
        self._waiting: list[str] = []
        self._interrupted: tuple[str | None, int, float] | None = None
        self._told: dict[str, float] = {}

    def tell(self, board: Board, now_s: float) -> None:
        """The board as it is now (monotonic seconds)."""
        self._pages = side_by_side(pages_from(board, dark_when_closed=self._dark), self._width, self._height)
        here = {page.key for page in self._pages}
        self._waiting = [key for key in self._waiting if key in here]
        for page in self._pages:
            last_s = self._told.get(page.key)
            if page.urgent and self._key is not None and (last_s is None or now_s - last_s >= _CALM_S) and page.key not in self._waiting:
                self._waiting.append(page.key)
            if page.urgent:
                self._told.pop(page.key, None)
                self._told[page.key] = now_s
        while len(self._told) > _REMEMBERED:
            del self._told[next(iter(self._told))]

    def step(self, now_s: float) -> tuple[Image.Image, float]:
        """The picture at this instant (monotonic seconds), and after how many seconds the next one is due."""
        page = self._page(now_s)
        since_s = now_s - self._since_s
        image = frame(page, self._width, self._height, since_s, beat=int(now_s) % 2 == 0)
        return image, min(next_s(page, self._width, self._height, since_s), 1.0 - now_s % 1.0)

    def _page(self, now_s: float) -> Said:
        pages = self._pages or [Said("nothing", "")]
        where = next((at for at, page in enumerate(pages) if page.key == self._key), None)
        done = where is None or now_s - self._since_s >= duration_s(pages[where], self._width, self._height)
        if self._waiting and (done or self._interrupted is None):
            where = self._interrupt(pages, now_s)
        elif done and self._interrupted is not None:
            where = self._resume(pages, now_s)
        elif where is None:
            # What stood here is gone (or nothing stood): its place in the rotation is taken by what is there now.
            where = self._at % len(pages) if self._key is not None else 0
            self._turn(where, pages[where], now_s)
        elif done:
            where = (where + 1) % len(pages)
            self._turn(where, pages[where], now_s)
        self._at = where
        return pages[where]

    def _interrupt(self, pages: list[Said], now_s: float) -> int:
        if self._interrupted is None:
            self._interrupted = (self._key, self._at, now_s - self._since_s)
        key = self._waiting.pop(0)
        where = next(at for at, page in enumerate(pages) if page.key == key)
        self._turn(where, pages[where], now_s)
        return where

    def _resume(self, pages: list[Said], now_s: float) -> int:
        """The page that stood before an interruption, for the rest of its time."""
        assert self._interrupted is not None
        key, at, stood_s = self._interrupted
        self._interrupted = None
        where = next((i for i, page in enumerate(pages) if page.key == key), at % len(pages))
        self._turn(where, pages[where], now_s - stood_s if pages[where].key == key else now_s)
        return where

    def _turn(self, at: int, page: Said, now_s: float) -> None:
        self._at, self._key, self._since_s = at, page.key, now_s
