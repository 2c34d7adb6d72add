"""Decides how a 1-bit frame reaches an LED chain: MAX7219 over SPI through luma.led_matrix, or a twin that remembers its last image.

URLs: `spi:PORT.DEVICE?cascaded=8&rotate=0&orientation=-90&reverse=0&speed=1000000`; `sim:`. An option that is not known is a fault.
Chains glitch after hours (luma.led_matrix issues 108 and 150), so `again` sends the chip's set-up anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import parse_qsl, urlsplit

from msgspec import Struct

from appliance.core.errors import MisconfiguredError, UnpluggedError, UnsupportedError

if TYPE_CHECKING:
    from PIL import Image

_ORIENTATIONS: Final = (0, 90, -90, 180)
#: spidev's clock as luma accepts it; slow is safe for long chains (3.3 V logic, no shielding).
_SPEEDS_HZ: Final = (500_000, 1_000_000, 2_000_000, 4_000_000, 8_000_000)


class Matrix(Protocol):
    """An open chain."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        ...

    def show(self, image: Image.Image) -> None:
        """Show a 1-bit image of exactly this size. Raises UnpluggedError when the device does not take it."""
        ...

    def brightness(self, percent: int) -> None:
        """Set the brightness, 0 to 100."""
        ...

    def again(self) -> None:
        """Send the chips' set-up anew. Raises UnpluggedError."""
        ...


class SpiChain(Struct, frozen=True):
    """A chain as its URL describes it."""

    port: int = 0
    device: int = 0
    cascaded: int | None = None
    rotate: int = 0
    orientation: int = -90
    reverse: bool = False
    speed_hz: int = 1_000_000


def chain_from_url(url: str) -> SpiChain | None:
    """What an LED URL means; None for a simulated chain. Raises MisconfiguredError for anything else.

    >>> chain_from_url("spi:0.1?cascaded=8").device
    1
    """
    parts = urlsplit(url)
    if parts.scheme == "sim":
        return None
    if parts.scheme != "spi":
        fault = f'LED url "{url}": begins with "{parts.scheme or url}"; use spi:0.0?cascaded=8 or sim:'
        raise MisconfiguredError(fault)
    port, point, device = parts.path.strip("/").partition(".")
    if not (point and port.isdecimal() and device.isdecimal()):
        fault = f'LED url "{url}": name the port and the chip select as spi:0.0'
        raise MisconfiguredError(fault)
    return _with_options(SpiChain(int(port), int(device)), url, dict(parse_qsl(parts.query, keep_blank_values=True)))


def _with_options(chain: SpiChain, url: str, options: dict[str, str]) -> SpiChain:
    from msgspec.structs import replace  # noqa: PLC0415 - beside its one use

    names = {"cascaded": "cascaded", "rotate": "rotate", "orientation": "orientation", "reverse": "reverse", "speed": "speed_hz"}
    allowed = {"cascaded": range(1, 33), "rotate": range(4), "orientation": _ORIENTATIONS, "reverse": (0, 1), "speed": _SPEEDS_HZ}
    for key, text in options.items():
        if key not in names:
            fault = f'LED url "{url}": no option "{key}"; there are {", ".join(names)}'
            raise MisconfiguredError(fault)
        digits = text.removeprefix("-")
        if not digits.isdecimal() or int(text) not in allowed[key]:
            choice = allowed[key]
            said = f"{choice.start} to {choice.stop - 1}" if isinstance(choice, range) else ", ".join(map(str, choice))
            fault = f'LED url "{url}": {key}={text}; it may be {said}'
            raise MisconfiguredError(fault)
        chain = replace(chain, **{names[key]: bool(int(text)) if key == "reverse" else int(text)})
    return chain


def checked_chain(url: str, width: int, height: int) -> SpiChain | None:
    """What an LED URL means for a chain of so many pixels; None for a simulated one. Raises MisconfiguredError for a bad URL or size."""
    chain = chain_from_url(url)
    if width % 8 or height % 8 or not (8 <= width <= 256) or height not in {8, 16}:
        fault = f"LED {url}: {width} × {height} pixels; the width is a multiple of 8 up to 256, the height 8 or 16"
        raise MisconfiguredError(fault)
    if chain is not None and chain.cascaded is not None and chain.cascaded * 64 != width * height:
        fault = f"LED {url}: {chain.cascaded} modules of 8 × 8 are not {width} × {height} pixels; mend cascaded, width or height"
        raise MisconfiguredError(fault)
    return chain


