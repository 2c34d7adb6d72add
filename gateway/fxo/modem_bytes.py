"""Decides what the bytes of a voice modem mean: words, caller-ID tags, hex packets, cadences, shielded (DLE) events, noise. Pure.

Lines end in CR or LF or both. A damaged RING still rings: a word one letter away is taken for it. Whatever else cannot be read is `Noise`.
"""

from __future__ import annotations

import re
from typing import Final, Literal

from msgspec import Struct

from gateway.fxo.message import TYPES

DLE: Final = 0x10
#: A caller's name is 50 letters, a whole packet in hex 516.
MAX_LINE: Final = 600


class Ring(Struct, frozen=True):
    """One burst, at its beginning or its end. `sure` is False where the word was damaged."""

    sure: bool = True


class Cadence(Struct, frozen=True):
    """How long the bell rang (`on`) or was silent before, as told with +VDR."""

    on: bool
    ms: int


class Tag(Struct, frozen=True):
    """One line of formatted caller ID."""

    key: Literal["DATE", "TIME", "NMBR", "NAME", "MESG", "DDN"]
    value: bytes


class Packet(Struct, frozen=True):
    """A whole message, as told with +VCID=2."""

    raw: bytes


class Result(Struct, frozen=True):
    """The modem's answer to a command."""

    word: str

    @property
    def ok(self) -> bool:
        """Whether it did what it was told."""
        return self.word in ("OK", "VCON", "CONNECT")


class Shielded(Struct, frozen=True):
    """An event by its letter, sent behind DLE in voice mode."""

    code: str


class Text(Struct, frozen=True):
    """A line of letters with another meaning: the answer to ATI, an echo."""

    line: str


class Noise(Struct, frozen=True):
    """A line that cannot be read, or the rest of one that was too long."""

    size: int


Reading = Ring | Cadence | Tag | Packet | Result | Shielded | Text | Noise

#: What shielded letters mean, by V.253 and as chipsets have them. `l` is a line event: a break of loop current or a reversal.
SHIELDED: Final = {
    "R": "ring", "h": "on hook", "H": "off hook", "P": "off hook", "l": "line event", "b": "busy tone", "d": "dial tone",
    "a": "answer tone", "c": "fax tone", "e": "data tone", "s": "silence", "q": "quiet", "u": "underrun", "o": "overrun",
    "\x03": "end", "!": "end", "^": "end",
}  # fmt: skip

_RING: Final = Ring()
_WORDS: Final[dict[bytes, Reading]] = {
    b"RING": _RING,
    **{
        word.encode(): Result(word)
        for word in ("OK", "ERROR", "VCON", "CONNECT", "NO CARRIER", "BUSY", "NO DIALTONE", "NO DIAL TONE", "NO ANSWER")
    },
}
#: Distinctive ring: a letter or a number says which.
_LONGEST_RING: Final = 6
_RINGS: Final = re.compile(rb"RING[ :]?[A-H0-9]?")
_TAGS: Final[dict[bytes, Literal["DATE", "TIME", "NMBR", "NAME", "MESG", "DDN"]]] = {
    b"DATE": "DATE", b"TIME": "TIME", b"NMBR": "NMBR", b"NAME": "NAME", b"MESG": "MESG", b"DDN": "DDN", b"DDN_NMBR": "DDN",
}  # fmt: skip
_LONGEST_TAG: Final = 9
_CADENCES: Final = {b"DRON": True, b"DROF": False}
_HEX: Final = re.compile(rb"(?:55)*([0-9A-Fa-f]{8,})")
_ENDS: Final = re.compile(rb"[\r\n]+")


