"""Decides what of a recorded analog line tells of people: callers' numbers and names, as text, tones and packets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from gateway.pbx.stand_in import Clean, StandIns

#: `NAME = ANA TORRES` of a modem, the display name of SIP, and what stands after a line monitor's number or its way.
_NAMES: Final = re.compile(
    r"""(?i)(?<=\bNAME)(\s*[=:]\s*)([^\r\n]+)|(")([^"\r\n]+)(?="\s*<sips?:)|((?<=M) +[\d*#()+-]{7,} +| I +(?![SE] ))([A-Z][^\r\n\^]*)"""
)
_TONES: Final = re.compile(r"(?:\x10[0-9]){6,}")
_DASHED: Final = re.compile(r"(?<![\d-])\d{3}-\d{3}-\d{4}(?![\d-])|(?<![\d-])\d{3}-\d{4}(?![\d-])")
_HEX: Final = re.compile(r"(?<![0-9A-Fa-f])(?:80|04)[0-9A-Fa-f]{18,600}(?![0-9A-Fa-f])")
_SECRET: Final = re.compile(r'(?i)\b(c?nonce|response|opaque)="([^"]*)"')
_PACKET: Final = re.compile(r"[\x80\x04]")
_SHORTEST: Final = 10
#: Parameters of a multiple-data message: of digits, and of letters.
_DIGITS_IN: Final = frozenset((2, 3, 4, 8, 16, 17, 18))
_NAMES_IN: Final = frozenset((7,))


def clean_line(stand_ins: StandIns) -> Clean:
    """For recordings of modems, of line monitors and of gateways (SIP)."""

    def clean(text: str) -> str:
        out, at = [], 0
        for begin, end in _packets(text):
            out += [between(text[at:begin]), _packet(text[begin:end], stand_ins)]
            at = end
        return "".join([*out, between(text[at:])])

    def between(text: str) -> str:
        out, at = [], 0
        for m in _HEX.finditer(text):
            out += [plain(text[at : m.start()]), _hex(m[0], stand_ins)]
            at = m.end()
        return "".join([*out, plain(text[at:])])

    def plain(text: str) -> str:
        text = _TONES.sub(lambda m: stand_ins.number(m[0]), text)
        text = _SECRET.sub(lambda m: f'{m[1]}="{"x" * len(m[2])}"', text)
        text = _NAMES.sub(lambda m: _named(m.groups(""), stand_ins), text)
        text = _DASHED.sub(lambda m: stand_ins.number(m[0]), text)
        return stand_ins.numbers(text)

    return clean


def _named(parts: tuple[str | Any, ...], stand_ins: StandIns) -> str:
    """What stood before a name, and another name."""
    return "".join(stand_ins.name(part) if at % 2 and part else part for at, part in enumerate(parts))


def clean_nothing(_: StandIns) -> Clean:
    """For recordings that tell of nobody: pins, and headsets (whose serial number was never written)."""
    return lambda text: text


def _packets(text: str) -> Iterator[tuple[int, int]]:
    """Where caller-ID packets stand as bytes."""
    at = 0
    while (m := _PACKET.search(text, at)) is not None:
        at = m.start()
        end = at + ord(text[at + 1]) + 3 if at + 1 < len(text) else len(text) + 1
        if end <= len(text) and end - at > _SHORTEST and sum(map(ord, text[at:end])) % 256 == 0:
            yield at, end
            at = end
        else:
            at += 1


def _hex(digits: str, stand_ins: StandIns) -> str:
    if len(digits) % 2:
        return digits
    packet = bytes.fromhex(digits).decode("latin-1")
    if ord(packet[1]) + 3 > len(packet) or sum(map(ord, packet[: ord(packet[1]) + 3])) % 256:
        return "0" * len(digits)  # damaged: nobody can say what it holds, and nobody reads it
    length = ord(packet[1]) + 3
    made = (_packet(packet[:length], stand_ins) + packet[length:]).encode("latin-1").hex()
    return made.upper() if digits.upper() == digits else made


def _packet(packet: str, stand_ins: StandIns) -> str:
    """One whole packet with other digits and letters, and a checksum that is right again."""
    head, body = packet[:2], packet[2:-1]
    if head[0] == "\x04":
        body = body[:8] + stand_ins.number(body[8:])
    else:
        at = 0
        while at + 2 <= len(body):
            end = at + 2 + ord(body[at + 1])
            value = body[at + 2 : end]
            if ord(body[at]) in _DIGITS_IN:
                value = stand_ins.number(value) if len(value) > 1 else value
            elif ord(body[at]) in _NAMES_IN:
                value = stand_ins.name(value)
            body, at = body[: at + 2] + value + body[end:], end
    return head + body + chr(-sum(map(ord, head + body)) % 256)
