"""Decides what an LED chain shows: a board as pages, drawn dot by dot with our own font; pure, no device, no clock of its own.

Nothing is cut silently: a page that does not fit takes its short label, and what still does not fit rolls. With two rows the label
stands above its digits. On a stale figure the unit (or the label) blinks and the digits stand; an unknown one is a dash. Troubles come
first, and again between the figures.
"""

from __future__ import annotations

import unicodedata
from typing import Final

from msgspec import Struct
from PIL import Image

from wallboard.banner import Banner
from wallboard.board import Board
from wallboard.glyphs import GLYPHS, HEIGHT, MISSING
from wallboard.tile import Tile

DWELL_S: Final = 4.0
#: A reading speed for ten metres, one pixel a step; a rolling text rests at both ends.
ROLL_PX_PER_S: Final = 30.0
REST_S: Final = 1.0
_GAP_PX: Final = 1
_BETWEEN_PX: Final = 3
_SIGNS: Final = {"link": "▲", "pbx": "✕", "box": "◆", "clock": "◆"}
_LEVELS: Final = {"amber": "▲", "red": "◆", "none": ""}
#: A chain shows the headlines, down to the average speed of answer, in the board's order of importance.
_HEADLINES: Final = 9
#: While something is wrong it is said again after so many figures.
_FIGURES_BETWEEN: Final = 3


class Page(Struct, frozen=True):
    """One thing said: a label (with a shorter form), digits with their unit, or a text alone. `key` is its identity in the rotation."""

    key: str
    label: str
    short: str = ""
    digits: str = ""
    unit: str = ""
    blinks: bool = False


def dark(width: int, height: int) -> Image.Image:
    """A chain with no LED lit."""
    return Image.new("1", (width, height))


def glyph_text(text: str) -> str:
    """The text in signs that the font has: composed, on one line, whatever has no glyph marked as missing.

    >>> glyph_text("Atención\\n n\\u0303 \\u200b😀")
    'Atención ñ \ufffd'
    """
    flat = " ".join(unicodedata.normalize("NFC", text).split())
    signs = (sign for sign in flat if unicodedata.category(sign) not in {"Cf", "Mn", "Cc"})
    return "".join(sign if sign in GLYPHS else MISSING for sign in signs).strip()


def width_px(text: str) -> int:
    """Columns that a text takes, one blank column between two signs.

    >>> width_px("11:11") == width_px("88:88")
    True
    """
    return max(0, sum(len(GLYPHS[sign][0]) + _GAP_PX for sign in text) - _GAP_PX)


def draw(image: Image.Image, x_px: int, y_px: int, text: str) -> None:
    """Draw a text with its top left corner at (x, y); what lies outside the image is not drawn."""
    width, _ = image.size
    dots = image.load()
    assert dots is not None
    for sign in text:
        rows = GLYPHS[sign]
        if -len(rows[0]) < x_px < width:
            for dy, row in enumerate(rows):
                for dx, dot in enumerate(row):
                    if dot == "#" and 0 <= x_px + dx < width:
                        dots[x_px + dx, y_px + dy] = 1
        x_px += len(rows[0]) + _GAP_PX


def pages_from(board: Board) -> list[Page]:
    """The board as pages, in the order in which they are shown."""
    troubles = [page for banner in board.banners if banner.severe for page in _trouble(banner)]
    notices = [Page(f"notice.{notice.id}", glyph_text(notice.text)) for notice in board.announcements]
    figures = [_figure(tile) for page in board.pages[:1] for tile in page.tiles[:_HEADLINES]]
    if board.face == "closed":
        figures = [Page("closed", glyph_text(board.face_text))]
    if not troubles:
        return figures + notices
    out: list[Page] = []
    for at, page in enumerate(figures + notices):
        if at % _FIGURES_BETWEEN == 0:
            out += [Page(f"{trouble.key}.{at}", trouble.label, trouble.short) for trouble in troubles]
        out.append(page)
    return out


def _trouble(banner: Banner) -> list[Page]:
    sign = _SIGNS[banner.trouble]
    said = Page(f"{banner.trouble}.text", glyph_text(f"{sign} {banner.text}"), glyph_text(f"{sign} {banner.short}"))
    details = Page(f"{banner.trouble}.details", glyph_text(" · ".join(banner.details)))
    return [said, details] if banner.details else [said]


def _figure(tile: Tile) -> Page:
    digits = glyph_text(_LEVELS[tile.level] + tile.value)
    return Page(tile.key, glyph_text(tile.label), glyph_text(tile.short), digits, glyph_text(tile.unit), tile.fresh == "stale")