class ModemFeed:
    """Bytes in, split anywhere; readings out. `noise_bytes` counts what could not be read."""

    def __init__(self) -> None:
        self._rest = b""
        self._shielding = False
        self._too_long = False
        self.noise_bytes = 0

    def feed(self, data: bytes) -> list[Reading]:
        """The readings that these bytes complete."""
        out: list[Reading] = []
        if not self._shielding and DLE not in data:
            self._lines(data, out)
            return out
        while data:
            if self._shielding:
                self._shielding = False
                self._event(data[0], out)
                data = data[1:]
                continue
            text, dle, data = data.partition(b"\x10")
            self._lines(text, out)
            self._shielding = bool(dle)
        return out

    @property
    def holds(self) -> bool:
        """Whether a line has begun and not ended."""
        return bool(self._rest) or self._shielding

    @property
    def unread_bytes(self) -> int:
        """`noise_bytes`, and what has begun and may become some."""
        return self.noise_bytes + len(self._rest)

    def quiet(self) -> list[Reading]:
        """Nothing came for a while: a line without an end is one all the same, for its end may have been damaged."""
        out: list[Reading] = []
        if self._shielding:  # the letter was lost
            self._shielding = False
            self.noise_bytes += 1
            out.append(Noise(1))
        return out + (self.feed(b"\n") if self._rest else [])

    def _event(self, code: int, out: list[Reading]) -> None:
        letter = chr(code)
        if letter in SHIELDED:
            out.append(_RING if letter == "R" else Shielded(letter))
        elif letter in "0123456789*#ABCD":
            out.append(Shielded(letter))
        else:  # two in a row are a byte of sound, and nobody asked for sound
            self.noise_bytes += 2
            out.append(Noise(2))

    def _lines(self, data: bytes, out: list[Reading]) -> None:
        lines = _ENDS.split(self._rest + data)
        self._rest = lines.pop()
        for line in lines:
            if self._too_long:
                self._too_long = False
            elif line:
                reading = reading_from(line) if len(line) <= MAX_LINE else Noise(len(line))
                if reading is not None:
                    out.append(reading)
                    self.noise_bytes += reading.size if type(reading) is Noise else 0
        if len(self._rest) > MAX_LINE:
            self.noise_bytes += len(self._rest)
            if not self._too_long:
                out.append(Noise(len(self._rest)))
            self._rest, self._too_long = b"", True


def reading_from(line: bytes) -> Reading | None:
    """What one line means; None for one of blanks."""
    line = line.strip(b" \t\0")
    known = _WORDS.get(line)
    if known is not None or not line:
        return known
    told = _tag(line) if b"=" in line else _ring(line) if len(line) <= _LONGEST_RING else packet_from(line)
    if told is not None:
        return told
    return Text(line.decode()) if line.isascii() and line.decode().isprintable() else Noise(len(line))


def _ring(line: bytes) -> Ring | None:
    return _RING if _RINGS.fullmatch(line) else Ring(sure=False) if _near(line, b"RING") else None


def packet_from(text: bytes) -> Packet | None:
    """A message in hex, with or without the bytes of its wake-up; None for anything else."""
    found = _HEX.fullmatch(text)
    digits = found[1] if found else b""
    return Packet(bytes.fromhex(digits.decode())) if digits and not len(digits) % 2 and int(digits[:2], 16) in TYPES else None


def _tag(line: bytes) -> Reading | None:
    word, _, value = line.partition(b"=")
    word, value = word.strip().upper(), value.lstrip(b" ")
    tag = _TAGS.get(word)
    if tag is None and len(word) > _LONGEST_TAG:
        return None
    if tag is None and word in _CADENCES:
        return Cadence(_CADENCES[word], int(value) * 100) if value.isdigit() and len(value) <= 4 else Noise(len(line))
    if tag is None:
        near = [key for key in _TAGS if _near(word, key)]
        tag = _TAGS[near[0]] if len(near) == 1 else None
    return None if tag is None else Tag(tag, value)


def _near(word: bytes, known: bytes) -> bool:
    """Whether at most one letter was changed, lost or put in."""
    if word == known:
        return True
    short, long = sorted((word, known), key=len)
    if len(long) - len(short) > 1:
        return False
    at = next((i for i, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short))
    return short[at:] == long[at + 1 :] if len(short) < len(long) else short[at + 1 :] == long[at + 1 :]
