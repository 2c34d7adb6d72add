"""Decides how a frame reaches an LED chain: the driver that its URL names, or a twin that remembers its last image.

A frame holds an ink per pixel (mode "L", values of `Ink`): modules of one colour light whatever is not dark, colour LEDs shine in the
ink's colour. Chains glitch after hours (luma.led_matrix issues 108 and 150), so `again` sends the chips' set-up anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import TYPE_CHECKING, Protocol

from drivers.led_url import LedUrl, checked_url

if TYPE_CHECKING:
    from PIL import Image


class Ink(IntEnum):
    """What a pixel says; a state is never told by its ink alone."""

    DARK = 0
    PLAIN = 1
    LABEL = 2
    AMBER = 3
    RED = 4


class Matrix(Protocol):
    """An open chain."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        ...

    def show(self, image: Image.Image) -> None:
        """Show an image of inks of exactly this size. Raises UnpluggedError when the device does not take it."""
        ...

    def brightness(self, percent: int) -> None:
        """Set the brightness, 0 to 100. Raises UnpluggedError."""
        ...

    def again(self) -> None:
        """Send the chips' set-up anew; the picture stands meanwhile. Raises UnpluggedError."""
        ...


@contextmanager
def open_matrix(text: str, width: int, height: int) -> Iterator[Matrix]:
    """Open the chain that a URL names, of so many pixels; dark and closed afterwards.

    Raises MisconfiguredError for a bad URL or size, UnpluggedError when there is no such device, UnsupportedError without luma or spidev.
    """
    url = checked_url(text, width, height)
    if url.kind == "sim":
        if url.socket:
            from drivers.led_twin import open_twin_matrix  # noqa: PLC0415 - only where there is such a twin

            with open_twin_matrix(url, width, height) as twin:
                yield twin
            return
        yield SimMatrix(width, height)
        return
    with _opener(url)(url, width, height) as matrix:
        yield matrix


def _opener(url: LedUrl):  # type: ignore[no-untyped-def]
    if url.kind == "max7219":
        from drivers.led_max7219 import open_max7219  # noqa: PLC0415 - only where there is such a chain

        return open_max7219
    from drivers.led_colour import open_colour  # noqa: PLC0415

    return open_colour


class SimMatrix:
    """The twin of a chain: remembers its last image, its brightness and how many frames it was given."""

    def __init__(self, width: int, height: int) -> None:
        self._size = (width, height)
        self.image: Image.Image | None = None
        self.frames = 0
        self.percent = 40
        self.set_ups = 1

    @property
    def size(self) -> tuple[int, int]:
        return self._size

    def show(self, image: Image.Image) -> None:
        checked_frame(image, self._size)
        self.image = image.copy()
        self.frames += 1

    def brightness(self, percent: int) -> None:
        self.percent = percent

    def again(self) -> None:
        self.set_ups += 1


def checked_frame(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """The frame itself. Raises ValueError for one of another size or mode: a fault of ours."""
    if image.size != size or image.mode != "L":
        fault = f"a frame of {image.size} {image.mode} for a chain of {size} L"
        raise ValueError(fault)
    return image


def blocks_text(image: Image.Image) -> str:
    """A frame for a terminal: two pixel rows a line in half blocks, no colour, no trailing blanks lost."""
    width, height = image.size
    dots = image.tobytes()
    signs = " ▀▄█"
    lines = []
    for y in range(0, height, 2):
        upper = dots[y * width : (y + 1) * width]
        lower = dots[(y + 1) * width : (y + 2) * width] or bytes(width)
        lines.append("".join(signs[(1 if up else 0) + (2 if down else 0)] for up, down in zip(upper, lower, strict=True)))
    return "\n".join(lines)