def duration_s(page: Page, width: int, height: int) -> float:
    """How long a page stands: long enough to read, and for a rolling one until its end was seen."""
    over_px = max((max(0, width_px(text) - width) for text in _texts(page, width, height)), default=0)
    return DWELL_S if over_px == 0 else 2 * REST_S + over_px / ROLL_PX_PER_S


def frame(page: Page, width: int, height: int, since_s: float, beat: bool = False) -> Image.Image:
    """The picture of one page, so many seconds after it came up: a 1-bit image of width × height.

    `beat` lights the corner pixel: a chain whose corner stands still is not alive.
    """
    image = Image.new("1", (width, height))
    dark = page.blinks and int(since_s * 2) % 2 == 1
    if not page.digits or _rolls_whole(page, width, height):
        text = _texts(page, width, height)[0]
        draw(image, _offset_px(text, width, since_s), (height - HEIGHT) // 2, text)
    else:
        label, digits, unit = _texts(page, width, height)[0], page.digits, page.unit
        tail_px = width_px(digits + unit)
        if height >= 2 * HEIGHT:
            if not (dark and not unit):
                draw(image, _offset_px(label, width, since_s), 0, label)
            start_px, y_px = (width - tail_px) // 2, height - HEIGHT
        else:
            if not (dark and not unit):
                draw(image, 0, 0, label)
            start_px, y_px = width - tail_px, 0
        draw(image, start_px, y_px, digits)
        if unit and not dark:
            draw(image, start_px + tail_px - width_px(unit), y_px, unit)
    if beat:
        image.putpixel((width - 1, height - 1), 1)
    return image


def _texts(page: Page, width: int, height: int) -> list[str]:
    """The texts of a page as they are drawn: the label in its longest form that fits beside its digits, or the whole as one text."""
    if not page.digits:
        return [page.label if width_px(page.label) <= width or not page.short else page.short]
    if height >= 2 * HEIGHT:
        return [page.label if width_px(page.label) <= width else page.short or page.label, page.digits + page.unit]
    if _rolls_whole(page, width, height):
        return [f"{page.short or page.label} {page.digits}{page.unit}"]
    return [page.label if _beside(page.label, page) <= width else page.short]


def _rolls_whole(page: Page, width: int, height: int) -> bool:
    if height >= 2 * HEIGHT:
        return width_px(page.digits + page.unit) > width
    return min(_beside(page.label, page), _beside(page.short or page.label, page)) > width


def _beside(label: str, page: Page) -> int:
    return width_px(label) + _BETWEEN_PX + width_px(page.digits + page.unit)


def _offset_px(text: str, width: int, since_s: float) -> int:
    over_px = width_px(text) - width
    if over_px <= 0:
        return 0
    return -min(over_px, max(0, int((since_s - REST_S) * ROLL_PX_PER_S)))


def moves(page: Page, width: int, height: int) -> bool:
    """Whether a page rolls, and so needs a frame per pixel step rather than two a second."""
    return any(width_px(text) > width for text in _texts(page, width, height))


class Show:
    """One chain's rotation: which page stands now, and since when. A page keeps its turn while its figures change."""

    def __init__(self, width: int, height: int) -> None:
        self._width, self._height = width, height
        self._key: str | None = None
        self._at = 0
        self._since_s = 0.0
        self._pages: list[Page] = []

    def tell(self, board: Board) -> None:
        """The board as it is now."""
        self._pages = pages_from(board)

    def step(self, now_s: float) -> tuple[Image.Image, float]:
        """The picture at this instant (monotonic seconds), and after how many seconds the next one is due."""
        page = self._page(now_s)
        since_s = now_s - self._since_s
        image = frame(page, self._width, self._height, since_s, beat=int(now_s) % 2 == 0)
        rolling = moves(page, self._width, self._height)
        return image, 1 / ROLL_PX_PER_S if rolling else 0.5 - now_s % 0.5

    def _page(self, now_s: float) -> Page:
        pages = self._pages or [Page("", "")]
        where = next((at for at, page in enumerate(pages) if page.key == self._key), None)
        if where is None:
            # What stood here is gone (or nothing stood): its place in the rotation is taken by what is there now.
            where = self._at % len(pages) if self._key is not None else 0
            self._turn(where, pages[where], now_s)
        elif now_s - self._since_s >= duration_s(pages[where], self._width, self._height):
            where = (where + 1) % len(pages)
            self._turn(where, pages[where], now_s)
        self._at = where
        return pages[where]

    def _turn(self, at: int, page: Page, now_s: float) -> None:
        self._at, self._key, self._since_s = at, page.key, now_s
