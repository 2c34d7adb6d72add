"""Decides how one LED chain's picture reaches its device and whoever watches it over HTTP: the same image to all, only when it changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from wallboard.feed import sse
from wallboard.hub import Hub

if TYPE_CHECKING:
    from PIL import Image


class Sink(Protocol):
    """Where frames go: `drivers.led_matrix`."""

    def show(self, image: Image.Image) -> None:
        """Show a 1-bit image of the chain's size. Raises UnpluggedError when the device does not take it."""
        ...


class Picture(Struct, frozen=True):
    """A frame for pages and scripts: one text of 0 and 1 per pixel row, top first."""

    name: str
    width: int
    height: int
    rows: tuple[str, ...]


class Chain:
    """One LED chain: its size, its last image, its device and its watchers."""

    def __init__(self, name: str, sink: Sink, dark: Image.Image, *, simulated: bool) -> None:
        self.name, self.image, self.simulated = name, dark, simulated
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
        """The frame as rows of 0 and 1."""
        return Picture(self.name, self.width, self.height, tuple(rows_from(self.image)))

    def event(self) -> bytes:
        """The frame as a server-sent event."""
        return sse("frame", self.picture())


def rows_from(image: Image.Image) -> list[str]:
    """One text of 0 and 1 per pixel row of a 1-bit image, top first."""
    width, height = image.size
    pixels = image.convert("L").tobytes()
    return ["".join("1" if value else "0" for value in pixels[row * width : (row + 1) * width]) for row in range(height)]
