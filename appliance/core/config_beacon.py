"""Decides what the description of a stack light may not say: pins that do not exist, stand twice or belong to something else, bad hours."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from appliance.core.config import Beacon, Config
from appliance.core.config_rules import Finding
from appliance.core.slug import is_key, slug

LAMPS: Final = ("green", "amber", "red", "blue")
ROLES: Final = (*LAMPS, "buzzer", "button")
#: GPIO 0 and 1 read the identity chip of an add-on board at boot.
_RESERVED: Final = (0, 1)
#: The header's two SPI buses: MISO, MOSI and SCLK, and the chip selects in their order (spi:0.0 is 8, spi:0.1 is 7).
_SPI: Final = {"0": ((9, 10, 11), (8, 7)), "1": ((19, 20, 21), (18, 17, 16))}
_SPI_SCHEMES: Final = ("spi", "ws2812", "apa102")
#: Where `ws2812:pwm` sends its data.
_PWM: Final = 18
#: TXD and RXD of the header's serial port, under the names that it goes by.
_SERIAL: Final = (14, 15)
_HEADER_PORTS: Final = ("/dev/serial0", "/dev/ttyAMA0", "/dev/ttyS0")
_SCHEMES: Final = ("gpio", "sim")


def pin_number(pin: int | str | None) -> int | None:
    """The Broadcom number of a pin as the file writes it. Raises ValueError, in words, for a text that names none.

    >>> pin_number(17), pin_number("gpio:17"), pin_number(None)
    (17, 17, None)
    """
    if pin is None or isinstance(pin, int):
        return pin
    digits = pin.removeprefix("gpio:")
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= 2 and int(digits) <= 27):
        raise ValueError(f'"{pin}" is no pin of the header')
    return int(digits)


def findings_of_beacons(config: Config) -> Iterator[Finding]:
    """Everything wrong with the stack lights."""
    taken = {**dict(_spi_pins(config)), **dict(_serial_pins(config))}
    for name, beacon in config.wallboard.beacon.items():
        here = ("wallboard", "beacon", name)
        if not is_key(name):
            what = f'"{name}" may hold only a-z, 0-9, ".", "_" and "-", at most 64 of them'
            yield Finding(here, what, f"write [wallboard.beacon.{slug(name, 'x')}]")
        simulated = beacon.url.partition(":")[0] == "sim"
        if beacon.url.partition(":")[0] not in _SCHEMES or ":" not in beacon.url:
            yield Finding((*here, "url"), f'"{beacon.url}" is no place of pins', 'write "gpio:", or "sim:" for none')
        yield from _pins(here, beacon, {} if simulated else taken)
        yield from _wiring(here, beacon)
        yield from _quiet(here, beacon)
        yield from _scope(here, beacon, config)


def _pins(here: tuple[str, ...], beacon: Beacon, taken: dict[int, str]) -> Iterator[Finding]:
    """`taken`: pins and who has them; this beacon's are added."""
    for role in ROLES:
        try:
            pin = pin_number(getattr(beacon, role))
        except ValueError as fault:
            yield Finding((*here, role), str(fault), f'write {role} = 17, or {role} = "gpio:17" (2 to 27, Broadcom numbers)')
            continue
        if pin is None:
            continue
        if pin in _RESERVED:
            what = f"GPIO {pin} belongs to the identity chip of add-on boards"
            yield Finding((*here, role), what, "wire it to another pin, 2 to 27")
        elif pin in taken:
            yield Finding((*here, role), f"GPIO {pin} is taken already: {taken[pin]}", "wire it to another pin")
        else:
            taken[pin] = f"{here[-1]}, {role}"


def _spi_pins(config: Config) -> Iterator[tuple[int, str]]:
    for name, led in config.wallboard.led.items():
        whose = f"the LED chain {name} ({led.url})"
        scheme, _, place = led.url.partition("?")[0].partition(":")
        bus, _, selects = place.partition(".")
        if (scheme, place) == ("ws2812", "pwm"):
            yield _PWM, whose
        elif scheme in _SPI_SCHEMES and bus in _SPI:
            lines, chips = _SPI[bus]
            yield from ((pin, whose) for pin in lines)
            yield from ((pin, whose) for select, pin in enumerate(chips) if str(select) in selects.split(","))


def _serial_pins(config: Config) -> Iterator[tuple[int, str]]:
    for name, sign in config.wallboard.sign.items():
        if any(port in sign.url for port in _HEADER_PORTS):
            yield from ((pin, f"the sign {name} ({sign.url})") for pin in _SERIAL)


def _wiring(here: tuple[str, ...], beacon: Beacon) -> Iterator[Finding]:
    if all(getattr(beacon, role) is None for role in (*LAMPS, "buzzer")):
        yield Finding(here, "it has neither a lamp nor a buzzer", "write green = 17, amber = 27, red = 22 with the pins of your wiring")
    for index, lamp in enumerate(beacon.normally_closed):
        if getattr(beacon, lamp) is None:
            yield Finding((*here, "normally_closed", index), f"there is no {lamp} lamp", f"write {lamp} = 23 too, or take it out")


def _scope(here: tuple[str, ...], beacon: Beacon, config: Config) -> Iterator[Finding]:
    if beacon.queue is not None and beacon.group is not None:
        yield Finding((*here, "group"), "it looks at a queue and at a group", "leave one of the two")
    if beacon.group is not None and slug(beacon.group, "g") not in {slug(name, "g") for name in config.groups}:
        mend = f"write one of {', '.join(config.groups)}" if config.groups else "write a [groups.NAME] first"
        yield Finding((*here, "group"), f'there is no group "{beacon.group}"', mend)


def _quiet(here: tuple[str, ...], beacon: Beacon) -> Iterator[Finding]:
    for index, span in enumerate(beacon.quiet):
        try:
            minutes_of_span(span)
        except ValueError as fault:
            yield Finding((*here, "quiet", index), str(fault), 'write it as "22:00-07:00"')


def minutes_of_span(span: str) -> tuple[int, int]:
    """Begin and end of `HH:MM-HH:MM` in minutes of the day. Raises ValueError, in words.

    >>> minutes_of_span("22:00-07:00"), minutes_of_span("00:00-24:00")
    ((1320, 420), (0, 1440))
    """
    begin, dash, end = span.partition("-")
    first, last = _minutes(begin, 1439), _minutes(end, 1440)
    if not dash or first is None or last is None:
        raise ValueError(f'"{span}" is no span of hours')
    if first == last:
        raise ValueError(f'"{span}" is empty')
    return first, last


def _minutes(text: str, most: int) -> int | None:
    hour, _, minute = text.partition(":")
    if len(text) != 5 or len(hour) != 2 or not (text.isascii() and hour.isdecimal() and minute.isdecimal()):
        return None
    total = int(hour) * 60 + int(minute)
    return total if int(minute) < 60 and total <= most else None
