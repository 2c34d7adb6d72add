"""Decides how a frame reaches colour LEDs (WS2812, APA102) through luma.led_matrix: which LED is which pixel, what colour an ink has, and
how bright the whole may be so that the supply holds.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from drivers.led_fault import opening, sending
from drivers.led_matrix import Ink, checked_frame
from drivers.led_url import LedUrl

if TYPE_CHECKING:
    from PIL import Image

_log = logging.getLogger(__name__)
Rgb = tuple[int, int, int]
#: Amber and red differ in lightness too; labels are a cool dim tone, so that the figures stand out without any state in it.
COLOURS: Final[dict[int, Rgb]] = {
    Ink.DARK: (0, 0, 0), Ink.PLAIN: (255, 255, 255), Ink.LABEL: (40, 120, 160), Ink.AMBER: (255, 150, 0), Ink.RED: (255, 0, 0),
}  # fmt: skip
#: A WS2812's supply current (data sheets of WS2812B): 20 mA a colour at full, about 1 mA dark.
_MA_PER_COLOUR: Final = 20.0
_MA_IDLE: Final = 1.0


@contextmanager
def open_colour(url: LedUrl, width: int, height: int) -> Iterator[Colour]:
    """Open the LEDs; dark afterwards. Raises UnpluggedError, UnsupportedError, MisconfiguredError."""
    with opening(url.text, url.device or "GPIO 18"):
        device, close = _APART[url.kind](url, width, height)
    try:
        yield Colour(device, url, (width, height))
    finally:
        try:
            device.clear()
        except (OSError, RuntimeError) as error:
            _log.info("LED %s: left as it stood (%s)", url.text, error)
        with contextlib.suppress(OSError):
            close()


def _apa102(url: LedUrl, width: int, height: int) -> tuple[Any, Any]:
    import spidev  # type: ignore[import-not-found]  # noqa: F401, PLC0415 - luma would call its absence a device that does not answer
    from luma.core.error import DeviceNotFoundError  # type: ignore[import-untyped]  # noqa: PLC0415
    from luma.core.interface.serial import noop, spi  # type: ignore[import-untyped]  # noqa: PLC0415
    from luma.led_matrix.device import apa102  # type: ignore[import-untyped]  # noqa: PLC0415

    try:
        serial = spi(port=url.port, device=url.selects[0], gpio=noop(), bus_speed_hz=url.speed_hz)
    except DeviceNotFoundError as error:
        raise FileNotFoundError(2, "no such device") from error
    try:
        serial.data([0, 0, 0, 0])  # as in led_max7219: a bus that takes nothing is found before there is a device
        device = apa102(serial, width=width, height=height, mapping=mapping_from(url, width, height))
    except OSError:
        serial.cleanup()
        raise
    device.contrast(255)  # 15 of 31: half the LED's current; brightness is in the colours

    def close() -> None:
        device.persist = True
        serial.cleanup()

    return device, close


def _ws2812(url: LedUrl, width: int, height: int) -> tuple[Any, Any]:
    from luma.led_matrix.device import ws2812  # noqa: PLC0415

    from drivers.led_strip import GpioStrip, SpiStrip  # noqa: PLC0415

    strip = GpioStrip() if url.kind == "ws2812-pwm" else SpiStrip(url.port, url.selects[0], width * height)
    try:
        device = ws2812(strip, width=width, height=height, mapping=mapping_from(url, width, height))
        device.contrast(255)  # brightness is in the colours
    except (OSError, RuntimeError):
        strip.close()
        raise
    return device, strip.close


_APART: Final = {"apa102": _apa102, "ws2812": _ws2812, "ws2812-pwm": _ws2812}


class Colour:
    """Colour LEDs; foreign faults become ours."""

    def __init__(self, device: Any, url: LedUrl, size: tuple[int, int]) -> None:
        self._device, self._url, self.size = device, url, size
        self._percent = 40
        self._frame: Image.Image | None = None

    def show(self, image: Image.Image) -> None:
        self._frame = checked_frame(image, self.size)
        self.again()

    def brightness(self, percent: int) -> None:
        self._percent = max(0, min(100, percent))
        self.again()

    def again(self) -> None:
        """These LEDs have no set-up: the frame itself is sent anew."""
        if self._frame is None:
            return
        with sending(self._url.text, "frame"):
            self._device.display(coloured(self._frame, self._percent, self._url.limit_ma, self._device.mode))


def coloured(image: Image.Image, percent: int, limit_ma: int, mode: str = "RGB") -> Image.Image:
    """A frame of inks in colours, no brighter than `percent`, and dimmer where the LEDs would draw more than `limit_ma`."""
    from PIL import Image as Images  # noqa: PLC0415 - a box without a chain needs no Pillow

    counts = image.histogram()
    full_ma = sum(counts[ink] * sum(rgb) / 255 * _MA_PER_COLOUR for ink, rgb in COLOURS.items())
    idle_ma = _MA_IDLE * image.width * image.height
    share = percent / 100
    if full_ma:
        share = min(share, max(0.0, limit_ma - idle_ma) / full_ma)
    bands = []
    for band in range(3):
        table = [int(COLOURS.get(ink, COLOURS[Ink.PLAIN])[band] * share) for ink in range(256)]
        bands.append(image.point(table))
    rgb = Images.merge("RGB", bands)
    return rgb if mode == "RGB" else rgb.convert(mode)


def mapping_from(url: LedUrl, width: int, height: int) -> list[int]:
    """For each pixel, row by row from the top left, the number of its LED on the strip.

    >>> from drivers.led_url import led_url_from
    >>> mapping_from(led_url_from("ws2812:0.0"), 3, 2)
    [0, 1, 2, 5, 4, 3]
    """
    panel = url.panel or width
    down, left = url.start.startswith("top"), url.start.endswith("left")
    out = []
    for row in range(height):
        for column in range(width):
            number, x = divmod(column if left else width - 1 - column, panel)
            y = row if down else height - 1 - row
            line, place, length = (y, x, panel) if url.path == "rows" else (x, y, height)
            if url.zigzag and line % 2 == 1:
                place = length - 1 - place
            out.append(number * panel * height + line * length + place)
    return out
