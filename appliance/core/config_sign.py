"""Decides what the description of serial signs may not say: lines and addresses that are none or clash, times that hide figures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from appliance.core.config import Config, Sign
from appliance.core.config_rules import Finding
from appliance.core.slug import is_key, slug

_SCHEMES: Final = ("serial", "tcp", "rfc2217", "loop")
_HEX: Final = frozenset("0123456789ABCDEFabcdef")
#: Labels that a sign has for STRINGs bound what hangs on one line far less than the line's own speed does.
_MOST: Final = 32
ALL: Final = "00"


def findings_of_signs(config: Config) -> Iterator[Finding]:
    """Everything wrong with the signs."""
    lines: dict[str, dict[str, str]] = {}
    for name, sign in config.wallboard.sign.items():
        here = ("wallboard", "sign", name)
        if not is_key(name):
            what = f'"{name}" may hold only a-z, 0-9, ".", "_" and "-", at most 64 of them'
            yield Finding(here, what, f"write [wallboard.sign.{slug(name, 'x')}]")
        if sign.url.partition("://")[0] not in _SCHEMES or "://" not in sign.url:
            mend = 'write "serial:///dev/ttyUSB0?baud=9600&format=7E1" or "tcp://192.168.1.30:10001"'
            yield Finding((*here, "url"), f'"{sign.url}" is no line of a sign', mend)
        yield from _address(here, name, sign, lines.setdefault(sign.url, {}))
        if sign.repeat_s < 2 * sign.priority_s:
            what = f"repeat_s {sign.repeat_s:g} leaves the figures less time than what takes the sign over (priority_s {sign.priority_s:g})"
            yield Finding((*here, "repeat_s"), what, f"write repeat_s = {2 * sign.priority_s:g} or more")
    yield from _crowded(lines)


def _address(here: tuple[str, ...], name: str, sign: Sign, taken: dict[str, str]) -> Iterator[Finding]:
    """`taken`: the line's addresses and who has them; this one is added."""
    address = sign.address.upper()
    if len(address) != 2 or not _HEX.issuperset(address):
        yield Finding((*here, "address"), f'"{sign.address}" is no address', 'write two hex digits, "01" to "FF", or "00" for all')
        return
    other = taken.setdefault(address, name)
    if other != name:
        yield Finding((*here, "address"), f"sign {other} on the same line has the address {address} too", "give each sign its own")
    elif ALL in taken and len(taken) > 1:
        what = f"{taken[ALL]} speaks to all signs of the line, so to {next(each for each in taken.values() if each != taken[ALL])} too"
        yield Finding((*here, "address"), what, 'give each sign of a line its own address, "01" to "FF"')


def _crowded(lines: dict[str, dict[str, str]]) -> Iterator[Finding]:
    for url, taken in lines.items():
        if len(taken) > _MOST:
            last = list(taken.values())[-1]
            yield Finding(("wallboard", "sign", last, "url"), f"more than {_MOST} signs on {url}", "give some of them a line of their own")
