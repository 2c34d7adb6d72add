"""Decides what a well-shaped [wallboard.led.NAME] may still not say: an address, a size or hours that there are not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from appliance.core.config import Config, Led
from appliance.core.config_beacon import minutes_of_span
from appliance.core.config_rules import Finding

_SCHEMES: Final = ("sim", "spi", "ws2812", "apa102")


def findings_of_leds(config: Config) -> Iterator[Finding]:
    """Everything that is wrong with the LED chains."""
    for name, led in config.wallboard.led.items():
        yield from _led(("wallboard", "led", name), led)


def _led(here: tuple[str, ...], led: Led) -> Iterator[Finding]:
    scheme, colon, _ = led.url.partition(":")
    if scheme not in _SCHEMES or not colon:
        mend = 'write "sim:", "spi:0.0?cascaded=8", "ws2812:0.0" or "apa102:0.0"'
        yield Finding((*here, "url"), f'"{led.url}" is no LED chain\'s address', mend)
    if led.width % 8 or led.width > 256:
        yield Finding((*here, "width"), f"no chain is {led.width} pixels wide", "write a multiple of 8 up to 256")
    if led.height not in {8, 16}:
        yield Finding((*here, "height"), f"no chain is {led.height} pixels high", "write 8, or 16 for two rows")
    for index, span in enumerate(led.dim):
        try:
            minutes_of_span(span)
        except ValueError as fault:
            yield Finding((*here, "dim", index), str(fault), 'write it as "20:00-07:00"')
