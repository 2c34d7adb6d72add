"""Decides what a picture of an LED chain says, dot by dot against the box's own font: what a person in front of it would read. Pure."""

from __future__ import annotations

import io
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from PIL import Image

from wallboard.led.glyphs import GLYPHS, HEIGHT
from wallboard.led.text import GAP_PX

#: What stands there is no sign of ours, or is cut at an edge.
UNREAD: Final = "\ufffd"
_PITCH_PX: Final = 4
_LIT, _UNLIT, _BETWEEN = (255, 90, 60), (42, 18, 16), (12, 5, 5)
_SPACE_PX: Final = len(GLYPHS[" "][0])


def text_from(inks: bytes, width: int) -> str:
    """What one row of signs says; the corner dot that beats is no sign. Digits of double height are not read.

    >>> from wallboard.led.text import dark, draw
    >>> image = dark(64, 8)
    >>> draw(image, 2, 0, "En cola 12")
    >>> text_from(image.tobytes(), 64)
    'En cola 12'
    """
    columns = _columns(inks, width)
    out, x, blank, owed = "", 0, 0, 0
    while x < width:
        if not columns[x]:
            x, blank = x + 1, blank + 1
            continue
        sign, before_px, ink_px, after_px = next(_fitting(columns, x), (UNREAD, 0, _run_px(columns, x), 0))
        # Between two signs lies one gap, with a blank between them two and the blank itself.
        if out and blank - owed - before_px >= _SPACE_PX + 2 * GAP_PX:
            out += " "
        out += sign
        x, blank, owed = x + ink_px, 0, after_px
    return out


def png_from(inks: bytes, width: int) -> bytes:
    """The frame as a PNG, some pixels for each LED."""
    height = len(inks) // width
    small = Image.frombytes("L", (width, height), inks)
    lit = small.point([_BRIGHT if ink else _DIM for ink in range(256)])
    size = (width * _PITCH_PX, height * _PITCH_PX)
    shown = lit.resize(size, Image.Resampling.NEAREST)
    picture = Image.new("P", size)
    picture.putpalette([*_BETWEEN, *_UNLIT, *_LIT])
    picture.paste(shown)
    picture.paste(0, mask=_between(*size))
    with io.BytesIO() as file:
        picture.save(file, "PNG")
        return file.getvalue()


@lru_cache(maxsize=8)
def _between(width_px: int, height_px: int) -> Image.Image:
    """Where no LED is: the last pixel of each pitch."""
    mask = Image.new("L", (width_px, height_px))
    for x in range(_PITCH_PX - 1, width_px, _PITCH_PX):
        mask.paste(255, (x, 0, x + 1, height_px))
    for y in range(_PITCH_PX - 1, height_px, _PITCH_PX):
        mask.paste(255, (0, y, width_px, y + 1))
    return mask


_DIM, _BRIGHT = 1, 2


def _columns(inks: bytes, width: int) -> list[int]:
    """Each column of the lower eight rows as bits, the top row first."""
    height = len(inks) // width
    top = (height - HEIGHT) // 2
    columns = [0] * width
    for y in range(HEIGHT):
        row = inks[(top + y) * width : (top + y + 1) * width]
        for x, ink in enumerate(row):
            if ink:
                columns[x] |= 1 << y
    columns[-1] &= ~(1 << (height - 1 - top)) if top + HEIGHT >= height else columns[-1]
    return columns


def _fitting(columns: list[int], x: int) -> Iterator[tuple[str, int, int, int]]:
    """The signs that stand at this column, the widest first: sign, blank columns before, columns, blank columns after."""
    for sign, before_px, bits, after_px in _SIGNS:
        end = x + len(bits)
        if tuple(columns[x:end]) == bits and (end >= len(columns) or not columns[end]):
            yield sign, before_px, len(bits), after_px


def _run_px(columns: list[int], x: int) -> int:
    end = x
    while end < len(columns) and columns[end]:
        end += 1
    return end - x


def _signs() -> list[tuple[str, int, tuple[int, ...], int]]:
    out = []
    for sign, rows in GLYPHS.items():
        bits = [sum(1 << y for y, row in enumerate(rows) if x < len(row) and row[x] == "#") for x in range(len(rows[0]))]
        lit = [x for x, column in enumerate(bits) if column]
        if lit:
            out.append((sign, lit[0], tuple(bits[lit[0] : lit[-1] + 1]), len(bits) - 1 - lit[-1]))
    return sorted(out, key=lambda each: -len(each[2]))


_SIGNS: Final = _signs()
