"""`parse.smdr`: a morning of twelve makes' printouts through splitter, profile and record, against a bare split of the same bytes at their ends."""

from __future__ import annotations

import time
from datetime import datetime

from gateway.smdr.line import Splitter
from gateway.smdr.moment import Dates
from gateway.smdr.reader import Reader
from gateway.smdr.shelf import profile
from tests.bench.room import Room
from tests.bench.table import Row, at_least, compared

_NOW = datetime(2026, 11, 21, 12, 0)  # noqa: DTZ001 - printed times have no zone
_PIECE = 64
#: One line of each make, as it prints them; `{n}` counts.
_LINES = {
    "panasonic": "11/21/26 10:03AM  1200 01 <I>09912{n:05d}            0'05 00:01'05 1234567890 TR",
    "avaya-ipoffice": "2026/11/21 10:03:00,00:01:05,5,09912{n:05d},I,200,200,,0,10{n:05d},0,E200,Ana,T9001,LINE 1.1,0,0,,,,,,,,,,,,,",
    "avaya-cm": "1003 0011 9  101     7001            09912{n:05d}".ljust(60),
    "mitel": " 11/21 10:03  00:01:05 T102   004 2000                      A 1402                    001",
    "nec": "PIN  10:03 11/21 001  00:01:05 2017       09912{n:05d}           08754",
    "nortel": "N 027 00 T010 011 2343 11/21 10:03 00:01:05 09912{n:05d}",
    "toshiba-ctx": "N 001 00 T001002 DN2021 11/21 10:03:05 00:01:05.0 09912{n:05d}",
    "hipath": "21.11.2610:03:05  1   10400:1200:01:0509912{n:05d}                         0 1",
    "samsung": "201 701 11/21 10:03:05 00:01:05 I 09912{n:05d} ANA LOPEZ",
    "lg": "0001 100 001 00:01:05 21/11/26 10:03 O09912{n:05d}",
    "asterisk": '"","09912{n:05d}","200","from-trunk","""ANA"" <09912{n:05d}>","PJSIP/pstn-0000001a","PJSIP/104-0000001b","Dial","PJSIP/104,20",'
    '"2026-11-21 10:00:00","2026-11-21 10:00:12","2026-11-21 10:01:12",72,60,"ANSWERED","DOCUMENTATION","1.{n}",""',
    "intertel": "TLD 01104 94002 09912{n:05d}                09:15 00:02:11 $01.25 1234",
}


def parse(room: Room) -> list[Row]:
    """CPU time of both on the same bytes, in turns."""
    printed = {name: "".join(line.format(n=n) + "\r\n" for n in range(400)).encode() for name, line in _LINES.items()}
    size = sum(map(len, printed.values()))
    pairs = []
    for again in room.rounds(7):
        room.say(f"round {again + 1}: {size / 1e6:.2f} MB")
        began = time.process_time()
        count = sum(_records(name, data) for name, data in printed.items())
        ours_s = time.process_time() - began
        began = time.process_time()
        for _ in range(10):
            bare = sum(map(_bare, printed.values()))
        bare_s = (time.process_time() - began) / 10
        if count != bare:
            raise RuntimeError(f"not the same work: {count} records of {bare} lines")
        pairs.append((size / ours_s, size / max(bare_s, 1e-6)))
    # Twelve serial lines at 115 200 baud bring 138 kB/s.
    return [compared("parse.smdr", "B/s", pairs, "a bare split of the same bytes", at_least(0.005, "× bare split"), note="twelve makes")]


def _records(name: str, data: bytes) -> int:
    splitter, reader = Splitter(), Reader(profile(name), Dates())
    count = 0
    for at in range(0, len(data), _PIECE):
        for text in splitter.feed(data[at : at + _PIECE]):
            count += len(reader.feed(text, _NOW))
    return count + len(reader.idle())


def _bare(data: bytes) -> int:
    """The same pieces cut at the line ends, and nothing looked at."""
    count, rest = 0, b""
    for at in range(0, len(data), _PIECE):
        *lines, rest = (rest + data[at : at + _PIECE]).split(b"\r\n")
        count += len(lines)
    return count
