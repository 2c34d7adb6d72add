"""Decides what the configuration has each device file for: signs, LED chains, lamps, analog lines, call records."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from appliance.core.config import Config
from appliance.core.errors import CallfloorError
from drivers.gpio import place_from_url
from drivers.led_sign import sign_url
from drivers.led_url import led_url_from
from drivers.serial_url import serial_url

#: Stands for the board's own header, whichever chip that is.
HEADER: Final = "gpio:"


def uses_of(config: Config | None) -> Mapping[str, tuple[str, ...]]:
    """Path of a device file → what it is for (`sign strip`). A url that `callfloor check` complains of names none."""
    found: dict[str, tuple[str, ...]] = defaultdict(tuple)
    board = config.wallboard if config else None
    for where, use in _named(board.sign if board else {}, "sign", _serial):
        found[where] += (use,)
    for where, use in _named(board.led if board else {}, "led", lambda url: led_url_from(url).device):
        found[where] += (use,)
    for where, use in _named(board.beacon if board else {}, "beacon", _chip):
        found[where] += (use,)
    for kind, tables in (("lines", config.lines), ("smdr", config.smdr)) if config else ():
        for where, use in _named(tables, kind, _port):
            found[where] += (use,)
    return dict(found)


def _named(media: Mapping[str, object], kind: str, node: Callable[[str], str]) -> Iterator[tuple[str, str]]:
    for name, medium in media.items():
        try:
            where = node(str(getattr(medium, "url", "")))
        except (CallfloorError, ValueError):
            continue
        if where:
            yield where, f"{kind} {name}"


def _serial(url: str) -> str:
    line = sign_url(url)
    return line.place if line.scheme == "serial" else ""


def _port(url: str) -> str:
    if url.startswith("gpio:"):
        return _chip(url)
    line = serial_url(url, "port")
    return line.place if line.scheme == "serial" else ""


def _chip(url: str) -> str:
    place = place_from_url(url)
    if place is None:
        return ""
    return HEADER if place.chip is None else f"/dev/gpiochip{place.chip}"
