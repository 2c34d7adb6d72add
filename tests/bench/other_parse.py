"""`parse.monitor`, `.dtmf`, `.snmp`, `.ami`, `.hid`, `.alpha`: what else comes as bytes or words, through our parsers; beside a bare split.

A bare split knows nothing: it cuts the same bytes at their ends and looks at none of them. The ratio is the price of knowing.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from msgspec import Struct

from appliance.sim.headset_layout import JABRA_LIKE
from drivers.alpha_frame import Decoder
from gateway.asterisk.ami import Parser
from gateway.fxo.clip import DigitFeed
from gateway.fxo.gateway_row import poll_from_text
from gateway.fxo.monitor_record import MonitorFeed
from headsets.descriptor import parse as descriptor_from
from headsets.layout import layout_of
from headsets.report import split, values
from tests.bench.room import Room
from tests.bench.table import Row, at_least, compared

_CHUNK = 64


class _Kind(Struct, frozen=True):
    """What is read: pieces, how, what cuts them bare, how many things are in them, and the least ratio."""

    pieces: list[bytes]
    ours: Callable[[list[bytes]], int]
    mark: bytes
    count: int
    goal: float
    of: str


def parse(room: Room) -> list[Row]:
    """CPU time of both on the same pieces, in turns."""
    return [_row(room, name, kind) for name, kind in _kinds(random.Random(5), 500 if room.quick else 10_000).items()]


def _row(room: Room, name: str, kind: _Kind) -> Row:
    size = sum(map(len, kind.pieces))
    pairs = []
    for again in room.rounds(7):
        room.say(f"{name}, round {again + 1}: {size / 1e6:.1f} MB")
        began = time.process_time()
        found = kind.ours(kind.pieces)
        ours_s = time.process_time() - began
        if found != kind.count:
            raise RuntimeError(f"{name}: {found} of {kind.count}")
        began = time.process_time()
        for _ in range(10):
            _bare(kind.pieces, kind.mark)
        pairs.append((size / ours_s, size / max((time.process_time() - began) / 10, 1e-6)))
    return compared(name, "B/s", pairs, "a bare split of the same bytes", at_least(kind.goal, "× bare split"), note=kind.of)


def _bare(pieces: list[bytes], mark: bytes) -> int:
    rest, count = b"", 0
    for piece in pieces:
        *whole, rest = (rest + piece).split(mark)
        count += len(whole)
    return count


def _kinds(dice: random.Random, calls: int) -> dict[str, _Kind]:
    numbers = [f"0{dice.randrange(10**8, 10**9)}" for _ in range(calls)]
    monitor = "".join(
        f"{n % 8 + 1:02d} I S 0000 G A1 11/21 02:03 PM {number}   ANA TORRES\r\n{n % 8 + 1:02d} F 11/21 14:03:07\r\n"
        for n, number in enumerate(numbers)
    ).encode()
    dtmf = [f"A{number}D123456B10C".encode() for number in numbers]
    polls = [f"# snmp 0.020 0:hook={dice.choice(('on_hook', 'off_hook'))} 1:hook=on_hook 2:hook=nothing\n".encode() for _ in numbers]
    ami = b"".join(
        f"Event: QueueCallerJoin\r\nPrivilege: agent,all\r\nChannel: PJSIP/pstn-{n:08x}\r\nCallerIDNum: {number}\r\nCallerIDName: ANA\r\n"
        f"Queue: ventas\r\nPosition: 1\r\nCount: 1\r\nUniqueid: 1795.{n}\r\nLinkedid: 1795.{n}\r\n\r\n".encode()
        for n, number in enumerate(numbers)
    )
    sign = b"".join(b"\0\0\0\0\0\x01Z00\x02AA\x1b b" + f"ESPERAN {n % 100}".encode() + b"\x04" for n in range(calls))
    layout = layout_of(descriptor_from(JABRA_LIKE))
    key, length = next(iter(layout.in_bytes.items()))
    reports = [bytes((key, n % 2)).ljust(length + 1, b"\0") for n in range(calls)]
    return {
        "parse.monitor": _Kind(_cut(monitor), lambda pieces: _fed(MonitorFeed(), pieces), b"\r\n", 2 * calls, 0.01, f"{calls} calls"),
        "parse.dtmf": _Kind(dtmf, _digits, b"C", calls, 0.01, f"{calls} callers, digit by digit"),
        "parse.snmp": _Kind(polls, _polls, b" ", calls, 0.02, f"{calls} polls of three ports"),
        "parse.ami": _Kind(_cut(ami, 1460), _ami, b"\r\n", 3 * calls, 0.1, f"{calls} events, three headers of each taken"),
        "parse.alpha": _Kind(_cut(sign), lambda pieces: _fed(Decoder(), pieces), b"\x04", calls, 0.01, f"{calls} frames"),
        "parse.hid": _Kind(reports, lambda pieces: sum(bool(values(layout, *split(layout, each))) for each in pieces), b"\0", calls, 0.002,
                           f"{calls} reports"),
    }  # fmt: skip


def _cut(stream: bytes, chunk: int = _CHUNK) -> list[bytes]:
    return [stream[at : at + chunk] for at in range(0, len(stream), chunk)]


def _fed(parser: MonitorFeed | Decoder, pieces: list[bytes]) -> int:
    return sum(len(parser.feed(piece)) for piece in pieces)


def _digits(pieces: list[bytes]) -> int:
    count, now_ns = 0, 0
    for piece in pieces:
        feed = DigitFeed()
        for digit in piece.decode("ascii"):
            now_ns += 80_000_000
            count += feed.feed(digit, now_ns) is not None
    return count


def _polls(pieces: list[bytes]) -> int:
    return sum(poll_from_text(piece.decode("ascii")) is not None for piece in pieces)


def _ami(pieces: list[bytes]) -> int:
    parser = Parser()
    return sum(bool(message.get(key)) for piece in pieces for message in parser.feed(piece) for key in ("Event", "Queue", "Linkedid"))
