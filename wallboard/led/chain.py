"""Decides how one LED chain's picture reaches its device and whoever watches it over HTTP: the same image to all, only when it changed."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Final, Protocol

from msgspec import Struct

from drivers.led_colour import COLOURS
from drivers.led_matrix import Ink
from wallboard.stream.feed import sse
from wallboard.stream.hub import Hub

if TYPE_CHECKING:
    from PIL import Image


_BOARD: Final = (12, 5, 5)
_UNLIT: Final = (42, 18, 16)
_LIT: Final = (255, 90, 60)


class Sink(Protocol):
    """Where frames go: `drivers.led_matrix`."""

    def show(self, image: Image.Image) -> None:
        """Show an image of inks of the chain's size. Raises UnpluggedError when the device does not take it."""
        ...


class Picture(Struct, frozen=True):
    """A frame for pages and scripts: one text per pixel row, top first. 0 is dark, 1 lit; with `colours`, the ink's number."""

    name: str
    width: int
    height: int
    rows: tuple[str, ...]
    colours: bool = False


class Chain:
    """One LED chain: its size, its last image, its device and its watchers."""

    def __init__(self, name: str, sink: Sink, dark: Image.Image, *, simulated: bool, colours: bool = False) -> None:
        self.name, self.image, self.simulated, self.colours = name, dark, simulated, colours
        self.width, self.height = dark.size
        self.hub = Hub()
        self._sink = sink
        self._shown = b"-"

    def show(self, image: Image.Image) -> bool:
        """Show a frame; False when it is what already stands there. Raises UnpluggedError as the device does."""
        pixels = image.tobytes()
        if pixels == self._shown:
            return False
        self._sink.show(image)
        self.image, self._shown = image, pixels
        if len(self.hub):
            self.hub.send(self.event())
        return True

    def again(self) -> None:
        """Send the whole frame anew at the next show: a chain may have lost it to a glitch."""
        self._shown = b"-"

    def picture(self) -> Picture:
        """The frame as rows of digits."""
        return Picture(self.name, self.width, self.height, tuple(rows_from(self.image, colours=self.colours)), self.colours)

    def png(self) -> bytes:
        """The frame as it shines: a PNG, one round dot per LED."""
        with io.BytesIO() as file:
            as_it_shines(self.image, colours=self.colours).save(file, "PNG")
            return file.getvalue()

    def event(self) -> bytes:
        """The frame as a server-sent event."""
        return sse("frame", self.picture())


def rows_from(image: Image.Image, *, colours: bool = False) -> list[str]:
    """One text per pixel row of a frame, top first: 0 dark and 1 lit, or the inks' numbers."""
    width, height = image.size
    pixels = image.tobytes()
    return ["".join(str(ink if colours else min(ink, 1)) for ink in pixels[row * width : (row + 1) * width]) for row in range(height)]


def as_it_shines(image: Image.Image, *, colours: bool = False, pitch_px: int = 10) -> Image.Image:
    """A picture of the chain in the room: a dot of `pitch_px` for each LED, dark ones just visible; red modules, or each ink's colour."""
    from PIL import Image as Images  # noqa: PLC0415 - a box without a chain needs no Pillow
    from PIL import ImageDraw  # noqa: PLC0415

    width, height = image.size
    out = Images.new("RGB", (width * pitch_px, height * pitch_px), _BOARD)
    brush = ImageDraw.Draw(out)
    for at, ink in enumerate(image.tobytes()):
        y, x = divmod(at, width)
        edge_px = pitch_px * (0.06 if ink else 0.16)
        box = (x * pitch_px + edge_px, y * pitch_px + edge_px, (x + 1) * pitch_px - edge_px - 1, (y + 1) * pitch_px - edge_px - 1)
        brush.ellipse(box, fill=(COLOURS[Ink(ink)] if colours else _LIT) if ink else _UNLIT)
    return out
