"""Decides how frames reach an LED chain that somebody plays at a unix socket (`sim:/PATH`): what a rig looks at, and can pull.

Messages: the first is JSON with `width` and `height`; then `F` and a byte of ink per pixel, `B` and the brightness in percent, `S` for
the chips' set-up sent anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import msgspec

from drivers.led_matrix import checked_frame
from drivers.led_url import LedUrl
from drivers.twin_socket import TwinSocket, open_twin

if TYPE_CHECKING:
    from PIL import Image


class TwinMatrix:
    """The chain at a socket."""

    def __init__(self, twin: TwinSocket, width: int, height: int) -> None:
        self._twin, self._size = twin, (width, height)

    @property
    def size(self) -> tuple[int, int]:
        return self._size

    def show(self, image: Image.Image) -> None:
        self._twin.send(b"F" + checked_frame(image, self._size).tobytes())

    def brightness(self, percent: int) -> None:
        self._twin.send(bytes((ord("B"), percent)))

    def again(self) -> None:
        self._twin.send(b"S")


@contextmanager
def open_twin_matrix(url: LedUrl, width: int, height: int) -> Iterator[TwinMatrix]:
    """Open the chain. Raises UnpluggedError when nobody plays it."""
    with open_twin(url.text, url.socket, msgspec.json.encode({"width": width, "height": height})) as twin:
        yield TwinMatrix(twin, width, height)
