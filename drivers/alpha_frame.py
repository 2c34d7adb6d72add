"""Decides where frames of the Alpha sign protocol begin and end, both ways, exactly: what was read is written again byte for byte.

`NUL… SOH type address STX command data [ETX [checksum]] … EOT` (form 9708-8061). A frame of several packets repeats
`STX command data ETX [checksum]`. What is irregular is kept as it stood. Pure, incremental, bounded.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from appliance.core.errors import CorruptError

NUL: Final = 0x00
SOH: Final = 0x01
STX: Final = 0x02
ETX: Final = 0x03
EOT: Final = 0x04
#: A sign finds the line's speed from at least five NULs.
NULS: Final = 5
#: No frame that a sign could hold is longer; what is longer is noise.
MAX_FRAME_BYTES: Final = 65_536
_NOISE_BYTES: Final = 4_096
#: Everything that bounds a packet.
_MARKS: Final = frozenset((SOH, STX, ETX, EOT))


class Packet(Struct, frozen=True):
    """One command: its letter and data, as between STX and ETX or EOT. `tail` is what stood after ETX (a checksum); None: no ETX."""

    body: bytes
    tail: bytes | None = None

    @property
    def checksum_ok(self) -> bool | None:
        """Whether the checksum is right; None where there is none."""
        return None if not self.tail else self.tail.upper() == checksum_of(self.body)


class Frame(Struct, frozen=True):
    """One transmission. `head` is type and address as they stood; `ended`: an EOT closed it (another beginning cuts a frame off)."""

    head: bytes
    packets: tuple[Packet, ...]
    nuls: int = NULS
    ended: bool = True

    @property
    def type(self) -> str:
        """The type of sign it is for, one character: `Z` all; `0` for an answer of a sign."""
        return self.head[:1].decode("latin-1")

    @property
    def address(self) -> str:
        """The address, two hex digits, `?` for any digit; `00` all."""
        return self.head[1:].decode("latin-1")

    @property
    def raw(self) -> bytes:
        """The frame as it stood on the wire, or as it is to be sent."""
        parts = [bytes(self.nuls), b"\x01", self.head]
        for packet in self.packets:
            parts += [b"\x02", packet.body]
            if packet.tail is not None:
                parts += [b"\x03", packet.tail]
        return b"".join([*parts, b"\x04" if self.ended else b""])


class Noise(Struct, frozen=True):
    """Bytes that belong to no frame."""

    raw: bytes


def checksum_of(body: bytes) -> bytes:
    """The sum of all bytes from STX to ETX, both included, as four hex digits.

    >>> checksum_of(b"Ga05:12")
    b'01AF'
    """
    return b"%04X" % ((STX + sum(body) + ETX) & 0xFFFF)


def frame_of(*bodies: bytes, address: str = "00", kind: str = "Z", checksum: bool = False) -> Frame:
    """A frame of one command, or of several nested ones. Raises CorruptError for a command that holds a framing byte.

    >>> frame_of(b"A0").raw.hex(" ")
    '00 00 00 00 00 01 5a 30 30 02 41 30 04'
    """
    nested = len(bodies) > 1
    for body in bodies:
        if not body or not _MARKS.isdisjoint(body):
            raise CorruptError(f"a sign's command {body[:20]!r} is empty or holds a framing byte (01H to 04H): take it out of the text")
    tails = [checksum_of(body) if checksum else b"" if nested else None for body in bodies]
    return Frame(f"{kind}{address}".encode("ascii"), tuple(map(Packet, bodies, tails)))


class Decoder:
    """Fed with bytes as they come; gives frames, and what stood between them. Never raises, never holds more than a frame.

    `raw` of all that is given, in order, and of what `close` gives at last, is what was fed.
    """

    def __init__(self) -> None:
        self._held = bytearray()
        #: Where SOH stands in what is held, None while no frame has begun.
        self._soh: int | None = None

    def feed(self, data: bytes) -> list[Frame | Noise]:
        """What became complete."""
        out: list[Frame | Noise] = []
        at = 0
        while at < len(data):
            at = self._idle(data, at, out) if self._soh is None else self._inside(data, at, out)
        return out

    def close(self) -> list[Frame | Noise]:
        """What is held, as no more is to come."""
        out: list[Frame | Noise] = []
        self._cut_off(out)
        return out

    def _idle(self, data: bytes, at: int, out: list[Frame | Noise]) -> int:
        """Hold what comes until a frame begins."""
        soh = data.find(SOH, at)
        end = min(len(data) if soh < 0 else soh, at + max(1, _NOISE_BYTES - len(self._held)))
        self._held += data[at:end]
        if end == soh:
            nuls = len(self._held) - len(self._held.rstrip(b"\0"))
            noise = bytes(self._held[: len(self._held) - nuls])
            if noise:
                out.append(Noise(noise))
            self._held = bytearray(nuls) + b"\x01"
            self._soh = nuls
            return soh + 1
        if len(self._held) >= _NOISE_BYTES:
            out.append(Noise(bytes(self._held)))
            self._held.clear()
        return end

    def _inside(self, data: bytes, at: int, out: list[Frame | Noise]) -> int:
        """Hold a frame until its end, or until another begins."""
        assert self._soh is not None
        eot, soh = data.find(EOT, at), data.find(SOH, at)
        ends = [place for place in (eot, soh) if place >= 0]
        end = min(ends, default=len(data))
        room = MAX_FRAME_BYTES - len(self._held)
        if end - at > room:
            out.append(Noise(bytes(self._held + data[at : at + room])))
            self._held.clear()
            self._soh = None
            return at + room
        self._held += data[at:end]
        if end == eot:
            out.append(_frame(bytes(self._held), self._soh, ended=True))
            self._held.clear()
            self._soh = None
            return end + 1
        if end == soh:
            # The NULs before it are the new one's.
            nuls = len(self._held) - len(self._held.rstrip(b"\0"))
            del self._held[len(self._held) - nuls :]
            self._cut_off(out)
            self._held = bytearray(nuls)
        return end

    def _cut_off(self, out: list[Frame | Noise]) -> None:
        held, soh = bytes(self._held), self._soh
        self._held.clear()
        self._soh = None
        if held:
            out.append(Noise(held) if soh is None else _frame(held, soh, ended=False))


def _frame(raw: bytes, nuls: int, *, ended: bool) -> Frame:
    head, *packets = raw[nuls + 1 :].split(b"\x02")
    return Frame(head, tuple(map(_packet, packets)), nuls, ended)


def _packet(raw: bytes) -> Packet:
    body, etx, tail = raw.partition(b"\x03")
    return Packet(body, tail if etx else None)


def records_from_bytes(data: bytes) -> list[Frame | Noise]:
    """All that stands in recorded bytes."""
    decoder = Decoder()
    return [*decoder.feed(data), *decoder.close()]
