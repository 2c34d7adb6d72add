"""Decides how a frame reaches MAX7219 modules: which module shows what, through luma.led_matrix over SPI, one cascade per chip select."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from drivers.led_fault import opening, sending
from drivers.led_matrix import checked_frame
from drivers.led_url import LedUrl

if TYPE_CHECKING:
    from PIL import Image

_log = logging.getLogger(__name__)


@contextmanager
def open_max7219(url: LedUrl, width: int, height: int) -> Iterator[Max7219]:
    """Open the modules; asleep afterwards. Raises UnpluggedError, UnsupportedError."""
    with ExitStack() as stack:
        band_px = height // len(url.selects)
        yield Max7219([stack.enter_context(_cascade(url, select, width, band_px)) for select in url.selects], url, (width, height))


@contextmanager
def _cascade(url: LedUrl, select: int, width: int, height: int) -> Iterator[Any]:
    with opening(url.text, f"/dev/spidev{url.port}.{select}"):
        import spidev  # type: ignore[import-not-found]  # noqa: F401, PLC0415 - luma would call its absence a device that does not answer
        from luma.core.error import DeviceNotFoundError  # type: ignore[import-untyped]  # noqa: PLC0415 - only where there is a chain
        from luma.core.interface.serial import noop, spi  # type: ignore[import-untyped]  # noqa: PLC0415
        from luma.led_matrix.device import max7219  # type: ignore[import-untyped]  # noqa: PLC0415

        try:
            serial = spi(port=url.port, device=select, gpio=noop(), bus_speed_hz=url.speed_hz)
        except DeviceNotFoundError as error:
            raise FileNotFoundError(2, "no such device") from error
        try:
            # No-ops, for a bus that takes nothing: luma keeps every device that ever was until the process ends, so none is made for it.
            serial.data([0, 0] * (width * height // 64))
            device = max7219(serial, width=width, height=height, block_orientation=url.orientation)
        except OSError:
            serial.cleanup()
            raise
    try:
        yield device
    finally:
        # A chain that was pulled cannot be put to sleep; its file is closed all the same.
        try:
            device.hide()
            device.clear()
        except OSError as error:
            _log.info("LED %s: left as it stood (%s)", url.text, error)
        with contextlib.suppress(OSError):
            serial.cleanup()
        device.persist = True  # luma's own farewell at exit would speak to a closed bus


class Max7219:
    """Modules of one colour; foreign faults become ours."""

    def __init__(self, cascades: list[Any], url: LedUrl, size: tuple[int, int]) -> None:
        self._cascades, self._url, self.size = cascades, url, size
        self._percent = 40

    def show(self, image: Image.Image) -> None:
        whole = arranged(checked_frame(image, self.size).point([0] + [255] * 255).convert("1"), self._url)
        width, height = self.size
        band_px = height // len(self._cascades)
        with sending(self._url.text, "frame"):
            for at, cascade in enumerate(self._cascades):
                cascade.display(whole.crop((0, at * band_px, width, (at + 1) * band_px)))

    def brightness(self, percent: int) -> None:
        self._percent = percent
        with sending(self._url.text, "brightness"):
            for cascade in self._cascades:
                cascade.contrast(round(max(0, min(100, percent)) * 255 / 100))

    def again(self) -> None:
        with sending(self._url.text, "set-up"):
            for cascade in self._cascades:
                const = cascade._const
                # None of these darkens a chip that is well: what it shows goes on standing.
                for command, value in ((const.SCANLIMIT, 7), (const.DECODEMODE, 0), (const.DISPLAYTEST, 0), (const.SHUTDOWN, 1)):
                    cascade.data([command, value] * cascade.cascaded)
        self.brightness(self._percent)


def arranged(image: Image.Image, url: LedUrl) -> Image.Image:
    """A 1-bit picture as its modules are wired, nearest first: here because luma turns single modules, but knows one row of them only."""
    if url.rotate == 2:
        image = image.rotate(180)
    if not (url.reverse or url.zigzag):
        return image
    width, height = image.size
    out = image.copy()
    for y in range(0, height, 8):
        row = image.crop((0, y, width, y + 8))
        if url.zigzag and y // 8 % 2 == 1:
            row = row.rotate(180)
        for x in range(0, width, 8):
            out.paste(row.crop((x, 0, x + 8, 8)), (width - 8 - x if url.reverse else x, y))
    return out
