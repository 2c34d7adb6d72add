"""Decides what a chain shows while somebody looks whether it is wired and described rightly: dots, lines, numbers, letters. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec import Struct
from PIL import Image

from drivers.led_matrix import Ink
from wallboard.led.page import Said
from wallboard.led.scene import duration_s, frame
from wallboard.led.text import dark

LETTERS: Final = "ÁÉÍÓÚÜÑ áéíóúüñ ÃÕÇ ãõç ¿Sí? ¡No! 0123456789 ▲◆△◇✕▒"
#: Digits of three columns and five rows: two of them fit on a module.
_DIGITS: Final = {
    "0": "### #.# #.# #.# ###", "1": ".#. ##. .#. .#. ###", "2": "### ..# ### #.. ###", "3": "### ..# ### ..# ###",
    "4": "#.# #.# ### ..# ..#", "5": "### #.. ### ..# ###", "6": "### #.. ### #.# ###", "7": "### ..# ..# ..# ..#",
    "8": "### #.# ### #.# ###", "9": "### #.# ### ..# ###",
}  # fmt: skip
_BRIGHTNESS: Final = (0, 7, 20, 40, 70, 100)


class Step(Struct, frozen=True):
    """One thing to look at: what a person should see, the frames with the seconds that each stands, and a brightness if not the usual."""

    words: str
    frames: tuple[tuple[Image.Image, float], ...]
    percent: int | None = None


def steps(width: int, height: int, seconds: float, *, colours: bool = False) -> Iterator[Step]:
    """The walk, step by step; a step stands about so many seconds."""
    yield Step("every LED is lit", ((_filled(width, height, Ink.PLAIN), seconds),))
    yield Step("one row after the other, from the top", tuple((_rows(width, height, y), seconds / height) for y in range(height)))
    yield Step("one column after the other, from the left", tuple((_columns(width, height, x), 2 * seconds / width) for x in range(width)))
    words = "each module shows its number upright, 1 at the top left, counted along the rows; a dot marks its top left corner"
    yield Step(words, ((numbered(width, height), 2 * seconds),))
    if colours:
        for ink, colour in ((Ink.PLAIN, "white"), (Ink.LABEL, "dim blue"), (Ink.AMBER, "amber"), (Ink.RED, "red")):
            yield Step(f"all of it in {colour}", ((_filled(width, height, ink), seconds),))
    yield Step("letters with their accents, rolling to the left", tuple(_rolling(width, height, min(1.0, seconds))))
    for percent in _BRIGHTNESS:
        yield Step(f"brightness {percent} %", ((_said(f"{percent} %", width, height), seconds),), percent)


def numbered(width: int, height: int) -> Image.Image:
    """Every module of 8 × 8 with its number."""
    image = dark(width, height)
    across = width // 8
    for module in range(across * (height // 8)):
        row, column = divmod(module, across)
        text = str(module + 1)
        for at, digit in enumerate(text):
            left = 8 * column + (4 if len(text) == 1 else 4 * at + 1)
            for dy, line in enumerate(_DIGITS[digit].split(" ")):
                for dx, dot in enumerate(line):
                    if dot == "#":
                        image.putpixel((left + dx, 8 * row + 2 + dy), int(Ink.PLAIN))
        image.putpixel((8 * column, 8 * row), int(Ink.PLAIN))
    return image


def _filled(width: int, height: int, ink: Ink) -> Image.Image:
    return Image.new("L", (width, height), int(ink))


def _rows(width: int, height: int, y: int) -> Image.Image:
    image = dark(width, height)
    image.paste(int(Ink.PLAIN), (0, y, width, y + 1))
    return image


def _columns(width: int, height: int, x: int) -> Image.Image:
    image = dark(width, height)
    image.paste(int(Ink.PLAIN), (x, 0, x + 1, height))
    return image


def _said(text: str, width: int, height: int) -> Image.Image:
    return frame(Said("trial", text, ink=Ink.PLAIN), width, height, 0.0)


def _rolling(width: int, height: int, pace: float) -> Iterator[tuple[Image.Image, float]]:
    """The letters at a reading speed, or faster where somebody is in a hurry."""
    page = Said("trial", LETTERS, ink=Ink.PLAIN)
    step_s = 1 / 20
    for at in range(int(duration_s(page, width, height) / step_s) + 1):
        yield frame(page, width, height, at * step_s), pace * step_s
