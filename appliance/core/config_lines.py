"""Decides what the description of analog lines may not say: urls that are none, a line without a place, one port or pin twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from appliance.core.config import Config
from appliance.core.config_rules import Finding, _secret
from appliance.core.endpoint import endpoint_from_text
from appliance.core.fxo_gateway_config import FxoGatewayConfig
from appliance.core.line_config import LINES, LineKeys, LinesConfig
from appliance.core.slug import is_key, slug

_SERIAL: Final = ("serial", "tcp", "rfc2217", "loop")
_SCHEMES: Final = {"modem": _SERIAL, "monitor": (*_SERIAL, "udp"), "pins": ("gpio", "sim")}
_FORM: Final = 'write "serial:///dev/ttyUSB0?baud=115200" for a modem, "udp://0.0.0.0:3520" for a line monitor, "gpio:" for pins'
_PINS: Final = ("ring", "loop", "reversed", "battery")
_PROFILES: Final = ("v253", "usr", "conexant", "rockwell", "box")


def findings_of_lines(config: Config) -> Iterator[Finding]:
    """Everything wrong with the lines."""
    if LINES in config.pbx:
        yield Finding(("pbx", LINES), f'"{LINES}" stands for the analog lines of [lines.NAME]', "give the PBX another name")
    places: dict[str, str] = {}
    pins: dict[tuple[str, int], str] = {}
    owners: dict[str, str] = {}
    yield from _sip(config)
    for name, lines in config.lines.items():
        here = ("lines", name)
        if not is_key(name):
            what = f'"{name}" may hold only a-z, 0-9, ".", "_" and "-", at most 64 of them'
            yield Finding(here, what, f"write [lines.{slug(name, 'x')}]")
        for table in ("pbx", "smdr"):
            if name in getattr(config, table):
                yield Finding(here, f"[{table}.{name}] has the same name, and events are told by it", "give one of the two another name")
        if lines.gateway is not None:
            yield from _gateway(here, lines, lines.gateway, places)
        else:
            yield from _url(here, lines)
        if lines.sense == "pins":
            yield from _pins(here, lines, pins)
        elif lines.gateway is None and (other := places.setdefault(lines.url.partition("?")[0], name)) != name:
            yield Finding((*here, "url"), f"[lines.{other}] has this port already", "leave it with one of the two")
        yield from _lines(here, lines)
        for line in lines.lines(name):
            if (other := owners.setdefault(line, name)) != name:
                yield Finding(here, f'its line "{line}" has the name of one of [lines.{other}]', "give one of the two another name")
        yield from _groups(here, lines, config)


def _sip(config: Config) -> Iterator[Finding]:
    try:
        endpoint_from_text(config.sip.listen, 5060)
    except ValueError as fault:
        yield Finding(("sip", "listen"), f'"{config.sip.listen}": {fault}', 'write it as "0.0.0.0:5060"')


def _gateway(here: tuple[str, str], lines: LinesConfig, gateway: FxoGatewayConfig, places: dict[str, str]) -> Iterator[Finding]:
    path = (*here, "gateway")
    if lines.url or lines.kind not in (None, "gateway"):
        yield Finding((*here, "url"), "a gateway has an address and no url", "take url and kind out")
    if not gateway.address.strip():
        yield Finding((*path, "address"), "the address is empty", 'write the address of the gateway, such as address = "192.168.1.20"')
    if (other := places.setdefault(f"gateway {gateway.address}", here[1])) != here[1]:
        yield Finding((*path, "address"), f"[lines.{other}] is this gateway already", "put its lines into one table")
    polled = [key for key, one in lines.line.items() if one.port is not None]
    if polled and (gateway.make is None or gateway.snmp_file is None):
        lacks = "make" if gateway.make is None else "snmp_file"
        mend = "write make and snmp_file, or take port out of its lines"
        yield Finding(path, f"line {polled[0]} has a port to be polled, and {lacks} is missing", mend)
    yield from _secret((*path, "snmp_file"), gateway.snmp_file)
    for key in ("port", "user"):
        told = [value for one in lines.line.values() if (value := getattr(one, key)) is not None]
        if len(set(told)) < len(told):
            yield Finding((*here, "line"), f"two of its lines have one {key}", "each line has its own")


def _url(here: tuple[str, str], lines: LinesConfig) -> Iterator[Finding]:
    if lines.sense == "gateway":
        yield Finding(here, "the table gateway is missing", f'write [lines.{here[1]}.gateway] with address = "192.168.1.20"')
        return
    scheme = urlsplit(lines.url).scheme
    if scheme not in _SCHEMES[lines.sense] or (scheme not in ("gpio", "sim") and "://" not in lines.url):
        yield Finding((*here, "url"), f'"{lines.url}" is no place of a {lines.sense}', _FORM)
    if lines.sense == "modem" and lines.profile not in _PROFILES:
        yield Finding((*here, "profile"), f'there is no modem profile "{lines.profile}"', f"write one of {', '.join(_PROFILES)}")
    if lines.sense != "modem" and (lines.profile != "v253" or lines.packets):
        yield Finding((*here, "profile"), "profile and packets are for modems", "take them out")
    if lines.unit is not None and (lines.sense != "monitor" or len(lines.unit) != 12):
        yield Finding((*here, "unit"), f'"{lines.unit}" is no line monitor\'s number', "write its twelve hex digits, or take it out")
    if lines.silent_after_s is not None and lines.sense != "monitor":
        yield Finding((*here, "silent_after_s"), f"a {lines.sense} is asked by itself whether it is there", "take it out")


def _pins(here: tuple[str, str], lines: LinesConfig, taken: dict[tuple[str, int], str]) -> Iterator[Finding]:
    named = {key: pin for key in _PINS if (pin := getattr(lines, key)) is not None}
    if "ring" not in named and "loop" not in named:
        yield Finding(here, "neither the bell nor the loop has a pin", "write ring = 5, loop = 6 with the pins' Broadcom numbers")
    for key, pin in named.items():
        place = f"[lines.{here[1]}] {key}"
        if (other := taken.setdefault((lines.url, pin), place)) != place:
            yield Finding((*here, key), f"{other} has pin {pin} already", "a pin senses one thing")


def _lines(here: tuple[str, str], lines: LinesConfig) -> Iterator[Finding]:
    if lines.sense != "pins" and any(getattr(lines, key) is not None for key in _PINS):
        yield Finding(here, f"pins are not for a {lines.sense}", 'write url = "gpio:", or take them out')
    for path, keys in ((here, lines), *(((*here, "line", key), one) for key, one in lines.line.items())):
        if keys.answer_reversal and lines.reversed is None:
            mend = "sense it on the box's own pins (reversed = 13), or take it out"
            yield Finding((*path, "answer_reversal"), "nothing senses that the line is turned round", mend)
    tells_end = lines.loop is not None or lines.release_reversal or (lines.battery is not None and lines.cpc_ms is not None)
    if lines.sense == "pins" and lines.answer_reversal and lines.reversed is not None and not tells_end:
        mend = "write release_reversal = true where the line is turned back at the end, or sense its loop"
        yield Finding((*here, "answer_reversal"), "nothing tells when a call that was answered is over", mend)
    if not lines.has_many:
        if lines.line:
            yield Finding((*here, "line"), f"a {lines.sense} has one line", "write its keys into the table itself")
    elif not lines.line:
        yield Finding(here, "none of its lines is named", f"write [lines.{here[1]}.line.1] for each line that is wired")
    for key, one in lines.line.items():
        path = (*here, "line", key)
        if not is_key(key):
            yield Finding(path, f'"{key}" may hold only a-z, 0-9, ".", "_" and "-"', f"write [lines.{here[1]}.line.{slug(key, 'x')}]")
        at_gateway = one.port is not None or one.user is not None
        if lines.sense == "gateway" and not at_gateway:
            yield Finding(path, "nothing tells which of the gateway's lines it is", f'write user = "{here[1]}-{key}", port = 0, or both')
        elif lines.sense != "gateway" and (at_gateway or not one.parallel_phones):
            yield Finding(path, "port, user and parallel_phones are for a gateway's lines", "take them out")
        yield from _cadence(path, one)
    yield from _cadence(here, lines)
    if lines.sense == "monitor":
        yield from _numbers(here, lines)


def _numbers(here: tuple[str, str], lines: LinesConfig) -> Iterator[Finding]:
    numbers = Counter(number for key in lines.line if (number := lines.number_of(key)) is not None)
    for key in lines.line:
        path = (*here, "line", key)
        number = lines.number_of(key)
        if number is None:
            yield Finding(path, "nothing tells which of the device's lines it is", "write number = 1")
        elif numbers[number] > 1:
            yield Finding(path, f"line {number} of the device is named twice", "leave one of the two out")


def _cadence(path: tuple[str, ...], one: LineKeys) -> Iterator[Finding]:
    if one.ring_ms is not None and (not one.ring_ms or len(one.ring_ms) % 2):
        yield Finding((*path, "ring_ms"), "a bell rings and is silent in turns", "write ring_ms = [1000, 4000]")
    if one.cpc_ms is not None and one.cpc_ms[0] > one.cpc_ms[1]:
        yield Finding((*path, "cpc_ms"), "the least is longer than the most", f"write cpc_ms = [{one.cpc_ms[1]}, {one.cpc_ms[0]}]")


def _groups(here: tuple[str, str], lines: LinesConfig, config: Config) -> Iterator[Finding]:
    for path, one in ((here, lines), *(((*here, "line", key), one) for key, one in lines.line.items())):
        for key in ("queue", "trunk"):
            named: str | None = getattr(one, key)
            if named is not None and not is_key(named):
                yield Finding((*path, key), f'"{named}" may hold only a-z, 0-9, ".", "_" and "-"', f'write {key} = "{slug(named, "x")}"')
        if one.trunk is not None and (group := config.trunks.get(one.trunk)) is not None and group.pbx not in (None, LINES):
            yield Finding((*path, "trunk"), f"[trunks.{one.trunk}] is a group of [pbx.{group.pbx}]", "name a group of its own")