@contextmanager
def open_matrix(url: str, width: int, height: int) -> Iterator[Matrix]:
    """Open the chain that a URL names, of so many pixels; dark and closed afterwards.

    Raises MisconfiguredError for a bad URL or size, UnpluggedError when there is no such SPI device, UnsupportedError without luma.
    """
    chain = checked_chain(url, width, height)
    if chain is None:
        yield SimMatrix(width, height)
        return
    device = _open_luma(chain, url, width, height)
    try:
        yield _Luma(device, url)
    finally:
        device.cleanup()


def _open_luma(chain: SpiChain, url: str, width: int, height: int) -> Any:
    try:
        from luma.core.error import DeviceNotFoundError  # type: ignore[import-untyped]  # noqa: PLC0415 - only where there is a chain
        from luma.core.interface.serial import noop, spi  # type: ignore[import-untyped]  # noqa: PLC0415
        from luma.led_matrix.device import max7219  # type: ignore[import-untyped]  # noqa: PLC0415
    except ImportError as error:
        fault = f"LED {url}: the package {error.name} is not installed; install callfloor[led]"
        raise UnsupportedError(fault) from error
    path = f"/dev/spidev{chain.port}.{chain.device}"
    try:
        serial = spi(port=chain.port, device=chain.device, gpio=noop(), bus_speed_hz=chain.speed_hz)
        return max7219(
            serial, width=width, height=height, rotate=chain.rotate, block_orientation=chain.orientation,
            blocks_arranged_in_reverse_order=chain.reverse,
        )  # fmt: skip
    except PermissionError as error:
        fault = f"LED {url}: no right to {path}; put this service's user in the group spi"
        raise UnpluggedError(fault) from error
    except (DeviceNotFoundError, OSError, ImportError) as error:
        fault = f"LED {url}: {path} does not answer ({error}); enable SPI, and look at the wiring"
        raise UnpluggedError(fault) from error


class _Luma:
    """A max7219 chain; foreign faults become ours."""

    def __init__(self, device: Any, url: str) -> None:
        self._device, self._url = device, url
        self._percent = 40

    @property
    def size(self) -> tuple[int, int]:
        return self._device.width, self._device.height

    def show(self, image: Image.Image) -> None:
        try:
            self._device.display(image)
        except OSError as error:
            fault = f"LED {self._url}: the chain took no frame ({error}); look at its wiring"
            raise UnpluggedError(fault) from error

    def brightness(self, percent: int) -> None:
        self._percent = percent
        try:
            self._device.contrast(round(max(0, min(100, percent)) * 255 / 100))
        except OSError as error:
            fault = f"LED {self._url}: the chain took no brightness ({error})"
            raise UnpluggedError(fault) from error

    def again(self) -> None:
        const, count = self._device._const, self._device.cascaded
        try:
            for command, value in ((const.SCANLIMIT, 7), (const.DECODEMODE, 0), (const.DISPLAYTEST, 0), (const.SHUTDOWN, 1)):
                self._device.data([command, value] * count)
        except OSError as error:
            fault = f"LED {self._url}: the chain took no set-up ({error})"
            raise UnpluggedError(fault) from error
        self.brightness(self._percent)


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
        if image.size != self._size or image.mode != "1":
            fault = f"a frame of {image.size} {image.mode} for a chain of {self._size}"
            raise ValueError(fault)
        self.image = image.copy()
        self.frames += 1

    def brightness(self, percent: int) -> None:
        self.percent = percent

    def again(self) -> None:
        self.set_ups += 1


def blocks_text(image: Image.Image) -> str:
    """A 1-bit image for a terminal: two pixel rows a line in half blocks, no colour, no trailing blanks lost."""
    width, height = image.size
    dots = image.convert("L").tobytes()
    signs = " ▀▄█"
    lines = []
    for y in range(0, height, 2):
        upper = dots[y * width : (y + 1) * width]
        lower = dots[(y + 1) * width : (y + 2) * width] or bytes(width)
        lines.append("".join(signs[(1 if up else 0) + (2 if down else 0)] for up, down in zip(upper, lower, strict=True)))
    return "\n".join(lines)
