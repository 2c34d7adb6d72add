"""Decides how WS2812 LEDs are told their colours: as a bit pattern on an SPI bus, or by the rpi_ws281x library on GPIO 18.

Both stand behind luma's `ws2812(dma_interface)`, which speaks the library's C functions by name. Over SPI each of a WS2812's bits is three
of the bus at 2.4 MHz (100 a zero: 0.42 µs high; 110 a one: 0.83 µs), as the library's own SPI mode has it; no root, and a Pi 5 can.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any, Final

from appliance.core.errors import MisconfiguredError

_SPEED_HZ: Final = 2_400_000
#: A WS2812B takes over what it was sent after 280 µs of low; some makes want it low beforehand too.
_RESET: Final = bytes(_SPEED_HZ * 300 // 8_000_000)
_BUFFER: Final = Path("/sys/module/spidev/parameters/bufsiz")
_THREEFOLD: Final = tuple(
    int("".join("110" if byte >> bit & 1 else "100" for bit in range(7, -1, -1)), 2).to_bytes(3, "big") for byte in range(256)
)


def strip_bytes(colours: list[int]) -> bytes:
    """The bits on the bus for these LEDs (0xRRGGBB each), green before red before blue, highest bit first, with the reset.

    >>> strip_bytes([0x00FF00])[len(_RESET):len(_RESET) + 4].hex()
    'db6db692'
    """
    body = b"".join(_THREEFOLD[rgb >> 8 & 255] + _THREEFOLD[rgb >> 16 & 255] + _THREEFOLD[rgb & 255] for rgb in colours)
    return _RESET + body + _RESET


class SpiStrip:
    """luma's `dma_interface` on a spidev; the names are the C library's.

    Raises MisconfiguredError when the kernel's buffer is smaller than a frame: a pause within would be a reset.
    """

    WS2811_STRIP_GRB = 0x00081000

    def __init__(self, port: int, select: int, leds: int) -> None:
        import spidev  # type: ignore[import-not-found]  # noqa: PLC0415 - only where there is a strip

        room, frame = _buffer_bytes(), len(strip_bytes([0] * leds))
        if frame > room:
            fault = (
                f"LED ws2812:{port}.{select}: {leds} LEDs are {frame} bytes in one go and the kernel takes {room}; "
                f"write spidev.bufsiz=65536 into /boot/firmware/cmdline.txt and start the box anew"
            )
            raise MisconfiguredError(fault)
        self._spi = spidev.SpiDev()
        self._spi.open(port, select)
        try:
            self._spi.max_speed_hz = _SPEED_HZ
            # A bus that takes nothing is found before there is a device: luma keeps every device that ever was until the process ends.
            self._spi.writebytes2(_RESET)
        except OSError:
            self._spi.close()
            raise
        self._colours = [0] * leds
        self._open = True

    def close(self) -> None:
        """Let go of the bus; what luma says afterwards goes nowhere."""
        self._open = False
        self._spi.close()

    def new_ws2811_t(self) -> SpiStrip:
        return self

    def ws2811_channel_get(self, leds: Any, number: int) -> SpiStrip:
        return self

    def ws2811_led_set(self, channel: Any, number: int, rgb: int) -> None:
        self._colours[number] = rgb

    def ws2811_render(self, leds: Any) -> int:
        if self._open:
            self._spi.writebytes2(strip_bytes(self._colours))
        return 0

    def ws2811_init(self, leds: Any) -> int:
        return 0

    def _nothing(self, *_: Any) -> None:
        """Pins, DMA and the library's own brightness mean nothing on this bus."""

    ws2811_channel_t_count_set = ws2811_channel_t_gpionum_set = ws2811_channel_t_invert_set = _nothing
    ws2811_channel_t_brightness_set = ws2811_channel_t_strip_type_set = ws2811_t_freq_set = ws2811_t_dmanum_set = _nothing
    ws2811_fini = delete_ws2811_t = _nothing


class GpioStrip:
    """The rpi_ws281x library on GPIO 18, closed once only: luma bids farewell again at exit, with a null pointer."""

    def __init__(self) -> None:
        import _rpi_ws281x  # type: ignore[import-not-found]  # noqa: PLC0415 - the library's own module, as luma takes it

        self._library = _rpi_ws281x
        self._leds: Any = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._library, name)

    def new_ws2811_t(self) -> Any:
        self._leds = self._library.new_ws2811_t()
        return self._leds

    def ws2811_led_set(self, channel: Any, number: int, rgb: int) -> None:
        if self._leds is not None:
            self._library.ws2811_led_set(channel, number, rgb)

    def ws2811_channel_t_brightness_set(self, channel: Any, value: int) -> None:
        if self._leds is not None:
            self._library.ws2811_channel_t_brightness_set(channel, value)

    def ws2811_render(self, leds: Any) -> int:
        return int(self._library.ws2811_render(leds)) if self._leds is not None else 0

    def close(self) -> None:
        """Let go of the library's memory and DMA channel."""
        leds, self._leds = self._leds, None
        if leds is not None:
            self._library.ws2811_fini(leds)
            self._library.delete_ws2811_t(leds)

    def ws2811_fini(self, leds: Any) -> None:
        self.close()

    def delete_ws2811_t(self, leds: Any) -> None:
        """Done by `close`."""


def _buffer_bytes() -> int:
    """What spidev sends without a pause: its module's bufsiz, 4096 unless set."""
    with contextlib.suppress(OSError, ValueError):
        return int(_BUFFER.read_text(encoding="ascii"))
    return 4096
