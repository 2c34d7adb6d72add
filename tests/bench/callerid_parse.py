"""`parse.callerid`, `parse.modem`: caller-ID messages and a modem's day as bytes, through our parsers; beside a bare split of the same bytes.

A bare split knows nothing: it cuts at the line ends (or the wake-up bytes) and looks at no letter. The ratio is the price of knowing.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from gateway.fxo.message import PacketFeed, caller_from_packet
from gateway.fxo.modem_bytes import ModemFeed
from gateway.fxo.modem_call import CallerFeed
from tests.bench.room import Room
from tests.bench.table import Row, at_least, compared

_CHUNK = 64
_WAKE = b"\x55" * 30


def parse(room: Room) -> list[Row]:
    """CPU time of both on the same chunks, in turns."""
    dice = random.Random(5)
    calls = 2_000 if room.quick else 20_000
    rows = []
    for name, stream, ours, mark in (
        ("parse.callerid", _packets(dice, calls), _messages, _WAKE),
        ("parse.modem", _modem(dice, calls), _lines, b"\r\n"),
    ):
        chunks = [stream[at : at + _CHUNK] for at in range(0, len(stream), _CHUNK)]
        pairs = []
        for again in room.rounds(7):
            room.say(f"{name}, round {again + 1}: {len(stream) / 1e6:.1f} MB")
            ours_s, found = _timed(lambda ours=ours, chunks=chunks: ours(chunks))
            if found != calls:
                raise RuntimeError(f"{name}: {found} callers of {calls}")
            split_s, _ = _timed(lambda chunks=chunks, mark=mark: _split(chunks, mark))
            pairs.append((len(stream) / ours_s, len(stream) / split_s))
        rows.append(
            compared(name, "B/s", pairs, "a bare split of the same bytes", at_least(GOALS[name], "× bare split"), note=f"{calls} calls")
        )
    return rows


#: A bare split is one call of C for hundreds of bytes; the fastest line brings 11 520 bytes a second, which is far below either.
GOALS = {"parse.callerid": 0.02, "parse.modem": 0.02}


def _timed(work: Callable[[], int]) -> tuple[float, int]:
    start = time.process_time()
    count = work()
    return time.process_time() - start, count


def _messages(chunks: list[bytes]) -> int:
    feed, count = PacketFeed(), 0
    for chunk in chunks:
        for packet in feed.feed(chunk):
            count += caller_from_packet(packet).tells
    return count


def _lines(chunks: list[bytes]) -> int:
    feed, into, count = ModemFeed(), CallerFeed(), 0
    for chunk in chunks:
        for reading in feed.feed(chunk):
            for caller in into.feed(reading, 0):
                count += caller.tells
    return count + len(into.quiet())


def _split(chunks: list[bytes], mark: bytes) -> int:
    rest, count = b"", 0
    for chunk in chunks:
        *pieces, rest = (rest + chunk).split(mark)
        count += len(pieces)
    return count


def _packets(dice: random.Random, calls: int) -> bytes:
    out = []
    for _ in range(calls):
        number = str(dice.randrange(10**8, 10**9)).encode()
        body = b"\x01\x0811211403\x02" + bytes((len(number),)) + number + b"\x07\x0aANA TORRES"
        head = b"\x80" + bytes((len(body),)) + body
        out.append(_WAKE + head + bytes((-sum(head) % 256,)))
    return b"".join(out)


def _modem(dice: random.Random, calls: int) -> bytes:
    out = []
    for _ in range(calls):
        rows = f"DATE = 1121\r\nTIME = 1403\r\nNMBR = 0{dice.randrange(10**8, 10**9)}\r\nNAME = ANA TORRES\r\n"
        out.append("\r\nRING\r\n\r\n" + rows + "\r\nRING\r\n" * dice.randint(1, 4) + ("\x10H\x10h" if dice.random() < 0.8 else ""))
    return "".join(out).encode()
