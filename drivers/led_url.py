"""Decides what an LED chain's URL means, and whether it fits the picture that it shall show.

`spi:PORT.SELECT[,SELECT]` are MAX7219 modules, `ws2812:PORT.SELECT` and `apa102:PORT.SELECT` colour LEDs on an SPI bus, `ws2812:pwm`
colour LEDs on GPIO 18, `sim:` a twin, `sim:/PATH` one at a unix socket. An option that is not known is a fault.
"""

from __future__ import annotations

from typing import Final, Literal
from urllib.parse import parse_qsl, urlsplit

from msgspec import Struct
from msgspec.structs import replace

from appliance.core.errors import MisconfiguredError

Kind = Literal["sim", "max7219", "ws2812", "ws2812-pwm", "apa102"]
_KINDS: Final[dict[str, Kind]] = {"sim": "sim", "spi": "max7219", "ws2812": "ws2812", "apa102": "apa102"}
#: spidev's clock as luma accepts it; slow is safe for long chains (3.3 V logic, no shielding).
_SPEEDS_HZ: Final = ("500000", "1000000", "2000000", "4000000", "8000000")
_SWITCH: Final = ("0", "1")
_WHOLE: Final = tuple(map(str, range(1, 65)))
_MODULES: Final = {
    "cascaded": _WHOLE, "rotate": ("0", "2"), "orientation": ("0", "90", "-90", "180"), "reverse": _SWITCH, "zigzag": _SWITCH,
    "speed": _SPEEDS_HZ,
}  # fmt: skip
_STRIPS: Final = {
    "path": ("rows", "columns"), "start": ("top-left", "top-right", "bottom-left", "bottom-right"), "zigzag": _SWITCH,
    "panel": tuple(map(str, range(1, 257))), "ma": tuple(map(str, range(100, 60_001, 50))),
}  # fmt: skip
_OPTIONS: Final[dict[Kind, dict[str, tuple[str, ...]]]] = {
    "sim": {"colours": _SWITCH},
    "max7219": _MODULES,
    "ws2812": _STRIPS,
    "ws2812-pwm": _STRIPS,
    "apa102": _STRIPS | {"speed": _SPEEDS_HZ},
}
_FIELDS: Final = {"speed": "speed_hz", "ma": "limit_ma"}
_SWITCHES: Final = {"reverse", "zigzag", "colours"}
_WORDS: Final = {"path", "start"}


class LedUrl(Struct, frozen=True):
    """A chain as its URL describes it.

    MAX7219: `orientation` is how each module is turned, `reverse` that the first one is at the right, `zigzag` that the lower row runs
    back upside down, `rotate` 2 that the whole hangs upside down. Colour LEDs: `path`, `start` and `zigzag` say how the strip runs
    through each panel of `panel` columns, `limit_ma` what the supply gives. `socket`: where a twin of another process listens.
    """

    text: str
    kind: Kind
    port: int = 0
    selects: tuple[int, ...] = ()
    cascaded: int | None = None
    rotate: int = 0
    orientation: int = -90
    reverse: bool = False
    zigzag: bool = False
    speed_hz: int = 1_000_000
    path: str = "rows"
    start: str = "top-left"
    panel: int | None = None
    limit_ma: int = 2500
    colours: bool = False
    socket: str = ""

    @property
    def device(self) -> str:
        """The device file of its first chip select."""
        return f"/dev/spidev{self.port}.{self.selects[0]}" if self.selects else ""


def led_url_from(text: str) -> LedUrl:
    """What an LED URL means. Raises MisconfiguredError, with the mend.

    >>> led_url_from("spi:0.1?cascaded=8").selects
    (1,)
    """
    try:
        parts = urlsplit(text)
    except ValueError as error:
        raise MisconfiguredError(f'LED url "{text}": {error}; use spi:0.0?cascaded=8, ws2812:0.0, apa102:0.0 or sim:') from error
    kind = _KINDS.get(parts.scheme)
    if kind is None:
        fault = f'LED url "{text}": begins with "{parts.scheme or text}"; use spi:0.0?cascaded=8, ws2812:0.0, apa102:0.0 or sim:'
        raise MisconfiguredError(fault)
    colours = kind not in {"sim", "max7219"}
    bare = LedUrl(text, kind, zigzag=colours, colours=colours)
    if kind == "ws2812" and parts.path.strip("/") == "pwm":
        bare = replace(bare, kind="ws2812-pwm")
    elif kind == "sim":
        bare = replace(bare, socket=parts.path)
    else:
        port, selects = _place(text, parts.path.strip("/"))
        if len(selects) > 1 and kind != "max7219":
            fault = f'LED url "{text}": colour LEDs hang at one chip select; write {parts.scheme}:{port}.{selects[0]}'
            raise MisconfiguredError(fault)
        bare = replace(bare, port=port, selects=selects)
    return _with_options(bare, dict(parse_qsl(parts.query, keep_blank_values=True)))


def _place(text: str, place: str) -> tuple[int, tuple[int, ...]]:
    """Port and chip selects of `0.0`, or of `0.0,1` for two rows at a select each."""
    port, point, rest = place.partition(".")
    selects = rest.split(",")
    if not point or not all(each.isdecimal() for each in (port, *selects)):
        fault = f'LED url "{text}": name the port and the chip select as spi:0.0'
        raise MisconfiguredError(fault)
    if len(selects) > 2 or len({int(each) for each in selects}) < len(selects):
        fault = f'LED url "{text}": at most two chip selects, the upper row first: spi:0.0,1'
        raise MisconfiguredError(fault)
    return int(port), tuple(int(each) for each in selects)


def _with_options(url: LedUrl, options: dict[str, str]) -> LedUrl:
    allowed = _OPTIONS[url.kind]
    for key, said in options.items():
        if key not in allowed:
            fault = f'LED url "{url.text}": no option "{key}"; there are {", ".join(allowed)}'
            raise MisconfiguredError(fault)
        if said not in allowed[key]:
            choice = allowed[key]
            may = ", ".join(choice) if len(choice) < 9 else f"{choice[0]} to {choice[-1]} in steps of {int(choice[1]) - int(choice[0])}"
            fault = f'LED url "{url.text}": {key}={said}; it may be {may}'
            raise MisconfiguredError(fault)
        value = said if key in _WORDS else said == "1" if key in _SWITCHES else int(said)
        url = replace(url, **{_FIELDS.get(key, key): value})
    return url


def checked_url(text: str, width: int, height: int) -> LedUrl:
    """What an LED URL means for a picture of so many pixels. Raises MisconfiguredError for a bad URL, or when the two do not agree."""
    url = led_url_from(text)
    if width % 8 or height % 8 or not (8 <= width <= 256) or height not in {8, 16}:
        fault = f"LED {text}: {width} × {height} pixels; the width is a multiple of 8 up to 256, the height 8 or 16"
        raise MisconfiguredError(fault)
    if url.cascaded is not None and url.cascaded * 64 != width * height:
        fault = f"LED {text}: {url.cascaded} modules of 8 × 8 are not {width} × {height} pixels; mend cascaded, width or height"
        raise MisconfiguredError(fault)
    if len(url.selects) == 2 and height != 16:
        fault = f"LED {text}: two chip selects are two rows; write height = 16, or one chip select"
        raise MisconfiguredError(fault)
    if url.panel is not None and width % url.panel:
        fault = f"LED {text}: panels of {url.panel} columns do not fill {width}; mend panel or width"
        raise MisconfiguredError(fault)
    return url
